//! Every backend passes the same tests, against plain sockets at the other end.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use sfu::{DATAGRAM_BYTES_MAX, SendBatch};

use super::*;

/// Long enough for a loaded machine; a passing test never waits for it.
const PATIENCE: Duration = Duration::from_secs(10);

fn plain() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn plain_ipv6() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn loopback() -> UdpSocket {
    bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap()
}

/// Datagram `index` of `len` bytes.
fn payload(index: usize, len: usize) -> Vec<u8> {
    (0..len).map(|position| (index * 31 + position) as u8).collect()
}

fn batch(datagrams: &[(SocketAddr, usize)]) -> SendBatch {
    let mut batch = SendBatch::with_capacity(datagrams.len());
    for (index, (to, len)) in datagrams.iter().enumerate() {
        batch.push_with(*to, |bytes| {
            bytes[..*len].copy_from_slice(&payload(index, *len));
            Some(*len)
        });
    }
    batch
}

fn next(socket: &UdpSocket) -> Vec<u8> {
    let mut bytes = [0; RECEIVE_BYTES_MAX];
    let (len, _) = socket.recv_from(&mut bytes).unwrap();
    bytes[..len].to_vec()
}

/// Sends runs of several shapes to two plain sockets, and checks that each gets its datagrams unchanged in order.
fn check_send(socket: &UdpSocket, send: &mut dyn FnMut(&UdpSocket, &SendBatch) -> Sent) {
    let (a, b) = (plain(), plain());
    let (to_a, to_b) = (a.local_addr().unwrap(), b.local_addr().unwrap());
    let mut datagrams =
        vec![(to_a, 1200), (to_a, 1200), (to_a, 1200), (to_a, 400), (to_a, 1200), (to_b, 1200)];
    datagrams.extend([(to_b, 5), (to_a, DATAGRAM_BYTES_MAX), (to_b, 0), (to_b, 1)]);
    datagrams.extend([(to_b, 20); 70]);
    // The second batch finds the arrays of the first.
    for _ in 0..2 {
        let sent = send(socket, &batch(&datagrams));
        assert_eq!(sent, Sent { datagrams: datagrams.len() as u64, ..Sent::default() });
        for (index, (to, len)) in datagrams.iter().enumerate() {
            let receiver = if *to == to_a { &a } else { &b };
            assert_eq!(next(receiver), payload(index, *len), "datagram {index}");
        }
    }
}

/// A refused datagram costs itself only.
fn check_refused(socket: &UdpSocket, send: &mut dyn FnMut(&UdpSocket, &SendBatch) -> Sent) {
    let receiver = plain();
    let to = receiver.local_addr().unwrap();
    // An IPv4 socket cannot send to IPv6.
    let nowhere = SocketAddr::from((Ipv6Addr::LOCALHOST, 9));
    let sent = send(socket, &batch(&[(to, 3), (nowhere, 3), (to, 4)]));
    assert_eq!(sent, Sent { datagrams: 2, dropped_full: 0, dropped_refused: 1 });
    assert_eq!((next(&receiver).len(), next(&receiver).len()), (3, 4));
}

/// Runs `receive` until it has taken `count` datagrams.
macro_rules! take {
    ($backend:ident, $socket:expr, $slab:expr, $count:expr) => {{
        let mut taken = Vec::new();
        let start = Instant::now();
        while taken.len() < $count && start.elapsed() < PATIENCE {
            wait($socket, None, &Waker::new().unwrap(), Some(Duration::from_millis(50))).unwrap();
            $backend::receive($socket, $slab).unwrap();
            taken.extend($slab.datagrams_mut().map(|(from, bytes)| (from, bytes.to_vec())));
        }
        taken
    }};
}

