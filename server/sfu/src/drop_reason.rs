//! Why a datagram or packet went no further: a closed list, each with a counter.

/// Why something was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum DropReason {
    /// Not STUN, DTLS, RTP or RTCP (RFC 7983).
    NotWebRtc,
    /// From an address that no peer has proved to own.
    UnknownAddress,
    /// A STUN message for no known user fragment, malformed, or with a wrong integrity check.
    Stun,
    /// A DTLS record that does not belong to the handshake or association.
    Dtls,
    /// Media before the keys are agreed.
    NoKeys,
    /// Not a well-formed RTP packet.
    MalformedRtp,
    /// Not a well-formed RTCP packet.
    MalformedRtcp,
    /// The SRTP or SRTCP authentication tag is wrong.
    Authentication,
    /// Seen before, or too old to know.
    Replay,
    /// An SSRC that no negotiated section explains.
    UnknownStream,
    /// More SSRCs than a peer may have.
    TooManyStreams,
    /// A retransmission that carries nothing, or nothing new: padding probes.
    Probe,
    /// The publisher is muted: nothing of theirs is passed on.
    Muted,
    /// A packet older than its ring, or larger than a datagram.
    Unstorable,
    /// The rewriter refused it: older than the switch, or sent before.
    Superseded,
    /// The subscriber has no validated path.
    NoPath,
    /// The subscriber's queue is full; the newest packet is dropped.
    QueueFull,
    /// The packet left the publisher's ring before it was sent.
    Overwritten,
    /// The result would not fit a datagram.
    TooLarge,
    /// Too many packets are under way to other shards.
    RelayFull,
}

impl DropReason {
    /// How many reasons there are.
    pub const COUNT: usize = Self::RelayFull as usize + 1;

    /// All of them, in the order of their counters.
    pub const ALL: [Self; Self::COUNT] = [
        Self::NotWebRtc,
        Self::UnknownAddress,
        Self::Stun,
        Self::Dtls,
        Self::NoKeys,
        Self::MalformedRtp,
        Self::MalformedRtcp,
        Self::Authentication,
        Self::Replay,
        Self::UnknownStream,
        Self::TooManyStreams,
        Self::Probe,
        Self::Muted,
        Self::Unstorable,
        Self::Superseded,
        Self::NoPath,
        Self::QueueFull,
        Self::Overwritten,
        Self::TooLarge,
        Self::RelayFull,
    ];
}
