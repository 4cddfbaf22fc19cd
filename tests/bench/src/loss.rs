//! `bench loss`: how much of a voice has to be concealed, and how long a picture stands still, at 0 to 30 % loss.
//!
//! One participant publishes, another watches; every datagram of media passes a lossy hop of 20 ms at the publisher or at the
//! viewer. The voice is redundant audio as Chromium sends it (one repetition). A frame counts when it comes within 200 ms after
//! it was sent; a picture counts when it and all pictures back to the last key frame did.

mod client;
mod rating;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use rtc::rtp::Packet;
use rtc::rtp_transceiver::RTCRtpSenderId;
use sfu::rtp::red::{self, Block, Red};
use tests::line::Impairment;
use tests::media;
use tests::stack::Source;

use self::client::{Client, OPUS, RED};
use crate::control::ServerProcess;
use crate::measure::{Machine, Spread};
use crate::peers::Who;
use crate::report::{Report, Row};
use crate::svg;

const LOSSES_PERCENT: [u32; 6] = [0, 5, 10, 15, 20, 30];
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// The loss has to be seen before anybody can act on it.
const WARM_UP: Duration = Duration::from_secs(4);
const AUDIO_SPACING: Duration = Duration::from_millis(20);
const VIDEO_SPACING: Duration = Duration::from_millis(40);
/// What comes later is of no use to a conversation.
const PLAYOUT: Duration = Duration::from_millis(200);
const DELAY: Duration = Duration::from_millis(20);

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// Seconds measured at every loss
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u64).range(3..=600))]
    seconds: u64,
    /// Draw the concealed share of the voice as bars into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// Runs the benchmark and prints the result.
///
/// # Errors
/// When the server does not start or a client cannot connect.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut rows = Vec::new();
    for direction in [Direction::Up, Direction::Down] {
        for percent in LOSSES_PERCENT {
            let found = measure(direction, percent, Duration::from_secs(options.seconds))?;
            writeln!(std::io::stderr().lock(), "{} {percent} %: {found:?}", direction.name())?;
            rows.extend(found.rows(direction, percent));
        }
    }
    let report = Report::new("loss", Machine::here(), rows);
    if let Some(path) = &options.svg {
        let drawing =
            svg::bars(&report.rows, "audio_concealed_percent_down_10", "Voice concealed at 10 % loss");
        std::fs::write(path, drawing).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let title = "1 publisher, 1 viewer, redundant audio, VP8 of 25 pictures/s, 20 ms to and from the lossy hop; \
                 no peer took part: this benchmark drives no foreign server yet";
    let text = if options.json { report.json()? } else { report.table(title) };
    std::io::stdout().lock().write_all(text.as_bytes()).context("standard output is closed")
}

/// At whose connection the loss is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

impl Direction {
    const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// Shares, 0 to 1.
#[derive(Debug, Clone, Copy)]
struct Found {
    audio_concealed: f64,
    video_frozen: f64,
}

impl Found {
    fn rows(&self, direction: Direction, percent: u32) -> Vec<Row> {
        let values = [
            ("audio_concealed_percent", "%", 100.0 * self.audio_concealed),
            ("audio_mos", "MOS", rating::mean_opinion_score(self.audio_concealed)),
            ("video_frozen_percent", "%", 100.0 * self.video_frozen),
        ];
        let name = direction.name();
        let rows = values.into_iter().filter_map(|(metric, unit, value)| {
            Some(Row::new("visavis", &format!("{metric}_{name}_{percent}"), unit, Spread::of(&[value])?, ""))
        });
        rows.collect()
    }
}

fn measure(direction: Direction, percent: u32, time: Duration) -> Result<Found> {
    let mut server = ServerProcess::start(Who::Visavis)?;
    let mut call = Call::connect(&mut server, u64::from(percent))?;
    let lossy = Impairment { loss: percent * 10, delay: DELAY, ..Impairment::default() };
    let clean = Impairment { delay: DELAY, ..Impairment::default() };
    let (publisher, viewer) = if direction == Direction::Up { (lossy, clean) } else { (clean, lossy) };
    call.publisher.impair(publisher, clean);
    call.viewer.impair(clean, viewer);
    call.play(WARM_UP)?;
    let first = (call.microphone.sent.len(), call.camera.sent.len());
    call.play(time)?;
    let last = (call.microphone.sent.len(), call.camera.sent.len());
    // The last frames need a moment, too.
    call.play(PLAYOUT * 2)?;
    Ok(Found {
        audio_concealed: call.microphone.missing(first.0..last.0, |frame| frame.came),
        video_frozen: call.camera.missing(first.1..last.1, |frame| frame.shown),
    })
}

/// A publisher and a viewer in one room.
struct Call {
    publisher: Client,
    viewer: Client,
    senders: Vec<RTCRtpSenderId>,
    microphone: Track,
    camera: Track,
    before: Option<(u32, Vec<u8>)>,
}

/// What was sent of a source, and what of it came in time.
struct Track {
    source: Source,
    start: Instant,
    due: Duration,
    sent: Vec<Frame>,
    /// Place of a frame in `sent`, by its number.
    places: BTreeMap<u32, usize>,
}

#[derive(Debug, Clone, Default)]
struct Frame {
    at: Duration,
    /// Numbers of its packets that are still missing.
    missing: BTreeSet<u32>,
    is_key: bool,
    came: bool,
    shown: bool,
}

impl Call {
    fn connect(server: &mut ServerProcess, seed: u64) -> Result<Self> {
        let (microphone, camera) = (Source::new(1, true), Source::new(1, false));
        let (mut publisher, senders) = Client::new(&[&microphone, &camera], seed * 2 + 1)?;
        let answer = server.join(true, publisher.offer()?)?;
        publisher.accept(answer).context("the answer to the publisher")?;
        let (mut viewer, _) = Client::new(&[], seed * 2 + 2)?;
        let answer = server.join(false, viewer.offer()?)?;
        viewer.accept(answer).context("the answer to the viewer")?;
        let mut call = Self {
            publisher,
            viewer,
            senders,
            microphone: Track::new(microphone),
            camera: Track::new(camera),
            before: None,
        };
        let start = Instant::now();
        while !call.publisher.is_connected || !call.viewer.is_connected {
            ensure!(start.elapsed() < CONNECT_TIMEOUT, "a client did not connect within {CONNECT_TIMEOUT:?}");
            call.turn()?;
        }
        Ok(call)
    }

