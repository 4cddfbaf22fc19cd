//! Looks at the machine. Decides nothing and changes nothing.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::observation::{
    CertificateSeen, ClockSeen, DatabaseSeen, Encryption, KeysSeen, LimitsSeen, NoAnswer, Observations,
    PortSeen, PortState, SiteSeen, StorageSeen, UrlSeen,
};
use super::probe;
use crate::access::{Material, UnixSeconds};
use crate::config::{AcmeSettings, Config, Loaded, Origin, TlsSource};
use crate::control::{self, InspectError};
use crate::http::tls::{AcmeStorage, Facts, check_key};
use crate::media;

/// What a server holds open besides its participants.
const DESCRIPTORS_BESIDES: u64 = 512;
/// A secret with fewer different characters than this was not drawn at random.
const DIFFERENT_CHARACTERS_MIN: usize = 12;

pub(super) fn observe(loaded: &Loaded, url: Option<&Origin>) -> Observations {
    let config = &loaded.config;
    let (running, url) = ask(config, url);
    let local = media::local_addresses();
    Observations {
        ports: ports(config),
        running,
        reach: media::foresee(config),
        announced: config.announce.iter().map(|to| (to.address, local.contains(&to.address))).collect(),
        encryption: encryption(config),
        url,
        clock: ClockSeen { now: probe::now(), built_at: built_at() },
        storage: storage(config),
        keys: keys(config),
        readable_secrets: readable_secrets(loaded),
        site: site(config),
        limits: limits(config),
    }
}

fn ports(config: &Config) -> Vec<PortSeen> {
    let tcp = |setting, address: SocketAddr| {
        let state = state(TcpListener::bind(address).map(drop));
        PortSeen { protocol: "TCP", setting, address, state }
    };
    let udp = |shard: usize| {
        let port = usize::from(config.media_listen.port()) + shard;
        let port = if config.media_listen.port() == 0 { 0 } else { u16::try_from(port).unwrap_or(u16::MAX) };
        let address = SocketAddr::new(config.media_listen.ip(), port);
        let state = state(UdpSocket::bind(address).map(drop));
        PortSeen { protocol: "UDP", setting: "media_port", address, state }
    };
    let mut ports = vec![tcp("port", config.listen)];
    ports.extend(config.http_redirect.map(|address| tcp("http_redirect_port", address)));
    ports.extend((0..config.shards).map(udp));
    ports.extend(config.media_tcp.map(|media| tcp("media_tcp_port", media.address)));
    ports
}

fn state(bound: io::Result<()>) -> PortState {
    let Err(error) = bound else { return PortState::Free };
    if error.kind() == io::ErrorKind::AddrInUse {
        PortState::Taken
    } else if error.kind() == io::ErrorKind::PermissionDenied {
        PortState::NotPermitted
    } else if error.kind() == io::ErrorKind::AddrNotAvailable {
        PortState::NotThisMachine
    } else {
        PortState::Failed(error.to_string())
    }
}

/// Asks the site's own port, and the address that was named.
fn ask(config: &Config, url: Option<&Origin>) -> (Option<String>, Option<UrlSeen>) {
    let failed = |reason: String| url.map(|url| seen(url, Err(NoAnswer::Silent(reason))));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return (None, failed(error.to_string())),
    };
    runtime.block_on(async {
        let running = probe::ask_here(reachable(config.listen), config.tls.is_some()).await;
        let url = match url {
            Some(url) => {
                let (is_https, host, port) = parts(url);
                Some(seen(url, probe::ask(&host, port, is_https).await.map(|answer| answer.time)))
            }
            None => None,
        };
        (running.map(|answer| answer.version), url)
    })
}

/// Where something that listens there is reached from here.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn parts(url: &Origin) -> (bool, String, u16) {
    let text = url.as_str();
    let is_https = text.starts_with("https://");
    let authority = text.split_once("://").map_or("", |(_, authority)| authority);
    let has_port = authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']'));
    let own_port = if is_https { 443 } else { 80 };
    let (host, port) = match has_port {
        Some((host, port)) => (host, port.parse().unwrap_or(own_port)),
        None => (authority, own_port),
    };
    (is_https, host.trim_start_matches('[').trim_end_matches(']').to_owned(), port)
}

fn seen(url: &Origin, answer: Result<Option<UnixSeconds>, NoAnswer>) -> UrlSeen {
    let (is_https, host, _) = parts(url);
    UrlSeen { url: url.to_string(), host, is_https, answer }
}

fn encryption(config: &Config) -> Encryption {
    match &config.tls {
        None => Encryption::Plain {
            is_loopback: config.listen.ip().is_loopback(),
            has_proxy: !config.trusted_proxies.is_empty(),
        },
        Some(TlsSource::Files(files)) => {
            Encryption::Files(certificate(&files.certificate, &files.key, std::fs::read(&files.certificate)))
        }
        Some(TlsSource::Acme(settings)) => acme(config, settings),
    }
}

fn acme(config: &Config, settings: &AcmeSettings) -> Encryption {
    let storage =
        config.data_dir.as_ref().map(|folder| AcmeStorage::of(&folder.path, settings.directory.as_str()));
    let kept = storage.and_then(|storage| {
        let path = storage.certificate_path();
        path.exists().then(|| certificate(&path, &path, std::fs::read(&path)))
    });
    let root = settings.root.as_ref().map_or(Ok(()), |root| {
        let pem = std::fs::read(root).map_err(|error| format!("{}: {error}", root.display()))?;
        crate::http::tls::check_root(&pem).map_err(|reason| format!("{}: {reason}", root.display()))
    });
    Encryption::Acme {
        domains: settings.domains.iter().map(|name| name.as_str().to_owned()).collect(),
        has_contact: !settings.contact.is_empty(),
        port: config.listen.port(),
        root,
        kept,
    }
}

