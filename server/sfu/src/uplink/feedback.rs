//! What a publisher is told about its streams: losses, key frames that are needed, reports, arrival times.

use std::time::{Duration, Instant};

use super::{REPORT_SPACING, Uplink};
use crate::nack::Need;
use crate::rtcp::Writer;
use crate::srtp::RTCP_OVERHEAD_MAX;
use crate::transport::RTCP_BYTES_MAX;

/// Time between two transport feedbacks; libwebrtc's own default is 50 to 250 ms.
const TRANSPORT_FEEDBACK_SPACING: Duration = Duration::from_millis(50);

impl Uplink {
    /// Writes what is due now as one RTCP packet after the other; `send` gets each plaintext.
    pub(crate) fn poll_feedback(
        &mut self,
        now: Instant,
        mut send: impl FnMut(&mut [u8; RTCP_BYTES_MAX + RTCP_OVERHEAD_MAX], usize),
    ) -> FeedbackCounts {
        let mut counts = FeedbackCounts::default();
        if self.streams.is_empty() && !self.recorder.is_pending() {
            // Most peers of a large room only watch.
            return counts;
        }
        let mut packet = [0; RTCP_BYTES_MAX + RTCP_OVERHEAD_MAX];
        let mut writer = Writer::new(&mut packet[..RTCP_BYTES_MAX]);
        self.write_nacks_and_key_frames(now, &mut writer, &mut counts);
        if now >= self.report_due {
            self.report_due = now + REPORT_SPACING;
            self.write_report(now, &mut writer);
        }
        let len = writer.len();
        if len > 0 {
            send(&mut packet, len);
        }
        if now >= self.feedback_due && self.recorder.is_pending() {
            self.feedback_due = now + TRANSPORT_FEEDBACK_SPACING;
            let media_ssrc = self.streams.first().map_or(0, |stream| stream.ssrc);
            while let Some(len) = self.recorder.build(now, media_ssrc, &mut packet[..RTCP_BYTES_MAX]) {
                send(&mut packet, len);
            }
        }
        counts
    }

    fn write_nacks_and_key_frames(
        &mut self,
        now: Instant,
        writer: &mut Writer<'_>,
        counts: &mut FeedbackCounts,
    ) {
        for stream in &mut self.streams {
            let Some(publication) =
                self.publications.iter_mut().find(|publication| publication.mid == stream.mid)
            else {
                continue;
            };
            if publication.dynacast.is_paused(stream.layer) {
                // What is missing of it will never be shown.
                continue;
            }
            match stream.nack.poll(now, self.rtt) {
                Need::Nothing => {}
                Need::Packets(sequences) => {
                    // Without room the packets are asked for again after a round trip.
                    if writer.nack(self.our_ssrc, stream.ssrc, sequences).is_ok() {
                        counts.nacked += sequences.len() as u64;
                    }
                }
                Need::KeyFrame => publication.key_frames.ask(),
            }
            if stream.is_live(now)
                && publication.key_frames.poll(now)
                && writer.pli(self.our_ssrc, stream.ssrc).is_ok()
            {
                counts.key_frames += 1;
            }
        }
    }

    fn write_report(&mut self, now: Instant, writer: &mut Writer<'_>) {
        let mut blocks = Vec::with_capacity(self.streams.len());
        blocks.extend(self.streams.iter_mut().filter_map(|stream| stream.reception.report(stream.ssrc, now)));
        if !blocks.is_empty() {
            // At most SSRCS_MAX blocks of 24 bytes: they fit a fresh packet, else the next second's report does.
            let _ = writer.receiver_report(self.our_ssrc, &blocks);
        }
    }
}

/// What [`Uplink::poll_feedback`] asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct FeedbackCounts {
    /// Packets asked for again.
    pub(crate) nacked: u64,
    /// Key frames asked for.
    pub(crate) key_frames: u64,
}
