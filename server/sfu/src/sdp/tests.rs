//! Offers of real browsers, what they are answered, and what is refused.

mod arbitrary;
mod oracle;

use std::collections::BTreeMap;

use super::*;
use crate::rtp::ExtensionKind;
use crate::rtp::identifier::{Mid, Rid};

// Chromium 156 and Firefox 153: one audio and one three-layer video publication, then one slot of each. The
// answers are those with which media was seen to flow in both directions in these browsers.
const CHROMIUM_OFFER: &str = include_str!("fixtures/chromium-offer.sdp");
const CHROMIUM_ANSWER: &str = include_str!("fixtures/chromium-answer.sdp");
const FIREFOX_OFFER: &str = include_str!("fixtures/firefox-offer.sdp");
const FIREFOX_ANSWER: &str = include_str!("fixtures/firefox-answer.sdp");
// The same with two audio and three video slots.
const CHROMIUM_FIVE_SLOTS: &str = include_str!("fixtures/chromium-offer-five-slots.sdp");
const FIREFOX_FIVE_SLOTS: &str = include_str!("fixtures/firefox-offer-five-slots.sdp");

#[test]
fn chromium_is_answered_as_was_seen_to_work() {
    check_golden(CHROMIUM_OFFER, CHROMIUM_ANSWER, 1002);
}

#[test]
fn firefox_is_answered_as_was_seen_to_work() {
    check_golden(FIREFOX_OFFER, FIREFOX_ANSWER, 1006);
}

#[test]
fn the_transport_of_an_offer_is_read_from_session_or_section() {
    let chromium = Offer::parse(CHROMIUM_OFFER).unwrap();
    assert_eq!(chromium.ice.ufrag(), "ekik");
    assert_eq!(chromium.ice.pwd(), "mG2mKYJnxQVGO6Su5D+y35GX");
    assert_eq!(chromium.setup, Setup::ActPass);
    assert!(chromium.trickle);
    let firefox = Offer::parse(FIREFOX_OFFER).unwrap();
    assert_eq!(firefox.ice.ufrag(), "475cb4ed");
    assert!(firefox.fingerprint.to_string().starts_with("B1:9F:2D:50:"));
    assert!(!format!("{:?}", firefox.ice).contains(firefox.ice.pwd()));
}

#[test]
fn a_publication_is_read_with_layers_repair_and_stream() {
    let offer = Offer::parse(FIREFOX_OFFER).unwrap();
    let video = &offer.sections[1];
    assert_eq!((video.kind, video.direction), (MediaKind::Video, Direction::SendOnly));
    assert_eq!(video.ssrcs.len(), 6);
    assert_eq!(video.repair, [(2328878426, 624385782), (1895757828, 60418843), (1366579533, 271380193)]);
    assert_eq!(video.msid.as_ref().unwrap().stream, "{571c5106-c24d-40a9-8e74-72a03ec765a9}");
    assert_eq!(video.extensions.id(ExtensionKind::Rid), Some(9));
    assert_eq!(video.codecs[1].associated_payload_type(), Some(120));
    let answer = answer_of(&offer);
    assert_eq!(publication(&answer, "1").layers, rids(["q", "h", "f"]));
    assert_eq!(publication(&answer, "1").repair, video.repair);
}

#[test]
fn payload_types_and_extension_ids_are_the_clients() {
    let expected =
        [(CHROMIUM_OFFER, (111, Some(63)), (96, 97), 4, 3), (FIREFOX_OFFER, (109, None), (120, 124), 3, 7)];
    for (text, (opus, red), (vp8, rtx), mid, transport_cc) in expected {
        let answer = answer_of(&Offer::parse(text).unwrap());
        let audio = PayloadMap {
            codec: Codec::Opus,
            payload_type: opus,
            rtx_payload_type: None,
            red_payload_type: red,
            clock_rate: 48_000,
        };
        let video = PayloadMap {
            codec: Codec::Vp8,
            payload_type: vp8,
            rtx_payload_type: Some(rtx),
            red_payload_type: None,
            clock_rate: 90_000,
        };
        for section in &answer.sections {
            assert_eq!(section.codecs, [if section.kind == MediaKind::Audio { audio } else { video }]);
        }
        assert_eq!(answer.extensions.id(ExtensionKind::Mid), Some(mid));
        assert_eq!(answer.extensions.id(ExtensionKind::TransportCc), Some(transport_cc));
    }
}

