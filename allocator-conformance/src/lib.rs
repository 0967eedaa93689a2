//! One suite that tells which promises of [`allocator_api`] an allocator keeps.
//!
//! - [`byte_suite!`], [`page_suite!`] and [`id_suite!`] make tests of all cases for a type, one for each.
//! - [`run_bytes`], [`run_pages`] and [`run_ids`] run them in a loop, in a kernel for instance.
//! - [`contract`] is what the cases stand for, point by point.
//!
//! # Examples
//!
//! ```
//! use allocator_conformance::{Arena, Bench, Slot, run_bytes};
//! # #[path = "../examples/adapter/bump.rs"] mod adapter;
//! # use adapter::Adapter as MyAllocator;
//!
//! static SLOT: Slot<MyAllocator> = Slot::new();
//! static ARENA: Arena = Arena::new(); // or `Memory::new`, on memory of your own
//!
//! let mut bench = Bench::on(&SLOT, &ARENA).expect("nobody else takes these two");
//! let summary = run_bytes(&mut bench, &mut |report| println!("{report}"));
//! assert!(summary.is_success());
//! ```
//!
//! # How it works
//!
//! ```text
//!   Case ──► Subject ──────────► allocator under test     in a Slot, fresh for each case
//!   safe     watches every step        │
//!   code        │                      ▼
//!               └──► Books          regions cut from Memory
//!                    who owns what
//! ```
//!
//! - A [`Case`] is a generic function in safe code. It asks its subject for blocks and gives them back.
//! - The subject passes each request on and checks the answer: against the contract, and against books of all regions
//!   and all live blocks. Every byte of a block is written, and looked at again before the block is given back.
//! - Because the books know what is free, most answers are predicted, success as well as refusal: an allocator that
//!   refuses everything fails.
//! - Nothing is random: the numbers that look so are the same in each run.
//! - A [`Slot`] holds the allocator. A fresh one is made by copying an empty one over it in place, so that an allocator
//!   of megabytes is never on a stack.
//!
//! The suite itself is tested with toys that are broken on purpose, in more than a hundred ways; every case has been
//! seen to fail for what it is named for.
//!
//! # Costs
//!
//! Each suite takes some 10⁸ instructions with a fast allocator in an optimised build, and little stack. The books
//! look at every live block for each new one; no case has more than some two thousand live.
#![no_std]

mod bench;
mod book;
mod bytes;
mod case;
mod explore;
mod guard;
mod ids;
mod macros;
mod memory;
mod order;
mod pages;
mod random;
mod report;
mod runs;
mod script;
mod slot;
mod statistics;
mod verdict;

#[doc = include_str!("contract.md")]
pub mod contract {}

pub use allocator_api as api;
pub use bench::Bench;
pub use bytes::{byte_cases, run_bytes};
pub use case::Case;
pub use explore::{
    Explored,
    bytes::{ByteScope, explore_bytes, smallest_heap_bytes},
    ids::{IdScope, explore_ids},
    pages::{PageScope, explore_pages},
};
pub use guard::Guard;
pub use ids::{id_cases, run_ids};
pub use memory::{Arena, Memory};
pub use pages::{page_cases, run_pages};
pub use report::{Outcome, Report, Summary};
pub use script::{
    Broken, ByteOp, Fit, Found, IdOp, Op, PageOp, Tally,
    bytes::run_byte_script,
    decode,
    hunt::{hunt_bytes, hunt_ids, hunt_pages},
    ids::run_id_script,
    pages::run_page_script,
    shrink,
};
pub use slot::Slot;
pub use verdict::{Failure, Value};

/// Whether some suite has a case of this name.
///
/// # Examples
///
/// ```
/// assert!(allocator_conformance::is_case("live_blocks_never_overlap"));
/// assert!(!allocator_conformance::is_case("live_blocks_newer_overlap"));
/// ```
#[must_use]
pub fn is_case(name: &str) -> bool {
    [bytes::NAMES, pages::NAMES, ids::NAMES].iter().any(|names| names.contains(&name))
}
