//! Behaviour of [`Sealer`] and [`Opener`] together.

use proptest::prelude::*;

use super::*;

const PROFILES: [Profile; 2] = [Profile::AeadAes128Gcm, Profile::Aes128CmHmacSha1_80];
const SSRC: u32 = 0x1122_3344;
const HEADER_LEN: usize = 12;

pub(super) fn hex(digits: &str) -> Vec<u8> {
    let nibble = |digit: u8| char::from(digit).to_digit(16).unwrap() as u8;
    digits.as_bytes().chunks(2).map(|pair| nibble(pair[0]) << 4 | nibble(pair[1])).collect()
}

pub(super) fn master(profile: Profile) -> MasterKey {
    let salt: Vec<u8> = (100..).take(profile.salt_len()).collect();
    MasterKey::new(profile, &[7; 16], &salt).unwrap()
}

/// A packet with room for the tag behind it, and its length without that room.
pub(super) fn rtp(seq: u16, payload_len: usize) -> (Vec<u8>, usize) {
    let mut packet = vec![0x80, 96];
    packet.extend(seq.to_be_bytes());
    packet.extend([0, 0, 0, 9]);
    packet.extend(SSRC.to_be_bytes());
    packet.extend((0..payload_len).map(|at| at as u8));
    let len = packet.len();
    packet.resize(len + RTP_OVERHEAD_MAX, 0xee);
    (packet, len)
}

/// A receiver report with room for the trailer behind it, and its length without that room.
pub(super) fn rtcp() -> (Vec<u8>, usize) {
    let mut packet = vec![0x81, 201, 0, 7];
    packet.extend(SSRC.to_be_bytes());
    packet.extend(0..24);
    let len = packet.len();
    packet.resize(len + RTCP_OVERHEAD_MAX, 0xee);
    (packet, len)
}

fn sealed_rtp(profile: Profile, index: u64, payload_len: usize) -> Vec<u8> {
    let (mut packet, len) = rtp(index as u16, payload_len);
    let total = Sealer::new(&master(profile)).seal_rtp(&mut packet, HEADER_LEN, len, SSRC, index);
    assert!(packet[total..].iter().all(|octet| *octet == 0xee), "nothing is written behind the tag");
    packet.truncate(total);
    packet
}

fn sealed_rtcp(profile: Profile) -> Vec<u8> {
    let (mut packet, len) = rtcp();
    let total = Sealer::new(&master(profile)).seal_rtcp(&mut packet, len).unwrap();
    packet.truncate(total);
    packet
}

#[test]
fn what_is_sealed_opens_to_the_same_octets() {
    for profile in PROFILES {
        for payload_len in [0, 1, 15, 16, 17, 1_200] {
            let index = 0x0005_0001_8002;
            let mut packet = sealed_rtp(profile, index, payload_len);
            let (plain, len) = rtp(index as u16, payload_len);
            assert_eq!(packet.len(), len + profile.tag_len());
            let opened = Opener::new(&master(profile)).open_rtp(&mut packet, HEADER_LEN, SSRC, index);
            assert_eq!(opened, Ok(len));
            assert_eq!(packet[..len], plain[..len]);
        }
    }
}

#[test]
fn every_changed_octet_of_an_rtp_packet_is_noticed() {
    for profile in PROFILES {
        let opener = Opener::new(&master(profile));
        let sealed = sealed_rtp(profile, 77, 20);
        for at in 0..sealed.len() {
            let mut packet = sealed.clone();
            packet[at] ^= 1;
            assert_eq!(
                opener.open_rtp(&mut packet, HEADER_LEN, SSRC, 77),
                Err(SrtpError::Authentication),
                "{profile:?}, octet {at}"
            );
        }
    }
}

#[test]
fn every_changed_octet_of_an_rtcp_packet_is_noticed() {
    for profile in PROFILES {
        let sealed = sealed_rtcp(profile);
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut packet = sealed.clone();
                packet[at] ^= 1 << bit;
                let refused = Opener::new(&master(profile)).open_rtcp(&mut packet).unwrap_err();
                assert!(
                    matches!(refused, SrtpError::Authentication | SrtpError::NotEncrypted),
                    "{profile:?}, octet {at}: {refused:?}"
                );
            }
        }
    }
}

