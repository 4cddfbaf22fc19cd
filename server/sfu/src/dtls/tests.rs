//! Whole handshakes in virtual time: our server against the client of `rtc` over a link in memory.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rtc::dtls::config::HandshakeConfig;

use super::*;

use SrtpProtectionProfile::{
    Srtp_Aead_Aes_128_Gcm as GCM, Srtp_Aes128_Cm_Hmac_Sha1_32 as CM_32, Srtp_Aes128_Cm_Hmac_Sha1_80 as CM_80,
};

/// One way. Also how long the client waits before it repeats itself, as browsers do.
const LATENCY: Duration = Duration::from_millis(10);
const CLIENT_INTERVAL: Duration = Duration::from_millis(50);
/// More events than any handshake here has.
const STEPS_MAX: usize = 10_000;
const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 443);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToServer,
    ToClient,
}

struct Options {
    profiles: Vec<SrtpProtectionProfile>,
    /// Small ones cut the ClientHello and everything else into several datagrams.
    mtu: usize,
    client_interval: Duration,
    /// Some other certificate's fingerprint is announced.
    is_fingerprint_wrong: bool,
    /// Decides about the n-th datagram of a direction: how many copies arrive.
    copies: Box<dyn FnMut(Direction, usize) -> usize>,
    /// And how much later than others: datagrams overtake each other.
    delay: Box<dyn FnMut(Direction, usize) -> Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            profiles: vec![CM_80, GCM],
            mtu: 1_200,
            client_interval: CLIENT_INTERVAL,
            is_fingerprint_wrong: false,
            copies: Box::new(|_, _| 1),
            delay: Box::new(|_, _| Duration::ZERO),
        }
    }
}

/// Both ends, the link between them and the clock.
struct Link {
    now: Instant,
    start: Instant,
    client: Endpoint,
    server: Server,
    /// On the way, by arrival and then by order of sending.
    flying: BTreeMap<(Instant, usize), (Direction, BytesMut)>,
    sent: [usize; 2],
    copies: Box<dyn FnMut(Direction, usize) -> usize>,
    delay: Box<dyn FnMut(Direction, usize) -> Duration>,
    client_complete_at: Option<Instant>,
    established: Option<(Instant, Established)>,
    server_errors: Vec<DtlsError>,
    server_closed: bool,
}

fn client_config(identity: &Certificate, options: &Options) -> HandshakeConfig {
    ConfigBuilder::default()
        .with_crypto_provider(identity.provider())
        .with_certificates(vec![identity.identity()])
        .with_srtp_protection_profiles(options.profiles.clone())
        .with_insecure_skip_verify(true)
        .with_extended_master_secret(ExtendedMasterSecretType::Require)
        .with_flight_interval(options.client_interval)
        .with_mtu(options.mtu)
        .build(true, None)
        .unwrap()
}

impl Link {
    fn new(options: Options) -> Self {
        let (ours, theirs) = (Certificate::generate().unwrap(), Certificate::generate().unwrap());
        let announced = if options.is_fingerprint_wrong { &ours } else { &theirs };
        let now = Instant::now();
        let config = Arc::new(client_config(&theirs, &options));
        let mut client = Endpoint::new(REMOTE, TransportProtocol::UDP, None);
        client.connect(now, SERVER, config, None).unwrap();
        Self {
            now,
            start: now,
            client,
            server: Server::new(&ours, announced.fingerprint()),
            flying: BTreeMap::new(),
            sent: [0, 0],
            copies: options.copies,
            delay: options.delay,
            client_complete_at: None,
            established: None,
            server_errors: vec![],
            server_closed: false,
        }
    }

    fn send(&mut self, direction: Direction, datagram: &BytesMut) {
        self.sent[direction as usize] += 1;
        let sent = self.sent[direction as usize];
        for _ in 0..(self.copies)(direction, sent) {
            let order = self.flying.len() + 1_000 * (self.sent[0] + self.sent[1]);
            let at = self.now + LATENCY + (self.delay)(direction, sent);
            self.flying.insert((at, order), (direction, datagram.clone()));
        }
    }

    fn collect(&mut self) {
        while let Some(transmit) = self.client.poll_transmit() {
            self.send(Direction::ToServer, &transmit.message);
        }
        while let Some(datagram) = self.server.poll_transmit() {
            self.send(Direction::ToClient, &datagram);
        }
    }

