//! Requests written and responses read by an independent STUN implementation.

use std::net::SocketAddr;
use std::time::Instant;

use rtc::stun::attributes::{ATTR_ICE_CONTROLLING, ATTR_PRIORITY, ATTR_USE_CANDIDATE, ATTR_USERNAME};
use rtc::stun::error_code::ErrorCodeAttribute;
use rtc::stun::fingerprint::{FINGERPRINT, FingerprintAttr};
use rtc::stun::integrity::MessageIntegrity;
use rtc::stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Getter, Message as TheirMessage, Setter};
use rtc::stun::xoraddr::XorMappedAddress;

use super::tests::agent;
use super::*;

const PWD: &str = "VOkJxbRl1RmTxUk/WvJxBt";

fn their_request(extra: &[(rtc::stun::attributes::AttrType, &[u8])]) -> TheirMessage {
    let provider = rtc::crypto::default_provider().unwrap();
    let mut request = TheirMessage::new();
    request.set_type(BINDING_REQUEST);
    request.new_transaction_id().unwrap();
    request.write_header();
    request.add(ATTR_USERNAME, b"evtj:h6vY");
    for (kind, value) in extra {
        request.add(*kind, value);
    }
    MessageIntegrity::new_short_term_integrity_with_provider(PWD.to_owned(), provider.crypto())
        .add_to(&mut request)
        .unwrap();
    FINGERPRINT.add_to(&mut request).unwrap();
    request
}

fn their_view(response: &Response) -> TheirMessage {
    let provider = rtc::crypto::default_provider().unwrap();
    let mut message = TheirMessage::new();
    message.unmarshal_binary(response.as_bytes()).unwrap();
    FingerprintAttr.check(&message).unwrap();
    MessageIntegrity::check(&mut message, PWD.as_bytes(), provider.crypto()).unwrap();
    message
}

#[test]
fn a_check_of_rtc_stun_is_answered_in_a_way_it_understands() {
    for from in ["198.51.100.7:40000", "[2001:db8::77]:40001"] {
        let from: SocketAddr = from.parse().unwrap();
        let request = their_request(&[
            (ATTR_PRIORITY, &[1, 2, 3, 4]),
            (ATTR_ICE_CONTROLLING, &[9; 8]),
            (ATTR_USE_CANDIDATE, &[]),
        ]);
        let mut response = Response::new();
        let verdict = agent().handle(Instant::now(), from.into(), &request.raw, &mut response);
        assert_eq!(verdict, Ok(Verdict::Validated { nominated: true }));
        let answer = their_view(&response);
        assert_eq!(answer.typ, BINDING_SUCCESS);
        assert_eq!(answer.transaction_id, request.transaction_id);
        let mut mapped = XorMappedAddress::default();
        mapped.get_from(&answer).unwrap();
        assert_eq!((mapped.ip, mapped.port), (from.ip(), from.port()));
    }
}

#[test]
fn errors_are_understood_by_rtc_stun() {
    let cases =
        [(rtc::stun::attributes::ATTR_ICE_CONTROLLED, 487), (rtc::stun::attributes::AttrType(0x7abc), 420)];
    for (kind, code) in cases {
        let mut response = Response::new();
        let request = their_request(&[(kind, &[9; 8])]);
        agent()
            .handle(Instant::now(), SocketAddr::from(([1, 2, 3, 4], 5)).into(), &request.raw, &mut response)
            .unwrap();
        let mut error = ErrorCodeAttribute::default();
        error.get_from(&their_view(&response)).unwrap();
        assert_eq!(error.code.0, code);
    }
}
