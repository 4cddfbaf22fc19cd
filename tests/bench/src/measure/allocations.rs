//! The system's allocator, which counts while it is told to.

#![expect(unsafe_code, reason = "a global allocator is an unsafe trait; every call goes to the system's")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

static IS_COUNTING: AtomicBool = AtomicBool::new(false);
static COUNTED: AtomicU64 = AtomicU64::new(0);

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Counting;

/// From now on, allocations of this process are counted.
pub(crate) fn count() {
    IS_COUNTING.store(true, Ordering::Relaxed);
}

/// Allocations and reallocations since [`count`].
pub(crate) fn counted() -> u64 {
    COUNTED.load(Ordering::Relaxed)
}

fn note() {
    if IS_COUNTING.load(Ordering::Relaxed) {
        COUNTED.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: every method hands its arguments unchanged to the system's allocator, which keeps the trait's contract;
// counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above; the pointer came from the system's allocator, because all of them do.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note();
        // SAFETY: as for `dealloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allocation_is_counted_once_it_is_wanted() {
        count();
        let before = counted();
        let boxed = std::hint::black_box(Box::new(7_u64));
        assert!(counted() > before);
        drop(boxed);
    }
}