#[test]
fn long_extension_values_are_allowed_where_the_client_proposes_them() {
    let answered =
        |text: &str| answer_of(&Offer::parse(text).unwrap()).sdp.contains("a=extmap-allow-mixed\r\n");
    assert!(answered(CHROMIUM_OFFER));
    assert!(!answered(
        &CHROMIUM_OFFER.replace("a=extmap-allow-mixed\r\n", "").replace("a=extmap-allow-mixed\n", "")
    ));
}

#[test]
fn a_slot_is_answered_with_every_codec_and_a_camera_with_the_first_that_is_preferred() {
    let offer = Offer::parse(CHROMIUM_OFFER).unwrap();
    let fingerprint = Fingerprint([0x5a; 32]);
    let candidates = [HostCandidate::new("192.0.2.1:3478".parse().unwrap(), u16::MAX)];
    let ice = IceCredentials::new("ufra", "passwordpasswordpassword").unwrap();
    let preferred = [Codec::Av1, Codec::H264, Codec::Vp9, Codec::Vp8];
    let parameters =
        AnswerParameters { video_codecs: &preferred, ..parameters(&ice, fingerprint, &candidates) };
    let answer = answer(&offer, &parameters, |_, _| SlotSsrcs { ssrc: 1, rtx: Some(2), flexfec: Some(3) });
    let types = |mid: &str| -> Vec<_> {
        let section = answer.sections.iter().find(|section| section.mid.as_str() == mid).unwrap();
        section.codecs.iter().map(|map| (map.codec, map.payload_type, map.rtx_payload_type)).collect()
    };
    assert_eq!(types("1"), [(Codec::Av1, 45, Some(46))]);
    let all = [
        (Codec::Av1, 45, Some(46)),
        (Codec::H264, 108, Some(109)),
        (Codec::Vp9, 98, Some(99)),
        (Codec::Vp8, 96, Some(97)),
    ];
    assert_eq!(types("3"), all);
    let format = "a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";
    for line in
        [format, "a=fmtp:98 profile-id=0", "a=fmtp:45 level-idx=5;profile=0;tier=0", "a=fmtp:109 apt=108"]
    {
        assert!(answer.sdp.contains(line), "{line}");
    }
    let descriptor = |mid: &str| {
        let section = answer.sections.iter().find(|section| section.mid.as_str() == mid).unwrap();
        section.extensions.id(ExtensionKind::DependencyDescriptor)
    };
    assert_eq!((descriptor("1"), descriptor("3")), (Some(12), Some(12)));
}

#[test]
fn port_zero_with_bundle_only_is_no_rejection() {
    let offer = Offer::parse(FIREFOX_FIVE_SLOTS).unwrap();
    assert!(offer.sections.iter().all(|section| !section.rejected));
    let answer = answer_of(&offer);
    assert_eq!(answer.sections.iter().filter(|section| matches!(section.role, Role::Slot(_))).count(), 5);
    assert!(answer.sdp.contains("a=group:BUNDLE 0 1 2 3 4 5 6\r\n"));
    assert!(!answer.sdp.contains("m=video 0"));
}

#[test]
fn rid_extensions_are_answered_in_every_video_section() {
    for text in [CHROMIUM_FIVE_SLOTS, FIREFOX_FIVE_SLOTS] {
        let answer = answer_of(&Offer::parse(text).unwrap());
        for section in answer.sections.iter().filter(|section| section.kind == MediaKind::Video) {
            for kind in [ExtensionKind::Mid, ExtensionKind::Rid, ExtensionKind::RepairedRid] {
                assert!(section.extensions.id(kind).is_some(), "{kind:?} in {}", section.mid);
            }
        }
        assert_eq!(answer.sdp.matches(ExtensionKind::RepairedRid.uri()).count(), 4);
    }
}

