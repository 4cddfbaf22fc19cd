//! What `RTCPeerConnection.getStats()` tells (W3C WebRTC Statistics), and what happened from one answer to the next.
//!
//! Counters only mean something as differences. A counter that went back, or that a browser does not have, gives nothing rather than
//! a wrong number: every value that is not always there is an option.

use serde_json::Value;

use super::encoder::Limitation;

/// Longer answers are not read: 25 people with three streams each stay below a quarter of it.
pub(crate) const REPORT_BYTES_MAX: usize = 1_000_000;
/// Streams that are read of one answer, in its order; a call has 25 pictures, three voices and two handfuls of its own.
const STREAMS_MAX: usize = 64;

/// Sound or pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Medium {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
}

/// One answer: counters since each stream began, and what holds at that moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Counters {
    /// When the browser read them, in milliseconds; of differences only.
    pub(crate) at_ms: f64,
    /// The way that packets take.
    pub(crate) path: Path,
    sent: Vec<SentCounters>,
    received: Vec<ReceivedCounters>,
    playout: Option<(f64, f64)>,
}

/// The way that packets take.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Path {
    /// To the server and back, by STUN.
    pub(crate) round_trip_ms: Option<f64>,
    /// `udp` or `tcp`.
    pub(crate) protocol: Option<String>,
    /// What the browser believes that it could send, in bits a second.
    pub(crate) available_bps: Option<f64>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct SentCounters {
    id: String,
    medium: Option<Medium>,
    stream: Stream,
    rid: Option<String>,
    limitation: Limitation,
    fraction_lost: Option<f64>,
    frames: Option<f64>,
    encoding_s: Option<f64>,
    bytes: Option<f64>,
    packets: Option<f64>,
    waiting_s: Option<f64>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct ReceivedCounters {
    id: String,
    medium: Option<Medium>,
    mid: String,
    stream: Stream,
    frames: Option<f64>,
    decoding_s: Option<f64>,
    bytes: Option<f64>,
    packets: Option<f64>,
    lost: Option<f64>,
    buffered_s: Option<f64>,
    emitted: Option<f64>,
    freezes: Option<f64>,
    frozen_s: Option<f64>,
}

/// What a stream is at the moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Stream {
    /// `VP8`, `opus`, …
    pub(crate) codec: Option<String>,
    /// Width and height of its pictures.
    pub(crate) size: Option<(u32, u32)>,
}

/// What happened between two answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Rates {
    /// The way that packets take.
    pub(crate) path: Path,
    /// What is sent, an entry for each layer.
    pub(crate) sent: Vec<Sent>,
    /// What is received, an entry for each slot.
    pub(crate) received: Vec<Received>,
    /// How long sound waits between the page and the speaker, in milliseconds.
    pub(crate) playout_ms: Option<f64>,
}

/// A layer that is sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sent {
    /// Sound or pictures.
    pub(crate) medium: Medium,
    /// What it is.
    pub(crate) stream: Stream,
    /// Which layer of a simulcast.
    pub(crate) rid: Option<String>,
    /// Why it is not more.
    pub(crate) limitation: Limitation,
    /// Bits a second, without headers.
    pub(crate) bits_per_second: Option<f64>,
    /// Frames a second.
    pub(crate) frames_per_second: Option<f64>,
    /// What encoding a frame took, in milliseconds.
    pub(crate) encoding_ms: Option<f64>,
    /// How long a packet waited for its turn, in milliseconds.
    pub(crate) waiting_ms: Option<f64>,
    /// The part of the packets that the server missed, from 0 to 1.
    pub(crate) loss: Option<f64>,
}

