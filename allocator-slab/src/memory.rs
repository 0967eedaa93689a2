//! The memory format: records, the map that finds them, and the words that say which objects are free. All pointers of the
//! engine are made here.
//!
//! ```text
//!   object pages                       record pages                    map pages
//!  ┌──────┬──────┬──────┬───┐         ┌────────┬────────┬───          ┌───┬───┬───┬───┐
//!  │object│object│object│ … │◀────────│ record │ record │ …  ◀────────│   │ • │   │   │ one entry a frame
//!  └──────┴──────┴──────┴───┘  base   └────────┴────────┴───          └───┴───┴───┴───┘
//!   the callers' to the last byte      64 bytes a slab or run          8 bytes a frame
//! ```
//!
//! Nothing is ever written to a free object: whoever writes to one that he gave back can spoil what the next owner wrote, but never
//! this allocator.
//!
//! Addresses of leaves of the map are kept as distances from `page_map::NO_LEAF`: memory that is all zero holds the links to nothing,
//! and following one needs no check.

mod blocks;
mod classes;
mod hand;
mod page_map;
mod record;
mod records;
mod source;

pub(crate) use self::{
    blocks::{at_address, construct, copy, read_mark, write_mark},
    classes::{CLASS_COUNT, Classes, Offset},
    hand::Hand,
    page_map::{ENTRY_BYTES, PageMap, Place},
    record::{RECORD_BYTES, RecordRef, State},
    records::Records,
    source::Source,
};