#[test]
fn every_slot_has_a_stream_and_a_track_of_its_own() {
    let answer = answer_of(&Offer::parse(CHROMIUM_FIVE_SLOTS).unwrap());
    let msids: Vec<&str> = answer.sdp.lines().filter(|line| line.starts_with("a=msid:")).collect();
    assert_eq!(msids, ["a=msid:s2 t2", "a=msid:s3 t3", "a=msid:s4 t4", "a=msid:s5 t5", "a=msid:s6 t6"]);
}

#[test]
fn tcp_candidates_are_passive_and_below_every_udp_candidate() {
    let ice = IceCredentials::new("ufrag", "password22characters+/").unwrap();
    let address: std::net::SocketAddr = "203.0.113.7:443".parse().unwrap();
    let candidates = [
        HostCandidate::new(address, 0),
        HostCandidate::tcp_passive(address, 8191),
        HostCandidate::tcp_passive(address, 8190),
    ];
    let parameters = parameters(&ice, Fingerprint::of(b"x"), &candidates);
    let offer = Offer::parse(CHROMIUM_OFFER).unwrap();
    let answer = SlotTable::starting_at(1002).answer_with(&offer, &parameters);
    let priorities: Vec<u32> = candidates.iter().map(|candidate| candidate.priority).collect();
    assert!(priorities.is_sorted_by(|a, b| a > b), "{priorities:?}");
    let line = "a=candidate:2 1 tcp 1520435199 203.0.113.7 443 typ host tcptype passive\r\n";
    assert!(answer.sdp.contains(line), "{}", answer.sdp);
    assert_eq!(answer.sdp.matches("tcptype passive").count(), 2 * offer.sections.len());
}

#[test]
fn added_slots_leave_the_earlier_ones_their_ssrcs() {
    let mut slots = SlotTable::starting_at(1002);
    let before = slots.answer(&Offer::parse(&section_prefix(CHROMIUM_FIVE_SLOTS, 4)).unwrap());
    let after = slots.answer(&Offer::parse(CHROMIUM_FIVE_SLOTS).unwrap());
    assert_eq!(before.sections[..], after.sections[..4]);
    assert_eq!(slots.by_mid.len(), 5);
}

#[test]
fn a_camera_may_be_published_after_the_slots_exist() {
    let later = swap_sections(CHROMIUM_OFFER, [2, 3, 0, 1]);
    let mut slots = SlotTable::starting_at(1002);
    let before = slots.answer(&Offer::parse(&section_prefix(&later, 2)).unwrap());
    let after = slots.answer(&Offer::parse(&later).unwrap());
    assert_eq!(before.sections[..], after.sections[..2]);
    assert_eq!(publication(&after, "1").layers, rids(["q", "h", "f"]));
    assert!(after.sdp.contains("a=group:BUNDLE 0 1 2 3\r\n"), "the bundle keeps the order of the offer");
}

#[test]
fn a_stopped_section_leaves_the_bundle_and_its_place_is_reused_under_a_new_mid() {
    let mut slots = SlotTable::starting_at(1002);
    let stopped = stop_last_section(CHROMIUM_OFFER);
    let answer = slots.answer(&Offer::parse(&stopped).unwrap());
    assert_eq!(answer.sections[3].role, Role::Rejected);
    assert!(answer.sdp.contains("a=group:BUNDLE 0 1 2\r\n"));
    assert!(
        answer
            .sdp
            .ends_with("m=video 0 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:3\r\na=inactive\r\n")
    );
    let recycled =
        CHROMIUM_OFFER.replace("BUNDLE 0 1 2 3", "BUNDLE 0 1 2 7").replace("a=mid:3\r", "a=mid:7\r");
    let answer = slots.answer(&Offer::parse(&recycled).unwrap());
    assert_eq!(answer.sections[3].mid.as_str(), "7");
    assert!(matches!(answer.sections[3].role, Role::Slot(_)));
    assert!(answer.sdp.contains("a=group:BUNDLE 0 1 2 7\r\n"));
}

#[test]
fn a_stopped_section_without_attributes_is_read() {
    let bare = "m=video 0 UDP/TLS/RTP/SAVPF 19\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\na=mid:8\r\n\
                a=rtpmap:19 reserved/8000\r\n";
    let answer = answer_of(&Offer::parse(&format!("{FIREFOX_OFFER}{bare}")).unwrap());
    assert_eq!(answer.sections[4].role, Role::Rejected);
    assert!(answer.sdp.contains("a=group:BUNDLE 0 1 2 3\r\n"));
}

