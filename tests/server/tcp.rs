//! Media over TCP with a client of its own: framed connectivity checks, and what strangers get.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rtc::stun::attributes::{ATTR_ICE_CONTROLLING, ATTR_PRIORITY, ATTR_USE_CANDIDATE, ATTR_USERNAME};
use rtc::stun::fingerprint::FINGERPRINT;
use rtc::stun::integrity::MessageIntegrity;
use rtc::stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Getter as _, Message, Setter as _};
use rtc::stun::xoraddr::XorMappedAddress;
use server::Config;
use shared::protocol::{ClientMessage, Offer, ServerMessage};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::socket::{PATIENCE, Socket};
use crate::start;

const UFRAG: &str = "ourufrag";
/// One receiving section: enough for a transport.
const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:ourufrag\r\n\
    a=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:\
    10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\na=setup:actpass\r\na=mid:0\r\na=recvonly\r\na=rtcp-mux\r\n\
    a=rtpmap:111 opus/48000/2\r\n";

/// What an answer says about the way to the server.
struct Way {
    ufrag: String,
    pwd: String,
    tcp: Vec<SocketAddr>,
}

/// Joins a room and negotiates a transport.
async fn negotiate(server: SocketAddr, room: &str) -> (Socket, Way) {
    let mut socket = Socket::join(server, room).await;
    let offer = Offer { negotiation: 1, sdp: OFFER.to_owned(), sources: Vec::new() };
    socket.send(&ClientMessage::Offer(offer)).await;
    let answered = |message: &ServerMessage| {
        if let ServerMessage::Answer(answer) = message { Some(answer.sdp.clone()) } else { None }
    };
    let sdp = socket.wait(answered).await;
    let value = |name: &str| sdp.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
    let tcp = sdp.lines().filter(|line| line.ends_with("typ host tcptype passive"));
    let tcp = tcp.map(|line| {
        let fields: Vec<&str> = line.split(' ').collect();
        SocketAddr::new(fields[4].parse().unwrap(), fields[5].parse().unwrap())
    });
    let way = Way { ufrag: value("a=ice-ufrag:"), pwd: value("a=ice-pwd:"), tcp: tcp.collect() };
    (socket, way)
}

fn check(way: &Way, pwd: &str) -> Message {
    let provider = rtc::crypto::default_provider().unwrap();
    let mut request = Message::new();
    request.set_type(BINDING_REQUEST);
    request.new_transaction_id().unwrap();
    request.write_header();
    request.add(ATTR_USERNAME, format!("{}:{UFRAG}", way.ufrag).as_bytes());
    request.add(ATTR_PRIORITY, &[90, 0, 0, 255]);
    request.add(ATTR_ICE_CONTROLLING, &[7; 8]);
    request.add(ATTR_USE_CANDIDATE, &[]);
    MessageIntegrity::new_short_term_integrity_with_provider(pwd.to_owned(), provider.crypto())
        .add_to(&mut request)
        .unwrap();
    FINGERPRINT.add_to(&mut request).unwrap();
    request
}

fn framed(datagram: &[u8]) -> Vec<u8> {
    let len = u16::try_from(datagram.len()).unwrap().to_be_bytes();
    [&len[..], datagram].concat()
}

async fn answer(stream: &mut TcpStream) -> Message {
    let reading = async {
        let len = stream.read_u16().await.unwrap();
        let mut datagram = vec![0; len.into()];
        stream.read_exact(&mut datagram).await.unwrap();
        datagram
    };
    let datagram = tokio::time::timeout(PATIENCE, reading).await.expect("an answer in time");
    let mut message = Message::new();
    message.unmarshal_binary(&datagram).unwrap();
    message
}

/// How long the server leaves the connection open.
async fn closed_after(mut stream: TcpStream) -> Duration {
    let start = Instant::now();
    let reading = async { while stream.read(&mut [0; 100]).await.is_ok_and(|count| count > 0) {} };
    tokio::time::timeout(PATIENCE, reading).await.expect("the server closes the connection");
    start.elapsed()
}

#[tokio::test]
async fn a_check_over_tcp_is_answered_by_the_shard_of_its_room_however_it_is_cut() {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let config = Config { shards: cores.min(3), ..Config::on_loopback() };
    let server = server::Server::start(config).await.unwrap();
    let expected = server.media_tcp_addr.unwrap();
    for room in ["one", "two", "three", "four", "five"] {
        let (_socket, way) = negotiate(server.http_addr, room).await;
        assert_eq!(way.tcp, [expected]);
        let mut stream = TcpStream::connect(way.tcp[0]).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let request = check(&way, &way.pwd);
        for piece in framed(&request.raw).chunks(50) {
            stream.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        let response = answer(&mut stream).await;
        assert_eq!((response.typ, response.transaction_id), (BINDING_SUCCESS, request.transaction_id));
        let mut mapped = XorMappedAddress::default();
        mapped.get_from(&response).unwrap();
        assert_eq!(SocketAddr::new(mapped.ip, mapped.port), stream.local_addr().unwrap());
        // Two in one segment.
        let again = [framed(&check(&way, &way.pwd).raw), framed(&check(&way, &way.pwd).raw)].concat();
        stream.write_all(&again).await.unwrap();
        assert_eq!(answer(&mut stream).await.typ, BINDING_SUCCESS);
        assert_eq!(answer(&mut stream).await.typ, BINDING_SUCCESS);
    }
    server.shutdown().await;
}

#[tokio::test]
async fn strangers_are_cut_off_and_slow_ones_after_five_seconds() {
    let server = start().await;
    let (_socket, way) = negotiate(server.http_addr, "strangers").await;
    let at = server.media_tcp_addr.unwrap();
    let nonsense: [&[u8]; 4] = [b"GET / HTTP/1.1\r\n\r\n", &[0xff, 0xff, 1], &[0, 3, 1, 2, 3], &[0, 0]];
    for octets in nonsense {
        let mut stream = TcpStream::connect(at).await.unwrap();
        stream.write_all(octets).await.unwrap();
        assert!(closed_after(stream).await < Duration::from_secs(4), "{octets:?}");
    }
    let slow = TcpStream::connect(at).await.unwrap();
    let mut wrong = TcpStream::connect(at).await.unwrap();
    wrong.write_all(&framed(&check(&way, "not the password").raw)).await.unwrap();
    let (slow, wrong) = tokio::join!(closed_after(slow), closed_after(wrong));
    assert!(slow > Duration::from_secs(4) && slow < Duration::from_secs(9), "{slow:?}");
    assert!(
        wrong > Duration::from_secs(8),
        "whoever names a participant gets the time of a check: {wrong:?}"
    );
    server.shutdown().await;
}
