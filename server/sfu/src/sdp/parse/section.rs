//! Reads one `m=` section.

use std::ops::RangeInclusive;

use super::super::error::SdpError;
use super::super::offer::{
    Direction, Feedback, MediaKind, MediaLine, Msid, OfferedCodec, OfferedRid, OfferedSection, RidDirection,
    SimulcastAlternative,
};
use super::attribute::{Attribute, TransportAttributes, set_once};
use super::{Line, at_most, first_line};
use crate::rtp::identifier::{Mid, Rid};
use crate::rtp::{ExtensionKind, ExtensionMap};

/// The only RTP profile of WebRTC (RFC 8827).
const RTP_PROTOCOL: &str = "UDP/TLS/RTP/SAVPF";
/// Most payload types in one section. Chromium offers 34 for received video.
const PAYLOAD_TYPES_MAX: usize = 64;
/// Most header extensions in one section. Chromium offers 13.
const EXTENSIONS_MAX: usize = 32;
/// Most `rid`s in one section; browsers send three.
const RIDS_MAX: usize = 8;
/// Most SSRCs, and most SSRC groups, in one section: each of [`RIDS_MAX`] streams with media, repair and FEC.
const SSRCS_MAX: usize = 24;
/// Longest word that is stored as text: media type, protocol, format, encoding name, stream and track id.
const WORD_LENGTH_MAX: usize = 128;
/// Longest value of an `a=fmtp` line, in bytes.
const PARAMETERS_LENGTH_MAX: usize = 1024;
/// The identifiers that a one-byte header extension can have (RFC 8285 section 4.2); we send no other form.
const ONE_BYTE_IDS: RangeInclusive<u16> = 1..=14;

/// Reads a section and the transport it states.
pub(super) fn parse<'a>(
    block: &[Line<'a>],
    session_direction: Direction,
) -> Result<(OfferedSection, TransportAttributes<'a>), SdpError> {
    let line = first_line(block);
    let value = block.first().map_or("", |line| line.value);
    let media_line = ParsedMediaLine::parse(value, line)?;
    let attributes = || block.iter().filter_map(Line::attribute);
    // Firefox offers every bundled section but the first with port 0 and bundle-only: that is not a rejection.
    let bundle_only = attributes().any(|attribute| attribute.name == "bundle-only");
    let rejected = media_line.port == 0 && !bundle_only;
    let mut reader = Reader::new(media_line, session_direction);
    for attribute in attributes() {
        if attribute.name == "mid" {
            let mid = Mid::new(attribute.value).map_err(|_| attribute.malformed("a=mid"))?;
            set_once(&mut reader.mid, mid, || attribute.duplicate("a=mid"))?;
        } else if !rejected {
            reader.read(attribute)?;
        }
    }
    reader.finish(rejected)
}

/// An `m=` line (RFC 8866 section 5.14).
struct ParsedMediaLine {
    echo: MediaLine,
    port: u16,
    kind: MediaKind,
    payload_types: Vec<u8>,
}

impl ParsedMediaLine {
    fn parse(value: &str, line: usize) -> Result<Self, SdpError> {
        let malformed = || SdpError::Malformed { field: "m=", line };
        let mut words = value.split(' ');
        let mut word = || words.next().filter(|word| is_word(word)).ok_or_else(malformed);
        let (media, port, protocol, first_format) = (word()?, word()?, word()?, word()?);
        // `port/count` is legacy layered coding; the count is of no use.
        let port = port.split('/').next().and_then(|port| port.parse().ok()).ok_or_else(malformed)?;
        let kind = match media {
            "audio" => MediaKind::Audio,
            "video" => MediaKind::Video,
            "application" => MediaKind::Application,
            _ => MediaKind::Other,
        };
        let mut payload_types = Vec::new();
        if matches!(kind, MediaKind::Audio | MediaKind::Video) && protocol == RTP_PROTOCOL {
            for format in std::iter::once(first_format).chain(words.filter(|word| !word.is_empty())) {
                at_most("payload types", payload_types.len() + 1, PAYLOAD_TYPES_MAX)?;
                let payload_type = payload_type(format).ok_or_else(malformed)?;
                if payload_types.contains(&payload_type) {
                    return Err(SdpError::Duplicate { field: "payload type", line });
                }
                payload_types.push(payload_type);
            }
        }
        let echo = MediaLine {
            media: media.to_owned(),
            protocol: protocol.to_owned(),
            first_format: first_format.to_owned(),
        };
        Ok(Self { echo, port, kind, payload_types })
    }
}

