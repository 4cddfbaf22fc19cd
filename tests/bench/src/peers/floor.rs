//! The floor: what sealing and sending alone cost. One thread seals every packet for every subscriber and hands
//! the subscriber's burst to the kernel as one segmented message, like our own media plane, and does nothing else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::spawn_media;
use crate::control::{Request, Response, answer_requests};
use crate::load::{Load, PAYLOAD_TYPE};
use crate::measure::Usage;
use crate::socket::{self, Transmitter};

const HEADER_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

/// Answers requests until standard input ends.
pub(super) fn serve() -> Result<()> {
    let generated = Arc::new(AtomicU64::new(0));
    answer_requests(|request| match request {
        Request::Generate { destinations, load } => {
            let generated = Arc::clone(&generated);
            spawn_media(move || Generator::new(destinations, load, generated)?.run());
            Ok(Response::Done)
        }
        Request::Usage => {
            Ok(Response::Usage(Usage { generated: generated.load(Ordering::Relaxed), ..Usage::now()? }))
        }
        Request::Offer { .. } | Request::Invite | Request::Accept { .. } | Request::CountAllocations => {
            bail!("the floor only generates")
        }
    })
}

struct Generator {
    load: Load,
    subscribers: Vec<(SocketAddr, LessSafeKey)>,
    socket: std::net::UdpSocket,
    transmitter: Transmitter,
    payload: Vec<u8>,
    batch: Vec<u8>,
    sequence: u32,
    generated: Arc<AtomicU64>,
}

impl Generator {
    fn new(destinations: Vec<SocketAddr>, load: Load, generated: Arc<AtomicU64>) -> Result<Self> {
        let subscribers = destinations.into_iter().zip(1_u8..).map(|(to, key)| {
            let key =
                UnboundKey::new(&AES_128_GCM, &[key; 16]).ok().context("16 bytes are an AES-128 key")?;
            Ok((to, LessSafeKey::new(key)))
        });
        let subscribers = subscribers.collect::<Result<Vec<_>>>()?;
        let burst_bytes = (HEADER_BYTES + load.payload + TAG_BYTES) * load.burst as usize;
        Ok(Self {
            batch: vec![0; burst_bytes * subscribers.len()],
            payload: vec![0xab; load.payload],
            subscribers,
            load,
            socket: socket::bind()?,
            transmitter: Transmitter::default(),
            sequence: 0,
            generated,
        })
    }

    fn run(&mut self) -> Result<()> {
        let start = Instant::now();
        for burst in 1.. {
            self.seal_burst();
            self.send_burst()?;
            let due = self.load.due(burst);
            std::thread::sleep(due.saturating_sub(start.elapsed()));
        }
        Ok(())
    }

    fn packet_bytes(&self) -> usize {
        HEADER_BYTES + self.load.payload + TAG_BYTES
    }

    /// Subscriber after subscriber, so that the packets to one lie side by side.
    fn seal_burst(&mut self) {
        let packet_bytes = self.packet_bytes();
        let mut rooms = self.batch.chunks_exact_mut(packet_bytes);
        for (at, (_, key)) in self.subscribers.iter().enumerate() {
            for number in (self.sequence..).take(self.load.burst as usize) {
                let room = rooms.next().expect("the batch has room for every packet of a burst");
                seal(room, number, at as u32, &self.payload, key);
            }
        }
        self.sequence += self.load.burst;
    }

    fn send_burst(&mut self) -> Result<()> {
        let packet_bytes = self.packet_bytes();
        let bursts = self.batch.chunks_exact(packet_bytes * self.load.burst as usize);
        let messages = self.subscribers.iter().zip(bursts).map(|((to, _), burst)| (*to, burst));
        // One packet is not cut; asking for it would be an error.
        let segment = (self.load.burst > 1).then_some(packet_bytes as u16);
        let packets = self.subscribers.len() as u64 * u64::from(self.load.burst);
        let refused = self.transmitter.send(&self.socket, messages, segment)?;
        ensure!(refused == 0, "the kernel refused {refused} messages");
        self.generated.fetch_add(packets, Ordering::Relaxed);
        Ok(())
    }
}

/// An RTP packet with AEAD_AES_128_GCM (RFC 7714), the nonce without a salt.
fn seal(room: &mut [u8], number: u32, ssrc: u32, payload: &[u8], key: &LessSafeKey) {
    let (header, rest) = room.split_at_mut(HEADER_BYTES);
    let (body, tag) = rest.split_at_mut(payload.len());
    header[0] = 0x80;
    header[1] = PAYLOAD_TYPE;
    header[2..4].copy_from_slice(&(number as u16).to_be_bytes());
    header[4..8].copy_from_slice(&number.to_be_bytes());
    header[8..12].copy_from_slice(&ssrc.to_be_bytes());
    body.copy_from_slice(payload);
    let mut nonce = [0; 12];
    nonce[2..6].copy_from_slice(&ssrc.to_be_bytes());
    nonce[8..12].copy_from_slice(&number.to_be_bytes());
    let nonce = Nonce::assume_unique_for_key(nonce);
    let sealed = key.seal_in_place_separate_tag(nonce, Aad::from(&*header), body);
    tag.copy_from_slice(sealed.expect("a packet is far below the cipher's limit of 64 GiB").as_ref());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_can_be_opened() {
        let key = || LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &[1; 16]).unwrap());
        let mut room = [0; HEADER_BYTES + 8 + TAG_BYTES];
        seal(&mut room, 7, 3, b"payload!", &key());
        let mut nonce = [0; 12];
        nonce[5] = 3;
        nonce[11] = 7;
        let (header, sealed) = room.split_at_mut(HEADER_BYTES);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let opened = key().open_in_place(nonce, Aad::from(&*header), sealed).unwrap();
        assert_eq!(opened, b"payload!");
    }
}
