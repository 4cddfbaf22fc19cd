//! What comes with redundant audio on the way in.

use std::time::Instant;

use super::Uplink;
use crate::drop_reason::DropReason;
use crate::redundancy;
use crate::rtp::Header;
use crate::rtp::red::Red;

impl Uplink {
    /// What a packet carries itself, and which lost ones before it are stored now because it repeats them.
    #[inline]
    pub(super) fn recover<'a>(
        &mut self,
        now: Instant,
        at: usize,
        header: &Header,
        payload: &'a [u8],
    ) -> Result<(&'a [u8], u8), DropReason> {
        let stream = &mut self.streams[at];
        if !stream.kind.is_audio() {
            return Ok((payload, 0));
        }
        let publication = self.publications.iter().find(|publication| publication.mid == stream.mid);
        let payload_map = publication.ok_or(DropReason::UnknownStream)?.payload;
        if Some(header.payload_type) != payload_map.red_payload_type {
            return Ok((payload, 0));
        }
        let red = Red::parse(payload).map_err(|_| DropReason::MalformedRtp)?;
        if red.primary_type != payload_map.payload_type || red.primary.is_empty() {
            return Err(DropReason::MalformedRtp);
        }
        let Header { sequence, timestamp, .. } = *header;
        let recovered = redundancy::recover(now, &mut stream.ring, &stream.onset, &red, sequence, timestamp);
        Ok((red.primary, recovered))
    }
}
