//! Numbers handed out by the same engine: an id is a page of one byte.
#![forbid(unsafe_code)]

use allocator_api::{AllocResult, CheckIntegrity, ConstEmpty, Declaration, Declared, IdAllocator, PageAllocator};

use crate::{BitmapPageAllocator, Inline, pages::PageRange, records::Records};

/// Hands out ids, single ones and runs, from any number of ranges.
///
/// With [`Inline<WORDS>`](Inline) records, 64 words hold about 2000 ids in one range; see
/// [`record_bytes`](BitmapIdAllocator::record_bytes).
///
/// # Complexity
///
/// As for [`BitmapPageAllocator`].
///
/// # Examples
///
/// ```
/// use allocator_api::{AllocError, IdAllocator};
/// use allocator_bitmap::{BitmapIdAllocator, Inline};
///
/// let mut pids = BitmapIdAllocator::<Inline<64>>::new();
/// pids.add_ids(1, 1000)?;
/// assert_eq!(pids.alloc_id(1, 1)?, 1);
/// assert_eq!(pids.alloc_id(4, 4)?, 4);
/// pids.alloc_fixed_id(2)?;
/// assert_eq!(pids.alloc_id(1, 1)?, 3);
/// assert_eq!(pids.alloc_fixed_id(1001), Err(AllocError::NoMemory));
/// pids.dealloc_id(5, 2)?;
/// assert_eq!(pids.dealloc_id(4, 2), Err(AllocError::NotAllocated));
/// assert!(pids.is_allocated(4) && !pids.is_allocated(5));
/// # Ok::<(), AllocError>(())
/// ```
#[derive(Debug)]
pub struct BitmapIdAllocator<R: Records = Inline<64>> {
    ids: BitmapPageAllocator<1, R>,
}

impl<R: Records> BitmapIdAllocator<R> {
    /// Without ids yet, and with records kept in `records`, which is not [`InRegion`](crate::InRegion).
    #[must_use]
    pub const fn with_records(records: R) -> Self {
        const { assert!(!R::IN_REGION, "ids are no memory that records could lie in") };
        Self { ids: BitmapPageAllocator::with_records(records) }
    }

    /// Bytes of records for the ids `first` to `last` in one range.
    #[must_use]
    pub const fn record_bytes(first: usize, last: usize) -> usize {
        match allocator_api::AddressRange::from_bounds(first, last) {
            Some(ids) => BitmapPageAllocator::<1, R>::record_bytes(&[ids]),
            None => 0,
        }
    }
}

impl<R: Records + ConstEmpty> BitmapIdAllocator<R> {
    /// Without ids yet.
    #[expect(clippy::new_without_default, reason = "with records in the value, it may be too large for a stack")]
    #[must_use]
    pub const fn new() -> Self {
        Self::EMPTY
    }
}

impl<R: Records + ConstEmpty> ConstEmpty for BitmapIdAllocator<R> {
    const EMPTY: Self = Self::with_records(R::EMPTY);
}

impl<R: Records> Declared for BitmapIdAllocator<R> {
    const DECLARATION: Declaration =
        Declaration { touches_memory: false, ..Declaration::without_gaps("bitmap-ids") };
}

impl<R: Records> CheckIntegrity for BitmapIdAllocator<R> {
    fn check_integrity(&self) -> Result<(), &'static str> {
        self.ids.check_integrity()
    }
}

impl<R: Records> IdAllocator for BitmapIdAllocator<R> {
    fn add_ids(&mut self, first: usize, count: usize) -> AllocResult {
        self.ids.add_numbers(first, count)
    }

    fn alloc_id(&mut self, count: usize, align_pow2: usize) -> AllocResult<usize> {
        self.ids.alloc_pages(count, align_pow2)
    }

    fn alloc_fixed_id(&mut self, id: usize) -> AllocResult {
        self.ids.alloc_pages_at(id, 1, 1).map(|_| ())
    }

    fn dealloc_id(&mut self, start_id: usize, count: usize) -> AllocResult {
        self.ids.give_back(start_id, count)
    }

    fn is_allocated(&self, id: usize) -> bool {
        self.ids.is_allocated(id)
    }

    fn size(&self) -> usize {
        self.ids.total_pages()
    }

    fn used(&self) -> usize {
        self.ids.used_pages()
    }
}

impl<const PAGE_SIZE: usize, R: Records> BitmapPageAllocator<PAGE_SIZE, R> {
    /// Whether the page at `address` is handed out. O(log s) for s spans.
    #[must_use]
    pub fn is_allocated(&self, address: usize) -> bool {
        let page = PageRange::counted(address >> Self::PAGE_LOG2, 1).filter(|_| address & (PAGE_SIZE - 1) == 0);
        page.and_then(|page| self.span_of(page).map(|link| (page, link))).is_some_and(|(page, link)| {
            let span = self.span(link);
            let (index, _) = span.indices(page);
            let holds_records = span.records().is_some_and(|records| records.contains(page));
            !holds_records && span.all(false, index, index) && !self.kept.overlap(page)
        })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec;

    use allocator_api::AllocError;

    use super::*;
    use crate::Lent;

    #[test]
    fn the_bytes_told_for_a_range_are_enough_for_it_and_none_too_many() {
        for (first, last) in [(1, 1000), (0, 511), (511, 512), (70_000, 700_000)] {
            let words = BitmapIdAllocator::<Lent>::record_bytes(first, last) / size_of::<u64>();
            let add = |words: usize| {
                let mut ids = BitmapIdAllocator::with_records(Lent::in_words(vec![0; words].leak()));
                ids.add_ids(first, last - first + 1)
            };
            assert_eq!((add(words), add(words - 1)), (Ok(()), Err(AllocError::NoMemory)), "{first} to {last}");
        }
        assert_eq!(BitmapIdAllocator::<Lent>::record_bytes(5, 4), 0);
    }

    #[test]
    fn what_is_wrong_with_the_numbers_is_wrong_with_the_ids() {
        let mut ids = BitmapIdAllocator::<Inline<64>>::new();
        ids.add_ids(10, 100).unwrap();
        assert_eq!((ids.alloc_id(7, 1), ids.size(), ids.used()), (Ok(10), 100, 7));
        assert_eq!([9, 10, 16, 17, 110].map(|id| ids.is_allocated(id)), [false, true, true, false, false]);
        assert_eq!(ids.check_integrity(), Ok(()));
        ids.ids.used += 1;
        assert_eq!(ids.check_integrity(), Err("used is total less what is free"));
    }
}
