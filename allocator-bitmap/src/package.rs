//! The allocators over the published package `bitmap-allocator`.
//!
//! The package gives a map of bits in which a free one is found fast; the map's type fixes its capacity. What the
//! wrapper adds:
//!
//! - several banks, at any addresses inside one span, and refusal of a bank outside it or on top of another;
//! - alignment of addresses, not of indices, for one page as for many;
//! - frees that are checked as a whole before a bit changes, so that the statistics stay true;
//! - answers instead of panics, for every input.
//!
//! Both allocators stand on one private core, `Bits`: runs of indices in the ranges that are managed.
//!
//! # Capacities
//!
//! | map type | pages or ids | bytes of the map | span with pages of 4 KiB |
//! |---|---|---|---|
//! | [`BitAlloc16`] | 16 | 2 | 64 KiB |
//! | [`BitAlloc256`] | 256 | 34 | 1 MiB |
//! | [`BitAlloc4K`] | 4096 | 546 | 16 MiB |
//! | [`BitAlloc64K`] | 65 536 | 8738 | 256 MiB |
//! | [`BitAlloc1M`] | 1 048 576 | 137 KiB | 4 GiB |
//! | [`BitAlloc16M`] | 16 777 216 | 2.1 MiB | 64 GiB |
//! | [`BitAlloc256M`] | 268 435 456 | 34 MiB | 1 TiB |
//!
//! The large ones overflow a stack: they belong in statics, where the constant `EMPTY` puts them without a copy.
#![forbid(unsafe_op_in_unsafe_fn)]

mod bits;
mod ids;
mod pages;
mod span;

use bitmap_allocator::{BitAlloc, BitAllocCascade16};
pub use bitmap_allocator::{
    BitAlloc1M, BitAlloc4K, BitAlloc16, BitAlloc16M, BitAlloc64K, BitAlloc256, BitAlloc256M,
};

pub use self::{
    ids::{BitmapIdAllocator, MAX_ID_RANGES},
    pages::{BitmapPageAllocator, MAX_REGIONS},
};

/// A map of the package: the capacity of an allocator as a type.
///
/// Only the package's own types can implement it. The promises of the page allocator rest on what the map answers,
/// so a map that answers wrongly must not come in through a safe trait.
///
/// # Complexity
///
/// With the capacity CAP: finding, taking and giving back one bit is O(log CAP).
///
/// # Examples
///
/// ```
/// use allocator_bitmap::package::{BitAlloc64K, BitmapPageAllocator, Map};
///
/// fn span_bytes<M: Map>() -> usize {
///     M::CAP * 4096
/// }
/// assert_eq!(span_bytes::<BitAlloc64K>(), 256 << 20);
/// assert_eq!(BitmapPageAllocator::<4096, BitAlloc64K>::CAPACITY_PAGES, 65_536);
/// ```
pub trait Map: BitAlloc + sealed::Sealed {}

impl Map for BitAlloc16 {}
impl<M: Map> Map for BitAllocCascade16<M> {}

mod sealed {
    use super::{BitAlloc16, BitAllocCascade16, Map};

    /// What only this crate can implement.
    pub trait Sealed {}

    impl Sealed for BitAlloc16 {}
    impl<M: Map> Sealed for BitAllocCascade16<M> {}
}
