//! One peer's transport: ICE, DTLS and SRTP of one PeerConnection, from the first check to the last packet.
//!
//! ```text
//! STUN ─▶ Session   ─▶ validated addresses, the selected one
//! DTLS ─▶ Server    ─▶ keys ─▶ Opener (what the client sends), Sealer (what we send)
//! ```

use std::time::{Duration, Instant};

use crate::address::Address;
use crate::drop_reason::DropReason;
use crate::dtls::{self, Certificate};
use crate::fingerprint::Fingerprint;
use crate::ice::{self, Credentials, LiteAgent, PathCheck, Response, Session, Verdict};
use crate::outbox::Outbox;
use crate::sdp::Offer;
use crate::srtp::{Opener, RTCP_OVERHEAD_MAX, Sealer};

/// Longest RTCP compound packet we write, in plaintext: a datagram less the SRTCP trailer.
pub(crate) const RTCP_BYTES_MAX: usize = 1200;

/// Without any authenticated packet for this long, the media path counts as dead.
const SILENCE_MAX: Duration = Duration::from_secs(4);

/// Without any SRTP or SRTCP for this long, whoever answers checks is not a page any more: a browser that watches or
/// sends anything reports on it every few seconds (RFC 3550 §6.2), muted or not.
const MEDIA_SILENCE_MAX: Duration = Duration::from_secs(15);

/// What arrived meant for the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing that others need to know.
    None,
    /// The source address belongs to this peer from now on.
    Validated,
    /// Keys are agreed: media can flow.
    Established,
    /// The client closed the association.
    Closed,
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Transport {
    ice: Session,
    remote_pwd: String,
    /// The check of an address that media came from without any check of the client's.
    path_check: Option<Box<PathCheck>>,
    remote_fingerprint: Fingerprint,
    dtls: dtls::Server,
    secured: Option<Secured>,
    closed: bool,
    last_received: Instant,
    /// The newest packet that was encrypted with the keys of the handshake, or the handshake's end.
    last_media: Option<Instant>,
}

#[derive(Debug)]
struct Secured {
    sealer: Sealer,
    opener: Opener,
}

impl Transport {
    /// The answering side of `offer`'s transport.
    ///
    /// # Errors
    /// [`ice::IceError::InvalidUfrag`] when the offer's user fragment is not one.
    pub(crate) fn new(
        now: Instant,
        certificate: &Certificate,
        credentials: Credentials,
        offer: &Offer,
    ) -> Result<Self, ice::IceError> {
        Ok(Self {
            ice: Session::new(LiteAgent::new(credentials, offer.ice.ufrag())?),
            remote_pwd: offer.ice.pwd().to_owned(),
            path_check: None,
            remote_fingerprint: offer.fingerprint,
            dtls: dtls::Server::new(certificate, offer.fingerprint),
            secured: None,
            closed: false,
            last_received: now,
            last_media: None,
        })
    }

    /// Whether `offer` comes from the PeerConnection that this transport belongs to.
    pub(crate) fn belongs_to(&self, offer: &Offer) -> bool {
        !self.closed && self.remote_fingerprint == offer.fingerprint
    }

    /// Whether `offer` starts ICE anew (RFC 8839 §4.4.1.1.1).
    pub(crate) fn is_restarted_by(&self, offer: &Offer) -> bool {
        self.ice.current().remote_ufrag() != offer.ice.ufrag() || self.remote_pwd != offer.ice.pwd()
    }

    /// Starts ICE anew with fresh credentials; DTLS and SRTP go on (RFC 8842 §4), and so does the old path until
    /// the client has nominated a new one.
    pub(crate) fn restart(&mut self, credentials: Credentials, offer: &Offer) -> Result<(), ice::IceError> {
        self.ice.restart(LiteAgent::new(credentials, offer.ice.ufrag())?);
        self.remote_pwd = offer.ice.pwd().to_owned();
        self.path_check = None;
        Ok(())
    }

    /// Our ICE credentials.
    pub(crate) const fn credentials(&self) -> &Credentials {
        self.ice.current().local()
    }

    /// Whether checks addressed to this ufrag of ours are for this transport.
    pub(crate) fn answers_to(&self, ufrag: &str) -> bool {
        self.ice.answers_to(ufrag)
    }

    /// The address is gone.
    pub(crate) fn forget(&mut self, address: Address) {
        self.ice.forget(address);
    }