/// Collects a section's attributes.
struct Reader<'a> {
    mid: Option<Mid>,
    section: Draft,
    extension_ids: Vec<u16>,
    simulcast_seen: bool,
    transport: TransportAttributes<'a>,
}

/// A section that has no `mid` yet.
struct Draft {
    media_line: MediaLine,
    kind: MediaKind,
    direction: Direction,
    rtcp_mux: bool,
    codecs: Vec<OfferedCodec>,
    extensions: ExtensionMap,
    rids: Vec<OfferedRid>,
    simulcast_send: Vec<Vec<SimulcastAlternative>>,
    ssrcs: Vec<u32>,
    repair: Vec<(u32, u32)>,
    msid: Option<Msid>,
}

impl<'a> Reader<'a> {
    fn new(media_line: ParsedMediaLine, direction: Direction) -> Self {
        let codecs = media_line.payload_types.into_iter().map(|payload_type| OfferedCodec {
            payload_type,
            name: String::new(),
            clock_rate: 0,
            channels: 1,
            parameters: String::new(),
            feedback: Vec::new(),
        });
        let section = Draft {
            media_line: media_line.echo,
            kind: media_line.kind,
            direction,
            rtcp_mux: false,
            codecs: codecs.collect(),
            extensions: ExtensionMap::new(),
            rids: Vec::new(),
            simulcast_send: Vec::new(),
            ssrcs: Vec::new(),
            repair: Vec::new(),
            msid: None,
        };
        Self {
            mid: None,
            section,
            extension_ids: Vec::new(),
            simulcast_seen: false,
            transport: TransportAttributes::default(),
        }
    }

    fn read(&mut self, attribute: Attribute<'a>) -> Result<(), SdpError> {
        if let Some(direction) = attribute.direction() {
            self.section.direction = direction;
            return Ok(());
        }
        match attribute.name {
            "rtcp-mux" => self.section.rtcp_mux = true,
            "rtpmap" => self.read_rtpmap(attribute)?,
            "fmtp" => self.read_fmtp(attribute)?,
            "rtcp-fb" => self.read_feedback(attribute)?,
            "extmap" => self.read_extension(attribute)?,
            "rid" => self.read_rid(attribute)?,
            "simulcast" => self.read_simulcast(attribute)?,
            "ssrc" => self.read_ssrc(attribute)?,
            "ssrc-group" => self.read_ssrc_group(attribute)?,
            "msid" => self.read_msid(attribute)?,
            _ => self.transport.read(attribute)?,
        }
        Ok(())
    }

    fn finish(self, rejected: bool) -> Result<(OfferedSection, TransportAttributes<'a>), SdpError> {
        let mid = self.mid.ok_or(SdpError::Missing { field: "a=mid" })?;
        let Draft { media_line, kind, direction, rtcp_mux, mut codecs, .. } = self.section;
        codecs.retain(|codec| !codec.name.is_empty());
        let section = OfferedSection {
            kind,
            mid,
            direction,
            rejected,
            rtcp_mux,
            codecs,
            extensions: self.section.extensions,
            rids: self.section.rids,
            simulcast_send: self.section.simulcast_send,
            ssrcs: self.section.ssrcs,
            repair: self.section.repair,
            msid: self.section.msid,
            media_line,
        };
        Ok((section, self.transport))
    }

    /// The codec of a payload type, if the `m=` line lists it.
    fn codec(&mut self, payload_type: u8) -> Option<&mut OfferedCodec> {
        self.section.codecs.iter_mut().find(|codec| codec.payload_type == payload_type)
    }

