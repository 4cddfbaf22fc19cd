//! recvmmsg(2) and sendmmsg(2) with UDP_SEGMENT (udp(7)).
//!
//! All arrays that the kernel is pointed to are made once; a call only writes into them. The types hold raw
//! pointers and are therefore not `Send`: make them on the thread that uses them.
#![expect(unsafe_code, reason = "no safe binding offers recvmmsg, or sendmmsg with UDP_SEGMENT")]

use std::io;
use std::mem::{size_of, zeroed};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::time::Duration;

use libc::{c_int, c_uint, iovec, mmsghdr, sockaddr_in, sockaddr_in6};
use sfu::SendBatch;

use super::run::{Run, SEGMENTS_MAX, runs};
use super::wait::{wait, wait_until_writable};
use super::{
    RECEIVE_BATCH, RECEIVE_BYTES_MAX, Sent, WRITABLE_TIMEOUT_MS, Waker, bind, for_family, normalised,
};

/// The kernel takes at most UIO_MAXIOV messages a call.
const MESSAGES_MAX: usize = 1024;
/// How often a full send buffer is waited for within one batch.
const WAITS_MAX: u32 = 2;
/// How long the probe's datagrams may take over the loopback interface of a busy machine.
const PROBE_TIMEOUT: Duration = Duration::from_millis(200);

/// Room for received datagrams and their senders.
pub(in crate::media) struct ReceiveSlab {
    bytes: Vec<[u8; RECEIVE_BYTES_MAX]>,
    addresses: Vec<RawAddress>,
    pieces: Vec<iovec>,
    messages: Vec<mmsghdr>,
    received: usize,
}

impl ReceiveSlab {
    pub(in crate::media) fn new() -> Self {
        Self {
            bytes: vec![[0; RECEIVE_BYTES_MAX]; RECEIVE_BATCH],
            addresses: vec![RawAddress::UNSET; RECEIVE_BATCH],
            pieces: Vec::with_capacity(RECEIVE_BATCH),
            messages: Vec::with_capacity(RECEIVE_BATCH),
            received: 0,
        }
    }

    /// What the last receive call brought: the sender and the bytes.
    pub(in crate::media) fn datagrams_mut(&mut self) -> impl Iterator<Item = (SocketAddr, &mut [u8])> {
        let received = self.messages[..self.received].iter().zip(&self.addresses).zip(&mut self.bytes);
        received.filter_map(|((message, address), bytes)| {
            let is_cut = message.msg_hdr.msg_flags & libc::MSG_TRUNC != 0;
            let from = address.decode().filter(|_| !is_cut)?;
            let len = usize::try_from(message.msg_len).ok()?;
            Some((normalised(from), bytes.get_mut(..len)?))
        })
    }

    /// Points a message at every room. Everything is written anew because the kernel overwrites the lengths.
    fn prepare(&mut self) {
        self.pieces.clear();
        self.messages.clear();
        let bytes = self.bytes.as_mut_ptr();
        let addresses = self.addresses.as_mut_ptr();
        let pieces = self.pieces.as_mut_ptr();
        for index in 0..RECEIVE_BATCH {
            let iov_base = bytes.wrapping_add(index).cast();
            self.pieces.push(iovec { iov_base, iov_len: RECEIVE_BYTES_MAX });
            let mut message = empty_message();
            message.msg_hdr.msg_name = addresses.wrapping_add(index).cast();
            message.msg_hdr.msg_namelen = RawAddress::LEN;
            message.msg_hdr.msg_iov = pieces.wrapping_add(index);
            message.msg_hdr.msg_iovlen = 1;
            self.messages.push(message);
        }
    }
}

/// Takes what waits, at most the slab's size. Returns how many datagrams were taken off the socket; those that
/// were cut are among them, but not in the slab.
pub(in crate::media) fn receive(socket: &UdpSocket, slab: &mut ReceiveSlab) -> io::Result<usize> {
    slab.received = 0;
    slab.prepare();
    // SAFETY: `prepare` has pointed all RECEIVE_BATCH messages at rooms, names and pieces of `slab`, with their
    // true lengths; `slab` is borrowed mutably, so nothing moves or reads them during the call, and the pieces
    // did not move after they were pointed at because their capacity is RECEIVE_BATCH. Every bit pattern that the
    // kernel may write is valid for them.
    let count = unsafe {
        libc::recvmmsg(
            socket.as_raw_fd(),
            slab.messages.as_mut_ptr(),
            RECEIVE_BATCH as c_uint,
            libc::MSG_DONTWAIT as _,
            std::ptr::null_mut(),
        )
    };
    if let Ok(count) = usize::try_from(count) {
        slab.received = count.min(RECEIVE_BATCH);
        return Ok(slab.received);
    }
    let error = io::Error::last_os_error();
    let is_empty = matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EINTR));
    if is_empty { Ok(0) } else { Err(error) }
}

