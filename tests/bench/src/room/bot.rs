//! A participant that costs little: ICE checks, a DTLS client, and SRTP without a stack around it. What it receives is
//! counted by its clear header; a sample is decrypted, compared with what was sent, and timed.

use std::net::UdpSocket;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bytes::BytesMut;
use rtc::crypto::RTCCryptoProvider;
use rtc::dtls::config::{ConfigBuilder, ExtendedMasterSecretType, HandshakeConfig};
use rtc::dtls::crypto::Certificate;
use rtc::dtls::endpoint::{Endpoint, EndpointEvent};
use rtc::dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc::shared::TransportProtocol;
use rtc::stun::attributes::{ATTR_ICE_CONTROLLING, ATTR_PRIORITY, ATTR_USE_CANDIDATE, ATTR_USERNAME};
use rtc::stun::fingerprint::FINGERPRINT;
use rtc::stun::integrity::MessageIntegrity;
use rtc::stun::message::{BINDING_REQUEST, Message, Setter as _};
use sfu::rtcp::{self, Packet as Rtcp};
use sfu::rtp::{ExtensionKind, ExtensionMap, Header, KnownExtensions};
use sfu::srtp::{MasterKeys, Opener, Profile, RTCP_OVERHEAD_MAX, RTP_OVERHEAD_MAX, ReplayWindow, Sealer};
use sfu::twcc;
use tests::media::{self, Label};

use super::description::{self, Answer, Section, TRANSPORT_CC_ID, Transport};
use super::publisher::{Packet, Source};
use crate::socket;

/// Between two checks before DTLS is through, and between two consent checks after it (RFC 7675).
const CHECK_SPACING: Duration = Duration::from_millis(50);
const CONSENT_SPACING: Duration = Duration::from_millis(2_500);
/// Between two transport feedbacks, as browsers send them at a few Mbit/s.
const FEEDBACK_SPACING: Duration = Duration::from_millis(100);
/// Of each slot the first packets are decrypted, and one of so many later ones.
const VERIFIED_FIRST: u64 = 20;
const SAMPLE: u64 = 8;

/// What all bots share: one identity is enough for a crowd.
pub(super) struct Identity {
    provider: Arc<dyn RTCCryptoProvider>,
    fingerprint: String,
    handshake: Arc<HandshakeConfig>,
}

impl Identity {
    pub(super) fn new() -> Result<Self> {
        let provider = rtc::crypto::default_provider().context("no cryptography")?;
        let certificate = Certificate::generate_self_signed(vec!["bot".to_owned()], provider.crypto())?;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &certificate.certificate[0]);
        let hex: Vec<String> = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
        let handshake = ConfigBuilder::default()
            .with_crypto_provider(Arc::clone(&provider))
            .with_certificates(vec![certificate])
            .with_srtp_protection_profiles(vec![SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm])
            .with_insecure_skip_verify(true)
            .with_extended_master_secret(ExtendedMasterSecretType::Require)
            .with_flight_interval(Duration::from_millis(200))
            .with_mtu(1200)
            .build(true, None)?;
        let fingerprint = format!("sha-256 {}", hex.join(":"));
        Ok(Self { provider, fingerprint, handshake: Arc::new(handshake) })
    }
}

/// What arrived on one slot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count {
    /// Packets.
    pub(super) received: u64,
    /// Packets that should have come, from the first to the newest.
    pub(super) expected: u64,
}

/// A receiving m-line.
pub(super) struct Slot {
    pub(super) mid: usize,
    ssrc: u32,
    replay: ReplayWindow,
    first: Option<u64>,
    received: u64,
}

impl Slot {
    pub(super) fn count(&self) -> Count {
        let newest = self.replay.newest().unwrap_or_default();
        let expected = self.first.map_or(0, |first| newest + 1 - first);
        Count { received: self.received, expected }
    }
}

/// See the [module](self).
pub(super) struct Bot {
    pub(super) socket: Arc<UdpSocket>,
    pub(super) sections: Vec<Section>,
    pub(super) sources: Vec<Source>,
    pub(super) slots: Vec<Slot>,
    /// Media can flow since.
    pub(super) connected: Option<Instant>,
    /// Packets that were decrypted and are what was sent, and those that are not.
    pub(super) intact: u64,
    pub(super) damaged: u64,
    remote: Option<Answer>,
    dtls: Option<Endpoint>,
    srtp: Option<(Sealer, Opener)>,
    check_due: Instant,
    feedback_due: Instant,
    recorder: twcc::Recorder,
    extensions: ExtensionMap,
    transport_cc: u16,
}

/// ICE of the bots: nobody attacks them.
const UFRAG: &str = "bots";
const PWD: &str = "0123456789abcdef01234567";

