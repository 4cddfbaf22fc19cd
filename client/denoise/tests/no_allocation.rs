//! An audio thread must never wait for memory, and views into the module's memory end when it grows.
#![expect(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use denoise::Suppressor;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: the system's allocator does everything.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn nothing_is_allocated_while_it_runs_from_the_first_sample_on() {
    for rate in [16_000, 44_100, 48_000, 96_000] {
        // What is made once a thread must have been made before the first sample: each rate starts with a thread of its own.
        let allocations = std::thread::spawn(move || {
            let mut suppressor = Suppressor::new(rate, 128).unwrap();
            let mut piece: Vec<f32> = (0..128_u8).map(|at| f32::from(at % 16) / 32.0).collect();
            let before = ALLOCATIONS.get();
            for _ in 0..1000 {
                suppressor.process(&mut piece);
                piece.reverse();
            }
            ALLOCATIONS.get() - before
        });
        assert_eq!(allocations.join().unwrap(), 0, "{rate} Hz");
    }
}