/// Sends batches, in runs where the kernel can cut them.
pub(in crate::media) struct Transmitter {
    is_ipv6: bool,
    is_segmenting: bool,
    /// Runs that the kernel refused to cut; they were sent one by one.
    uncut: u64,
    runs: Vec<Run>,
    addresses: Vec<RawAddress>,
    controls: Vec<Control>,
    pieces: Vec<iovec>,
    messages: Vec<mmsghdr>,
}

impl Transmitter {
    /// For batches of at most `datagrams_max`. Tries out over the loopback interface whether the kernel cuts runs.
    pub(in crate::media) fn new(socket: &UdpSocket, datagrams_max: usize) -> io::Result<Self> {
        Self::with_segmentation(socket, datagrams_max, kernel_segments().unwrap_or(false))
    }

    pub(super) fn with_segmentation(
        socket: &UdpSocket,
        datagrams_max: usize,
        is_segmenting: bool,
    ) -> io::Result<Self> {
        Ok(Self {
            is_ipv6: socket.local_addr()?.is_ipv6(),
            is_segmenting,
            uncut: 0,
            runs: Vec::with_capacity(datagrams_max),
            addresses: Vec::with_capacity(datagrams_max),
            controls: Vec::with_capacity(datagrams_max),
            pieces: Vec::with_capacity(datagrams_max),
            messages: Vec::with_capacity(datagrams_max),
        })
    }

    /// Whether runs are handed over as one message.
    pub(in crate::media) fn is_segmenting(&self) -> bool {
        self.is_segmenting
    }

    /// Hands the batch to the kernel. What does not fit into the send buffer after a short wait is dropped.
    pub(in crate::media) fn send(&mut self, socket: &UdpSocket, batch: &SendBatch) -> Sent {
        self.prepare(batch);
        let mut sent = Sent::default();
        let mut next = 0;
        let mut waits_left = WAITS_MAX;
        while next < self.messages.len() {
            let error = match self.send_from(next, socket) {
                Ok(count) => {
                    sent.datagrams += datagrams(&self.runs[next..next + count]);
                    next += count;
                    continue;
                }
                Err(error) => error,
            };
            let run = self.runs[next];
            match error.raw_os_error() {
                Some(libc::EINTR) => {}
                Some(libc::EAGAIN | libc::ENOBUFS) if waits_left > 0 => {
                    waits_left -= 1;
                    let timeout = Duration::from_millis(WRITABLE_TIMEOUT_MS.into());
                    // When even that fails, the next attempt tells.
                    let _ = wait_until_writable(socket, timeout);
                }
                Some(libc::EAGAIN | libc::ENOBUFS) => {
                    sent.dropped_full += datagrams(&self.runs[next..]);
                    break;
                }
                Some(errno @ (libc::EIO | libc::EINVAL | libc::EMSGSIZE)) if run.datagrams > 1 => {
                    sent += self.send_uncut(socket, batch, run, errno);
                    next += 1;
                }
                _ => {
                    sent.dropped_refused += datagrams(&[run]);
                    next += 1;
                }
            }
        }
        sent
    }

    #[cfg(test)]
    pub(super) fn capacities(&self) -> [usize; 5] {
        let Self { runs, addresses, controls, pieces, messages, .. } = self;
        [runs.capacity(), addresses.capacity(), controls.capacity(), pieces.capacity(), messages.capacity()]
    }

