//! Attributes that occur in the session part as well as in sections: direction, grouping, transport.

use super::super::error::SdpError;
use super::super::offer::Direction;
use super::super::transport::{IceCredentials, Setup, check_pwd, check_ufrag};
use crate::fingerprint::Fingerprint;

/// `a=name` or `a=name:value`.
#[derive(Clone, Copy)]
pub(super) struct Attribute<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a str,
    pub(super) line: usize,
}

impl<'a> Attribute<'a> {
    pub(super) fn split(text: &'a str, line: usize) -> Self {
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        // Firefox writes `a=msid-semantic:WMS`, Chromium `a=msid-semantic: WMS`.
        Self { name, value: value.trim(), line }
    }

    pub(super) fn direction(&self) -> Option<Direction> {
        match self.name {
            "sendrecv" => Some(Direction::SendRecv),
            "sendonly" => Some(Direction::SendOnly),
            "recvonly" => Some(Direction::RecvOnly),
            "inactive" => Some(Direction::Inactive),
            _ => None,
        }
    }

    /// The names listed in `a=group:BUNDLE` (RFC 9143). Other groups are of no use here.
    pub(super) fn bundle_group(&self) -> Option<&'a str> {
        if self.name != "group" {
            return None;
        }
        let (semantics, mids) = self.value.split_once(' ').unwrap_or((self.value, ""));
        (semantics == "BUNDLE").then_some(mids)
    }

    pub(super) fn malformed(&self, field: &'static str) -> SdpError {
        SdpError::Malformed { field, line: self.line }
    }

    pub(super) fn duplicate(&self, field: &'static str) -> SdpError {
        SdpError::Duplicate { field, line: self.line }
    }
}

/// The transport as far as one part of the description states it.
///
/// A first offer repeats it in every section, a later one may state it in the first bundled section only
/// (RFC 9143), Firefox puts the fingerprint in the session part.
#[derive(Default)]
pub(super) struct TransportAttributes<'a> {
    ufrag: Option<&'a str>,
    pwd: Option<&'a str>,
    fingerprint: Option<Fingerprint>,
    other_digest_line: Option<usize>,
    setup: Option<Setup>,
    pub(super) trickle: bool,
}

impl<'a> TransportAttributes<'a> {
    /// Takes the attribute in, if it is one of the transport's.
    pub(super) fn read(&mut self, attribute: Attribute<'a>) -> Result<(), SdpError> {
        let Attribute { value, line, .. } = attribute;
        match attribute.name {
            "ice-ufrag" => {
                check_ufrag(value, line)?;
                set_once(&mut self.ufrag, value, || attribute.duplicate("a=ice-ufrag"))?;
            }
            "ice-pwd" => {
                check_pwd(value, line)?;
                set_once(&mut self.pwd, value, || attribute.duplicate("a=ice-pwd"))?;
            }
            "fingerprint" => self.read_fingerprint(attribute)?,
            "setup" => {
                let setup = match value {
                    "actpass" => Setup::ActPass,
                    "active" => Setup::Active,
                    _ => return Err(SdpError::Unsupported { field: "a=setup", line }),
                };
                set_once(&mut self.setup, setup, || attribute.duplicate("a=setup"))?;
            }
            "ice-options" => self.trickle |= value.split(' ').any(|option| option == "trickle"),
            _ => {}
        }
        Ok(())
    }

    /// Several digests of one certificate may be given (RFC 8122 section 5); one of them must be SHA-256.
    fn read_fingerprint(&mut self, attribute: Attribute<'a>) -> Result<(), SdpError> {
        const FIELD: &str = "a=fingerprint";
        let (hash, digest) = attribute.value.split_once(' ').ok_or_else(|| attribute.malformed(FIELD))?;
        if !hash.eq_ignore_ascii_case("sha-256") {
            self.other_digest_line = Some(attribute.line);
            return Ok(());
        }
        let fingerprint =
            Fingerprint::from_hexadecimal(digest.trim()).ok_or_else(|| attribute.malformed(FIELD))?;
        set_once(&mut self.fingerprint, fingerprint, || attribute.duplicate(FIELD))
    }

    /// Adds what a section states; the sections of one transport must not contradict each other.
    pub(super) fn merge(&mut self, section: Self, line: usize) -> Result<(), SdpError> {
        agree(&mut self.ufrag, section.ufrag, "a=ice-ufrag", line)?;
        agree(&mut self.pwd, section.pwd, "a=ice-pwd", line)?;
        agree(&mut self.fingerprint, section.fingerprint, "a=fingerprint", line)?;
        agree(&mut self.setup, section.setup, "a=setup", line)?;
        self.other_digest_line = self.other_digest_line.or(section.other_digest_line);
        self.trickle |= section.trickle;
        Ok(())
    }

    /// The complete transport.
    pub(super) fn require(self) -> Result<(IceCredentials, Fingerprint, Setup), SdpError> {
        let ufrag = self.ufrag.ok_or(SdpError::Missing { field: "a=ice-ufrag" })?;
        let pwd = self.pwd.ok_or(SdpError::Missing { field: "a=ice-pwd" })?;
        let fingerprint = self.fingerprint.ok_or(match self.other_digest_line {
            Some(line) => SdpError::Unsupported { field: "a=fingerprint", line },
            None => SdpError::Missing { field: "a=fingerprint" },
        })?;
        let setup = self.setup.ok_or(SdpError::Missing { field: "a=setup" })?;
        Ok((IceCredentials::new(ufrag, pwd)?, fingerprint, setup))
    }
}

/// Stores a value that may be given once.
pub(super) fn set_once<T>(
    place: &mut Option<T>,
    value: T,
    duplicate: impl FnOnce() -> SdpError,
) -> Result<(), SdpError> {
    if place.is_some() {
        return Err(duplicate());
    }
    *place = Some(value);
    Ok(())
}

fn agree<T: PartialEq>(
    place: &mut Option<T>,
    value: Option<T>,
    field: &'static str,
    line: usize,
) -> Result<(), SdpError> {
    match (&*place, value) {
        (_, None) => Ok(()),
        (Some(earlier), Some(value)) if *earlier != value => Err(SdpError::Inconsistent { field, line }),
        (Some(_), Some(_)) => Ok(()),
        (None, value) => {
            *place = value;
            Ok(())
        }
    }
}
