//! Scripts on the facade over every byte backend: blocks from the byte level and runs of pages from the page level live
//! side by side.
#![no_main]

use allocator::{BuddyByteAllocator, SlabByteAllocator, TlsfByteAllocator};
use allocator_conformance::{Fit, run_byte_script};
use allocator_fuzz::two_levels::TwoLevels;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    allocator_fuzz::choose! { input, run_byte_script;
        TwoLevels<BuddyByteAllocator>, Fit::Unknown;
        TwoLevels<TlsfByteAllocator>, Fit::Unknown;
        TwoLevels<SlabByteAllocator>, Fit::Unknown;
    }
});
