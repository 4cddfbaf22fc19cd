//! Extension values that travel from publisher to subscriber unchanged, in a form free of either peer's ids.
//!
//! ```text
//! publisher's ids ──CarriedBuffer::collect──▶ (kind, length, value)* ──ring──▶ OutgoingHeader::write ──▶ subscriber's ids
//! ```

use super::{ExtensionKind, ExtensionMap, Extensions, Header};

/// Most bytes of carried extensions per packet; values beyond it are left out.
pub const MAX_CARRIED_LEN: usize = 255;

/// Carried values as `(kind, length, value)*`, borrowed from a [`CarriedBuffer`] or from a packet ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried<'a>(&'a [u8]);

impl<'a> Carried<'a> {
    /// Views bytes that came from [`Carried::as_bytes`]. Other bytes yield fewer or odd values, never a panic.
    #[inline]
    #[must_use]
    pub fn from_bytes(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The encoded values, at most [`MAX_CARRIED_LEN`] bytes when they were collected from a packet.
    #[inline]
    #[must_use]
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Kinds and values in the publisher's order.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = (ExtensionKind, &'a [u8])> + Clone {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (&[kind, len], tail) = rest.split_first_chunk::<2>()?;
            let (value, tail) = tail.split_at_checked(usize::from(len))?;
            rest = tail;
            Some((ExtensionKind::from_u8(kind)?, value))
        })
    }
}

/// Room for the carried values of one packet.
#[derive(Clone, Copy, Debug)]
pub struct CarriedBuffer {
    bytes: [u8; MAX_CARRIED_LEN],
    len: u8,
}

impl Default for CarriedBuffer {
    fn default() -> Self {
        Self { bytes: [0; MAX_CARRIED_LEN], len: 0 }
    }
}

impl CarriedBuffer {
    /// Collects what `packet`, from which `header` was parsed, carries under the publisher's ids.
    #[inline]
    pub fn collect(&mut self, header: &Header, packet: &[u8], map: &ExtensionMap) -> Carried<'_> {
        self.len = 0;
        for (id, value) in Extensions::of(header, packet) {
            if let Some(kind) = map.kind(id).filter(|kind| kind.is_carried()) {
                self.push(kind, value);
            }
        }
        self.carried()
    }

    /// Adds one value; leaves it out when it does not fit.
    #[inline]
    pub fn push(&mut self, kind: ExtensionKind, value: &[u8]) {
        let start = usize::from(self.len);
        let end = start + 2 + value.len();
        if let (Some(out), Ok(len), Ok(end)) =
            (self.bytes.get_mut(start..end), u8::try_from(value.len()), u8::try_from(end))
        {
            out[0] = kind as u8;
            out[1] = len;
            out[2..].copy_from_slice(value);
            self.len = end;
        }
    }

    /// What has been collected.
    #[inline]
    #[must_use]
    pub fn carried(&self) -> Carried<'_> {
        Carried(self.bytes.get(..usize::from(self.len)).unwrap_or_default())
    }
}
