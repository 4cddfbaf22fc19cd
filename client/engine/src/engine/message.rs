//! What the server said.

use std::time::Duration;

use shared::limits::{AUDIO_SLOTS, MID_BYTES_MAX, PARTICIPANTS_MAX, VIDEO_SLOTS_MAX};
use shared::protocol::{
    Answer, DecodeError, ErrorCode, Fault, Goodbye, GoodbyeReason, ServerMessage, SlotAssignment, Speaker,
    Version, Welcome, decode_server,
};

use super::Engine;
use crate::error::{Cause, EndReason, Notice, Problem};
use crate::moment::Moment;
use crate::output::Output;
use crate::publishing::VideoCodec;

impl Engine {
    pub(super) fn handle_text(&mut self, now: Moment, text: &str) {
        self.session.heard(now);
        match decode_server(text) {
            Ok(message) => self.handle_message(now, message),
            Err(error) => self.unreadable(now, &error),
        }
    }

    fn handle_message(&mut self, now: Moment, message: ServerMessage) {
        if self.session.is_greeting() {
            match message {
                ServerMessage::Welcome(welcome) => self.welcomed(now, welcome),
                ServerMessage::Error(fault) => self.hello_refused(now, &fault),
                ServerMessage::Goodbye(goodbye) => self.dismissed(now, &goodbye),
                ServerMessage::Waiting => self.session.knocked(now),
                ServerMessage::Pong { nonce } => self.session.ponged(now, nonce),
                ServerMessage::Answer(_)
                | ServerMessage::Snapshot(_)
                | ServerMessage::Delta { .. }
                | ServerMessage::SlotMap { .. }
                | ServerMessage::Layers { .. }
                | ServerMessage::Speakers { .. }
                | ServerMessage::Meeting(_)
                | ServerMessage::Knocks { .. }
                | ServerMessage::Chat { .. }
                | ServerMessage::Reaction { .. }
                | ServerMessage::Caption(_)
                | ServerMessage::Moderated(_) => {}
            }
            return;
        }
        if self.session.open_socket().is_none() {
            return;
        }
        match message {
            // A second welcome means nothing, nor to wait once inside.
            ServerMessage::Welcome(_) | ServerMessage::Waiting => {}
            ServerMessage::Answer(Answer { negotiation, sdp }) => {
                if self.negotiation.answered(now, negotiation) {
                    self.outputs.push_back(Output::ApplyAnswer { negotiation, sdp });
                }
            }
            ServerMessage::Snapshot(snapshot) => self.roster.replace(snapshot),
            ServerMessage::Delta { revision, changes } => {
                for notice in self.roster.apply(now, revision, changes) {
                    self.notify(notice);
                }
            }
            ServerMessage::SlotMap { slots } => self.slots_mapped(slots),
            ServerMessage::Layers { publications } => self.layers.request(publications),
            ServerMessage::Speakers { speakers } => self.hear(speakers),
            ServerMessage::Pong { nonce } => self.session.ponged(now, nonce),
            ServerMessage::Meeting(meeting) => self.meeting_changed(now, meeting),
            ServerMessage::Knocks { knocks } => self.knocks_changed(knocks),
            ServerMessage::Chat { lines } => self.lines_written(now, lines),
            ServerMessage::Reaction { peer, reaction } => self.reacted(peer, reaction),
            ServerMessage::Caption(caption) => self.captioned(caption),
            ServerMessage::Moderated(moderated) => self.moderated(now, moderated),
            ServerMessage::Error(fault) => self.request_failed(now, &fault),
            ServerMessage::Goodbye(goodbye) => self.dismissed(now, &goodbye),
        }
    }

    /// A newer server's kinds are ignored; a known kind that cannot be read may have been a change.
    fn unreadable(&mut self, now: Moment, error: &DecodeError) {
        if matches!(error, DecodeError::UnknownKind { .. }) {
            return;
        }
        self.unreadable = self.unreadable.saturating_add(1);
        if matches!(error.kind(), Some("delta" | "snapshot")) {
            self.roster.demand_snapshot(now);
        }
    }

