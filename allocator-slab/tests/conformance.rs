//! The contract, case by case.

allocator_conformance::byte_suite!(engine, allocator_slab::SlabByteAllocator);

#[cfg(feature = "package")]
allocator_conformance::byte_suite!(package, allocator_slab::package::SlabByteAllocator);
