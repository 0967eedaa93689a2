//! A byte allocator of slabs that stands straight on pages, keeps its records beside them and checks every free.
//!
//! # Terms
//!
//! - **Page**: what the page level hands out. **Frame**: 4096 bytes, the unit of the map. **Unit**: the larger of both; slabs and
//!   runs are multiples of it.
//! - **Size class**: a block size that small requests are rounded up to; 79 from 16 bytes to 32 KiB.
//! - **Slab**: pages cut into objects of one class: 256 at most.
//! - **Run**: pages that are one block: what no class serves.
//! - **Record**: 64 bytes that tell what a slab or a run is, and a bit for each object of a slab: 1 while it is free.
//! - **Active** slab: the one that its class takes from. The **word at hand**: the 64 bits there that are looked at.
//!
//! # How it works
//!
//! ```text
//!   alloc(100 bytes) ──▶ class 104 ──▶ word at hand …0110▁ ──▶ lowest bit ──▶ object
//!                           │ no bit: the next word, else the next partial slab, else pages for a new one
//!                           ▼
//!   partial slabs     [record]⇄[record]⇄[record]            page map: a radix tree, 8 bytes a frame
//!                        │ base                               ▲
//!                        ▼                                    │ which record?
//!   pages             [104│104│104│ … 39 objects │tail]  ◀── dealloc(address, layout)
//! ```
//!
//! - **Allocating** takes the lowest bit out of the word at hand. A refill writes the bits of a slab, four words; no object of
//!   it is touched, whatever their number.
//! - **Freeing** looks in the word at hand first, else asks the map for the record. The distance from the slab's base, divided
//!   exactly by the object's size (a multiplication and a rotation), is the number of an object, or too large: then the address is
//!   interior or foreign. The class of the layout must be that of the slab, and the bit must be 0.
//! - **Unused slabs** go back to the page level at once. A class keeps its active one, and the allocator 16 single pages;
//!   [`trim`](allocator_api::PagedByteAllocator::trim) and [`ReclaimMemory`](allocator_api::ReclaimMemory) give these back too, and so
//!   does the allocator itself before it refuses anything.
//! - **Large blocks** are exact runs, which grow and shrink in place where the pages behind them are free. Blocks of one page
//!   have no record: the map itself says what they are.
//! - **When pages run out**, a request of a class without a free object gets a run that is large enough, and if there is none,
//!   an object of a larger class: as its *guest*. What is refused then fits in nothing free but slabs that [take no guests](#limits).
//!
//! # When to choose it
//!
//! For the byte level of a kernel. Most requests are small and come back in the same sizes, one page is a frequent size, and
//! memory that the byte level does not need must be pages again. It is made for one lock. Where the longest single operation
//! counts more than the mean, and pages are not wanted back, a two-level segregated fit is the choice.
//!
//! # Why records beside the memory
//!
//! | | free objects of a slab | a free finds its slab by | double free | write after free |
//! |---|---|---|---|---|
//! | SLUB (Linux) | a list through them, encoded if hardened | the frame's descriptor | the list's head alone, if hardened | may steer the list |
//! | mimalloc | lists through them, encoded in its secure mode | the aligned segment around it | in secure and debug mode | may steer the list |
//! | tcmalloc | a list through them, a bitmap in small spans | a radix tree | not looked for | may steer the list |
//! | snmalloc | a list through them, signed in its checked mode | a flat map | in its checked mode | found later, in checked mode |
//! | here | bits in the record | a radix tree with guesses | always, at once | harmless to the allocator |
//!
//! A link in a free object is the cheapest list there is, and belongs to whoever still has a pointer to it. A bit costs the
//! multiplication that finds its number, and answers with the same load what a list cannot tell: whether the object is live.
//! Nothing is ever written to a free object, so a write after a free can spoil the next owner's contents and nothing else; nor is a
//! free object fetched into the cache before its owner comes. (The one exception: the last byte of an object with a guest, which is live.)
//!
//! # Costs
//!
//! With L levels of the map (2 within 1 GiB, 3 within 512 GiB, 6 at most), and P the cost of a call to the page level:
//!
//! | operation | worst case |
//! |---|---|
//! | `alloc`, a free object in the class | O(1): four words, one step of a list |
//! | … a new slab | O(L) steps, 6 L calls P; if they fail, 9 L, those of giving everything unused back, and again |
//! | `alloc`, a run | O(L) steps, 4 L calls P; if they fail, 6 L, and as for a slab |
//! | giving everything unused back | 95 slabs and 16 pages, each O(L) steps and 2 L + 2 calls P |
//! | `dealloc`, refused or not | O(L) steps, 2 L + 2 calls P |
//! | `realloc` | in place O(L) steps and 3 calls P; else those of `alloc` and `dealloc`, and the copy |
//! | `used_bytes`, `size_classes` | linear in the classes: 79, and 16 caches |
//! | `check_integrity`, `for_each_block` | linear in the frames held |
//!
//! The calls are counted from outside in the crate's tests. Each is for one slab or run, for a page of records, or for a node of the
//! map; while the page level offers one at address 0, it takes five calls to get another. In bytes: a record a slab or run of
//! several pages, 64; an entry of the map a frame of a slab, and one a run, 8; the value itself has less than 28 KiB, and all its
//! bytes are 0 at first.
//!
//! # The classes
//!
//! Up to 64 bytes 8 apart, above eight in each doubling: less than an eighth of a block is lost to rounding. A request at a larger
//! alignment than its size gets a class that is a multiple of the alignment, so that powers of two are aligned to themselves. A slab has
//! the fewest frames that leave less than a thirty-second behind the last object. With larger pages slabs are multiples of those.
//! Classes that are a multiple of the unit have no slabs: runs serve them exactly.
//!
//! <details><summary>Objects and slabs of each class, with pages of 4 KiB</summary>
//!
#![doc = include_str!("classes.md")]
//!
//! </details>
//!
//! # Limits
//!
//! - Pages are a power of two. Those below 4096 bytes are used in groups of 4096 bytes.
//! - 79 classes and 16 [object caches](ObjectCache); 256 objects a slab; slabs of 64 KiB at most (of a cache: 128 KiB), or one page.
//! - Slabs of more than 128 objects take no guests: with pages of 4096 bytes those of 16 and 24 bytes, with larger pages others too.
//! - With pages above 4096 bytes a slab of small objects uses the first 256 places only; the rest of it counts as used.
//! - On a full heap `realloc` keeps the block where it is if there is room: as a guest, or as a run that serves a class. To less it
//!   is refused only in slabs that take no guests, for a page if there is no room for a record, and in slabs of larger pages at
//!   alignments above 4096 bytes.
//! - An object cache of another allocator is told apart by its number and its objects' size, and by nothing else.
//! - Kept while they have no live block: one slab a class, 1480 KiB if every class was used, and 16 pages.
//! - [`SMALLEST_FIRST_REGION_BYTES`] for the first region of [`SlabByteAllocator`].
//! - Who frees with the layout of another block of the same class or the same number of pages is not found out: both say the same.
//!
//! # Sources
//!
//! - J. Bonwick, "The Slab Allocator: An Object-Caching Kernel Memory Allocator", USENIX Summer 1994.
//! - J. Bonwick, J. Adams, "Magazines and Vmem: Extending the Slab Allocator to Many CPUs and Arbitrary Resources", USENIX 2001.
//! - T. Granlund, P. L. Montgomery, "Division by Invariant Integers using Multiplication", PLDI 1994: the exact division.
//! - D. Leijen, B. Zorn, L. de Moura, "Mimalloc: Free List Sharding in Action", 2019.
#![no_std]

#[cfg(test)]
extern crate std;
#[cfg(test)]
#[path = "../tests/support/arena.rs"]
mod arena;
#[cfg(test)]
#[path = "../tests/support/pages.rs"]
#[allow(clippy::unwrap_used, reason = "a test helper that fails is a test that fails")]
#[allow(dead_code, reason = "some of it is for the other tests")]
mod test_pages;

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
