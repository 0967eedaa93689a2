//! Scripts on every page backend, with pages of several sizes.
#![no_main]

use allocator_bitmap::package::{BitAlloc4K, BitAlloc64K, BitmapPageAllocator};
use allocator_conformance::{Fit, run_page_script};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    allocator_fuzz::choose! { input, run_page_script;
        BitmapPageAllocator<4096, BitAlloc64K>, Fit::Unknown;
        BitmapPageAllocator<512, BitAlloc4K>, Fit::Unknown;
        BitmapPageAllocator<{ 2 << 20 }, BitAlloc4K>, Fit::Unknown;
    }
});
