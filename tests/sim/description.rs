//! Session descriptions of the simulated browser: offers as Chromium and Firefox write them, and what it needs of
//! an answer.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;

use shared::SourceKind;

/// Numbers that browsers choose differently.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flavour {
    pub(crate) opus: u8,
    /// Redundant audio (RFC 2198); Firefox has none.
    pub(crate) red: Option<u8>,
    pub(crate) vp8: u8,
    pub(crate) rtx: u8,
    /// Repair packets; Firefox takes none.
    pub(crate) flexfec: Option<u8>,
    pub(crate) level: u8,
    pub(crate) transport_cc: u8,
    pub(crate) mid: u8,
    pub(crate) rid: u8,
    pub(crate) repaired_rid: u8,
    /// Whether the first packets of a stream name their section. What does not name them may announce another SSRC than it
    /// uses, as GStreamer's webrtcbin does now and then.
    pub(crate) names_streams: bool,
    /// Simulcast layers of the camera, smallest first; none: it is one stream.
    pub(crate) rids: &'static [&'static str],
}

pub(crate) const CHROMIUM: Flavour = Flavour {
    opus: 111,
    red: Some(63),
    vp8: 96,
    rtx: 97,
    flexfec: Some(49),
    level: 1,
    transport_cc: 3,
    mid: 4,
    rid: 10,
    repaired_rid: 11,
    names_streams: true,
    rids: &RIDS,
};
pub(crate) const FIREFOX: Flavour = Flavour {
    opus: 109,
    red: None,
    vp8: 120,
    rtx: 124,
    flexfec: None,
    level: 1,
    transport_cc: 7,
    mid: 3,
    rid: 9,
    repaired_rid: 12,
    names_streams: true,
    rids: &RIDS,
};

/// What an m-line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Send(SourceKind),
    AudioSlot,
    VideoSlot,
}

/// One m-line of the offer; its mid is its place.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    pub(crate) mid: String,
    pub(crate) purpose: Purpose,
    /// Media and retransmission SSRC, when they are announced: not for simulcast.
    pub(crate) ssrcs: Option<(u32, Option<u32>)>,
}

/// Simulcast layers of the camera, smallest first.
const RIDS: [&str; 3] = ["q", "h", "f"];

/// What the transport part of an offer says.
pub(crate) struct TransportLines<'a> {
    pub(crate) ufrag: &'a str,
    pub(crate) pwd: &'a str,
    pub(crate) fingerprint: &'a str,
}

pub(crate) fn offer(
    flavour: &Flavour,
    version: u32,
    transport: &TransportLines<'_>,
    sections: &[Section],
) -> String {
    let mids: Vec<&str> = sections.iter().map(|section| section.mid.as_str()).collect();
    let mut sdp = format!(
        "v=0\r\no=- 4711 {version} IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\n\
         a=extmap-allow-mixed\r\na=msid-semantic: WMS *\r\n",
        mids.join(" ")
    );
    for section in sections {
        write_section(&mut sdp, flavour, transport, section).expect("a String takes everything");
    }
    sdp
}

