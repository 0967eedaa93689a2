//! A page allocator, and an id allocator, that finds or refuses any run in logarithmic time and checks every free.
//!
//! # Terms
//!
//! - **Span**: neighbouring pages with one block of records. Regions that touch make one span, so no run lies in
//!   two.
//! - **Chunk**: 512 pages from a multiple of 512 on; with pages of 4 KiB, a huge page of 2 MiB. A chunk is
//!   *broken* if some of its pages are free and some are not.
//! - **Buddy block**: a free run of 2^k pages, up to a chunk, at a multiple of 2^k: what a buddy allocator hands out.
//! - **Record** of a chunk: how many pages are free at its start, in its longest free run, in its largest buddy block, and
//!   at its end.
//! - **Reach** of a chunk: the longest free run in it, or the one that begins with its free end and goes on through the chunks
//!   that follow.
//! - **Open chunk**: the chunk that single pages come from. Its record is *stale*: out of date, to be renewed before
//!   anything is searched.
//! - **Kept run**: a run that came back lately and waits, whole, for the next request of its length.
//!
//! # How it works
//!
//! ```text
//!   directory    a balanced tree of spans, each with what is offered at and below it
//!                     │
//!   span         [ furthest of 64 chunks ]
//!                [ of 8 ][ of 8 ] …                       8 children a node, a word each
//!                [offer][offer][offer][offer] …           how far the runs of each chunk go, and its largest block
//!                [chunk][chunk][chunk][chunk] …           a word each: start, longest, block, end, whether stale
//!                [64][64][64][64][64][64][64][64] …       the bitmap: 1 free, 0 in use, kept or not managed
//!                 └─ open: pages come and go here,        a set of broken chunks: where single pages come from
//!                    and nothing but bits changes
//! ```
//!
//! - A **run** of more than 8 pages is one that came back lately, if one of its length did and is still kept. Else it is the
//!   lowest: the tree leads to the lowest chunk that reaches far enough, whose words and record tell where. If the top of the
//!   tree has nothing, and nothing is kept, the refusal is the first comparison. A buddy block is found, or refused, in the same way.
//!   What is kept serves every other request as soon as nothing else does.
//! - A **single page** comes from the open chunk, word by word; so does a run of up to 8 pages, aligned or not, if the
//!   chunk has one. When it is used up, the next broken chunk above is opened, after the last one the lowest; a whole chunk is
//!   broken only when no broken one has a page.
//! - A **free** checks the bit of every page, 64 at a time. In a chunk whose record is stale, or has a run as long as
//!   the one that results and as large a block as can be in it, a single page changes its bit and nothing else. Else the record is kept right, or if the
//!   chunk was changed lately becomes stale: up to 8 are, and a search renews them first. What is handed out next
//!   never depends on what is stale, so nobody can tell.
//! - **Records** are in the pages managed, in memory lent, or in the value: [`InRegion`], [`Lent`], [`Inline`].
//!   They take 81.4 bytes for 512 pages, and 100 for a span. In the pages managed they lie at one end of their span, and
//!   move there again when memory comes or goes. With `Lent`,
//!   [`init_from_map`](BitmapPageAllocator::init_from_map) finds the place for them in a memory map.
//!
//! # When to choose it
//!
//! For the page level of any kernel: memory maps with holes, banks that come and go, exact runs of any length,
//! devices that need low addresses, huge pages. It is made for one lock; several CPUs that take pages all the time
//! want a cache of pages each in front of it.
//!
//! # Why this structure
//!
//! | | Go's page allocator | LLFree | here |
//! |---|---|---|---|
//! | runs | any length, by summaries (start, longest, end) | powers of two up to a huge page | any length, by reach; lengths that come again, from a list |
//! | aligned runs | a search | powers of two, naturally | buddy blocks, by the same tree; others by a search |
//! | single pages | a cache of 64 pages a processor, taken out of the tree | a reserved tree a processor | one open chunk, its record stale |
//! | address space | one reserved range, a radix tree over all of it | one range | spans, sized by their pages |
//! | frees | not checked | checked | checked, page by page |
//! | huge pages | by address order | counters of free pages a huge page | set of broken chunks, address order |
//! | many CPUs | one lock | lock-free | one lock |
//!
//! From Go's comes the search from the top of a tree for any length. Its nodes have three numbers, joined from those of eight
//! children at each change. Here a run belongs to one chunk, however far it goes, so that a node is a maximum, and a change
//! mostly ends at the first; beside it, in the same word, stands which buddy blocks there are. (Built and measured both: runs of 2^0 to 2^9 pages took 1303 instructions with joined summaries and
//! 980 with reaches.) What it costs to keep the tree exact for single pages is met by stale records, for lengths that come again
//! and again by kept runs. From LLFree comes the care for what is broken already; its counters and reservations serve many CPUs
//! without a lock, which is not wanted here, and they find no odd runs. A buddy allocator is faster for runs, and rounds them up.
//!
//! # Costs
//!
//! With n pages in a span and s spans:
//!
//! | operation | worst case |
//! |---|---|
//! | `alloc_pages`, one page | O(log n + log s); O(1) from the open chunk |
//! | `alloc_pages`, a kept run | O(1) |
//! | `alloc_pages`, a run at any page | O(log n + log s), found or refused, and 1/64 step a page; with k kept runs, at most 21, k times that if nothing else has the run, and as much again if that was in vain; twice that if some addresses are preferred |
//! | `alloc_pages`, a buddy block: 2^k pages aligned to as many, up to 512 | as a run at any page, found or refused |
//! | `alloc_pages`, aligned otherwise | the same, and up to 32 chunks a span more, while memory has a run with room for any alignment; else each chunk that has a run long enough is looked at, 100 to 600 instructions a chunk |
//! | `alloc_pages_in` | the same: the lowest run that fits; with a boundary, once more for each that lies across one |
//! | `alloc_pages_at`, `dealloc_pages` | O(log n + log s), and 1/64 step a page |
//! | `largest_free_run_pages` | as a run that is refused |
//! | `add_memory`, `remove_memory` | linear in the records of the spans that change, at the speed of copying |
//!
//! # Measured
//!
//! Instructions an operation on x86-64, mean of allocating and freeing, records in the region, by `cargo xtask bench --level pages`
//! and `cargo xtask replay`; 2 to 4 of them pass the request. In brackets: `bitmap-allocator` 0.4.6, `FrameAllocator` of
//! `buddy_system_allocator` 0.13, and the page level of `buddy-slab-allocator` 0.6. The last two round runs up to powers of two and
//! check no free; the very last keeps 12 bytes a page.
//!
//! | what | target | measured |
//! |---|---|---|
//! | one page, taken and given back | ≤ 25 | 27.0: 31 and 23 (82, 4672, 125) |
//! | single pages, 75 % in use, freed in random order | ≤ 60 | 65.8: 47 and 88 (86, 490, 99) |
//! | 16 pages, taken and given back | LLFree's | 220 (1672, 187, 226) |
//! | runs of 2^0 to 2^9 pages, 50 to 90 % in use, 1 GiB | LLFree's | 703 (146 489, 287, 102) |
//! | runs of 1 to 300 pages, exact, 1 GiB | LLFree's | 1363: 1691 and 978 (522 018, 249, 105) |
//! | the same two in 64 GiB | ≤ 1.5 × | 1399, 1522: 1.99 ×, 1.12 × (155 797, 388, 125; –, 429, 119) |
//! | refused run, 64 GiB, every other page free | ≤ 2 µs | 630 instructions (–, 246, 296); 8 700 with 21 kept runs |
//! | refused buddy block of two pages, 64 GiB, only pairs across two such blocks free | ≤ 2 µs | 807 instructions (–, 246, 20 910 567) |
//! | records, bytes a page | ≤ 0.2 | 0.159 |
//! | page trace of a kernel's boot | ≤ 60 | 54.1 (247, 440, 131) |
//! | … of processes that fork | ≤ 35 | 38.1 (96, 393, 104) |
//! | … of work on files | ≤ 35 | 48.3 (149, 546, 118) |
//! | free pages in free huge pages, at the end of the last | ≥ 60 % | 77 % (80, 80, 79) |
//!
//! Where a target is missed:
//!
//! - **Pages**. A page that goes back to another chunk than the open one takes about 43 instructions: to tell which span
//!   it is in (10), to read the word and the record and test both (13), to change them (5), and the calls (15). The
//!   traces of forks and files give most pages back there. All over a memory of 512 chunks, a free makes a new
//!   longest run or block in its chunk now and then, which about 200 more are spent on.
//! - **Runs**. What comes again and again costs what it costs a buddy allocator. What is not kept is found exactly, the lowest
//!   there is, and put back exactly: of about 1400 instructions for one at 64 GiB, 170 find the chunk in the tree, 120 the place in its
//!   words, 310 compute the record of a chunk whose longest run was taken, 260 carry that up the tree, 250 change bits and
//!   look at what is around, and the rest is calls and looking first where pages came from last.
//!   That the tree knows of buddy blocks is 180 of them: without, one that nothing fits was refused after a look at each chunk,
//!   as other alignments still are. Lists of powers of two need not. LLFree itself, 135 and 53 ns for powers of two on another
//!   machine, cannot be run beside it: the package registry does not hold it.
//! - **64 GiB**. The tree has two levels more there than at 1 GiB, and that script takes twelve runs for each that it gives back:
//!   hardly any is kept. Without kept runs, 1 GiB took 980, before the tree knew of buddy blocks.
//!
//! # Limits
//!
//! - An alignment larger than a page that nothing fits, of a run that is no buddy block, is refused only after a look at each chunk
//!   that has a run long enough. If every odd page of 64 GiB is free and one page is wanted, that is 12.7 million instructions for
//!   an alignment of 2 pages. Who asks for a block that is as large as the alignment, is not affected.
//! - A region that touches a span and is too small for the records of both, while the span has no free run for them
//!   either, not with the region's pages, is refused with [`NoMemory`](allocator_api::AllocError::NoMemory). As a span of
//!   its own it could be kept, but then a run could not lie across the border, nor be given back across it.
//!
//! # Source
//!
//! - M. Knyszek, A. Clements, "Proposal: Scaling the Go page allocator", 2019.
//! - L. Wrenger, F. Rommel, A. Halbuer, C. Dietrich, D. Lohmann, "LLFree: Scalable and Optionally-Persistent
//!   Page-Frame Allocation", USENIX ATC, 2023.
//! - G. M. Adelson-Velsky, E. M. Landis, "An algorithm for the organization of information", 1962.
#![no_std]

mod arena;
mod around;
mod bits;
mod change;
mod contract;
mod directory;
mod home;
mod ids;
mod integrity;
mod kept;
mod layout;
mod lent;
mod memory;
mod offer;
mod open;
#[cfg(feature = "package")]
pub mod package;
mod page_allocator;
mod pages;
#[cfg(all(test, target_pointer_width = "64"))]
mod proofs;
mod reach;
mod records;
mod regions;
mod remove;
mod request;
mod run;
mod search;
mod single;
mod span;
mod stale;
mod start;
mod summary;
mod word_set;

pub use ids::BitmapIdAllocator;
pub use lent::{Inline, Lent};
pub use memory::InRegion;
pub use page_allocator::BitmapPageAllocator;
pub use records::Records;
pub use start::StartError;
