//! The AV1 aggregation header (RTP payload format for AV1, §4.4): all that is in the clear of an AV1 packet.

/// Whether the packet begins a coded video sequence, that is a key frame: N, with a first OBU that is not continued (Z).
/// For publishers that send no dependency descriptor; of layers it tells nothing.
#[inline]
#[must_use]
pub fn begins_sequence(payload: &[u8]) -> bool {
    matches!(payload, [header, _, ..] if *header & 0x88 == 0x08)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_packet_of_a_sequence_begins_it() {
        assert!(begins_sequence(&[0x18, 0x0a]));
        assert!(!begins_sequence(&[0x10, 0x32]), "a later frame");
        assert!(!begins_sequence(&[0x98, 0x32]), "a continued unit");
        assert!(!begins_sequence(&[0x18]), "without content");
    }
}
