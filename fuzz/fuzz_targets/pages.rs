//! Scripts on every page backend, with pages of several sizes.
#![no_main]

use allocator_bitmap::{
    BitmapPageAllocator,
    package::{self, BitAlloc4K, BitAlloc64K},
};
use allocator_conformance::{Fit, run_page_script};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    allocator_fuzz::choose! { input, run_page_script;
        BitmapPageAllocator<4096>, Fit::Unknown;
        BitmapPageAllocator<512>, Fit::Unknown;
        package::BitmapPageAllocator<4096, BitAlloc64K>, Fit::Unknown;
        package::BitmapPageAllocator<512, BitAlloc4K>, Fit::Unknown;
        package::BitmapPageAllocator<{ 2 << 20 }, BitAlloc4K>, Fit::Unknown;
    }
});
