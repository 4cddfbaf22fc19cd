//! DTLS 1.2 server role for DTLS-SRTP (RFC 6347, RFC 5764, RFC 8827 §6.5).
//!
//! The handshake itself is `rtc`'s; this module is the fence around it:
//!
//! ```text
//! datagram -> record checks, budgets -> first ClientHello: buffer until complete, choose the SRTP profile
//!          -> rtc endpoint -> datagrams to send, kept as the last flight until the handshake is over
//! ```
//!
//! - **SRTP profile.** `rtc` follows the client's order. The endpoint is therefore created only after the
//!   first ClientHello has been read, with exactly one profile: GCM when offered, counter mode otherwise.
//! - **Lost flights.** `rtc` never repeats its ServerHello flight once a repeated ClientHello has arrived.
//!   The octets of our last flight are kept here and sent again, on a repeated ClientHello and on a timer.
//!   Repeating the same octets is safe: the client drops records it has already seen.
//! - **Foreign octets.** `rtc` reassembles fragments recursively and without a bound on their number.
//!   Malformed datagrams and whatever exceeds a budget never reach it.

mod certificate;
mod client_hello;
mod flight;
mod record;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc::dtls::config::{ClientAuthType, ConfigBuilder, ExtendedMasterSecretType, HandshakeConfig};
use rtc::dtls::endpoint::{Endpoint, EndpointEvent};
use rtc::dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc::shared::TransportProtocol;
use rtc::shared::error::Error as RtcError;

pub use certificate::Certificate;
use client_hello::HelloBuffer;
pub use client_hello::best_profile;
use flight::Flight;
use record::Datagram;

use crate::fingerprint::Fingerprint;
use crate::srtp::{MasterKeys, Profile};

/// Why a datagram was ignored, or the association is over.
#[derive(Debug, thiserror::Error)]
pub enum DtlsError {
    /// Not a sequence of well-formed DTLS records. Ignored.
    #[error("malformed DTLS datagram")]
    Malformed,
    /// Well-formed, but of no use in this state: no ClientHello yet, or the association is closed. Ignored.
    #[error("unexpected DTLS datagram")]
    Unexpected,
    /// More records and handshake fragments than any handshake needs. Ignored.
    #[error("too many DTLS handshake records")]
    TooManyRecords,
    /// The peer sent an alert that is not fatal. Ignored.
    #[error("DTLS warning from the peer")]
    Warning,
    /// The client does not offer a [`Profile`] of ours. Fatal.
    #[error("the client offers no known SRTP profile")]
    NoSrtpProfile,
    /// The peer's certificate is not the one announced in its session description. Fatal.
    #[error("the peer's certificate does not match its fingerprint")]
    WrongCertificate,
    /// The handshake failed or the peer sent a fatal alert. Fatal.
    #[error("DTLS failed")]
    Failed(#[source] RtcError),
}

impl DtlsError {
    /// Whether the association is over. Otherwise the datagram was ignored and nothing changed.
    pub const fn is_fatal(&self) -> bool {
        match self {
            Self::NoSrtpProfile | Self::WrongCertificate | Self::Failed(_) => true,
            Self::Malformed | Self::Unexpected | Self::TooManyRecords | Self::Warning => false,
        }
    }
}

/// What a datagram led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The handshake is complete and the peer's certificate is the announced one. Happens once.
    Established(Established),
    /// The peer said goodbye with close_notify. The association is over.
    Closed,
}

/// The result of the handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Established {
    /// The negotiated SRTP profile.
    pub profile: Profile,
    /// Master keys; we are the server.
    pub keys: MasterKeys,
}

/// Our end of one DTLS association.
///
/// After every `handle_*` and [`close`](Self::close) drain [`poll_transmit`](Self::poll_transmit). The datagrams go to the
/// address that ICE has selected, which may change at any time.
pub struct Server {
    certificate: Certificate,
    remote: Fingerprint,
    state: State,
    transmits: VecDeque<BytesMut>,
}

enum State {
    /// Waiting for the complete first ClientHello.
    Listening(HelloBuffer),
    /// Handshaking or established.
    Running(Box<Association>),
    Closed,
}

struct Association {
    endpoint: Endpoint,
    profile: Profile,
    flight: Flight,
    is_established: bool,
    /// How much more of the handshake is passed on, in records and fragments.
    budget: usize,
}

impl Server {
    /// A server that shows `certificate` and accepts only a client whose certificate has the fingerprint
    /// `remote`.
    pub fn new(certificate: &Certificate, remote: Fingerprint) -> Self {
        Self {
            certificate: certificate.clone(),
            remote,
            state: State::Listening(HelloBuffer::default()),
            transmits: VecDeque::new(),
        }
    }