    fn deliver(&mut self, direction: Direction, datagram: BytesMut) {
        match direction {
            Direction::ToServer => self.deliver_to_server(&datagram),
            Direction::ToClient => {
                let events = self.client.read(self.now, SERVER, None, datagram).unwrap_or_default();
                if events.iter().any(|event| matches!(event, EndpointEvent::HandshakeComplete)) {
                    self.client_complete_at = Some(self.now);
                }
            }
        }
    }

    fn deliver_to_server(&mut self, datagram: &[u8]) {
        match self.server.handle_datagram(self.now, datagram) {
            Ok(Some(Event::Established(established))) => {
                assert!(self.established.is_none(), "it is said once");
                self.established = Some((self.now, established));
            }
            Ok(Some(Event::Closed)) => self.server_closed = true,
            Ok(None) => {}
            Err(error) => self.server_errors.push(error),
        }
    }

    fn is_complete(&self) -> bool {
        self.client_complete_at.is_some() && self.established.is_some()
    }

    /// Runs until both ends are complete, nothing is left to do or the time is over.
    fn run(&mut self, limit: Duration) {
        let end = self.start + limit;
        for _ in 0..STEPS_MAX {
            self.collect();
            let arrival = self.flying.first_key_value().map(|((at, _), _)| *at);
            let timers = [arrival, self.client.poll_timeout(&SERVER), self.server.poll_timeout()];
            let Some(next) = timers.into_iter().flatten().min().filter(|next| *next <= end) else { return };
            self.now = next.max(self.now);
            if arrival.is_some_and(|at| at <= self.now) {
                let (_, (direction, datagram)) = self.flying.pop_first().unwrap();
                self.deliver(direction, datagram);
            }
            // A client that gave up or said goodbye has no timers; what it says then does not matter.
            let _ = self.client.handle_timeout(SERVER, self.now);
            self.server.handle_timeout(self.now);
            if self.is_complete() && self.flying.is_empty() {
                return self.collect();
            }
        }
        panic!("a timer does not move on");
    }

    /// Runs a handshake that must succeed and returns how long it took and which profile was chosen.
    fn complete(&mut self, limit: Duration) -> (Duration, Profile) {
        self.run(limit);
        let Some((at, established)) = self.established.clone() else {
            panic!("the server does not complete: {:?}, {:?}", self.server_errors, self.server)
        };
        let at = at.max(self.client_complete_at.expect("the client completes"));
        let state = self.client.get_connection_state(SERVER).unwrap();
        let len = established.profile.exporter_len();
        let exported = state.export_keying_material("EXTRACTOR-dtls_srtp", &[], len).unwrap();
        let theirs = MasterKeys::from_exporter(established.profile, exported.as_ref()).unwrap();
        assert_eq!(established.keys, theirs, "both ends have the same keys");
        (at - self.start, established.profile)
    }
}

const SECOND: Duration = Duration::from_secs(1);

fn chosen(profiles: &[SrtpProtectionProfile]) -> Profile {
    Link::new(Options { profiles: profiles.to_vec(), ..Options::default() }).complete(SECOND).1
}

#[test]
fn a_handshake_takes_six_one_way_trips_without_loss() {
    let mut link = Link::new(Options::default());
    assert_eq!(link.complete(SECOND).0, 6 * LATENCY);
    assert_eq!(link.server.poll_timeout(), None, "nothing is repeated afterwards");
    assert!(link.server_errors.is_empty());
}

#[test]
fn gcm_is_chosen_although_the_client_prefers_counter_mode() {
    assert_eq!(chosen(&[CM_80, GCM]), Profile::AeadAes128Gcm);
    assert_eq!(chosen(&[GCM, CM_80]), Profile::AeadAes128Gcm);
    assert_eq!(chosen(&[CM_32, CM_80]), Profile::Aes128CmHmacSha1_80);
}

#[test]
fn a_client_without_a_profile_of_ours_is_refused() {
    for profiles in [vec![], vec![CM_32]] {
        let mut link = Link::new(Options { profiles, ..Options::default() });
        link.run(SECOND);
        assert!(matches!(link.server_errors[0], DtlsError::NoSrtpProfile));
        assert!(link.established.is_none());
    }
}

