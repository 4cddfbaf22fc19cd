//! The agent against requests written by hand and the vectors of RFC 5769.

use std::net::SocketAddr;

use proptest::prelude::*;

use super::*;
use crate::address::TcpConnection;

/// RFC 5769 §2.1, with ICE-CONTROLLED and a padding of blanks.
const RFC_5769_REQUEST: &[u8] = b"\x00\x01\x00\x58\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\
    \x80\x22\x00\x10STUN test client\x00\x24\x00\x04\x6e\x00\x01\xff\x80\x29\x00\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36\
    \x00\x06\x00\x09evtj:h6vY   \x00\x08\x00\x14\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\x78\x1e\xf2\xb5\xb2\xd3\xf2\x49\
    \xc1\xb5\x71\xa2\x80\x28\x00\x04\xe5\x7a\x3b\xcf";

/// RFC 5769 §2.2, to 192.0.2.1:32853.
const RFC_5769_RESPONSE_V4: &[u8] = b"\x01\x01\x00\x3c\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\
    \x80\x22\x00\x0btest vector \x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43\x00\x08\x00\x14\x2b\x91\xf5\x99\
    \xfd\x9e\x90\xc3\x8c\x74\x89\xf9\x2a\xf9\xba\x53\xf0\x6b\xe7\xd7\x80\x28\x00\x04\xc0\x7d\x4c\x96";

/// RFC 5769 §2.3, to [2001:db8:1234:5678:11:2233:4455:6677]:32853.
const RFC_5769_RESPONSE_V6: &[u8] = b"\x01\x01\x00\x48\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\
    \x80\x22\x00\x0btest vector \x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\
    \xbe\xd2\xb9\xd9\x00\x08\x00\x14\xa3\x82\x95\x4e\x4b\xe6\x7b\xf1\x17\x84\xc9\x7c\x82\x92\xc2\x75\xbf\xe3\xed\x41\
    \x80\x28\x00\x04\xc8\xfb\x0b\x4c";

const RFC_5769_PWD: &str = "VOkJxbRl1RmTxUk/WvJxBt";

fn key(pwd: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, pwd.as_bytes())
}

pub(super) fn agent() -> LiteAgent {
    LiteAgent::new(Credentials::fixed("evtj", RFC_5769_PWD), "h6vY").unwrap()
}

pub(super) fn address(port: u16) -> Address {
    SocketAddr::from(([192, 0, 2, 1], port)).into()
}

/// A request as a browser writes it, with attributes of choice before MESSAGE-INTEGRITY.
pub(super) struct Request {
    octets: Vec<u8>,
}

impl Request {
    pub(super) fn new(username: &str) -> Self {
        let mut octets = RFC_5769_REQUEST[..20].to_vec();
        octets[2..4].fill(0);
        Self { octets }.attribute(0x0006, username.as_bytes())
    }

    fn browser() -> Self {
        Self::new("evtj:h6vY").attribute(0x0024, &[0x6e, 0, 1, 255]).attribute(0x802a, &[1; 8])
    }

    fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        self.octets.extend(kind.to_be_bytes());
        self.octets.extend((value.len() as u16).to_be_bytes());
        self.octets.extend(value);
        self.octets.resize(self.octets.len().next_multiple_of(4), 0);
        let length = (self.octets.len() - 20) as u16;
        self.octets[2..4].copy_from_slice(&length.to_be_bytes());
        self
    }

    pub(super) fn use_candidate(self) -> Self {
        self.attribute(0x0025, &[])
    }

    pub(super) fn sealed(mut self, pwd: &str) -> Vec<u8> {
        let length = (self.octets.len() + 4) as u16;
        self.octets[2..4].copy_from_slice(&length.to_be_bytes());
        let tag = hmac::sign(&key(pwd), &self.octets);
        self.attribute(0x0008, tag.as_ref()).octets
    }
}

fn handle(agent: &mut LiteAgent, now: Instant, port: u16, request: Request) -> Verdict {
    let mut response = Response::new();
    agent.handle(now, address(port), &request.sealed(RFC_5769_PWD), &mut response).unwrap()
}