    fn welcomed(&mut self, now: Moment, welcome: Welcome) {
        // Seen from the server, because the sentence speaks of "this server" and "this page".
        if let Err(mismatch) = welcome.version.agree(Version::CURRENT) {
            return self.end(EndReason::from_version(mismatch));
        }
        let seat_lost = self.resume.is_some() && !welcome.resumed;
        let returned = self.session.welcomed(now, welcome.timeout_ms);
        self.assembly.welcomed(welcome.version >= WITH_MEETINGS);
        self.captions.welcomed(welcome.version >= WITH_CAPTIONS);
        self.entered = self.entered.or(Some(now));
        if returned && !welcome.resumed {
            self.chat.forget_lines();
        }
        self.me = Some(welcome.peer);
        self.resume = Some(welcome.resume);
        self.problem = None;
        self.server_restarts = false;
        self.roster.replace(welcome.snapshot);
        self.negotiation.prefer_codecs(VideoCodec::known(&welcome.video_codecs));
        self.negotiation.joined(now, welcome.resumed && welcome.media_alive);
        if returned {
            // Signaling had to be found again: media that is gone, too, will not come back on its old path.
            self.negotiation.network_returned(now);
        }
        let seat = self.roster.participant(welcome.peer);
        let (media, name) = seat.map_or((None, None), |seat| (Some(seat.media), Some(seat.name.clone())));
        self.media.learn(media);
        self.name.learn(name);
        self.wants.forget_told();
        self.outputs.push_back(Output::StoreResume(welcome.resume));
        if seat_lost {
            self.notify(Notice::SeatLost);
        } else if returned {
            self.notify(Notice::Reconnected);
        }
    }

    fn hello_refused(&mut self, now: Moment, fault: &Fault) {
        let problem = Problem::from_fault(fault);
        let sentence = problem.sentence.clone();
        match fault.code {
            ErrorCode::RoomFull => self.end(EndReason::RoomFull { sentence }),
            ErrorCode::WaitingRoomFull => self.end(EndReason::WaitingRoomFull { sentence }),
            ErrorCode::RoomLocked => self.end(EndReason::Locked { sentence }),
            ErrorCode::Banned => self.end(EndReason::Banned { sentence }),
            ErrorCode::TokenRequired | ErrorCode::TokenInvalid | ErrorCode::TokenExpired => {
                self.end(EndReason::TokenRefused { code: fault.code, sentence });
            }
            ErrorCode::PasscodeRequired => self.ask_passcode(false),
            ErrorCode::PasscodeWrong => self.ask_passcode(true),
            ErrorCode::UnsupportedVersion => self.end(EndReason::VersionMismatch { sentence }),
            // The welcome to a new seat follows.
            ErrorCode::ResumeExpired => {}
            ErrorCode::ServerBusy => {
                self.report(problem);
                let told = fault.retry_after_s.map(|seconds| Duration::from_secs(seconds.into()));
                self.close_and_wait(now, told.unwrap_or(BUSY_DELAY).min(RETRY_AFTER_MAX));
            }
            ErrorCode::RateLimited | ErrorCode::Internal => {
                self.report(problem);
                self.close_and_wait(now, REFUSED_DELAY);
            }
            ErrorCode::InvalidMessage
            | ErrorCode::UnknownMessage
            | ErrorCode::MessageTooLong
            | ErrorCode::UnexpectedMessage
            | ErrorCode::InvalidOffer
            | ErrorCode::UnknownSlot
            | ErrorCode::Forbidden
            | ErrorCode::Unknown => {
                self.end(EndReason::Refused { cause: Cause::Error(fault.code), sentence });
            }
        }
    }