impl Bot {
    pub(super) fn new(sections: Vec<Section>, sources: Vec<Source>, now: Instant) -> Result<Self> {
        let socket = Arc::new(socket::bind().context("a bot's socket")?);
        socket::stamp_arrivals(&socket)?;
        let mut extensions = ExtensionMap::default();
        extensions.insert(TRANSPORT_CC_ID, ExtensionKind::TransportCc)?;
        Ok(Self {
            socket,
            sections,
            sources,
            slots: Vec::new(),
            connected: None,
            intact: 0,
            damaged: 0,
            remote: None,
            dtls: None,
            srtp: None,
            check_due: now,
            feedback_due: now,
            recorder: twcc::Recorder::new(1, now),
            extensions,
            transport_cc: 0,
        })
    }

    pub(super) fn offer(&self, identity: &Identity) -> String {
        let transport = Transport { ufrag: UFRAG, pwd: PWD, fingerprint: &identity.fingerprint };
        description::offer(&transport, &self.sections)
    }

    /// Takes the answer and begins to check.
    pub(super) fn accept(&mut self, identity: &Identity, sdp: &str, now: Instant) -> Result<()> {
        let answer = description::read_answer(sdp)?;
        let slots = answer.slots.iter().map(|(mid, ssrc)| Slot {
            mid: *mid,
            ssrc: *ssrc,
            replay: ReplayWindow::new(),
            first: None,
            received: 0,
        });
        self.slots = slots.collect();
        self.remote = Some(answer);
        self.check(identity, now)
    }

    /// Timers that are due.
    pub(super) fn handle_timeout(&mut self, identity: &Identity, now: Instant) -> Result<()> {
        if self.remote.is_some() && self.check_due <= now {
            self.check(identity, now)?;
        }
        if let Some(endpoint) = &mut self.dtls {
            // It answers with an error when nothing is due.
            let _ = endpoint.handle_timeout(REMOTE, now);
            self.flush_dtls();
        }
        if self.connected.is_some() && self.feedback_due <= now {
            self.feedback_due = now + FEEDBACK_SPACING;
            let mut packet = [0; 1200 + RTCP_OVERHEAD_MAX];
            while let Some(len) = self.recorder.build(now, 1, &mut packet[..1200]) {
                let Some((sealer, _)) = &mut self.srtp else { break };
                let len = sealer.seal_rtcp(&mut packet, len)?;
                self.send(&packet[..len]);
            }
        }
        Ok(())
    }

    /// A nominating check (RFC 8445 §7.2.2).
    fn check(&mut self, identity: &Identity, now: Instant) -> Result<()> {
        let Some(remote) = &self.remote else { return Ok(()) };
        self.check_due = now + if self.connected.is_some() { CONSENT_SPACING } else { CHECK_SPACING };
        let mut request = Message::new();
        request.set_type(BINDING_REQUEST);
        request.new_transaction_id()?;
        request.write_header();
        request.add(ATTR_USERNAME, format!("{}:{UFRAG}", remote.ufrag).as_bytes());
        request.add(ATTR_PRIORITY, &[110, 0, 0, 255]);
        request.add(ATTR_ICE_CONTROLLING, &[7; 8]);
        request.add(ATTR_USE_CANDIDATE, &[]);
        let crypto = identity.provider.crypto();
        MessageIntegrity::new_short_term_integrity_with_provider(remote.pwd.clone(), crypto)
            .add_to(&mut request)?;
        FINGERPRINT.add_to(&mut request)?;
        self.send(&request.raw);
        Ok(())
    }

    fn send(&self, datagram: &[u8]) {
        let Some(remote) = &self.remote else { return };
        // A full buffer is a loss like any other, and counted where it is missed.
        let _ = self.socket.send_to(datagram, remote.address);
    }

    /// Takes a datagram in; gives the label of a packet that was decrypted.
    pub(super) fn receive(
        &mut self,
        identity: &Identity,
        arrival: Instant,
        datagram: &mut [u8],
    ) -> Result<Option<Label>> {
        match *datagram {
            // Answers to checks: whoever answers has the right password, and loopback forges nothing.
            [0..=3, ..] => self.start_dtls(identity, arrival)?,
            [20..=63, ..] => self.handle_dtls(arrival, datagram)?,
            [128..=191, 192..=223, ..] => self.handle_srtcp(datagram),
            [128..=191, ..] => return Ok(self.handle_srtp(arrival, datagram)),
            _ => {}
        }
        Ok(None)
    }

    fn start_dtls(&mut self, identity: &Identity, now: Instant) -> Result<()> {
        if self.dtls.is_some() || self.connected.is_some() {
            return Ok(());
        }
        let mut endpoint = Endpoint::new(self.socket.local_addr()?, TransportProtocol::UDP, None);
        endpoint.connect(now, REMOTE, Arc::clone(&identity.handshake), None)?;
        self.dtls = Some(endpoint);
        self.flush_dtls();
        Ok(())
    }