    /// Points a message at every run of the batch.
    fn prepare(&mut self, batch: &SendBatch) {
        let datagrams_max = if self.is_segmenting { SEGMENTS_MAX } else { 1 };
        self.runs.clear();
        self.runs.extend(runs(batch.datagrams(), datagrams_max));
        // All arrays have their full length before any of them is pointed at, so that none moves afterwards.
        self.addresses.clear();
        self.addresses
            .extend(self.runs.iter().map(|run| RawAddress::encode(for_family(run.to, self.is_ipv6))));
        self.controls.clear();
        self.controls.resize(self.runs.len(), Control::ZERO);
        self.pieces.clear();
        let bytes = batch.bytes().as_ptr();
        self.pieces.extend(self.runs.iter().map(|run| iovec {
            // The kernel only reads through it: iovec knows no const.
            iov_base: bytes.wrapping_add(run.start).cast_mut().cast(),
            iov_len: run.len,
        }));
        self.messages.clear();
        let addresses = self.addresses.as_mut_ptr();
        let controls = self.controls.as_mut_ptr();
        let pieces = self.pieces.as_mut_ptr();
        for (index, run) in self.runs.iter().enumerate() {
            let mut message = empty_message();
            message.msg_hdr.msg_name = addresses.wrapping_add(index).cast();
            message.msg_hdr.msg_namelen = RawAddress::len_of(run.to, self.is_ipv6);
            message.msg_hdr.msg_iov = pieces.wrapping_add(index);
            message.msg_hdr.msg_iovlen = 1;
            if run.datagrams > 1 {
                let control = controls.wrapping_add(index);
                // SAFETY: `control` is within `controls`, which has one element a run, is not otherwise borrowed,
                // and does not move until the call that reads it.
                unsafe { message.cut_into(run.segment, control) };
            }
            self.messages.push(message);
        }
    }

    /// One call. Returns how many messages the kernel took, at least one.
    fn send_from(&mut self, next: usize, socket: &UdpSocket) -> io::Result<usize> {
        let messages = &mut self.messages[next..];
        let count = messages.len().min(MESSAGES_MAX);
        // SAFETY: `prepare` has pointed these messages at addresses, controls and pieces of `self` that live and
        // stay where they are, and at the bytes of the batch that `send` borrows; their lengths are the true ones:
        // `batch.bytes()` covers every datagram by its contract. `count` is within the slice.
        let count = unsafe { libc::sendmmsg(socket.as_raw_fd(), messages.as_mut_ptr(), count as c_uint, 0) };
        usize::try_from(count).ok().filter(|count| *count > 0).ok_or_else(io::Error::last_os_error)
    }

    /// Sends a run that the kernel would not cut: one by one, the path may be too narrow for it, or the interface
    /// cannot compute checksums (EIO), and then no run is tried again.
    fn send_uncut(&mut self, socket: &UdpSocket, batch: &SendBatch, run: Run, errno: c_int) -> Sent {
        self.uncut += 1;
        if errno == libc::EIO && self.is_segmenting {
            self.is_segmenting = false;
            tracing::warn!("the network interface does not cut datagrams: sending one by one from now on");
        }
        let mut sent = Sent::default();
        let to = for_family(run.to, self.is_ipv6);
        for payload in batch.bytes()[run.start..run.start + run.len].chunks(run.segment) {
            match socket.send_to(payload, to) {
                Ok(_) => sent.datagrams += 1,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => sent.dropped_full += 1,
                Err(_) => sent.dropped_refused += 1,
            }
        }
        sent
    }
}

/// Whether a message of two segments arrives as two datagrams over the loopback interface. Kernels before 4.18
/// ignore the wish and send one.
fn kernel_segments() -> io::Result<bool> {
    let socket = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let to = socket.local_addr()?;
    let mut batch = SendBatch::with_capacity(2);
    for _ in 0..2 {
        batch.push_with(to, |bytes| {
            bytes[..8].fill(7);
            Some(8)
        });
    }
    let mut transmitter = Transmitter::with_segmentation(&socket, 2, true)?;
    transmitter.send(&socket, &batch);
    if transmitter.uncut > 0 {
        return Ok(false);
    }
    let waker = Waker::new()?;
    wait(&socket, None, &waker, Some(PROBE_TIMEOUT))?;
    let mut slab = ReceiveSlab::new();
    receive(&socket, &mut slab)?;
    Ok(slab.datagrams_mut().map(|(_, bytes)| bytes.len()).eq([8, 8]))
}

fn datagrams(runs: &[Run]) -> u64 {
    runs.iter().map(|run| run.datagrams as u64).sum()
}

