//! All bots in one thread: datagrams, signaling, frames that are due.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, bail};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use shared::PeerId;
use shared::protocol::{PauseReason, SlotAssignment, Want};
use tests::media::Label;

use super::bot::{Bot, Count, Identity};
use super::publisher::MICROPHONE;
use super::signaling::{Joined, Line, News};
use crate::socket::Receiver;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
const TIMER_SPACING: Duration = Duration::from_millis(5);
const EVENTS_MAX: usize = 512;
/// Packets of a stream whose departure is known.
const SENT_KEPT: usize = 4096;
/// Speakers at the same time, and how long each speaks.
const SPEAKERS: usize = 3;
const SPEECH: Duration = Duration::from_secs(4);

/// Of the newest packets of a stream: number and time.
type Departures = Box<[(u32, u64); SENT_KEPT]>;

/// One participant.
pub(super) struct Member {
    pub(super) bot: Bot,
    pub(super) line: Line,
    pub(super) slots: Vec<SlotAssignment>,
    /// The simulcast layer that a video slot last showed, by mid.
    pub(super) shows: HashMap<usize, u8>,
    /// From the first word to media that can flow.
    pub(super) joined_in: Duration,
}

/// See the [module](self).
pub(super) struct Crowd {
    server: SocketAddr,
    identity: Identity,
    pub(super) members: Vec<Member>,
    /// Members that publish: those are looked at all the time.
    publishers: Vec<usize>,
    receiver: Receiver,
    epoll: Epoll,
    events: Vec<EpollEvent>,
    timers_due: Instant,
    start: (Instant, u64),
    /// When a packet left, by stream and number, in nanoseconds since the Unix epoch.
    sent_at_ns: HashMap<(u16, u8, u8), Departures>,
    /// Of the sample that was decrypted.
    pub(super) latencies_us: Vec<u32>,
    /// Video packets that were published.
    pub(super) published: u64,
    /// How late frames left, at worst: more than a frame, and the offered load is not what it says.
    pub(super) latest: Duration,
    /// Nothing is published at the moment.
    pub(super) is_paused: bool,
}

impl Crowd {
    pub(super) fn new(server: SocketAddr) -> Result<Self> {
        let now = Instant::now();
        Ok(Self {
            server,
            identity: Identity::new()?,
            members: Vec::new(),
            publishers: Vec::new(),
            receiver: Receiver::new(),
            epoll: Epoll::new(EpollCreateFlags::empty())?,
            events: vec![EpollEvent::empty(); EVENTS_MAX],
            timers_due: now,
            start: (now, unix_ns()),
            sent_at_ns: HashMap::new(),
            latencies_us: Vec::new(),
            published: 0,
            latest: Duration::ZERO,
            is_paused: false,
        })
    }

    /// Lets one more in and waits until its media can flow; nothing when the server refuses, and why.
    pub(super) fn join(&mut self, mut bot: Bot) -> Result<Result<usize, String>> {
        let start = Instant::now();
        let line = match Line::join(self.server, &self.identity, &mut bot)? {
            Joined::In(line) => *line,
            Joined::Refused(reason) => return Ok(Err(reason)),
        };
        let at = self.members.len();
        let events = |of: u64| EpollEvent::new(EpollFlags::EPOLLIN, at as u64 * 2 + of);
        self.epoll.add(bot.socket.as_fd(), events(0))?;
        self.epoll.add(line.stream().as_fd(), events(1))?;
        if !bot.sources.is_empty() {
            self.publishers.push(at);
        }
        let shows = HashMap::new();
        self.members.push(Member { bot, line, slots: Vec::new(), shows, joined_in: Duration::ZERO });
        while self.members[at].bot.connected.is_none() {
            if start.elapsed() > CONNECT_TIMEOUT {
                bail!("bot {at} did not connect within {CONNECT_TIMEOUT:?}");
            }
            self.turn(1)?;
        }
        self.members[at].joined_in = start.elapsed();
        Ok(Ok(at))
    }

    pub(super) fn want(&mut self, at: usize, wants: Vec<Want>) -> Result<()> {
        self.members[at].line.want(wants)
    }

    pub(super) fn peer(&self, at: usize) -> PeerId {
        self.members[at].line.peer
    }

    /// Lets everything happen for this long.
    pub(super) fn play(&mut self, time: Duration) -> Result<()> {
        self.play_until(time, |_| false).map(drop)
    }

