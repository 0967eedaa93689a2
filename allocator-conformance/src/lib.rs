//! One suite that tells which promises of [`allocator_api`] an allocator keeps.
#![no_std]

mod bench;
mod book;
mod bytes;
mod case;
mod guard;
mod ids;
mod macros;
mod memory;
mod order;
mod pages;
mod random;
mod report;
mod script;
mod slot;
mod verdict;

#[doc = include_str!("contract.md")]
pub mod contract {}

pub use allocator_api as api;
pub use bench::Bench;
pub use bytes::{byte_cases, run_bytes};
pub use case::Case;
pub use guard::Guard;
pub use ids::{id_cases, run_ids};
pub use memory::{Arena, Memory};
pub use pages::{page_cases, run_pages};
pub use report::{Outcome, Report, Summary};
pub use script::{
    Broken, ByteOp, Fit, Found, Op, PageOp, Tally,
    bytes::run_byte_script,
    decode,
    hunt::{hunt_bytes, hunt_pages},
    pages::run_page_script,
    shrink,
};
pub use slot::Slot;
pub use verdict::{Failure, Value};

/// Whether some suite has a case of this name.
#[must_use]
pub fn is_case(name: &str) -> bool {
    [bytes::NAMES, pages::NAMES, ids::NAMES].iter().any(|names| names.contains(&name))
}
