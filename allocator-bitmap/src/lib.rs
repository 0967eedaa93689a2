//! Under construction.
#![no_std]

mod active;
mod arena;
mod bits;
mod contract;
mod directory;
mod ids;
mod integrity;
mod layout;
mod lent;
mod levels;
mod memory;
mod page_allocator;
mod pages;
mod records;
mod regions;
mod remove;
mod request;
mod search;
mod span;
mod summary;
mod word_set;

pub use ids::BitmapIdAllocator;
pub use lent::{Inline, Lent};
pub use memory::InRegion;
pub use page_allocator::BitmapPageAllocator;
pub use records::Records;
