use std::net::{Ipv4Addr, TcpListener};

use sfu::ice::framing;

use super::*;

const PATIENCE: Duration = Duration::from_secs(10);

/// Connections with one that is open, and its other end.
fn one() -> (Connections, TcpStream, TcpConnection) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let other = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, remote) = listener.accept().unwrap();
    other.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut connections = Connections::new(2).unwrap();
    connections.add(Instant::now(), stream, remote, Vec::new(), |_, _| {}).unwrap();
    (connections, other, TcpConnection { id: 1, remote })
}

fn framed(datagram: &[u8]) -> Vec<u8> {
    [&framing::header(datagram.len()).unwrap()[..], datagram].concat()
}

/// Runs turns until something was received or a connection has ended.
fn receive(connections: &mut Connections) -> (Vec<(Address, Vec<u8>)>, Vec<TcpConnection>) {
    let (mut taken, mut closed) = (Vec::new(), Vec::new());
    let start = Instant::now();
    while taken.is_empty() && closed.is_empty() && start.elapsed() < PATIENCE {
        let take = |from, datagram: &mut [u8]| taken.push((from, datagram.to_vec()));
        connections.receive(start, take, |ended| closed.push(ended)).unwrap();
        std::thread::yield_now();
    }
    (taken, closed)
}

fn batch(to: TcpConnection, datagram: &[u8], count: usize) -> SendBatch {
    let mut batch = SendBatch::with_capacity(count);
    for _ in 0..count {
        batch.push_with(to, |space| {
            space[..datagram.len()].copy_from_slice(datagram);
            Some(datagram.len())
        });
    }
    batch
}

#[test]
fn datagrams_travel_both_ways_in_frames() {
    let (mut connections, mut other, name) = one();
    other.write_all(&framed(b"check")).unwrap();
    assert_eq!(receive(&mut connections).0, [(name.into(), b"check".to_vec())]);
    let batch = batch(name, b"answer", 2);
    assert!(batch.has_tcp());
    connections.queue(&batch);
    connections.flush(Instant::now());
    let mut answer = [0; 16];
    other.read_exact(&mut answer).unwrap();
    assert_eq!(answer, *b"\0\x06answer\0\x06answer");
    assert_eq!(connections.counts(), Counts { accepted: 1, sent: 2, given_up: 0 });
}

#[test]
fn what_was_read_before_the_hand_over_is_not_lost() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let _other = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, remote) = listener.accept().unwrap();
    let mut connections = Connections::new(1).unwrap();
    let mut taken = Vec::new();
    let received = [framed(b"check"), framed(b"next")].concat();
    connections
        .add(Instant::now(), stream, remote, received, |_, datagram| taken.push(datagram.to_vec()))
        .unwrap();
    assert_eq!(taken, [b"check".to_vec(), b"next".to_vec()]);
}

#[test]
fn a_connection_that_ends_or_talks_nonsense_is_told_and_forgotten() {
    for is_nonsense in [false, true] {
        let (mut connections, mut other, name) = one();
        if is_nonsense {
            other.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        } else {
            drop(other);
        }
        assert_eq!(receive(&mut connections), (vec![], vec![name]));
        assert!(connections.is_empty());
        connections.queue(&batch(name, b"late", 1));
        connections.flush(Instant::now());
    }
}

#[test]
fn a_connection_that_does_not_drain_never_blocks_and_is_closed_after_a_while() {
    let (mut connections, other, name) = one();
    let start = Instant::now();
    let video = [0x80_u8; 1200];
    for _ in 0..50 {
        connections.queue(&batch(name, &video, 100));
        connections.flush(start);
    }
    assert!(connections.counts().given_up > 1000, "{:?}", connections.counts());
    assert!(start.elapsed() < PATIENCE);
    let check = [0_u8; 100];
    let before = connections.counts().sent;
    connections.queue(&batch(name, &check, 10));
    assert_eq!(connections.counts().sent, before + 10, "control goes on when video does not");
    let mut closed = Vec::new();
    connections.sweep(start + STALLED_MAX - Duration::from_secs(1), |_| true, |ended| closed.push(ended));
    assert!(closed.is_empty());
    connections.sweep(Instant::now() + STALLED_MAX, |_| true, |ended| closed.push(ended));
    assert_eq!(closed, [name]);
    drop(other);
}

#[test]
fn a_connection_that_is_nobody_s_is_closed_after_a_while() {
    let (mut connections, _other, name) = one();
    let start = Instant::now() + UNVALIDATED_MAX;
    let mut closed = Vec::new();
    connections.sweep(start, |address| address == Address::Tcp(name), |ended| closed.push(ended));
    assert!(closed.is_empty(), "a check has passed meanwhile");
    connections.sweep(start + Duration::from_secs(1), |_| false, |ended| closed.push(ended));
    connections.sweep(start + UNVALIDATED_MAX, |_| false, |ended| closed.push(ended));
    assert!(closed.is_empty(), "its check has just run out");
    connections.sweep(
        start + UNVALIDATED_MAX + Duration::from_secs(1),
        |_| false,
        |ended| closed.push(ended),
    );
    assert_eq!(closed, [name]);
}

#[test]
fn no_more_connections_than_allowed_are_kept() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut connections = Connections::new(2).unwrap();
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(TcpStream::connect(listener.local_addr().unwrap()).unwrap());
        let (stream, remote) = listener.accept().unwrap();
        connections.add(Instant::now(), stream, remote, Vec::new(), |_, _| {}).unwrap();
    }
    assert_eq!(connections.open.len(), 2);
    others[2].set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(others[2].read(&mut [0; 1]).unwrap(), 0, "the third is closed");
}
