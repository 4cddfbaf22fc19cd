//! One system call a datagram: for systems without batch calls, and as the yardstick of the tests.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use sfu::{Address, SendBatch};

use super::wait::wait_until_writable;
use super::{RECEIVE_BATCH, RECEIVE_BYTES_MAX, Sent, WRITABLE_TIMEOUT_MS, for_family, normalised};

/// Room for received datagrams.
#[derive(Debug)]
pub(in crate::media) struct ReceiveSlab {
    bytes: Vec<[u8; RECEIVE_BYTES_MAX]>,
    datagrams: Vec<(SocketAddr, usize)>,
}

impl ReceiveSlab {
    pub(in crate::media) fn new() -> Self {
        Self {
            bytes: vec![[0; RECEIVE_BYTES_MAX]; RECEIVE_BATCH],
            datagrams: Vec::with_capacity(RECEIVE_BATCH),
        }
    }

    /// What the last receive call brought: the sender and the bytes.
    pub(in crate::media) fn datagrams_mut(&mut self) -> impl Iterator<Item = (SocketAddr, &mut [u8])> {
        self.datagrams.iter().zip(&mut self.bytes).map(|((from, len), bytes)| (*from, &mut bytes[..*len]))
    }
}

/// Takes what waits, at most the slab's size. Returns how many datagrams were taken off the socket.
pub(in crate::media) fn receive(socket: &UdpSocket, slab: &mut ReceiveSlab) -> io::Result<usize> {
    slab.datagrams.clear();
    while slab.datagrams.len() < RECEIVE_BATCH {
        match socket.recv_from(&mut slab.bytes[slab.datagrams.len()]) {
            // A datagram that fills the room has probably been cut.
            Ok((RECEIVE_BYTES_MAX, _)) => {}
            Ok((len, from)) => slab.datagrams.push((normalised(from), len)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if slab.datagrams.is_empty() => return Err(error),
            Err(_) => break,
        }
    }
    Ok(slab.datagrams.len())
}

/// Sends batches.
#[derive(Debug)]
pub(in crate::media) struct Transmitter {
    is_ipv6: bool,
}

impl Transmitter {
    pub(in crate::media) fn new(socket: &UdpSocket, _datagrams_max: usize) -> io::Result<Self> {
        Ok(Self { is_ipv6: socket.local_addr()?.is_ipv6() })
    }

    /// Whether runs are handed over as one message: never here.
    pub(in crate::media) fn is_segmenting(&self) -> bool {
        false
    }

    #[expect(clippy::needless_pass_by_ref_mut, reason = "the other backend writes into its arrays")]
    pub(in crate::media) fn send(&mut self, socket: &UdpSocket, batch: &SendBatch) -> Sent {
        let mut sent = Sent::default();
        for (index, datagram) in batch.datagrams().iter().enumerate() {
            let Address::Udp(to) = datagram.to else { continue };
            let to = for_family(to, self.is_ipv6);
            let mut result = socket.send_to(batch.payload(datagram), to);
            if matches!(&result, Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
                let timeout = Duration::from_millis(WRITABLE_TIMEOUT_MS.into());
                result = wait_until_writable(socket, timeout)
                    .and_then(|()| socket.send_to(batch.payload(datagram), to));
            }
            match result {
                Ok(_) => sent.datagrams += 1,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    sent.dropped_full += (batch.datagrams().len() - index) as u64;
                    break;
                }
                Err(_) => sent.dropped_refused += 1,
            }
        }
        sent
    }
}