fn write_section(
    sdp: &mut String,
    flavour: &Flavour,
    transport: &TransportLines<'_>,
    section: &Section,
) -> std::fmt::Result {
    let is_audio = match section.purpose {
        Purpose::Send(kind) => kind.is_audio(),
        Purpose::AudioSlot => true,
        Purpose::VideoSlot => false,
    };
    let is_sent = matches!(section.purpose, Purpose::Send(_));
    let Flavour { opus, red, vp8, rtx, flexfec, level, transport_cc, mid, rid, repaired_rid, .. } = flavour;
    let TransportLines { ufrag, pwd, fingerprint } = transport;
    if is_audio {
        // What is sent first is preferred: a client that wants to send redundancy puts it first.
        let formats = match red {
            Some(red) if is_sent => format!("{red} {opus}"),
            Some(red) => format!("{opus} {red}"),
            None => opus.to_string(),
        };
        write!(sdp, "m=audio 9 UDP/TLS/RTP/SAVPF {formats} 9 0 8\r\n")?;
    } else {
        let repair = flexfec.map_or_else(String::new, |flexfec| format!(" {flexfec}"));
        write!(sdp, "m=video 9 UDP/TLS/RTP/SAVPF {vp8} {rtx} 102{repair}\r\n")?;
    }
    write!(
        sdp,
        "c=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\n\
         a=ice-options:trickle\r\na=fingerprint:{fingerprint}\r\na=setup:actpass\r\na=mid:{}\r\n\
         a=extmap:{mid} urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
         a=extmap:{transport_cc} http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
         a={}\r\na=rtcp-mux\r\na=rtcp-rsize\r\n",
        section.mid,
        if is_sent { "sendonly" } else { "recvonly" },
    )?;
    if is_audio {
        write!(
            sdp,
            "a=extmap:{level} urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n\
             a=rtpmap:{opus} opus/48000/2\r\na=rtcp-fb:{opus} transport-cc\r\n\
             a=fmtp:{opus} minptime=10;useinbandfec=1\r\na=rtpmap:9 G722/8000\r\n\
             a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
        )?;
        if let Some(red) = red {
            write!(sdp, "a=rtpmap:{red} red/48000/2\r\na=fmtp:{red} {opus}/{opus}\r\n")?;
        }
    } else {
        write!(
            sdp,
            "a=extmap:{rid} urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n\
             a=extmap:{repaired_rid} urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n\
             a=rtpmap:{vp8} VP8/90000\r\na=rtcp-fb:{vp8} goog-remb\r\na=rtcp-fb:{vp8} transport-cc\r\n\
             a=rtcp-fb:{vp8} ccm fir\r\na=rtcp-fb:{vp8} nack\r\na=rtcp-fb:{vp8} nack pli\r\n\
             a=rtpmap:{rtx} rtx/90000\r\na=fmtp:{rtx} apt={vp8}\r\na=rtpmap:102 H264/90000\r\n\
             a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f\r\n"
        )?;
        if let Some(flexfec) = flexfec {
            write!(sdp, "a=rtpmap:{flexfec} flexfec-03/90000\r\na=rtcp-fb:{flexfec} transport-cc\r\n")?;
            write!(sdp, "a=fmtp:{flexfec} repair-window=10000000\r\n")?;
        }
    }
    if section.purpose == Purpose::Send(SourceKind::Camera) && !flavour.rids.is_empty() {
        for rid in flavour.rids {
            write!(sdp, "a=rid:{rid} send\r\n")?;
        }
        write!(sdp, "a=simulcast:send {}\r\n", flavour.rids.join(";"))?;
    }
    if let Some((ssrc, repair)) = section.ssrcs {
        if let Some(repair) = repair {
            write!(sdp, "a=ssrc-group:FID {ssrc} {repair}\r\na=ssrc:{repair} cname:client\r\n")?;
        }
        write!(sdp, "a=ssrc:{ssrc} cname:client\r\n")?;
    }
    Ok(())
}

/// Media SSRC of a slot, and those of its retransmissions and its repair packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlotSsrcs {
    pub(crate) media: u32,
    pub(crate) rtx: Option<u32>,
    pub(crate) flexfec: Option<u32>,
}

/// What the browser takes from an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) ufrag: String,
    pub(crate) pwd: String,
    pub(crate) address: SocketAddr,
    /// By mid.
    pub(crate) slots: BTreeMap<String, SlotSsrcs>,
    /// Mids of the sections that the server wants to receive redundant audio in: it comes first.
    pub(crate) redundant: Vec<String>,
}

/// Reads an answer; a browser would refuse what this panics on.
pub(crate) fn read_answer(sdp: &str) -> Answer {
    let value = |text: &str, key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key).map(str::to_owned));
        line.unwrap_or_else(|| panic!("no {key} in\n{text}"))
    };
    let candidate = value(sdp, "a=candidate:");
    let fields: Vec<&str> = candidate.split(' ').collect();
    let mut slots = BTreeMap::new();
    let mut redundant = Vec::new();
    for section in sdp.split("m=").skip(1) {
        assert!(!section.lines().next().is_some_and(|line| line.contains(" 0 ")), "rejected: {section}");
        let first = section.split_whitespace().nth(3).unwrap_or_default();
        if section.contains("a=recvonly") && section.contains(&format!("a=rtpmap:{first} red/48000/2")) {
            redundant.push(value(section, "a=mid:"));
        }
        if !section.contains("a=sendonly") {
            continue;
        }
        let number = |text: &str| -> u32 { text.split(' ').next().unwrap().parse().unwrap() };
        let media = number(&value(section, "a=ssrc:"));
        let grouped = |group: &str| {
            let start = format!("a=ssrc-group:{group} {media} ");
            section.lines().find_map(|line| line.strip_prefix(&start)).map(number)
        };
        let ssrcs = SlotSsrcs { media, rtx: grouped("FID"), flexfec: grouped("FEC-FR") };
        slots.insert(value(section, "a=mid:"), ssrcs);
    }
    Answer {
        ufrag: value(sdp, "a=ice-ufrag:"),
        pwd: value(sdp, "a=ice-pwd:"),
        address: format!("{}:{}", fields[4], fields[5]).parse().unwrap(),
        slots,
        redundant,
    }
}
