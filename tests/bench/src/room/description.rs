//! Offers of the bots, and what they need of an answer. As little as a server has to be told.

use std::fmt::Write as _;
use std::net::SocketAddr;

use anyhow::{Context as _, Result};

/// Payload types and extension ids, as Chromium numbers them.
pub(super) const OPUS: u8 = 111;
pub(super) const VP8: u8 = 96;
pub(super) const LEVEL_ID: u8 = 1;
pub(super) const TRANSPORT_CC_ID: u8 = 3;
pub(super) const MID_ID: u8 = 4;
pub(super) const RID_ID: u8 = 10;

/// What an m-line is for. Its mid is its place in the offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Microphone,
    /// A camera with these simulcast layers, smallest first; none: a single stream with this SSRC.
    Camera {
        rids: &'static [&'static str],
        ssrc: u32,
    },
    AudioSlot,
    VideoSlot,
}

impl Section {
    pub(super) const fn is_audio(self) -> bool {
        matches!(self, Self::Microphone | Self::AudioSlot)
    }

    pub(super) const fn is_slot(self) -> bool {
        matches!(self, Self::AudioSlot | Self::VideoSlot)
    }
}

/// The bot's side of ICE and DTLS.
#[derive(Debug, Clone, Copy)]
pub(super) struct Transport<'a> {
    pub(super) ufrag: &'a str,
    pub(super) pwd: &'a str,
    pub(super) fingerprint: &'a str,
}

pub(super) fn offer(transport: &Transport<'_>, sections: &[Section]) -> String {
    let mids: Vec<String> = (0..sections.len()).map(|mid| mid.to_string()).collect();
    let mut sdp = format!(
        "v=0\r\no=- 4711 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\na=extmap-allow-mixed\r\n",
        mids.join(" ")
    );
    for (mid, section) in sections.iter().enumerate() {
        write_section(&mut sdp, transport, mid, *section);
    }
    sdp
}

fn write_section(sdp: &mut String, transport: &Transport<'_>, mid: usize, section: Section) {
    let Transport { ufrag, pwd, fingerprint } = transport;
    let formats =
        if section.is_audio() { format!("audio 9 UDP/TLS/RTP/SAVPF {OPUS}") } else { video_formats() };
    let direction = if section.is_slot() { "recvonly" } else { "sendonly" };
    // Writing to a String cannot fail.
    let _ = write!(
        sdp,
        "m={formats}\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\n\
         a=fingerprint:{fingerprint}\r\na=setup:actpass\r\na=mid:{mid}\r\n\
         a=extmap:{MID_ID} urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
         a=extmap:{TRANSPORT_CC_ID} \
         http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
         a={direction}\r\na=rtcp-mux\r\na=rtcp-rsize\r\n",
    );
    let codec = if section.is_audio() {
        format!(
            "a=extmap:{LEVEL_ID} urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n\
             a=rtpmap:{OPUS} opus/48000/2\r\na=rtcp-fb:{OPUS} transport-cc\r\n"
        )
    } else {
        format!(
            "a=extmap:{RID_ID} urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n\
             a=rtpmap:{VP8} VP8/90000\r\na=rtcp-fb:{VP8} transport-cc\r\na=rtcp-fb:{VP8} nack\r\n\
             a=rtcp-fb:{VP8} nack pli\r\na=rtpmap:{rtx} rtx/90000\r\na=fmtp:{rtx} apt={VP8}\r\n",
            rtx = VP8 + 1
        )
    };
    sdp.push_str(&codec);
    let Section::Camera { rids, ssrc } = section else { return };
    if rids.is_empty() {
        let _ = write!(sdp, "a=ssrc:{ssrc} cname:bot\r\n");
        return;
    }
    for rid in rids {
        let _ = write!(sdp, "a=rid:{rid} send\r\n");
    }
    let _ = write!(sdp, "a=simulcast:send {}\r\n", rids.join(";"));
}

fn video_formats() -> String {
    format!("video 9 UDP/TLS/RTP/SAVPF {VP8} {}", VP8 + 1)
}

/// What a bot takes from an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) ufrag: String,
    pub(super) pwd: String,
    pub(super) address: SocketAddr,
    /// The SSRC of every slot, by mid.
    pub(super) slots: Vec<(usize, u32)>,
}

/// Reads an answer.
///
/// # Errors
/// When something is missing.
pub(super) fn read_answer(sdp: &str) -> Result<Answer> {
    let value = |text: &'_ str, key: &str| -> Result<String> {
        let line = text.lines().find_map(|line| line.strip_prefix(key));
        Ok(line.with_context(|| format!("the answer has no {key}"))?.trim().to_owned())
    };
    let candidates = sdp.lines().filter_map(|line| line.strip_prefix("a=candidate:"));
    let mut udp = candidates.map(|line| line.split(' ').collect::<Vec<&str>>());
    let udp = udp.find(|fields| fields.get(2).is_some_and(|transport| transport.eq_ignore_ascii_case("udp")));
    let udp = udp.context("the answer has no UDP candidate")?;
    let (ip, port) = udp.get(4).zip(udp.get(5)).context("the candidate has no address")?;
    let mut slots = Vec::new();
    for section in sdp.split("\r\nm=").skip(1).filter(|section| section.contains("a=sendonly")) {
        let ssrc = value(section, "a=ssrc:")?;
        let number = ssrc.split(' ').next().unwrap_or_default().parse().context("an SSRC")?;
        // The first of a FID group is the media's.
        let group = section.lines().find_map(|line| line.strip_prefix("a=ssrc-group:FID "));
        let grouped = group.and_then(|pair| pair.split(' ').next()?.parse().ok());
        slots.push((value(section, "a=mid:")?.parse().context("a mid")?, grouped.unwrap_or(number)));
    }
    Ok(Answer {
        ufrag: value(sdp, "a=ice-ufrag:")?,
        pwd: value(sdp, "a=ice-pwd:")?,
        address: format!("{ip}:{port}").parse().context("the candidate's address")?,
        slots,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_takes_the_offer() {
        let transport =
            Transport { ufrag: "abcd", pwd: "0123456789abcdef01234567", fingerprint: FINGERPRINT };
        let camera = Section::Camera { rids: &["q", "h"], ssrc: 7 };
        let sections = [Section::Microphone, camera, Section::AudioSlot, Section::VideoSlot];
        let offer = offer(&transport, &sections);
        assert_eq!(offer.matches("m=").count(), 4);
        assert_eq!(offer.matches("a=recvonly").count(), 2);
        assert!(offer.contains("a=simulcast:send q;h"));
    }

    #[test]
    fn an_answer_tells_where_to_send_and_what_comes() {
        let answer = "v=0\r\na=ice-ufrag:uf\r\na=ice-pwd:pw\r\nm=audio 9\r\na=mid:0\r\na=recvonly\r\n\
                      a=candidate:1 1 tcp 5 127.0.0.1 9 typ host\r\na=candidate:1 1 udp 5 127.0.0.1 99 typ host\r\n\
                      m=video 9\r\na=mid:2\r\na=sendonly\r\na=ssrc-group:FID 5 6\r\na=ssrc:6 cname:x\r\n\
                      a=ssrc:5 cname:x\r\n";
        let read = read_answer(answer).unwrap();
        assert_eq!(read.address, SocketAddr::from(([127, 0, 0, 1], 99)));
        assert_eq!(read.slots, [(2, 5)]);
        assert!(read_answer("v=0\r\n").is_err());
    }

    const FINGERPRINT: &str = "sha-256 00:00";
}
