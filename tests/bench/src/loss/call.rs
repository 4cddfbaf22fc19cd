//! A publisher and a viewer in one room of a server.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rtc::rtp::Packet;
use rtc::rtp_transceiver::RTCRtpSenderId;
use sfu::rtp::red::{self, Block, Red};
use tests::line::Impairment;
use tests::media;
use tests::stack::Source;

use super::client::{Client, OPUS, RED};
use super::playback::Playback;
use crate::control::ServerProcess;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
const AUDIO_SPACING: Duration = Duration::from_millis(20);
const VIDEO_SPACING: Duration = Duration::from_millis(40);

/// See the [module](self).
pub(super) struct Call {
    start: Instant,
    publisher: Client,
    viewer: Client,
    senders: Vec<RTCRtpSenderId>,
    microphone: Track,
    camera: Track,
    pub(super) voice: Playback,
    pub(super) picture: Playback,
    /// Whether the server takes redundant audio.
    is_redundant: bool,
    /// The packet of the voice that the next one repeats.
    before: Option<(u32, Vec<u8>)>,
}

/// A source, and when its next frame is due.
struct Track {
    source: Source,
    spacing: Duration,
    due: Duration,
}

impl Call {
    /// Both are in and connected. The viewer asks again for what is lost after `round_trip`.
    pub(super) fn connect(server: &mut ServerProcess, seed: u64, round_trip: Duration) -> Result<Self> {
        let (microphone, camera) = (Source::new(1, true), Source::new(1, false));
        let (seeds, at) = ([seed * 2 + 1, seed * 2 + 2], server.clients_at);
        let (mut publisher, senders) = Client::publisher(at, &[&microphone, &camera], seeds[0])?;
        let answer = server.join(true, publisher.offer()?)?;
        let is_redundant = answer.contains("red/48000");
        publisher.accept(answer).context("the answer to the publisher")?;
        let start = Instant::now();
        let mut call = Self {
            start,
            publisher,
            viewer: Client::viewer(at, seeds[1], round_trip)?,
            senders,
            microphone: Track { source: microphone, spacing: AUDIO_SPACING, due: Duration::ZERO },
            camera: Track { source: camera, spacing: VIDEO_SPACING, due: Duration::ZERO },
            voice: Playback::default(),
            picture: Playback::default(),
            is_redundant,
            before: None,
        };
        while !call.publisher.is_connected {
            ensure!(
                start.elapsed() < CONNECT_TIMEOUT,
                "the publisher did not connect within {CONNECT_TIMEOUT:?}"
            );
            call.turn()?;
        }
        call.let_viewer_in(server)?;
        while !call.viewer.is_connected {
            ensure!(
                start.elapsed() < 2 * CONNECT_TIMEOUT,
                "the viewer did not connect within {CONNECT_TIMEOUT:?}"
            );
            call.turn()?;
        }
        Ok(call)
    }

    fn let_viewer_in(&mut self, server: &mut ServerProcess) -> Result<()> {
        if server.invites {
            let answer = self.viewer.answer(server.invite()?).context("the offer to the viewer")?;
            return server.accept(answer);
        }
        let answer = server.join(false, self.viewer.offer()?)?;
        self.viewer.accept(answer).context("the answer to the viewer")
    }

    /// What media meets from now on, each from the client and to it.
    pub(super) fn impair(&mut self, publisher: [Impairment; 2], viewer: [Impairment; 2]) {
        self.publisher.impair(publisher);
        self.viewer.impair(viewer);
    }

    /// Time since the beginning.
    pub(super) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Publishes and watches for so long.
    pub(super) fn play(&mut self, time: Duration) -> Result<()> {
        let end = self.now() + time;
        while self.now() < end {
            self.speak()?;
            for packet in self.camera.next_frame(self.start.elapsed(), &mut self.picture) {
                self.publisher.send(self.senders[1], packet)?;
            }
            self.turn()?;
        }
        Ok(())
    }

    /// The next packet of the voice, with the one before it.
    fn speak(&mut self) -> Result<()> {
        for mut packet in self.microphone.next_frame(self.start.elapsed(), &mut self.voice) {
            if self.is_redundant {
                self.repeat(&mut packet)?;
            }
            self.publisher.send(self.senders[0], packet)?;
        }
        Ok(())
    }

    fn repeat(&mut self, packet: &mut Packet) -> Result<()> {
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
        Ok(())
    }

    fn turn(&mut self) -> Result<()> {
        self.publisher.turn(|_| {})?;
        let (start, voice, picture) = (self.start, &mut self.voice, &mut self.picture);
        self.viewer.turn(|packet| receive(start.elapsed(), packet, voice, picture))?;
        picture.show(start.elapsed());
        std::thread::sleep(Duration::from_millis(1));
        Ok(())
    }
}

fn receive(now: Duration, packet: &Packet, voice: &mut Playback, picture: &mut Playback) {
    let note = |playback: &mut Playback, received: Option<media::Received>| {
        if let Some(media::Received { label, .. }) = received {
            playback.came(now, label.frame, label.sequence);
        }
    };
    match packet.header.payload_type {
        RED => {
            let Ok(red) = Red::parse(&packet.payload) else { return };
            red.redundant().for_each(|block| note(voice, media::read_opus(block.payload)));
            note(voice, media::read_opus(red.primary));
        }
        OPUS => note(voice, media::read_opus(&packet.payload)),
        _ => note(picture, media::read_vp8(&packet.payload)),
    }
}

impl Track {
    /// The packets of the next frame when it is due.
    fn next_frame(&mut self, now: Duration, playback: &mut Playback) -> Vec<Packet> {
        if now < self.due {
            return Vec::new();
        }
        self.due = (self.due + self.spacing).max(now.saturating_sub(self.spacing));
        let packets = self.source.frame(now);
        let read = |packet: &Packet| {
            let payload = &packet.payload;
            if self.source.audio { media::read_opus(payload) } else { media::read_vp8(payload) }
        };
        let read: Vec<media::Received> = packets.iter().filter_map(read).collect();
        let Some(frame) = read.first().map(|received| received.label.frame) else { return packets };
        let is_key = read.iter().any(|received| received.vp8.is_some_and(|vp8| vp8.key_height.is_some()));
        let numbers: BTreeSet<u32> = read.iter().map(|received| received.label.sequence).collect();
        playback.sent(now, frame, is_key, numbers);
        packets
    }
}
