//! A byte allocator of size classes: slabs for small blocks, a buddy system for large ones.
//!
//! # Terms
//!
//! - **Size class**: a block size that small requests are rounded up to: 64, 128, … 4096 bytes.
//! - **Slab**: 64 neighbouring blocks of one class, cut from one buddy block.
//! - **Refill**: cutting a new slab when a class has no free block.
//! - **Buddy block**: 2^k bytes at a multiple of 2^k.
//!
//! ```text
//!   alloc(100 bytes) ──► class 128 ──► ▐ 128 │ 128 │ 128 │ … 64 blocks ▌ one slab = one 8 KiB buddy block
//!                                                       ▲
//!                                          refill       │ when the class is empty
//!   alloc(9000 bytes) ──────────────────► buddy system: 4 KiB, 8 KiB, 16 KiB, … 2 GiB
//! ```
//!
//! # When to choose it
//!
//! For kernels whose requests are mostly small and come back in the same sizes: a small block is taken and given
//! back in a handful of instructions, whatever the state of the heap.
//!
//! # Costs
//!
//! - A block takes the next power of two, 64 bytes at least.
//! - A refill takes 64 blocks at once: the first 4096-byte block takes a free piece of 256 KiB.
//! - A large block is given back in time linear in the free blocks of its sizes.
//!
//! # Limits
//!
//! They stand at the type `SlabByteAllocator`, and as data in its
//! [`DECLARATION`](allocator_api::Declared::DECLARATION).
//!
//! # Sources
//!
//! J. Bonwick, "The Slab Allocator: An Object-Caching Kernel Memory Allocator", USENIX Summer 1994.
//! K. C. Knowlton, "A Fast Storage Allocator", Communications of the ACM 8 (10), 1965.
#![no_std]

#[cfg(test)]
extern crate std;

mod byte_allocator;
mod class;
mod memory;
mod object_cache;
#[cfg(feature = "package")]
pub mod package;
mod page_cache;
mod size_class;
mod slabs;

pub use byte_allocator::{SMALLEST_FIRST_REGION_BYTES, SlabByteAllocator};
pub use object_cache::{MAX_CACHES, ObjectCache};
pub use slabs::{ClassStatistics, RunStatistics, Slabs};