fn attribute(message: &[u8], kind: u16) -> Option<&[u8]> {
    let mut rest = &message[20..];
    while let [k0, k1, l0, l1, value @ ..] = rest {
        let len = usize::from(u16::from_be_bytes([*l0, *l1]));
        if u16::from_be_bytes([*k0, *k1]) == kind {
            return Some(&value[..len]);
        }
        rest = &value[len.next_multiple_of(4)..];
    }
    None
}

#[test]
fn the_request_of_rfc_5769_is_verified_and_its_role_conflict_answered() {
    let mut response = Response::new();
    let verdict = agent().handle(Instant::now(), address(1), RFC_5769_REQUEST, &mut response);
    assert_eq!(verdict, Ok(Verdict::RoleConflict));
    let answer = Message::parse(response.as_bytes()).unwrap();
    assert_eq!(answer.message_type(), 0x0111);
    assert_eq!(answer.verify_integrity(&key(RFC_5769_PWD)), Ok(()));
    assert_eq!(attribute(response.as_bytes(), 0x0009).unwrap()[..4], [0, 0, 4, 87]);
}

#[test]
fn the_responses_of_rfc_5769_are_verified_and_ours_map_the_same_addresses() {
    let v6: SocketAddr = "[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().unwrap();
    let mapped: SocketAddr = "[::ffff:192.0.2.1]:32853".parse().unwrap();
    let tcp = TcpConnection { id: 7, remote: v6 };
    let cases = [
        (RFC_5769_RESPONSE_V4, address(32853)),
        (RFC_5769_RESPONSE_V4, mapped.into()),
        (RFC_5769_RESPONSE_V6, v6.into()),
        (RFC_5769_RESPONSE_V6, tcp.into()),
    ];
    for (vector, from) in cases {
        assert_eq!(Message::parse(vector).unwrap().verify_integrity(&key(RFC_5769_PWD)), Ok(()));
        let mut response = Response::new();
        let request = Request::browser().sealed(RFC_5769_PWD);
        agent().handle(Instant::now(), from, &request, &mut response).unwrap();
        assert_eq!(attribute(response.as_bytes(), 0x0020), attribute(vector, 0x0020));
        assert_eq!(response.as_bytes()[4..20], request[4..20], "cookie and transaction are echoed");
    }
}

#[test]
fn whoever_does_not_know_the_password_gets_no_answer_and_binds_nothing() {
    let now = Instant::now();
    let forged = [
        (Request::browser().use_candidate().sealed("wrong"), IceError::Integrity),
        (Request::browser().use_candidate().octets, IceError::Integrity),
        // A role conflict must not be looked at before integrity either.
        (Request::new("evtj:h6vY").attribute(0x8029, &[1; 8]).sealed("wrong"), IceError::Integrity),
        (Request::new("evtj:h6vY").attribute(0x7fff, &[1; 8]).sealed("wrong"), IceError::Integrity),
        (Request::new("evtj:other").sealed(RFC_5769_PWD), IceError::Username),
        (Request::new("evtj").sealed(RFC_5769_PWD), IceError::Username),
        (Request::new("evtj:h6vY:x").sealed(RFC_5769_PWD), IceError::Username),
        (RFC_5769_RESPONSE_V4.to_vec(), IceError::NotBindingRequest { message_type: 0x0101 }),
    ];
    for (datagram, expected) in forged {
        let mut agent = agent();
        let mut response = Response::new();
        assert_eq!(agent.handle(now, address(1), &datagram, &mut response), Err(expected));
        assert!(response.as_bytes().is_empty());
        assert_eq!(agent.selected(), None);
        assert!(!agent.is_validated(address(1), now));
    }
}

#[test]
fn every_changed_octet_of_a_request_is_noticed() {
    let now = Instant::now();
    // A changed type of FINGERPRINT makes it an unknown attribute behind MESSAGE-INTEGRITY, which is ignored.
    let fingerprint_at = RFC_5769_REQUEST.len() - 8;
    for at in (0..RFC_5769_REQUEST.len()).filter(|at| !(fingerprint_at..fingerprint_at + 2).contains(at)) {
        let mut request = RFC_5769_REQUEST.to_vec();
        request[at] ^= 1;
        let mut response = Response::new();
        let refused = agent().handle(now, address(1), &request, &mut response);
        assert!(refused.is_err(), "octet {at}");
    }
}

