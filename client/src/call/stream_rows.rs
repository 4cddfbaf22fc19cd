//! The streams of a call as lines of a table: what is sent, layer by layer, and what is received, person by person.

use super::statistics::{Measure, limitation_text};
use super::stream_counters::{Medium, Rates, Received, Sent, Stream};
use crate::strings::{Key, text, text_with};

/// A line of the table. What is not known is a dash.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StreamRow {
    /// For tests: stable.
    pub(crate) test_id: String,
    /// Whose it is, or which.
    pub(crate) name: String,
    /// Name and value, in their order.
    pub(crate) cells: Vec<(Key, String)>,
}

impl StreamRow {
    /// All of it in one line.
    pub(crate) fn text(&self) -> String {
        let cell = |(name, value): &(Key, String)| format!("{} {value}", text(*name));
        self.cells.iter().map(cell).collect::<Vec<_>>().join(", ")
    }
}

/// What is sent: a line for each stream that flows.
pub(crate) fn sent_rows(rates: &Rates) -> Vec<StreamRow> {
    let flows = |sent: &&Sent| sent.bits_per_second.is_some_and(|bits| bits > 0.0);
    rates.sent.iter().filter(flows).map(sent_row).collect()
}

/// What is received: a line for each picture, named by the slot's person, and one for each voice.
pub(crate) fn received_rows(rates: &Rates, name_of: impl Fn(&str) -> Option<String>) -> Vec<StreamRow> {
    let mut voices = 0;
    let mut pictures = 0;
    let flowing = rates.received.iter().filter(|one| one.is_flowing());
    let row = |one: &Received| {
        let (count, key) = match one.medium {
            Medium::Audio => (&mut voices, Key::VoiceNumber),
            Medium::Video => (&mut pictures, Key::PictureNumber),
        };
        *count += 1;
        let name = name_of(&one.mid).unwrap_or_else(|| text_with(key, &[("number", &count.to_string())]));
        received_row(one, name)
    };
    flowing.map(row).collect()
}

fn sent_row(sent: &Sent) -> StreamRow {
    let name = match sent.medium {
        Medium::Audio => Key::OwnSound,
        Medium::Video => Key::OwnPicture,
    };
    let mut cells = vec![(Key::ColumnCodec, codec(&sent.stream))];
    if sent.medium == Medium::Video {
        cells.extend([
            (Key::ColumnLayer, sent.rid.clone().unwrap_or_else(dash)),
            (Key::ColumnSize, size(&sent.stream)),
            (Key::ColumnFrames, rounded(sent.frames_per_second)),
            (Key::ColumnEncoding, shown(Measure::Latency, sent.encoding_ms)),
            (Key::ColumnLimit, text(limitation_text(sent.limitation)).to_owned()),
        ]);
    }
    cells.extend([
        (Key::ColumnBits, shown(Measure::BitsSent, sent.bits_per_second)),
        (Key::ColumnLoss, shown(Measure::PacketsMissed, sent.loss)),
    ]);
    let which = sent.rid.as_deref().unwrap_or("whole");
    let test_id = match sent.medium {
        Medium::Audio => "sent-sound".to_owned(),
        Medium::Video => format!("sent-{which}"),
    };
    StreamRow { test_id, name: text(name).to_owned(), cells }
}

fn received_row(one: &Received, name: String) -> StreamRow {
    let mut cells = vec![(Key::ColumnCodec, codec(&one.stream))];
    if one.medium == Medium::Video {
        cells.extend([
            // The layer that the server chose shows in its size: within a call, each has its own.
            (Key::ColumnSize, size(&one.stream)),
            (Key::ColumnFrames, rounded(one.frames_per_second)),
        ]);
    }
    cells.extend([
        (Key::ColumnBits, shown(Measure::BitsReceived, one.bits_per_second)),
        (Key::ColumnLoss, shown(Measure::PacketsMissed, one.loss)),
        (Key::StageJitterBuffer, shown(Measure::JitterBuffer, one.buffered_ms)),
    ]);
    if one.medium == Medium::Video {
        cells.extend([
            (Key::StageDecode, shown(Measure::Latency, one.decoding_ms)),
            (Key::ColumnFreezes, rounded(one.freezes)),
        ]);
    }
    StreamRow { test_id: format!("received-{}", one.mid), name, cells }
}

fn codec(stream: &Stream) -> String {
    stream.codec.clone().unwrap_or_else(dash)
}

fn size(stream: &Stream) -> String {
    stream.size.map_or_else(dash, |(width, height)| format!("{width}×{height}"))
}

fn rounded(value: Option<f64>) -> String {
    value.map_or_else(dash, |value| format!("{value:.0}"))
}

fn shown(measure: Measure, value: Option<f64>) -> String {
    value.map_or_else(dash, |value| measure.text(value))
}

fn dash() -> String {
    "–".to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::encoder::Limitation;
    use super::super::stream_counters::Path;
    use super::*;

    fn picture(mid: &str, bits: f64) -> Received {
        Received {
            medium: Medium::Video,
            mid: mid.to_owned(),
            stream: Stream { codec: Some("VP8".to_owned()), size: Some((640, 360)) },
            bits_per_second: Some(bits),
            frames_per_second: Some(29.6),
            buffered_ms: Some(41.26),
            decoding_ms: None,
            loss: Some(0.02),
            freezes: Some(3.0),
            frozen: None,
        }
    }

    #[test]
    fn pictures_have_the_names_of_their_people_and_what_does_not_flow_is_left_out() {
        let voice = Received { medium: Medium::Audio, ..picture("2", 3e4) };
        let received = vec![voice, picture("5", 5e5), picture("6", 0.0), picture("7", 1e5)];
        let rates = Rates { path: Path::default(), received, ..Rates::default() };
        let rows = received_rows(&rates, |mid| (mid == "5").then(|| "Ada".to_owned()));
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["Voice 1", "Ada", "Picture 2"]);
        let ada = rows[1].text();
        for expected in ["VP8", "640×360", "30", "500 kbit/s", "2.0 %", "41.3 ms", "–", "3"] {
            assert!(ada.contains(expected), "{expected} in {ada}");
        }
        assert!(!rows[0].text().contains("640"), "a voice has no size");
    }

    #[test]
    fn each_layer_that_is_sent_has_a_line() {
        let layer = |rid: &str, bits: f64| Sent {
            medium: Medium::Video,
            stream: Stream::default(),
            rid: Some(rid.to_owned()),
            limitation: Limitation::Bandwidth,
            bits_per_second: Some(bits),
            frames_per_second: None,
            encoding_ms: Some(4.0),
            waiting_ms: None,
            loss: None,
        };
        let rates =
            Rates { sent: vec![layer("q", 1e5), layer("h", 0.0), layer("f", 1.5e6)], ..Rates::default() };
        let rows = sent_rows(&rates);
        let ids: Vec<&str> = rows.iter().map(|row| row.test_id.as_str()).collect();
        assert_eq!(ids, ["sent-q", "sent-f"]);
        assert!(rows[1].text().contains("1.5 Mbit/s"), "{}", rows[1].text());
    }
}
