//! The slab that outgoing datagrams are written into.
//!
//! The SFU seals packets straight into it, one destination after the other, so that the shell can hand
//! runs of equal size to the kernel as one GSO message without copying.

use crate::address::Address;

/// Largest datagram the SFU sends: Ethernet's 1500 bytes less IPv6 and UDP headers.
pub const DATAGRAM_BYTES_MAX: usize = 1452;

/// Datagrams waiting to be sent. Fixed capacity: when [`SendBatch::is_full`], the caller sends what is
/// there, clears, and goes on where it stopped; nothing is dropped here.
#[derive(Debug)]
pub struct SendBatch {
    bytes: Vec<u8>,
    used: usize,
    datagrams: Vec<Datagram>,
    tcp: usize,
}

/// One datagram in the slab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram {
    /// Where it goes.
    pub to: Address,
    /// First byte in the slab.
    pub start: usize,
    /// Number of bytes.
    pub len: usize,
    /// It carries audio: a connection that cannot take everything gives up video first.
    pub is_audio: bool,
}

impl SendBatch {
    /// A batch that holds at most `datagrams` datagrams of full size. All memory is taken here.
    #[must_use]
    pub fn with_capacity(datagrams: usize) -> Self {
        Self {
            bytes: vec![0; datagrams * DATAGRAM_BYTES_MAX],
            used: 0,
            datagrams: Vec::with_capacity(datagrams),
            tcp: 0,
        }
    }

    /// Whether the next datagram might not fit.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.used + DATAGRAM_BYTES_MAX > self.bytes.len() || self.datagrams.len() == self.datagrams.capacity()
    }

    /// Whether there is nothing to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.datagrams.is_empty()
    }

    /// Writes one datagram: `write` fills the front of the space and returns the length, or nothing to
    /// take nothing. Returns whether a datagram was added.
    ///
    /// # Panics
    /// When the batch is full, or `write` claims more than [`DATAGRAM_BYTES_MAX`]: both are bugs.
    #[inline]
    pub fn push_with(
        &mut self,
        to: impl Into<Address>,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> bool {
        assert!(!self.is_full(), "the caller checks is_full() before it pushes");
        let space = &mut self.bytes[self.used..self.used + DATAGRAM_BYTES_MAX];
        let Some(len) = write(space) else { return false };
        assert!(len <= DATAGRAM_BYTES_MAX, "a datagram has at most {DATAGRAM_BYTES_MAX} bytes, not {len}");
        let to = to.into();
        self.tcp += usize::from(matches!(to, Address::Tcp(_)));
        self.datagrams.push(Datagram { to, start: self.used, len, is_audio: false });
        self.used += len;
        true
    }

    /// Says that the datagram pushed last carries audio.
    #[inline]
    pub fn mark_audio(&mut self) {
        if let Some(datagram) = self.datagrams.last_mut() {
            datagram.is_audio = true;
        }
    }

    /// The datagrams in the order they were pushed; neighbours in it are neighbours in [`Self::bytes`].
    #[must_use]
    pub fn datagrams(&self) -> &[Datagram] {
        &self.datagrams
    }

    /// The slab.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.used]
    }

    /// Whether some of the datagrams go over TCP.
    #[must_use]
    pub const fn has_tcp(&self) -> bool {
        self.tcp > 0
    }

    /// The bytes of one datagram.
    #[must_use]
    pub fn payload(&self, datagram: &Datagram) -> &[u8] {
        &self.bytes[datagram.start..datagram.start + datagram.len]
    }

    /// Forgets all datagrams and keeps the memory.
    pub fn clear(&mut self) {
        self.used = 0;
        self.tcp = 0;
        self.datagrams.clear();
    }
}