#[test]
fn a_data_channel_section_is_rejected_for_now() {
    let application = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:4\r\n\
                       a=sctp-port:5000\r\na=max-message-size:262144\r\n";
    let text = format!("{CHROMIUM_OFFER}{application}").replace("BUNDLE 0 1 2 3", "BUNDLE 0 1 2 3 4");
    let answer = answer_of(&Offer::parse(&text).unwrap());
    assert_eq!(answer.sections[4].kind, MediaKind::Application);
    assert_eq!(answer.sections[4].role, Role::Rejected);
    assert!(answer.sdp.contains("a=group:BUNDLE 0 1 2 3\r\n"));
    assert!(answer.sdp.contains("m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"));
}

#[test]
fn sections_we_cannot_carry_are_rejected_alone() {
    let unbundled = CHROMIUM_OFFER.replace("BUNDLE 0 1 2 3", "BUNDLE 0 1 2");
    assert_eq!(rejected_mids(&unbundled), ["3"]);
    let without_vp8 = FIREFOX_OFFER.replace("VP8/90000", "VP7/90000");
    assert_eq!(rejected_mids(&without_vp8), ["1", "3"]);
    let without_mux = swap_in_section(CHROMIUM_OFFER, 2, "a=rtcp-mux\r\n", "");
    assert_eq!(rejected_mids(&without_mux), ["2"]);
    let other_profile = swap_in_section(CHROMIUM_OFFER, 0, "UDP/TLS/RTP/SAVPF", "RTP/AVP");
    assert_eq!(rejected_mids(&other_profile), ["0"]);
}

#[test]
fn an_inactive_section_stays_in_the_bundle() {
    let text = swap_in_section(CHROMIUM_OFFER, 1, "a=sendonly", "a=inactive");
    let answer = answer_of(&Offer::parse(&text).unwrap());
    assert_eq!(answer.sections[1].role, Role::Inactive);
    assert!(answer.sdp.contains("a=group:BUNDLE 0 1 2 3\r\n"));
    assert!(answer.sdp.contains("a=mid:1\r\na=inactive\r\na=ice-ufrag:"));
}

#[test]
fn a_section_that_would_send_and_receive_only_publishes() {
    let text = swap_in_section(CHROMIUM_OFFER, 0, "a=sendonly", "a=sendrecv");
    let answer = answer_of(&Offer::parse(&text).unwrap());
    assert!(matches!(answer.sections[0].role, Role::Publication(_)));
    assert!(answer.sdp.contains("a=mid:0\r\na=recvonly\r\n"));
}

#[test]
fn paused_layers_and_alternatives_are_read_and_the_best_alternative_is_received() {
    let text = CHROMIUM_OFFER
        .replace("a=simulcast:send q;h;f", "a=simulcast:recv r,~s send ~q;x,h;f")
        .replace("a=rid:q send", "a=rid:r recv\r\na=rid:q send max-width=320");
    let offer = Offer::parse(&text).unwrap();
    let streams = &offer.sections[1].simulcast_send;
    assert_eq!(streams[0], [SimulcastAlternative { rid: Rid::new("q").unwrap(), paused: true }]);
    assert_eq!(streams[1].len(), 2);
    let answer = answer_of(&offer);
    assert_eq!(publication(&answer, "1").layers, rids(["q", "h", "f"]), "x has no a=rid line");
    assert!(
        answer.sdp.contains("a=rid:q recv\r\na=rid:h recv\r\na=rid:f recv\r\na=simulcast:recv q;h;f\r\n")
    );
}

#[test]
fn without_the_rid_extension_there_is_no_simulcast() {
    let text = CHROMIUM_OFFER.replace(ExtensionKind::Rid.uri(), "urn:unknown");
    let answer = answer_of(&Offer::parse(&text).unwrap());
    assert!(publication(&answer, "1").layers.is_empty());
    assert!(!answer.sdp.contains("a=simulcast"));
}

