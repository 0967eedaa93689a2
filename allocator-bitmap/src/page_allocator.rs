//! The page allocator: open chunk, spans, and the directory of spans.
//!
//! # Invariants
//!
//! - P1: `total` = the pages of all spans; `used` = those whose bit is zero, less those of kept runs; `in_records` = those
//!   that hold records.
//! - P2: the record of the open chunk is stale, and it is none of those below what is preferred. The pages that can
//!   come back there are managed and hold no records.
//! - P3: all pages of `near` are managed and hold no records.
//! - P4: the list of stale records has exactly those that are, each once.
//! - P5: the pages of kept runs have bits of zero and count as free. No two have a page in common, none lies below what is
//!   preferred, none in the open chunk, and the record of each chunk says which words have pages of one.
#![forbid(unsafe_code)]

use core::fmt;

use allocator_api::ConstEmpty;

use crate::{
    directory,
    kept::KeptRuns,
    memory::InRegion,
    open::Open,
    pages::PageRange,
    records::{Link, Records},
    span::Span,
    stale::{Recent, StaleList},
    summary::CHUNK_PAGES,
};

/// A page allocator over any number of regions, with exact runs, checked frees and records of 0.16 bytes a page.
///
/// `PAGE_SIZE` is any power of two; `R` says where the records are: [`InRegion`], [`Lent`](crate::Lent) or
/// [`Inline`](crate::Inline).
///
/// # Complexity
///
/// With n pages and s spans (regions that touch are one span): `alloc_pages` of one page O(1) from the open chunk,
/// else O(log n + log s); of a run, O(1) if one of its length is kept, else O(log n + log s) if its alignment is a page, or as
/// much as the run and no more than 512 pages, or if a longer run has room for it; else a look at each 512 pages with a run long
/// enough; at most 21 times that where only kept runs help; plus 1/64 step for each page of the run. `alloc_pages_at`,
/// `dealloc_pages`: O(log n + log s), and 1/64 step a page. `add_memory`, `remove_memory`: linear in the records
/// of the spans concerned, at the speed of copying.
///
/// # Examples
///
/// ```
/// use allocator_api::{AllocError, BaseAllocator, PageAllocator};
/// use allocator_bitmap::{BitmapPageAllocator, Inline};
///
/// const PAGE: usize = 0x1000;
/// let mut pages = BitmapPageAllocator::<PAGE, Inline<64>>::new();
/// // SAFETY: records are in the value, so the regions are never touched: mere numbers here.
/// unsafe {
///     pages.init(0x10_0000, 8 * PAGE)?;
///     pages.add_memory(0x10_8000, 8 * PAGE)?;
/// }
/// let run = pages.alloc_pages(12, PAGE)?;
/// assert_eq!((run, pages.available_pages()), (0x10_0000, 4));
/// assert_eq!(pages.alloc_pages(5, PAGE), Err(AllocError::NoMemory));
/// // SAFETY: nobody uses the pages.
/// unsafe {
///     pages.dealloc_pages(run + 4 * PAGE, 2)?;
///     assert_eq!(pages.dealloc_pages(run, 12), Err(AllocError::NotAllocated));
/// }
/// assert_eq!(pages.used_pages(), 10);
/// # Ok::<(), AllocError>(())
/// ```
pub struct BitmapPageAllocator<const PAGE_SIZE: usize, R: Records = InRegion> {
    pub(crate) open: Open<PAGE_SIZE>,
    pub(crate) used: usize,
    pub(crate) total: usize,
    // Pages that hold records.
    pub(crate) in_records: usize,
    pub(crate) near: Near,
    pub(crate) root: Option<Link>,
    pub(crate) stale: StaleList,
    pub(crate) recent: Recent,
    pub(crate) kept: KeptRuns,
    // Number of the first page that requests without constraint prefer.
    pub(crate) prefer: usize,
    pub(crate) records: R,
}

/// The pages around the last ones that went back elsewhere than to the open chunk: one side of their span, if there are
/// records in the middle. All zeros if there is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Near {
    pub(crate) span: Option<Link>,
    // Address of the first page.
    pub(crate) base: usize,
    // Index of the first page.
    pub(crate) first: usize,
    // How many pages, less one.
    pub(crate) extent: usize,
    // Index of the first chunk record in the block.
    pub(crate) records_at: usize,
}

