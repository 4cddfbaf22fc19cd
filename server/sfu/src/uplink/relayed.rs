//! Streams whose home is another SFU: their packets arrive decrypted, and what is known of them is told.

use std::time::Instant;

use super::{LIVE, Place, Publication, Received, SSRCS_MAX, Uplink};
use crate::drop_reason::DropReason;
use crate::relay::StreamFacts;
use crate::rtp::{Header, KnownExtensions};

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
        stream.resolution = facts.resolution;
        stream.rate.told(now, facts.bps);
        if facts.is_live {
            stream.last_packet = now;
        } else if stream.is_live(now) {
            stream.last_packet = now.checked_sub(LIVE).unwrap_or(now);
        }
        known.is_none() || before != (stream.resolution, stream.is_live(now))
    }
}
