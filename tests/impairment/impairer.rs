//! A bad line for real datagrams: stands between clients and the server's UDP port, and does to what passes what
//! [`tests::line`] says, from a seed.
//!
//! `impairer LISTEN SERVER SEED` prints `listening ADDRESS`. Then it reads one order a line:
//! `up KEY=NUMBER …`, `down KEY=NUMBER …` or `both …` say what a direction does from now on (`loss`, `duplication`,
//! `corruption`, `burst_begin`, `burst_end`, `burst_loss` per mille; `delay`, `jitter`, `queue` in milliseconds; `rate`
//! in kbit/s; what is not named is as on a perfect line); `rebind` gives every client another port towards the server, as
//! a NAT does that forgot. Each order is answered with `ok` or `error …`. The end of the orders is its end.

#![expect(clippy::print_stdout, reason = "its answers are how a test talks with it")]

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io::BufRead as _;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ::tests::line::{Bursts, Impairment, Line};

/// Longer than any datagram that fits a UDP header.
const DATAGRAM_BYTES_MAX: usize = 65_536;
/// How soon a reader of a forgotten port notices that.
const READ_LIMIT: Duration = Duration::from_millis(200);
/// Datagrams under way; what comes on top is dropped, as by a router without memory.
const UNDER_WAY_MAX: usize = 20_000;
/// Clients at a time; datagrams of further ones are dropped.
const CLIENTS_MAX: usize = 1_000;
const PERFECT: Impairment = Impairment { delay: Duration::ZERO, ..Impairment::GOOD };

/// A datagram under way. Ordered by when it is due, then by when it came.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: Duration,
    order: u64,
    datagram: Vec<u8>,
    to: SocketAddr,
    /// The client whose port towards the server it leaves from; nothing for the port that clients see.
    through: Option<SocketAddr>,
}

struct Middle {
    epoch: Instant,
    front: UdpSocket,
    server: SocketAddr,
    up: Mutex<Line>,
    down: Mutex<Line>,
    /// The ports towards the server, by client, and how often they changed.
    ports: Mutex<HashMap<SocketAddr, Arc<UdpSocket>>>,
    generation: AtomicU32,
    under_way: Mutex<(BinaryHeap<Reverse<Due>>, u64)>,
    added: Condvar,
}

