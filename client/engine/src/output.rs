//! What the engine asks the shell to do.

use shared::caption::Caption;
use shared::meeting::Reaction;
use shared::protocol::RequestedLayers;
use shared::{DisplayName, PeerId, ResumeToken, SourceKind};

use crate::error::{EndReason, Notice};
use crate::input::SocketId;
use crate::negotiate::MediaId;
use crate::publishing::VideoCodec;

/// A task for the shell: a closed list, to be executed in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Open a WebSocket to the server now. Answered by [`crate::Input::SocketOpened`] or
    /// [`crate::Input::SocketClosed`]. Events of earlier sockets are ignored from now on.
    OpenSocket {
        /// Its number.
        socket: SocketId,
    },
    /// Close this WebSocket after what was sent; no answer is needed.
    CloseSocket {
        /// Its number.
        socket: SocketId,
    },
    /// Send this text message.
    Send {
        /// On which socket.
        socket: SocketId,
        /// The JSON text.
        text: String,
    },
    /// Close the `RTCPeerConnection` if there is one and create a new one; comes before the first offer.
    ResetMedia {
        /// The number of the new one.
        media: MediaId,
    },
    /// Make the `RTCPeerConnection` as described, create an offer and set it as local description
    /// (replacing an offer that was not answered). Answered by [`crate::Input::OfferCreated`] or
    /// [`crate::Input::NegotiationFailed`].
    CreateOffer(OfferRequest),
    /// Set this answer as remote description. Answered by [`crate::Input::AnswerApplied`] or
    /// [`crate::Input::NegotiationFailed`].
    ApplyAnswer {
        /// The offer's number.
        negotiation: u32,
        /// The session description (RFC 8866).
        sdp: String,
    },
    /// Of the sending m-lines named here send only these encodings (`RTCRtpEncodingParameters.active`), and all
    /// of every other; replaces what was told before. A new `RTCPeerConnection` sends everything. What fails is
    /// not reported: it costs bandwidth only.
    SetLayers(Vec<RequestedLayers>),
    /// Remember the token for a reload, where only this page and this room can read it.
    StoreResume(ResumeToken),
    /// Forget the stored token: the seat is given up.
    ForgetResume,
    /// Switch this source off: a host silenced it, or it may not be live. The engine's own state is that already.
    Silence {
        /// Which.
        kind: SourceKind,
    },
    /// Ask the participant to switch this source on. Nothing is switched on without them.
    AskToUnmute {
        /// Which.
        kind: SourceKind,
        /// Who asks; nothing: the operator, or somebody who is gone.
        by: Option<DisplayName>,
    },
    /// Show that somebody reacts, for a moment.
    Reaction {
        /// Who; the participant too.
        peer: PeerId,
        /// How; never [`Reaction::Unknown`].
        reaction: Reaction,
    },
    /// Somebody says something, in writing; only while captions are wanted.
    Caption(Caption),
    /// Something to show for a moment.
    Notice(Notice),
    /// What the accessors of [`crate::Engine`] return may be different. At most once a drain.
    Changed,
    /// It is over: close the `RTCPeerConnection`, stop capturing. Nothing follows.
    Ended(EndReason),
}

/// How the `RTCPeerConnection` shall be. Nothing is ever removed, so the platform only adds what is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferRequest {
    /// The offer's number; answered with the same.
    pub negotiation: u32,
    /// Receiving audio transceivers.
    pub audio_slots: u8,
    /// Receiving video transceivers.
    pub video_slots: u8,
    /// What sending transceivers must exist for, in this order. Muted ones stay.
    pub publish: Vec<SourceKind>,
    /// What the server deals in, best first, for [`crate::SendPlan`]; slots need to receive nothing else. Empty when the server
    /// did not say.
    pub video_codecs: Vec<VideoCodec>,
    /// Restart ICE (`RTCOfferOptions.iceRestart`).
    pub restart: bool,
}
