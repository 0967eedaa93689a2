//! The contract, case by case.
#![cfg(feature = "package")]

allocator_conformance::byte_suite!(package, allocator_buddy::package::BuddyByteAllocator);