macro_rules! conformance {
    ($name:ident, $backend:ident) => {
        mod $name {
            use super::*;

            #[test]
            fn datagrams_arrive_unchanged_and_in_order() {
                let socket = loopback();
                let mut transmitter = $backend::Transmitter::new(&socket, 200).unwrap();
                check_send(&socket, &mut |socket, batch| transmitter.send(socket, batch));
            }

            #[test]
            fn a_refused_datagram_costs_itself_only() {
                let socket = loopback();
                let mut transmitter = $backend::Transmitter::new(&socket, 200).unwrap();
                check_refused(&socket, &mut |socket, batch| transmitter.send(socket, batch));
            }

            #[test]
            fn an_empty_batch_sends_nothing() {
                let socket = loopback();
                let mut transmitter = $backend::Transmitter::new(&socket, 200).unwrap();
                assert_eq!(transmitter.send(&socket, &SendBatch::with_capacity(1)), Sent::default());
            }

            #[test]
            fn what_plain_sockets_send_is_received_with_its_sender() {
                let (socket, mut slab) = (loopback(), $backend::ReceiveSlab::new());
                assert_eq!($backend::receive(&socket, &mut slab).unwrap(), 0, "nothing waits yet");
                let senders = [plain(), plain()];
                let count = RECEIVE_BATCH + 6;
                for index in 0..count {
                    let bytes = payload(index, 10 * index);
                    senders[index % 2].send_to(&bytes, socket.local_addr().unwrap()).unwrap();
                }
                let taken = take!($backend, &socket, &mut slab, count);
                assert_eq!(taken.len(), count);
                for (index, (from, bytes)) in taken.iter().enumerate() {
                    assert_eq!(*from, senders[index % 2].local_addr().unwrap());
                    assert_eq!(*bytes, payload(index, 10 * index));
                }
            }

            #[test]
            fn a_datagram_that_is_too_long_is_dropped_and_the_next_is_not() {
                let (socket, mut slab) = (loopback(), $backend::ReceiveSlab::new());
                let sender = plain();
                let to = socket.local_addr().unwrap();
                sender.send_to(&[1; RECEIVE_BYTES_MAX + 1], to).unwrap();
                sender.send_to(&[2; 9], to).unwrap();
                let taken = take!($backend, &socket, &mut slab, 1);
                assert_eq!(taken, [(sender.local_addr().unwrap(), vec![2; 9])]);
            }

            #[test]
            fn a_socket_on_all_addresses_speaks_ipv4_and_ipv6() {
                let Ok(socket) = bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))) else {
                    assert!(
                        UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_err(),
                        "IPv6 exists but cannot be used"
                    );
                    return;
                };
                let port = socket.local_addr().unwrap().port();
                let (old, new) = (plain(), plain_ipv6());
                old.send_to(b"4", (Ipv4Addr::LOCALHOST, port)).unwrap();
                new.send_to(b"6", (Ipv6Addr::LOCALHOST, port)).unwrap();
                let mut slab = $backend::ReceiveSlab::new();
                let mut taken = take!($backend, &socket, &mut slab, 2);
                taken.sort_by(|a, b| a.1.cmp(&b.1));
                let (to_old, to_new) = (old.local_addr().unwrap(), new.local_addr().unwrap());
                assert_eq!(taken, [(to_old, b"4".to_vec()), (to_new, b"6".to_vec())]);
                let mut transmitter = $backend::Transmitter::new(&socket, 4).unwrap();
                let batch = batch(&[(to_old, 5), (to_old, 5), (to_new, 6), (to_new, 6)]);
                assert_eq!(transmitter.send(&socket, &batch).datagrams, 4);
                assert_eq!((next(&old).len(), next(&new).len()), (5, 6));
            }
        }
    };
}

#[cfg(target_os = "linux")]
conformance!(with_batch_calls, linux);
conformance!(one_by_one, portable);

#[cfg(target_os = "linux")]
#[test]
fn without_segmentation_the_same_datagrams_arrive() {
    let socket = loopback();
    let mut transmitter = Transmitter::with_segmentation(&socket, 200, false).unwrap();
    assert!(!transmitter.is_segmenting());
    check_send(&socket, &mut |socket, batch| transmitter.send(socket, batch));
}

#[cfg(target_os = "linux")]
#[test]
fn with_segmentation_the_same_datagrams_arrive_even_where_the_kernel_cannot() {
    let socket = loopback();
    let mut transmitter = Transmitter::with_segmentation(&socket, 200, true).unwrap();
    check_send(&socket, &mut |socket, batch| transmitter.send(socket, batch));
}

#[cfg(target_os = "linux")]
#[test]
fn the_arrays_do_not_grow_after_the_first_batch() {
    let socket = loopback();
    let receiver = plain();
    let to = receiver.local_addr().unwrap();
    let mut transmitter = Transmitter::new(&socket, 64).unwrap();
    let batch = batch(&[(to, 1); 64]);
    let before = transmitter.capacities();
    transmitter.send(&socket, &batch);
    assert_eq!(transmitter.capacities(), before);
}

#[test]
fn one_by_one_never_segments() {
    assert!(!portable::Transmitter::new(&loopback(), 1).unwrap().is_segmenting());
}

#[test]
fn an_ipv4_address_in_ipv6_clothes_is_normalised_and_back() {
    let check = |mapped: &str, plain: &str| {
        let (mapped, plain): (SocketAddr, SocketAddr) = (mapped.parse().unwrap(), plain.parse().unwrap());
        assert_eq!(normalised(mapped), plain);
        assert_eq!(for_family(plain, true), mapped);
        assert_eq!(for_family(plain, false), plain);
    };
    check("[::ffff:192.0.2.1]:5", "192.0.2.1:5");
    check("[2001:db8::1]:5", "[2001:db8::1]:5");
}
