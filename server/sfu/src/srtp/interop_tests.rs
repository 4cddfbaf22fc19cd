//! The same packets through an independent implementation, both ways.

use rtc::srtp::context::Context;
use rtc::srtp::protection_profile::ProtectionProfile;

use super::tests::{master, rtcp, rtp};
use super::*;

fn theirs(profile: Profile) -> Context {
    let master = master(profile);
    let (theirs, salt) = match profile {
        Profile::AeadAes128Gcm => (ProtectionProfile::AeadAes128Gcm, &master.salt[..12]),
        Profile::Aes128CmHmacSha1_80 => (ProtectionProfile::Aes128CmHmacSha1_80, &master.salt[..]),
    };
    let provider = rtc::crypto::default_provider().unwrap();
    Context::new(&master.key, salt, theirs, None, None, provider.crypto()).unwrap()
}

const SSRC: u32 = 0x1122_3344;

fn check(profile: Profile) {
    let (ours, mut theirs_in, mut theirs_out) = (master(profile), theirs(profile), theirs(profile));
    let (mut sealer, mut opener) = (Sealer::new(&ours), Opener::new(&ours));
    for index in 0xffe0..0x1_0020_u64 {
        let (mut packet, len) = rtp(index as u16, 100);
        let plain = packet[..len].to_vec();
        let total = sealer.seal_rtp(&mut packet, 12, len, SSRC, index);
        assert_eq!(theirs_in.decrypt_rtp(&packet[..total]).unwrap(), plain, "{profile:?} {index}");
        let mut sealed = theirs_out.encrypt_rtp(&plain).unwrap();
        assert_eq!(sealed, packet[..total], "both write the same octets");
        assert_eq!(opener.open_rtp(&mut sealed, 12, SSRC, index), Ok(len));
        assert_eq!(sealed[..len], plain);
    }
    for _ in 0..5 {
        let (mut packet, len) = rtcp();
        let plain = packet[..len].to_vec();
        let total = sealer.seal_rtcp(&mut packet, len).unwrap();
        assert_eq!(theirs_in.decrypt_rtcp(&packet[..total]).unwrap(), plain);
        let mut sealed = theirs_out.encrypt_rtcp(&plain).unwrap();
        assert_eq!(opener.open_rtcp(&mut sealed), Ok(len));
        assert_eq!(sealed[..len], plain);
    }
}

#[test]
fn gcm_agrees_with_rtc_srtp() {
    check(Profile::AeadAes128Gcm);
}

#[test]
fn counter_mode_agrees_with_rtc_srtp() {
    check(Profile::Aes128CmHmacSha1_80);
}
