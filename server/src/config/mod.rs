//! The settings: one struct, filled from a file, the environment and flags, checked once and passed on.

mod keys;
mod layer;
mod tls;
mod value;
mod webhooks;

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser as _;

use self::keys::KeyEntry;
use self::layer::Layer;
pub use self::tls::{AcmeSettings, CertificateFiles, DirectoryUrl, DomainName, MailContact, TlsSource};
pub use self::value::{Announced, InvalidValue, LogFormat, LogLevel, Origin, VideoCodec};
use crate::access::{Keyring, Parties};
use crate::command::Command;
use crate::webhooks::Endpoint;

/// Why the server cannot start with these settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The command line is not understood, or asks for help or the version.
    #[error(transparent)]
    CommandLine(#[from] clap::Error),
    /// The settings file cannot be read.
    #[error("the settings file {} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The settings file is not TOML, or has a key or a value that does not exist.
    #[error("the settings file {} is wrong: {reason}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why, with the line.
        reason: String,
    },
    /// A key cannot be used. Its value is not shown.
    #[error("{id} cannot be used: {reason}")]
    Key {
        /// Which.
        id: String,
        /// Why.
        reason: String,
    },
    /// A value is out of its bound.
    #[error("{key} is {value:?}; it must be {bound}")]
    Invalid {
        /// The setting, as it was named.
        key: String,
        /// Its value.
        value: String,
        /// What is allowed.
        bound: String,
    },
}

/// Everything that an operator decides. See `visavis --help` for each key's default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where the site and signaling listen (TCP). Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the site's certificate comes from; nothing: the site speaks plain HTTP.
    pub tls: Option<TlsSource>,
    /// Where plain HTTP is sent on to https (TCP). Port 0 takes a free one.
    pub http_redirect: Option<SocketAddr>,
    /// Where the first shard listens for media (UDP); shard `i` takes the port plus `i`. Port 0 takes free ones.
    pub media_listen: SocketAddr,
    /// Where clients without UDP connect to for media (TCP); nothing: they cannot.
    pub media_tcp: Option<MediaTcp>,
    /// Where clients send media to, best first; empty: this machine's own addresses.
    pub announce: Vec<Announced>,
    /// A folder to serve instead of the built-in site.
    pub site: Option<PathBuf>,
    /// Origins that may connect besides the site's own.
    pub origins: Vec<Origin>,
    /// Origins whose pages may show the site in a frame, besides the site's own.
    pub embed_origins: Vec<Origin>,
    /// Reverse proxies whose forwarding headers are believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// What is logged.
    pub log_level: LogLevel,
    /// How it is logged.
    pub log_format: LogFormat,
    /// Number of media threads.
    pub shards: usize,
    /// Most participants of one room.
    pub participants_max: usize,
    /// Most participants on one shard.
    pub peers_per_shard_max: usize,
    /// Which video codecs are accepted, best first; what participants send is the first that they can.
    pub video_codecs: Vec<VideoCodec>,
    /// Most signaling connections of one address.
    pub connections_per_address_max: usize,
    /// Most rooms that one key may have set up.
    pub rooms_per_key_max: usize,
    /// How long connections may take to end on shutdown.
    pub shutdown_grace: Duration,
    /// Without keys everybody is let in, not only people on this machine.
    pub open: bool,
    /// With keys people without a token are let in too, as guests.
    pub guests: bool,
    /// Keys that sign tokens and open the API.
    pub keys: Keyring,
    /// Who tokens are for and from.
    pub parties: Parties,
    /// Where webhooks go.
    pub webhooks: Vec<Endpoint>,
    /// Where what survives a restart is kept; nothing: in memory, and nothing survives.
    pub data_dir: Option<DataDir>,
}

/// The folder for what survives a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDir {
    /// The folder; it is made when it is not there.
    pub path: PathBuf,
    /// The operator named it: when it cannot be used the server does not start. Otherwise it goes on in memory.
    pub is_chosen: bool,
}

impl DataDir {
    /// What systemd prepares for a service (`StateDirectory=`), else the user's state folder (XDG Base Directory).
    fn by_default(environment: &[(String, String)]) -> Option<Self> {
        let value = |name: &str| {
            let found = environment.iter().find(|(key, value)| key == name && !value.is_empty());
            found.map(|(_, value)| PathBuf::from(value))
        };
        let path = value("STATE_DIRECTORY")
            .or_else(|| value("XDG_STATE_HOME").map(|folder| folder.join("visavis")))
            .or_else(|| value("HOME").map(|folder| folder.join(".local/state/visavis")))?;
        Some(Self { path, is_chosen: false })
    }
}

/// Where media over TCP is listened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaTcp {
    /// The address. Port 0 takes a free one.
    pub address: SocketAddr,
    /// The operator named the port: when it is taken the server does not start. Otherwise it goes without.
    pub is_chosen: bool,
}

