//! Scripts on every byte backend.
#![no_main]

use allocator_conformance::{Fit, run_byte_script};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    allocator_fuzz::with_byte_backends! { choose! { input, run_byte_script; } }
});
