//! Scripts on the facade over every byte level: blocks from the byte level and runs of pages from the page level live
//! side by side.
#![no_main]

use allocator_bitmap::package::BitAlloc64K;
use allocator_conformance::{Fit, run_byte_script};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    allocator_fuzz::with_byte_levels! { choose_facade! { input, run_byte_script; } }
});
