//! What the shell tells the engine.

use shared::meeting::Reaction;
use shared::protocol::{Moderation, PublishedMid};
use shared::{DisplayName, PeerId, SourceRef};

use crate::negotiate::MediaId;

/// One WebSocket. The engine numbers them, so that a late event of an old one is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u32);

/// Something that happened. Everything may come at any time: what no longer matters is ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The WebSocket is open.
    SocketOpened {
        /// From [`crate::Output::OpenSocket`].
        socket: SocketId,
    },
    /// The WebSocket is closed, or could not be opened.
    SocketClosed {
        /// From [`crate::Output::OpenSocket`].
        socket: SocketId,
    },
    /// A text message came in.
    Message {
        /// On which socket.
        socket: SocketId,
        /// The JSON text.
        text: String,
    },
    /// The offer is created and set as local description. Answers [`crate::Output::CreateOffer`].
    OfferCreated(CreatedOffer),
    /// The answer is set as remote description. Answers [`crate::Output::ApplyAnswer`].
    AnswerApplied {
        /// The offer's number.
        negotiation: u32,
    },
    /// The platform could not create the offer or not apply the answer.
    NegotiationFailed {
        /// The offer's number.
        negotiation: u32,
        /// What the platform says; for the log.
        reason: String,
    },
    /// `RTCPeerConnection.connectionState` changed.
    MediaConnection {
        /// From [`crate::Output::ResetMedia`].
        media: MediaId,
        /// What it is now.
        state: MediaConnection,
    },
    /// `navigator.onLine` changed.
    NetworkOnline(bool),
    /// The microphone is switched on or off. Off means muted: nothing is negotiated.
    SetMicrophone(bool),
    /// The camera is switched on or off.
    SetCamera(bool),
    /// Sharing the screen begins or ends.
    SetScreen(bool),
    /// The participant is called differently.
    Rename(DisplayName),
    /// What the page shows now, most important first; replaces the earlier layout. Tiles of the own
    /// camera, of unknown people and of height 0 cost nothing.
    Layout(Vec<Tile>),
    /// Captions are shown, or not any more. Nobody gets them who does not show them.
    WantCaptions(bool),
    /// The participant does something in the meeting.
    Act(Act),
    /// The participant answered [`crate::Phase::PasscodeNeeded`].
    Passcode(String),
    /// The participant leaves for good.
    Leave,
    /// Nothing happened, but time passed.
    Tick,
}

/// What a participant does besides being seen and heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// The participant wrote a line. What [`crate::Engine::can_write`] refuses is dropped.
    Write {
        /// The only reader; nothing: everybody.
        to: Option<PeerId>,
        /// What they wrote.
        text: String,
    },
    /// An own line that failed is said again.
    RetryLine {
        /// Its number.
        number: u32,
    },
    /// An own line that failed is given up.
    WithdrawLine {
        /// Its number.
        number: u32,
    },
    /// The participant reacts. More than a few a second are dropped.
    React(Reaction),
    /// The participant raises their hand, or takes it down.
    RaiseHand(bool),
    /// The participant leads the meeting.
    Moderate(Moderation),
}

/// One picture on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile {
    /// Whose camera or screen.
    pub source: SourceRef,
    /// Its height in device pixels; 0 when it is not visible.
    pub height: u16,
}

/// What the platform made of an [`crate::OfferRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedOffer {
    /// The request's number.
    pub negotiation: u32,
    /// The session description, as set by `setLocalDescription`.
    pub sdp: String,
    /// The mid of every sending m-line. A source that cannot be captured is left out.
    pub sources: Vec<PublishedMid>,
    /// The mids of the receiving audio m-lines.
    pub audio_slots: Vec<String>,
    /// The mids of the receiving video m-lines, oldest first: their order is stable.
    pub video_slots: Vec<String>,
}

/// `RTCPeerConnectionState` (W3C WebRTC §4.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaConnection {
    /// Nothing started.
    New,
    /// ICE or DTLS are under way.
    Connecting,
    /// Media can flow.
    Connected,
    /// Connectivity is lost; it may come back.
    Disconnected,
    /// Connectivity is lost for good.
    Failed,
    /// Closed by this side.
    Closed,
}