    /// `a=rtpmap:111 opus/48000/2` (RFC 8866 section 6.6).
    fn read_rtpmap(&mut self, attribute: Attribute<'_>) -> Result<(), SdpError> {
        const FIELD: &str = "a=rtpmap";
        let malformed = || attribute.malformed(FIELD);
        let (format, encoding) = attribute.value.split_once(' ').ok_or_else(malformed)?;
        let payload_type = payload_type(format).ok_or_else(malformed)?;
        let mut parts = encoding.split('/');
        let name = parts.next().filter(|name| is_word(name)).ok_or_else(malformed)?;
        let clock_rate = parts.next().and_then(|rate| rate.parse().ok()).ok_or_else(malformed)?;
        let channels = parts.next().map_or(Ok(1), str::parse).map_err(|_| malformed())?;
        let Some(codec) = self.codec(payload_type) else { return Ok(()) };
        if !codec.name.is_empty() {
            return Err(attribute.duplicate(FIELD));
        }
        codec.name = name.to_owned();
        codec.clock_rate = clock_rate;
        codec.channels = channels;
        Ok(())
    }

    /// `a=fmtp:97 apt=96` (RFC 8866 section 6.15).
    fn read_fmtp(&mut self, attribute: Attribute<'_>) -> Result<(), SdpError> {
        const FIELD: &str = "a=fmtp";
        let malformed = || attribute.malformed(FIELD);
        let (format, parameters) = attribute.value.split_once(' ').ok_or_else(malformed)?;
        at_most(FIELD, parameters.len(), PARAMETERS_LENGTH_MAX)?;
        let payload_type = payload_type(format).ok_or_else(malformed)?;
        let Some(codec) = self.codec(payload_type) else { return Ok(()) };
        if !codec.parameters.is_empty() {
            return Err(attribute.duplicate(FIELD));
        }
        codec.parameters = parameters.to_owned();
        Ok(())
    }

    /// `a=rtcp-fb:96 nack pli`, or `*` for every payload type (RFC 4585 section 4.2).
    fn read_feedback(&mut self, attribute: Attribute<'_>) -> Result<(), SdpError> {
        let malformed = || attribute.malformed("a=rtcp-fb");
        let (format, value) = attribute.value.split_once(' ').ok_or_else(malformed)?;
        let only = if format == "*" { None } else { Some(payload_type(format).ok_or_else(malformed)?) };
        let feedback = match value.trim() {
            "transport-cc" => Feedback::TransportCc,
            "ccm fir" => Feedback::CcmFir,
            "nack" => Feedback::Nack,
            "nack pli" => Feedback::NackPli,
            _ => return Ok(()),
        };
        for codec in &mut self.section.codecs {
            let concerned = only.is_none_or(|only| only == codec.payload_type);
            if concerned && !codec.feedback.contains(&feedback) {
                codec.feedback.push(feedback);
            }
        }
        Ok(())
    }

    /// `a=extmap:9/sendonly urn:…` (RFC 8285 section 8). The direction suffix is not needed, the identifier is.
    fn read_extension(&mut self, attribute: Attribute<'_>) -> Result<(), SdpError> {
        const FIELD: &str = "a=extmap";
        let malformed = || attribute.malformed(FIELD);
        at_most(FIELD, self.extension_ids.len() + 1, EXTENSIONS_MAX)?;
        let mut words = attribute.value.split(' ');
        let (entry, uri) = words.next().zip(words.next()).ok_or_else(malformed)?;
        let id: u16 = entry.split('/').next().and_then(|id| id.parse().ok()).ok_or_else(malformed)?;
        if id == 0 {
            return Err(malformed());
        }
        if self.extension_ids.contains(&id) {
            return Err(attribute.duplicate(FIELD));
        }
        self.extension_ids.push(id);
        let Some(kind) = ExtensionKind::from_uri(uri) else { return Ok(()) };
        // A kind that is offered under two identifiers keeps the first.
        if ONE_BYTE_IDS.contains(&id) && self.section.extensions.id(kind).is_none() {
            let id = u8::try_from(id).map_err(|_| malformed())?;
            self.section.extensions.insert(id, kind).map_err(|_| malformed())?;
        }
        Ok(())
    }

    /// `a=rid:q send` (RFC 8851 section 10).
    fn read_rid(&mut self, attribute: Attribute<'_>) -> Result<(), SdpError> {
        const FIELD: &str = "a=rid";
        let malformed = || attribute.malformed(FIELD);
        at_most(FIELD, self.section.rids.len() + 1, RIDS_MAX)?;
        let mut words = attribute.value.split(' ');
        let rid = words.next().and_then(|text| Rid::new(text).ok()).ok_or_else(malformed)?;
        let direction = match words.next() {
            Some("send") => RidDirection::Send,
            Some("recv") => RidDirection::Recv,
            _ => return Err(malformed()),
        };
        if self.section.rids.iter().any(|earlier| earlier.rid == rid) {
            return Err(attribute.duplicate(FIELD));
        }
        self.section.rids.push(OfferedRid { rid, direction });
        Ok(())
    }

