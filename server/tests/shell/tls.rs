//! TLS over real sockets: certificates of an authority of our own, and a client that trusts it alone.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::Value;
use server::{CertificateFiles, Config, Running, Server, TlsSource};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    ClientConfig, ProtocolVersion, RootCertStore, ServerConfig, SupportedProtocolVersion,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_tungstenite::tungstenite::Message;

use crate::client::{PATIENCE, hello, start_with};

const NAME: &str = "meet.example.org";

/// An authority, and a folder with what it has issued.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "authority of the tests");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn files(&self) -> CertificateFiles {
        let at = |name| self.folder.path().join(name);
        CertificateFiles { certificate: at("chain.pem"), key: at("key.pem") }
    }

    /// Writes what this authority is trusted by, and returns where.
    pub(crate) fn root(&self) -> PathBuf {
        let path = self.folder.path().join("authority.pem");
        std::fs::write(&path, self.issuer.pem()).unwrap();
        path
    }

    /// Writes a certificate that ends in this year, and returns what identifies it.
    fn issue(&self, end: i32) -> Vec<u8> {
        self.issue_for(NAME, end)
    }

    /// The same for another name.
    pub(crate) fn issue_for(&self, name: &str, end: i32) -> Vec<u8> {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(end, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.files().certificate, certificate.pem() + &self.issuer.pem()).unwrap();
        std::fs::write(self.files().key, key.serialize_pem()).unwrap();
        certificate.der().to_vec()
    }

    pub(crate) fn config(&self) -> Config {
        Config { tls: Some(TlsSource::Files(self.files())), ..Config::on_loopback() }
    }

    async fn start(&self) -> Running {
        self.issue(2100);
        start_with(self.config()).await
    }

    /// A server beside Visavis that shows what was issued last.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let CertificateFiles { certificate, key } = self.files();
        let chain = CertificateDer::pem_file_iter(certificate).unwrap().map(Result::unwrap).collect();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, PrivateKeyDer::from_pem_file(key).unwrap())
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    fn connector(&self, versions: &[&'static SupportedProtocolVersion], protocols: &[&[u8]]) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        TlsConnector::from(Arc::new(config))
    }

    async fn connect(&self, address: SocketAddr) -> TlsStream<TcpStream> {
        let connector = self.connector(&[&TLS13, &TLS12], &[b"h2", b"http/1.1"]);
        let stream = TcpStream::connect(address).await.unwrap();
        connector.connect(ServerName::try_from(NAME).unwrap(), stream).await.unwrap()
    }
}

/// Asks, and returns the whole answer.
async fn ask(mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn get(path: &str, host: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n")
}

fn shown(stream: &TlsStream<TcpStream>) -> Vec<u8> {
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

#[tokio::test]
async fn the_site_speaks_tls_1_3_and_1_2_and_every_answer_says_that_it_stays_so() {
    let authority = Authority::new();
    let server = authority.start().await;
    assert_eq!(server.link, format!("https://{NAME}:{}", server.http_addr.port()));
    for (version, expected) in [(&TLS13, ProtocolVersion::TLSv1_3), (&TLS12, ProtocolVersion::TLSv1_2)] {
        let connector = authority.connector(&[version], &[b"h2", b"http/1.1"]);
        let stream = TcpStream::connect(server.http_addr).await.unwrap();
        let stream = connector.connect(ServerName::try_from(NAME).unwrap(), stream).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(expected));
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        let answer = ask(stream, &get("/api/health", NAME, "")).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("alive"), "{answer}");
    }
    for path in ["/", "/missing.js", "/api/nonsense", "/ws", "/api/v1/rooms"] {
        let answer = ask(authority.connect(server.http_addr).await, &get(path, NAME, "")).await;
        assert!(answer.contains("strict-transport-security: max-age=63072000\r\n"), "{path}: {answer}");
    }
    let plain = ask(TcpStream::connect(server.http_addr).await.unwrap(), &get("/", NAME, "")).await;
    assert!(!plain.contains("HTTP/1.1 200"), "plain HTTP is not answered there: {plain}");
}

#[tokio::test]
async fn without_tls_nothing_is_promised() {
    let server = start_with(Config::on_loopback()).await;
    let answer = ask(TcpStream::connect(server.http_addr).await.unwrap(), &get("/", "localhost", "")).await;
    assert!(!answer.contains("strict-transport-security"), "{answer}");
    assert!(server.link.starts_with("http://localhost:"), "{}", server.link);
}

#[tokio::test]
async fn a_meeting_is_joined_over_a_websocket_in_tls_from_the_site_s_own_https_pages_alone() {
    let authority = Authority::new();
    let server = start_with(Config {
        open: true,
        ..{
            authority.issue(2100);
            authority.config()
        }
    })
    .await;
    let join = async |origin: &str| {
        let request = tokio_tungstenite::tungstenite::http::Request::builder()
            .uri(format!("wss://{NAME}/ws"))
            .header("host", NAME)
            .header("origin", origin)
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==")
            .body(())
            .unwrap();
        tokio_tungstenite::client_async(request, authority.connect(server.http_addr).await).await
    };
    let (mut socket, _) = join(&format!("https://{NAME}")).await.unwrap();
    socket.send(Message::text(hello("standup", "Ada").to_string())).await.unwrap();
    let text = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
    let welcome: Value = serde_json::from_str(text.to_text().unwrap()).unwrap();
    assert_eq!(welcome["type"], "welcome", "{welcome}");
    assert!(
        join(&format!("http://{NAME}")).await.is_err(),
        "a page that anybody may have changed on its way"
    );
    assert!(join("https://evil.example").await.is_err());
}