/// A panic elsewhere ends the test anyway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Middle {
    fn pass(&self, line: &Mutex<Line>, datagram: &[u8], to: SocketAddr, through: Option<SocketAddr>) {
        let now = self.epoch.elapsed();
        let copies = lock(line).carry(now, datagram);
        let mut under_way = lock(&self.under_way);
        for (delay, datagram) in copies {
            if under_way.0.len() < UNDER_WAY_MAX {
                under_way.1 += 1;
                let order = under_way.1;
                under_way.0.push(Reverse(Due { at: now + delay, order, datagram, to, through }));
            }
        }
        drop(under_way);
        self.added.notify_one();
    }

    /// Sends what is due, for ever.
    fn deliver(&self) {
        let mut under_way = lock(&self.under_way);
        loop {
            let now = self.epoch.elapsed();
            match under_way.0.peek() {
                Some(Reverse(due)) if due.at <= now => {
                    let Some(Reverse(due)) = under_way.0.pop() else { continue };
                    drop(under_way);
                    self.send(&due);
                    under_way = lock(&self.under_way);
                }
                next => {
                    let wait = next.map_or(READ_LIMIT, |Reverse(due)| due.at - now);
                    let waited = self.added.wait_timeout(under_way, wait);
                    under_way = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }

    fn send(&self, due: &Due) {
        let port = due.through.map(|client| lock(&self.ports).get(&client).map(Arc::clone));
        // What cannot be sent is lost, as on any line.
        let _ = match port {
            None => self.front.send_to(&due.datagram, due.to),
            Some(Some(port)) => port.send_to(&due.datagram, due.to),
            Some(None) => Ok(0),
        };
    }

    /// Takes what clients send, for ever.
    fn accept(self: &Arc<Self>) {
        let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
        loop {
            let Ok((len, client)) = self.front.recv_from(&mut buffer) else { continue };
            let known = lock(&self.ports).len();
            let is_new = !lock(&self.ports).contains_key(&client);
            if is_new && (known >= CLIENTS_MAX || self.open(client).is_err()) {
                continue;
            }
            self.pass(&self.up, &buffer[..len], self.server, Some(client));
        }
    }

    /// A port towards the server for `client`, and a reader of it that ends when the port is forgotten.
    fn open(self: &Arc<Self>, client: SocketAddr) -> std::io::Result<()> {
        let port = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?);
        port.set_read_timeout(Some(READ_LIMIT))?;
        lock(&self.ports).insert(client, Arc::clone(&port));
        let (middle, generation) = (Arc::clone(self), self.generation.load(Ordering::Relaxed));
        std::thread::spawn(move || {
            let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
            while middle.generation.load(Ordering::Relaxed) == generation {
                if let Ok(len) = port.recv(&mut buffer) {
                    middle.pass(&middle.down, &buffer[..len], client, None);
                }
            }
        });
        Ok(())
    }

    fn rebind(self: &Arc<Self>) -> std::io::Result<()> {
        self.generation.fetch_add(1, Ordering::Relaxed);
        let clients: Vec<SocketAddr> = lock(&self.ports).keys().copied().collect();
        clients.into_iter().try_for_each(|client| self.open(client))
    }

    fn obey(self: &Arc<Self>, order: &str) -> Result<(), String> {
        let mut words = order.split_whitespace();
        let lines: &[&Mutex<Line>] = match words.next() {
            Some("rebind") => return self.rebind().map_err(|error| error.to_string()),
            Some("up") => &[&self.up],
            Some("down") => &[&self.down],
            Some("both") => &[&self.up, &self.down],
            other => return Err(format!("unknown order {other:?}")),
        };
        let impairment = parse(words)?;
        for line in lines {
            lock(line).impairment = impairment;
        }
        Ok(())
    }
}

/// Reads `KEY=NUMBER` words.
fn parse<'a>(words: impl Iterator<Item = &'a str>) -> Result<Impairment, String> {
    let mut impairment = PERFECT;
    let mut bursts = Bursts { begin: 0, end: 1000, loss: 1000 };
    for word in words {
        let (key, value) = word.split_once('=').ok_or_else(|| format!("{word} has no value"))?;
        let number: u32 = value.parse().map_err(|_| format!("{word} is no number"))?;
        let millis = Duration::from_millis(number.into());
        match key {
            "loss" => impairment.loss = number,
            "duplication" => impairment.duplication = number,
            "corruption" => impairment.corruption = number,
            "burst_begin" => bursts.begin = number,
            "burst_end" => bursts.end = number,
            "burst_loss" => bursts.loss = number,
            "delay" => impairment.delay = millis,
            "jitter" => impairment.jitter = millis,
            "queue" => impairment.queue = millis,
            "rate" => impairment.rate_bps = Some(u64::from(number.max(1)) * 1000),
            _ => return Err(format!("unknown key {key}")),
        }
    }
    impairment.bursts = (bursts.begin > 0).then_some(bursts);
    Ok(impairment)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [listen, server, seed] = words.as_slice() else {
        return Err("usage: impairer LISTEN SERVER SEED".into());
    };
    let seed: u64 = seed.parse()?;
    let middle = Arc::new(Middle {
        epoch: Instant::now(),
        front: UdpSocket::bind(listen.as_str())?,
        server: server.parse()?,
        up: Mutex::new(Line::new(PERFECT, seed)),
        down: Mutex::new(Line::new(PERFECT, seed ^ 1)),
        ports: Mutex::default(),
        generation: AtomicU32::new(0),
        under_way: Mutex::default(),
        added: Condvar::new(),
    });
    println!("listening {}", middle.front.local_addr()?);
    let delivering = Arc::clone(&middle);
    std::thread::spawn(move || delivering.deliver());
    let accepting = Arc::clone(&middle);
    std::thread::spawn(move || accepting.accept());
    for order in std::io::stdin().lock().lines() {
        match middle.obey(&order?) {
            Ok(()) => println!("ok"),
            Err(reason) => println!("error {reason}"),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_name_what_a_direction_does_and_leave_the_rest_perfect() {
        let read = parse("loss=20 delay=60 rate=500".split(' ')).unwrap();
        let expected =
            Impairment { loss: 20, delay: Duration::from_millis(60), rate_bps: Some(500_000), ..PERFECT };
        assert_eq!(read, expected);
        assert_eq!(parse(std::iter::empty()).unwrap(), PERFECT);
        assert!(parse(std::iter::once("loss")).is_err() && parse(std::iter::once("lost=1")).is_err());
    }
}
