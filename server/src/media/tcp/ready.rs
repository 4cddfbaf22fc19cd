//! Which of many connections have something to read or room to write.

use std::io;
use std::net::TcpStream;

/// Most connections looked at in one turn; the others are still ready in the next.
#[cfg(target_os = "linux")]
const EVENTS_MAX: usize = 128;

/// On Linux an epoll set, whose cost does not grow with idle connections.
#[cfg(target_os = "linux")]
#[derive(Debug)]
pub(super) struct Ready {
    set: rustix::fd::OwnedFd,
}

#[cfg(target_os = "linux")]
impl Ready {
    pub(super) fn new() -> io::Result<Self> {
        use rustix::event::epoll;
        Ok(Self { set: epoll::create(epoll::CreateFlags::CLOEXEC)? })
    }

    /// Watches the stream for something to read.
    pub(super) fn add(&self, id: u64, stream: &TcpStream) -> io::Result<()> {
        use rustix::event::epoll::{EventData, EventFlags, add};
        Ok(add(&self.set, stream, EventData::new_u64(id), EventFlags::IN)?)
    }

    /// Watches it for room to write as well, or no longer.
    pub(super) fn watch_writable(&self, id: u64, stream: &TcpStream, is_wanted: bool) -> io::Result<()> {
        use rustix::event::epoll::{EventData, EventFlags, modify};
        let flags = if is_wanted { EventFlags::IN | EventFlags::OUT } else { EventFlags::IN };
        Ok(modify(&self.set, stream, EventData::new_u64(id), flags)?)
    }

    /// Forgets a stream that is about to be closed.
    pub(super) fn remove(&self, _id: u64, stream: &TcpStream) {
        // Closing removes it too.
        let _ = rustix::event::epoll::delete(&self.set, stream);
    }

    /// The connections that are ready now. Does not wait.
    pub(super) fn poll(&self, ready: &mut Vec<u64>) -> io::Result<()> {
        use rustix::event::{Timespec, epoll};
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let mut events = [const { std::mem::MaybeUninit::<epoll::Event>::uninit() }; EVENTS_MAX];
        match epoll::wait(&self.set, &mut events, Some(&now)) {
            Ok((events, _)) => ready.extend(events.iter().map(|event| event.data.u64())),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

#[cfg(target_os = "linux")]
impl std::os::fd::AsFd for Ready {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.set.as_fd()
    }
}

/// Elsewhere every connection is tried.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub(super) struct Ready {
    ids: std::cell::RefCell<Vec<u64>>,
}

#[cfg(not(target_os = "linux"))]
impl Ready {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { ids: std::cell::RefCell::default() })
    }

    pub(super) fn add(&self, id: u64, _stream: &TcpStream) -> io::Result<()> {
        self.ids.borrow_mut().push(id);
        Ok(())
    }

    pub(super) fn watch_writable(&self, _id: u64, _stream: &TcpStream, _is_wanted: bool) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn remove(&self, id: u64, _stream: &TcpStream) {
        self.ids.borrow_mut().retain(|other| *other != id);
    }

    pub(super) fn poll(&self, ready: &mut Vec<u64>) -> io::Result<()> {
        ready.extend(self.ids.borrow().iter());
        Ok(())
    }
}
