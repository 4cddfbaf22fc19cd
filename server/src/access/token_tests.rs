use proptest::prelude::*;

use shared::limits::{EXTERNAL_ID_BYTES_MAX, METADATA_BYTES_MAX};

use super::*;
use crate::access::key::Material;

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

fn parties() -> Parties {
    Parties { audience: "visavis".to_owned(), issuer: None }
}

fn secret(id: &str) -> Key {
    let material = Material::secret(&format!("{id}-secret-of-more-than-32-bytes-length")).unwrap();
    Key { id: KeyId::new(id).unwrap(), material, api: true, frame_ancestors: Vec::new() }
}

fn pair(id: &str) -> Key {
    Key { material: Material::from_seed([7; 32]).unwrap(), ..secret(id) }
}

fn ring(keys: &[Key]) -> Keyring {
    Keyring::new(keys.to_vec()).unwrap()
}

/// Grants with everything in them.
fn full() -> Grants {
    Grants {
        publish: PublishKinds { camera: false, ..PublishKinds::ALL },
        host: true,
        record: true,
        caption: true,
        hidden: true,
        participants_max: Some(12),
        name: DisplayName::new("Ada").ok(),
        external_id: ExternalId::new("u-1").ok(),
        metadata: Metadata::new(json!({"team": 7})).ok(),
        subject: ExternalId::new("ada").ok(),
        token_id: TokenId::new("t-1"),
        expires_at: Some(NOW.plus(600)),
        ..Grants::participant("standup".parse().unwrap())
    }
}

/// A token with exactly these parts, signed by `key` whatever its header says.
fn token_of(key: &Key, header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(header), encode(claims));
    let signature = key.material.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

fn least() -> Value {
    json!({"aud": "visavis", "iat": NOW.0, "exp": NOW.0 + 60, "room": "standup"})
}

