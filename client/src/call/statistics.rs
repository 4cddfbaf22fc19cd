//! What a call did in its last two minutes, second by second: the record behind the panel of statistics.
//!
//! Every source has a timeline of its own and is recorded when it is heard of. What is shown is a [`Measure`]: a number of one of
//! them, with its name and its unit. A new one is a variant there, and a timeline here if its source is new.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;

use engine::Moment;

use super::encoder::{Encoded, Limitation};
use super::governor::{Effort, Reason, Second, Step};
use super::latency::{Beside, Budget, Stage};
use super::stream_counters::Rates;
use super::stream_rows::{received_rows, sent_rows};
use crate::strings::{Key, number, text, text_with, whole_number};

/// How far back the record goes, and so how many seconds it holds of a source.
pub(crate) const WINDOW: Duration = Duration::from_secs(120);
const ENTRIES_MAX: usize = 120;
/// Two entries further apart than this are not joined by a line: in between, nothing was measured.
const GAP: Duration = Duration::from_secs(3);

/// What happened when, oldest first; the oldest goes when it is full.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Timeline<T>(VecDeque<(Moment, T)>);

impl<T> Default for Timeline<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Timeline<T> {
    fn record(&mut self, at: Moment, entry: T) {
        if self.0.len() >= ENTRIES_MAX {
            self.0.pop_front();
        }
        self.0.push_back((at, entry));
    }

    /// When and what, oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (Moment, &T)> {
        self.0.iter().map(|(at, entry)| (*at, entry))
    }

    /// The newest, unless it is too old to be called present.
    fn present(&self, now: Moment) -> Option<&T> {
        self.iter().next_back().filter(|(at, _)| now.since(*at) < GAP).map(|(_, entry)| entry)
    }
}

/// See the [module](self).
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Statistics {
    effects: Timeline<(Second, Effort)>,
    encoder: Timeline<Encoded>,
    steps: Timeline<Step>,
    connection: Timeline<(Rates, Budget)>,
}

impl Statistics {
    /// A second of the connection, with what is known beside it.
    pub(crate) fn measured(&mut self, now: Moment, rates: Rates, beside: Beside) {
        let budget = Budget::new(&rates, Beside { effects: self.drawing_time(now), ..beside });
        self.connection.record(now, (rates, budget));
    }

    /// What drawing the background takes now.
    fn drawing_time(&self, now: Moment) -> Option<f64> {
        self.effects.present(now).map(|(second, _)| second.median_ms)
    }

    /// What happens on the connection now; nothing while nobody asks it.
    pub(crate) fn rates(&self, now: Moment) -> Option<&Rates> {
        self.connection.present(now).map(|(rates, _)| rates)
    }

    /// Where the time between camera and screen goes now.
    pub(crate) fn budget(&self, now: Moment) -> Option<Budget> {
        self.connection.present(now).map(|(_, budget)| *budget).filter(|budget| !budget.is_empty())
    }

    /// A second of the effects, with the effort that it was drawn with.
    pub(crate) fn drew(&mut self, now: Moment, second: Second, effort: Effort) {
        self.effects.record(now, (second, effort));
    }

    /// A second of the encoder.
    pub(crate) fn encoded(&mut self, now: Moment, encoded: Encoded) {
        self.encoder.record(now, encoded);
    }

    /// The governor changed the effort.
    pub(crate) fn stepped(&mut self, now: Moment, step: Step) {
        self.steps.record(now, step);
    }

    /// What the governor did, oldest first; not only in the last two minutes.
    pub(crate) const fn steps(&self) -> &Timeline<Step> {
        &self.steps
    }

    /// The effort that is made now; nothing while there are no effects.
    pub(crate) fn effort(&self, now: Moment) -> Option<Effort> {
        self.effects.present(now).map(|(_, effort)| *effort)
    }

    /// What limits the encoder now; nothing while it sends nothing.
    pub(crate) fn limitation(&self, now: Moment) -> Option<Limitation> {
        self.encoder.present(now).map(|encoded| encoded.limitation)
    }

    /// What a measure is now.
    pub(crate) fn present(&self, measure: Measure, now: Moment) -> Option<f64> {
        self.values(measure).next_back().filter(|(at, _)| now.since(*at) < GAP).map(|(_, value)| value)
    }

