//! A participant as the meeting's rules see it.

use std::time::Duration;

use sfu::{Admission, ConnectionId, Identity};
use shared::meeting::{Permissions, Policy};
use shared::{DisplayName, MediaState, PeerId, ResumeToken, SourceKind};

use super::mark::Mark;
use super::visitor::Visitor;
use super::window::Window;

/// Lines of the chat of one person within [`SPAN`].
const LINES_MAX: usize = 5;
/// Reactions and raised or lowered hands of one person within [`SPAN`].
const SIGNS_MAX: usize = 10;
const SPAN: Duration = Duration::from_secs(5);

const NOTHING: MediaState = MediaState { microphone: false, camera: false, screen: false };

/// See the [module](self).
#[derive(Debug, Clone)]
pub(super) struct Seat {
    /// Nothing while the connection is lost.
    pub(super) connection: Option<ConnectionId>,
    pub(super) resume: ResumeToken,
    pub(super) name: DisplayName,
    pub(super) is_named: bool,
    pub(super) is_host: bool,
    /// A token made it host, whatever hosts did since.
    pub(super) is_granted_host: bool,
    pub(super) is_hidden: bool,
    /// The token lets captions be fed.
    pub(super) may_caption: bool,
    /// The client shows captions; said anew on every connection.
    pub(super) wants_captions: bool,
    pub(super) participants_max: Option<usize>,
    pub(super) identity: Identity,
    pub(super) joined_s: u32,
    /// What the token lets be published.
    pub(super) publish: MediaState,
    /// What a host asked for, until it is muted again.
    pub(super) asked: MediaState,
    /// What is live: what the client says, as far as it was allowed and nobody muted it since.
    pub(super) said: MediaState,
    /// What the SFU was told last that is allowed.
    pub(super) tuned: Option<MediaState>,
    /// Keep this person out when they are banned.
    pub(super) marks: Vec<Mark>,
    /// Of the newest line that was taken.
    pub(super) last_number: Option<u32>,
    pub(super) lines: Window,
    pub(super) signs: Window,
}

/// A participant as operators see it.
#[derive(Debug)]
pub(crate) struct Seated<'a> {
    /// The seat.
    pub(crate) peer: PeerId,
    /// What the others read.
    pub(crate) name: &'a DisplayName,
    /// Leads the meeting.
    pub(crate) is_host: bool,
    /// Is not shown to the others.
    pub(crate) is_hidden: bool,
    /// What is live.
    pub(crate) media: MediaState,
    /// When the seat was taken: seconds since the Unix epoch.
    pub(crate) joined_s: u32,
    /// Who it is outside of the meeting.
    pub(crate) identity: &'a Identity,
}

impl Seat {
    pub(super) fn new(visitor: Visitor, resume: ResumeToken, marks: Vec<Mark>, joined_s: u32) -> Self {
        Self {
            connection: Some(visitor.connection),
            resume,
            name: visitor.name,
            is_named: visitor.is_named,
            is_host: visitor.is_host,
            is_granted_host: visitor.is_host,
            is_hidden: visitor.is_hidden,
            may_caption: visitor.may_caption,
            wants_captions: false,
            participants_max: visitor.participants_max,
            identity: visitor.identity,
            joined_s,
            publish: visitor.publish,
            asked: NOTHING,
            said: visitor.media,
            tuned: None,
            marks,
            last_number: None,
            lines: Window::new(LINES_MAX, SPAN),
            signs: Window::new(SIGNS_MAX, SPAN),
        }
    }

    pub(super) const fn seated(&self, peer: PeerId) -> Seated<'_> {
        Seated {
            peer,
            name: &self.name,
            is_host: self.is_host,
            is_hidden: self.is_hidden,
            media: self.said,
            joined_s: self.joined_s,
            identity: &self.identity,
        }
    }

    /// What may be live.
    pub(super) fn allowed(&self, policy: &Policy) -> MediaState {
        allowed(policy, self.is_host, self.is_hidden, self.publish, self.asked)
    }

    pub(super) fn admission(&self, policy: &Policy) -> Admission {
        Admission {
            allowed: self.allowed(policy),
            is_hidden: self.is_hidden,
            participants_max: self.participants_max,
            identity: self.identity.clone(),
        }
    }

    pub(super) fn permissions(&self, policy: &Policy) -> Permissions {
        let allowed = self.allowed(policy);
        let kinds = [SourceKind::Microphone, SourceKind::Camera, SourceKind::Screen, SourceKind::ScreenAudio];
        Permissions {
            host: self.is_host,
            publish: kinds.into_iter().filter(|kind| has(allowed, *kind)).collect(),
            chat: !self.is_hidden && policy.chat.admits(self.is_host),
        }
    }
}

/// What may be live of somebody under these rules: never more than the token says.
pub(super) fn allowed(
    policy: &Policy,
    is_host: bool,
    is_hidden: bool,
    publish: MediaState,
    asked: MediaState,
) -> MediaState {
    let rules = MediaState {
        microphone: policy.unmute.admits(is_host) || asked.microphone,
        camera: true,
        screen: policy.share.admits(is_host) || asked.screen,
    };
    if is_hidden { NOTHING } else { both(publish, rules) }
}

pub(super) const fn both(a: MediaState, b: MediaState) -> MediaState {
    MediaState {
        microphone: a.microphone && b.microphone,
        camera: a.camera && b.camera,
        screen: a.screen && b.screen,
    }
}

/// Whether this source is among them. The sound of a screen goes with the screen.
pub(super) const fn has(state: MediaState, kind: SourceKind) -> bool {
    match kind {
        SourceKind::Microphone => state.microphone,
        SourceKind::Camera => state.camera,
        SourceKind::Screen | SourceKind::ScreenAudio => state.screen,
    }
}

pub(super) const fn set(state: &mut MediaState, kind: SourceKind, to: bool) {
    match kind {
        SourceKind::Microphone => state.microphone = to,
        SourceKind::Camera => state.camera = to,
        SourceKind::Screen | SourceKind::ScreenAudio => state.screen = to,
    }
}
