//! The contract, case by case: small and large pages, the default map, and ids.
#![cfg(feature = "package")]

use allocator_bitmap::package::{BitAlloc4K, BitAlloc16M, BitAlloc64K, BitmapIdAllocator, BitmapPageAllocator};

allocator_conformance::page_suite!(package_4k, BitmapPageAllocator<4096, BitAlloc64K>);
allocator_conformance::page_suite!(package_4k_default, BitmapPageAllocator<4096>);
allocator_conformance::page_suite!(package_4k_16m, BitmapPageAllocator<4096, BitAlloc16M>);
allocator_conformance::page_suite!(package_64k, BitmapPageAllocator<0x1_0000, BitAlloc4K>);
allocator_conformance::id_suite!(package_ids, BitmapIdAllocator<BitAlloc4K>);
