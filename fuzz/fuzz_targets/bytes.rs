//! Scripts on every byte backend.
#![no_main]

use allocator::{BuddyByteAllocator, SlabByteAllocator, TlsfByteAllocator};
use allocator_conformance::{Fit, run_byte_script};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    allocator_fuzz::choose! { input, run_byte_script;
        BuddyByteAllocator, Fit::Buddies { smallest_bytes: 8 };
        TlsfByteAllocator, Fit::Gaps { margin_bytes: 64, waste_divisor: 16, keeps_padding: true };
        SlabByteAllocator, Fit::Unknown;
    }
});