    fn play(&mut self, time: Duration) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < time {
            self.speak()?;
            for packet in self.camera.next_frame(VIDEO_SPACING) {
                self.publisher.send(self.senders[1], packet)?;
            }
            self.turn()?;
        }
        Ok(())
    }

    /// The next packet of the voice, with the one before it.
    fn speak(&mut self) -> Result<()> {
        for mut packet in self.microphone.next_frame(AUDIO_SPACING) {
            let plain = packet.payload.to_vec();
            let (timestamp, before) = (packet.header.timestamp, self.before.take());
            let block = before.as_ref().and_then(|(at, payload)| {
                let timestamp_offset = u16::try_from(timestamp.wrapping_sub(*at)).ok()?;
                Some(Block { payload_type: OPUS, timestamp_offset, payload }).filter(Block::fits)
            });
            let mut payload = vec![0; 2 * plain.len() + 200];
            let len = red::write(block.as_slice(), OPUS, &plain, &mut payload)?;
            payload.truncate(len);
            packet.header.payload_type = RED;
            packet.payload = payload.into();
            self.before = Some((timestamp, plain));
            self.publisher.send(self.senders[0], packet)?;
        }
        Ok(())
    }

    fn turn(&mut self) -> Result<()> {
        self.publisher.turn(|_| {})?;
        let (microphone, camera) = (&mut self.microphone, &mut self.camera);
        self.viewer.turn(|packet| receive(packet, microphone, camera))?;
        camera.show();
        std::thread::sleep(Duration::from_millis(1));
        Ok(())
    }
}

fn receive(packet: &Packet, microphone: &mut Track, camera: &mut Track) {
    match packet.header.payload_type {
        RED => {
            let Ok(red) = Red::parse(&packet.payload) else { return };
            red.redundant().for_each(|block| microphone.note(media::read_opus(block.payload)));
            microphone.note(media::read_opus(red.primary));
        }
        OPUS => microphone.note(media::read_opus(&packet.payload)),
        _ => camera.note(media::read_vp8(&packet.payload)),
    }
}

impl Track {
    fn new(source: Source) -> Self {
        let (start, due) = (Instant::now(), Duration::ZERO);
        Self { source, start, due, sent: Vec::new(), places: BTreeMap::new() }
    }

    fn next_frame(&mut self, spacing: Duration) -> Vec<Packet> {
        let now = self.start.elapsed();
        if now < self.due {
            return Vec::new();
        }
        self.due = (self.due + spacing).max(now.saturating_sub(spacing));
        let packets = self.source.frame(now);
        let mut frame = Frame { at: now, ..Frame::default() };
        for packet in &packets {
            let read = if self.source.audio {
                media::read_opus(&packet.payload)
            } else {
                media::read_vp8(&packet.payload)
            };
            let Some(read) = read else { continue };
            frame.is_key |= read.vp8.is_some_and(|vp8| vp8.key_height.is_some());
            frame.missing.insert(read.label.sequence);
            self.places.insert(read.label.frame, self.sent.len());
        }
        self.sent.push(frame);
        packets
    }

    fn note(&mut self, received: Option<media::Received>) {
        let now = self.start.elapsed();
        let Some(label) = received.map(|received| received.label) else { return };
        let Some(frame) = self.places.get(&label.frame).and_then(|place| self.sent.get_mut(*place)) else {
            return;
        };
        frame.missing.remove(&label.sequence);
        frame.came |= frame.missing.is_empty() && now.saturating_sub(frame.at) <= PLAYOUT;
    }

    /// A picture is shown when it came and the one before it is shown, or when it is a key frame.
    fn show(&mut self) {
        let from = self.sent.len().saturating_sub(50);
        let mut is_whole = from > 0 && self.sent[from - 1].shown;
        for frame in &mut self.sent[from..] {
            is_whole = frame.came && (is_whole || frame.is_key);
            frame.shown = is_whole;
        }
    }

    fn missing(&self, range: std::ops::Range<usize>, is_there: impl Fn(&Frame) -> bool) -> f64 {
        let frames = &self.sent[range];
        frames.iter().filter(|frame| !is_there(frame)).count() as f64 / frames.len().max(1) as f64
    }
}