/// A slot that is received.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Received {
    /// Sound or pictures.
    pub(crate) medium: Medium,
    /// The slot.
    pub(crate) mid: String,
    /// What it is.
    pub(crate) stream: Stream,
    /// Bits a second, without headers.
    pub(crate) bits_per_second: Option<f64>,
    /// Frames a second.
    pub(crate) frames_per_second: Option<f64>,
    /// How long it waited to be in order and in time, in milliseconds.
    pub(crate) buffered_ms: Option<f64>,
    /// What decoding a frame took, in milliseconds.
    pub(crate) decoding_ms: Option<f64>,
    /// The part of the packets that did not come, from 0 to 1.
    pub(crate) loss: Option<f64>,
    /// How often the picture has stood still since the slot began.
    pub(crate) freezes: Option<f64>,
    /// The part of the time that it stood still, from 0 to 1.
    pub(crate) frozen: Option<f64>,
}

impl Counters {
    /// Reads the entries of an `RTCStatsReport` as a JSON array. Nothing when it is none.
    pub(crate) fn read(report: &str) -> Option<Self> {
        if report.len() > REPORT_BYTES_MAX {
            return None;
        }
        let entries: Vec<Value> = serde_json::from_str(report).ok()?;
        let entries = Entries(&entries);
        let of = |kind: &'static str| entries.of(kind);
        let playout = of("media-playout").next().and_then(|entry| {
            Some((number(entry, "totalPlayoutDelay")?, number(entry, "totalSamplesCount")?))
        });
        Some(Self {
            at_ms: entries.0.iter().filter_map(|entry| number(entry, "timestamp")).fold(0.0, f64::max),
            path: entries.path(),
            sent: of("outbound-rtp").take(STREAMS_MAX).map(|entry| entries.sent(entry)).collect(),
            received: of("inbound-rtp").take(STREAMS_MAX).map(|entry| entries.received(entry)).collect(),
            playout,
        })
    }

    /// What happened since `before`. Nothing when no time went by.
    pub(crate) fn since(&self, before: &Self) -> Option<Rates> {
        let seconds = (self.at_ms - before.at_ms) / 1000.0;
        if seconds <= 0.0 {
            return None;
        }
        let sent = self
            .sent
            .iter()
            .filter_map(|now| now.since(before.sent.iter().find(|earlier| earlier.id == now.id)?, seconds));
        let received = self.received.iter().filter_map(|now| {
            now.since(before.received.iter().find(|earlier| earlier.id == now.id)?, seconds)
        });
        let playout = self.playout.zip(before.playout);
        let playout_ms = playout.and_then(|((delay, samples), (delay_before, samples_before))| {
            mean_ms(Some(delay), Some(delay_before), Some(samples), Some(samples_before))
        });
        Some(Rates {
            path: self.path.clone(),
            sent: sent.collect(),
            received: received.collect(),
            playout_ms,
        })
    }
}

impl SentCounters {
    fn since(&self, before: &Self, seconds: f64) -> Option<Sent> {
        let per_second = |now, before| difference(now, before).map(|difference| difference / seconds);
        Some(Sent {
            medium: self.medium?,
            stream: self.stream.clone(),
            rid: self.rid.clone(),
            limitation: self.limitation,
            bits_per_second: per_second(self.bytes, before.bytes).map(|bytes| bytes * 8.0),
            frames_per_second: per_second(self.frames, before.frames),
            encoding_ms: mean_ms(self.encoding_s, before.encoding_s, self.frames, before.frames),
            waiting_ms: mean_ms(self.waiting_s, before.waiting_s, self.packets, before.packets),
            loss: self.fraction_lost,
        })
    }
}

impl ReceivedCounters {
    fn since(&self, before: &Self, seconds: f64) -> Option<Received> {
        let per_second = |now, before| difference(now, before).map(|difference| difference / seconds);
        // Packets that were believed lost and came late are taken off again: below zero is none.
        let lost = self.lost.zip(before.lost).map(|(now, before)| (now - before).max(0.0));
        let expected =
            lost.zip(difference(self.packets, before.packets)).map(|(lost, came)| (lost, lost + came));
        Some(Received {
            medium: self.medium?,
            mid: self.mid.clone(),
            stream: self.stream.clone(),
            bits_per_second: per_second(self.bytes, before.bytes).map(|bytes| bytes * 8.0),
            frames_per_second: per_second(self.frames, before.frames),
            buffered_ms: mean_ms(self.buffered_s, before.buffered_s, self.emitted, before.emitted),
            decoding_ms: mean_ms(self.decoding_s, before.decoding_s, self.frames, before.frames),
            loss: expected.filter(|(_, all)| *all > 0.0).map(|(lost, all)| lost / all),
            freezes: self.freezes,
            frozen: per_second(self.frozen_s, before.frozen_s).map(|part| part.min(1.0)),
        })
    }
}

