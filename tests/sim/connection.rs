//! The simulated browser's PeerConnection: ICE checks, a DTLS client and SRTP of its own, and full control over
//! what is sent.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use engine::{CreatedOffer, MediaConnection, OfferRequest};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rtc::crypto::RTCCryptoProvider;
use rtc::dtls::config::{ConfigBuilder, ExtendedMasterSecretType};
use rtc::dtls::crypto::Certificate;
use rtc::dtls::endpoint::{Endpoint, EndpointEvent};
use rtc::dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc::shared::TransportProtocol;
use rtc::stun::attributes::{ATTR_ICE_CONTROLLING, ATTR_PRIORITY, ATTR_USE_CANDIDATE, ATTR_USERNAME};
use rtc::stun::fingerprint::FINGERPRINT;
use rtc::stun::integrity::MessageIntegrity;
use rtc::stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Message, Setter};
use sfu::rtcp::{self, Packet as Rtcp, ReportBlock, SenderInfo, Writer};
use sfu::srtp::{MasterKeys, Opener, Profile, RTCP_OVERHEAD_MAX, RTP_OVERHEAD_MAX, Sealer};
use shared::SourceKind;
use shared::protocol::{PublishedMid, RequestedLayers};

use crate::description::{self, Answer, Flavour, Purpose, Section, TransportLines};
use crate::publishing::{Origin, Packet, Publisher, Publishers};
use crate::watching::{Receiver, Watching};

/// Between two checks before the first answer, and between two consent checks after it.
const CHECK_SPACING: Duration = Duration::from_millis(50);
const CONSENT_SPACING: Duration = Duration::from_millis(2_500);
/// Without an answer for this long the connection counts as disconnected, and then as failed.
const DISCONNECTED: Duration = Duration::from_secs(5);
const FAILED: Duration = Duration::from_secs(15);
const REPORT_SPACING: Duration = Duration::from_secs(1);
const FEEDBACK_SPACING: Duration = Duration::from_millis(20);
/// Between two transport feedbacks.
const ARRIVALS_SPACING: Duration = Duration::from_millis(60);
/// 1900 to 1970, as the server counts.
const NTP_UNIX_OFFSET: u64 = 2_208_988_800;

pub(crate) struct Connection {
    pub(crate) origin: Origin,
    /// As the server sees it.
    pub(crate) address: SocketAddr,
    pub(crate) publishers: Publishers,
    pub(crate) watching: Watching,
    /// Which published sources are really captured.
    pub(crate) live: Vec<SourceKind>,
    /// Sends padding-only packets now and then.
    pub(crate) pads: bool,
    pub(crate) keys: Option<MasterKeys>,
    pub(crate) state: MediaConnection,
    /// Datagrams for the server.
    pub(crate) out: Vec<Vec<u8>>,
    /// Connectivity checks that the network will lose.
    pub(crate) lose_checks: u32,
    /// Answers and sends checks, but nothing else any more.
    pub(crate) only_checks: bool,
    flavour: Flavour,
    sections: Vec<Section>,
    version: u32,
    provider: Arc<dyn RTCCryptoProvider>,
    identity: Certificate,
    fingerprint: String,
    ufrag: String,
    pwd: String,
    /// The ufrag that the server's answer was for: checks use it until the next answer.
    answered_ufrag: String,
    remote: Option<Answer>,
    check_due: Duration,
    /// The newest answer to a check, since ICE was last restarted.
    answered: Option<Duration>,
    dtls: Option<Endpoint>,
    srtp: Option<(Sealer, Opener)>,
    report_due: Duration,
    feedback_due: Duration,
    arrivals_due: Duration,
    transport_cc: u16,
    frames: u32,
    our_ssrc: u32,
    random: ChaCha8Rng,
    epoch: Instant,
}

