//! A two-level segregated fit (TLSF) allocator for kernels, behind the contract of `allocator-api`.
//!
//! Free blocks are kept in lists by size. The first level is the power of two, the second cuts each power of two
//! into 32 equal steps; a bitmap per level says which lists have a block. A request is rounded up to the next list
//! whose every block is large enough, so that the first block found will do and nothing is ever searched.
//!
//! ```text
//!   first level      … 2^12        2^13        2^14 …          one bit each
//!                               ┌────┴──────────────┐
//!   second level                │ 0 │ 1 │ … │ 31 │             one bit each; list n: from 2^13 · (1 + n/32) bytes
//!                               └─┬────────────────┘
//!   free blocks                   ▼
//!                              [8192] ⇄ [8224] ⇄ [8192]
//! ```
//!
//! # When to choose it
//!
//! When the time of one call must have a bound that does not depend on what happened before: interrupt handlers,
//! real-time tasks, hypervisors. Any mix of sizes is served from the same memory, and a freed block merges with its
//! neighbours at once. A slab allocator is denser for many objects of few small sizes.
//!
//! # Costs
//!
//! | operation | worst case |
//! |---|---|
//! | `alloc`, `dealloc` | constant, after the lookup of the region: O(log regions) for `dealloc` |
//! | `realloc` | constant, or a copy of the old block where it must move |
//! | `add_memory` | O(regions) |
//! | memory | half a granule a block for its header, then rounding up to whole granules |
//!
//! A granule is four words: 32 bytes on 64-bit machines. There, 1 to 16 bytes take 32; 17 to 48 take 64.
//!
//! # Limits
//!
//! - *Good fit*: the list of the largest free block may start below that block's size, and a request between the
//!   two is refused. A free block of `f` bytes surely serves requests that need `f · 32/33` bytes with their header.
//! - An alignment of a granule or more is searched for as that many bytes more, and what lies in front of the
//!   aligned address stays with the block.
//! - Double frees, interior pointers and wrong layouts are not detected.
//! - Memory cannot be taken back.
//!
//! # Source
//!
//! M. Masmano, I. Ripoll, A. Crespo, J. Real: *TLSF: a new dynamic memory allocator for real-time systems*,
//! ECRTS 2004. The `package` feature holds the implementation over the published package `rlsf`.
#![no_std]
#![deny(unsafe_op_in_unsafe_fn)]

#[cfg(feature = "package")]
pub mod package;

#[cfg(feature = "package")]
pub use package::TlsfByteAllocator;
