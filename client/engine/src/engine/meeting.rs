//! What people do in a meeting besides being seen and heard, and what is done to them.

use std::time::Duration;

use shared::caption::Caption;
use shared::meeting::{ChatMessage, Knock, Meeting, Reaction};
use shared::protocol::{ClientMessage, ErrorCode, Fault, Moderated, ModeratedHow, Moderation};
use shared::{DisplayName, MediaState, PeerId, SourceKind};

use super::Engine;
use crate::chat::WriteError;
use crate::error::{Notice, Problem};
use crate::input::Act;
use crate::moment::Moment;
use crate::output::Output;

impl Engine {
    /// Whether [`Act::Write`] would take this text.
    ///
    /// # Errors
    /// [`WriteError`] says why not.
    pub fn can_write(&self, text: &str) -> Result<(), WriteError> {
        self.chat.can_write(text)
    }

    pub(super) fn act(&mut self, now: Moment, act: Act) {
        match act {
            // Whoever asked before knows why a line would not be taken.
            Act::Write { to, text } => drop(self.chat.write(to, &text)),
            Act::RetryLine { number } => self.chat.retry(number),
            Act::WithdrawLine { number } => self.chat.withdraw(number),
            Act::React(reaction) => self.react(now, reaction),
            Act::RaiseHand(raised) => self.assembly.set_hand(raised, self.me),
            Act::Moderate(moderation) => self.moderate(now, moderation),
        }
    }

    /// Whether there is a meeting to write and react in.
    pub(super) const fn can_talk(&self) -> bool {
        self.assembly.meeting().is_some()
    }

    pub(super) fn say_hand(&mut self) -> Option<ClientMessage> {
        self.assembly.take_hand().map(|raised| ClientMessage::Hand { raised })
    }

    pub(super) fn say_line(&mut self, now: Moment) -> Option<ClientMessage> {
        if self.can_talk() { self.chat.take_due(now).map(ClientMessage::Chat) } else { None }
    }

    /// Switches off what may not be live, whoever switched it on.
    pub(super) fn obey_rules(&mut self, now: Moment) {
        for kind in self.assembly.forbidden(*self.media.desired()) {
            self.silence(now, kind);
            self.notify(Notice::NotAllowed { kind });
        }
    }

    pub(super) fn meeting_changed(&mut self, now: Moment, meeting: Meeting) {
        let news = self.assembly.learn(meeting, self.me);
        for peer in news.raised {
            if let Some(name) = self.name_of(peer) {
                self.notify(Notice::HandRaised { peer, name });
            }
        }
        match news.host {
            Some(true) => self.notify(Notice::BecameHost),
            Some(false) => self.notify(Notice::NoLongerHost),
            None => {}
        }
        self.obey_rules(now);
    }

    pub(super) fn knocks_changed(&mut self, knocks: Vec<Knock>) {
        for knock in self.assembly.learn_knocks(knocks) {
            self.notify(Notice::Knocked(knock));
        }
    }

    pub(super) fn lines_written(&mut self, now: Moment, lines: Vec<ChatMessage>) {
        let is_history = self.entered.is_none_or(|entered| now.since(entered) < HISTORY_WINDOW);
        for line in self.chat.learn(lines) {
            let is_news = !is_history || self.roster.is_newcomer(line.from);
            if is_news && Some(line.from) != self.me {
                self.notify(Notice::Written(line));
            }
        }
    }

    /// Somebody reacted. Oneself was shown at once.
    pub(super) fn reacted(&mut self, peer: PeerId, reaction: Reaction) {
        if Some(peer) != self.me && reaction != Reaction::Unknown {
            self.outputs.push_back(Output::Reaction { peer, reaction });
        }
    }

    pub(super) fn captioned(&mut self, caption: Caption) {
        if self.captions.is_news(&caption) {
            self.outputs.push_back(Output::Caption(caption));
        }
    }

    pub(super) fn moderated(&mut self, now: Moment, moderated: Moderated) {
        let Moderated { what, kind, by } = moderated;
        let by = by.and_then(|peer| self.name_of(peer));
        match what {
            ModeratedHow::Muted => {
                self.silence(now, kind);
                self.notify(Notice::Silenced { kind, by });
            }
            ModeratedHow::AskedToUnmute => self.outputs.push_back(Output::AskToUnmute { kind, by }),
            ModeratedHow::Unknown => {}
        }
    }

    pub(super) fn line_refused(&mut self, now: Moment, fault: &Fault) {
        let heals =
            matches!(fault.code, ErrorCode::RateLimited | ErrorCode::Internal | ErrorCode::ServerBusy);
        let told = fault.retry_after_s.map(|seconds| Duration::from_secs(seconds.into()));
        let delay = told.unwrap_or(REFUSED_LINE_DELAY).min(REFUSED_LINE_DELAY_MAX);
        self.chat.refused(now, Problem::from_fault(fault), heals.then_some(delay));
    }

    pub(super) fn ask_passcode(&mut self, is_wrong: bool) {
        if let Some(socket) = self.session.socket() {
            self.outputs.push_back(Output::CloseSocket { socket });
        }
        self.session.ask_passcode(is_wrong);
        self.signaling_lost();
    }

    fn react(&mut self, now: Moment, reaction: Reaction) {
        let is_soon = self.reacted.is_some_and(|at| now.since(at) < REACTION_INTERVAL);
        let (Some(me), Some(socket)) = (self.me, self.session.open_socket()) else { return };
        if !self.can_talk() || is_soon || reaction == Reaction::Unknown {
            return;
        }
        self.reacted = Some(now);
        let text = ClientMessage::React { reaction }.encode();
        self.outputs.push_back(Output::Send { socket, text });
        self.outputs.push_back(Output::Reaction { peer: me, reaction });
    }

    /// What a host does is about what they see: without a connection it is not kept for later.
    fn moderate(&mut self, now: Moment, moderation: Moderation) {
        match self.session.open_socket() {
            Some(socket) if self.can_talk() => {
                if let Moderation::SetPolicy { policy } = &moderation {
                    self.assembly.policy_said(now, *policy);
                }
                let text = ClientMessage::Moderate(moderation).encode();
                self.outputs.push_back(Output::Send { socket, text });
            }
            _ => self.notify(Notice::NotConnected),
        }
    }

    fn silence(&mut self, now: Moment, kind: SourceKind) {
        let media = *self.media.desired();
        let media = match kind {
            SourceKind::Microphone => MediaState { microphone: false, ..media },
            SourceKind::Camera => MediaState { camera: false, ..media },
            SourceKind::Screen | SourceKind::ScreenAudio => MediaState { screen: false, ..media },
        };
        self.media.set(now, media);
        self.negotiation.publish(media);
        self.outputs.push_back(Output::Silence { kind });
    }

    fn name_of(&self, peer: PeerId) -> Option<DisplayName> {
        self.roster.participant(peer).map(|participant| participant.name.clone())
    }
}

/// What was written before somebody came arrives within this time, on slow connections too.
const HISTORY_WINDOW: Duration = Duration::from_secs(2);
/// Reactions of an impatient finger; more would only hide one another.
const REACTION_INTERVAL: Duration = Duration::from_millis(150);
/// A line that came too soon waits this long …
const REFUSED_LINE_DELAY: Duration = Duration::from_secs(1);
/// … unless the server says otherwise, but not longer than this.
const REFUSED_LINE_DELAY_MAX: Duration = Duration::from_secs(30);