    /// `a=simulcast:send q;~h,g;f recv r` (RFC 8853).
    fn read_simulcast(&mut self, attribute: Attribute<'_>) -> Result<(), SdpError> {
        const FIELD: &str = "a=simulcast";
        let malformed = || attribute.malformed(FIELD);
        if std::mem::replace(&mut self.simulcast_seen, true) {
            return Err(attribute.duplicate(FIELD));
        }
        let mut words = attribute.value.split(' ');
        while let Some(direction) = words.next() {
            let streams = words.next().ok_or_else(malformed)?;
            match direction {
                "send" if self.section.simulcast_send.is_empty() => {
                    self.section.simulcast_send = parse_streams(streams, attribute)?;
                }
                "recv" => {}
                _ => return Err(malformed()),
            }
        }
        Ok(())
    }

    /// `a=ssrc:123 cname:…` (RFC 5576 section 4.1); one SSRC usually has several lines.
    fn read_ssrc(&mut self, attribute: Attribute<'_>) -> Result<(), SdpError> {
        const FIELD: &str = "a=ssrc";
        let number = attribute.value.split(' ').next().unwrap_or_default();
        let ssrc = number.parse().map_err(|_| attribute.malformed(FIELD))?;
        if !self.section.ssrcs.contains(&ssrc) {
            at_most(FIELD, self.section.ssrcs.len() + 1, SSRCS_MAX)?;
            self.section.ssrcs.push(ssrc);
        }
        Ok(())
    }

    /// `a=ssrc-group:FID 1 2` (RFC 5576 section 4.2). Other semantics are not used.
    fn read_ssrc_group(&mut self, attribute: Attribute<'_>) -> Result<(), SdpError> {
        const FIELD: &str = "a=ssrc-group";
        let mut words = attribute.value.split(' ');
        if words.next() != Some("FID") {
            return Ok(());
        }
        at_most(FIELD, self.section.repair.len() + 1, SSRCS_MAX)?;
        let mut ssrc = || words.next().and_then(|word| word.parse().ok());
        let pair = ssrc().zip(ssrc()).ok_or_else(|| attribute.malformed(FIELD))?;
        self.section.repair.push(pair);
        Ok(())
    }

    /// `a=msid:stream track` (RFC 8830 section 2). A track in several streams has several lines.
    fn read_msid(&mut self, attribute: Attribute<'_>) -> Result<(), SdpError> {
        let mut words = attribute.value.split(' ');
        let stream =
            words.next().filter(|word| is_word(word)).ok_or_else(|| attribute.malformed("a=msid"))?;
        let track = words.next().filter(|word| is_word(word)).map(str::to_owned);
        self.section.msid.get_or_insert_with(|| Msid { stream: stream.to_owned(), track });
        Ok(())
    }
}

fn parse_streams(text: &str, attribute: Attribute<'_>) -> Result<Vec<Vec<SimulcastAlternative>>, SdpError> {
    const FIELD: &str = "a=simulcast";
    let mut count = 0;
    let mut streams = Vec::new();
    for stream in text.split(';') {
        let mut alternatives = Vec::new();
        for alternative in stream.split(',') {
            count += 1;
            at_most(FIELD, count, RIDS_MAX)?;
            let name = alternative.strip_prefix('~').unwrap_or(alternative);
            let rid = Rid::new(name).map_err(|_| attribute.malformed(FIELD))?;
            alternatives.push(SimulcastAlternative { rid, paused: alternative.starts_with('~') });
        }
        streams.push(alternatives);
    }
    Ok(streams)
}

fn payload_type(text: &str) -> Option<u8> {
    text.parse().ok().filter(|payload_type| *payload_type < 128)
}

/// Whether a word may be stored and echoed: visible ASCII of bounded length.
fn is_word(word: &str) -> bool {
    !word.is_empty() && word.len() <= WORD_LENGTH_MAX && word.bytes().all(|byte| byte.is_ascii_graphic())
}
