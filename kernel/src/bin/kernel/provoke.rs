//! Mistakes on purpose, each by the way in which it happens to real kernels.
#![forbid(unsafe_code)]

use alloc::vec::Vec;
use core::hint::black_box;

use kernel::command_line::Mistake;

use crate::{arch::exceptions, heap};

/// Makes the mistake. Returns from those that a kernel survives.
pub(crate) fn commit(mistake: Mistake) {
    crate::println!("provoking: {mistake:?}");
    match mistake {
        Mistake::Panic => panic!("provoked"),
        Mistake::PageFault => exceptions::provoke_page_fault(),
        Mistake::StackOverflow => {
            call_without_end(0);
        }
        Mistake::OutOfMemory => allocate_without_end(),
        Mistake::InvalidFree => heap::give_back_foreign_block(),
    }
}

/// Calls itself; the array keeps each frame large, and its use afterwards keeps the call from becoming a loop.
#[expect(unconditional_recursion, reason = "overflowing the stack is what it is for")]
fn call_without_end(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    call_without_end(depth + 1) + frame[black_box(0)]
}

/// Takes block after block, by the calls that every collection makes, until one is refused.
fn allocate_without_end() -> ! {
    const BLOCK_BYTES: usize = 1 << 20;
    let mut taken: Vec<Vec<u8>> = Vec::new();
    loop {
        taken.push(black_box(Vec::with_capacity(BLOCK_BYTES)));
    }
}
