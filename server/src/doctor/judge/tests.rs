use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use super::super::finding::Severity::{self, Failure, Warning};
use super::super::observation::{ClockSeen, KeysSeen, UrlSeen};
use super::super::report::Report;
use super::*;
use crate::http::tls::Facts;
use crate::media::{Reach, ReachWarning};

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

fn port(state: PortState) -> PortSeen {
    let address = SocketAddr::from(([0, 0, 0, 0], 443));
    PortSeen { protocol: "TCP", setting: "port", address, state }
}

fn certificate_seen() -> CertificateSeen {
    let facts = Facts {
        names: vec!["meet.example.org".to_owned()],
        not_before: UnixSeconds(NOW.0 - 10 * DAY_S),
        not_after: NOW.plus(80 * DAY_S),
        is_in_order: true,
        lacks_issuer: false,
        is_self_signed: false,
    };
    CertificateSeen { path: "chain.pem".into(), key_path: "key.pem".into(), facts: Ok(facts), key: Ok(()) }
}

fn url(answer: Result<Option<UnixSeconds>, NoAnswer>) -> Option<UrlSeen> {
    let (url, host) = ("https://meet.example.org".to_owned(), "meet.example.org".to_owned());
    Some(UrlSeen { url, host, is_https: true, answer })
}

/// A machine on which nothing is wrong.
fn good() -> Observations {
    Observations {
        ports: vec![port(PortState::Free)],
        running: None,
        reach: Reach::default(),
        announced: vec![("203.0.113.7".parse().unwrap(), false), ("10.0.0.1".parse().unwrap(), true)],
        encryption: Encryption::Files(certificate_seen()),
        url: url(Ok(Some(NOW))),
        clock: ClockSeen { now: NOW, built_at: Some(UnixSeconds(NOW.0 - DAY_S)) },
        storage: StorageSeen::Folder {
            path: "data".into(),
            writable: Ok(()),
            free_bytes: Some(1 << 40),
            database: DatabaseSeen::Sound,
        },
        keys: KeysSeen { count: 1, is_open: false, weak: Vec::new(), has_api: true },
        readable_secrets: Vec::new(),
        site: SiteSeen::BuiltIn,
        limits: LimitsSeen {
            descriptors: Some(65_536),
            descriptors_wanted: 2512,
            receive_bytes: Some(1 << 22),
            send_bytes: None,
            buffer_wanted: 1 << 22,
        },
    }
}

fn acme() -> Observations {
    let encryption = Encryption::Acme {
        domains: vec!["meet.example.org".to_owned()],
        has_contact: true,
        port: 443,
        root: Ok(()),
        kept: Some(certificate_seen()),
    };
    Observations { encryption, ..good() }
}

/// What is found when one thing is changed.
fn with(mut seen: Observations, change: impl FnOnce(&mut Observations)) -> Vec<Finding> {
    change(&mut seen);
    findings(&seen)
}

fn with_facts(change: impl FnOnce(&mut Facts)) -> Vec<Finding> {
    with(good(), |seen| {
        let mut shown = certificate_seen();
        change(shown.facts.as_mut().unwrap());
        seen.encryption = Encryption::Files(shown);
    })
}

/// The names of what is found, with how bad it is.
fn ids(findings: &[Finding]) -> Vec<(String, Severity)> {
    findings.iter().map(|finding| (finding.id(), finding.severity())).collect()
}

fn check(findings: Vec<Finding>, expected: &str, severity: Severity) {
    assert_eq!(ids(&findings), [(expected.to_owned(), severity)], "{findings:?}");
    let (text, fix) = (findings[0].to_string(), findings[0].fix());
    assert!(
        !text.is_empty() && fix.len() > 10 && !text.contains('\n') && !fix.contains('\n'),
        "{text}: {fix}"
    );
    assert!(!fix.contains("  ") && !text.contains("  "), "{text}: {fix}");
}

#[test]
fn where_nothing_is_wrong_nothing_is_found() {
    assert_eq!(findings(&good()), []);
    assert_eq!(findings(&acme()), []);
    let report = Report::of(&good(), Vec::new());
    assert!(report.is_success());
    assert_eq!(report.to_text().lines().count(), 10, "{}", report.to_text());
    assert!(report.to_text().contains("ok       certificate  for meet.example.org, 80 days left"));
}

#[test]
fn every_fault_of_a_port_is_found() {
    let with_port = |state| with(good(), |seen| seen.ports = vec![port(state)]);
    check(with_port(PortState::Taken), "port_taken", Failure);
    check(with_port(PortState::NotPermitted), "port_not_permitted", Failure);
    check(with_port(PortState::NotThisMachine), "address_not_here", Failure);
    check(with_port(PortState::Failed("reason".to_owned())), "port_failed", Failure);
    let running = |version: &str| {
        with(good(), |seen| {
            seen.ports = vec![port(PortState::Taken)];
            seen.running = Some(version.to_owned());
        })
    };
    assert_eq!(running(env!("CARGO_PKG_VERSION")), []);
    check(running("0.0.1"), "other_version_runs", Warning);
}

