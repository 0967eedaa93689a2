//! Random scripts on every byte backend under Valgrind's memcheck, which is told what an allocator may not touch.
//!
//! Requests to Valgrind are a sequence of instructions that does nothing on a processor of its own (valgrind.h).

#[cfg(not(target_arch = "x86_64"))]
compile_error!("the requests are written for x86_64");

use std::arch::asm;

use allocator::{ByteAllocator, ConstEmpty, Declared};
use allocator_conformance::{Arena, Bench, Fit, Guard, Slot, hunt_bytes};

/// memcheck's requests: make memory inaccessible, or accessible and defined.
const NO_ACCESS: usize = 0x4d43_0000;
const DEFINED: usize = 0x4d43_0002;
/// The number of errors so far.
const COUNT_ERRORS: usize = 0x1201;
/// Whether Valgrind runs the program.
const RUNNING: usize = 0x1001;

fn request(code: usize, first: usize, second: usize) -> usize {
    let words = [code, first, second, 0, 0, 0];
    let mut answer = 0_usize;
    // SAFETY: the rotations of rdi add up to 128 bits, and rbx is exchanged with itself: but for rdx, which Valgrind
    // sets to its answer, nothing changes. The words are read during the request alone.
    unsafe {
        asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            in("rax") words.as_ptr(),
            inout("rdx") answer,
        );
    }
    answer
}

const GUARD: Guard = Guard {
    close: |start, size| {
        request(NO_ACCESS, start, size);
    },
    open: |start, size| {
        request(DEFINED, start, size);
    },
};

fn watch<A: ByteAllocator + ConstEmpty + Declared>(slot: &'static Slot<A>, arena: &'static Arena, fit: Fit) {
    let memory = arena.take().expect("each arena is taken once").with_ground(64 << 10).guarded(GUARD);
    let mut bench = Bench::new(slot, memory).expect("each slot is taken once").with_fit(fit);
    if let Some(found) = hunt_bytes(&mut bench, 0..150, 120) {
        panic!("{found}");
    }
}

fn main() {
    assert_ne!(request(RUNNING, 0, 0), 0, "run this program under Valgrind");
    allocator_fuzz::with_byte_backends! { watch_each! { watch; } }
    assert_eq!(request(COUNT_ERRORS, 0, 0), 0, "an allocator touched what it may not");
    println!("every script was answered as predicted, and no access was an error");
}