fn empty_message() -> mmsghdr {
    // SAFETY: an mmsghdr of zeros is valid: null pointers with length 0.
    unsafe { zeroed() }
}

/// Room for the one control message that says the segment's size.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control([u8; CONTROL_BYTES]);

// SAFETY: CMSG_SPACE only computes.
const CONTROL_BYTES: usize = unsafe { libc::CMSG_SPACE(size_of::<u16>() as c_uint) } as usize;

impl Control {
    const ZERO: Self = Self([0; CONTROL_BYTES]);
}

trait Cut {
    /// Adds the wish to be cut into segments of this size.
    ///
    /// # Safety
    /// `control` must be valid for writes until the message has been sent.
    unsafe fn cut_into(&mut self, segment: usize, control: *mut Control);
}

impl Cut for mmsghdr {
    unsafe fn cut_into(&mut self, segment: usize, control: *mut Control) {
        // A segment is a datagram of a SendBatch: at most 1,452 bytes.
        let segment = segment as u16;
        self.msg_hdr.msg_control = control.cast();
        self.msg_hdr.msg_controllen = CONTROL_BYTES as _;
        // SAFETY: the control buffer is large enough for a header and a u16, aligned for the header, and valid by
        // the caller's promise; so CMSG_FIRSTHDR is not null and CMSG_DATA has room for the u16, which may be
        // unaligned.
        unsafe {
            let header = libc::CMSG_FIRSTHDR(&raw const self.msg_hdr);
            (*header).cmsg_level = libc::SOL_UDP;
            (*header).cmsg_type = libc::UDP_SEGMENT;
            (*header).cmsg_len = libc::CMSG_LEN(size_of::<u16>() as c_uint) as _;
            libc::CMSG_DATA(header).cast::<u16>().write_unaligned(segment);
        }
    }
}

/// A socket address as the kernel reads and writes it.
#[derive(Clone, Copy)]
#[repr(C)]
union RawAddress {
    family: libc::sa_family_t,
    v4: sockaddr_in,
    v6: sockaddr_in6,
}

impl RawAddress {
    const UNSET: Self = Self {
        v6: sockaddr_in6 {
            sin6_family: 0,
            sin6_port: 0,
            sin6_flowinfo: 0,
            sin6_addr: libc::in6_addr { s6_addr: [0; 16] },
            sin6_scope_id: 0,
        },
    };
    const LEN: libc::socklen_t = size_of::<Self>() as libc::socklen_t;

    fn encode(address: SocketAddr) -> Self {
        let mut raw = Self::UNSET;
        match address {
            SocketAddr::V4(address) => {
                raw.v4 = sockaddr_in {
                    sin_family: libc::AF_INET as libc::sa_family_t,
                    sin_port: address.port().to_be(),
                    sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(address.ip().octets()) },
                    sin_zero: [0; 8],
                };
            }
            SocketAddr::V6(address) => {
                raw.v6 = sockaddr_in6 {
                    sin6_family: libc::AF_INET6 as libc::sa_family_t,
                    sin6_port: address.port().to_be(),
                    sin6_flowinfo: address.flowinfo(),
                    sin6_addr: libc::in6_addr { s6_addr: address.ip().octets() },
                    sin6_scope_id: address.scope_id(),
                };
            }
        }
        raw
    }

    /// How much of the encoded address counts.
    fn len_of(to: SocketAddr, is_ipv6: bool) -> libc::socklen_t {
        let len = if to.is_ipv4() && !is_ipv6 { size_of::<sockaddr_in>() } else { size_of::<sockaddr_in6>() };
        len as libc::socklen_t
    }

    fn decode(&self) -> Option<SocketAddr> {
        // SAFETY: all bytes are set from the start and every bit pattern is valid for all three fields; each begins
        // with the family.
        unsafe {
            match c_int::from(self.family) {
                libc::AF_INET => {
                    let ip = Ipv4Addr::from(self.v4.sin_addr.s_addr.to_ne_bytes());
                    Some(SocketAddrV4::new(ip, u16::from_be(self.v4.sin_port)).into())
                }
                libc::AF_INET6 => {
                    let v6 = &self.v6;
                    let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
                    let port = u16::from_be(v6.sin6_port);
                    Some(SocketAddrV6::new(ip, port, v6.sin6_flowinfo, v6.sin6_scope_id).into())
                }
                _ => None,
            }
        }
    }
}