    fn flush_dtls(&mut self) {
        let Some(mut endpoint) = self.dtls.take() else { return };
        while let Some(transmit) = endpoint.poll_transmit() {
            self.send(&transmit.message);
        }
        self.dtls = Some(endpoint);
    }

    fn handle_dtls(&mut self, now: Instant, datagram: &[u8]) -> Result<()> {
        let Some(endpoint) = &mut self.dtls else { return Ok(()) };
        let events = endpoint.read(now, REMOTE, None, BytesMut::from(datagram)).unwrap_or_default();
        let is_complete = events.iter().any(|event| matches!(event, EndpointEvent::HandshakeComplete));
        if is_complete && self.srtp.is_none() {
            let state = endpoint.get_connection_state(REMOTE).context("the handshake is complete")?;
            let profile = Profile::AeadAes128Gcm;
            let exported =
                state.export_keying_material("EXTRACTOR-dtls_srtp", &[], profile.exporter_len())?;
            let keys = MasterKeys::from_exporter(profile, exported.as_ref())?;
            self.srtp = Some((Sealer::new(&keys.client), Opener::new(&keys.server)));
            self.connected = Some(now);
            self.check_due = now + CONSENT_SPACING;
        }
        self.flush_dtls();
        Ok(())
    }

    fn handle_srtp(&mut self, arrival: Instant, datagram: &mut [u8]) -> Option<Label> {
        let header = Header::parse(datagram).ok()?;
        let number = KnownExtensions::read(&header, datagram, &self.extensions).transport_cc;
        if let Some(number) = number {
            self.recorder.record(number, arrival);
        }
        let slot = self.slots.iter_mut().find(|slot| slot.ssrc == header.ssrc)?;
        let index = slot.replay.estimate(header.sequence);
        slot.replay.check(index).ok()?;
        slot.replay.commit(index);
        slot.first = Some(slot.first.map_or(index, |first| first.min(index)));
        slot.received += 1;
        if slot.received > VERIFIED_FIRST && !slot.received.is_multiple_of(SAMPLE) {
            return None;
        }
        let is_audio = self.sections.get(slot.mid).is_some_and(|section| section.is_audio());
        let (_, opener) = self.srtp.as_ref()?;
        let payload = opener
            .open_rtp(datagram, header.header_len(), header.ssrc, index)
            .ok()
            .and_then(|len| header.payload(&datagram[..len]).ok());
        let read = payload.and_then(if is_audio { media::read_opus } else { media::read_vp8 });
        match &read {
            Some(_) => self.intact += 1,
            None => self.damaged += 1,
        }
        read.map(|read| read.label)
    }

    fn handle_srtcp(&mut self, datagram: &mut [u8]) {
        let Some((_, opener)) = &mut self.srtp else { return };
        let Ok(len) = opener.open_rtcp(datagram) else { return };
        for packet in rtcp::iter(&datagram[..len]).flatten() {
            let want_key = |ssrc| self.sources.iter_mut().for_each(|source| source.want_key(ssrc));
            if let Rtcp::Pli(pli) = packet {
                Some(pli.media_ssrc).into_iter().for_each(want_key);
            } else if let Rtcp::Fir(fir) = packet {
                fir.entries().map(|entry| entry.ssrc).for_each(want_key);
            }
        }
    }

    /// The next frame of a source: sealed and sent. Gives its packets' labels to `on_send` right before they leave.
    pub(super) fn publish(&mut self, at: usize, now: Instant, mut on_send: impl FnMut(&Label)) {
        if self.srtp.is_none() {
            return;
        }
        for packet in self.sources[at].frame(now, &mut self.transport_cc) {
            let Packet { mut bytes, header_len, ssrc, index, label } = packet;
            let plain_len = bytes.len();
            bytes.resize(plain_len + RTP_OVERHEAD_MAX, 0);
            let Some((sealer, _)) = &self.srtp else { return };
            let len = sealer.seal_rtp(&mut bytes, header_len, plain_len, ssrc, index);
            on_send(&label);
            self.send(&bytes[..len]);
        }
    }

    /// What arrived on all slots.
    pub(super) fn count(&self) -> Count {
        self.slots.iter().map(Slot::count).fold(Count::default(), |sum, count| Count {
            received: sum.received + count.received,
            expected: sum.expected + count.expected,
        })
    }

    pub(super) fn ensure_intact(&self) -> Result<()> {
        ensure!(self.damaged == 0, "{} packets arrived damaged", self.damaged);
        Ok(())
    }
}

/// The only remote address that the DTLS endpoint knows: ICE decides where datagrams really go.
const REMOTE: std::net::SocketAddr =
    std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 443);