#[test]
fn a_client_with_another_certificate_is_refused() {
    let mut link = Link::new(Options { is_fingerprint_wrong: true, ..Options::default() });
    link.run(SECOND);
    assert!(matches!(link.server_errors[0], DtlsError::WrongCertificate), "{:?}", link.server_errors);
    assert!(link.established.is_none() && link.client_complete_at.is_none());
    let later = link.server.handle_datagram(link.now, &[21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0]);
    assert!(matches!(later, Err(DtlsError::Unexpected)), "nothing revives it");
}

/// Loses the k-th datagram of a direction once, for every k that a handshake without loss has.
fn lose_each_once(mtu: usize) {
    let mut lossless = Link::new(Options { mtu, ..Options::default() });
    lossless.complete(SECOND);
    for direction in [Direction::ToServer, Direction::ToClient] {
        for lost in 1..=lossless.sent[direction as usize] {
            let copies = Box::new(move |to, n| usize::from((to, n) != (direction, lost)));
            let mut link = Link::new(Options { mtu, copies, ..Options::default() });
            let (took, _) = link.complete(SECOND);
            assert!(took < Duration::from_millis(500), "{direction:?} {lost} lost: {took:?}");
        }
    }
}

#[test]
fn any_single_lost_datagram_is_made_up_for_within_half_a_second() {
    lose_each_once(1_200);
}

#[test]
fn any_single_lost_fragment_is_made_up_for_within_half_a_second() {
    lose_each_once(150);
}

#[test]
fn our_own_timer_makes_up_for_a_lost_flight_when_the_client_is_slow() {
    for lost in [1, 2] {
        let copies = Box::new(move |to, n| usize::from((to, n) != (Direction::ToClient, lost)));
        let client_interval = Duration::from_secs(60);
        let (took, _) = Link::new(Options { client_interval, copies, ..Options::default() }).complete(SECOND);
        assert_eq!(took, 6 * LATENCY + Duration::from_millis(50), "datagram {lost} lost");
    }
}

#[test]
fn a_repeated_client_hello_is_answered_although_our_timer_has_given_up() {
    // The flight is lost eight times by the timer; then the client, which was away, asks again.
    let copies = Box::new(|to, n| usize::from(to == Direction::ToServer || !(2..=10).contains(&n)));
    let client_interval = Duration::from_secs(6);
    let mut link = Link::new(Options { client_interval, copies, ..Options::default() });
    let (took, _) = link.complete(Duration::from_secs(20));
    assert_eq!(took, 6 * LATENCY + client_interval);
}

#[test]
fn duplicated_datagrams_do_no_harm() {
    for mtu in [1_200, 150] {
        let mut link = Link::new(Options { mtu, copies: Box::new(|_, _| 2), ..Options::default() });
        assert_eq!(link.complete(SECOND).0, 6 * LATENCY);
        assert!(link.sent[1] < 40, "duplicates do not multiply");
    }
}

/// All orders of `0..count`.
fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![vec![]];
    }
    let shorter = permutations(count - 1);
    let places = |order: &Vec<usize>| -> Vec<Vec<usize>> {
        let insert = |at| {
            let mut longer = order.clone();
            longer.insert(at, count - 1);
            longer
        };
        (0..count).map(insert).collect()
    };
    shorter.iter().flat_map(places).collect()
}

#[test]
fn the_fragments_of_a_client_hello_may_come_in_any_order_and_twice() {
    let mtu = 40;
    let mut lossless = Link::new(Options { mtu, ..Options::default() });
    lossless.collect();
    let fragments = lossless.sent[Direction::ToServer as usize];
    assert!((2..=5).contains(&fragments), "{fragments} fragments");
    for copies in [1, 2] {
        for order in permutations(fragments) {
            let places = order.clone();
            let delay = Box::new(move |to, n: usize| match to {
                Direction::ToServer if n <= places.len() => Duration::from_millis(places[n - 1] as u64),
                Direction::ToServer | Direction::ToClient => Duration::ZERO,
            });
            let copies = Box::new(move |_, _| copies);
            let (took, _) = Link::new(Options { mtu, delay, copies, ..Options::default() }).complete(SECOND);
            assert!(took < Duration::from_millis(200), "{order:?}: {took:?}");
        }
    }
}

