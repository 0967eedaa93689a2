//! The contract that memory allocators for kernels keep.
//!
//! This crate holds traits, one error type and address arithmetic; it holds no algorithm. A kernel written
//! against it can change its allocator without changing a call, and an allocator written against it can be put
//! through the conformance suite of this workspace.
//!
//! # Terms
//!
//! - **Region**: a range of memory handed to an allocator with [`init`](BaseAllocator::init) or
//!   [`add_memory`](BaseAllocator::add_memory). From then on it is the allocator's alone.
//! - **Block**: bytes handed out by a [`ByteAllocator`]; its size and alignment are those of a [`Layout`].
//! - **Page**: [`PageAllocator::PAGE_SIZE`] bytes, aligned to that size. **Run**: neighbouring pages handed out
//!   together.
//! - **Live**: handed out and not given back.
//! - **Unchanged**: every statistic and every later result is as if the call had not been made. Whatever fails
//!   leaves the allocator unchanged.
//!
//! # The traits
//!
//! ```text
//!                 BaseAllocator                takes regions
//!                 ╱           ╲
//!        ByteAllocator    PageAllocator        hand out blocks; hand out runs
//!                 ╲           ╱
//!             PagedByteAllocator               hands out blocks, takes its pages with each call
//!
//!        IdAllocator                           hands out numbers; no memory
//! ```
//!
//! A capability that only some allocators have is a trait of its own, never a method that some leave
//! unimplemented.
//!
//! # The contract in short
//!
//! - Nothing here panics, loops without a bound, or allocates from somewhere else. Bad input is answered with an
//!   [`AllocError`], and [`InvalidParam`](AllocError::InvalidParam) comes before
//!   [`NoMemory`](AllocError::NoMemory).
//! - Size 0 is `InvalidParam`; a size that no memory could hold is `NoMemory`, at once.
//! - Every power-of-two alignment is honoured, and it is an alignment of the address.
//! - Live blocks never overlap one another, the allocator's own records, or memory outside the regions.
//! - An invalid free is answered [`NotAllocated`](AllocError::NotAllocated) where the allocator says that it
//!   [detects](ByteAllocator::detects) that kind.
//! - `total = used + available`, always; once everything is given back, `used` is what it was after `init`.
//!
//! # Addresses
//!
//! Addresses are `usize` values of one linear map: memory at the address must be reachable through a pointer
//! made from it. The memory's provenance must be exposed (see [`core::ptr`]), as it is for memory that no Rust
//! object ever occupied. A region may end with the last byte of the address space.
//!
//! [`Layout`]: core::alloc::Layout
#![no_std]
#![forbid(unsafe_op_in_unsafe_fn)]

pub mod address;
mod base;
mod byte;
mod constrained;
mod declaration;
mod error;
mod id;
mod inspect;
mod invalid_frees;
mod largest_run;
mod page;
mod paged;
mod reclaim;
mod remove;
mod usable;

pub use address::AddressRange;
pub use base::{BaseAllocator, ConstEmpty};
pub use byte::{ByteAllocator, realloc_by_moving};
pub use constrained::{ConstrainedPageAllocator, Placement};
pub use declaration::{Declaration, Declared, Gap};
pub use error::{AllocError, AllocResult};
pub use id::IdAllocator;
pub use inspect::{Block, BlockKind, CheckIntegrity, HeapMap};
pub use invalid_frees::InvalidFrees;
pub use largest_run::LargestFreeRun;
pub use page::PageAllocator;
pub use paged::PagedByteAllocator;
pub use reclaim::ReclaimMemory;
pub use remove::{RemoveError, RemoveMemory};
pub use usable::UsableSize;