impl MediaTcp {
    /// The chosen port, where 0 means none; else the one after the site's, which may be any free one.
    fn of(chosen: Option<u16>, address: IpAddr, site_port: u16) -> Option<Self> {
        let port = match (chosen, site_port) {
            (Some(0), _) | (None, u16::MAX) => return None,
            (Some(port), _) => port,
            (None, 0) => 0,
            (None, port) => port + 1,
        };
        Some(Self { address: SocketAddr::new(address, port), is_chosen: chosen.is_some() })
    }
}

/// The settings, and what should be told to the operator about them.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// Sentences about what was ignored.
    pub warnings: Vec<String>,
    /// What to do instead of serving.
    pub command: Option<Command>,
    /// Files of the settings that hold secrets.
    pub secret_files: Vec<PathBuf>,
}

/// Visavis: video meetings on your own server.
#[derive(Debug, clap::Parser)]
#[command(name = "visavis", version, about, long_about = None)]
#[command(after_help = "Every setting can also be given as VISAVIS_… in the environment (--media-port as \
    VISAVIS_MEDIA_PORT) or in the file (media_port = 7882). Flags win over the environment, the environment \
    over the file.")]
struct CommandLine {
    /// Settings file in TOML
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    layer: Layer,
    #[command(subcommand)]
    command: Option<Command>,
}

impl Config {
    /// For tests: everything on the loopback address, ports chosen by the system, otherwise the defaults.
    #[must_use]
    pub fn on_loopback() -> Self {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let media_tcp = Some(MediaTcp { address: any_port, is_chosen: true });
        Self { listen: any_port, media_listen: any_port, media_tcp, ..Self::default() }
    }