impl Rates {
    /// Bits a second that came, of all streams.
    pub(crate) fn bits_received(&self) -> f64 {
        self.received.iter().filter_map(|one| one.bits_per_second).sum()
    }

    /// The loss of the stream that lost most.
    pub(crate) fn worst_loss(&self) -> Option<f64> {
        self.received.iter().filter_map(|one| one.loss).reduce(f64::max)
    }
}

impl Received {
    /// Whether anything flows in it.
    pub(crate) fn is_flowing(&self) -> bool {
        self.bits_per_second.is_some_and(|bits| bits > 0.0)
    }
}

/// The entries of one report, which name each other by id.
struct Entries<'a>(&'a [Value]);

impl<'a> Entries<'a> {
    fn of(&self, kind: &'static str) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.0.iter().filter(move |entry| entry.get("type").and_then(Value::as_str) == Some(kind))
    }

    fn named(&self, id: Option<&str>) -> Option<&'a Value> {
        let id = id?;
        self.0.iter().find(|entry| word(entry, "id") == Some(id))
    }

    fn path(&self) -> Path {
        let told = self.of("transport").find_map(|entry| word(entry, "selectedCandidatePairId"));
        let selected = |entry: &&Value| entry.get("selected").and_then(Value::as_bool) == Some(true);
        // Firefox has no transport in older versions, but marks the pair.
        let Some(pair) = self.named(told).or_else(|| self.of("candidate-pair").find(selected)) else {
            return Path::default();
        };
        let remote = self.named(word(pair, "remoteCandidateId"));
        Path {
            round_trip_ms: number(pair, "currentRoundTripTime").map(|seconds| seconds * 1000.0),
            protocol: remote.and_then(|remote| word(remote, "protocol")).map(str::to_lowercase),
            available_bps: number(pair, "availableOutgoingBitrate"),
        }
    }

    fn sent(&self, entry: &Value) -> SentCounters {
        let remote = self.named(word(entry, "remoteId"));
        SentCounters {
            id: word(entry, "id").unwrap_or_default().to_owned(),
            medium: medium(entry),
            stream: self.stream(entry),
            rid: word(entry, "rid").filter(|rid| !rid.is_empty()).map(str::to_owned),
            limitation: Limitation::of(word(entry, "qualityLimitationReason")),
            fraction_lost: remote.and_then(|remote| number(remote, "fractionLost")),
            frames: number(entry, "framesEncoded"),
            encoding_s: number(entry, "totalEncodeTime"),
            bytes: number(entry, "bytesSent"),
            packets: number(entry, "packetsSent"),
            waiting_s: number(entry, "totalPacketSendDelay"),
        }
    }

    fn received(&self, entry: &Value) -> ReceivedCounters {
        ReceivedCounters {
            id: word(entry, "id").unwrap_or_default().to_owned(),
            medium: medium(entry),
            mid: word(entry, "mid").unwrap_or_default().to_owned(),
            stream: self.stream(entry),
            frames: number(entry, "framesDecoded"),
            decoding_s: number(entry, "totalDecodeTime"),
            bytes: number(entry, "bytesReceived"),
            packets: number(entry, "packetsReceived"),
            lost: number(entry, "packetsLost"),
            buffered_s: number(entry, "jitterBufferDelay"),
            emitted: number(entry, "jitterBufferEmittedCount"),
            freezes: number(entry, "freezeCount"),
            frozen_s: number(entry, "totalFreezesDuration"),
        }
    }

    fn stream(&self, entry: &Value) -> Stream {
        let codec = self.named(word(entry, "codecId")).and_then(|codec| word(codec, "mimeType"));
        // The casts keep within bounds.
        let side = |name| number(entry, name).map(|pixels| pixels as u32).filter(|pixels| *pixels > 0);
        Stream {
            codec: codec.and_then(|codec| codec.split_once('/')).map(|(_, name)| name.to_owned()),
            size: side("frameWidth").zip(side("frameHeight")),
        }
    }
}

