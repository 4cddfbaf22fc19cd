use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};

use super::*;

/// The middle of what [`leaf`] makes.
const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

fn leaf(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "leaf");
    params.not_before = date_time_ymd(2026, 12, 1);
    params.not_after = date_time_ymd(2027, 3, 1);
    params
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

#[test]
fn what_stands_in_a_certificate_is_read() {
    let (ca, key) = (authority("ca"), KeyPair::generate().unwrap());
    let certificate =
        leaf(&["Meet.example.org", "*.a.org", "192.0.2.1", "::1"]).signed_by(&key, &ca).unwrap();
    let chain = certificate.pem() + &ca.pem();
    let read = Certificate::read(chain.as_bytes(), key.serialize_pem().as_bytes(), NOW).unwrap();
    assert_eq!(read.facts.names, ["meet.example.org", "*.a.org", "192.0.2.1", "::1"]);
    assert_eq!((read.facts.not_before.0, read.facts.not_after.0), (1_796_083_200, 1_803_859_200));
    assert!(read.facts.is_in_order && !read.facts.lacks_issuer && !read.facts.is_self_signed);
}

#[test]
fn a_wildcard_stands_for_one_label() {
    let names: Vec<String> = ["meet.example.org", "*.a.org"].map(str::to_owned).into();
    let check = |host: &str, expected| assert_eq!(covers(&names, host), expected, "{host}");
    check("MEET.example.org", true);
    check("x.a.org", true);
    check("a.org", false);
    check("x.y.a.org", false);
    check(".a.org", false);
    check("example.org", false);
    check("evil.org", false);
    assert!(!covers(&["*.0.2.1".to_owned()], "192.0.2.1"));
}

#[test]
fn what_clients_would_refuse_is_refused_with_its_reason() {
    let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let pem = leaf(&["a.org"]).self_signed(&key).unwrap().pem();
    let read = |chain: &str, key: &str, now| Certificate::read(chain.as_bytes(), key.as_bytes(), now).err();
    let key_pem = key.serialize_pem();
    assert_eq!(read(&pem, &key_pem, NOW), None);
    assert_eq!(read(&pem, &other.serialize_pem(), NOW), Some(CertificateError::KeyMismatch));
    let late = UnixSeconds(1_803_859_200 + 3 * DAY_S);
    assert_eq!(read(&pem, &key_pem, late), Some(CertificateError::Expired { seconds: 3 * DAY_S }));
    assert!(read(&pem, &key_pem, late).unwrap().to_string().contains("expired 3 days ago"));
    let early = UnixSeconds(1_796_083_200 - 7200);
    assert!(read(&pem, &key_pem, early).unwrap().to_string().contains("valid in 2 h only"));
    assert_eq!(read("", &key_pem, NOW), Some(CertificateError::NoCertificate));
    assert_eq!(read(&key_pem, &key_pem, NOW), Some(CertificateError::NoCertificate));
    assert_eq!(read(&pem, &pem, NOW), Some(CertificateError::NoKey));
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_eq!(read(broken, &key_pem, NOW), Some(CertificateError::Malformed(1)));
    assert_eq!(read(&format!("{pem}{broken}"), &key_pem, NOW), Some(CertificateError::Malformed(2)));
    assert_eq!(read(&pem.repeat(17), &key_pem, NOW), Some(CertificateError::TooMany));
    let nameless = leaf(&[]).self_signed(&key).unwrap().pem();
    assert_eq!(read(&nameless, &key_pem, NOW), Some(CertificateError::NoNames));
}

#[test]
fn how_a_chain_hangs_together_is_told() {
    let (root, key) = (authority("root"), KeyPair::generate().unwrap());
    let mut middle = CertificateParams::new(Vec::new()).unwrap();
    middle.distinguished_name.push(DnType::CommonName, "middle");
    middle.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let middle = CertifiedIssuer::signed_by(middle, KeyPair::generate().unwrap(), &root).unwrap();
    let leaf = leaf(&["a.org"]).signed_by(&key, &middle).unwrap().pem();
    let facts = |chain: &[&str]| Facts::read(chain.concat().as_bytes()).unwrap();
    let good = facts(&[&leaf, &middle.pem(), &root.pem()]);
    assert!(good.is_in_order && !good.lacks_issuer);
    assert!(!facts(&[&leaf, &root.pem(), &middle.pem()]).is_in_order);
    let alone = facts(&[&leaf]);
    assert!(alone.is_in_order && alone.lacks_issuer && !alone.is_self_signed);
    assert!(check_key(leaf.as_bytes(), key.serialize_pem().as_bytes()).is_ok());
}

#[test]
fn bytes_that_are_no_certificate_never_panic() {
    for length in 0..200_usize {
        let bytes: Vec<u8> = (0..length).map(|index| (index * 37 + length * 11) as u8).collect();
        assert!(Facts::read(&bytes).is_err());
        assert!(check_key(&bytes, &bytes).is_err());
    }
}