#[test]
fn what_clients_cannot_reach_is_found() {
    let warned = |warning| with(good(), |seen| seen.reach.warnings = vec![warning]);
    let v6: IpAddr = "2001:db8::1".parse().unwrap();
    check(warned(ReachWarning::WrongFamily(v6)), "reach", Failure);
    let at = SocketAddr::new(v6, 7000);
    for warning in [
        ReachWarning::OnlyLoopback,
        ReachWarning::OnlyPrivate,
        ReachWarning::PrivateAnnounced(v6),
        ReachWarning::NoEcho(at),
    ] {
        check(warned(warning), "reach", Warning);
    }
    assert!(warned(ReachWarning::OnlyPrivate)[0].fix().contains("announce = [\""));
    let private = with(good(), |seen| seen.announced = vec![("192.168.0.9".parse().unwrap(), false)]);
    check(private, "announced_private_elsewhere", Warning);
}

#[test]
fn a_site_without_tls_is_found_where_it_matters() {
    let plain = |is_loopback, has_proxy| {
        with(good(), |seen| seen.encryption = Encryption::Plain { is_loopback, has_proxy })
    };
    check(plain(false, false), "unencrypted", Warning);
    assert_eq!(plain(true, false), []);
    assert_eq!(plain(false, true), []);
}

#[test]
fn every_fault_of_a_certificate_is_found() {
    let with_certificate = |change: fn(&mut CertificateSeen)| {
        with(good(), |seen| {
            let mut shown = certificate_seen();
            change(&mut shown);
            seen.encryption = Encryption::Files(shown);
        })
    };
    let reason = || Err("reason".to_owned());
    check(
        with_certificate(|shown| shown.facts = Err("reason".to_owned())),
        "certificate_unreadable",
        Failure,
    );
    check(with_certificate(|shown| shown.key = Err("reason".to_owned())), "key_unusable", Failure);
    check(with_facts(|facts| facts.not_after = UnixSeconds(NOW.0 - 3 * DAY_S)), "expired", Failure);
    check(with_facts(|facts| facts.not_before = NOW.plus(1)), "not_yet_valid", Failure);
    check(with_facts(|facts| facts.not_after = NOW.plus(14 * DAY_S - 1)), "expires_soon", Warning);
    assert_eq!(with_facts(|facts| facts.not_after = NOW.plus(14 * DAY_S)), []);
    check(with_facts(|facts| facts.is_in_order = false), "chain_out_of_order", Warning);
    check(with_facts(|facts| facts.lacks_issuer = true), "chain_incomplete", Warning);
    check(with_facts(|facts| facts.is_self_signed = true), "self_signed", Warning);
    check(with_facts(|facts| facts.names = vec!["a.org".to_owned()]), "name_not_covered", Failure);
    let unasked = with(good(), |seen| {
        seen.url = None;
        seen.encryption = Encryption::Files(CertificateSeen { key: reason(), ..certificate_seen() });
    });
    check(unasked, "key_unusable", Failure);
}

#[test]
fn every_fault_of_acme_is_found() {
    let changed = |change: fn(&mut Encryption)| with(acme(), |seen| change(&mut seen.encryption));
    let port = changed(|seen| {
        if let Encryption::Acme { port, .. } = seen {
            *port = 8443
        }
    });
    check(port, "acme_port", Warning);
    let contact = changed(|seen| {
        if let Encryption::Acme { has_contact, .. } = seen {
            *has_contact = false
        }
    });
    check(contact, "acme_no_contact", Warning);
    let root = changed(|seen| {
        if let Encryption::Acme { root, .. } = seen {
            *root = Err("reason".to_owned())
        }
    });
    check(root, "acme_root", Failure);
    check(
        changed(|seen| {
            if let Encryption::Acme { kept, .. } = seen {
                *kept = None
            }
        }),
        "acme_nothing_yet",
        Warning,
    );
    let wider = changed(|seen| {
        if let Encryption::Acme { domains, .. } = seen {
            domains.push("www.example.org".to_owned());
        }
    });
    check(wider, "acme_nothing_yet", Warning);
    let left = |days: u64| {
        let mut shown = certificate_seen();
        let facts = shown.facts.as_mut().unwrap();
        (facts.not_before, facts.not_after) =
            (UnixSeconds(NOW.0 - (90 - days) * DAY_S), NOW.plus(days * DAY_S));
        with(acme(), |seen| {
            if let Encryption::Acme { kept, .. } = &mut seen.encryption {
                *kept = Some(shown)
            }
        })
    };
    assert_eq!(left(25), [], "it is being renewed");
    check(left(20), "expires_soon", Warning);
}