#[test]
fn opus_is_asked_for_error_correction_and_for_silence_suppression_and_stereo_if_proposed() {
    let asked = |parameters: &str| {
        let line = format!("a=fmtp:111 {parameters}");
        let text = CHROMIUM_OFFER.replace("a=fmtp:111 minptime=10;useinbandfec=1", &line);
        let answer = answer_of(&Offer::parse(&text).unwrap());
        let lines = answer.sdp.lines().filter_map(|line| line.strip_prefix("a=fmtp:111 ").map(str::to_owned));
        lines.collect::<Vec<_>>()
    };
    let plain = "minptime=10;useinbandfec=1";
    assert_eq!(asked("useinbandfec=0; usedtx=1"), [&format!("{plain};usedtx=1"), plain]);
    assert_eq!(asked("stereo=1;sprop-stereo=1"), [&format!("{plain};stereo=1"), plain]);
    assert_eq!(asked("stereo=1"), [plain, plain]);
}

#[test]
fn a_slot_without_retransmission_has_one_ssrc() {
    let text = swap_in_section(CHROMIUM_OFFER, 3, "a=fmtp:97 apt=96\r\n", "");
    let answer = answer_of(&Offer::parse(&text).unwrap());
    let Role::Slot(ssrcs) = &answer.sections[3].role else { panic!("{:?}", answer.sections[3].role) };
    assert_eq!(ssrcs.rtx, None);
    assert!(!answer.sdp.contains("FID"));
}

#[test]
fn new_credentials_restart_ice() {
    let offer = Offer::parse(CHROMIUM_OFFER).unwrap();
    let restarted = Offer::parse(&CHROMIUM_OFFER.replace("ice-ufrag:ekik", "ice-ufrag:abcd")).unwrap();
    assert!(!offer.restarts_ice(&offer));
    assert!(restarted.restarts_ice(&offer));
}

#[test]
fn line_ends_and_unknown_attributes_do_not_matter() {
    let offer = Offer::parse(CHROMIUM_OFFER).unwrap();
    assert_eq!(Offer::parse(&CHROMIUM_OFFER.replace("\r\n", "\n")).unwrap(), offer);
    let unknown = CHROMIUM_OFFER.replace("a=rtcp-mux\r\n", "a=rtcp-mux\r\na=novelty:1 2 3\r\nk=prompt\r\n");
    assert_eq!(Offer::parse(&unknown).unwrap(), offer);
}

#[test]
fn later_sections_may_leave_the_transport_to_the_first() {
    let (first, rest) = CHROMIUM_OFFER.split_once("m=video").unwrap();
    let rest: String = rest
        .split_inclusive('\n')
        .filter(|line| !["a=ice-", "a=fingerprint", "a=setup"].iter().any(|name| line.starts_with(name)))
        .collect();
    let offer = Offer::parse(&format!("{first}m=video{rest}")).unwrap();
    assert_eq!(offer, Offer::parse(CHROMIUM_OFFER).unwrap());
}

#[test]
fn what_contradicts_or_is_missing_is_refused_by_name() {
    let missing = |field| SdpError::Missing { field };
    check_refused("", "", missing("v="));
    check_refused(CHROMIUM_OFFER, &CHROMIUM_OFFER.replace("a=mid:2\r\n", ""), missing("a=mid"));
    check_refused(CHROMIUM_OFFER, CHROMIUM_OFFER.split("m=").next().unwrap(), missing("m= section"));
    check_refused(
        CHROMIUM_OFFER,
        &CHROMIUM_OFFER.replace("a=ice-ufrag:ekik\r\n", ""),
        missing("a=ice-ufrag"),
    );
    check_refused(CHROMIUM_OFFER, &without_lines(CHROMIUM_OFFER, "a=fingerprint"), missing("a=fingerprint"));
    check_refused(CHROMIUM_OFFER, &without_lines(CHROMIUM_OFFER, "a=setup"), missing("a=setup"));
    let duplicate = SdpError::Duplicate { field: "a=mid", line: 191 };
    check_refused(CHROMIUM_OFFER, &CHROMIUM_OFFER.replace("a=mid:3", "a=mid:2"), duplicate);
    let other_ufrag = swap_in_section(CHROMIUM_OFFER, 1, "ufrag:ekik", "ufrag:other");
    check_refused(CHROMIUM_OFFER, &other_ufrag, SdpError::Inconsistent { field: "a=ice-ufrag", line: 39 });
    let other_mid_id = swap_in_section(CHROMIUM_OFFER, 2, "a=extmap:4 ", "a=extmap:9 ");
    check_refused(CHROMIUM_OFFER, &other_mid_id, SdpError::Inconsistent { field: "a=extmap", line: 163 });
    let sha1 = CHROMIUM_OFFER.replace("sha-256", "sha-1");
    assert!(matches!(Offer::parse(&sha1), Err(SdpError::Unsupported { field: "a=fingerprint", .. })));
    let passive = CHROMIUM_OFFER.replace("actpass", "passive");
    check_refused(CHROMIUM_OFFER, &passive, SdpError::Unsupported { field: "a=setup", line: 15 });
}

