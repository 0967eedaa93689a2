//! A binary buddy allocator for kernels, behind the contract of `allocator-api`.
//!
//! Every block is a power of two in size and lies at a multiple of it. Cut in two, it gives two *buddies*, whose
//! addresses differ in one bit; when both are free again, they merge.
//!
//! ```text
//!   order 13   │                       8192                        │
//!   order 12   │          4096           │          4096           │      split on the way down,
//!   order 11   │    2048    │    2048    │                         │      merged on the way up
//!   order 10   │ 1024│ 1024 │
//!                  ▲     ▲
//!                  └──┬──┘ buddies: their addresses differ in bit 10 alone
//! ```
//!
//! The *order* of a block is the logarithm of its size in bytes. There is a list of free blocks for each order from
//! that of a word up; no record takes space beside the blocks.
//!
//! # When to choose it
//!
//! For blocks that are powers of two anyway (page tables, DMA rings, stacks), which it aligns to their size without
//! waste, with few of them free at a time.
//!
//! # Costs
//!
//! | operation | worst case |
//! |---|---|
//! | `alloc` | O(orders): one split for each |
//! | `dealloc` | O(free blocks): the free lists are searched for the buddy at each order |
//! | `realloc` | O(1) where the order stays; else `alloc`, a copy, `dealloc` |
//! | `add_memory` | O(orders · free blocks) |
//! | memory | up to half of a block: `2^k + 1` bytes take `2^(k + 1)` |
//!
//! # Limits
//!
//! - Only buddies merge. Of free memory that is not aligned to its size only the aligned part serves one request.
//! - Double frees, interior pointers and wrong layouts are not detected.
//! - Memory cannot be taken back.
//!
//! # Source
//!
//! K. C. Knowlton: *A fast storage allocator*, CACM 8(10), 1965; D. E. Knuth, *The Art of Computer Programming*,
//! section 2.5. The `package` feature holds the implementation over the published package `buddy_system_allocator`.
#![no_std]
#![deny(unsafe_op_in_unsafe_fn)]

#[cfg(feature = "package")]
pub mod package;

#[cfg(feature = "package")]
pub use package::BuddyByteAllocator;