    fn values(&self, measure: Measure) -> Box<dyn DoubleEndedIterator<Item = (Moment, f64)> + '_> {
        match measure {
            Measure::PicturesDrawn => Box::new(self.drawn(|second| f64::from(second.finished))),
            Measure::PicturesLost => Box::new(self.drawn(|second| f64::from(second.dropped))),
            Measure::DrawingTime => Box::new(self.drawn(|second| second.median_ms)),
            Measure::FramesSent => Box::new(self.sent(|encoded| encoded.frames_per_second)),
            Measure::BitsSent => Box::new(self.sent(|encoded| encoded.bits_per_second)),
            Measure::Latency => Box::new(self.connected(|_, budget| {
                // The sum of a part would look like a whole that got shorter.
                budget.stage(Stage::Uplink).and(budget.stage(Stage::JitterBuffer)).map(|_| budget.sum())
            })),
            Measure::RoundTrip => Box::new(self.connected(|rates, _| rates.path.round_trip_ms)),
            Measure::BitsReceived => Box::new(self.connected(|rates, _| Some(rates.bits_received()))),
            Measure::PacketsMissed => Box::new(self.connected(|rates, _| rates.worst_loss())),
            Measure::JitterBuffer => Box::new(self.connected(|_, budget| budget.stage(Stage::JitterBuffer))),
        }
    }

    fn connected(
        &self,
        number: impl Fn(&Rates, &Budget) -> Option<f64>,
    ) -> impl DoubleEndedIterator<Item = (Moment, f64)> {
        self.connection.iter().filter_map(move |(at, (rates, budget))| Some((at, number(rates, budget)?)))
    }

    fn drawn(&self, number: impl Fn(&Second) -> f64) -> impl DoubleEndedIterator<Item = (Moment, f64)> {
        self.effects.iter().map(move |(at, (second, _))| (at, number(second)))
    }

    fn sent(&self, number: impl Fn(&Encoded) -> f64) -> impl DoubleEndedIterator<Item = (Moment, f64)> {
        self.encoder.iter().map(move |(at, encoded)| (at, number(encoded)))
    }

    /// The last two minutes of a measure, now at the right edge.
    pub(crate) fn plot(&self, measure: Measure, now: Moment) -> Plot {
        let recent = || self.values(measure).filter(|(at, _)| now.since(*at) <= WINDOW);
        let top = recent().map(|(_, value)| value).fold(measure.top(), f64::max);
        let mut lines: Vec<Vec<(f64, f64)>> = Vec::new();
        let mut before = None;
        for (at, value) in recent() {
            let is_joined = before.replace(at).is_some_and(|before| at.since(before) <= GAP);
            let point = (1.0 - now.since(at).as_secs_f64() / WINDOW.as_secs_f64(), value / top);
            match lines.last_mut().filter(|_| is_joined) {
                Some(line) => line.push(point),
                None => lines.push(vec![point]),
            }
        }
        Plot { lines, top }
    }

    /// Everything as text, to be handed to whoever is asked for help. Nothing in it says who or where.
    pub(crate) fn report(&self, now: Moment) -> String {
        let mut report = format!("{}\n", text(Key::CallStatistics));
        let mut line = |name: &str, value: &str| {
            // Writing to a string cannot fail.
            writeln!(report, "{name}: {value}").ok();
        };
        for measure in Measure::ALL {
            let recent = self.values(measure).filter(|(at, _)| now.since(*at) <= WINDOW);
            let mut values: Vec<f64> = recent.map(|(_, value)| value).collect();
            values.sort_by(f64::total_cmp);
            if let (Some(least), Some(most)) = (values.first(), values.last()) {
                let middle = values[values.len() / 2];
                let spread = [*least, middle, *most].map(|value| measure.text(value)).join(" / ");
                line(text(measure.label()), &spread);
            }
        }
        if let Some(effort) = self.effort(now) {
            line(text(Key::StatisticsEffort), text(effort_text(effort)));
        }
        if let Some(limitation) = self.limitation(now) {
            line(text(Key::StatisticsLimit), text(limitation_text(limitation)));
        }
        for stage in Stage::ALL {
            if let Some(budget) = self.budget(now) {
                line(text(stage.label()), &stage_text(budget.stage(stage)));
            }
        }
        if let Some(protocol) = self.rates(now).and_then(|rates| rates.path.protocol.as_deref()) {
            line(text(Key::StatisticsProtocol), &protocol.to_uppercase());
        }
        for row in self
            .rates(now)
            .map(|rates| [sent_rows(rates), received_rows(rates, |_| None)].concat())
            .iter()
            .flatten()
        {
            line(&row.name, &row.text());
        }
        for (at, step) in self.steps.iter() {
            line(&ago(now.since(at)), &step_text(*step));
        }
        report
    }
}

