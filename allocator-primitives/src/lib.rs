//! Mechanism that more than one allocator engine needs, without policy.
//!
//! - [`RegionList`]: the regions an allocator holds, sorted and coalesced.
//! - [`usable_part`]: what is left of a region once it is trimmed to what an engine can use.
//!
//! A thing comes in here when a second engine needs it.
#![no_std]
#![forbid(unsafe_code)]

mod region_list;
mod usable;

pub use region_list::RegionList;
pub use usable::{Edges, usable_part};