#[test]
fn an_unknown_required_attribute_is_named_in_a_420() {
    let now = Instant::now();
    let mut agent = agent();
    let mut response = Response::new();
    let mut request = Request::browser().attribute(0xc057, &[0; 4]);
    for kind in 0x7f00..0x7f09 {
        request = request.attribute(kind, &[1, 2, 3]);
    }
    let verdict = agent.handle(now, address(1), &request.sealed(RFC_5769_PWD), &mut response);
    assert_eq!(verdict, Ok(Verdict::UnknownAttributes));
    assert_eq!(attribute(response.as_bytes(), 0x0009).unwrap()[..4], [0, 0, 4, 20]);
    assert_eq!(attribute(response.as_bytes(), 0x000a).unwrap(), [0x7f, 0, 0x7f, 1, 0x7f, 2, 0x7f, 3]);
    assert_eq!(response.as_bytes().len(), 92);
    let answer = Message::parse(response.as_bytes()).unwrap();
    assert_eq!(answer.verify_integrity(&key(RFC_5769_PWD)), Ok(()));
    assert!(!agent.is_validated(address(1), now));
}

#[test]
fn what_follows_message_integrity_is_ignored() {
    let now = Instant::now();
    let mut sealed = Request { octets: Request::browser().sealed(RFC_5769_PWD) };
    sealed = sealed.attribute(0x0025, &[]).attribute(0x7fff, &[]);
    let verdict = agent().handle(now, address(1), &sealed.octets, &mut Response::new());
    assert_eq!(verdict, Ok(Verdict::Validated { nominated: false }));
}

#[test]
fn the_latest_nomination_is_followed() {
    let (mut agent, now) = (agent(), Instant::now());
    assert_eq!(agent.selected(), None);
    assert_eq!(handle(&mut agent, now, 1, Request::browser()), Verdict::Validated { nominated: false });
    assert_eq!(agent.selected(), Some(address(1)), "the first validated address serves until a nomination");
    handle(&mut agent, now, 2, Request::browser());
    assert_eq!(agent.selected(), Some(address(1)));
    let nominated = handle(&mut agent, now, 2, Request::browser().use_candidate());
    assert_eq!(nominated, Verdict::Validated { nominated: true });
    assert_eq!(agent.selected(), Some(address(2)));
    handle(&mut agent, now, 1, Request::browser());
    assert_eq!(agent.selected(), Some(address(2)), "a check alone does not move the selection");
    handle(&mut agent, now, 3, Request::browser().use_candidate());
    assert_eq!(agent.selected(), Some(address(3)));
}

#[test]
fn an_address_expires_without_checks() {
    let (mut agent, start) = (agent(), Instant::now());
    handle(&mut agent, start, 1, Request::browser().use_candidate());
    let almost = start + CONSENT_EXPIRY - Duration::from_nanos(1);
    assert!(agent.is_validated(address(1), almost));
    assert!(!agent.is_validated(address(1), start + CONSENT_EXPIRY));
    assert_eq!(agent.poll_timeout(), Some(start + CONSENT_EXPIRY));
    assert_eq!(agent.handle_timeout(almost), None);
    handle(&mut agent, almost, 1, Request::browser());
    assert_eq!(agent.handle_timeout(start + CONSENT_EXPIRY), None, "a check renews the consent");
    assert_eq!(agent.handle_timeout(almost + CONSENT_EXPIRY), Some(Event::Disconnected));
    assert_eq!((agent.selected(), agent.poll_timeout()), (None, None));
    assert_eq!(agent.handle_timeout(almost + 2 * CONSENT_EXPIRY), None, "it is said once");
    handle(&mut agent, almost + 2 * CONSENT_EXPIRY, 4, Request::browser());
    assert_eq!(agent.selected(), Some(address(4)), "a later check connects again");
}

#[test]
fn another_live_address_takes_over_when_the_selected_one_expires() {
    let (mut agent, start) = (agent(), Instant::now());
    handle(&mut agent, start, 1, Request::browser().use_candidate());
    handle(&mut agent, start + Duration::from_secs(10), 2, Request::browser());
    handle(&mut agent, start + Duration::from_secs(5), 3, Request::browser());
    assert_eq!(agent.handle_timeout(start + CONSENT_EXPIRY), None);
    assert_eq!(agent.selected(), Some(address(2)));
}