#[test]
fn malformed_fields_are_refused_by_line() {
    let cases = [
        ("v=0", "v=1", SdpError::Unsupported { field: "v=", line: 1 }),
        ("s=-", "nonsense", SdpError::Malformed { field: "line", line: 3 }),
        ("m=audio 9 ", "m=audio 99999 ", SdpError::Malformed { field: "m=", line: 8 }),
        ("SAVPF 111 63", "SAVPF 128 63", SdpError::Malformed { field: "m=", line: 8 }),
        ("SAVPF 111 63", "SAVPF 111 111", SdpError::Duplicate { field: "payload type", line: 8 }),
        ("a=mid:0", "a=mid:0123456789abcdefg", SdpError::Malformed { field: "a=mid", line: 16 }),
        ("a=mid:0", "a=mid:0\r\na=mid:9", SdpError::Duplicate { field: "a=mid", line: 17 }),
        ("a=extmap:1 ", "a=extmap:0 ", SdpError::Malformed { field: "a=extmap", line: 17 }),
        ("a=extmap:1 ", "a=extmap:2 ", SdpError::Duplicate { field: "a=extmap", line: 18 }),
        ("opus/48000/2", "opus/fast", SdpError::Malformed { field: "a=rtpmap", line: 26 }),
        ("ekik", "e k", SdpError::Malformed { field: "ice-ufrag", line: 11 }),
        ("2F:1A:4B", "2F:1A", SdpError::Malformed { field: "a=fingerprint", line: 14 }),
        ("send q;h;f", "send q;;f", SdpError::Malformed { field: "a=simulcast", line: 162 }),
        ("send q;h;f", "send", SdpError::Malformed { field: "a=simulcast", line: 162 }),
        ("a=rid:q send", "a=rid:q both", SdpError::Malformed { field: "a=rid", line: 159 }),
        ("a=ssrc:283459112 cname", "a=ssrc:-1 cname", SdpError::Malformed { field: "a=ssrc", line: 37 }),
        ("BUNDLE 0 1", "BUNDLE 0 0", SdpError::Duplicate { field: "a=group:BUNDLE", line: 5 }),
    ];
    for (valid, broken, expected) in cases {
        let text = CHROMIUM_OFFER.replacen(valid, broken, 1);
        check_refused(CHROMIUM_OFFER, &text, expected);
    }
}