    /// The same until something is so; tells whether it is.
    pub(super) fn play_until(&mut self, time: Duration, is_so: impl Fn(&Self) -> bool) -> Result<bool> {
        let start = Instant::now();
        while start.elapsed() < time {
            self.turn(1)?;
            if is_so(self) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What arrived so far at those who watch.
    pub(super) fn count(&self) -> Count {
        self.members.iter().map(|member| member.bot.count()).fold(Count::default(), |sum, count| Count {
            received: sum.received + count.received,
            expected: sum.expected + count.expected,
        })
    }

    pub(super) fn ensure_intact(&self) -> Result<()> {
        for (at, member) in self.members.iter().enumerate() {
            member.bot.ensure_intact().with_context(|| format!("bot {at}"))?;
        }
        Ok(())
    }

    /// How many slots show nothing for this reason.
    pub(super) fn paused(&self, reason: PauseReason) -> usize {
        let slots = self.members.iter().flat_map(|member| &member.slots);
        slots.filter(|slot| slot.paused == Some(reason)).count()
    }

    fn turn(&mut self, timeout_ms: u8) -> Result<()> {
        self.publish();
        let count = match self.epoll.wait(&mut self.events, EpollTimeout::from(timeout_ms)) {
            Ok(count) => count,
            Err(nix::errno::Errno::EINTR) => 0,
            Err(error) => return Err(error).context("waiting for datagrams"),
        };
        for at in 0..count {
            let data = self.events[at].data() as usize;
            if data.is_multiple_of(2) {
                self.receive(data / 2)?
            } else {
                self.read(data / 2)?
            }
            if at % 64 == 63 {
                self.publish();
            }
        }
        let now = Instant::now();
        if self.timers_due <= now {
            self.timers_due = now + TIMER_SPACING;
            let speaking = (self.start.0.elapsed().as_secs() / SPEECH.as_secs()) as usize;
            let microphones = self.publishers.len().max(1);
            for (number, at) in self.publishers.iter().enumerate() {
                let is_speaking = (number + microphones - speaking % microphones) % microphones < SPEAKERS;
                for source in &mut self.members[*at].bot.sources {
                    source.is_speaking = is_speaking;
                }
            }
            for member in &mut self.members {
                member.bot.handle_timeout(&self.identity, now)?;
            }
        }
        Ok(())
    }

    fn publish(&mut self) {
        if self.is_paused {
            return;
        }
        let now = Instant::now();
        for at in &self.publishers {
            let bot = &mut self.members[*at].bot;
            for source in 0..bot.sources.len() {
                let due = bot.sources[source].due;
                if due > now {
                    continue;
                }
                if bot.connected.is_some() {
                    self.latest = self.latest.max(now - due);
                }
                let (sent_at_ns, published) = (&mut self.sent_at_ns, &mut self.published);
                bot.publish(source, now, |label| {
                    *published += u64::from(label.source != MICROPHONE);
                    let sent =
                        sent_at_ns.entry(stream(label)).or_insert_with(|| Box::new([(0, 0); SENT_KEPT]));
                    sent[label.sequence as usize % SENT_KEPT] = (label.sequence, unix_ns());
                });
            }
        }
    }

    fn receive(&mut self, at: usize) -> Result<()> {
        let Member { bot, shows, .. } = &mut self.members[at];
        let (epoch, epoch_ns) = self.start;
        // Held apart from the bot, which takes the datagrams.
        let socket = Arc::clone(&bot.socket);
        for (arrival, datagram) in self.receiver.receive(&socket)? {
            let at_ns = arrival.at_ns.unwrap_or_else(unix_ns);
            let came = epoch + Duration::from_nanos(at_ns.saturating_sub(epoch_ns));
            let Some(label) = bot.receive(&self.identity, came, datagram)? else { continue };
            if label.source != MICROPHONE {
                shows.insert(usize::from(label.publisher), label.layer);
            }
            let sent = self.sent_at_ns.get(&stream(&label));
            let sent = sent.map(|sent| sent[label.sequence as usize % SENT_KEPT]);
            if let Some((_, sent_ns)) = sent.filter(|(sequence, _)| *sequence == label.sequence) {
                self.latencies_us.push((at_ns.saturating_sub(sent_ns) / 1000) as u32);
            }
        }
        Ok(())
    }

    fn read(&mut self, at: usize) -> Result<()> {
        let Member { bot, line, slots, .. } = &mut self.members[at];
        while let Some(news) = line.poll()? {
            match news {
                News::Slots(told) => *slots = told,
                News::Layers(publications) => {
                    for source in &mut bot.sources {
                        let mid = source.mid().to_string();
                        let named = publications.iter().find(|named| named.mid == mid);
                        let rids = named.map(|named| if named.active { &named.rids[..] } else { &[] });
                        source.set_layers(rids);
                    }
                }
            }
        }
        Ok(())
    }
}

const fn stream(label: &Label) -> (u16, u8, u8) {
    (label.publisher, label.source, label.layer)
}

fn unix_ns() -> u64 {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX)
}