/// What a stage took, or that nobody tells.
pub(crate) fn stage_text(ms: Option<f64>) -> String {
    ms.map_or_else(|| text(Key::NotKnown).to_owned(), |ms| Measure::Latency.text(ms))
}

/// A number that is shown over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Pictures a second that the effects finished.
    PicturesDrawn,
    /// Pictures a second that they lost.
    PicturesLost,
    /// What one took, in milliseconds.
    DrawingTime,
    /// Frames a second that the encoder made.
    FramesSent,
    /// Bits a second that were sent of them.
    BitsSent,
    /// From camera to screen, as far as it is known, in milliseconds.
    Latency,
    /// To the server and back, in milliseconds.
    RoundTrip,
    /// Bits a second that came, of everybody.
    BitsReceived,
    /// The part of the packets that did not come, of the stream that lost most; from 0 to 1.
    PacketsMissed,
    /// How long pictures waited to be complete and in time, in milliseconds.
    JitterBuffer,
}

impl Measure {
    /// All, in the order in which they are shown.
    pub(crate) const ALL: [Self; 10] = [
        Self::Latency,
        Self::RoundTrip,
        Self::BitsReceived,
        Self::PacketsMissed,
        Self::JitterBuffer,
        Self::FramesSent,
        Self::BitsSent,
        Self::PicturesDrawn,
        Self::PicturesLost,
        Self::DrawingTime,
    ];

    /// For tests: stable.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::PicturesDrawn => "pictures-drawn",
            Self::PicturesLost => "pictures-lost",
            Self::DrawingTime => "drawing-time",
            Self::FramesSent => "frames-sent",
            Self::BitsSent => "bits-sent",
            Self::Latency => "latency",
            Self::RoundTrip => "round-trip",
            Self::BitsReceived => "bits-received",
            Self::PacketsMissed => "packets-missed",
            Self::JitterBuffer => "jitter-buffer",
        }
    }

    /// What it is called.
    pub(crate) const fn label(self) -> Key {
        match self {
            Self::PicturesDrawn => Key::MeasurePicturesDrawn,
            Self::PicturesLost => Key::MeasurePicturesLost,
            Self::DrawingTime => Key::MeasureDrawingTime,
            Self::FramesSent => Key::MeasureFramesSent,
            Self::BitsSent => Key::MeasureBitsSent,
            Self::Latency => Key::MeasureLatency,
            Self::RoundTrip => Key::MeasureRoundTrip,
            Self::BitsReceived => Key::MeasureBitsReceived,
            Self::PacketsMissed => Key::MeasurePacketsMissed,
            Self::JitterBuffer => Key::MeasureJitterBuffer,
        }
    }

    /// A value with its unit.
    pub(crate) fn text(self, value: f64) -> String {
        let (unit, value, decimals) = match self {
            Self::PicturesDrawn | Self::PicturesLost | Self::FramesSent => (Key::UnitPerSecond, value, 0),
            Self::DrawingTime | Self::Latency | Self::RoundTrip | Self::JitterBuffer => {
                (Key::UnitMilliseconds, value, 1)
            }
            Self::PacketsMissed => (Key::Percent, value * 100.0, 1),
            Self::BitsSent | Self::BitsReceived if value >= 1e6 => (Key::UnitMegabits, value / 1e6, 1),
            Self::BitsSent | Self::BitsReceived => (Key::UnitKilobits, value / 1e3, 0),
        };
        text_with(unit, &[("number", &number(value, decimals))])
    }

    /// The least that the plot's upper edge stands for, so that a quiet measure is not blown up.
    const fn top(self) -> f64 {
        match self {
            Self::PicturesDrawn | Self::PicturesLost | Self::FramesSent => 30.0,
            Self::DrawingTime => 33.0,
            Self::BitsSent | Self::BitsReceived => 1e6,
            Self::Latency => 200.0,
            Self::RoundTrip | Self::JitterBuffer => 100.0,
            Self::PacketsMissed => 0.1,
        }
    }
}

/// Lines to be drawn: both coordinates from 0 to 1, from the left and from below.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plot {
    /// Each without a gap.
    pub(crate) lines: Vec<Vec<(f64, f64)>>,
    /// What the upper edge stands for.
    pub(crate) top: f64,
}

