//! One source of settings. Every key may be absent; three layers are laid over each other.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use serde::Deserialize;

use super::ConfigError;
use super::keys::KeyEntry;
use super::tls::{DirectoryUrl, DomainName, MailContact};
use super::value::{Announced, LogFormat, LogLevel, Origin, VideoCodec};
use super::webhooks::WebhookEntry;

/// What the names of settings begin with in the environment.
const PREFIX: &str = "VISAVIS_";

/// Names of the project's tools, which are not settings of the server.
const RESERVED: [&str; 10] =
    ["CONFIG", "NO_RUSTUP", "CACHE", "CHROMIUM", "FIREFOX", "PYTHON", "IMPAIRER", "BIN", "COMMIT", "SEED"];

/// The settings that one source gives. The same keys everywhere: `media_port` in the file,
/// `VISAVIS_MEDIA_PORT` in the environment, `--media-port` as a flag.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, clap::Args)]
#[serde(deny_unknown_fields)]
pub(super) struct Layer {
    /// Address to listen on for the site and signaling [default: 0.0.0.0]
    #[arg(long, value_name = "IP")]
    pub(super) address: Option<IpAddr>,
    /// TCP port of the site and signaling; 0 takes a free one [default: 8080]
    #[arg(long, value_name = "PORT")]
    pub(super) port: Option<u16>,
    /// The site's certificate and those that lead to its authority, in PEM: the site speaks https. Read again when it changes
    #[arg(long, value_name = "FILE")]
    pub(super) tls_certificate: Option<PathBuf>,
    /// The private key of the certificate, in PEM
    #[arg(long, value_name = "FILE")]
    pub(super) tls_key: Option<PathBuf>,
    /// Names to get and renew a certificate for (ACME, validated on port 443); says that you agree to the authority's terms
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(super) acme_domains: Option<Vec<DomainName>>,
    /// Mail addresses that the authority may write to
    #[arg(long, value_name = "MAIL", value_delimiter = ',')]
    pub(super) acme_contact: Option<Vec<MailContact>>,
    /// The authority's ACME directory [default: that of Let's Encrypt]
    #[arg(long, value_name = "URL")]
    pub(super) acme_directory: Option<DirectoryUrl>,
    /// What the directory's own certificate is checked against, in PEM [default: what this machine trusts]
    #[arg(long, value_name = "FILE")]
    pub(super) acme_root: Option<PathBuf>,
    /// TCP port, mostly 80, whose requests are sent on to https; 0 for none [default: none]
    #[arg(long, value_name = "PORT")]
    pub(super) http_redirect_port: Option<u16>,
    /// Address to listen on for media [default: the same as --address]
    #[arg(long, value_name = "IP")]
    pub(super) media_address: Option<IpAddr>,
    /// UDP port of media, one more for every further shard [default: the same number as --port]
    #[arg(long, value_name = "PORT")]
    pub(super) media_port: Option<u16>,
    /// TCP port of media for clients without UDP; 0 for none [default: the one after --port]
    #[arg(long, value_name = "PORT")]
    pub(super) media_tcp_port: Option<u16>,
    /// Addresses that clients send media to, best first [default: this machine's own]
    #[arg(long, value_name = "IP[:PORT]", value_delimiter = ',')]
    pub(super) announce: Option<Vec<Announced>>,
    /// Folder of the site to serve instead of the built-in one
    #[arg(long, value_name = "DIR")]
    pub(super) site: Option<PathBuf>,
    /// Origins of pages that may connect, besides the site's own
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',')]
    pub(super) origins: Option<Vec<Origin>>,
    /// Origins of pages that may show the site in a frame, besides the site's own
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',')]
    pub(super) embed_origins: Option<Vec<Origin>>,
    /// Addresses of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed
    #[arg(long, value_name = "IP", value_delimiter = ',')]
    pub(super) trusted_proxies: Option<Vec<IpAddr>>,
    /// What is logged [default: info]
    #[arg(long, value_name = "LEVEL")]
    pub(super) log_level: Option<LogLevel>,
    /// How it is logged [default: text]
    #[arg(long, value_name = "FORMAT")]
    pub(super) log_format: Option<LogFormat>,
    /// Media threads, at most one a core [default: 1]
    #[arg(long, value_name = "N")]
    pub(super) shards: Option<usize>,
    /// Participants of one meeting, at most 1000 [default: 100]
    #[arg(long, value_name = "N")]
    pub(super) participants_max: Option<usize>,
    /// Participants on one media thread [default: 1000]
    #[arg(long, value_name = "N")]
    pub(super) peers_per_shard_max: Option<usize>,
    /// Video codecs that are accepted, the one to send first [default: vp8,vp9,h264,av1]
    #[arg(long, value_name = "CODEC", value_delimiter = ',')]
    pub(super) video_codecs: Option<Vec<VideoCodec>>,
    /// Signaling connections of one address (IPv6: of one /64) [default: 256]
    #[arg(long, value_name = "N")]
    pub(super) connections_per_address_max: Option<usize>,
    /// Rooms that one key may set up over the API [default: 10000]
    #[arg(long, value_name = "N")]
    pub(super) rooms_per_key_max: Option<usize>,
    /// How long connections may take to end when the server stops, in milliseconds [default: 3000]
    #[arg(long, value_name = "MS")]
    pub(super) shutdown_grace_ms: Option<u64>,
    /// Let everybody in while no keys are configured, not only people on this machine
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    pub(super) open: Option<bool>,
    /// Let people without a token in too while keys are configured, as guests who lead nothing
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    pub(super) guests: Option<bool>,
    /// Keys that sign tokens and open the API: `[[keys]]` in the file, or id:secret,… in VISAVIS_KEYS. Not a flag,
    /// because the command lines of a machine are seen by all its users.
    #[arg(skip)]
    pub(super) keys: Option<Vec<KeyEntry>>,
    /// Where webhooks go: `[[webhooks]]` in the file only.
    #[arg(skip)]
    pub(super) webhooks: Option<Vec<WebhookEntry>>,
    /// What the claim `aud` of tokens must be [default: visavis]
    #[arg(long, value_name = "TEXT")]
    pub(super) token_audience: Option<String>,
    /// What the claim `iss` of tokens must be [default: anything]
    #[arg(long, value_name = "TEXT")]
    pub(super) token_issuer: Option<String>,
    /// Folder for what survives a restart [default: visavis in the user's state folder]
    #[arg(long, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,
}