fn certificate(path: &Path, key_path: &Path, chain: io::Result<Vec<u8>>) -> CertificateSeen {
    let facts = match &chain {
        Ok(chain) => Facts::read(chain).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let key = std::fs::read(key_path).map_err(|error| error.to_string()).and_then(|key| {
        let chain = chain.as_deref().unwrap_or_default();
        check_key(chain, &key).map_err(|error| error.to_string())
    });
    CertificateSeen { path: path.to_owned(), key_path: key_path.to_owned(), facts, key }
}

/// When the source was committed, or at least when the program was written to this disk.
fn built_at() -> Option<UnixSeconds> {
    if let Some(seconds) = option_env!("VISAVIS_BUILT_AT").and_then(|seconds| seconds.parse().ok()) {
        return Some(UnixSeconds(seconds));
    }
    let written: SystemTime = std::fs::metadata(std::env::current_exe().ok()?).ok()?.modified().ok()?;
    Some(UnixSeconds::of(written))
}

fn storage(config: &Config) -> StorageSeen {
    let Some(folder) = &config.data_dir else { return StorageSeen::None };
    // What is not there yet is made in the nearest folder that is.
    let there = std::path::absolute(&folder.path).unwrap_or_else(|_| folder.path.clone());
    let nearest = there.ancestors().find(|path| path.exists()).unwrap_or(&there);
    let database = match control::inspect(&folder.path) {
        Ok(false) => DatabaseSeen::Absent,
        Ok(true) => DatabaseSeen::Sound,
        Err(InspectError::Locked) => DatabaseSeen::Locked,
        Err(InspectError::Newer) => DatabaseSeen::Newer,
        Err(error @ (InspectError::Damaged(_) | InspectError::Sqlite(_))) => {
            DatabaseSeen::Broken(error.to_string())
        }
    };
    StorageSeen::Folder {
        path: folder.path.clone(),
        writable: writable(nearest),
        free_bytes: free_bytes(nearest),
        database,
    }
}

fn writable(folder: &Path) -> Result<(), String> {
    if !folder.is_dir() {
        return Err("it is no folder".to_owned());
    }
    #[cfg(unix)]
    {
        use rustix::fs::{Access, access};
        let all = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
        access(folder, all).map_err(|error| io::Error::from(error).to_string())
    }
    #[cfg(not(unix))]
    {
        let metadata = folder.metadata().map_err(|error| error.to_string())?;
        if metadata.permissions().readonly() { Err("it is read-only".to_owned()) } else { Ok(()) }
    }
}

#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
const fn free_bytes(_: &Path) -> Option<u64> {
    None
}

fn keys(config: &Config) -> KeysSeen {
    let is_weak = |material: &Material| match material {
        Material::Secret(secret) => {
            let mut different = secret.to_vec();
            different.sort_unstable();
            different.dedup();
            different.len() < DIFFERENT_CHARACTERS_MIN
        }
        Material::Private { .. } | Material::Public(_) => false,
    };
    let all = config.keys.keys();
    KeysSeen {
        count: all.len(),
        is_open: config.open,
        weak: all.iter().filter(|key| is_weak(&key.material)).map(|key| key.id.to_string()).collect(),
        has_api: all.iter().any(|key| key.api),
    }
}

/// Files with secrets that every user of the machine can read or change.
fn readable_secrets(loaded: &Loaded) -> Vec<(PathBuf, u32)> {
    let config = &loaded.config;
    let mut paths = loaded.secret_files.clone();
    match &config.tls {
        Some(TlsSource::Files(files)) => paths.push(files.key.clone()),
        Some(TlsSource::Acme(_)) | None => {}
    }
    paths.extend(config.data_dir.as_ref().map(|folder| folder.path.clone()));
    paths.into_iter().filter_map(|path| open_to_others(&path).map(|mode| (path, mode))).collect()
}

#[cfg(unix)]
fn open_to_others(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o007 != 0).then_some(mode)
}

#[cfg(not(unix))]
const fn open_to_others(_: &Path) -> Option<u32> {
    None
}

fn site(config: &Config) -> SiteSeen {
    match &config.site {
        Some(folder) if folder.join("index.html").is_file() => SiteSeen::Folder(folder.clone()),
        Some(folder) => SiteSeen::EmptyFolder(folder.clone()),
        None if crate::http::has_built_in_site() => SiteSeen::BuiltIn,
        None => SiteSeen::Missing,
    }
}

fn limits(config: &Config) -> LimitsSeen {
    // A participant has a WebSocket, and media over TCP at the worst.
    let participants = config.shards.saturating_mul(config.peers_per_shard_max);
    LimitsSeen {
        descriptors: descriptors(),
        descriptors_wanted: 2 * u64::try_from(participants).unwrap_or(u64::MAX / 4) + DESCRIPTORS_BESIDES,
        receive_bytes: kernel_number("rmem_max"),
        send_bytes: kernel_number("wmem_max"),
        buffer_wanted: media::BUFFER_BYTES as u64,
    }
}

#[cfg(unix)]
fn descriptors() -> Option<u64> {
    use rustix::process::{Resource, getrlimit};
    Some(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX))
}

#[cfg(not(unix))]
const fn descriptors() -> Option<u64> {
    None
}

/// Linux alone has these; elsewhere there is nothing to read.
fn kernel_number(name: &str) -> Option<u64> {
    std::fs::read_to_string(format!("/proc/sys/net/core/{name}")).ok()?.trim().parse().ok()
}
