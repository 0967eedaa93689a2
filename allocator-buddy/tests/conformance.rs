//! The contract, case by case.
#![cfg(feature = "package")]

allocator_conformance::byte_suite!(
    package,
    allocator_buddy::package::BuddyByteAllocator,
    allocator_conformance::Fit::Buddies { smallest_bytes: size_of::<usize>() }
);