#[test]
fn every_bound_is_kept_and_named() {
    let too_large = |field, limit| SdpError::TooLarge { field, limit };
    let head = CHROMIUM_OFFER.split("m=video").next().unwrap();
    let repeated = |count: usize, line: &dyn Fn(usize) -> String| {
        let lines: String = (0..count).map(line).collect();
        format!("{head}{lines}")
    };
    let check = |count, line: &dyn Fn(usize) -> String, expected| {
        check_refused(head, &repeated(count, line), expected);
    };
    check(70_000, &|_| "\n".to_owned(), too_large("offer length", 65_536));
    check(1, &|_| format!("a={}\n", "x".repeat(2047)), too_large("line length", 2048));
    check(64, &|n| format!("m=audio 0 X 0\na=mid:x{n}\n"), too_large("m= sections", 64));
    check(29, &|n| format!("a=extmap:{} urn:x\n", n + 100), too_large("a=extmap", 32));
    check(9, &|n| format!("a=rid:r{n} send\n"), too_large("a=rid", 8));
    check(1, &|_| "a=simulcast:send 1;2;3;4;5;6;7;8,9\n".to_owned(), too_large("a=simulcast", 8));
    check(24, &|n| format!("a=ssrc:{n} cname:x\n"), too_large("a=ssrc", 24));
    check(25, &|n| format!("a=ssrc-group:FID {n} 1\n"), too_large("a=ssrc-group", 24));
    check(1, &|_| format!("a=fmtp:63 {}\n", "x".repeat(1025)), too_large("a=fmtp", 1024));
    check(1, &|_| format!("a=ice-ufrag:{}\n", "x".repeat(257)), too_large("ice-ufrag", 256));
    let payload_types: String = (0..65).map(|payload_type| format!(" {payload_type}")).collect();
    let video = format!("m=video 9 UDP/TLS/RTP/SAVPF{payload_types}\na=mid:v\n");
    check(1, &|_| video.clone(), too_large("payload types", 64));
    let bundle: String = (0..65).map(|mid| format!(" {mid}")).collect();
    let text = CHROMIUM_OFFER.replace("BUNDLE 0 1 2 3", &format!("BUNDLE{bundle}"));
    check_refused(CHROMIUM_OFFER, &text, too_large("a=group:BUNDLE", 64));
}

#[test]
fn a_refusal_says_the_field_and_the_bound_but_not_the_content() {
    let text = CHROMIUM_OFFER.replacen("a=ice-pwd:mG2mKYJnxQVGO6Su5D+y35GX", "a=ice-pwd:tooshortsecret", 1);
    assert_eq!(Offer::parse(&text).unwrap_err().to_string(), "line 12: ice-pwd is malformed");
    let error = Offer::parse(&"x".repeat(65_537)).unwrap_err();
    assert_eq!(error.to_string(), "offer length is above its bound of 65536");
}

#[test]
fn sixty_four_slots_fit_an_offer_that_lists_only_what_we_answer() {
    let mids: Vec<String> = (0..64).map(|mid| mid.to_string()).collect();
    let session = parts_of(FIREFOX_OFFER)[0].replace("BUNDLE 0 1 2 3", &format!("BUNDLE {}", mids.join(" ")));
    let slot = FIREFOX_ANSWER.replace("passive", "actpass").replace("a=sendonly", "a=recvonly");
    let slot = without_lines(&without_lines(&slot, "a=ssrc"), "a=fingerprint");
    let slot = &sections_of(&slot)[3];
    let slots = mids.iter().map(|mid| slot.replace("a=mid:3", &format!("a=mid:{mid}")));
    let text = session + &slots.collect::<String>();
    let answer = answer_of(&Offer::parse(&text).unwrap());
    assert_eq!(answer.sections.len(), 64);
    assert!(answer.sections.iter().all(|section| matches!(section.role, Role::Slot(_))));
}

#[test]
fn repair_is_taken_in_video_slots_of_clients_that_offer_it() {
    for (text, payload_type) in [(CHROMIUM_FIVE_SLOTS, Some(49)), (FIREFOX_FIVE_SLOTS, None)] {
        let answer = answer_of(&Offer::parse(text).unwrap());
        for section in &answer.sections {
            let is_slot = matches!(section.role, Role::Slot(_)) && section.kind == MediaKind::Video;
            assert_eq!(section.flexfec_payload_type, payload_type.filter(|_| is_slot));
            if let Role::Slot(ssrcs) = section.role {
                assert_eq!(ssrcs.flexfec, payload_type.filter(|_| is_slot).map(|_| ssrcs.ssrc + 1000));
            }
        }
        assert_eq!(answer.sdp.contains("flexfec"), payload_type.is_some());
    }
}

/// Allocates SSRCs as the spike did, two numbers for every slot, kept by `mid`, and one far away for repair.
struct SlotTable {
    next: u32,
    by_mid: BTreeMap<Mid, SlotSsrcs>,
}

impl SlotTable {
    fn starting_at(first: u32) -> Self {
        Self { next: first, by_mid: BTreeMap::new() }
    }

    fn answer(&mut self, offer: &Offer) -> Answer {
        let ice = IceCredentials::new("ours", "0123456789abcdef0123456789abcdef").unwrap();
        self.answer_with(offer, &parameters(&ice, Fingerprint([0; 32]), &[]))
    }

