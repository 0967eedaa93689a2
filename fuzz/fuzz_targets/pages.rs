//! Scripts on every page backend.
#![no_main]

use allocator_bitmap::package::{BitAlloc4K, BitAlloc64K};
use allocator_conformance::{Fit, run_page_script};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    allocator_fuzz::with_page_backends! { choose! { input, run_page_script; } }
});
