//! Loopback UDP sockets in batches: recvmmsg with the kernel's arrival times, sendmmsg with or without
//! UDP_SEGMENT. Servers under comparison that leave the socket to their user get these.

#![expect(
    unsafe_code,
    reason = "sendmmsg takes pointers, and no safe wrapper tells how many messages were sent"
)]

use std::io::{self, IoSliceMut};
use std::mem::zeroed;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsFd as _, AsRawFd as _};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, MultiHeaders, RecvMsg, SockaddrIn, recvmmsg, setsockopt, sockopt,
};
use nix::sys::time::TimeSpec;

/// Datagrams of one receive call.
const RECEIVE_BATCH: usize = 64;
/// Room for one datagram.
const DATAGRAM_BYTES_MAX: usize = 2048;
/// Messages of one send call: the kernel's UIO_MAXIOV.
const SEND_BATCH: usize = 1024;
/// What the kernel is asked to buffer each way: no benchmark shall lose packets here.
const BUFFER_BYTES: usize = 16 << 20;
/// How long a full send buffer is waited for.
const WRITABLE_TIMEOUT_MS: u8 = 5;

/// A non-blocking socket on a free loopback port, with large buffers.
pub(crate) fn bind() -> io::Result<UdpSocket> {
    bind_at(Ipv4Addr::LOCALHOST)
}

/// The same at another address of this machine.
pub(crate) fn bind_at(address: Ipv4Addr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((address, 0))?;
    socket.set_nonblocking(true)?;
    // Beyond net.core.{r,w}mem_max only the superuser may go; the others get what is allowed.
    if setsockopt(&socket, sockopt::RcvBufForce, &BUFFER_BYTES).is_err() {
        setsockopt(&socket, sockopt::RcvBuf, &BUFFER_BYTES)?;
    }
    if setsockopt(&socket, sockopt::SndBufForce, &BUFFER_BYTES).is_err() {
        setsockopt(&socket, sockopt::SndBuf, &BUFFER_BYTES)?;
    }
    Ok(socket)
}

/// From now on the kernel notes when a datagram arrived.
pub(crate) fn stamp_arrivals(socket: &UdpSocket) -> io::Result<()> {
    Ok(setsockopt(socket, sockopt::ReceiveTimestampns, &true)?)
}

/// Waits until a datagram can be read, at most so many milliseconds.
pub(crate) fn wait_readable(socket: &UdpSocket, timeout_ms: u8) -> io::Result<()> {
    wait(socket, PollFlags::POLLIN, timeout_ms)
}

fn wait(socket: &UdpSocket, events: PollFlags, timeout_ms: u8) -> io::Result<()> {
    match poll(&mut [PollFd::new(socket.as_fd(), events)], PollTimeout::from(timeout_ms)) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Where a datagram came from, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) from: SocketAddr,
    /// Nanoseconds since the Unix epoch by the kernel's clock, on a socket with [`stamp_arrivals`].
    pub(crate) at_ns: Option<u64>,
    len: usize,
}

/// Room for one batch of datagrams; serves any number of sockets, one after the other.
pub(crate) struct Receiver {
    buffers: Box<[[u8; DATAGRAM_BYTES_MAX]; RECEIVE_BATCH]>,
    headers: MultiHeaders<SockaddrIn>,
    arrivals: Vec<Arrival>,
}

impl Receiver {
    pub(crate) fn new() -> Self {
        Self {
            buffers: Box::new([[0; DATAGRAM_BYTES_MAX]; RECEIVE_BATCH]),
            headers: MultiHeaders::preallocate(RECEIVE_BATCH, Some(cmsg_space!(TimeSpec))),
            arrivals: Vec::with_capacity(RECEIVE_BATCH),
        }
    }

    /// Takes what waits, at most a batch.
    pub(crate) fn receive(
        &mut self,
        socket: &UdpSocket,
    ) -> io::Result<impl ExactSizeIterator<Item = (Arrival, &mut [u8])>> {
        self.arrivals.clear();
        {
            let mut rooms = self.buffers.iter_mut();
            let mut slices: [[IoSliceMut<'_>; 1]; RECEIVE_BATCH] = std::array::from_fn(|_| {
                [IoSliceMut::new(rooms.next().expect("there are RECEIVE_BATCH rooms"))]
            });
            let received = recvmmsg(
                socket.as_raw_fd(),
                &mut self.headers,
                slices.iter_mut(),
                MsgFlags::MSG_DONTWAIT,
                None,
            );
            match received {
                Ok(messages) => self.arrivals.extend(messages.map(|message| arrival(&message))),
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let datagrams = self.arrivals.iter().zip(self.buffers.iter_mut());
        Ok(datagrams.map(|(arrival, room)| (*arrival, &mut room[..arrival.len])))
    }
}

fn arrival(message: &RecvMsg<'_, '_, SockaddrIn>) -> Arrival {
    let stamp = message.cmsgs().ok().and_then(|mut controls| {
        controls.find_map(|control| {
            let ControlMessageOwned::ScmTimestampns(at) = control else { return None };
            Some(at)
        })
    });
    let from = message.address.map_or(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0), SocketAddrV4::from);
    Arrival {
        from: from.into(),
        at_ns: stamp.and_then(|at| u64::try_from(at.tv_sec() * 1_000_000_000 + at.tv_nsec()).ok()),
        len: message.bytes,
    }
}

/// One message of a batch: where to, and one datagram, or several of equal size when the batch is cut.
pub(crate) type Message<'a> = (SocketAddr, &'a [u8]);