impl Plot {
    /// The lines as the `d` of an SVG path, in a box of this size.
    pub(crate) fn path(&self, width: f64, height: f64) -> String {
        let mut path = String::new();
        for line in &self.lines {
            for (index, (x, y)) in line.iter().enumerate() {
                let command = if index == 0 { 'M' } else { 'L' };
                write!(path, "{command}{:.1} {:.1}", x * width, (1.0 - y) * height).ok();
            }
            // A single point is seen as well: its cap is round.
            if let [(x, y)] = line.as_slice() {
                write!(path, "L{:.1} {:.1}", x * width, (1.0 - y) * height).ok();
            }
        }
        path
    }
}

/// A step of the governor as a sentence.
pub(crate) fn step_text(step: Step) -> String {
    let why = match step.reason {
        Reason::PicturesLost => Key::ReasonPicturesLost,
        Reason::NoTime => Key::ReasonNoTime,
        Reason::Pressure => Key::ReasonPressure,
        Reason::EncoderBehind => Key::ReasonEncoderBehind,
        Reason::EncoderLimited => Key::ReasonEncoderLimited,
        Reason::TimeToSpare => Key::ReasonTimeToSpare,
    };
    text_with(Key::StatisticsStep, &[("effort", text(effort_text(step.to))), ("reason", text(why))])
}

/// What an effort means.
pub(crate) const fn effort_text(effort: Effort) -> Key {
    match effort {
        Effort::Full => Key::EffortFull,
        Effort::EverySecond => Key::EffortEverySecond,
        Effort::Small => Key::EffortSmall,
        Effort::LightBlur => Key::EffortLightBlur,
        Effort::Picture => Key::EffortPicture,
        Effort::Off => Key::EffortOff,
    }
}

/// What a limitation means.
pub(crate) const fn limitation_text(limitation: Limitation) -> Key {
    match limitation {
        Limitation::None => Key::LimitNone,
        Limitation::Other => Key::LimitOther,
        Limitation::Bandwidth => Key::LimitBandwidth,
        Limitation::Processor => Key::LimitProcessor,
    }
}