fn number(entry: &Value, name: &str) -> Option<f64> {
    entry.get(name)?.as_f64()
}

fn word<'a>(entry: &'a Value, name: &str) -> Option<&'a str> {
    entry.get(name)?.as_str()
}

fn medium(entry: &Value) -> Option<Medium> {
    match word(entry, "kind")? {
        "audio" => Some(Medium::Audio),
        "video" => Some(Medium::Video),
        _ => None,
    }
}

/// How much a counter grew. One that went back began anew, and says nothing this time.
fn difference(now: Option<f64>, before: Option<f64>) -> Option<f64> {
    Some(now? - before?).filter(|difference| *difference >= 0.0)
}

/// The mean of what was added to `total`, in seconds, over what was counted meanwhile; in milliseconds.
fn mean_ms(total: Option<f64>, before: Option<f64>, count: Option<f64>, counted: Option<f64>) -> Option<f64> {
    let count = difference(count, counted).filter(|count| *count > 0.0)?;
    Some(difference(total, before)? / count * 1000.0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// As Chromium tells it, a second apart.
    fn chromium(second: u32) -> String {
        let second = f64::from(second);
        json!([
            {"type": "codec", "id": "C1", "mimeType": "video/VP8"},
            {"type": "transport", "id": "T", "selectedCandidatePairId": "P2", "timestamp": 1000.0 * second},
            {"type": "candidate-pair", "id": "P1", "currentRoundTripTime": 9.0},
            {"type": "candidate-pair", "id": "P2", "remoteCandidateId": "R", "currentRoundTripTime": 0.032,
                "availableOutgoingBitrate": 2e6},
            {"type": "remote-candidate", "id": "R", "protocol": "udp"},
            {"type": "media-playout", "id": "AP", "totalPlayoutDelay": 960.0 * second, "totalSamplesCount": 48e3 * second},
            {"type": "outbound-rtp", "id": "O", "kind": "video", "rid": "f", "codecId": "C1", "remoteId": "RI",
                "frameWidth": 1280, "frameHeight": 720, "framesEncoded": 30.0 * second, "totalEncodeTime": 0.24 * second,
                "bytesSent": 125e3 * second, "packetsSent": 100.0 * second, "totalPacketSendDelay": 0.3 * second,
                "qualityLimitationReason": "cpu"},
            {"type": "remote-inbound-rtp", "id": "RI", "fractionLost": 0.02},
            {"type": "inbound-rtp", "id": "I", "kind": "video", "mid": "5", "codecId": "C1", "frameWidth": 640,
                "frameHeight": 360, "framesDecoded": 25.0 * second, "totalDecodeTime": 0.05 * second,
                "bytesReceived": 50e3 * second, "packetsReceived": 90.0 * second, "packetsLost": 10.0 * second,
                "jitterBufferDelay": 1.0 * second, "jitterBufferEmittedCount": 25.0 * second,
                "freezeCount": 3, "totalFreezesDuration": 0.25 * second},
        ])
        .to_string()
    }

    fn rates(before: &str, now: &str) -> Rates {
        Counters::read(now).unwrap().since(&Counters::read(before).unwrap()).unwrap()
    }

    #[test]
    fn two_answers_of_chromium_give_what_happened_in_between() {
        let rates = rates(&chromium(7), &chromium(8));
        assert_eq!(
            rates.path,
            Path { round_trip_ms: Some(32.0), protocol: Some("udp".to_owned()), available_bps: Some(2e6) }
        );
        let [sent] = rates.sent.as_slice() else { panic!("{rates:?}") };
        assert_eq!((sent.rid.as_deref(), sent.stream.codec.as_deref()), (Some("f"), Some("VP8")));
        assert_eq!((sent.stream.size, sent.limitation), (Some((1280, 720)), Limitation::Processor));
        assert_eq!((sent.bits_per_second, sent.frames_per_second), (Some(1e6), Some(30.0)));
        near(sent.encoding_ms, 8.0);
        near(sent.waiting_ms, 3.0);
        near(sent.loss, 0.02);
        let [received] = rates.received.as_slice() else { panic!("{rates:?}") };
        assert_eq!((received.mid.as_str(), received.freezes), ("5", Some(3.0)));
        near(received.buffered_ms, 40.0);
        near(received.decoding_ms, 2.0);
        near(received.loss, 0.1);
        near(received.frozen, 0.25);
        near(rates.playout_ms, 20.0);
        assert!(received.is_flowing());
    }

    #[test]
    fn what_a_browser_does_not_tell_is_not_known() {
        let firefox = |second: u32| {
            json!([
                {"type": "candidate-pair", "id": "P", "selected": true, "timestamp": 1000 * second},
                {"type": "outbound-rtp", "id": "O", "kind": "video", "framesEncoded": 30 * second, "bytesSent": 0},
                {"type": "inbound-rtp", "id": "I", "kind": "audio", "bytesReceived": 4000 * second},
            ])
            .to_string()
        };
        let rates = rates(&firefox(1), &firefox(2));
        assert_eq!(rates.path, Path::default());
        assert_eq!(
            (rates.sent[0].encoding_ms, rates.sent[0].loss, rates.sent[0].waiting_ms),
            (None, None, None)
        );
        assert_eq!(rates.sent[0].stream, Stream::default());
        assert_eq!(rates.received[0].bits_per_second, Some(32_000.0));
        assert_eq!((rates.received[0].loss, rates.received[0].freezes, rates.playout_ms), (None, None, None));
    }

    #[test]
    fn a_counter_that_began_anew_gives_nothing_this_time() {
        let rates = rates(&chromium(8), &chromium(2).replace("2000.0", "9000.0"));
        assert_eq!((rates.sent[0].bits_per_second, rates.sent[0].encoding_ms), (None, None));
        assert_eq!((rates.received[0].loss, rates.received[0].buffered_ms), (None, None));
        assert!(!rates.received[0].is_flowing());
    }

    #[test]
    fn a_stream_that_is_new_waits_for_its_second_answer() {
        let without = json!([{"type": "transport", "id": "T", "timestamp": 7000}]).to_string();
        let rates = rates(&without, &chromium(8));
        assert_eq!((rates.sent, rates.received), (vec![], vec![]));
    }

    #[test]
    fn without_frames_there_is_no_time_for_one() {
        let paused = chromium(8).replace("8000.0", "9000.0");
        let rates = rates(&chromium(8), &paused);
        assert_eq!((rates.sent[0].encoding_ms, rates.sent[0].frames_per_second), (None, Some(0.0)));
        assert_eq!(rates.received[0].loss, None, "no packet was expected");
    }

    #[test]
    fn what_is_no_report_or_no_later_one_gives_nothing() {
        assert_eq!(Counters::read("{}"), None);
        assert_eq!(Counters::read(&"[".repeat(REPORT_BYTES_MAX + 1)), None);
        let same = Counters::read(&chromium(3)).unwrap();
        assert_eq!(same.since(&same), None);
        let strange = r#"[1, null, {"type": 5}, {"type": "inbound-rtp", "kind": "smell", "mid": 7}]"#;
        assert_eq!(Counters::read(strange).unwrap().received[0].medium, None);
    }

    #[test]
    fn only_so_many_streams_are_read() {
        let many: Vec<Value> = (0..1000)
            .map(|id| json!({"type": "inbound-rtp", "id": id.to_string(), "kind": "video"}))
            .collect();
        let counters = Counters::read(&Value::from(many).to_string()).unwrap();
        assert_eq!(counters.received.len(), STREAMS_MAX);
    }

    fn near(value: Option<f64>, expected: f64) {
        assert!(value.is_some_and(|value| (value - expected).abs() < 1e-9), "{value:?} is not {expected}");
    }
}
