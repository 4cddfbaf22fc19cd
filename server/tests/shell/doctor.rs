//! `visavis doctor` as a program: for settings that work, and for several that do not.

use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;
use server::Config;

use crate::client::start_with;
use crate::tls::Authority;

/// Runs it with flags over these variables, and returns whether it ended well and what it said.
fn doctor(variables: &[(&str, &str)], flags: &[&str], more: &[&str]) -> (bool, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_visavis"))
        .args(flags)
        .args(["doctor", "--json"])
        .args(more)
        .env_clear()
        .envs(variables.iter().copied())
        .env("VISAVIS_ADDRESS", "127.0.0.1")
        .output()
        .unwrap();
    let said = serde_json::from_slice(&output.stdout);
    (output.status.success(), said.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr))))
}

/// The findings by their names.
fn found(report: &Value) -> Vec<&str> {
    let findings =
        report["checks"].as_array().unwrap().iter().flat_map(|check| check["findings"].as_array().unwrap());
    findings.map(|finding| finding["id"].as_str().unwrap()).collect()
}

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// A site, a data folder, and a settings file with a key.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("site")).unwrap();
        std::fs::write(folder.path().join("site/index.html"), "<title>Visavis</title>").unwrap();
        let place = Self { folder };
        let secret = "K7mWq2xR9tYbNcZ4vEoJp6sLhGdFuA3i";
        place.write("visavis.toml", &format!("[[keys]]\nid = \"a\"\nsecret = \"{secret}\"\napi = true\n"));
        place
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        set_mode(&path, 0o600);
    }

    fn certificate(&self, end: i32) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["meet.example.org".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(end, 1, 1);
        self.write("chain.pem", &params.self_signed(&key).unwrap().pem());
        self.write("key.pem", &key.serialize_pem());
    }

    fn doctor(&self, flags: &[&str], more: &[&str]) -> (bool, Value) {
        self.doctor_with(&[], flags, more)
    }

    fn doctor_with(&self, variables: &[(&str, &str)], flags: &[&str], more: &[&str]) -> (bool, Value) {
        let (config, site, data) = (self.path("visavis.toml"), self.path("site"), self.path("data"));
        let usual = [
            ("VISAVIS_CONFIG", &config[..]),
            ("VISAVIS_SITE", &site),
            ("VISAVIS_DATA_DIR", &data),
            ("VISAVIS_PORT", "0"),
        ];
        doctor(&[&usual, variables].concat(), flags, more)
    }
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) {}

#[test]
fn settings_that_work_have_no_failure_and_every_check_is_told() {
    let place = Place::new();
    place.certificate(2100);
    let (chain, key) = (place.path("chain.pem"), place.path("key.pem"));
    let (is_success, report) = place.doctor(&["--tls-certificate", &chain, "--tls-key", &key], &[]);
    assert!(is_success, "{report:#}");
    assert_eq!(report["checks"].as_array().unwrap().len(), 9);
    let found = found(&report);
    let of_this_machine = ["reach", "few_descriptors", "small_buffer", "little_space", "self_signed"];
    assert!(found.iter().all(|id| of_this_machine.contains(id)), "{report:#}");
    assert!(found.contains(&"self_signed") && !Path::new(&place.path("data")).exists(), "it changes nothing");
}

#[test]
fn what_is_broken_is_named_with_its_fix_and_the_program_fails() {
    let place = Place::new();
    place.certificate(2021);
    let (chain, key) = (place.path("chain.pem"), place.path("key.pem"));
    place.write("other.pem", &KeyPair::generate().unwrap().serialize_pem());
    let check = |flags: &[&str], expected: &str| {
        let (is_success, report) = place.doctor(flags, &[]);
        assert!(!is_success && found(&report).contains(&expected), "{expected}: {report:#}");
        let text = report.to_string();
        assert!(!text.contains("\"fix\":\"\"") && !text.contains("K7mWq2xR"), "{text}");
    };
    check(&["--tls-certificate", &chain, "--tls-key", &key], "expired");
    check(&["--tls-certificate", &chain, "--tls-key", &place.path("other.pem")], "key_unusable");
    check(&["--tls-certificate", &place.path("gone.pem"), "--tls-key", &key], "certificate_unreadable");
    check(&["--acme-domains", "meet.example.org", "--acme-root", &place.path("gone.pem")], "acme_root");
    check(&["--site", &place.path("")], "empty_site");
    check(&["--announce", "2001:db8::1"], "reach");
    check(&["--data-dir", &place.path("visavis.toml")], "folder_unusable");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    check(&["--port", &taken.local_addr().unwrap().port().to_string(), "--media-port", "0"], "port_taken");
    check(&["--address", "192.0.2.1"], "address_not_here");
    std::fs::create_dir(place.path("data")).unwrap();
    place.write("data/control.sqlite3", "this is no database, and it is long enough to be looked at closely");
    check(&[], "database_broken");
}