    fn answer_with(&mut self, offer: &Offer, parameters: &AnswerParameters<'_>) -> Answer {
        answer(offer, parameters, |mid, _| {
            *self.by_mid.entry(mid).or_insert_with(|| {
                let ssrc = self.next;
                self.next += 2;
                SlotSsrcs { ssrc, rtx: Some(ssrc + 1), flexfec: Some(ssrc + 1000) }
            })
        })
    }
}

fn parameters<'a>(
    ice: &'a IceCredentials,
    fingerprint: Fingerprint,
    candidates: &'a [HostCandidate],
) -> AnswerParameters<'a> {
    AnswerParameters {
        session_id: 4711,
        session_version: 1,
        ice,
        fingerprint,
        candidates,
        cname: "sfu",
        video_codecs: &[Codec::Vp8],
    }
}

fn answer_of(offer: &Offer) -> Answer {
    SlotTable::starting_at(1002).answer(offer)
}

fn check_golden(offer: &str, expected: &str, first_ssrc: u32) {
    let value = |name: &str| {
        expected.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name}"))
    };
    let ice = IceCredentials::new(value("a=ice-ufrag:"), value("a=ice-pwd:")).unwrap();
    let fingerprint = Fingerprint::from_hexadecimal(value("a=fingerprint:sha-256 ")).unwrap();
    let candidate: Vec<&str> = value("a=candidate:").split(' ').collect();
    let address = format!("{}:{}", candidate[4], candidate[5]).parse().unwrap();
    let candidates = [HostCandidate::new(address, u16::MAX)];
    let offer = Offer::parse(offer).unwrap();
    let answer =
        SlotTable::starting_at(first_ssrc).answer_with(&offer, &parameters(&ice, fingerprint, &candidates));
    assert_eq!(answer.sdp, expected);
}

fn check_refused(valid: &str, text: &str, expected: SdpError) {
    assert!(valid.is_empty() || valid != text, "the case changes nothing");
    assert_eq!(Offer::parse(text), Err(expected));
}

fn publication<'a>(answer: &'a Answer, mid: &str) -> &'a Publication {
    let section = answer.sections.iter().find(|section| section.mid.as_str() == mid).unwrap();
    let Role::Publication(publication) = &section.role else { panic!("{:?}", section.role) };
    publication
}

fn rejected_mids(text: &str) -> Vec<String> {
    let answer = answer_of(&Offer::parse(text).unwrap());
    let rejected = answer.sections.iter().filter(|section| section.role == Role::Rejected);
    rejected.map(|section| section.mid.to_string()).collect()
}

fn rids<const N: usize>(names: [&str; N]) -> [Rid; N] {
    names.map(|name| Rid::new(name).unwrap())
}

/// The session part, then each section.
fn parts_of(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for line in text.split_inclusive('\n') {
        if line.starts_with("m=") {
            parts.push(String::new());
        }
        parts.last_mut().unwrap().push_str(line);
    }
    parts
}

fn sections_of(text: &str) -> Vec<String> {
    parts_of(text).split_off(1)
}

fn section_prefix(text: &str, count: usize) -> String {
    parts_of(text)[..=count].concat()
}

fn swap_sections(text: &str, order: [usize; 4]) -> String {
    let parts = parts_of(text);
    order.iter().fold(parts[0].clone(), |all, index| all + &parts[index + 1])
}

fn swap_in_section(text: &str, index: usize, from: &str, to: &str) -> String {
    let mut parts = parts_of(text);
    assert!(parts[index + 1].contains(from), "{from}");
    parts[index + 1] = parts[index + 1].replace(from, to);
    parts.concat()
}

/// A stopped section in the shape JSEP gives it (RFC 9429): port 0, inactive, out of the bundle.
fn stop_last_section(text: &str) -> String {
    let stopped = swap_in_section(text, 3, "m=video 9", "m=video 0");
    swap_in_section(&stopped, 3, "a=recvonly", "a=inactive").replace("BUNDLE 0 1 2 3", "BUNDLE 0 1 2")
}

fn without_lines(text: &str, prefix: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.starts_with(prefix)).collect()
}
