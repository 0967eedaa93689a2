//! The contract, case by case: small and large pages, records in the regions and in the value, ids; and the
//! wrapper.

use allocator_bitmap::{BitmapIdAllocator, BitmapPageAllocator, Inline};

allocator_conformance::page_suite!(engine_4k, BitmapPageAllocator<4096>);
allocator_conformance::page_suite!(engine_64k, BitmapPageAllocator<0x1_0000>);
allocator_conformance::page_suite!(engine_4k_inline, BitmapPageAllocator<4096, Inline<0x5_0000>>);
allocator_conformance::id_suite!(engine_ids, BitmapIdAllocator<Inline<0x1_0000>>);

#[cfg(feature = "package")]
mod package {
    use allocator_bitmap::package::{
        BitAlloc4K, BitAlloc16M, BitAlloc64K, BitmapIdAllocator, BitmapPageAllocator,
    };

    allocator_conformance::page_suite!(package_4k, BitmapPageAllocator<4096, BitAlloc64K>);
    allocator_conformance::page_suite!(package_4k_default, BitmapPageAllocator<4096>);
    allocator_conformance::page_suite!(package_4k_16m, BitmapPageAllocator<4096, BitAlloc16M>);
    allocator_conformance::page_suite!(package_64k, BitmapPageAllocator<0x1_0000, BitAlloc4K>);
    allocator_conformance::id_suite!(package_ids, BitmapIdAllocator<BitAlloc4K>);
}