#[test]
fn an_address_that_does_not_answer_or_is_plain_is_found() {
    let failing = |reason| with(good(), |seen| seen.url = url(Err(reason)));
    check(failing(NoAnswer::Silent("reason".to_owned())), "url_silent", Failure);
    check(failing(NoAnswer::Expired), "url_expired", Failure);
    check(failing(NoAnswer::NotYetValid), "url_not_yet_valid", Failure);
    check(failing(NoAnswer::WrongName), "url_wrong_name", Failure);
    check(failing(NoAnswer::Untrusted("reason".to_owned())), "url_untrusted", Failure);
    let plain = |host: &str| {
        with(good(), |seen| {
            let url = format!("http://{host}");
            seen.url = Some(UrlSeen { url, host: host.to_owned(), is_https: false, answer: Ok(None) });
        })
    };
    check(plain("meet.example.org"), "url_plain", Warning);
    assert_eq!(plain("localhost"), []);
}

#[test]
fn a_wrong_clock_is_found() {
    let built = |at| with(good(), |seen| seen.clock.built_at = Some(UnixSeconds(at)));
    check(built(NOW.0 + 2 * DAY_S), "clock_before_build", Failure);
    assert_eq!(built(NOW.0 + DAY_S), []);
    check(built(NOW.0 - 3651 * DAY_S), "clock_far_ahead", Warning);
    let skew = |there| with(good(), |seen| seen.url = url(Ok(Some(UnixSeconds(there)))));
    check(skew(NOW.0 - 31), "clock_skew", Warning);
    check(skew(NOW.0 + 31), "clock_skew", Warning);
    assert_eq!(skew(NOW.0 + 30), []);
}

#[test]
fn every_fault_of_the_storage_is_found() {
    check(with(good(), |seen| seen.storage = StorageSeen::None), "no_data_folder", Warning);
    let storage = |writable: Result<(), String>, free: u64, database| {
        let path = PathBuf::from("data");
        let free_bytes = Some(free * MEBIBYTE);
        with(good(), |seen| seen.storage = StorageSeen::Folder { path, writable, free_bytes, database })
    };
    let plenty = 1 << 20;
    check(storage(Err("reason".to_owned()), plenty, DatabaseSeen::Absent), "folder_unusable", Failure);
    check(storage(Ok(()), 63, DatabaseSeen::Absent), "no_space", Failure);
    check(storage(Ok(()), 1023, DatabaseSeen::Absent), "little_space", Warning);
    check(storage(Ok(()), plenty, DatabaseSeen::Locked), "database_locked", Failure);
    check(storage(Ok(()), plenty, DatabaseSeen::Newer), "database_newer", Failure);
    check(storage(Ok(()), plenty, DatabaseSeen::Broken("reason".to_owned())), "database_broken", Failure);
    let secrets = vec![(PathBuf::from("key.pem"), 0o644)];
    check(with(good(), |seen| seen.readable_secrets = secrets), "secret_readable", Warning);
}

#[test]
fn every_fault_of_the_keys_is_found() {
    let keys = |count, is_open, weak: &[&str], has_api| {
        let weak = weak.iter().map(|id| (*id).to_owned()).collect();
        with(good(), |seen| seen.keys = KeysSeen { count, is_open, weak, has_api })
    };
    check(keys(0, false, &[], false), "no_keys", Warning);
    check(keys(0, true, &[], false), "open_to_everybody", Warning);
    check(keys(1, false, &["a"], true), "weak_secret", Warning);
    check(keys(1, false, &[], false), "no_api_key", Warning);
}

#[test]
fn a_missing_site_and_low_limits_are_found() {
    check(with(good(), |seen| seen.site = SiteSeen::Missing), "no_site", Failure);
    check(with(good(), |seen| seen.site = SiteSeen::EmptyFolder("x".into())), "empty_site", Failure);
    check(with(good(), |seen| seen.limits.descriptors = Some(1024)), "few_descriptors", Warning);
    check(with(good(), |seen| seen.limits.receive_bytes = Some(212_992)), "small_buffer", Warning);
    check(with(good(), |seen| seen.limits.send_bytes = Some(212_992)), "small_buffer", Warning);
}

#[test]
fn a_report_fails_only_with_a_failure_and_shows_each_finding_with_its_fix() {
    let warned = with(good(), |seen| seen.site = SiteSeen::BuiltIn);
    assert!(Report::of(&good(), warned).is_success());
    let warned = vec![Finding::NoKeys];
    assert!(Report::of(&good(), warned).is_success());
    let failed = Report::of(&good(), vec![Finding::NoKeys, Finding::NoSite]);
    assert!(!failed.is_success());
    let text = failed.to_text();
    assert!(text.contains("failure  site") && text.contains("warning  keys"), "{text}");
    assert!(text.ends_with("failures: 1, warnings: 1"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&failed.to_json()).unwrap();
    assert_eq!((&json["success"], &json["checks"][7]["status"]), (&false.into(), &"failure".into()));
    assert_eq!(json["checks"][6]["findings"][0]["id"], "no_keys");
}