    /// Takes one datagram from an address that ICE has validated.
    ///
    /// # Errors
    /// [`DtlsError`]. When [`DtlsError::is_fatal`], the association is over and an alert may be waiting in
    /// [`poll_transmit`](Self::poll_transmit).
    pub fn handle_datagram(&mut self, now: Instant, octets: &[u8]) -> Result<Option<Event>, DtlsError> {
        let datagram = Datagram::parse(octets)?;
        let result = match &mut self.state {
            State::Closed => return Err(DtlsError::Unexpected),
            State::Running(association) => association.read(now, &datagram, &mut self.transmits),
            State::Listening(buffer) => {
                let Some(hello) = buffer.push(&datagram)? else { return Ok(None) };
                let datagrams = buffer.take_datagrams();
                self.start(now, &hello, &datagrams)
            }
        };
        let result = result.and_then(|event| self.check(event));
        let is_over = match &result {
            Ok(event) => *event == Some(Event::Closed),
            Err(error) => error.is_fatal(),
        };
        if is_over {
            self.state = State::Closed;
        }
        result
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<BytesMut> {
        self.transmits.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Running(association) => association.flight.due(),
            State::Listening(_) | State::Closed => None,
        }
    }

    /// Repeats our last flight when its time has come.
    ///
    /// Giving up on a client that never completes the handshake is the caller's decision.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let State::Running(association) = &mut self.state {
            queue(&mut self.transmits, association.flight.repeat_on_timer(now));
        }
    }

    /// Ends the association with close_notify.
    pub fn close(&mut self, now: Instant) {
        if let State::Running(association) = &mut self.state {
            association.endpoint.stop(now, REMOTE);
            let goodbye = association.drain();
            queue(&mut self.transmits, &goodbye);
        }
        self.state = State::Closed;
    }

    /// Chooses the profile by the complete ClientHello and hands over the datagrams that carried it.
    fn start(
        &mut self,
        now: Instant,
        hello: &[u8],
        datagrams: &[BytesMut],
    ) -> Result<Option<Read>, DtlsError> {
        let profile = best_profile(hello)?.ok_or(DtlsError::NoSrtpProfile)?;
        let config = handshake_config(&self.certificate, &self.remote, profile)?;
        let association = self.state.run(Association::new(config, profile));
        for octets in datagrams {
            association.read(now, &Datagram::parse(octets)?, &mut self.transmits)?;
        }
        Ok(None)
    }

    /// Checks the certificate again where the keys are handed out, whatever the endpoint did with it.
    fn check(&self, read: Option<Read>) -> Result<Option<Event>, DtlsError> {
        match read {
            Some(Read::Closed) => Ok(Some(Event::Closed)),
            Some(Read::Complete { certificate, established }) => {
                if self.remote == Fingerprint::of(&certificate) {
                    Ok(Some(Event::Established(established)))
                } else {
                    Err(DtlsError::WrongCertificate)
                }
            }
            None => Ok(None),
        }
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = match &self.state {
            State::Listening(_) => "listening",
            State::Running(association) if association.is_established => "established",
            State::Running(_) => "handshaking",
            State::Closed => "closed",
        };
        f.debug_struct("Server").field("state", &state).finish_non_exhaustive()
    }
}

impl State {
    fn run(&mut self, association: Association) -> &mut Association {
        *self = Self::Running(Box::new(association));
        match self {
            Self::Running(association) => association,
            Self::Listening(_) | Self::Closed => unreachable!("it was set to running just now"),
        }
    }
}

/// What the endpoint reported.
enum Read {
    Complete { certificate: Vec<u8>, established: Established },
    Closed,
}

impl Association {
    fn new(config: HandshakeConfig, profile: Profile) -> Self {
        Self {
            endpoint: Endpoint::new(REMOTE, TransportProtocol::UDP, Some(Arc::new(config))),
            profile,
            flight: Flight::default(),
            is_established: false,
            budget: HANDSHAKE_BUDGET,
        }
    }

    fn read(
        &mut self,
        now: Instant,
        datagram: &Datagram<'_>,
        transmits: &mut VecDeque<BytesMut>,
    ) -> Result<Option<Read>, DtlsError> {
        self.spend(datagram)?;
        let result = self.endpoint.read(now, REMOTE, None, BytesMut::from(datagram.octets()));
        let output = self.drain();
        queue(transmits, &output);
        let events = result.map_err(|error| self.judge(error))?;
        for event in events {
            match event {
                EndpointEvent::HandshakeComplete => return self.complete().map(Some),
                EndpointEvent::PeerClosed => return Ok(Some(Read::Closed)),
                // There are no data channels, so nobody waits for application data.
                EndpointEvent::ApplicationData(_) | _ => {}
            }
        }
        if self.is_established {
            return Ok(None);
        }
        if output.first().is_some_and(|first| first.first() == Some(&record::HANDSHAKE)) {
            self.flight.sent(now, output);
        } else if datagram.ends_client_hello() {
            queue(transmits, self.flight.repeat_on_request(now));
        }
        Ok(None)
    }

