//! Where the time goes between a camera and a screen, stage by stage.
//!
//! The way to the server is this device's own, and the way from it is that of the pictures it shows: together they are what a picture
//! takes between two people who are connected like this one. A stage that nobody tells is not guessed.

use super::stream_counters::{Medium, Rates, Received, Sent};
use crate::strings::Key;

/// A part of the way, in the order in which it is passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// From the camera to the page.
    Capture,
    /// Drawing the background.
    Effects,
    /// Encoding a picture.
    Encode,
    /// To the server.
    Uplink,
    /// In the server.
    Server,
    /// From the server.
    Downlink,
    /// Until it is complete and its time has come.
    JitterBuffer,
    /// Decoding a picture.
    Decode,
    /// Until the screen shows it.
    Render,
}

impl Stage {
    /// All, in their order.
    pub(crate) const ALL: [Self; 9] = [
        Self::Capture,
        Self::Effects,
        Self::Encode,
        Self::Uplink,
        Self::Server,
        Self::Downlink,
        Self::JitterBuffer,
        Self::Decode,
        Self::Render,
    ];

    /// For tests and styles: stable.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Effects => "effects",
            Self::Encode => "encode",
            Self::Uplink => "uplink",
            Self::Server => "server",
            Self::Downlink => "downlink",
            Self::JitterBuffer => "jitter-buffer",
            Self::Decode => "decode",
            Self::Render => "render",
        }
    }

    /// What it is called.
    pub(crate) const fn label(self) -> Key {
        match self {
            Self::Capture => Key::StageCapture,
            Self::Effects => Key::StageEffects,
            Self::Encode => Key::StageEncode,
            Self::Uplink => Key::StageUplink,
            Self::Server => Key::StageServer,
            Self::Downlink => Key::StageDownlink,
            Self::JitterBuffer => Key::StageJitterBuffer,
            Self::Decode => Key::StageDecode,
            Self::Render => Key::StageRender,
        }
    }

    /// Where its number comes from.
    pub(crate) const fn source(self) -> Key {
        match self {
            Self::Capture => Key::SourceCapture,
            Self::Effects => Key::SourceEffects,
            Self::Encode => Key::SourceEncode,
            Self::Uplink => Key::SourceUplink,
            Self::Server => Key::SourceServer,
            Self::Downlink => Key::SourceDownlink,
            Self::JitterBuffer => Key::SourceJitterBuffer,
            Self::Decode => Key::SourceDecode,
            Self::Render => Key::SourceRender,
        }
    }
}

/// What else is known besides the connection's counters, all in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Beside {
    /// From the camera to the page.
    pub(crate) capture: Option<f64>,
    /// Drawing the background; nothing without one.
    pub(crate) effects: Option<f64>,
    /// In the server.
    pub(crate) server: Option<f64>,
    /// From the page to the screen.
    pub(crate) render: Option<f64>,
}

/// When one frame was where, by the page's clock in milliseconds (`requestVideoFrameCallback`).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct FrameTimes {
    /// When the camera took it; of the own camera only.
    pub(crate) captured: Option<f64>,
    /// When it was handed over to be shown.
    pub(crate) presented: Option<f64>,
    /// When the screen shows it.
    pub(crate) displayed: Option<f64>,
}

impl FrameTimes {
    /// From the camera to the page.
    pub(crate) fn capture(self) -> Option<f64> {
        plausible(self.presented? - self.captured?)
    }

    /// From the page to the screen.
    pub(crate) fn render(self) -> Option<f64> {
        plausible(self.displayed? - self.presented?)
    }
}

/// Browsers round their clocks, and give times of a frame that waited in a hidden page: neither is a latency.
fn plausible(ms: f64) -> Option<f64> {
    (-1.0..1000.0).contains(&ms).then_some(ms.max(0.0))
}

/// What each stage took.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Budget([Option<f64>; Stage::ALL.len()]);

impl Budget {
    /// Puts together what is known.
    pub(crate) fn new(rates: &Rates, beside: Beside) -> Self {
        let one_way = rates.path.round_trip_ms.map(|round_trip| round_trip / 2.0);
        let sent: Vec<&Sent> = rates.sent.iter().filter(|sent| sent.medium == Medium::Video).collect();
        let is_sending = sent.iter().any(|sent| sent.frames_per_second.is_some_and(|rate| rate > 0.0));
        let shown = rates.received.iter().filter(|one| one.medium == Medium::Video && one.is_flowing());
        let shown: Vec<&Received> = shown.collect();
        // Layers are encoded one after the other by some browsers and at once by others: the slowest is what is certain.
        let encode = largest(sent.iter().filter_map(|sent| sent.encoding_ms));
        let waiting = largest(sent.iter().filter_map(|sent| sent.waiting_ms)).unwrap_or(0.0);
        Self(Stage::ALL.map(|stage| match stage {
            Stage::Capture => beside.capture.filter(|_| is_sending),
            Stage::Effects => is_sending.then(|| beside.effects.unwrap_or(0.0)),
            Stage::Encode => encode,
            Stage::Uplink => one_way.filter(|_| is_sending).map(|one_way| one_way + waiting),
            Stage::Server => beside.server,
            Stage::Downlink => one_way.filter(|_| !shown.is_empty()),
            Stage::JitterBuffer => middle(shown.iter().filter_map(|one| one.buffered_ms)),
            Stage::Decode => middle(shown.iter().filter_map(|one| one.decoding_ms)),
            Stage::Render => beside.render.filter(|_| !shown.is_empty()),
        }))
    }