#[tokio::test]
async fn links_that_are_made_lead_to_https() {
    let authority = Authority::new();
    let server = authority.start().await;
    let request =
        format!("POST /api/rooms HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    let answer = ask(authority.connect(server.http_addr).await, &request).await;
    assert!(answer.contains(&format!("\"link\":\"https://{NAME}/r/")), "{answer}");
}

#[tokio::test]
async fn new_files_are_shown_without_a_restart_and_open_connections_stay() {
    let authority = Authority::new();
    let server = authority.start().await;
    let mut early = authority.connect(server.http_addr).await;
    let first = shown(&early);
    let second = authority.issue(2101);
    let start = Instant::now();
    while shown(&authority.connect(server.http_addr).await) != second {
        assert!(start.elapsed() < PATIENCE, "the new certificate is not shown");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_ne!(first, second);
    let request = format!("GET /api/health HTTP/1.1\r\nHost: {NAME}\r\n\r\n");
    early.write_all(request.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    early.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    // What cannot be used changes nothing.
    std::fs::write(authority.files().key, "no key").unwrap();
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(shown(&authority.connect(server.http_addr).await), second);
}

async fn refused(config: Config) -> String {
    Server::start(config).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_certificate_that_clients_would_refuse_is_refused_at_start_with_file_and_reason() {
    let authority = Authority::new();
    authority.issue(2021);
    let text = refused(authority.config()).await;
    assert!(text.contains("chain.pem") && text.contains("expired"), "{text}");
    authority.issue(2100);
    std::fs::write(authority.files().key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let text = refused(authority.config()).await;
    assert!(text.contains("key.pem") && text.contains("belongs to another certificate"), "{text}");
    std::fs::write(authority.files().certificate, "nothing").unwrap();
    let text = refused(authority.config()).await;
    assert!(text.contains("chain.pem") && text.contains("no certificate in PEM"), "{text}");
    std::fs::remove_file(authority.files().certificate).unwrap();
    let text = refused(authority.config()).await;
    assert!(text.contains("chain.pem") && text.contains("cannot be read"), "{text}");
}

#[tokio::test]
async fn plain_http_is_sent_on_to_https_at_our_own_names_alone() {
    let authority = Authority::new();
    authority.issue(2100);
    let http_redirect = Some("127.0.0.1:0".parse().unwrap());
    let server = start_with(Config { http_redirect, ..authority.config() }).await;
    let plain = server.http_redirect_addr.unwrap();
    let ask = async |request: &str| ask(TcpStream::connect(plain).await.unwrap(), request).await;
    let answer = ask(&get("/r/standup?a=b", NAME, "")).await;
    assert!(answer.starts_with("HTTP/1.1 308"), "{answer}");
    let port = server.http_addr.port();
    assert!(answer.contains(&format!("location: https://{NAME}:{port}/r/standup?a=b\r\n")), "{answer}");
    assert!(!answer.contains("strict-transport-security"), "RFC 6797 section 7.2: {answer}");
    let answer = ask(&get("/", "evil.example", "")).await;
    assert!(answer.starts_with("HTTP/1.1 421") && !answer.contains("location:"), "{answer}");
    let answer = ask(&get("/", NAME, "Host: evil.example\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 400") && !answer.contains("location:"), "{answer}");
    let answer = ask(&format!("POST /api/rooms HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 308"), "{answer}");
    server.shutdown().await;
    assert!(TcpStream::connect(plain).await.is_err(), "it ends with the server");
}

#[tokio::test]
async fn who_goes_through_the_handshake_a_byte_at_a_time_is_dropped() {
    let authority = Authority::new();
    let server = authority.start().await;
    let mut slow = TcpStream::connect(server.http_addr).await.unwrap();
    let mut silent = TcpStream::connect(server.http_addr).await.unwrap();
    let start = Instant::now();
    let dripping = async {
        // The head of a record that announces 512 bytes, which then come one a second.
        slow.write_all(&[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]).await.unwrap();
        let (mut reader, mut writer) = slow.split();
        let mut bytes = [0; 64];
        loop {
            tokio::select! {
                read = reader.read(&mut bytes) => if !matches!(read, Ok(1..)) { return },
                () = tokio::time::sleep(Duration::from_secs(1)) => {
                    if writer.write_all(&[0]).await.is_err() { return }
                }
            }
        }
    };
    tokio::time::timeout(PATIENCE, dripping).await.unwrap();
    let _ = tokio::time::timeout(PATIENCE, silent.read(&mut [0; 64])).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(5), "not because of what was sent");
    let answer = ask(authority.connect(server.http_addr).await, &get("/api/health", NAME, "")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "others are not hurt: {answer}");
}

#[tokio::test]
async fn a_handshake_that_is_not_finished_does_not_hold_the_end_up() {
    let authority = Authority::new();
    let server = authority.start().await;
    let _silent = TcpStream::connect(server.http_addr).await.unwrap();
    let start = Instant::now();
    server.shutdown().await;
    assert!(start.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn the_folder_of_acme_must_be_usable() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let settings = server::AcmeSettings {
        domains: vec![NAME.parse().unwrap()],
        contact: Vec::new(),
        directory: "https://127.0.0.1:1/dir".parse().unwrap(),
        root: None,
    };
    let data_dir = |path: &Path| Some(server::DataDir { path: path.to_owned(), is_chosen: true });
    let tls = Some(TlsSource::Acme(settings));
    let config = Config { tls, data_dir: data_dir(file.path()), ..Config::on_loopback() };
    let text = refused(config.clone()).await;
    assert!(text.contains("acme") && text.contains(file.path().to_str().unwrap()), "{text}");
    assert!(refused(Config { data_dir: None, ..config }).await.contains("--data-dir"));
}