#[cfg(unix)]
#[test]
fn what_can_be_guessed_or_read_by_everybody_is_warned_of() {
    let place = Place::new();
    place.write("visavis.toml", &format!("[[keys]]\nid = \"a\"\nsecret = \"{}\"\n", "ab".repeat(20)));
    set_mode(Path::new(&place.path("visavis.toml")), 0o644);
    let (is_success, report) = place.doctor(&[], &[]);
    assert!(is_success, "{report:#}");
    for id in ["weak_secret", "no_api_key", "secret_readable"] {
        assert!(found(&report).contains(&id), "{id}: {report:#}");
    }
    let (_, report) = doctor(&[], &["--port", "0", "--open", "true"], &[]);
    assert!(found(&report).contains(&"open_to_everybody"), "{report:#}");
    assert!(found(&report).contains(&"no_data_folder"), "{report:#}");
}

#[tokio::test]
async fn a_server_that_runs_is_recognised_and_its_ports_and_data_are_its_own() {
    let place = Place::new();
    let data_dir = Some(server::DataDir { path: place.path("data").into(), is_chosen: true });
    let server = start_with(Config { data_dir, ..Config::on_loopback() }).await;
    let (port, media) = (server.http_addr.port().to_string(), server.media_addr.port().to_string());
    let url = format!("http://127.0.0.1:{port}");
    let run = move || {
        place.doctor(&["--port", &port, "--media-port", &media, "--media-tcp-port", "0"], &["--url", &url])
    };
    let (is_success, report) = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(is_success, "{report:#}");
    let ports = &report["checks"][0];
    assert_eq!(ports["status"], "ok", "{report:#}");
    assert!(ports["summary"].as_str().unwrap().contains("is running"), "{report:#}");
    assert!(report.to_string().contains("in use by the running server"), "{report:#}");
}

/// What it finds about `https://localhost` at this port, for who trusts the authority, or nobody.
async fn found_at(port: u16, flags: Vec<String>, trusted: Option<PathBuf>) -> (bool, Value) {
    let run = move || {
        let place = Place::new();
        let trusted = trusted.map(|path| path.to_str().unwrap().to_owned());
        let variables: Vec<_> = trusted.iter().map(|path| ("SSL_CERT_FILE", &path[..])).collect();
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        place.doctor_with(&variables, &flags, &["--url", &format!("https://localhost:{port}")])
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

fn fix(report: &Value, id: &str) -> String {
    let checks = report["checks"].as_array().unwrap();
    let mut findings = checks.iter().flat_map(|check| check["findings"].as_array().unwrap());
    let found = findings.find(|finding| finding["id"] == id).unwrap_or_else(|| panic!("{id}: {report:#}"));
    found["fix"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_site_over_https_is_asked_as_a_browser_asks_it() {
    let authority = Authority::new();
    authority.issue_for("localhost", 2100);
    let server = start_with(authority.config()).await;
    let port = server.http_addr.port();
    let files = authority.files();
    let flags = |media: u16| {
        let path = |path: &PathBuf| path.to_str().unwrap().to_owned();
        let of_tls = ["--tls-certificate".to_owned(), path(&files.certificate)];
        let of_key = ["--tls-key".to_owned(), path(&files.key)];
        let of_ports = ["--port".to_owned(), port.to_string(), "--media-port".to_owned(), media.to_string()];
        let no_tcp = ["--media-tcp-port".to_owned(), "0".to_owned()];
        [&of_tls[..], &of_key, &of_ports, &no_tcp].concat()
    };
    let media = server.media_addr.port();
    let (is_success, report) = found_at(port, flags(media), Some(authority.root())).await;
    assert!(is_success, "{report:#}");
    assert!(!found(&report).iter().any(|id| id.starts_with("url_") || *id == "clock_skew"), "{report:#}");
    assert!(report["checks"][0]["summary"].as_str().unwrap().contains("is running"), "{report:#}");
    // Nobody here knows the authority, and the way to say that one does is told.
    let (is_success, report) = found_at(port, flags(media), Some(Authority::new().root())).await;
    assert!(!is_success && fix(&report, "url_untrusted").contains("SSL_CERT_FILE"), "{report:#}");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_named_with_its_fix() {
    let authority = Authority::new();
    authority.issue_for("meet.example.org", 2100);
    let server = start_with(authority.config()).await;
    let (is_success, report) = found_at(server.http_addr.port(), Vec::new(), Some(authority.root())).await;
    assert!(!is_success && !found(&report).contains(&"url_silent"), "{report:#}");
    assert!(fix(&report, "url_wrong_name").contains("issued for localhost"), "{report:#}");
}

/// Visavis itself would not start with it: this is a proxy in front that nobody looked after.
#[tokio::test]
async fn an_expired_certificate_is_named_with_its_fix() {
    let authority = Authority::new();
    authority.issue_for("localhost", 2021);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let proxy = authority.acceptor();
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(proxy.accept(stream).await);
        }
    });
    let (is_success, report) = found_at(port, Vec::new(), Some(authority.root())).await;
    serving.abort();
    assert!(!is_success && !found(&report).contains(&"url_silent"), "{report:#}");
    assert!(fix(&report, "url_expired").contains("renew the certificate"), "{report:#}");
}

#[test]
fn people_get_a_line_for_each_check() {
    let place = Place::new();
    let output = Command::new(env!("CARGO_BIN_EXE_visavis"))
        .args(["--address", "127.0.0.1", "--port", "0", "--site", &place.path("site"), "doctor"])
        .env_clear()
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for part in ["ok       ports", "warning  keys", "fix: `visavis keys new`", "failures: 0, warnings: "] {
        assert!(text.contains(part), "{text}");
    }
}