    /// What a stage took, in milliseconds; nothing when nobody tells.
    pub(crate) const fn stage(&self, stage: Stage) -> Option<f64> {
        self.0[stage as usize]
    }

    /// All stages that are known together.
    pub(crate) fn sum(&self) -> f64 {
        self.0.iter().flatten().sum()
    }

    /// Whether nothing is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// The stages that take any time, with their part of the whole from 0 to 1.
    pub(crate) fn parts(&self) -> Vec<(Stage, f64)> {
        let sum = self.sum();
        if sum <= 0.0 {
            return Vec::new();
        }
        let part = |stage| Some((stage, self.stage(stage)? / sum)).filter(|(_, part)| *part > 0.0);
        Stage::ALL.into_iter().filter_map(part).collect()
    }
}

fn largest(values: impl Iterator<Item = f64>) -> Option<f64> {
    values.reduce(f64::max)
}

fn middle(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::super::stream_counters::{Path, Stream};
    use super::*;

    fn sent(encoding_ms: Option<f64>, waiting_ms: f64) -> Sent {
        Sent {
            medium: Medium::Video,
            stream: Stream::default(),
            rid: None,
            limitation: crate::call::encoder::Limitation::None,
            bits_per_second: Some(1e6),
            frames_per_second: Some(30.0),
            encoding_ms,
            waiting_ms: Some(waiting_ms),
            loss: None,
        }
    }

    fn received(medium: Medium, buffered_ms: f64, bits: f64) -> Received {
        Received {
            medium,
            mid: "5".to_owned(),
            stream: Stream::default(),
            bits_per_second: Some(bits),
            frames_per_second: Some(30.0),
            buffered_ms: Some(buffered_ms),
            decoding_ms: Some(2.0),
            loss: None,
            freezes: None,
            frozen: None,
        }
    }

    fn path() -> Path {
        Path { round_trip_ms: Some(30.0), protocol: None, available_bps: None }
    }

    #[test]
    fn each_stage_is_told_by_its_own_source() {
        let rates = Rates {
            path: path(),
            sent: vec![sent(Some(4.0), 1.0), sent(Some(9.0), 0.5), sent(None, 0.0)],
            received: vec![
                received(Medium::Video, 40.0, 1e5),
                received(Medium::Video, 60.0, 1e5),
                received(Medium::Video, 20.0, 1e5),
                // Neither a voice nor an empty slot.
                received(Medium::Audio, 500.0, 1e4),
                received(Medium::Video, 900.0, 0.0),
            ],
            playout_ms: None,
        };
        let beside = Beside { capture: Some(3.0), effects: Some(7.0), server: Some(0.4), render: Some(16.0) };
        let budget = Budget::new(&rates, beside);
        let told = Stage::ALL.map(|stage| budget.stage(stage).unwrap());
        assert_eq!(told, [3.0, 7.0, 9.0, 16.0, 0.4, 15.0, 40.0, 2.0, 16.0]);
        assert!((budget.sum() - 108.4).abs() < 1e-9);
        let whole: f64 = budget.parts().iter().map(|(_, part)| part).sum();
        assert!((whole - 1.0).abs() < 1e-9);
    }

    #[test]
    fn what_nobody_tells_is_not_known() {
        let budget = Budget::new(&Rates::default(), Beside::default());
        assert!(budget.is_empty() && budget.parts().is_empty());
        let watching =
            Rates { path: path(), received: vec![received(Medium::Video, 40.0, 1e5)], ..Rates::default() };
        let beside = Beside { capture: Some(3.0), effects: Some(7.0), server: None, render: None };
        let budget = Budget::new(&watching, beside);
        for stage in [Stage::Capture, Stage::Effects, Stage::Encode, Stage::Uplink, Stage::Server] {
            assert_eq!(budget.stage(stage), None, "nothing is sent: {stage:?}");
        }
        assert_eq!(budget.stage(Stage::Downlink), Some(15.0));
    }

    #[test]
    fn a_camera_without_a_background_spends_no_time_on_it() {
        let rates = Rates { path: path(), sent: vec![sent(None, 0.0)], ..Rates::default() };
        let budget = Budget::new(&rates, Beside::default());
        assert_eq!((budget.stage(Stage::Effects), budget.stage(Stage::Encode)), (Some(0.0), None));
        assert!(budget.parts().iter().all(|(stage, _)| *stage != Stage::Effects));
    }

    #[test]
    fn times_of_a_frame_that_cannot_be_are_not_believed() {
        let times = FrameTimes { captured: Some(100.0), presented: Some(103.0), displayed: Some(119.0) };
        assert_eq!((times.capture(), times.render()), (Some(3.0), Some(16.0)));
        let rounded = FrameTimes { displayed: Some(102.5), ..times };
        assert_eq!(rounded.render(), Some(0.0));
        let hidden = FrameTimes { presented: Some(5000.0), ..times };
        assert_eq!((hidden.capture(), hidden.render()), (None, None));
        assert_eq!(FrameTimes::default().render(), None);
    }

    #[test]
    fn the_stages_are_in_the_order_of_their_numbers() {
        for (index, stage) in Stage::ALL.into_iter().enumerate() {
            assert_eq!(stage as usize, index);
        }
    }
}