/// The claims of [`least`] with these changed; `null` takes one away.
fn changed(changes: &Value) -> Value {
    let mut claims = least();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

fn check(changes: Value) -> Result<Grants, TokenError> {
    let key = secret("a");
    let token = token_of(&key, &json!({"alg": "HS256", "kid": "a"}), &changed(&changes));
    verify(&token, &ring(&[key]), &parties(), NOW)
}

#[test]
fn what_is_signed_comes_back_with_either_algorithm() {
    for key in [secret("a"), pair("b")] {
        let token = sign(&full(), &key, &parties(), NOW).unwrap();
        let grants = verify(&token, &ring(&[secret("a"), pair("b")]), &parties(), NOW).unwrap();
        assert_eq!(grants, Grants { key: Some(key.id), ..full() });
    }
}

#[test]
fn the_least_that_a_token_needs_gives_a_participant() {
    let grants = check(json!({})).unwrap();
    assert_eq!(grants.publish, PublishKinds::ALL);
    assert!(!grants.host && !grants.record && !grants.caption && !grants.hidden);
}

#[test]
fn a_token_of_another_library_is_read() {
    // Made with PyJWT 2: jwt.encode({...}, secret, algorithm="HS256", headers={"kid": "a"}).
    let token = include_str!("token_tests/pyjwt_hs256.txt").trim();
    assert!(verify(token, &ring(&[secret("a")]), &parties(), NOW).unwrap().host);
    let token = include_str!("token_tests/pyjwt_eddsa.txt").trim();
    assert!(verify(token, &ring(&[pair("b")]), &parties(), NOW).unwrap().host);
}

#[test]
fn both_keys_open_while_they_are_exchanged_and_a_removed_one_no_longer() {
    let token = sign(&full(), &secret("old"), &parties(), NOW).unwrap();
    assert!(verify(&token, &ring(&[secret("old"), secret("new")]), &parties(), NOW).is_ok());
    assert_eq!(verify(&token, &ring(&[secret("new")]), &parties(), NOW), Err(TokenError::UnknownKey));
}

#[test]
fn a_forged_token_is_refused() {
    let forged = Key { material: Material::secret(&"x".repeat(40)).unwrap(), ..secret("a") };
    let token = sign(&full(), &forged, &parties(), NOW).unwrap();
    assert_eq!(verify(&token, &ring(&[secret("a")]), &parties(), NOW), Err(TokenError::Signature));
}

#[test]
fn no_algorithm_is_no_signature() {
    let ring = ring(&[secret("a")]);
    for alg in ["none", "None", "nOnE", "", "HS512", "RS256"] {
        let token = token_of(&secret("a"), &json!({"alg": alg, "kid": "a"}), &least());
        let unsigned = token.rsplit_once('.').unwrap().0;
        for token in [token.clone(), format!("{unsigned}.")] {
            let expected = TokenError::Algorithm { expected: "HS256" };
            assert_eq!(verify(&token, &ring, &parties(), NOW), Err(expected), "{alg}");
        }
    }
}

#[test]
fn a_public_key_is_never_taken_for_a_secret() {
    // The classic confusion: an HMAC over the token with the public key's bytes as its secret.
    let (pair, pem) = (pair("b"), pair("b").material.to_pem().unwrap().1);
    let public = Key { material: Material::public_pem(&pem).unwrap(), ..pair };
    let forger = Key { material: Material::secret(&pem).unwrap(), ..secret("b") };
    let token = token_of(&forger, &json!({"alg": "HS256", "kid": "b"}), &least());
    let expected = Err(TokenError::Algorithm { expected: "EdDSA" });
    assert_eq!(verify(&token, &ring(std::slice::from_ref(&public)), &parties(), NOW), expected);
    let token = token_of(&forger, &json!({"alg": "EdDSA", "kid": "b"}), &least());
    assert_eq!(verify(&token, &ring(&[public]), &parties(), NOW), Err(TokenError::Signature));
}

#[test]
fn a_token_without_a_kid_is_read_only_while_there_is_one_key() {
    let token = token_of(&secret("a"), &json!({"alg": "HS256"}), &least());
    assert!(verify(&token, &ring(&[secret("a")]), &parties(), NOW).is_ok());
    let two = ring(&[secret("a"), secret("b")]);
    assert_eq!(verify(&token, &two, &parties(), NOW), Err(TokenError::KeyNotNamed));
    assert_eq!(verify(&token, &Keyring::default(), &parties(), NOW), Err(TokenError::UnknownKey));
}

#[test]
fn critical_extensions_are_refused() {
    let header = json!({"alg": "HS256", "kid": "a", "crit": ["b64"], "b64": false});
    let token = token_of(&secret("a"), &header, &least());
    assert_eq!(verify(&token, &ring(&[secret("a")]), &parties(), NOW), Err(TokenError::Critical));
}

#[test]
fn a_token_holds_from_its_begin_to_its_end_give_or_take_the_skew() {
    let at = |iat: i64, nbf: Option<i64>, exp: i64| {
        let time = |offset: i64| json!(NOW.0.saturating_add_signed(offset));
        check(json!({"iat": time(iat), "nbf": nbf.map(time), "exp": time(exp)})).err()
    };
    assert_eq!(at(-60, None, 60), None);
    assert_eq!(at(-60, None, -29), None, "within the skew");
    assert_eq!(at(-60, None, -30), Some(TokenError::Expired { ago_s: 30 }));
    assert_eq!(at(30, None, 60), None, "within the skew");
    assert_eq!(at(31, None, 60), Some(TokenError::NotYet { in_s: 31 }));
    assert_eq!(at(-60, Some(31), 60), Some(TokenError::NotYet { in_s: 31 }));
    let long = LIFETIME_MAX_S as i64;
    assert_eq!(at(0, None, long), None);
    assert!(matches!(at(0, None, long + 1), Some(TokenError::Lifetime { .. })));
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    for claim in ["exp", "iat", "aud", "room"] {
        assert_eq!(check(json!({claim: null})), Err(TokenError::Missing(claim)), "{claim}");
    }
    let wrong = [
        ("exp", json!("tomorrow")),
        ("exp", json!(-1)),
        ("iat", json!(true)),
        ("nbf", json!("now")),
        ("room", json!("Stand Up")),
        ("room", json!(["standup"])),
        ("host", json!("yes")),
        ("host", json!(1)),
        ("publish", json!("camera")),
        ("publish", json!(["everything"])),
        ("participants_max", json!(0)),
        ("participants_max", json!(70_000)),
        ("name", json!("\n")),
        ("external_id", json!("")),
        ("metadata", json!("x".repeat(2000))),
        ("jti", json!("a/b")),
        ("sub", json!(7)),
    ];
    for (claim, value) in wrong {
        let error = check(json!({claim: value})).unwrap_err();
        assert!(
            matches!(&error, TokenError::Claim { claim: found, .. } if *found == claim),
            "{claim}: {error}"
        );
    }
}

#[test]
fn times_may_have_fractions() {
    assert!(check(json!({"iat": NOW.0 as f64 - 0.5, "exp": NOW.0 as f64 + 60.25})).is_ok());
}

#[test]
fn a_token_is_for_this_server_and_this_use() {
    let refused = Err(TokenError::Audience);
    assert_eq!(check(json!({"aud": "another"})), refused);
    assert_eq!(check(json!({"aud": ["another", "visavis:api"]})), refused);
    assert_eq!(check(json!({"aud": 7})), refused);
    assert!(check(json!({"aud": ["another", "visavis"]})).is_ok());
}

#[test]
fn an_issuer_counts_when_one_is_expected() {
    let ours = Parties { issuer: Some("https://app.example".to_owned()), ..parties() };
    let token = sign(&full(), &secret("a"), &ours, NOW).unwrap();
    let foreign = sign(&full(), &secret("a"), &parties(), NOW).unwrap();
    assert!(verify(&token, &ring(&[secret("a")]), &ours, NOW).is_ok());
    assert!(verify(&token, &ring(&[secret("a")]), &parties(), NOW).is_ok());
    assert_eq!(verify(&foreign, &ring(&[secret("a")]), &ours, NOW), Err(TokenError::Issuer));
}

#[test]
fn a_bearer_is_short_and_of_a_key_that_may() {
    let may_not = Key { api: false, ..secret("b") };
    let ring = ring(&[secret("a"), may_not.clone()]);
    let bearer = |key: &Key| sign_bearer(key, &parties(), NOW, NOW.plus(BEARER_LIFETIME_MAX_S)).unwrap();
    assert!(verify_bearer(&bearer(&secret("a")), &ring, &parties(), NOW).is_ok());
    let refused = verify_bearer(&bearer(&may_not), &ring, &parties(), NOW);
    assert_eq!(refused, Err(TokenError::UnknownKey));
    let long = sign_bearer(&secret("a"), &parties(), NOW, NOW.plus(BEARER_LIFETIME_MAX_S + 1));
    assert!(matches!(long, Err(TokenError::Lifetime { .. })));
}

#[test]
fn a_token_that_nobody_would_read_is_not_signed() {
    let signed = |grants| sign(&grants, &secret("a"), &parties(), NOW);
    assert_eq!(signed(Grants { expires_at: None, ..full() }), Err(TokenError::Missing("exp")));
    let for_ever = Grants { expires_at: Some(UnixSeconds(u64::MAX)), ..full() };
    assert!(matches!(signed(for_ever), Err(TokenError::Lifetime { .. })));
    let public = Material::Public([0; 32]);
    let verifier = Key { material: public, ..secret("a") };
    assert_eq!(sign(&full(), &verifier, &parties(), NOW), Err(TokenError::CannotSign));
}

#[test]
fn the_longest_grants_fit_into_a_token() {
    let grants = Grants {
        name: DisplayName::new(&"\u{10ffff}".repeat(64)).ok(),
        external_id: ExternalId::new(&"\"".repeat(EXTERNAL_ID_BYTES_MAX)).ok(),
        subject: ExternalId::new(&"\"".repeat(EXTERNAL_ID_BYTES_MAX)).ok(),
        metadata: Metadata::new(json!("x".repeat(METADATA_BYTES_MAX - 2))).ok(),
        ..full()
    };
    assert!(grants.name.is_some() && grants.external_id.is_some() && grants.metadata.is_some());
    assert!(sign(&grants, &pair("b"), &parties(), NOW).unwrap().len() < TOKEN_BYTES_MAX);
}

#[test]
fn an_oversized_token_is_not_even_decoded() {
    let token = "a".repeat(TOKEN_BYTES_MAX + 1);
    let error = verify(&token, &ring(&[secret("a")]), &parties(), NOW);
    assert_eq!(error, Err(TokenError::TooLong { got: TOKEN_BYTES_MAX + 1 }));
}

proptest! {
    #[test]
    fn foreign_bytes_never_open_and_never_panic(text in "\\PC{0,300}") {
        prop_assert!(verify(&text, &ring(&[secret("a")]), &parties(), NOW).is_err());
    }

    #[test]
    fn one_changed_character_spoils_a_token(at in 0_usize..400, new in "[A-Za-z0-9._-]") {
        let key = pair("b");
        let token = sign(&full(), &key, &parties(), NOW).unwrap();
        let at = at % token.len();
        let mut other = token.clone();
        other.replace_range(at..=at, &new);
        if other != token {
            prop_assert!(verify(&other, &ring(&[key]), &parties(), NOW).is_err());
        }
    }
}
