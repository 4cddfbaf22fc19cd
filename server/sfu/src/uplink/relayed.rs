//! Streams whose home is another SFU: their packets arrive decrypted, and what is known of them is told.

use std::time::Instant;

use super::{LIVE, Place, Publication, Received, SSRCS_MAX, Stream, Uplink};
use crate::drop_reason::DropReason;
use crate::relay::{StreamFacts, ToldStep};
use crate::rtp::{Header, KnownExtensions};

impl Stream {
    /// What other SFUs are told of its layers, as it is measured here; nothing when there is only one.
    pub(crate) fn told_steps(&self, now: Instant) -> Vec<ToldStep> {
        let steps = if self.kind.is_audio() { Vec::new() } else { self.sent.ladder(now) };
        if steps.len() < 2 {
            return Vec::new();
        }
        steps.into_iter().map(|step| ToldStep { step, height: self.height(step.rank) }).collect()
    }

    /// Height of the picture at this spatial layer, as its home knows it.
    pub(super) fn told_height(&self, spatial: u8) -> Option<u16> {
        self.relay.told.iter().find(|told| told.step.rank == spatial)?.height
    }
}

impl Uplink {
    /// One packet of a stream whose home is another SFU: decrypted, under its original numbers, never twice.
    ///
    /// # Errors
    /// Why it goes no further.
    #[inline]
    pub(crate) fn receive_relayed(
        &mut self,
        now: Instant,
        token: u32,
        packet: &[u8],
    ) -> Result<Received, DropReason> {
        let at = self.streams.iter().position(|stream| stream.token == token);
        let at = at.ok_or(DropReason::UnknownStream)?;
        let header = Header::parse(packet).map_err(|_| DropReason::MalformedRtp)?;
        let level = KnownExtensions::read(&header, packet, &self.extensions).audio_level;
        let stream = &mut self.streams[at];
        let index = stream.replay.estimate(header.sequence);
        stream.replay.commit(index);
        self.receive_media(now, at, &header, packet, index, level)
    }

    /// What its home says of a stream; it is made when it is new. Returns whether routing may change.
    pub(crate) fn learn(&mut self, now: Instant, facts: &StreamFacts) -> bool {
        let known = self.streams.iter().position(|stream| stream.token == facts.token);
        let is_negotiated = |publication: &Publication| publication.mid == facts.mid;
        let at = match (known, self.publications.iter().position(is_negotiated)) {
            (Some(at), _) => at,
            (None, Some(publication)) if self.streams.len() < SSRCS_MAX => {
                let mut token = facts.token;
                match self.add_stream(now, publication, facts.layer, facts.ssrc, &mut token) {
                    Place::Stream(at) => at,
                    Place::Repair(_) | Place::NewStream { .. } | Place::NewRepair { .. } => return false,
                }
            }
            (None, _) => return false,
        };
        let stream = &mut self.streams[at];
        let before = (stream.resolution, stream.is_live(now));
        let has_other_layers = !is_alike(&stream.relay.told, &facts.steps);
        stream.relay.told.clone_from(&facts.steps);
        stream.resolution = facts.resolution;
        stream.rate.told(now, facts.bps);
        if facts.is_live {
            stream.last_packet = now;
        } else if stream.is_live(now) {
            stream.last_packet = now.checked_sub(LIVE).unwrap_or(now);
        }
        known.is_none() || has_other_layers || before != (stream.resolution, stream.is_live(now))
    }
}

/// Whether both have the same layers: what they take changes all the time.
fn is_alike(one: &[ToldStep], other: &[ToldStep]) -> bool {
    let same = |(one, other): (&ToldStep, &ToldStep)| {
        one.step.layers == other.step.layers && one.height == other.height
    };
    one.len() == other.len() && one.iter().zip(other).all(same)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::SourceKind;

    use super::*;
    use crate::dynacast::Dynacast;
    use crate::key_frame::KeyFrameRequests;
    use crate::rtp::ExtensionMap;
    use crate::rtp::frame::Layers;
    use crate::rtp::identifier::Mid;
    use crate::sdp::{Codec, PayloadMap};
    use crate::sent_layers::Step;

    const TOKEN: u32 = 7;

    fn step(spatial: u8, bps: u64, height: u16) -> ToldStep {
        let layers = Layers { spatial, temporal: 0 };
        ToldStep { step: Step { layers, rank: spatial, bps, frame_rate_percent: 100 }, height: Some(height) }
    }

    fn facts(steps: Vec<ToldStep>) -> StreamFacts {
        StreamFacts {
            peer: shared::PeerId::new(1),
            token: TOKEN,
            mid: Mid::new("1").unwrap(),
            layer: 0,
            ssrc: 9,
            resolution: None,
            bps: 2_000_000,
            is_live: true,
            steps,
        }
    }

    fn replica(now: Instant) -> Uplink {
        let mut uplink = Uplink::new(1, now);
        let payload = PayloadMap {
            codec: Codec::Vp9,
            payload_type: 98,
            rtx_payload_type: None,
            red_payload_type: None,
            clock_rate: 90_000,
        };
        let camera = Publication {
            mid: Mid::new("1").unwrap(),
            kind: SourceKind::Camera,
            layers: Vec::new(),
            payload,
            ssrcs: vec![9],
            repair: Vec::new(),
            key_frames: KeyFrameRequests::default(),
            dynacast: Dynacast::default(),
            elsewhere: Vec::new(),
        };
        uplink.negotiate(vec![camera], ExtensionMap::default());
        uplink
    }

    #[test]
    fn layers_are_known_before_the_first_packet_travels() {
        let now = Instant::now();
        let mut uplink = replica(now);
        let told = vec![step(0, 150_000, 180), step(1, 500_000, 360), step(2, 2_000_000, 720)];
        assert!(uplink.learn(now, &facts(told.clone())));
        let stream = &uplink.streams[0];
        let ladder = stream.ladder(now);
        assert_eq!(ladder, told.iter().map(|told| told.step).collect::<Vec<Step>>());
        assert_eq!([0, 1, 2, 3].map(|rank| stream.height(rank)), [Some(180), Some(360), Some(720), None]);
    }

    #[test]
    fn only_other_layers_make_routing_look_again_not_other_rates() {
        let now = Instant::now();
        let mut uplink = replica(now);
        uplink.learn(now, &facts(vec![step(0, 150_000, 180), step(1, 500_000, 360)]));
        let later = now + Duration::from_millis(400);
        assert!(!uplink.learn(later, &facts(vec![step(0, 170_000, 180), step(1, 600_000, 360)])));
        assert_eq!(uplink.streams[0].ladder(later)[1].bps, 600_000);
        assert!(uplink.learn(later, &facts(Vec::new())), "the upper layer is gone");
        assert_eq!(uplink.streams[0].ladder(later).len(), 1);
    }
}