/// Sends batches. Keeps its memory.
#[derive(Default)]
pub(crate) struct Transmitter {
    addresses: Vec<libc::sockaddr_in>,
    pieces: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
}

impl Transmitter {
    /// Sends all messages; waits when the send buffer is full. With `segment`, the kernel cuts every message into
    /// datagrams of that size. Messages that the kernel refuses, and those to other than IPv4 addresses, are left
    /// out; returns how many.
    pub(crate) fn send<'a>(
        &mut self,
        socket: &UdpSocket,
        messages: impl Iterator<Item = Message<'a>>,
        segment: Option<u16>,
    ) -> io::Result<u64> {
        self.addresses.clear();
        self.pieces.clear();
        self.headers.clear();
        let mut refused = 0;
        for (to, bytes) in messages {
            let SocketAddr::V4(to) = to else {
                refused += 1;
                continue;
            };
            self.addresses.push(SockaddrIn::from(to).into());
            self.pieces
                .push(libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() });
        }
        let mut control = segment.map(Control::cut_into);
        self.point(control.as_mut());
        let mut next = 0;
        while next < self.headers.len() {
            let rest = &mut self.headers[next..];
            let count = rest.len().min(SEND_BATCH) as libc::c_uint;
            // SAFETY: the headers point at elements of `addresses` and `pieces`, which do not change until the end
            // of this function, at `control`, which lives as long, and at the bytes that `messages` borrows for
            // 'a; all lengths are the true ones. The kernel only reads them.
            let sent = unsafe { libc::sendmmsg(socket.as_raw_fd(), rest.as_mut_ptr(), count, 0) };
            match Errno::result(sent) {
                Ok(sent) => next += sent.unsigned_abs() as usize,
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN | Errno::ENOBUFS) => wait(socket, PollFlags::POLLOUT, WRITABLE_TIMEOUT_MS)?,
                Err(_) => {
                    refused += 1;
                    next += 1;
                }
            }
        }
        Ok(refused)
    }

    /// Points one header at every piece.
    fn point(&mut self, mut control: Option<&mut Control>) {
        let addresses = self.addresses.as_mut_ptr();
        let pieces = self.pieces.as_mut_ptr();
        for index in 0..self.pieces.len() {
            // SAFETY: a header of zeros is valid: null pointers with length 0.
            let mut header: libc::mmsghdr = unsafe { zeroed() };
            header.msg_hdr.msg_name = addresses.wrapping_add(index).cast();
            header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_in>() as libc::socklen_t;
            header.msg_hdr.msg_iov = pieces.wrapping_add(index);
            header.msg_hdr.msg_iovlen = 1;
            if let Some(control) = control.as_deref_mut() {
                header.msg_hdr.msg_control = (&raw mut *control).cast();
                header.msg_hdr.msg_controllen = size_of::<Control>() as _;
            }
            self.headers.push(header);
        }
    }
}

/// The control message that asks for segments (UDP_SEGMENT), laid out as `cmsg(3)` says on Linux.
#[repr(C)]
struct Control {
    header: libc::cmsghdr,
    segment: u16,
    padding: [u8; 6],
}

impl Control {
    fn cut_into(segment: u16) -> Self {
        // SAFETY: CMSG_LEN only computes.
        let len = unsafe { libc::CMSG_LEN(size_of::<u16>() as libc::c_uint) };
        // SAFETY: a header of zeros is valid, on every C library: it holds numbers.
        let mut header: libc::cmsghdr = unsafe { zeroed() };
        header.cmsg_len = len as _;
        header.cmsg_level = libc::SOL_UDP;
        header.cmsg_type = libc::UDP_SEGMENT;
        Self { header, segment, padding: [0; 6] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(messages: &[&[u8]], segment: Option<u16>) -> Vec<(Option<u64>, Vec<u8>)> {
        let (sender, receiver) = (bind().unwrap(), bind().unwrap());
        stamp_arrivals(&receiver).unwrap();
        let to = receiver.local_addr().unwrap();
        let batch = messages.iter().map(|bytes| (to, *bytes));
        assert_eq!(Transmitter::default().send(&sender, batch, segment).unwrap(), 0);
        let mut slab = Receiver::new();
        let received = slab.receive(&receiver).unwrap();
        received.map(|(arrival, bytes)| (arrival.at_ns, bytes.to_vec())).collect()
    }

    #[test]
    fn a_batch_arrives_in_order_with_the_kernel_s_time() {
        let received = exchange(&[b"one", b"two"], None);
        let bytes: Vec<&[u8]> = received.iter().map(|(_, bytes)| bytes.as_slice()).collect();
        assert_eq!(bytes, [b"one", b"two"]);
        assert!(received.iter().all(|(at, _)| at.is_some_and(|at| at > 0)));
    }

    #[test]
    fn a_segmented_message_arrives_as_several_datagrams() {
        let received = exchange(&[b"abcabc", b"defde"], Some(3));
        let bytes: Vec<&[u8]> = received.iter().map(|(_, bytes)| bytes.as_slice()).collect();
        assert_eq!(bytes, [b"abc".as_slice(), b"abc", b"def", b"de"]);
    }

    #[test]
    fn nothing_waiting_is_no_error() {
        let socket = bind().unwrap();
        assert_eq!(Receiver::new().receive(&socket).unwrap().len(), 0);
    }
}
