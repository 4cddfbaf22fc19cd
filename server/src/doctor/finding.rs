//! What can be wrong, how bad it is, and how it is put right.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use crate::media::ReachWarning;

/// What is looked at, in the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Check {
    Ports,
    Media,
    Certificate,
    Address,
    Clock,
    Storage,
    Keys,
    Site,
    Limits,
}

impl Check {
    pub(super) const ALL: [Self; 9] = [
        Self::Ports,
        Self::Media,
        Self::Certificate,
        Self::Address,
        Self::Clock,
        Self::Storage,
        Self::Keys,
        Self::Site,
        Self::Limits,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ports => "ports",
            Self::Media => "media",
            Self::Certificate => "certificate",
            Self::Address => "address",
            Self::Clock => "clock",
            Self::Storage => "storage",
            Self::Keys => "keys",
            Self::Site => "site",
            Self::Limits => "limits",
        }
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    Ok,
    Warning,
    Failure,
}

impl Severity {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failure => "failure",
        }
    }
}

/// One thing that is wrong, or may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    PortTaken { protocol: &'static str, setting: &'static str, address: SocketAddr },
    PortNotPermitted { protocol: &'static str, setting: &'static str, address: SocketAddr },
    AddressNotHere { setting: &'static str, address: SocketAddr },
    PortFailed { protocol: &'static str, setting: &'static str, address: SocketAddr, reason: String },
    OtherVersionRuns { running: String },
    Reach(ReachWarning),
    AnnouncedPrivateElsewhere(IpAddr),
    Unencrypted,
    CertificateUnreadable { path: PathBuf, reason: String },
    KeyUnusable { path: PathBuf, reason: String },
    Expired { path: PathBuf, days: u64, by_acme: bool },
    NotYetValid { path: PathBuf },
    ExpiresSoon { path: PathBuf, days: u64, by_acme: bool },
    ChainOutOfOrder { path: PathBuf },
    ChainIncomplete { path: PathBuf },
    SelfSigned { path: PathBuf },
    NameNotCovered { name: String, names: Vec<String> },
    AcmePort { port: u16 },
    AcmeNoContact,
    AcmeRoot { reason: String },
    AcmeNothingYet { domains: Vec<String> },
    UrlPlain { url: String },
    UrlSilent { url: String, reason: String },
    UrlExpired { url: String },
    UrlNotYetValid { url: String },
    UrlWrongName { url: String, name: String },
    UrlUntrusted { url: String, reason: String },
    ClockBeforeBuild { days: u64 },
    ClockFarAhead { years: u64 },
    ClockSkew { seconds: u64, url: String },
    NoDataFolder,
    FolderUnusable { path: PathBuf, reason: String },
    LittleSpace { path: PathBuf, mebibytes: u64 },
    NoSpace { path: PathBuf, mebibytes: u64 },
    DatabaseLocked { path: PathBuf },
    DatabaseNewer { path: PathBuf },
    DatabaseBroken { path: PathBuf, reason: String },
    SecretReadable { path: PathBuf, mode: u32 },
    NoKeys,
    OpenToEverybody,
    WeakSecret { id: String },
    NoApiKey,
    NoSite,
    EmptySite { path: PathBuf },
    FewDescriptors { allowed: u64, wanted: u64 },
    SmallBuffer { setting: &'static str, bytes: u64, wanted: u64 },
}

impl Finding {
    pub(super) const fn check(&self) -> Check {
        match self {
            Self::PortTaken { .. }
            | Self::PortNotPermitted { .. }
            | Self::AddressNotHere { .. }
            | Self::PortFailed { .. }
            | Self::OtherVersionRuns { .. } => Check::Ports,
            Self::Reach(_) | Self::AnnouncedPrivateElsewhere(_) => Check::Media,
            Self::Unencrypted
            | Self::CertificateUnreadable { .. }
            | Self::KeyUnusable { .. }
            | Self::Expired { .. }
            | Self::NotYetValid { .. }
            | Self::ExpiresSoon { .. }
            | Self::ChainOutOfOrder { .. }
            | Self::ChainIncomplete { .. }
            | Self::SelfSigned { .. }
            | Self::NameNotCovered { .. }
            | Self::AcmePort { .. }
            | Self::AcmeNoContact
            | Self::AcmeRoot { .. }
            | Self::AcmeNothingYet { .. } => Check::Certificate,
            Self::UrlPlain { .. }
            | Self::UrlSilent { .. }
            | Self::UrlExpired { .. }
            | Self::UrlNotYetValid { .. }
            | Self::UrlWrongName { .. }
            | Self::UrlUntrusted { .. } => Check::Address,
            Self::ClockBeforeBuild { .. } | Self::ClockFarAhead { .. } | Self::ClockSkew { .. } => {
                Check::Clock
            }
            Self::NoDataFolder
            | Self::FolderUnusable { .. }
            | Self::LittleSpace { .. }
            | Self::NoSpace { .. }
            | Self::DatabaseLocked { .. }
            | Self::DatabaseNewer { .. }
            | Self::DatabaseBroken { .. }
            | Self::SecretReadable { .. } => Check::Storage,
            Self::NoKeys | Self::OpenToEverybody | Self::WeakSecret { .. } | Self::NoApiKey => Check::Keys,
            Self::NoSite | Self::EmptySite { .. } => Check::Site,
            Self::FewDescriptors { .. } | Self::SmallBuffer { .. } => Check::Limits,
        }
    }

    pub(super) const fn severity(&self) -> Severity {
        match self {
            Self::PortTaken { .. }
            | Self::PortNotPermitted { .. }
            | Self::AddressNotHere { .. }
            | Self::PortFailed { .. }
            | Self::Reach(ReachWarning::WrongFamily(_))
            | Self::CertificateUnreadable { .. }
            | Self::KeyUnusable { .. }
            | Self::Expired { .. }
            | Self::NotYetValid { .. }
            | Self::NameNotCovered { .. }
            | Self::AcmeRoot { .. }
            | Self::UrlSilent { .. }
            | Self::UrlExpired { .. }
            | Self::UrlNotYetValid { .. }
            | Self::UrlWrongName { .. }
            | Self::UrlUntrusted { .. }
            | Self::ClockBeforeBuild { .. }
            | Self::FolderUnusable { .. }
            | Self::NoSpace { .. }
            | Self::DatabaseLocked { .. }
            | Self::DatabaseNewer { .. }
            | Self::DatabaseBroken { .. }
            | Self::NoSite
            | Self::EmptySite { .. } => Severity::Failure,
            Self::OtherVersionRuns { .. }
            | Self::Reach(
                ReachWarning::OnlyLoopback
                | ReachWarning::OnlyPrivate
                | ReachWarning::PrivateAnnounced(_)
                | ReachWarning::NoEcho(_),
            )
            | Self::AnnouncedPrivateElsewhere(_)
            | Self::Unencrypted
            | Self::ExpiresSoon { .. }
            | Self::ChainOutOfOrder { .. }
            | Self::ChainIncomplete { .. }
            | Self::SelfSigned { .. }
            | Self::AcmePort { .. }
            | Self::AcmeNoContact
            | Self::AcmeNothingYet { .. }
            | Self::UrlPlain { .. }
            | Self::ClockFarAhead { .. }
            | Self::ClockSkew { .. }
            | Self::NoDataFolder
            | Self::LittleSpace { .. }
            | Self::SecretReadable { .. }
            | Self::NoKeys
            | Self::OpenToEverybody
            | Self::WeakSecret { .. }
            | Self::NoApiKey
            | Self::FewDescriptors { .. }
            | Self::SmallBuffer { .. } => Severity::Warning,
        }
    }

    /// What to write, or to run. A table with a row for each finding, which the compiler keeps complete: split up, it would be
    /// as long, and its rows harder to find.
    pub(super) fn fix(&self) -> String {
        match self {
            Self::PortTaken { protocol, setting, address } => {
                let kind = if *protocol == "UDP" { "u" } else { "t" };
                let port = address.port();
                format!(
                    "find who holds it with `ss -{kind}lnp 'sport = :{port}'`, or write another number: {setting}"
                )
            }
            Self::PortNotPermitted { setting, .. } => format!(
                "start it with the service file, which grants CAP_NET_BIND_SERVICE, or run `sudo sysctl -w \
                 net.ipv4.ip_unprivileged_port_start=80`, or write a {setting} above 1023"
            ),
            Self::AddressNotHere { setting, .. } => {
                format!(
                    "write {setting} = \"0.0.0.0\" (or \"::\"), and name an outside address under announce"
                )
            }
            Self::PortFailed { setting, .. } => format!("write another {setting}"),
            Self::OtherVersionRuns { .. } => "restart it: `systemctl restart visavis`".to_owned(),
            Self::Reach(warning) => reach_fix(*warning),
            Self::AnnouncedPrivateElsewhere(_) => {
                "write this machine's own address, or the outside one of its router: \
                announce = [\"203.0.113.7\"]"
                    .to_owned()
            }
            Self::Unencrypted => {
                "write acme_domains = [\"meet.example.org\"] and port = 443, or tls_certificate and \
                tls_key, or put a TLS proxy in front and name it under trusted_proxies"
                    .to_owned()
            }
            Self::CertificateUnreadable { .. } => {
                "write the file with the certificate and its chain in PEM: tls_certificate".to_owned()
            }
            Self::KeyUnusable { .. } => {
                "write the file with the key of this certificate in PEM: tls_key".to_owned()
            }
            Self::Expired { by_acme: true, .. } | Self::ExpiresSoon { by_acme: true, .. } => {
                "look into the server's log for why it is not renewed; port 443 must lead here".to_owned()
            }
            Self::Expired { by_acme: false, .. } | Self::ExpiresSoon { by_acme: false, .. } => {
                "renew it; the server reads the files again by itself".to_owned()
            }
            Self::NotYetValid { .. } => "set this machine's clock: `timedatectl set-ntp true`".to_owned(),
            Self::ChainOutOfOrder { .. } => {
                "put the site's certificate first, then each one's issuer, as in fullchain.pem".to_owned()
            }
            Self::ChainIncomplete { .. } => {
                "append the authority's intermediate certificates, or name fullchain.pem instead of cert.pem"
                    .to_owned()
            }
            Self::SelfSigned { .. } => {
                "write acme_domains instead of tls_certificate and tls_key, or have a certificate \
                issued by an authority that browsers trust"
                    .to_owned()
            }
            Self::NameNotCovered { name, .. } => {
                format!("have a certificate issued that is for {name}, too")
            }
            Self::AcmePort { .. } => {
                "write port = 443, or have your router pass TCP port 443 on to this port".to_owned()
            }
            Self::AcmeNoContact => "write acme_contact = [\"admin@example.org\"]".to_owned(),
            Self::AcmeRoot { .. } => "write a file with one certificate in PEM: acme_root".to_owned(),
            Self::AcmeNothingYet { domains } => format!(
                "start the server; {} must lead to this machine, and TCP port 443 must be open",
                domains.join(", ")
            ),
            Self::UrlPlain { .. } => "open the site over https".to_owned(),
            Self::UrlSilent { .. } => {
                "check its name in the DNS, the firewall, and that the server runs; then ask again".to_owned()
            }
            Self::UrlExpired { .. } => {
                "renew the certificate of whatever answers there, this server or a proxy in front of it"
                    .to_owned()
            }
            Self::UrlNotYetValid { .. } => {
                "set the clock of this machine, or of the one that issued it: `timedatectl set-ntp true`"
                    .to_owned()
            }
            Self::UrlWrongName { name, .. } => format!(
                "have a certificate issued for {name}, or name the address that it is for: --url"
            ),
            Self::UrlUntrusted { .. } => {
                "use the certificate of an authority that browsers trust, with its intermediate certificates; \
                where people trust one of your own, name it: `SSL_CERT_FILE=authority.pem visavis doctor`"
                    .to_owned()
            }
            Self::ClockBeforeBuild { .. } | Self::ClockFarAhead { .. } | Self::ClockSkew { .. } => {
                "have the clock kept right: `timedatectl set-ntp true`".to_owned()
            }
            Self::NoDataFolder => "write data_dir = \"/var/lib/visavis\"".to_owned(),
            Self::FolderUnusable { path, .. } => format!(
                "`sudo install -d -m 700 -o visavis {}`, or write another folder: data_dir",
                path.display()
            ),
            Self::LittleSpace { .. } | Self::NoSpace { .. } => {
                "make room, or write a folder on another disk: data_dir".to_owned()
            }
            Self::DatabaseLocked { .. } => {
                "stop the other server, or give each server a data_dir of its own".to_owned()
            }
            Self::DatabaseNewer { .. } => {
                "start the newer version again, or write another data_dir".to_owned()
            }
            Self::DatabaseBroken { path, .. } => format!(
                "stop the server, keep a copy, and bring a backup back; without one: `sqlite3 {} .recover`",
                path.display()
            ),
            Self::SecretReadable { path, .. } => format!("`chmod o-rwx {}`", path.display()),
            Self::NoKeys => "`visavis keys new`, and put what it prints into the settings file".to_owned(),
            Self::OpenToEverybody => {
                "take `open` away, run `visavis keys new`, and put what it prints into the settings file"
                    .to_owned()
            }
            Self::WeakSecret { .. } => {
                "`visavis keys new`, put what it prints behind this key, and take this one away later"
                    .to_owned()
            }
            Self::NoApiKey => {
                "write api = true under the [[keys]] that may open /api/v1, if any shall".to_owned()
            }
            Self::NoSite => {
                "use a release build, run `cargo xtask run` once, or name a folder: site".to_owned()
            }
            Self::EmptySite { .. } => "name the folder that index.html is in: site".to_owned(),
            Self::FewDescriptors { wanted, .. } => {
                format!(
                    "write LimitNOFILE={wanted} into the service, or run `ulimit -n {wanted}` before the start"
                )
            }
            Self::SmallBuffer { setting, wanted, .. } => format!("`sudo sysctl -w {setting}={wanted}`"),
        }
    }

    /// A word for programs.
    pub(super) fn id(&self) -> String {
        let debug = format!("{self:?}");
        let name: String = debug.chars().take_while(char::is_ascii_alphanumeric).collect();
        let mut id = String::with_capacity(name.len() + 4);
        for c in name.chars() {
            if c.is_ascii_uppercase() && !id.is_empty() {
                id.push('_');
            }
            id.push(c.to_ascii_lowercase());
        }
        id
    }
}

fn reach_fix(warning: ReachWarning) -> String {
    match warning {
        ReachWarning::OnlyLoopback => "write address = \"0.0.0.0\"".to_owned(),
        ReachWarning::OnlyPrivate => {
            "if people outside this network shall take part, write the outside address: \
            announce = [\"203.0.113.7\"]"
                .to_owned()
        }
        ReachWarning::WrongFamily(address) if address.is_ipv4() => {
            "write media_address = \"0.0.0.0\"".to_owned()
        }
        ReachWarning::WrongFamily(_) => "write media_address = \"::\"".to_owned(),
        ReachWarning::PrivateAnnounced(_) => {
            "write the outside address, unless everybody is in this network: announce".to_owned()
        }
        ReachWarning::NoEcho(address) => {
            format!("open UDP port {} in the firewall and the router", address.port())
        }
    }
}

impl fmt::Display for Finding {
    /// What is wrong: a table as [`Finding::fix`] is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PortTaken { protocol, address, .. } => {
                write!(f, "{protocol} {address} is held by another program, which is no Visavis")
            }
            Self::PortNotPermitted { protocol, address, .. } => {
                write!(f, "this user may not listen on {protocol} {address}")
            }
            Self::AddressNotHere { address, .. } => {
                write!(f, "{} is not an address of this machine", address.ip())
            }
            Self::PortFailed { protocol, address, reason, .. } => {
                write!(f, "{protocol} {address} cannot be listened on: {reason}")
            }
            Self::OtherVersionRuns { running } => {
                write!(f, "version {running} is running, and this is {}", env!("CARGO_PKG_VERSION"))
            }
            Self::Reach(warning) => warning.fmt(f),
            Self::AnnouncedPrivateElsewhere(address) => {
                write!(f, "{address} is announced, which is private and not this machine's own")
            }
            Self::Unencrypted => {
                f.write_str("the site speaks plain HTTP, and browsers give cameras to https only")
            }
            Self::CertificateUnreadable { path, reason } | Self::KeyUnusable { path, reason } => {
                write!(f, "{}: {reason}", path.display())
            }
            Self::Expired { path, days, .. } => {
                write!(f, "the certificate {} has expired {days} days ago", path.display())
            }
            Self::NotYetValid { path } => write!(f, "the certificate {} is not valid yet", path.display()),
            Self::ExpiresSoon { path, days, .. } => {
                write!(f, "the certificate {} expires in {days} days", path.display())
            }
            Self::ChainOutOfOrder { path } => {
                write!(f, "the certificates in {} are not in order", path.display())
            }
            Self::ChainIncomplete { path } => {
                write!(f, "the certificate of the issuer is missing in {}", path.display())
            }
            Self::SelfSigned { path } => {
                write!(f, "no browser trusts {}, which signed itself", path.display())
            }
            Self::NameNotCovered { name, names } => {
                write!(f, "the certificate is for {}, not for {name}", names.join(", "))
            }
            Self::AcmePort { port } => {
                write!(f, "ACME validates on port 443, and the site listens on {port}")
            }
            Self::AcmeNoContact => {
                f.write_str("the authority cannot write to anybody when something is wrong")
            }
            Self::AcmeRoot { reason } => write!(f, "acme_root cannot be used: {reason}"),
            Self::AcmeNothingYet { domains } => {
                write!(f, "there is no certificate for {} yet", domains.join(", "))
            }
            Self::UrlPlain { url } => write!(f, "{url} is not encrypted: browsers give no camera to it"),
            Self::UrlSilent { url, reason } => write!(f, "{url} does not answer as Visavis: {reason}"),
            Self::UrlExpired { url } => write!(f, "the certificate that {url} shows has expired"),
            Self::UrlNotYetValid { url } => write!(f, "the certificate that {url} shows is not valid yet"),
            Self::UrlWrongName { url, .. } => {
                write!(f, "the certificate that {url} shows is for another name")
            }
            Self::UrlUntrusted { url, reason } => {
                write!(f, "the certificate that {url} shows is not trusted: {reason}")
            }
            Self::ClockBeforeBuild { days } => {
                write!(f, "the clock is {days} days before this program was built")
            }
            Self::ClockFarAhead { years } => {
                write!(f, "the clock is {years} years after this program was built")
            }
            Self::ClockSkew { seconds, url } => {
                write!(f, "the clocks here and at {url} differ by {seconds} s")
            }
            Self::NoDataFolder => f.write_str("there is no data folder: nothing survives a restart"),
            Self::FolderUnusable { path, reason } => {
                write!(f, "nothing can be written into {}: {reason}", path.display())
            }
            Self::LittleSpace { path, mebibytes } | Self::NoSpace { path, mebibytes } => {
                write!(f, "only {mebibytes} MiB are free at {}", path.display())
            }
            Self::DatabaseLocked { path } => write!(f, "another program has {} open", path.display()),
            Self::DatabaseNewer { path } => write!(f, "{} was written by a newer version", path.display()),
            Self::DatabaseBroken { path, reason } => write!(f, "{} is damaged: {reason}", path.display()),
            Self::SecretReadable { path, mode } => {
                write!(f, "{} (mode {mode:03o}) is open to every user of this machine", path.display())
            }
            Self::NoKeys => f.write_str("no keys: people on this machine come in, nobody else"),
            Self::OpenToEverybody => f.write_str("no keys, and `open`: whoever reaches the server comes in"),
            Self::WeakSecret { id } => write!(f, "the secret of the key {id} can be guessed"),
            Self::NoApiKey => f.write_str("no key opens the API"),
            Self::NoSite => f.write_str("this program carries no site"),
            Self::EmptySite { path } => write!(f, "there is no index.html in {}", path.display()),
            Self::FewDescriptors { allowed, wanted } => {
                write!(f, "{allowed} open files are allowed, and full rooms need {wanted}")
            }
            Self::SmallBuffer { setting, bytes, wanted } => {
                write!(f, "{setting} is {bytes}, less than the {wanted} that bursts of media need")
            }
        }
    }
}