#[test]
fn more_addresses_than_allowed_push_out_the_oldest_but_never_the_selected() {
    let (mut agent, start) = (agent(), Instant::now());
    handle(&mut agent, start, 1, Request::browser().use_candidate());
    for port in 2..40 {
        let now = start + Duration::from_millis(u64::from(port));
        handle(&mut agent, now, port, Request::browser());
        assert!(agent.validated(now).count() <= PATHS_MAX);
    }
    let now = start + Duration::from_secs(1);
    assert_eq!(agent.selected(), Some(address(1)));
    assert!(agent.is_validated(address(1), now));
    assert!(agent.is_validated(address(39), now));
    assert!(!agent.is_validated(address(32), now));
    assert!(agent.is_validated(address(33), now));
}

#[test]
fn the_demultiplexer_finds_our_ufrag() {
    assert_eq!(peek_local_ufrag(RFC_5769_REQUEST), Some("evtj"));
    assert_eq!(peek_local_ufrag(RFC_5769_RESPONSE_V4), None);
    assert_eq!(peek_local_ufrag(&Request::new("").octets), None);
    assert_eq!(peek_local_ufrag(b"\x80\x60rtp"), None);
}

#[test]
fn credentials_use_ice_characters_and_hide_the_password() {
    let random = std::array::from_fn(|at| (at * 37) as u8);
    let credentials = Credentials::from_random(&random);
    assert_eq!((credentials.ufrag().len(), credentials.pwd().len()), (8, 24));
    assert!(credentials::is_ufrag(credentials.ufrag().as_bytes()));
    assert!(credentials::is_ufrag(credentials.pwd().as_bytes()));
    let shown = format!("{credentials:?} {:?}", LiteAgent::new(credentials.clone(), "abcd").unwrap());
    assert!(!shown.contains(credentials.pwd()), "{shown}");
    assert_ne!(credentials, Credentials::from_random(&[0; Credentials::RANDOM_LEN]));
}

#[test]
fn a_ufrag_tells_its_shard() {
    for shard in [0, 1, 63, 64, 4095] {
        let credentials = Credentials::from_random(&[0x5a; Credentials::RANDOM_LEN]).for_shard(shard);
        assert_eq!(credentials.ufrag().len(), 8);
        assert!(credentials::is_ufrag(credentials.ufrag().as_bytes()));
        assert_eq!(shard_of(credentials.ufrag()), Some(shard));
    }
    for foreign in ["", "A", "-A", "\u{e9}A"] {
        assert_eq!(shard_of(foreign), None);
    }
}

#[test]
fn an_address_that_is_gone_makes_room_for_another_at_once() {
    let (mut agent, now) = (agent(), Instant::now());
    handle(&mut agent, now, 1, Request::browser());
    handle(&mut agent, now, 2, Request::browser().use_candidate());
    agent.forget(address(2));
    assert_eq!(agent.selected(), Some(address(1)));
    agent.forget(address(9));
    agent.forget(address(1));
    assert_eq!(agent.selected(), None);
}

#[test]
fn a_remote_ufrag_is_checked() {
    for ufrag in ["", "abc", "a b c d", "ab:cd", &"x".repeat(257)] {
        let refused = LiteAgent::new(Credentials::fixed("evtj", "pwd"), ufrag).unwrap_err();
        assert_eq!(refused, IceError::InvalidUfrag);
    }
}

proptest! {
    #[test]
    fn arbitrary_and_truncated_datagrams_never_panic(
        mut datagram in proptest::collection::vec(any::<u8>(), 0..120), cut in 0_usize..130, genuine: bool
    ) {
        if genuine && datagram.len() >= 20 {
            let length = (datagram.len() - 20) as u16;
            datagram[..2].copy_from_slice(&[0, 1]);
            datagram[2..4].copy_from_slice(&length.to_be_bytes());
            datagram[4..8].copy_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
        }
        let mut agent = agent();
        let mut response = Response::new();
        prop_assert!(agent.handle(Instant::now(), address(1), &datagram, &mut response).is_err());
        let _ = peek_local_ufrag(&datagram);
        let cut = cut.min(RFC_5769_REQUEST.len() - 1);
        let truncated = agent.handle(Instant::now(), address(1), &RFC_5769_REQUEST[..cut], &mut response);
        prop_assert_eq!(truncated, Err(IceError::Malformed));
        prop_assert_eq!(peek_local_ufrag(&RFC_5769_REQUEST[..cut]), None);
    }
}