impl Connection {
    pub(crate) fn new(
        origin: Origin,
        address: SocketAddr,
        flavour: Flavour,
        epoch: Instant,
        seed: u64,
    ) -> Self {
        let provider = rtc::crypto::default_provider().unwrap();
        let identity =
            Certificate::generate_self_signed(vec!["client".to_owned()], provider.crypto()).unwrap();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &identity.certificate[0]);
        let hex: Vec<String> = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut connection = Self {
            origin,
            address,
            publishers: BTreeMap::new(),
            watching: Watching::default(),
            live: Vec::new(),
            pads: false,
            keys: None,
            state: MediaConnection::New,
            out: Vec::new(),
            lose_checks: 0,
            only_checks: false,
            flavour,
            sections: Vec::new(),
            version: 0,
            provider,
            identity,
            fingerprint: format!("sha-256 {}", hex.join(":")),
            ufrag: String::new(),
            pwd: String::new(),
            answered_ufrag: String::new(),
            remote: None,
            check_due: Duration::ZERO,
            answered: None,
            dtls: None,
            srtp: None,
            report_due: Duration::ZERO,
            feedback_due: Duration::ZERO,
            arrivals_due: Duration::ZERO,
            transport_cc: 0,
            frames: 0,
            our_ssrc: random.next_u32() | 1,
            random,
            epoch,
        };
        connection.draw_credentials();
        let transport_cc = connection.flavour.transport_cc;
        connection.watching.tell_arrivals(epoch, connection.our_ssrc, transport_cc);
        connection
    }

    fn draw_credentials(&mut self) {
        self.ufrag = format!("{:08x}", self.random.next_u32());
        self.pwd = format!("{:016x}{:016x}", self.random.next_u64(), self.random.next_u64());
    }

    /// Adds what is missing for the request and describes the whole.
    pub(crate) fn create_offer(&mut self, now: Duration, request: &OfferRequest) -> CreatedOffer {
        if request.restart {
            self.draw_credentials();
        }
        for kind in &request.publish {
            if !self.publishers.contains_key(kind) {
                self.add_publisher(now, *kind);
            }
        }
        for (purpose, count) in
            [(Purpose::AudioSlot, request.audio_slots), (Purpose::VideoSlot, request.video_slots)]
        {
            while self.mids(purpose).len() < usize::from(count) {
                let mid = self.sections.len().to_string();
                self.sections.push(Section { mid, purpose, ssrcs: None });
            }
        }
        self.version += 1;
        let transport = TransportLines { ufrag: &self.ufrag, pwd: &self.pwd, fingerprint: &self.fingerprint };
        CreatedOffer {
            negotiation: request.negotiation,
            sdp: description::offer(&self.flavour, self.version, &transport, &self.sections),
            sources: self.sources(),
            audio_slots: self.mids(Purpose::AudioSlot),
            video_slots: self.mids(Purpose::VideoSlot),
        }
    }

    fn add_publisher(&mut self, now: Duration, kind: SourceKind) {
        let mid = self.sections.len().to_string();
        let publisher = Publisher::new(kind, mid.clone(), self.flavour.rids, now, || self.random.next_u32());
        let first = &publisher.layers[0];
        let repair = (!kind.is_audio()).then_some(first.repair_ssrc);
        // SSRCs are odd, so this is nobody's.
        let announced = if self.flavour.names_streams { first.ssrc } else { first.ssrc & !1 };
        let ssrcs = first.rid.is_none().then_some((announced, repair));
        self.sections.push(Section { mid, purpose: Purpose::Send(kind), ssrcs });
        self.publishers.insert(kind, publisher);
    }

    /// Sends only these layers of what is named, and everything else.
    pub(crate) fn set_layers(&mut self, publications: &[RequestedLayers]) {
        for publisher in self.publishers.values_mut() {
            let named = publications.iter().find(|named| named.mid == publisher.mid);
            for layer in &mut publisher.layers {
                let is_named =
                    |rids: &[String]| rids.is_empty() || rids.iter().any(|rid| Some(&**rid) == layer.rid);
                layer.set_active(named.is_none_or(|named| named.active && is_named(&named.rids)));
            }
            publisher.limit(named.and_then(|named| named.max_height));
        }
    }

    fn mids(&self, purpose: Purpose) -> Vec<String> {
        let slots = self.sections.iter().filter(|section| section.purpose == purpose);
        slots.map(|section| section.mid.clone()).collect()
    }

    fn sources(&self) -> Vec<PublishedMid> {
        let sources = self.publishers.values();
        sources.map(|source| PublishedMid { mid: source.mid.clone(), kind: source.kind }).collect()
    }

    pub(crate) fn apply_answer(&mut self, now: Duration, sdp: &str) {
        let answer = description::read_answer(sdp);
        let restarted = self.remote.as_ref().is_none_or(|remote| remote.ufrag != answer.ufrag);
        for (mid, ssrcs) in &answer.slots {
            let section =
                self.sections.iter().find(|section| section.mid == *mid).expect("a slot we offered");
            let audio = section.purpose == Purpose::AudioSlot;
            self.watching.add(mid, audio, *ssrcs, self.flavour.red.filter(|_| audio));
        }
        for publisher in self.publishers.values_mut() {
            publisher.redundant = answer.redundant.contains(&publisher.mid);
        }
        self.remote = Some(answer);
        self.answered_ufrag.clone_from(&self.ufrag);
        if restarted {
            self.check_due = now;
            self.answered = None;
        }
        if self.state == MediaConnection::New {
            self.state = MediaConnection::Connecting;
        }
    }

    pub(crate) fn handle_datagram(&mut self, now: Duration, mut datagram: Vec<u8>) {
        match *datagram {
            [0..=3, ..] => self.handle_stun(now, &datagram),
            [20..=63, ..] => self.handle_dtls(now, &datagram),
            [128..=191, 192..=223, ..] => self.handle_srtcp(now, &mut datagram),
            [128..=191, ..] => self.handle_srtp(now, &mut datagram),
            _ => {}
        }
    }

    fn handle_stun(&mut self, now: Duration, datagram: &[u8]) {
        let mut message = Message::new();
        let Some(remote) = &self.remote else { return };
        if message.unmarshal_binary(datagram).is_err() {
            return;
        }
        if message.typ == BINDING_REQUEST {
            return self.answer_check(&mut message);
        }
        if message.typ != BINDING_SUCCESS {
            return;
        }
        let pwd = remote.pwd.clone().into_bytes();
        if MessageIntegrity::check(&mut message, &pwd, self.provider.crypto()).is_err() {
            return;
        }
        if self.answered.is_none() {
            self.check_due = now + CONSENT_SPACING;
        }
        self.answered = Some(now);
        if self.dtls.is_none() {
            self.start_dtls(now);
        }
        if self.srtp.is_some() {
            self.state = MediaConnection::Connected;
        }
    }

    /// A check of the server's, which a client answers wherever it comes from when it knows the password (RFC 8445 §7.3).
    fn answer_check(&mut self, request: &mut Message) {
        let Some(remote) = &self.remote else { return };
        let username = format!("{}:{}", self.ufrag, remote.ufrag);
        let is_ours = request.get(ATTR_USERNAME).is_ok_and(|sent| sent == username.as_bytes());
        let crypto = self.provider.crypto();
        if !is_ours || MessageIntegrity::check(request, self.pwd.as_bytes(), crypto).is_err() {
            return;
        }
        let mut answer = Message::new();
        answer.set_type(BINDING_SUCCESS);
        answer.transaction_id = request.transaction_id;
        answer.write_header();
        MessageIntegrity::new_short_term_integrity_with_provider(self.pwd.clone(), crypto)
            .add_to(&mut answer)
            .unwrap();
        FINGERPRINT.add_to(&mut answer).unwrap();
        self.out.push(answer.raw);
    }

    fn start_dtls(&mut self, now: Duration) {
        let config = ConfigBuilder::default()
            .with_crypto_provider(Arc::clone(&self.provider))
            .with_certificates(vec![self.identity.clone()])
            .with_srtp_protection_profiles(vec![
                SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
                SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
            ])
            .with_insecure_skip_verify(true)
            .with_extended_master_secret(ExtendedMasterSecretType::Require)
            .with_flight_interval(Duration::from_millis(50))
            .with_mtu(1200)
            .build(true, None)
            .unwrap();
        let mut endpoint = Endpoint::new(self.address, TransportProtocol::UDP, None);
        endpoint.connect(self.epoch + now, REMOTE, Arc::new(config), None).unwrap();
        self.dtls = Some(endpoint);
        self.flush_dtls();
    }

    fn flush_dtls(&mut self) {
        let Some(endpoint) = &mut self.dtls else { return };
        while let Some(transmit) = endpoint.poll_transmit() {
            self.out.push(transmit.message.to_vec());
        }
    }

    fn handle_dtls(&mut self, now: Duration, datagram: &[u8]) {
        let Some(endpoint) = &mut self.dtls else { return };
        let events =
            endpoint.read(self.epoch + now, REMOTE, None, BytesMut::from(datagram)).unwrap_or_default();
        if events.iter().any(|event| matches!(event, EndpointEvent::HandshakeComplete)) {
            let state = endpoint.get_connection_state(REMOTE).expect("the handshake is complete");
            let profile = Profile::AeadAes128Gcm;
            let exported =
                state.export_keying_material("EXTRACTOR-dtls_srtp", &[], profile.exporter_len()).unwrap();
            let keys = MasterKeys::from_exporter(profile, exported.as_ref()).unwrap();
            self.srtp = Some((Sealer::new(&keys.client), Opener::new(&keys.server)));
            self.keys = Some(keys);
            self.state = MediaConnection::Connected;
            self.report_due = now + REPORT_SPACING;
            for publisher in self.publishers.values_mut() {
                publisher.due = now;
            }
        }
        self.flush_dtls();
    }

    fn handle_srtp(&mut self, now: Duration, datagram: &mut [u8]) {
        let Some((_, opener)) = &self.srtp else { return };
        self.watching.receive(now, self.epoch + now, opener, datagram);
    }

    fn handle_srtcp(&mut self, now: Duration, datagram: &mut [u8]) {
        let Some((_, opener)) = &mut self.srtp else { return };
        let Ok(len) = opener.open_rtcp(datagram) else { return };
        let mut again = Vec::new();
        for packet in rtcp::iter(&datagram[..len]).flatten() {
            match packet {
                Rtcp::SenderReport(report) => self.watching.sender_report(now, &report.info),
                Rtcp::Nack(nack) => again.extend(nack.sequences().map(|number| (nack.media_ssrc, number))),
                Rtcp::Pli(pli) => self.want_key(pli.media_ssrc),
                Rtcp::Fir(fir) => fir.entries().for_each(|entry| self.want_key(entry.ssrc)),
                Rtcp::ReceiverReport(_)
                | Rtcp::SourceDescription(_)
                | Rtcp::Goodbye(_)
                | Rtcp::TransportFeedback(_)
                | Rtcp::Remb(_)
                | Rtcp::Other { .. }
                | _ => {}
            }
        }
        for (ssrc, sequence) in again {
            for kind in self.live.clone() {
                let Some(publisher) = self.publishers.get_mut(&kind) else { continue };
                if let Some(packet) = publisher.again(ssrc, sequence, &self.flavour, &mut self.transport_cc) {
                    self.send(packet);
                }
            }
        }
    }

    fn want_key(&mut self, ssrc: u32) {
        let named = |publisher: &&mut Publisher| publisher.layers.iter().any(|layer| layer.ssrc == ssrc);
        if let Some(publisher) = self.publishers.values_mut().find(named) {
            publisher.want_key();
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Duration> {
        self.remote.as_ref()?;
        let dtls = self.dtls.as_ref().and_then(|endpoint| endpoint.poll_timeout(&REMOTE));
        let mut due = self.check_due;
        if let Some(at) = dtls {
            due = due.min(at.saturating_duration_since(self.epoch));
        }
        if self.srtp.is_some() && !self.only_checks {
            due = due.min(self.report_due).min(self.feedback_due);
            for kind in &self.live {
                due = self.publishers.get(kind).map_or(due, |publisher| due.min(publisher.due));
            }
        }
        Some(due)
    }

    pub(crate) fn handle_timeout(&mut self, now: Duration) {
        if self.remote.is_none() {
            return;
        }
        self.watch_consent(now);
        if self.check_due <= now {
            self.check(now);
        }
        if let Some(endpoint) = &mut self.dtls {
            let _ = endpoint.handle_timeout(REMOTE, self.epoch + now);
            self.flush_dtls();
        }
        if self.srtp.is_some() && !self.only_checks {
            self.send_frames(now);
            self.send_feedback(now);
        }
    }

    fn watch_consent(&mut self, now: Duration) {
        let Some(answered) = self.answered else { return };
        let silent = now.saturating_sub(answered);
        if silent >= FAILED {
            self.state = MediaConnection::Failed;
        } else if silent >= DISCONNECTED && self.state == MediaConnection::Connected {
            self.state = MediaConnection::Disconnected;
        }
    }

    /// A connectivity check that nominates, as Firefox's first does (RFC 8445 §7.2.2).
    fn check(&mut self, now: Duration) {
        let Some(remote) = &self.remote else { return };
        let silent = self.answered.is_none_or(|answered| now.saturating_sub(answered) > CONSENT_SPACING * 2);
        self.check_due = now + if silent { CHECK_SPACING } else { CONSENT_SPACING };
        let mut request = Message::new();
        request.set_type(BINDING_REQUEST);
        request.new_transaction_id().unwrap();
        request.write_header();
        request.add(ATTR_USERNAME, format!("{}:{}", remote.ufrag, self.answered_ufrag).as_bytes());
        request.add(ATTR_PRIORITY, &[110, 0, 0, 255]);
        request.add(ATTR_ICE_CONTROLLING, &[7; 8]);
        request.add(ATTR_USE_CANDIDATE, &[]);
        MessageIntegrity::new_short_term_integrity_with_provider(remote.pwd.clone(), self.provider.crypto())
            .add_to(&mut request)
            .unwrap();
        FINGERPRINT.add_to(&mut request).unwrap();
        match self.lose_checks.checked_sub(1) {
            Some(left) => self.lose_checks = left,
            None => self.out.push(request.raw),
        }
    }

    /// Checks at once instead of when consent is due: the browser noticed a change of its network.
    pub(crate) const fn check_now(&mut self, now: Duration) {
        self.check_due = now;
    }

    fn send_frames(&mut self, now: Duration) {
        for kind in self.live.clone() {
            let Some(publisher) = self.publishers.get_mut(&kind) else { continue };
            if publisher.due > now {
                continue;
            }
            self.frames += 1;
            let mut packets = publisher.frame(now, self.origin, &self.flavour, &mut self.transport_cc);
            if self.pads && !kind.is_audio() && self.frames.is_multiple_of(7) {
                packets.extend(publisher.pad(now, self.origin, &self.flavour, &mut self.transport_cc));
            }
            for packet in packets {
                self.send(packet);
            }
        }
    }

    fn send(&mut self, packet: Packet) {
        let Some((sealer, _)) = &self.srtp else { return };
        let Packet { mut bytes, header_len, ssrc, index } = packet;
        let plain_len = bytes.len();
        bytes.resize(plain_len + RTP_OVERHEAD_MAX, 0);
        let len = sealer.seal_rtp(&mut bytes, header_len, plain_len, ssrc, index);
        bytes.truncate(len);
        self.out.push(bytes);
    }

    fn send_feedback(&mut self, now: Duration) {
        let mut packet = vec![0; 1400];
        let mut writer = Writer::new(&mut packet[..1400 - RTCP_OVERHEAD_MAX]);
        if now >= self.feedback_due {
            self.feedback_due = now + FEEDBACK_SPACING;
            self.watching.write_requests(self.epoch + now, self.our_ssrc, &mut writer);
        }
        if now >= self.report_due {
            self.report_due = now + REPORT_SPACING;
            write_sender_reports(&self.publishers, now, &mut writer);
            let blocks: Vec<ReportBlock> = self.watching.report_blocks(now);
            for blocks in blocks.chunks(20) {
                let _ = writer.receiver_report(self.our_ssrc, blocks);
            }
        }
        let len = writer.len();
        self.send_rtcp(packet, len);
        if now >= self.arrivals_due {
            self.arrivals_due = now + ARRIVALS_SPACING;
            loop {
                let mut packet = vec![0; 1200 + RTCP_OVERHEAD_MAX];
                let Some(len) = self.watching.write_feedback(self.epoch + now, &mut packet[..1200]) else {
                    break;
                };
                self.send_rtcp(packet, len);
            }
        }
    }

    fn send_rtcp(&mut self, mut packet: Vec<u8>, len: usize) {
        let Some((sealer, _)) = &mut self.srtp else { return };
        if len > 0 {
            let total = sealer.seal_rtcp(&mut packet, len).unwrap();
            packet.truncate(total);
            self.out.push(packet);
        }
    }

    /// The payload type of redundant audio, when it has any.
    pub(crate) const fn red_type(&self) -> Option<u8> {
        self.flavour.red
    }

    /// The receiver of a slot.
    pub(crate) fn receiver(&self, mid: &str) -> Option<&Receiver> {
        self.watching.receivers.values().find(|receiver| receiver.mid == mid)
    }
}

fn write_sender_reports(publishers: &Publishers, now: Duration, writer: &mut Writer<'_>) {
    for (ssrc, rtp_timestamp, packet_count, octet_count) in publishers.values().flat_map(Publisher::sent) {
        let fraction = (u64::from(now.subsec_nanos()) << 32) / 1_000_000_000;
        let ntp = ((now.as_secs() + NTP_UNIX_OFFSET) << 32) | fraction;
        let info = SenderInfo { ssrc, ntp, rtp_timestamp, packet_count, octet_count };
        let _ = writer.sender_report(&info, &[]);
    }
}

/// The only remote address the DTLS endpoint knows: ICE decides where datagrams really go.
const REMOTE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 443);
