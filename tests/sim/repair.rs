//! The simulated browser's repair of video: reads FlexFEC as libwebrtc does (draft-ietf-payload-flexible-fec-scheme-03),
//! and what it is worth over a long way.

use std::collections::BTreeMap;

use sfu::rtp::{ExtensionKind, ExtensionMap, Header};

/// Packets and repair packets that are remembered.
const REMEMBERED: usize = 200;
const FIXED_LEN: usize = 12;

/// What one repair packet says.
#[derive(Debug)]
struct Repair {
    protects: Vec<u16>,
    base: [u8; 8],
    rest: Vec<u8>,
}

/// Collects the packets of one stream and its repair packets.
#[derive(Debug, Default)]
pub(crate) struct Receiver {
    packets: BTreeMap<u16, Vec<u8>>,
    /// In the order in which they came.
    order: Vec<u16>,
    repairs: Vec<Repair>,
    /// Packets that were computed.
    pub(crate) recovered: u64,
}

impl Receiver {
    /// A packet came, decrypted. Its transport-wide number counts as zeros: it is given when the packet leaves.
    pub(crate) fn receive(&mut self, packet: &[u8], extensions: &ExtensionMap) {
        let mut packet = packet.to_vec();
        if let Some(at) = transport_cc_at(&packet, extensions) {
            packet[at..at + 2].fill(0);
        }
        self.remember(packet);
    }

    fn remember(&mut self, packet: Vec<u8>) {
        let sequence = u16::from_be_bytes([packet[2], packet[3]]);
        self.packets.insert(sequence, packet);
        self.order.push(sequence);
        if self.order.len() > REMEMBERED {
            self.packets.remove(&self.order.remove(0));
        }
    }

    /// A repair packet came.
    pub(crate) fn protect(&mut self, payload: &[u8]) {
        self.repairs.push(read(payload));
        if self.repairs.len() > REMEMBERED {
            self.repairs.remove(0);
        }
    }

    /// The next packet that can be computed.
    pub(crate) fn recover(&mut self, ssrc: u32) -> Option<Vec<u8>> {
        let is_missing = |sequence: &&u16| !self.packets.contains_key(sequence);
        let at =
            self.repairs.iter().position(|repair| repair.protects.iter().filter(is_missing).count() == 1)?;
        let repair = self.repairs.remove(at);
        let missing =
            repair.protects.iter().copied().find(|sequence| !self.packets.contains_key(sequence))?;
        let (mut base, mut rest) = (repair.base, repair.rest);
        for packet in repair.protects.iter().filter_map(|sequence| self.packets.get(sequence)) {
            let [l0, l1] = ((packet.len() - FIXED_LEN) as u16).to_be_bytes();
            let their = [packet[0], packet[1], l0, l1, packet[4], packet[5], packet[6], packet[7]];
            base.iter_mut().zip(their).for_each(|(ours, their)| *ours ^= their);
            rest.iter_mut().zip(&packet[FIXED_LEN..]).for_each(|(ours, their)| *ours ^= their);
        }
        rest.truncate(usize::from(u16::from_be_bytes([base[2], base[3]])));
        let mut packet = vec![base[0] & 0x3f | 0x80, base[1]];
        packet.extend_from_slice(&missing.to_be_bytes());
        packet.extend_from_slice(&base[4..]);
        packet.extend_from_slice(&ssrc.to_be_bytes());
        packet.extend_from_slice(&rest);
        self.remember(packet.clone());
        self.recovered += 1;
        Some(packet)
    }
}

fn read(payload: &[u8]) -> Repair {
    let first = u16::from_be_bytes([payload[16], payload[17]]);
    let (mut protects, mut at, mut offset) = (Vec::new(), 18, 0);
    for len in [2, 4, 8] {
        for bit in 1..len * 8 {
            if payload[at + bit / 8] & 0x80 >> (bit % 8) != 0 {
                protects.push(first.wrapping_add(offset));
            }
            offset += 1;
        }
        at += len;
        if payload[at - len] & 0x80 != 0 {
            break;
        }
    }
    Repair { protects, base: payload[..8].try_into().unwrap(), rest: payload[at..].to_vec() }
}

/// Where the transport-wide number is in a packet with extensions of one byte (RFC 8285 section 4.2).
fn transport_cc_at(packet: &[u8], extensions: &ExtensionMap) -> Option<usize> {
    let header_len = Header::parse(packet).ok()?.header_len();
    let mut at = FIXED_LEN + 4;
    while at < header_len {
        let (id, len) = (packet[at] >> 4, usize::from(packet[at] & 15) + 1);
        if id == 0 {
            at += 1;
        } else if extensions.id(ExtensionKind::TransportCc) == Some(id) {
            return Some(at + 1);
        } else {
            at += 1 + len;
        }
    }
    None
}
