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
//! - The **word at hand**: 64 bits that a class has taken out of a record, and hands out objects of. **Active** slab: the one that they
//!   are of. **Partial** slab: one whose record has free objects.
//!
//! # How it works
//!
//! ```text
//!   alloc(100 bytes) ──▶ class 104 ──▶ word at hand …0110▁ ──▶ lowest bit ──▶ object
//!                           │ no bit: a word of the next partial slab, else pages for a new slab
//!                           ▼
//!   partial slabs     [record]⇄[record]⇄[record]            page map: a radix tree, 8 bytes a frame
//!                        │ base                               ▲
//!                        ▼                                    │ which record?
//!   pages             [104│104│104│ … 39 objects │tail]  ◀── dealloc(address, layout)
//! ```
//!
//! - **Allocating** takes the lowest bit out of the word at hand, which stands in the class itself: no record is read. A refill writes
//!   the bits of a slab, four words; no object of it is touched, whatever their number.
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
//! # Measured
//!
//! Instructions an operation on x86-64 by `cargo xtask bench` and `cargo xtask replay`, mean of allocating and freeing; 2 to 4 of them
//! pass the request. In brackets: mimalloc 2, which takes memory from the operating system and checks no free;
//! `slab_allocator`, which checks none either; talc 5.
//!
//! | what | target | measured |
//! |---|---|---|
//! | 64 bytes, taken and given back | ≤ 26 | 23.5 (27.2, 32.5, 92.5) |
//! | random blocks of the sizes of kernels, 8000 live | ≤ 32 | 38.4 (33.1, 40.5, 54.8) |
//! | a kernel boots | ≤ 40, mimalloc's | 35.2 (47.3, 49.3, 83.9) |
//! | … processes fork | ≤ 32, mimalloc's | 31.7 (32.0, 44.1, 60.4) |
//! | … works on files | ≤ 38, mimalloc's | 37.0 (44.7, 45.0, 71.3) |
//! | perl | ≤ 42 | 40.1 (62.8, 43.7, 84.5) |
//! | python | ≤ 45 | 38.2 (47.0, 49.8, 78.3) |
//! | sqlite | ≤ 52 | 35.5 (54.8, 56.0, 67.8) |
//! | requested ÷ region after churn | ≥ 93 % | 96.6 % (–, 78.8, 91.5) |
//! | memory needed: boot, fork, files | 1.10, 1.16, 1.14 | 1.05, 1.17, 1.21 (–; 1.51, 1.85, 1.61; 1.10, 1.16, 1.14) |
//! | … perl, python, sqlite | 1.17, 1.13, 1.19 | 1.20, 1.12, 1.30 (–; 1.43, 1.41, 2.20; 1.17, 1.13, 1.19) |
//! | time ÷ `slab_allocator`'s: boot, fork, files | 1.25 × mimalloc's | 0.78, 0.78, 0.50 (1.47, 0.90, 0.96; 1.00, 1.00, 1.00; 2.67, 1.62, 1.69) |
//! | … perl, python, sqlite | | 0.87, 0.68, 0.61 (1.12, 1.00, 0.73; 1.00, 1.00, 1.00; 1.84, 1.39, 1.03) |
//! | … medians of 45 rounds in turns, on a busy machine | | |
//! | 4160 bytes, freed in random order | ≤ 0.9 of talc's | 257 (166, 4413, 91) |
//! | 64 KiB to 1 MiB, random | talc's | 1493 (868, 70, 82) |
//! | worst operation of adversarial scripts | rlsf's: 83 to 120 | 15565 one block of each size, the others up to 4863 |
//!
//! Where a target is missed:
//!
//! - **Random small blocks**. An allocation from the word at hand takes 22 instructions, 38 if that is used up and the next slab
//!   has one word. A free inside the word at hand takes 25. Elsewhere it takes 50: 17 to see that it is not there, 9 in the map, 4 for
//!   the object's number, 5 to check that and the class, 8 for the bit, 7 to count it, to see whether the slab leaves or joins the
//!   list, and to return; 9 more if it joins. In the traces 45 to 96 of 100 frees are inside, in the random script 10; there two
//!   allocations in five also take the next slab. mimalloc finds a page's header by a mask and pushes onto its list, without asking
//!   whether the block is live. What was tried and left: asking the map at once (fewer in the random script, more for all
//!   that dies young); to put slabs that become partial in front of the list (random 42.5, forks 34.5, a boot 36.1). Slabs of 8 KiB
//!   for 256 bytes, half of all that forks ask for, brought these from 33.7 to 31.7, for 0.7 % of the memory that they need.
//! - **Blocks of several pages**. They are runs of the page level, which searches exactly and checks each page: that is most of the
//!   1493, and of what slabs of several pages cost where all die at once. Lengths that come again are kept there, and take 220.
//!   Who keeps no page by page account, or merges nothing, needs less. A run is given back at once, so that the kernel has its
//!   pages.
//! - **Memory needed**. A class holds at least one slab, and some slabs of the classes above 1 KiB are up to 64 KiB. Letting these leave a
//!   sixteenth behind the last object gave perl 1.15 and files 1.20, and cost the files 1.4 instructions and random 4160 bytes 82.
//! - **Worst operation**. The first block of a class takes a run, a record and up to 6 nodes of the map; a run of 32 MiB sets
//!   8192 bits. Both are bounded, as above, and neither is as short as two steps in a table of lists.
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
//! - Kept while they have no live block: one slab a class, 1484 KiB if every class was used, and 16 pages.
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
