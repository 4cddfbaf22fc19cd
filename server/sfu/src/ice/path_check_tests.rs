//! Checks of ours, answered by an independent STUN implementation.

use std::time::{Duration, Instant};

use rtc::stun::fingerprint::{FINGERPRINT, FingerprintAttr};
use rtc::stun::integrity::MessageIntegrity;
use rtc::stun::message::{BINDING_SUCCESS, Message as TheirMessage, Setter as _};

use super::tests::{address, agent};
use super::*;

const THEIR_PWD: &str = "9b4424d9e8c5e253c0290d63328b55b3";
const TRANSACTION: [u8; TRANSACTION_LEN] = *b"transaction!";

fn check(now: Instant) -> PathCheck {
    PathCheck::new(now, address(7), TRANSACTION, &agent(), THEIR_PWD)
}

/// What a client with this password makes of the request.
fn answer(request: &[u8], pwd: &str) -> Vec<u8> {
    let provider = rtc::crypto::default_provider().unwrap();
    let mut asked = TheirMessage::new();
    asked.unmarshal_binary(request).unwrap();
    FingerprintAttr.check(&asked).unwrap();
    MessageIntegrity::check(&mut asked, THEIR_PWD.as_bytes(), provider.crypto()).unwrap();
    assert_eq!(asked.get(rtc::stun::attributes::ATTR_USERNAME).unwrap(), b"h6vY:evtj");
    let mut answer = TheirMessage::new();
    answer.set_type(BINDING_SUCCESS);
    answer.transaction_id = asked.transaction_id;
    answer.write_header();
    MessageIntegrity::new_short_term_integrity_with_provider(pwd.to_owned(), provider.crypto())
        .add_to(&mut answer)
        .unwrap();
    FINGERPRINT.add_to(&mut answer).unwrap();
    answer.raw
}

#[test]
fn a_check_is_understood_and_its_answer_is_accepted_from_that_address_alone() {
    let mut check = check(Instant::now());
    let request = check.poll_transmit(Instant::now()).unwrap().to_vec();
    let answer = answer(&request, THEIR_PWD);
    assert_eq!(peek_transaction_of_success(&answer), Some(&TRANSACTION[..]));
    assert!(check.is_answered_by(address(7), &answer));
    assert!(!check.is_answered_by(address(8), &answer));
    assert!(!check.is_answered_by(address(7), &request), "what we sent ourselves comes back");
}

#[test]
fn an_answer_with_another_password_or_for_another_check_is_none() {
    let now = Instant::now();
    let request = check(now).poll_transmit(now).unwrap().to_vec();
    assert!(!check(now).is_answered_by(address(7), &answer(&request, "another password, long enough")));
    let other = PathCheck::new(now, address(7), [9; TRANSACTION_LEN], &agent(), THEIR_PWD);
    assert!(!other.is_answered_by(address(7), &answer(&request, THEIR_PWD)));
}

#[test]
fn a_check_is_repeated_six_times_ever_more_slowly_and_then_given_up() {
    let start = Instant::now();
    let mut check = check(start);
    let mut sent = Vec::new();
    for ms in 0..4000 {
        let now = start + Duration::from_millis(ms);
        if check.poll_transmit(now).is_some() {
            sent.push(ms);
        }
        assert_eq!(check.is_over(now), ms >= 3150, "{ms}");
    }
    assert_eq!(sent, [0, 50, 150, 350, 750, 1550]);
}

#[test]
fn the_longest_user_fragment_fits() {
    let agent = LiteAgent::new(Credentials::from_random(&[1; 24]), &"x".repeat(256)).unwrap();
    let now = Instant::now();
    let mut check = PathCheck::new(now, address(1), TRANSACTION, &agent, THEIR_PWD);
    let request = check.poll_transmit(now).unwrap();
    assert!(Message::parse(request).is_ok());
}
