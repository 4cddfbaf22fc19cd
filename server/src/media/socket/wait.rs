//! Sleeping until a datagram comes, a request comes, or a timer is due.

use std::io;
use std::io::{Read as _, Write as _};
use std::net::UdpSocket;
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Wakes a thread that sleeps in [`wait`]. Costs a system call only when the thread has not been woken yet.
#[derive(Debug)]
pub(in crate::media) struct Waker {
    is_woken: AtomicBool,
    sender: UnixStream,
    receiver: UnixStream,
}

impl Waker {
    pub(in crate::media) fn new() -> io::Result<Self> {
        let (sender, receiver) = UnixStream::pair()?;
        sender.set_nonblocking(true)?;
        receiver.set_nonblocking(true)?;
        Ok(Self { is_woken: AtomicBool::new(false), sender, receiver })
    }

    /// Ends the present or the next [`wait`].
    pub(in crate::media) fn wake(&self) {
        if !self.is_woken.swap(true, Ordering::AcqRel) {
            // It can only fail when the pipe is full, and then the thread is being woken already.
            let _ = (&self.sender).write(&[1]);
        }
    }

    /// Takes the wish to wake up back. Look for requests after this, not before: a request that comes in between
    /// would be slept over.
    pub(in crate::media) fn clear(&self) {
        if self.is_woken.load(Ordering::Acquire) {
            self.drain();
            self.is_woken.store(false, Ordering::Release);
        }
    }

    fn drain(&self) {
        let mut bytes = [0; 8];
        while (&self.receiver).read(&mut bytes).is_ok_and(|count| count == bytes.len()) {}
    }
}

/// Sleeps until `socket` has a datagram, `others` have something to do, `waker` is woken, or `timeout` has passed
/// (never, without one). May return earlier.
pub(in crate::media) fn wait(
    socket: &UdpSocket,
    others: Option<BorrowedFd<'_>>,
    waker: &Waker,
    timeout: Option<Duration>,
) -> io::Result<()> {
    let udp = PollFd::new(socket, PollFlags::IN);
    let wakes = PollFd::new(&waker.receiver, PollFlags::IN);
    let is_woken = match &others {
        None => {
            let mut descriptors = [wakes, udp];
            poll_for(&mut descriptors, timeout)?;
            !descriptors[0].revents().is_empty()
        }
        Some(others) => {
            let mut descriptors = [wakes, udp, PollFd::new(others, PollFlags::IN)];
            poll_for(&mut descriptors, timeout)?;
            !descriptors[0].revents().is_empty()
        }
    };
    // Whoever wakes may be held up before writing, until after the clear: that byte would end every wait from then on.
    if is_woken {
        waker.drain();
    }
    Ok(())
}

/// Sleeps until `socket` has room to send, or `timeout` has passed.
pub(super) fn wait_until_writable(socket: &UdpSocket, timeout: Duration) -> io::Result<()> {
    poll_for(&mut [PollFd::new(socket, PollFlags::OUT)], Some(timeout))
}

fn poll_for(descriptors: &mut [PollFd<'_>], timeout: Option<Duration>) -> io::Result<()> {
    // A time that the kernel cannot express is longer than the server runs.
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    match poll(descriptors, timeout.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use super::*;

    const LONG: Option<Duration> = Some(Duration::from_secs(20));

    fn socket() -> UdpSocket {
        UdpSocket::bind("127.0.0.1:0").unwrap()
    }

    #[test]
    fn a_wake_before_the_wait_ends_it_at_once() {
        let (socket, waker) = (socket(), Waker::new().unwrap());
        let start = Instant::now();
        waker.wake();
        waker.wake();
        wait(&socket, None, &waker, LONG).unwrap();
        assert!(start.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_wake_that_is_held_up_until_after_the_clear_ends_one_wait_and_no_more() {
        let (socket, waker) = (socket(), Waker::new().unwrap());
        // What `wake` does, with a clear between its two steps.
        assert!(!waker.is_woken.swap(true, Ordering::AcqRel));
        waker.clear();
        assert_eq!((&waker.sender).write(&[1]).unwrap(), 1);
        wait(&socket, None, &waker, LONG).unwrap();
        waker.clear();
        let start = Instant::now();
        wait(&socket, None, &waker, Some(Duration::from_millis(5))).unwrap();
        assert!(start.elapsed() >= Duration::from_millis(5), "it slept");
        waker.wake();
        wait(&socket, None, &waker, LONG).unwrap();
    }

    #[test]
    fn a_wake_from_another_thread_ends_the_wait() {
        let (socket, waker) = (socket(), Arc::new(Waker::new().unwrap()));
        let start = Instant::now();
        let other = Arc::clone(&waker);
        let thread = std::thread::spawn(move || other.wake());
        wait(&socket, None, &waker, LONG).unwrap();
        thread.join().unwrap();
        assert!(start.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_datagram_ends_the_wait() {
        let (socket, waker) = (socket(), Waker::new().unwrap());
        let start = Instant::now();
        socket.send_to(b"x", socket.local_addr().unwrap()).unwrap();
        wait(&socket, None, &waker, LONG).unwrap();
        assert!(start.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn once_cleared_the_wait_lasts_for_its_time() {
        let (socket, waker) = (socket(), Waker::new().unwrap());
        waker.wake();
        waker.clear();
        let start = Instant::now();
        wait(&socket, None, &waker, Some(Duration::from_millis(5))).unwrap();
        assert!(start.elapsed() >= Duration::from_millis(5));
        waker.wake();
        wait(&socket, None, &waker, LONG).unwrap();
        assert!(start.elapsed() < Duration::from_secs(10), "it can be woken again");
    }
}