    /// Addresses that have stopped belonging to the peer since the last call.
    pub(crate) fn take_released(&mut self) -> impl Iterator<Item = Address> + '_ {
        self.ice.take_released()
    }

    /// Where to send; nothing before the first validated address or after the last expired.
    #[inline]
    pub(crate) fn path(&self) -> Option<Address> {
        self.ice.selected()
    }

    /// Whether this address belongs to the peer at `now`.
    #[inline]
    pub(crate) fn is_validated(&self, address: Address, now: Instant) -> bool {
        self.ice.is_validated(address, now)
    }

    /// Whether keys are agreed and a path is there.
    #[inline]
    pub(crate) fn is_ready(&self) -> bool {
        self.secured.is_some() && !self.closed && self.path().is_some()
    }

    /// Whether the client was heard of lately.
    pub(crate) fn is_alive(&self, now: Instant) -> bool {
        !self.closed && now.saturating_duration_since(self.last_received) < SILENCE_MAX
    }

    /// Whether the client's media stack was heard of lately: checks alone are answered by what a crashed page left.
    pub(crate) fn carries_media(&self, now: Instant) -> bool {
        self.last_media.is_some_and(|last| now.saturating_duration_since(last) < MEDIA_SILENCE_MAX)
    }

    /// One STUN datagram. The answer goes to `outbox`.
    ///
    /// # Errors
    /// The datagram is noise.
    pub(crate) fn handle_stun(
        &mut self,
        now: Instant,
        from: Address,
        datagram: &[u8],
        response: &mut Response,
        outbox: &mut Outbox,
    ) -> Result<Progress, ice::IceError> {
        let verdict = self.ice.handle(now, from, datagram, response)?;
        outbox.push(from, response.as_bytes());
        Ok(match verdict {
            Verdict::Validated { .. } => {
                self.last_received = now;
                self.send_dtls(outbox);
                Progress::Validated
            }
            Verdict::RoleConflict | Verdict::UnknownAttributes => Progress::None,
        })
    }

    /// One DTLS datagram from a validated address.
    ///
    /// # Errors
    /// A fatal error ends the association; any other leaves it as it was.
    pub(crate) fn handle_dtls(
        &mut self,
        now: Instant,
        datagram: &[u8],
        outbox: &mut Outbox,
    ) -> Result<Progress, dtls::DtlsError> {
        let event = self.dtls.handle_datagram(now, datagram);
        self.send_dtls(outbox);
        match event {
            Ok(Some(dtls::Event::Established(established))) => {
                let keys = &established.keys;
                self.secured =
                    Some(Secured { sealer: Sealer::new(&keys.server), opener: Opener::new(&keys.client) });
                self.heard(now);
                Ok(Progress::Established)
            }
            Ok(Some(dtls::Event::Closed)) => {
                self.closed = true;
                Ok(Progress::Closed)
            }
            Ok(None) => Ok(Progress::None),
            Err(error) if error.is_fatal() => {
                self.closed = true;
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    /// The keys for what the client sends.
    ///
    /// # Errors
    /// None are agreed yet.
    #[inline]
    pub(crate) fn opener(&mut self) -> Result<&mut Opener, DropReason> {
        self.secured.as_mut().map(|secured| &mut secured.opener).ok_or(DropReason::NoKeys)
    }

    /// The keys for what we send; nothing before they are agreed.
    #[inline]
    pub(crate) fn sealer(&self) -> Option<&Sealer> {
        self.secured.as_ref().map(|secured| &secured.sealer)
    }

    /// An authenticated packet arrived.
    #[inline]
    pub(crate) const fn heard(&mut self, now: Instant) {
        self.last_received = now;
        self.last_media = Some(now);
    }

    /// An authenticated packet came from an address that no check came from: see [`PathCheck`]. One address is checked at a
    /// time, and none while the client itself is choosing one.
    #[cold]
    pub(crate) fn check_path(
        &mut self,
        now: Instant,
        from: Address,
        transaction: [u8; ice::TRANSACTION_LEN],
        outbox: &mut Outbox,
    ) {
        let is_checking = self.path_check.as_ref().is_some_and(|check| !check.is_over(now));
        // A TCP connection begins with a check, and cannot become another.
        if is_checking || !self.ice.is_settled() || from.tcp().is_some() {
            return;
        }
        let check = PathCheck::new(now, from, transaction, self.ice.current(), &self.remote_pwd);
        self.path_check = Some(Box::new(check));
        self.send_path_check(now, outbox);
    }

    /// Whether this may be the answer to a check of ours.
    pub(crate) fn asked(&self, from: Address, transaction: &[u8]) -> bool {
        self.path_check.as_ref().is_some_and(|check| check.asked(from, transaction))
    }

    /// The answer to a check of ours; returns whether media goes to that address from now on.
    pub(crate) fn handle_path_answer(&mut self, now: Instant, from: Address, datagram: &[u8]) -> bool {
        let is_answered = self.path_check.as_ref().is_some_and(|check| check.is_answered_by(from, datagram));
        if is_answered {
            self.path_check = None;
            self.ice.follow(now, from);
            self.last_received = now;
        }
        is_answered
    }

    /// Seals the RTCP in `packet[..len]` and queues it. Does nothing while there are no keys or no path.
    pub(crate) fn send_rtcp(
        &mut self,
        packet: &mut [u8; RTCP_BYTES_MAX + RTCP_OVERHEAD_MAX],
        len: usize,
        outbox: &mut Outbox,
    ) {
        let (Some(path), Some(secured)) = (self.ice.selected(), &mut self.secured) else { return };
        if let Ok(total) = secured.sealer.seal_rtcp(packet, len) {
            outbox.push(path, &packet[..total]);
        }
    }

    /// When [`Self::handle_timeout`] is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let dtls = self.dtls.poll_timeout().filter(|_| self.path().is_some() && !self.closed);
        let path_check = self.path_check.as_ref().map(|check| check.poll_timeout());
        [dtls, self.ice.poll_timeout(), path_check].into_iter().flatten().min()
    }

    /// Lets time pass: DTLS flights are repeated, addresses expire.
    pub(crate) fn handle_timeout(&mut self, now: Instant, outbox: &mut Outbox) {
        self.ice.handle_timeout(now);
        self.send_path_check(now, outbox);
        self.path_check.take_if(|check| check.is_over(now));
        if self.path().is_some() && !self.closed {
            self.dtls.handle_timeout(now);
            self.send_dtls(outbox);
        }
    }

    fn send_path_check(&mut self, now: Instant, outbox: &mut Outbox) {
        let Some(check) = &mut self.path_check else { return };
        let address = check.address();
        if let Some(request) = check.poll_transmit(now) {
            outbox.push(address, request);
        }
    }

    /// DTLS waits until ICE has found an address; its own timers repeat what was lost.
    fn send_dtls(&mut self, outbox: &mut Outbox) {
        let Some(path) = self.ice.selected() else { return };
        while let Some(datagram) = self.dtls.poll_transmit() {
            outbox.push(path, &datagram);
        }
    }
}