#[test]
fn garbage_between_the_datagrams_is_ignored() {
    let mut link = Link::new(Options::default());
    let garbage: [&[u8]; 5] = [
        &[],
        &[22],
        &[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 200, 1, 2, 3],
        &[21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 2, 40, 0],
        &[23, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 2, 40, 0],
    ];
    for step in 1..8 {
        for octets in garbage {
            let refused = link.server.handle_datagram(link.now, octets);
            assert!(matches!(refused, Err(DtlsError::Malformed)));
        }
        link.run(step * LATENCY);
    }
    link.complete(SECOND);
}

#[test]
fn a_flood_of_fragments_is_cut_off_and_costs_a_bounded_number_of_answers() {
    let mut link = Link::new(Options { copies: Box::new(|_, n| usize::from(n == 1)), ..Options::default() });
    link.run(3 * LATENCY);
    let fragment = |seq: u16| {
        let mut octets = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 9, 0, 0, 0, 13];
        octets[9..11].copy_from_slice(&seq.to_be_bytes());
        octets.extend([11, 0, 0x20, 0, 0, 2, 0]);
        octets.extend(seq.to_be_bytes());
        octets.extend([0, 0, 1, 0]);
        octets
    };
    let refused =
        (0..2_000).filter(|seq| link.server.handle_datagram(link.now, &fragment(*seq)).is_err()).count();
    assert!(refused > 1_800, "{refused}");
    assert!(link.server.transmits.len() <= TRANSMITS_MAX);
}

#[test]
fn close_notify_of_either_side_ends_the_association() {
    let mut link = Link::new(Options::default());
    link.complete(SECOND);
    link.client.stop(link.now, SERVER);
    link.run(2 * SECOND);
    assert!(link.server_closed);

    let mut link = Link::new(Options::default());
    link.complete(SECOND);
    link.server.close(link.now);
    let goodbye = link.server.poll_transmit().unwrap();
    let events = link.client.read(link.now, SERVER, None, goodbye).unwrap();
    assert!(matches!(events[..], [EndpointEvent::PeerClosed]));
    let later = link.server.handle_datagram(link.now, &[20, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
    assert!(matches!(later, Err(DtlsError::Unexpected)));
}

#[test]
fn a_forged_alert_after_the_handshake_is_ignored() {
    let mut link = Link::new(Options::default());
    link.complete(SECOND);
    let forged = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 9, 9, 0, 2, 2, 40];
    assert!(link.server.handle_datagram(link.now, &forged).unwrap().is_none());
    link.client.stop(link.now, SERVER);
    link.run(2 * SECOND);
    assert!(link.server_closed, "the association still works");
}

#[test]
fn a_server_may_live_on_another_thread_than_it_was_made_on() {
    fn check<T: Send>(_: T) {}
    let certificate = Certificate::generate().unwrap();
    check(Server::new(&certificate, certificate.fingerprint()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Six at most: the client of `rtc` gives up after eight attempts at a flight, 400 ms here, and every loss can cost one.
    #[test]
    fn a_handshake_completes_when_every_fifth_datagram_is_lost(
        is_lost in proptest::collection::vec(proptest::bool::weighted(0.2), 400), mtu in 150_usize..1_200
    ) {
        let (mut order, mut left) = (0, 6);
        let copies = Box::new(move |_, _| {
            order += 1;
            let is_lost = is_lost[order % is_lost.len()] && left > 0;
            left -= usize::from(is_lost);
            usize::from(!is_lost)
        });
        Link::new(Options { mtu, copies, ..Options::default() }).complete(Duration::from_secs(10));
    }

    #[test]
    fn arbitrary_datagrams_never_panic(
        octets in proptest::collection::vec(any::<u8>(), 0..100), progress in 0_u32..7, content_type in 20_u8..24
    ) {
        let mut link = Link::new(Options::default());
        link.run(progress * LATENCY);
        let mut record = vec![content_type, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 99];
        record.extend((octets.len() as u16).to_be_bytes());
        record.extend(&octets);
        for datagram in [&octets, &record] {
            let _ = link.server.handle_datagram(link.now, datagram);
        }
    }
}
