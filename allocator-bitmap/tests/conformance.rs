//! The contract, case by case: small and large pages, records in the regions, in the value and in memory that is lent,
//! ids; and the wrapper.

use std::cell::UnsafeCell;

use allocator_bitmap::{BitmapIdAllocator, BitmapPageAllocator, Inline, Lent};

/// Room for the records of one allocator at a time.
struct Room(UnsafeCell<[u64; 0x5_8000]>);

// SAFETY: the suite below, which alone uses the one room there is, runs one case at a time.
unsafe impl Sync for Room {}

static ROOM: Room = Room(UnsafeCell::new([0; _]));

fn lend(pages: &mut BitmapPageAllocator<4096, Lent>) {
    // SAFETY: the allocator that had the room before is used no more.
    let words = unsafe { &mut *ROOM.0.get() };
    pages.lend(words).expect("it has no memory yet");
}

allocator_conformance::page_suite!(engine_4k, BitmapPageAllocator<4096>);
allocator_conformance::page_suite!(engine_64k, BitmapPageAllocator<0x1_0000>);
allocator_conformance::page_suite!(engine_4k_lent, BitmapPageAllocator<4096, Lent>, super::lend);
allocator_conformance::page_suite!(engine_4k_inline, BitmapPageAllocator<4096, Inline<0x5_8000>>);
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