#[test]
fn the_rollover_counter_and_the_ssrc_are_authenticated() {
    for profile in PROFILES {
        let opener = Opener::new(&master(profile));
        let sealed = sealed_rtp(profile, 77, 20);
        for (ssrc, index) in [(SSRC, 77 + (1 << 16)), (SSRC ^ 1, 77)] {
            let opened = opener.open_rtp(&mut sealed.clone(), HEADER_LEN, ssrc, index);
            // Counter mode authenticates the SSRC in the header, which did not change; a caller passes
            // the one it parsed from there.
            let refused = profile == Profile::AeadAes128Gcm || ssrc == SSRC;
            assert_eq!(opened.is_err(), refused, "{profile:?}");
        }
    }
}

#[test]
fn a_stream_opens_across_the_wrap_of_its_sequence_number() {
    for profile in PROFILES {
        let opener = Opener::new(&master(profile));
        let mut window = ReplayWindow::new();
        for index in 0xfff0..0x1_0010_u64 {
            let mut packet = sealed_rtp(profile, index, 50);
            let estimate = window.estimate(index as u16);
            window.check(estimate).unwrap();
            opener.open_rtp(&mut packet, HEADER_LEN, SSRC, estimate).unwrap();
            window.commit(estimate);
        }
        assert_eq!(window.newest(), Some(0x1_000f));
    }
}

#[test]
fn a_replayed_rtcp_packet_is_refused() {
    for profile in PROFILES {
        let mut opener = Opener::new(&master(profile));
        let sealed = sealed_rtcp(profile);
        assert!(opener.open_rtcp(&mut sealed.clone()).is_ok());
        assert_eq!(opener.open_rtcp(&mut sealed.clone()), Err(SrtpError::Replayed { index: 0 }));
    }
}

#[test]
fn rtcp_indices_count_up_and_end_before_a_nonce_repeats() {
    for profile in PROFILES {
        let mut sealer = Sealer::new(&master(profile));
        let mut opener = Opener::new(&master(profile));
        for _ in 0..3 {
            let (mut packet, len) = rtcp();
            let total = sealer.seal_rtcp(&mut packet, len).unwrap();
            assert_eq!(opener.open_rtcp(&mut packet[..total]), Ok(len));
        }
        sealer.rtcp_index = SRTCP_INDEX_MAX;
        let (mut packet, len) = rtcp();
        assert!(sealer.seal_rtcp(&mut packet, len).is_ok());
        assert_eq!(sealer.seal_rtcp(&mut packet, len), Err(SrtpError::IndicesExhausted));
    }
}

#[test]
fn rtcp_without_room_for_its_trailer_is_refused() {
    let mut sealer = Sealer::new(&master(Profile::AeadAes128Gcm));
    let (mut packet, len) = rtcp();
    assert_eq!(sealer.seal_rtcp(&mut packet[..len + 19], len), Err(SrtpError::TooShort { len }));
    assert_eq!(sealer.seal_rtcp(&mut packet, 7), Err(SrtpError::TooShort { len: 7 }));
}

#[test]
fn exporter_octets_are_split_in_the_order_of_rfc_5764() {
    for profile in PROFILES {
        let exported: Vec<u8> = (0..).take(profile.exporter_len()).collect();
        let salt_len = profile.salt_len();
        let keys = MasterKeys::from_exporter(profile, &exported).unwrap();
        let expected = |key: usize, salt: usize| {
            MasterKey::new(profile, &exported[key..key + 16], &exported[salt..salt + salt_len]).unwrap()
        };
        assert_eq!(keys.client, expected(0, 32));
        assert_eq!(keys.server, expected(16, 32 + salt_len));
        let short = MasterKeys::from_exporter(profile, &exported[1..]);
        assert_eq!(short, Err(SrtpError::KeyingMaterial { len: exported.len() - 1 }));
    }
}

#[test]
fn keys_are_not_shown() {
    let master = master(Profile::Aes128CmHmacSha1_80);
    let shown =
        [format!("{master:?}"), format!("{:?}", Sealer::new(&master)), format!("{:?}", Opener::new(&master))];
    for (shown, name) in shown.iter().zip(["MasterKey", "Sealer", "Opener"]) {
        assert_eq!(shown, &format!("{name} {{ profile: Aes128CmHmacSha1_80, .. }}"));
    }
}

proptest! {
    #[test]
    fn arbitrary_octets_are_refused_without_a_panic(
        octets in proptest::collection::vec(any::<u8>(), 0..80), header_len in 0_usize..90
    ) {
        for profile in PROFILES {
            let mut opener = Opener::new(&master(profile));
            prop_assert!(opener.open_rtp(&mut octets.clone(), header_len, SSRC, 1).is_err());
            prop_assert!(opener.open_rtcp(&mut octets.clone()).is_err());
        }
    }
}
