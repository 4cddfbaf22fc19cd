//! ICE restarts: two generations of credentials beside each other.

use super::tests::{Request, address};
use super::*;

const NEW_PWD: &str = "another22characterpasswd";

fn generation(ufrag: &str, pwd: &str) -> LiteAgent {
    LiteAgent::new(Credentials::fixed(ufrag, pwd), "h6vY").unwrap()
}

/// A session whose first generation (`aaaa`) has the nominated path 1, after a restart (`bbbb`).
fn restarted(now: Instant) -> Session {
    let mut session = Session::new(generation("aaaa", "old"));
    check(&mut session, now, 1, "aaaa", "old", true).unwrap();
    session.restart(generation("bbbb", NEW_PWD));
    session
}

fn check(
    session: &mut Session,
    now: Instant,
    port: u16,
    ufrag: &str,
    pwd: &str,
    nominates: bool,
) -> Result<Verdict, IceError> {
    let request = Request::new(&format!("{ufrag}:h6vY"));
    let request = if nominates { request.use_candidate() } else { request };
    session.handle(now, address(port), &request.sealed(pwd), &mut Response::new())
}

fn released(session: &mut Session) -> Vec<Address> {
    session.take_released().collect()
}

#[test]
fn the_old_path_serves_until_the_new_generation_is_nominated() {
    let now = Instant::now();
    let mut session = restarted(now);
    assert_eq!(session.selected(), Some(address(1)));
    assert!(session.is_validated(address(1), now), "what comes from the old path is still the peer's");
    check(&mut session, now, 2, "bbbb", NEW_PWD, false).unwrap();
    assert!(session.is_validated(address(2), now));
    assert_eq!(session.selected(), Some(address(1)), "a check alone does not end the old generation");
    check(&mut session, now, 2, "bbbb", NEW_PWD, true).unwrap();
    assert_eq!(session.selected(), Some(address(2)));
    assert!(!session.is_validated(address(1), now));
    assert_eq!(released(&mut session), [address(1)]);
    let old = check(&mut session, now, 1, "aaaa", "old", true);
    assert_eq!(old, Err(IceError::Integrity), "the old credentials are gone with the old path");
}

#[test]
fn checks_of_the_old_generation_are_answered_meanwhile() {
    let start = Instant::now();
    let mut session = restarted(start);
    let later = start + CONSENT_EXPIRY - Duration::from_secs(1);
    let verdict = check(&mut session, later, 1, "aaaa", "old", true);
    assert_eq!(verdict, Ok(Verdict::Validated { nominated: true }));
    assert_eq!(session.handle_timeout(start + CONSENT_EXPIRY), None, "the check renewed the consent");
    assert_eq!(session.selected(), Some(address(1)));
    let mixed = check(&mut session, later, 3, "aaaa", NEW_PWD, true);
    assert_eq!(mixed, Err(IceError::Integrity), "each generation has its own password");
}

#[test]
fn the_same_address_in_both_generations_stays_the_peer_s() {
    let now = Instant::now();
    let mut session = restarted(now);
    check(&mut session, now, 1, "bbbb", NEW_PWD, true).unwrap();
    assert_eq!(session.selected(), Some(address(1)));
    assert!(released(&mut session).is_empty());
}

#[test]
fn restarts_in_a_row_keep_the_generation_that_has_a_path() {
    let now = Instant::now();
    let mut session = restarted(now);
    session.restart(generation("cccc", NEW_PWD));
    assert_eq!(session.selected(), Some(address(1)));
    assert!(session.answers_to("aaaa") && session.answers_to("cccc") && !session.answers_to("bbbb"));
    check(&mut session, now, 5, "cccc", NEW_PWD, true).unwrap();
    assert_eq!(session.selected(), Some(address(5)));
    assert!(!session.answers_to("aaaa"));
}

#[test]
fn a_restart_before_any_path_leaves_nothing_of_the_first_generation() {
    let now = Instant::now();
    let mut session = Session::new(generation("aaaa", "old"));
    session.restart(generation("bbbb", NEW_PWD));
    assert!(!session.answers_to("aaaa"));
    check(&mut session, now, 2, "bbbb", NEW_PWD, false).unwrap();
    assert_eq!(session.selected(), Some(address(2)), "a first address serves before any nomination");
}

#[test]
fn a_generation_that_was_left_expires_and_the_new_one_s_address_takes_over() {
    let start = Instant::now();
    let mut session = restarted(start);
    let later = start + Duration::from_secs(5);
    check(&mut session, later, 2, "bbbb", NEW_PWD, false).unwrap();
    assert_eq!(session.poll_timeout(), Some(start + CONSENT_EXPIRY));
    assert_eq!(session.handle_timeout(start + CONSENT_EXPIRY), None);
    assert_eq!(session.selected(), Some(address(2)));
    assert_eq!(released(&mut session), [address(1)]);
    assert!(!session.answers_to("aaaa"));
    assert_eq!(session.handle_timeout(later + CONSENT_EXPIRY), Some(Event::Disconnected));
}

#[test]
fn every_address_that_makes_room_is_released_once() {
    let start = Instant::now();
    let mut session = Session::new(generation("aaaa", "old"));
    let mut given_up = Vec::new();
    for port in 1..=100 {
        let now = start + Duration::from_millis(u64::from(port));
        check(&mut session, now, port, "aaaa", "old", port == 1).unwrap();
        given_up.extend(released(&mut session));
    }
    assert_eq!(given_up.len(), 100 - PATHS_MAX);
    let now = start + Duration::from_millis(100);
    assert!(given_up.iter().all(|address| !session.is_validated(*address, now)));
    assert_eq!(session.selected(), Some(address(1)));
}
