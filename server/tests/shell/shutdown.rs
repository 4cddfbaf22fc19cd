use std::net::{TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use server::Config;

use crate::client::{Client, PATIENCE, start, start_with};

#[tokio::test]
async fn clients_are_told_to_come_back_and_the_ports_are_free_again() {
    let server = start().await;
    let (http, media) = (server.http_addr, server.media_addr);
    let (mut ada, _) = Client::join(&server, "abc-defg", "Ada").await;
    let stopping = tokio::spawn(server.shutdown());
    let goodbye = ada.expect_goodbye("restarting").await;
    let retry_after_ms = goodbye["retry_after_ms"].as_u64().unwrap();
    assert!((100..5000).contains(&retry_after_ms), "{retry_after_ms}");
    tokio::time::timeout(PATIENCE, stopping).await.unwrap().unwrap();
    assert!(TcpStream::connect(http).is_err(), "nobody listens any more");
    UdpSocket::bind(media).expect("the media port is free again");
}

#[tokio::test]
async fn a_restarted_server_on_the_same_ports_serves_again() {
    let server = start().await;
    let config =
        Config { listen: server.http_addr, media_listen: server.media_addr, ..Config::on_loopback() };
    let (ada, _) = Client::join(&server, "abc-defg", "Ada").await;
    server.shutdown().await;
    drop(ada);
    let server = start_with(config).await;
    Client::join(&server, "abc-defg", "Ada").await;
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_the_shutdown_up() {
    let server = start().await;
    let _idle = TcpStream::connect(server.http_addr).unwrap();
    let start = Instant::now();
    tokio::time::timeout(PATIENCE, server.shutdown()).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(10));
}