impl Layer {
    /// Reads the `VISAVIS_*` variables among `variables`. Empty ones count as absent. Names that are
    /// neither settings nor reserved come back as warnings.
    pub(super) fn from_environment(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(Self, Vec<String>), ConfigError> {
        let mut layer = Self::default();
        let mut warnings = Vec::new();
        for (name, text) in variables {
            let Some(key) = name.strip_prefix(PREFIX) else { continue };
            if text.is_empty() || RESERVED.contains(&key) {
                continue;
            }
            let is_known = layer.set(&key.to_ascii_lowercase(), &text).map_err(|bound| {
                ConfigError::Invalid { key: name.clone(), value: shown(key, text), bound }
            })?;
            if !is_known {
                warnings
                    .push(format!("{name} in the environment is not a setting of Visavis and has no effect"));
            }
        }
        Ok((layer, warnings))
    }

    /// Sets one key from text. `Ok(false)`: there is no such key. The error says what the value must be.
    fn set(&mut self, key: &str, text: &str) -> Result<bool, String> {
        const PORT: &str = "a number from 0 to 65535";
        const NUMBER: &str = "a whole number";
        const IP: &str = "an IP address";
        match key {
            "address" => self.address = Some(one(text, IP)?),
            "port" => self.port = Some(one(text, PORT)?),
            "tls_certificate" => self.tls_certificate = Some(PathBuf::from(text)),
            "tls_key" => self.tls_key = Some(PathBuf::from(text)),
            "acme_domains" => {
                self.acme_domains = Some(list(text, "names such as meet.example.org, separated by commas")?);
            }
            "acme_contact" => self.acme_contact = Some(list(text, "mail addresses, separated by commas")?),
            "acme_directory" => self.acme_directory = Some(one(text, "an https address")?),
            "acme_root" => self.acme_root = Some(PathBuf::from(text)),
            "http_redirect_port" => self.http_redirect_port = Some(one(text, PORT)?),
            "media_address" => self.media_address = Some(one(text, IP)?),
            "media_port" => self.media_port = Some(one(text, PORT)?),
            "media_tcp_port" => self.media_tcp_port = Some(one(text, PORT)?),
            "announce" => self.announce = Some(list(text, "IP addresses or IP:port, separated by commas")?),
            "site" => self.site = Some(PathBuf::from(text)),
            "origins" => {
                self.origins =
                    Some(list(text, "origins such as https://meet.example.org, separated by commas")?);
            }
            "embed_origins" => {
                self.embed_origins =
                    Some(list(text, "origins such as https://www.example.org, separated by commas")?);
            }
            "trusted_proxies" => {
                self.trusted_proxies = Some(list(text, "IP addresses, separated by commas")?);
            }
            "log_level" => self.log_level = Some(one(text, "error, warn, info, debug or trace")?),
            "log_format" => self.log_format = Some(one(text, "text or json")?),
            "shards" => self.shards = Some(one(text, NUMBER)?),
            "participants_max" => self.participants_max = Some(one(text, NUMBER)?),
            "peers_per_shard_max" => self.peers_per_shard_max = Some(one(text, NUMBER)?),
            "video_codecs" => {
                self.video_codecs = Some(list(text, "vp8, vp9, h264 or av1, separated by commas")?);
            }
            "connections_per_address_max" => self.connections_per_address_max = Some(one(text, NUMBER)?),
            "rooms_per_key_max" => self.rooms_per_key_max = Some(one(text, NUMBER)?),
            "shutdown_grace_ms" => self.shutdown_grace_ms = Some(one(text, NUMBER)?),
            "open" => self.open = Some(one(text, "true or false")?),
            "guests" => self.guests = Some(one(text, "true or false")?),
            "keys" => self.keys = Some(list(text, "pairs of id:secret, separated by commas")?),
            "token_audience" => self.token_audience = Some(text.to_owned()),
            "token_issuer" => self.token_issuer = Some(text.to_owned()),
            "data_dir" => self.data_dir = Some(PathBuf::from(text)),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// This layer where it has a value, `below` elsewhere.
    pub(super) fn over(self, below: Self) -> Self {
        Self {
            address: self.address.or(below.address),
            port: self.port.or(below.port),
            tls_certificate: self.tls_certificate.or(below.tls_certificate),
            tls_key: self.tls_key.or(below.tls_key),
            acme_domains: self.acme_domains.or(below.acme_domains),
            acme_contact: self.acme_contact.or(below.acme_contact),
            acme_directory: self.acme_directory.or(below.acme_directory),
            acme_root: self.acme_root.or(below.acme_root),
            http_redirect_port: self.http_redirect_port.or(below.http_redirect_port),
            media_address: self.media_address.or(below.media_address),
            media_port: self.media_port.or(below.media_port),
            media_tcp_port: self.media_tcp_port.or(below.media_tcp_port),
            announce: self.announce.or(below.announce),
            site: self.site.or(below.site),
            origins: self.origins.or(below.origins),
            embed_origins: self.embed_origins.or(below.embed_origins),
            trusted_proxies: self.trusted_proxies.or(below.trusted_proxies),
            log_level: self.log_level.or(below.log_level),
            log_format: self.log_format.or(below.log_format),
            shards: self.shards.or(below.shards),
            participants_max: self.participants_max.or(below.participants_max),
            peers_per_shard_max: self.peers_per_shard_max.or(below.peers_per_shard_max),
            video_codecs: self.video_codecs.or(below.video_codecs),
            connections_per_address_max: self
                .connections_per_address_max
                .or(below.connections_per_address_max),
            rooms_per_key_max: self.rooms_per_key_max.or(below.rooms_per_key_max),
            shutdown_grace_ms: self.shutdown_grace_ms.or(below.shutdown_grace_ms),
            open: self.open.or(below.open),
            guests: self.guests.or(below.guests),
            keys: self.keys.or(below.keys),
            webhooks: self.webhooks.or(below.webhooks),
            token_audience: self.token_audience.or(below.token_audience),
            token_issuer: self.token_issuer.or(below.token_issuer),
            data_dir: self.data_dir.or(below.data_dir),
        }
    }
}

/// A wrong value as it may be repeated in an error.
fn shown(key: &str, text: String) -> String {
    if key == "KEYS" { "not shown".to_owned() } else { text }
}

fn one<T: FromStr>(text: &str, bound: &str) -> Result<T, String> {
    text.trim().parse().map_err(|_| bound.to_owned())
}

fn list<T: FromStr>(text: &str, bound: &str) -> Result<Vec<T>, String> {
    text.split(',').map(|item| one(item, bound)).collect()
}