    /// The endpoint keeps every plaintext handshake fragment, and until the handshake is over every record
    /// that it cannot decrypt yet.
    fn spend(&mut self, datagram: &Datagram<'_>) -> Result<(), DtlsError> {
        let records = if self.is_established { 0 } else { datagram.record_count() };
        let cost = records + datagram.fragments().count();
        self.budget = self.budget.checked_sub(cost).ok_or(DtlsError::TooManyRecords)?;
        Ok(())
    }

    fn drain(&mut self) -> Vec<BytesMut> {
        std::iter::from_fn(|| self.endpoint.poll_transmit()).map(|transmit| transmit.message).collect()
    }

    fn complete(&mut self) -> Result<Read, DtlsError> {
        self.is_established = true;
        self.flight = Flight::default();
        self.budget = REPEATED_FRAGMENTS_MAX;
        let state = self.endpoint.get_connection_state(REMOTE);
        let state = state.ok_or(DtlsError::Failed(RtcError::ErrConnClosed))?;
        if state.srtp_protection_profile() != rtc_profile(self.profile) {
            return Err(DtlsError::NoSrtpProfile);
        }
        let exported = state
            .export_keying_material(EXPORTER_LABEL, &[], self.profile.exporter_len())
            .map_err(DtlsError::Failed)?;
        let keys = MasterKeys::from_exporter(self.profile, exported.as_ref())
            .expect("the exporter returns as many octets as it was asked for");
        let certificate = state.peer_certificates.first().cloned().unwrap_or_default();
        Ok(Read::Complete { certificate, established: Established { profile: self.profile, keys } })
    }

    fn judge(&self, error: RtcError) -> DtlsError {
        if matches!(error, RtcError::ErrNoMatchingCertificateFingerprint) {
            DtlsError::WrongCertificate
        } else if self.is_established && matches!(error, RtcError::Other(_)) {
            // This is how a warning alert is reported; fatal ones have an error of their own.
            DtlsError::Warning
        } else {
            DtlsError::Failed(error)
        }
    }
}

/// Queues datagrams; when nobody drains the queue, what does not fit is lost, as it could be on the way.
fn queue(transmits: &mut VecDeque<BytesMut>, datagrams: &[BytesMut]) {
    let room = TRANSMITS_MAX.saturating_sub(transmits.len());
    transmits.extend(datagrams.iter().take(room).cloned());
}

fn handshake_config(
    certificate: &Certificate,
    remote: &Fingerprint,
    profile: Profile,
) -> Result<HandshakeConfig, DtlsError> {
    let remote = *remote;
    let verify = move |chain: &[Vec<u8>], _: &[_]| match chain.first() {
        Some(leaf) if remote == Fingerprint::of(leaf) => Ok(()),
        Some(_) | None => Err(RtcError::ErrNoMatchingCertificateFingerprint),
    };
    ConfigBuilder::default()
        .with_crypto_provider(certificate.provider())
        .with_certificates(vec![certificate.identity()])
        .with_srtp_protection_profiles(vec![rtc_profile(profile)])
        .with_client_auth(ClientAuthType::RequireAnyClientCert)
        // Certificates of browsers are self-signed: the fingerprint takes the place of a chain.
        .with_insecure_skip_verify(true)
        .with_verify_peer_certificate(Some(Arc::new(verify)))
        .with_extended_master_secret(ExtendedMasterSecretType::Require)
        // Repeating flights is done here; the endpoint's own timer is never driven.
        .with_flight_interval(Duration::from_secs(3600))
        .build(false, None)
        .map_err(DtlsError::Failed)
}

const fn rtc_profile(profile: Profile) -> SrtpProtectionProfile {
    match profile {
        Profile::AeadAes128Gcm => SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
        Profile::Aes128CmHmacSha1_80 => SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
    }
}

/// RFC 5764 §4.2.
const EXPORTER_LABEL: &str = "EXTRACTOR-dtls_srtp";

/// The endpoint keys associations by address, but the peer's may change: it gets one that never does.
const REMOTE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 1);

/// A handshake takes about ten records and as many fragments; this leaves room for a client that repeats
/// everything ten times. It also bounds the recursion of the endpoint's reassembly.
const HANDSHAKE_BUDGET: usize = 256;

/// Fragments of a client that repeats its last flight because ours was lost: five at a time.
const REPEATED_FRAGMENTS_MAX: usize = 64;

/// Datagrams waiting to be sent. A flight is one or two.
const TRANSMITS_MAX: usize = 32;
