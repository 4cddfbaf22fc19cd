//! Reads an offer's text (RFC 8866 section 9) under bounds.

mod attribute;
mod section;

use self::attribute::{Attribute, TransportAttributes};
use super::error::SdpError;
use super::offer::{Direction, Offer, OfferedSection};
use crate::rtp::ExtensionMap;
use crate::rtp::identifier::Mid;

/// Longest line, in bytes, without its line end.
const LINE_LENGTH_MAX: usize = 2048;

/// Reads a whole offer.
pub(super) fn offer(text: &str) -> Result<Offer, SdpError> {
    at_most("offer length", text.len(), Offer::LENGTH_MAX)?;
    let lines = split_lines(text)?;
    let mut blocks = lines.chunk_by(|_, next| next.kind != 'm');
    let session = Session::parse(blocks.next().unwrap_or_default())?;
    let mut offered = Vec::new();
    let mut extensions = ExtensionMap::new();
    let mut transport = session.transport;
    for block in blocks {
        at_most("m= sections", offered.len() + 1, Offer::SECTIONS_MAX)?;
        let (section, own_transport) = section::parse(block, session.direction)?;
        if offered.iter().any(|earlier: &OfferedSection| earlier.mid == section.mid) {
            return Err(SdpError::Duplicate { field: "a=mid", line: first_line(block) });
        }
        transport.merge(own_transport, first_line(block))?;
        merge_extensions(&mut extensions, &section.extensions, first_line(block))?;
        offered.push(section);
    }
    if offered.is_empty() {
        return Err(SdpError::Missing { field: "m= section" });
    }
    let trickle = transport.trickle;
    let (ice, fingerprint, setup) = transport.require()?;
    let (bundle, mixed_extensions) = (session.bundle, session.mixed_extensions);
    Ok(Offer { ice, fingerprint, setup, trickle, bundle, mixed_extensions, sections: offered })
}

/// One line: `kind=value`.
#[derive(Clone, Copy)]
struct Line<'a> {
    number: usize,
    kind: char,
    value: &'a str,
}

impl<'a> Line<'a> {
    /// The attribute on an `a=` line.
    fn attribute(&self) -> Option<Attribute<'a>> {
        (self.kind == 'a').then(|| Attribute::split(self.value, self.number))
    }
}

/// What stands before the first `m=` line.
struct Session<'a> {
    transport: TransportAttributes<'a>,
    direction: Direction,
    bundle: Vec<Mid>,
    mixed_extensions: bool,
}

impl<'a> Session<'a> {
    fn parse(lines: &[Line<'a>]) -> Result<Self, SdpError> {
        match lines.first() {
            Some(Line { kind: 'v', value: "0", .. }) => {}
            Some(line) => return Err(SdpError::Unsupported { field: "v=", line: line.number }),
            None => return Err(SdpError::Missing { field: "v=" }),
        }
        let mut session = Self {
            transport: TransportAttributes::default(),
            direction: Direction::SendRecv,
            bundle: Vec::new(),
            mixed_extensions: false,
        };
        let mut bundle_seen = false;
        for attribute in lines.iter().filter_map(Line::attribute) {
            if let Some(direction) = attribute.direction() {
                session.direction = direction;
            } else if let Some(mids) = attribute.bundle_group() {
                if std::mem::replace(&mut bundle_seen, true) {
                    return Err(SdpError::Duplicate { field: "a=group:BUNDLE", line: attribute.line });
                }
                session.bundle = parse_bundle(mids, attribute.line)?;
            } else if attribute.name == "extmap-allow-mixed" {
                session.mixed_extensions = true;
            } else {
                session.transport.read(attribute)?;
            }
        }
        Ok(session)
    }
}

fn parse_bundle(mids: &str, line: usize) -> Result<Vec<Mid>, SdpError> {
    let mut bundle = Vec::new();
    for text in mids.split(' ').filter(|text| !text.is_empty()) {
        at_most("a=group:BUNDLE", bundle.len() + 1, Offer::SECTIONS_MAX)?;
        let mid = Mid::new(text).map_err(|_| SdpError::Malformed { field: "a=group:BUNDLE", line })?;
        if bundle.contains(&mid) {
            return Err(SdpError::Duplicate { field: "a=group:BUNDLE", line });
        }
        bundle.push(mid);
    }
    Ok(bundle)
}

/// Adds a section's extensions to those of the transport. An identifier means the same in every bundled section
/// (RFC 9143): the forward path has to read `mid` before it knows the section.
fn merge_extensions(
    transport: &mut ExtensionMap,
    section: &ExtensionMap,
    line: usize,
) -> Result<(), SdpError> {
    let inconsistent = || SdpError::Inconsistent { field: "a=extmap", line };
    for (id, kind) in section.iter() {
        if transport.id(kind).is_some_and(|earlier| earlier != id) {
            return Err(inconsistent());
        }
        transport.insert(id, kind).map_err(|_| inconsistent())?;
    }
    Ok(())
}

fn split_lines(text: &str) -> Result<Vec<Line<'_>>, SdpError> {
    let mut lines = Vec::new();
    for (index, raw) in text.split('\n').enumerate() {
        let number = index + 1;
        let raw = raw.strip_suffix('\r').unwrap_or(raw);
        if raw.is_empty() {
            continue;
        }
        at_most("line length", raw.len(), LINE_LENGTH_MAX)?;
        let mut characters = raw.chars();
        let (Some(kind), Some('=')) = (characters.next(), characters.next()) else {
            return Err(SdpError::Malformed { field: "line", line: number });
        };
        let value = characters.as_str();
        if value.contains(['\r', '\0']) {
            return Err(SdpError::Malformed { field: "line", line: number });
        }
        lines.push(Line { number, kind, value });
    }
    Ok(lines)
}

fn first_line(block: &[Line<'_>]) -> usize {
    block.first().map_or(0, |line| line.number)
}

fn at_most(field: &'static str, actual: usize, limit: usize) -> Result<(), SdpError> {
    if actual > limit { Err(SdpError::TooLarge { field, limit }) } else { Ok(()) }
}