impl Near {
    pub(crate) const NONE: Self = Self { span: None, base: 0, first: 0, extent: 0, records_at: 0 };

    /// The pages `part` of `span`.
    pub(crate) fn new(span: &Span<&[u64]>, link: Link, part: PageRange, page_log2: u32) -> Self {
        let (first, last) = span.indices(part);
        Self {
            span: Some(link),
            base: part.first() << page_log2,
            first,
            extent: last - first,
            records_at: span.chunk_at(span.chunks()),
        }
    }

    /// The span of the page at `address` and its index there, if it is near.
    #[inline]
    pub(crate) fn locate(&self, address: usize, page_log2: u32) -> Option<(Link, usize)> {
        // The bits below a page go to the top: one comparison tests alignment and both ends.
        let offset = address.wrapping_sub(self.base).rotate_right(page_log2);
        self.span.filter(|_| offset <= self.extent).map(|link| (link, offset + self.first))
    }

    /// The span of `run` and the index of its first page there, if all of it is near.
    pub(crate) fn locate_run(&self, run: PageRange, page_log2: u32) -> Option<(Link, usize)> {
        let offset = run.first().wrapping_sub(self.base >> page_log2);
        let inside = offset <= self.extent && run.count() - 1 <= self.extent - offset;
        self.span.filter(|_| inside).map(|link| (link, offset + self.first))
    }
}

impl<const PAGE_SIZE: usize, R: Records> BitmapPageAllocator<PAGE_SIZE, R> {
    pub(crate) const PAGE_LOG2: u32 = {
        assert!(PAGE_SIZE.is_power_of_two(), "a page is a power of two");
        assert!(!R::IN_REGION || PAGE_SIZE >= 64, "records in the region need pages of 64 bytes and more");
        PAGE_SIZE.trailing_zeros()
    };

    /// The number of the last page of the address space.
    pub(crate) const LAST_PAGE: usize = usize::MAX >> Self::PAGE_LOG2;

    /// Without memory yet, and with records kept in `records`.
    #[must_use]
    pub const fn with_records(records: R) -> Self {
        Self {
            open: Open::NONE,
            used: 0,
            total: 0,
            in_records: 0,
            near: Near::NONE,
            root: None,
            stale: StaleList::EMPTY,
            recent: Recent::NONE,
            kept: KeptRuns::NONE,
            prefer: 0,
            records,
        }
    }

    /// Pages in the longest run that could be handed out now. O(log n + log s): stale records are renewed first, and
    /// runs that are kept are looked at as free.
    pub fn largest_free_run_pages(&mut self) -> usize {
        self.renew();
        directory::longest(&self.records, self.root).max(self.longest_with_kept())
    }

    /// Keeps the memory below `address` for those who ask for it by address: requests without constraint get none of it
    /// as long as what they ask for is free above. 0, the value at first, keeps nothing.
    ///
    /// The border is rounded up to a multiple of 512 pages.
    pub fn prefer_above(&mut self, address: usize) {
        let border = address.div_ceil(PAGE_SIZE).div_ceil(CHUNK_PAGES).checked_mul(CHUNK_PAGES);
        // Above the last page is nothing to prefer.
        self.prefer = border.filter(|page| *page <= Self::LAST_PAGE).unwrap_or(0);
        self.settle_all_kept();
        let low = |link, chunk| self.span(link).cover() + chunk * CHUNK_PAGES < self.prefer;
        if self.open.chunk().is_some_and(|(link, chunk)| low(link, chunk)) {
            self.open = Open::NONE;
        }
    }

