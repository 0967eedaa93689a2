//! Scripts on every id allocator.
#![no_main]

use allocator_bitmap::{Inline, package::BitAlloc4K};
use allocator_conformance::{Fit, run_id_script};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    allocator_fuzz::with_id_allocators! { choose! { input, run_id_script; } }
});