    fn request_failed(&mut self, now: Moment, fault: &Fault) {
        match fault.code {
            // The notice came with the welcome.
            ErrorCode::ResumeExpired => return,
            ErrorCode::UnsupportedVersion => {
                let sentence = Problem::from_fault(fault).sentence;
                return self.end(EndReason::VersionMismatch { sentence });
            }
            ErrorCode::TokenRequired
            | ErrorCode::TokenInvalid
            | ErrorCode::TokenExpired
            | ErrorCode::PasscodeRequired
            | ErrorCode::PasscodeWrong
            | ErrorCode::RoomLocked
            | ErrorCode::WaitingRoomFull
            | ErrorCode::Banned
            | ErrorCode::Forbidden
            | ErrorCode::InvalidMessage
            | ErrorCode::UnknownMessage
            | ErrorCode::MessageTooLong
            | ErrorCode::RateLimited
            | ErrorCode::UnexpectedMessage
            | ErrorCode::RoomFull
            | ErrorCode::ServerBusy
            | ErrorCode::InvalidOffer
            | ErrorCode::UnknownSlot
            | ErrorCode::Internal
            | ErrorCode::Unknown => {}
        }
        match (fault.request.as_deref(), fault.code) {
            (Some("offer"), _) | (None, ErrorCode::InvalidOffer) => self.negotiation.offer_refused(now),
            (Some("wants"), _) | (None, ErrorCode::UnknownSlot) => self.wants.refused(now),
            (Some("media"), _) => self.media.refused(now),
            (Some("rename"), _) => self.name.refused(now),
            (Some("transport"), _) => self.negotiation.transport_failed(now),
            (Some("resync"), _) => self.roster.resync_refused(now),
            // Stands beside the line.
            (Some("chat"), _) => return self.line_refused(now, fault),
            (Some("want_captions"), _) => self.captions.refused(now),
            (Some("hand"), _) => self.assembly.hand_refused(),
            (Some("moderate"), _) => self.assembly.moderation_refused(),
            // Whatever it was, it was not handled: say everything again.
            (None, ErrorCode::RateLimited) => {
                self.media.refused(now);
                self.wants.refused(now);
                self.assembly.moderation_refused();
                self.line_refused(now, fault);
            }
            (Some(_) | None, _) => {}
        }
        self.report(Problem::from_fault(fault));
    }

    fn dismissed(&mut self, now: Moment, goodbye: &Goodbye) {
        let Some(retry_after_ms) = goodbye.retry_after_ms else {
            return self.end(EndReason::from_goodbye(goodbye));
        };
        self.server_restarts = goodbye.reason == GoodbyeReason::Restarting;
        let delay = Duration::from_millis(retry_after_ms.into()).min(RETRY_AFTER_MAX);
        self.close_and_wait(now, delay);
    }

    fn slots_mapped(&mut self, slots: Vec<SlotAssignment>) {
        let plausible = slots.into_iter().filter(|slot| slot.mid.len() <= MID_BYTES_MAX);
        self.slot_map = plausible.take(AUDIO_SLOTS + VIDEO_SLOTS_MAX).collect();
        self.wants.accepted();
        self.refresh_slots();
    }

    fn hear(&mut self, speakers: Vec<Speaker>) {
        self.speakers = speakers;
        self.speakers.truncate(PARTICIPANTS_MAX);
    }

    /// Remembers a problem and shows it, but not the same one over and over.
    fn report(&mut self, problem: Problem) {
        if self.problem.as_ref() != Some(&problem) {
            self.notify(Notice::Problem(problem.clone()));
            self.problem = Some(problem);
        }
    }
}

/// From this version on there are chat, hands and hosts.
const WITH_MEETINGS: Version = Version { major: 1, minor: 1 };
/// From this version on there are captions.
const WITH_CAPTIONS: Version = Version { major: 1, minor: 2 };
/// The server said that it is at its capacity: a second try within seconds does not help it.
const BUSY_DELAY: Duration = Duration::from_secs(5);
const REFUSED_DELAY: Duration = Duration::from_secs(1);
/// A server that announces a longer absence is asked again earlier.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);