/// How long ago something was.
pub(crate) fn ago(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    let (key, count) =
        if seconds < 60 { (Key::SecondsAgo, seconds) } else { (Key::MinutesAgo, seconds / 60) };
    text_with(key, &[("count", &whole_number(count))])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_millis(1000 * seconds)
    }

    fn second(finished: u32) -> Second {
        Second { finished, dropped: 1, median_ms: 8.25, ..Second::default() }
    }

    #[test]
    fn the_record_forgets_the_oldest() {
        let mut statistics = Statistics::default();
        for number in 0..1000 {
            statistics.drew(at(number), second(20), Effort::Full);
            statistics.stepped(at(number), STEP);
        }
        assert_eq!(statistics.steps().iter().count(), ENTRIES_MAX);
        let points: usize = statistics.plot(Measure::PicturesDrawn, at(999)).lines.iter().map(Vec::len).sum();
        assert_eq!(points, ENTRIES_MAX);
    }

    #[test]
    fn what_is_past_is_not_called_present() {
        let mut statistics = Statistics::default();
        statistics.drew(at(10), second(20), Effort::Small);
        assert_eq!(statistics.present(Measure::PicturesDrawn, at(11)), Some(20.0));
        assert_eq!(statistics.effort(at(11)), Some(Effort::Small));
        assert_eq!(statistics.present(Measure::PicturesDrawn, at(14)), None);
        assert_eq!(statistics.effort(at(14)), None);
        assert_eq!(statistics.present(Measure::FramesSent, at(11)), None);
    }

    #[test]
    fn a_plot_ends_at_the_right_edge_and_has_gaps_where_nothing_was_measured() {
        let mut statistics = Statistics::default();
        for number in [1, 100, 101, 160] {
            statistics.drew(at(number), second(15), Effort::Full);
        }
        let plot = statistics.plot(Measure::PicturesDrawn, at(160));
        let expected = [vec![(0.5, 0.5), (0.5 + 1.0 / 120.0, 0.5)], vec![(1.0, 0.5)]];
        assert_eq!(plot.lines.len(), 2, "the first is too long ago");
        for (line, expected) in plot.lines.iter().flatten().zip(expected.iter().flatten()) {
            assert!((line.0 - expected.0).abs() < 1e-9 && (line.1 - expected.1).abs() < 1e-9);
        }
        assert_eq!(plot.path(120.0, 40.0), "M60.0 20.0L61.0 20.0M120.0 20.0L120.0 20.0");
    }

    #[test]
    fn a_plot_grows_with_what_it_shows() {
        let mut statistics = Statistics::default();
        statistics.drew(at(1), second(60), Effort::Full);
        let plot = statistics.plot(Measure::PicturesDrawn, at(1));
        assert_eq!((plot.top, plot.lines), (60.0, vec![vec![(1.0, 1.0)]]));
        assert_eq!(Statistics::default().plot(Measure::BitsSent, at(1)).path(10.0, 10.0), "");
    }

    #[test]
    fn numbers_have_units_that_fit() {
        assert_eq!(Measure::BitsSent.text(1_234_567.0), "1.2 Mbit/s");
        assert_eq!(Measure::BitsSent.text(234_567.0), "235 kbit/s");
        assert_eq!(Measure::DrawingTime.text(8.26), "8.3 ms");
        assert_eq!(Measure::FramesSent.text(19.7), "20 a second");
    }

    #[test]
    fn the_report_tells_the_spread_of_each_measure_and_every_step() {
        let mut statistics = Statistics::default();
        for (number, finished) in [(1, 10), (2, 30), (3, 20)] {
            statistics.drew(at(number), second(finished), Effort::Small);
        }
        statistics.stepped(at(2), STEP);
        let report = statistics.report(at(4));
        assert!(report.contains("10 a second / 20 a second / 30 a second"), "{report}");
        assert!(report.contains("2 s ago"), "{report}");
        assert!(report.contains(text(Key::ReasonPicturesLost)), "{report}");
        assert!(!report.contains(text(Key::MeasureBitsSent)), "nothing was sent: {report}");
    }

    #[test]
    fn the_connection_is_told_stage_by_stage_and_stream_by_stream_without_names() {
        let mut statistics = Statistics::default();
        statistics.drew(at(5), second(20), Effort::Full);
        statistics.measured(at(5), rates(), Beside { server: Some(0.4), ..Beside::default() });
        assert_eq!(statistics.budget(at(6)).and_then(|budget| budget.stage(Stage::Effects)), Some(8.25));
        assert_eq!(statistics.present(Measure::RoundTrip, at(6)), Some(30.0));
        assert_eq!(statistics.present(Measure::PacketsMissed, at(6)), Some(0.05));
        assert_eq!(
            statistics.present(Measure::Latency, at(6)),
            Some(8.25 + 5.0 + 15.0 + 0.4 + 15.0 + 40.0 + 2.0)
        );
        let report = statistics.report(at(6));
        for expected in ["15.0 ms", "40.0 ms", "UDP", "VP8", "640×360", "5.0 %"] {
            assert!(report.contains(expected), "{expected} in {report}");
        }
        assert!(report.contains(text(Key::NotKnown)), "the camera's way to the page: {report}");
        assert_eq!(statistics.budget(at(9)), None, "nobody asks any more");
    }

    #[test]
    fn half_a_way_is_not_called_the_whole() {
        let mut statistics = Statistics::default();
        statistics.measured(at(5), Rates { sent: Vec::new(), ..rates() }, Beside::default());
        assert_eq!(statistics.present(Measure::Latency, at(5)), None);
        assert!(statistics.present(Measure::JitterBuffer, at(5)).is_some());
    }

    fn rates() -> Rates {
        use super::super::stream_counters::Counters;
        let report = |second: u32| {
            serde_json::json!([
                {"type": "codec", "id": "C", "mimeType": "video/VP8"},
                {"type": "transport", "id": "T", "selectedCandidatePairId": "P", "timestamp": 1000 * second},
                {"type": "candidate-pair", "id": "P", "currentRoundTripTime": 0.03, "remoteCandidateId": "R"},
                {"type": "remote-candidate", "id": "R", "protocol": "udp"},
                {"type": "outbound-rtp", "id": "O", "kind": "video", "rid": "f", "codecId": "C", "bytesSent": 1000 * second,
                    "framesEncoded": 20 * second, "totalEncodeTime": 0.1 * f64::from(second)},
                {"type": "inbound-rtp", "id": "I", "kind": "video", "mid": "5", "codecId": "C", "frameWidth": 640,
                    "frameHeight": 360, "framesDecoded": 20 * second, "totalDecodeTime": 0.04 * f64::from(second),
                    "bytesReceived": 5000 * second, "packetsReceived": 95 * second, "packetsLost": 5 * second,
                    "jitterBufferDelay": 0.8 * f64::from(second), "jitterBufferEmittedCount": 20 * second},
            ])
            .to_string()
        };
        Counters::read(&report(2)).unwrap().since(&Counters::read(&report(1)).unwrap()).unwrap()
    }

    const STEP: Step = Step { from: Effort::Full, to: Effort::EverySecond, reason: Reason::PicturesLost };
}