    /// Reads the file, the environment and the flags, and checks the result. `arguments` begins with the
    /// program's name.
    ///
    /// # Errors
    /// [`ConfigError`]; for [`ConfigError::CommandLine`] clap knows how to end the program.
    pub fn load(
        arguments: impl IntoIterator<Item = OsString>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Loaded, ConfigError> {
        let line = CommandLine::try_parse_from(arguments)?;
        let environment: Vec<(String, String)> = environment.into_iter().collect();
        let named = environment.iter().find(|(name, _)| name == "VISAVIS_CONFIG");
        let path = line.config.or_else(|| named.map(|(_, path)| PathBuf::from(path)));
        let default_data_dir = DataDir::by_default(&environment);
        let (variables, warnings) = Layer::from_environment(environment)?;
        let file = path.as_deref().map(read_file).transpose()?.unwrap_or_default();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let layer = line.layer.over(variables).over(file);
        let entries = layer.keys.iter().flatten();
        let mut secret_files: Vec<PathBuf> = entries.filter_map(KeyEntry::secret_file).collect();
        let mut config = Self::from_layer(layer, cores)?;
        // Secrets may stand in the settings file itself.
        let has_secrets = !config.keys.keys().is_empty() || !config.webhooks.is_empty();
        secret_files.extend(path.filter(|_| has_secrets));
        config.data_dir = config.data_dir.or(default_data_dir);
        if config.data_dir.is_none() && matches!(config.tls, Some(TlsSource::Acme(_))) {
            return Err(invalid(
                "data_dir",
                "absent",
                "named where acme_domains is: certificates are kept there",
            ));
        }
        Ok(Loaded { config, warnings, command: line.command, secret_files })
    }

    /// The address of the site as far as the settings tell it.
    #[must_use]
    pub fn local_site(&self) -> String {
        let port = self.listen.port();
        let (scheme, host) = match &self.tls {
            None => ("http", "localhost"),
            Some(TlsSource::Files(_)) => ("https", "localhost"),
            Some(TlsSource::Acme(acme)) => {
                ("https", acme.domains.first().map_or("localhost", DomainName::as_str))
            }
        };
        if self.tls.is_some() && port == 443 {
            format!("{scheme}://{host}")
        } else {
            format!("{scheme}://{host}:{port}")
        }
    }

    fn from_layer(layer: Layer, cores: usize) -> Result<Self, ConfigError> {
        let defaults = Self::default();
        let address = layer.address.unwrap_or(defaults.listen.ip());
        let port = layer.port.unwrap_or(defaults.listen.port());
        let media_address = layer.media_address.unwrap_or(address);
        let media_port = layer.media_port.unwrap_or(port);
        let shards = within("shards", layer.shards.unwrap_or(defaults.shards), 1..=cores)?;
        let last_port = usize::from(media_port) + shards - 1;
        within("media_port + shards - 1", last_port, 0..=usize::from(u16::MAX))?;
        let peers = layer.peers_per_shard_max.unwrap_or(defaults.peers_per_shard_max);
        let connections = layer.connections_per_address_max.unwrap_or(defaults.connections_per_address_max);
        let rooms = layer.rooms_per_key_max.unwrap_or(defaults.rooms_per_key_max);
        let grace_ms =
            layer.shutdown_grace_ms.map(|ms| within("shutdown_grace_ms", ms, 0..=60_000)).transpose()?;
        if let Some(site) = layer.site.as_ref().filter(|site| !site.is_dir()) {
            return Err(invalid("site", site.display(), "a folder that exists"));
        }
        let tls = tls::source(&layer)?;
        let http_redirect =
            redirect(layer.http_redirect_port, SocketAddr::new(address, port), tls.is_some())?;
        let video_codecs = layer.video_codecs.unwrap_or(defaults.video_codecs);
        within("number of video_codecs", video_codecs.len(), 1..=VideoCodec::all().len())?;
        let keys = keys::keyring(layer.keys.unwrap_or_default())?;
        let of_keys = keys.keys().iter().flat_map(|key| key.frame_ancestors.iter().cloned());
        let embed_origins = layer.embed_origins.unwrap_or_default().into_iter().chain(of_keys).collect();
        Ok(Self {
            listen: SocketAddr::new(address, port),
            tls,
            http_redirect,
            media_listen: SocketAddr::new(media_address, media_port),
            media_tcp: MediaTcp::of(layer.media_tcp_port, media_address, port),
            announce: layer.announce.unwrap_or_default(),
            site: layer.site,
            origins: layer.origins.unwrap_or_default(),
            embed_origins,
            trusted_proxies: layer.trusted_proxies.unwrap_or_default(),
            log_level: layer.log_level.unwrap_or(defaults.log_level),
            log_format: layer.log_format.unwrap_or(defaults.log_format),
            shards,
            participants_max: within(
                "participants_max",
                layer.participants_max.unwrap_or(defaults.participants_max),
                2..=shared::limits::PARTICIPANTS_MAX,
            )?,
            peers_per_shard_max: within("peers_per_shard_max", peers, 1..=10_000)?,
            video_codecs,
            connections_per_address_max: within("connections_per_address_max", connections, 1..=10_000)?,
            rooms_per_key_max: within("rooms_per_key_max", rooms, 1..=1_000_000)?,
            shutdown_grace: grace_ms.map_or(defaults.shutdown_grace, Duration::from_millis),
            open: layer.open.unwrap_or_default(),
            guests: layer.guests.unwrap_or_default(),
            keys,
            parties: Parties {
                audience: layer.token_audience.unwrap_or(defaults.parties.audience),
                issuer: layer.token_issuer,
            },
            webhooks: webhooks::endpoints(layer.webhooks.unwrap_or_default())?,
            data_dir: layer.data_dir.map(|path| DataDir { path, is_chosen: true }),
        })
    }
}

impl Default for Config {
    fn default() -> Self {
        let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8080));
        Self {
            listen: everywhere,
            tls: None,
            http_redirect: None,
            media_listen: everywhere,
            media_tcp: MediaTcp::of(None, everywhere.ip(), everywhere.port()),
            announce: Vec::new(),
            site: None,
            origins: Vec::new(),
            embed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            log_level: LogLevel::Info,
            log_format: LogFormat::Text,
            shards: 1,
            participants_max: shared::limits::PARTICIPANTS_DEFAULT,
            peers_per_shard_max: 1000,
            video_codecs: VideoCodec::all(),
            connections_per_address_max: 256,
            rooms_per_key_max: 10_000,
            shutdown_grace: Duration::from_secs(3),
            open: false,
            guests: false,
            keys: Keyring::default(),
            parties: Parties { audience: "visavis".to_owned(), issuer: None },
            webhooks: Vec::new(),
            data_dir: None,
        }
    }
}

/// The port of plain HTTP beside an encrypted site, where 0 means none.
fn redirect(
    port: Option<u16>,
    listen: SocketAddr,
    is_encrypted: bool,
) -> Result<Option<SocketAddr>, ConfigError> {
    let Some(port) = port.filter(|port| *port != 0) else { return Ok(None) };
    if !is_encrypted {
        let bound =
            "given together with tls_certificate or acme_domains: there is no https to send anybody to";
        return Err(invalid("http_redirect_port", port, bound));
    }
    if port == listen.port() {
        return Err(invalid("http_redirect_port", port, "another one than port"));
    }
    Ok(Some(SocketAddr::new(listen.ip(), port)))
}

fn read_file(path: &Path) -> Result<Layer, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    toml::from_str(&text)
        .map_err(|error| ConfigError::Syntax { path: path.to_owned(), reason: error.to_string() })
}

fn within<T: PartialOrd + std::fmt::Display + Copy>(
    key: &str,
    value: T,
    bound: RangeInclusive<T>,
) -> Result<T, ConfigError> {
    if bound.contains(&value) {
        return Ok(value);
    }
    Err(invalid(key, value, &format!("from {} to {}", bound.start(), bound.end())))
}

fn invalid(key: &str, value: impl ToString, bound: &str) -> ConfigError {
    ConfigError::Invalid { key: key.to_owned(), value: value.to_string(), bound: bound.to_owned() }
}

#[cfg(test)]
mod tests;
