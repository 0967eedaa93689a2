//! The part of the address space that the bits of a map stand for.
//!
//! ```text
//!   page number   0        first_page                          first_page + pages − 1
//!                 │   …        ▐ index 0 │ index 1 │  …  │ index pages − 1 ▌      …
//!   address       0       first_page · PAGE_SIZE
//! ```
//!
//! A page number is an address divided by the page size, so no end of a page ever overflows.
//!
//! # Invariants
//!
//! - `pages` is 0 until the span is chosen, and then does not change.
//! - `first_page + (pages − 1)` is a page of the address space.
//!
//! Every function takes O(1).
#![forbid(unsafe_code)]

use allocator_api::{AddressRange, address::align_down};

/// A range of pages of `PAGE_SIZE` bytes, or none yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Span<const PAGE_SIZE: usize> {
    first_page: usize,
    pages: usize,
}

impl<const PAGE_SIZE: usize> Span<PAGE_SIZE> {
    /// No span is chosen yet. All zeros, so that a static that holds it stays in `.bss`.
    pub(super) const UNSET: Self = Self { first_page: 0, pages: 0 };

    /// The number of the last page of the address space.
    const LAST_PAGE: usize = usize::MAX / PAGE_SIZE;

    /// The span of `capacity` pages from the one that `address` is in, cut off at the end of the address space.
    pub(super) const fn starting_at(address: usize, capacity: usize) -> Self {
        let first_page = address / PAGE_SIZE;
        let left = (Self::LAST_PAGE - first_page).saturating_add(1);
        Self { first_page, pages: if left < capacity { left } else { capacity } }
    }

    /// The span for a first region of these pages: the window of `capacity` pages, a power of two, that starts at a
    /// multiple of its own size, if it holds them all; else the one from their first page on.
    pub(super) fn around(pages: AddressRange, capacity: usize) -> Self {
        let window = Self::starting_at(align_down(pages.start(), capacity) * PAGE_SIZE, capacity);
        if window.indices(pages).is_some() {
            return window;
        }
        Self::starting_at(pages.start() * PAGE_SIZE, capacity)
    }

    /// Whether the span is chosen.
    pub(super) const fn is_set(self) -> bool {
        self.pages != 0
    }

    /// The number of the page that index 0 stands for.
    pub(super) const fn first_page(self) -> usize {
        self.first_page
    }

    /// The indices of these pages; `None` if one of them is outside the span.
    pub(super) fn indices(self, pages: AddressRange) -> Option<AddressRange> {
        let first = pages.start().checked_sub(self.first_page)?;
        let last = pages.last() - self.first_page;
        AddressRange::from_bounds(first, last).filter(|_| last < self.pages)
    }

    /// The indices of those among these pages that are in the span.
    pub(super) fn indices_inside(self, pages: AddressRange) -> Option<AddressRange> {
        let all = self.pages()?;
        let first = pages.start().max(all.start());
        let last = pages.last().min(all.last());
        self.indices(AddressRange::from_bounds(first, last)?)
    }

    /// The address of the page at `index`, which is in the span.
    pub(super) const fn address(self, index: usize) -> usize {
        debug_assert!(index < self.pages);
        (self.first_page + index) * PAGE_SIZE
    }

    /// The bytes of the pages at `indices`, which are in the span.
    pub(super) fn bytes(self, indices: AddressRange) -> Option<AddressRange> {
        AddressRange::from_bounds(self.address(indices.start()), self.address(indices.last()) + (PAGE_SIZE - 1))
    }

    /// The bytes of the whole span; `None` while it is not chosen.
    pub(super) fn range(self) -> Option<AddressRange> {
        self.bytes(AddressRange::new(0, self.pages)?)
    }

    fn pages(self) -> Option<AddressRange> {
        AddressRange::new(self.first_page, self.pages)
    }
}

/// The numbers of the pages that the bytes lie in, wholly or in part.
pub(super) fn pages_of<const PAGE_SIZE: usize>(bytes: AddressRange) -> Option<AddressRange> {
    AddressRange::from_bounds(bytes.start() / PAGE_SIZE, bytes.last() / PAGE_SIZE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: usize = 16;
    const TOP: usize = usize::MAX;
    const LAST: usize = TOP / PAGE;

    fn pages(first: usize, last: usize) -> AddressRange {
        AddressRange::from_bounds(first, last).unwrap()
    }

    fn bounds(span: Span<PAGE>) -> Option<(usize, usize)> {
        span.range().map(|range| (range.start(), range.last()))
    }

    #[test]
    fn a_first_region_that_fits_gets_the_window_it_lies_in() {
        for first in 8..16 {
            for last in first..16 {
                let span = Span::<PAGE>::around(pages(first, last), 8);
                assert_eq!(bounds(span), Some((8 * PAGE, 16 * PAGE - 1)), "{first}..={last}");
            }
        }
    }

    #[test]
    fn a_first_region_across_two_windows_gets_one_from_its_first_page() {
        let span = Span::<PAGE>::around(pages(7, 8), 8);
        assert_eq!(bounds(span), Some((7 * PAGE, 15 * PAGE - 1)));
        assert_eq!(span.indices(pages(7, 14)), Some(pages(0, 7)));
    }

    #[test]
    fn a_span_ends_with_the_address_space() {
        let cut_off = Span::<PAGE>::starting_at(TOP - 3 * PAGE, 8);
        assert_eq!(bounds(cut_off), Some((TOP - 4 * PAGE + 1, TOP)));
        assert_eq!(cut_off.indices(pages(LAST - 3, LAST)), Some(pages(0, 3)));
        assert_eq!(bounds(Span::around(pages(LAST, LAST), 8)), Some((TOP - 8 * PAGE + 1, TOP)));
        assert_eq!(Span::<1>::starting_at(0, 8).range(), Some(pages(0, 7)));
        assert_eq!(Span::<1>::starting_at(0, TOP).range(), Some(pages(0, TOP - 1)));
        assert_eq!(Span::<1>::starting_at(TOP, 8).range(), Some(pages(TOP, TOP)));
    }

    #[test]
    fn indices_are_given_for_exactly_the_pages_in_the_span() {
        let span = Span::<PAGE>::starting_at(4 * PAGE + 3, 4);
        for first in 0..12 {
            for last in first..12 {
                let inside: [usize; 2] = [first.max(4), last.min(7)];
                let whole = (first >= 4 && last <= 7).then(|| pages(first - 4, last - 4));
                assert_eq!(span.indices(pages(first, last)), whole, "{first}..={last}");
                let part = (inside[0] <= inside[1]).then(|| pages(inside[0] - 4, inside[1] - 4));
                assert_eq!(span.indices_inside(pages(first, last)), part, "{first}..={last}");
            }
        }
        assert_eq!(span.address(3), 7 * PAGE);
    }

    #[test]
    fn no_page_is_in_a_span_that_is_not_chosen() {
        let unset = Span::<PAGE>::UNSET;
        assert!(!unset.is_set());
        assert_eq!(unset.range(), None);
        assert_eq!(unset.indices(pages(0, 0)), None);
        assert_eq!(unset.indices_inside(pages(0, LAST)), None);
    }
}
