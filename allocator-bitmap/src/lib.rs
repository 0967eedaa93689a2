//! A page allocator, and an id allocator, over a bitmap: one bit for each page, set while it is free.
//!
//! # Terms
//!
//! - **Bank**: a region of pages; there may be holes between banks.
//! - **Span**: the range of addresses that the bitmap has bits for. All banks lie in it.
//! - **Index**: the number of a page, counted from the start of the span; also the number of its bit.
//!
//! ```text
//!            ◄──────────────── span: CAP pages ────────────────►
//!   memory   ▐░░░░░▌        ▐░░░░░░░░░░░░▌   ▐░░░░▌
//!              bank             bank          bank
//!   bits     110110 00000000 1111100111111 000 10111 00000000000      1: free, 0: allocated or not managed
//!   summary      1                1               1                   one bit for 16, and so on upwards
//! ```
//!
//! # When to choose it
//!
//! For the page level of a kernel whose memory map is known at boot: single pages are found in a few steps, runs
//! of any length at any alignment are taken and given back in any pieces, and no page is ever touched. The map has
//! a fixed capacity, which costs 17/16 of a bit for each page of the span, used or not.
//!
//! # Costs
//!
//! A single page is taken and given back in O(log CAP). A run is found first fit, in time linear in the pages
//! below it.
//!
//! # Limits
//!
//! They stand at the types `BitmapPageAllocator` and `BitmapIdAllocator`, and as data in their
//! [`DECLARATION`](allocator_api::Declared::DECLARATION).
//!
//! # Source
//!
//! P. R. Wilson, M. S. Johnstone, M. Neely, D. Boles, "Dynamic Storage Allocation: A Survey and Critical Review",
//! International Workshop on Memory Management, 1995, section 3.8, "Bitmapped Fits".
#![no_std]

#[cfg(feature = "package")]
pub mod package;

#[cfg(feature = "package")]
pub use package::{BitmapIdAllocator, BitmapPageAllocator};
