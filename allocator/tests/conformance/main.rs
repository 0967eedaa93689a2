//! The contract, case by case, for the facade as a whole: each byte backend over pages, seen as one byte
//! allocator.
#![cfg(all(
    any(feature = "bitmap", feature = "bitmap-package"),
    any(feature = "slab", feature = "tlsf", feature = "buddy")
))]

mod scripts;
#[expect(unreachable_pub, reason = "the fuzz targets take the file as it is")]
mod two_levels;
mod whole;

#[cfg(feature = "slab")]
allocator_conformance::byte_suite!(slab_over_bitmap, crate::whole::Whole<allocator::SlabByteAllocator>);
#[cfg(feature = "tlsf")]
allocator_conformance::byte_suite!(tlsf_over_bitmap, crate::whole::Whole<allocator::TlsfByteAllocator>);
#[cfg(feature = "buddy")]
allocator_conformance::byte_suite!(buddy_over_bitmap, crate::whole::Whole<allocator::BuddyByteAllocator>);
