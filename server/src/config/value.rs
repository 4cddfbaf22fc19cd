//! The values of settings that have a form of their own. What is parsed here cannot be wrong later.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use serde::Deserialize;

/// Why a text is not the value it should be: the sentence after "it must be".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be {0}")]
pub struct InvalidValue(pub(crate) &'static str);

/// A web origin (RFC 6454): scheme, host and, unless it is the scheme's own, port.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Origin(String);

impl Origin {
    const FORM: InvalidValue = InvalidValue("an origin such as https://meet.example.org, without a path");

    /// The origin as browsers send it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a page of this very machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.0.split_once("://").map_or("", |(_, host)| host);
        // The port comes after the last colon, unless that colon belongs to an IPv6 address in brackets.
        let name =
            host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).map_or(host, |(name, _)| name);
        matches!(name, "localhost" | "127.0.0.1" | "[::1]")
    }
}

impl FromStr for Origin {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim().to_ascii_lowercase();
        let text = text.strip_suffix('/').unwrap_or(&text);
        let (scheme, host) = text.split_once("://").ok_or(Self::FORM)?;
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']' | '_');
        if !matches!(scheme, "http" | "https") || host.is_empty() || !host.chars().all(is_host) {
            return Err(Self::FORM);
        }
        // Browsers leave the scheme's own port out (RFC 6454 section 6.2).
        let own_port = if scheme == "http" { ":80" } else { ":443" };
        Ok(Self(format!("{scheme}://{}", host.strip_suffix(own_port).unwrap_or(host))))
    }
}

impl TryFrom<String> for Origin {
    type Error = InvalidValue;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An address that clients are told to send media to, for machines behind a NAT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Announced {
    /// The address.
    pub address: IpAddr,
    /// The port of the first shard; absent: the one that the server listens on.
    pub port: Option<u16>,
}

impl FromStr for Announced {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let announced = match (text.parse::<IpAddr>(), text.parse::<SocketAddr>()) {
            (Ok(address), _) => Self { address, port: None },
            (Err(_), Ok(socket)) => Self { address: socket.ip(), port: Some(socket.port()) },
            (Err(_), Err(_)) => return Err(InvalidValue("an IP address, or IP:port")),
        };
        if announced.address.is_unspecified() || announced.address.is_multicast() {
            return Err(InvalidValue("an address of one machine, not 0.0.0.0, :: or a multicast address"));
        }
        if announced.port == Some(0) {
            return Err(InvalidValue("an address whose port is not 0"));
        }
        Ok(announced)
    }
}

impl TryFrom<String> for Announced {
    type Error = InvalidValue;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// A video codec that participants may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct VideoCodec(sfu::sdp::Codec);

impl VideoCodec {
    /// The codec.
    #[must_use]
    pub const fn codec(self) -> sfu::sdp::Codec {
        self.0
    }

    /// All, in the order that is the default.
    #[must_use]
    pub fn all() -> Vec<Self> {
        sfu::sdp::Codec::VIDEO.map(Self).to_vec()
    }
}

impl FromStr for VideoCodec {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let codec = sfu::sdp::Codec::from_name(&text.trim().to_ascii_lowercase());
        codec.map(Self).ok_or(InvalidValue("vp8, vp9, h264 or av1"))
    }
}

impl TryFrom<String> for VideoCodec {
    type Error = InvalidValue;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// From which level on events are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// What failed.
    Error,
    /// What may become a failure.
    Warn,
    /// What an operator wants to know; no personal data.
    Info,
    /// What a developer wants to know; addresses may appear.
    Debug,
    /// Everything.
    Trace,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for programs.
    Json,
}

impl FromStr for LogLevel {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        <Self as clap::ValueEnum>::from_str(text, true)
            .map_err(|_| InvalidValue("error, warn, info, debug or trace"))
    }
}

impl FromStr for LogFormat {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        <Self as clap::ValueEnum>::from_str(text, true).map_err(|_| InvalidValue("text or json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_brought_into_the_form_that_browsers_send() {
        let check =
            |text: &str, expected: &str| assert_eq!(text.parse::<Origin>().unwrap().as_str(), expected);
        check("https://Meet.Example.org", "https://meet.example.org");
        check("https://meet.example.org/", "https://meet.example.org");
        check("https://meet.example.org:443", "https://meet.example.org");
        check("http://localhost:8080", "http://localhost:8080");
        check("http://[::1]:8080", "http://[::1]:8080");
    }

    #[test]
    fn what_is_not_an_origin_is_refused() {
        for text in ["meet.example.org", "https://", "ftp://x", "https://x/path", "https://x y", "*", "null"]
        {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_announced_address_may_have_a_port() {
        let check = |text: &str, address: &str, port| {
            let expected = Announced { address: address.parse().unwrap(), port };
            assert_eq!(text.parse::<Announced>(), Ok(expected));
        };
        check("203.0.113.7", "203.0.113.7", None);
        check("203.0.113.7:7000", "203.0.113.7", Some(7000));
        check("2001:db8::7", "2001:db8::7", None);
        check("[2001:db8::7]:7000", "2001:db8::7", Some(7000));
    }

    #[test]
    fn an_address_that_no_client_can_reach_is_not_announced() {
        for text in ["0.0.0.0", "::", "224.0.0.1", "example.org", "1.2.3.4:0", ""] {
            assert!(text.parse::<Announced>().is_err(), "{text}");
        }
    }
}
