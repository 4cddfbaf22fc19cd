//! Certificates from a real ACME server: Pebble, which Let's Encrypt tests its clients with (Debian's package `pebble`). It
//! validates over real connections, refuses a part of the nonces, and knows nothing of us. Where it is not installed, these
//! tests say so and end, unless `CI` is set.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{CertificateParams, KeyPair};
use serde_json::json;
use server::{AcmeSettings, Config, DataDir, Running, TlsSource};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use crate::client::{PATIENCE, start_with};

const NAME: &str = "meet.example.org";

/// Pebble, and a name server that says of every name that it is here. Ended when dropped.
struct Pebble {
    processes: Vec<Child>,
    directory: SocketAddr,
    folder: tempfile::TempDir,
}

impl Drop for Pebble {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Pebble {
    fn stop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Validates on this port and issues certificates that hold so long. Nothing: it is not installed.
    async fn start(validated_port: u16, lifetime_s: u64) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("cert.pem"), certificate.pem()).unwrap();
        std::fs::write(at("key.pem"), key.serialize_pem()).unwrap();
        let (directory, names) = (free_tcp(), free_udp());
        let config = json!({ "pebble": {
            "listenAddress": directory,
            "managementListenAddress": free_tcp(),
            "certificate": at("cert.pem"),
            "privateKey": at("key.pem"),
            "httpPort": 1,
            "tlsPort": validated_port,
            "certificateValidityPeriod": lifetime_s,
        }});
        std::fs::write(at("pebble.json"), config.to_string()).unwrap();
        let spawn = |command: &mut Command| command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let resolver = spawn(
            Command::new("pebble-challtestsrv")
                .args(["-defaultIPv6", "", "-defaultIPv4", "127.0.0.1", "-http01", "", "-https01", ""])
                .args(["-tlsalpn01", "", "-dns01", &names.to_string()])
                .args(["-management", &free_tcp().to_string()]),
        );
        let resolver = match resolver {
            Ok(resolver) => resolver,
            Err(error) => {
                assert!(std::env::var_os("CI").is_none(), "pebble is not installed: {error}");
                say_that_nothing_is_tested();
                return None;
            }
        };
        let mut command = Command::new("pebble");
        command.arg("-config").arg(at("pebble.json")).args(["-strict", "-dnsserver", &names.to_string()]);
        let pebble = spawn(command.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_WFE_NONCEREJECT", "5")).unwrap();
        let started = Self { processes: vec![resolver, pebble], directory, folder };
        let start = Instant::now();
        while TcpStream::connect(directory).await.is_err() {
            assert!(start.elapsed() < PATIENCE, "pebble does not listen");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Some(started)
    }

    fn settings(&self, domains: &[&str]) -> AcmeSettings {
        AcmeSettings {
            domains: domains.iter().map(|name| name.parse().unwrap()).collect(),
            contact: vec!["ada@example.org".parse().unwrap()],
            directory: format!("https://{}/dir", self.directory).parse().unwrap(),
            root: Some(self.folder.path().join("cert.pem")),
        }
    }
}

#[expect(clippy::print_stderr, reason = "a test that does nothing must not look like one that passed")]
fn say_that_nothing_is_tested() {
    eprintln!("not tested: pebble is not installed");
}

fn free_tcp() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn free_udp() -> SocketAddr {
    // The name server listens on both.
    loop {
        let address = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

async fn server(listen: SocketAddr, acme: AcmeSettings, data_dir: &Path) -> Running {
    let data_dir = Some(DataDir { path: data_dir.to_owned(), is_chosen: true });
    start_with(Config { listen, tls: Some(TlsSource::Acme(acme)), data_dir, ..Config::on_loopback() }).await
}

/// The certificate that is shown; nothing: there is none yet.
async fn shown(address: SocketAddr, protocol: &[u8]) -> Option<Vec<u8>> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone))
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from(NAME).unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()?;
    Some(stream.get_ref().1.peer_certificates()?[0].to_vec())
}

async fn shown_other_than(address: SocketAddr, earlier: Option<&[u8]>, patience: Duration) -> Vec<u8> {
    let start = Instant::now();
    loop {
        match shown(address, b"http/1.1").await {
            Some(certificate) if earlier != Some(&certificate[..]) => return certificate,
            Some(_) | None => {}
        }
        assert!(start.elapsed() < patience, "no new certificate");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_certificate_is_got_kept_and_shown_again_and_what_fails_takes_nothing_away() {
    let listen = free_tcp();
    let Some(mut pebble) = Pebble::start(listen.port(), 90 * 24 * 3600).await else { return };
    let data_dir = tempfile::tempdir().unwrap();
    let running = server(listen, pebble.settings(&[NAME, "www.example.org"]), data_dir.path()).await;
    assert_eq!(
        running.link,
        format!("https://{NAME}:{}", listen.port()),
        "the name is known before its certificate"
    );
    let first = shown_other_than(listen, None, 3 * PATIENCE).await;
    assert_eq!(shown(listen, b"acme-tls/1").await, None, "a validation that nobody waits for is refused");
    running.shutdown().await;
    check_modes(data_dir.path());
    // Without the authority, what was kept is shown, even while an order for one more name fails.
    let wider = pebble.settings(&[NAME, "www.example.org", "third.example.org"]);
    pebble.stop();
    let running = server(listen, wider, data_dir.path()).await;
    assert_eq!(shown(listen, b"http/1.1").await, Some(first.clone()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(shown(listen, b"http/1.1").await, Some(first));
    running.shutdown().await;
}

#[tokio::test]
async fn a_certificate_is_renewed_before_it_ends() {
    let listen = free_tcp();
    let Some(pebble) = Pebble::start(listen.port(), 30).await else { return };
    let data_dir = tempfile::tempdir().unwrap();
    let running = server(listen, pebble.settings(&[NAME]), data_dir.path()).await;
    let first = shown_other_than(listen, None, 3 * PATIENCE).await;
    let start = Instant::now();
    shown_other_than(listen, Some(&first), 3 * PATIENCE).await;
    assert!(start.elapsed() > Duration::from_secs(5), "not at once either");
    running.shutdown().await;
}

#[tokio::test]
async fn who_cannot_be_validated_gets_no_certificate_and_serves_on() {
    // Pebble asks a port where nobody is.
    let Some(pebble) = Pebble::start(free_tcp().port(), 90 * 24 * 3600).await else { return };
    let (listen, data_dir) = (free_tcp(), tempfile::tempdir().unwrap());
    let running = server(listen, pebble.settings(&[NAME]), data_dir.path()).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(shown(listen, b"http/1.1").await, None);
    let start = Instant::now();
    running.shutdown().await;
    assert!(start.elapsed() < PATIENCE, "it ends all the same");
}

#[cfg(unix)]
fn check_modes(data_dir: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = std::fs::read_dir(data_dir.join("acme")).unwrap().next().unwrap().unwrap().path();
    let mut names = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap();
        names.push(file.file_name().into_string().unwrap());
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{names:?}");
    }
    names.sort();
    assert_eq!(names, ["account.json", "certificate.pem"]);
}

#[cfg(not(unix))]
fn check_modes(_: &Path) {}

/// Pebble's authority is new at each start and known to nobody.
#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
