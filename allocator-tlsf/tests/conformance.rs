//! The contract, case by case.
#![cfg(feature = "package")]

allocator_conformance::byte_suite!(
    package,
    allocator_tlsf::package::TlsfByteAllocator,
    allocator_conformance::Fit::Gaps { margin_bytes: 64, waste_divisor: 16, keeps_padding: true }
);