    /// Whether no memory is held.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    pub(crate) const fn records_mut(&mut self) -> &mut R {
        &mut self.records
    }

    pub(crate) fn span(&self, link: Link) -> Span<&[u64]> {
        Span(self.records.words(link))
    }

    pub(crate) fn span_mut(&mut self, link: Link) -> Span<&mut [u64]> {
        Span(self.records.words_mut(link))
    }

    /// Forgets what is known of spans beside the directory: they change. No record is stale, and no run is kept.
    pub(crate) fn forget_near(&mut self) {
        debug_assert!(self.kept.is_vacant());
        self.open = Open::NONE;
        self.near = Near::NONE;
        self.recent = Recent::NONE;
    }

    /// Counts pages as holding records, and so as used.
    pub(crate) fn hold_records(&mut self, pages: PageRange) {
        self.used += pages.count();
        self.in_records += pages.count();
    }

    /// Counts pages that held records as used no more.
    pub(crate) fn release_records(&mut self, pages: PageRange) {
        self.used -= pages.count();
        self.in_records -= pages.count();
    }

    /// Tells the directory of a change in `link`'s span, if it has to know.
    #[inline]
    pub(crate) fn tell(&mut self, link: Link, has_to_know: bool) {
        if has_to_know {
            let page = self.span(link).pages().first();
            directory::refresh(&mut self.records, self.root, page);
        }
    }

    /// Lets the record of a chunk be out of date from now on.
    pub(crate) fn let_be_stale(&mut self, link: Link, chunk: usize) {
        if self.span(link).record(chunk).is_stale() {
            return;
        }
        let has_to_know = self.span_mut(link).make_stale(chunk);
        self.tell(link, has_to_know);
        if let Some((span, forgotten)) = self.stale.push(link, chunk) {
            self.renew_one(span, forgotten);
        }
    }

    /// Renews the record of a chunk that is no longer in the list of stale ones.
    pub(crate) fn renew_one(&mut self, link: Link, chunk: usize) {
        if self.open.chunk() == Some((link, chunk)) {
            self.open.close();
        }
        let has_to_know = self.span_mut(link).refresh(chunk);
        self.tell(link, has_to_know);
    }

    /// Renews every stale record: a search is to follow.
    #[inline]
    pub(crate) fn renew(&mut self) {
        while let Some((link, chunk)) = self.stale.pop() {
            self.renew_one(link, chunk);
        }
    }
}

impl<const PAGE_SIZE: usize, R: Records + ConstEmpty> BitmapPageAllocator<PAGE_SIZE, R> {
    /// Without memory yet.
    #[expect(clippy::new_without_default, reason = "with records in the value, it may be too large for a stack")]
    #[must_use]
    pub const fn new() -> Self {
        Self::EMPTY
    }
}

impl<const PAGE_SIZE: usize, R: Records + ConstEmpty> ConstEmpty for BitmapPageAllocator<PAGE_SIZE, R> {
    const EMPTY: Self = Self::with_records(R::EMPTY);
}

impl<const PAGE_SIZE: usize, R: Records> fmt::Debug for BitmapPageAllocator<PAGE_SIZE, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spans = directory::spans(&self.records, self.root).count();
        f.debug_struct("BitmapPageAllocator")
            .field("page_size", &PAGE_SIZE)
            .field("total_pages", &self.total)
            .field("used_pages", &self.used)
            .field("spans", &spans)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Inline;

    const PAGE: usize = 16;
    const FIRST: usize = 3 * CHUNK_PAGES + 10;
    const COUNT: usize = 20;

    #[test]
    fn pages_near_are_located_by_address_one_by_one_and_as_runs() {
        let mut pages = BitmapPageAllocator::<PAGE, Inline<100>>::new();
        pages.add_numbers(FIRST * PAGE, COUNT * PAGE).unwrap();
        let part = PageRange::counted(FIRST, COUNT).unwrap();
        let link = pages.span_of(part).unwrap();
        let near = Near::new(&pages.span(link), link, part, 4);
        for address in (FIRST - 2) * PAGE..(FIRST + COUNT + 2) * PAGE {
            let inside = address % PAGE == 0 && (FIRST..FIRST + COUNT).contains(&(address / PAGE));
            let expected = inside.then_some((link, address / PAGE - 3 * CHUNK_PAGES));
            assert_eq!(near.locate(address, 4), expected, "{address}");
        }
        for (first, count) in (FIRST - 2..FIRST + COUNT + 2).flat_map(|f| (1..COUNT + 3).map(move |c| (f, c))) {
            let run = PageRange::counted(first, count).unwrap();
            let expected = part.contains(run).then_some((link, first - 3 * CHUNK_PAGES));
            assert_eq!(near.locate_run(run, 4), expected, "{run:?}");
        }
        assert_eq!((Near::NONE.locate(0, 4), Near::NONE.locate_run(part, 4)), (None, None));
    }
}
