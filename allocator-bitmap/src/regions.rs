//! Taking regions in.
//!
//! ```text
//!   before     ┌ span A ──────────┐            ┌ span C ───────┐
//!              │r │ pages         │            │r │ pages      │
//!   added                         ┌ region ────┐
//!   after      ┌ one span ────────────────────────────────────┐
//!              │r │ pages         · pages      ·  pages        │
//! ```
//!
//! A region that touches spans makes one span with them, so that a run may lie across the border. One block
//! records it all: that of a neighbour, if it has room or can be extended, else a new one. Pages that held a block
//! given up become free, so that no records stay in the middle.
//!
//! A new block in managed pages goes to the far end of the newcomer, else to a free run of a neighbour; if neither
//! has room, the region is refused.
#![forbid(unsafe_code)]

use allocator_api::{AddressRange, AllocError, AllocResult};
use allocator_primitives::{Edges, usable_part};

use crate::{
    arena::{FRONT_WORDS, SLOT_WORDS},
    directory::{self, Want},
    layout::{block_words, cover_of},
    page_allocator::BitmapPageAllocator,
    pages::PageRange,
    records::{Home, Link, Records},
    search::{Wanted, find},
    span::Span,
};

/// Words by which one block for two neighbours may exceed their own two: a node more in each level.
const JOINING_WORDS: usize = 64;

impl<const PAGE_SIZE: usize, R: Records> BitmapPageAllocator<PAGE_SIZE, R> {
    /// Bytes to [lend](Self::lend) for a memory map, or words times eight for [`Inline`](crate::Inline): enough
    /// for `regions` in ascending or descending order. A region that fills a gap between two others needs room for
    /// the smaller one's records once more.
    ///
    /// # Examples
    ///
    /// ```
    /// use allocator_api::AddressRange;
    /// use allocator_bitmap::{BitmapPageAllocator, Lent};
    ///
    /// const GIB: usize = 1 << 30;
    /// let bytes = BitmapPageAllocator::<4096, Lent>::record_bytes(&[AddressRange::new(GIB, GIB).unwrap()]);
    /// assert!(bytes * 5 < GIB / 4096, "less than 0.2 bytes a page");
    /// ```
    #[must_use]
    pub const fn record_bytes(regions: &[AddressRange]) -> usize {
        let mut words = FRONT_WORDS;
        let mut i = 0;
        while i < regions.len() {
            words = words.saturating_add(Self::region_words(regions[i], i == 0));
            i += 1;
        }
        words.saturating_mul(size_of::<u64>())
    }

    /// As [`record_bytes`](Self::record_bytes), for regions that come one by one.
    pub(crate) fn record_bytes_of(regions: impl Iterator<Item = AddressRange>) -> usize {
        let words = regions.enumerate().map(|(i, region)| Self::region_words(region, i == 0));
        words.fold(FRONT_WORDS, usize::saturating_add).saturating_mul(size_of::<u64>())
    }

    /// Words for the records of a region beside others, or of the first.
    const fn region_words(region: AddressRange, is_first: bool) -> usize {
        if let Some(part) = region.trimmed(PAGE_SIZE)
            && let Some(pages) = PageRange::new(part.start() >> Self::PAGE_LOG2, part.last() >> Self::PAGE_LOG2)
        {
            let joining = if is_first { 0 } else { JOINING_WORDS };
            return SLOT_WORDS + block_words(cover_of(pages).1) + joining;
        }
        0
    }

    /// The pages of a region of `size` bytes from `start` that can be taken in.
    ///
    /// # Errors
    ///
    /// - [`InvalidParam`](AllocError::InvalidParam), [`MemoryOverlap`](AllocError::MemoryOverlap): as
    ///   [`BaseAllocator::add_memory`](allocator_api::BaseAllocator::add_memory) says.
    pub(crate) fn plan(&self, start: usize, size: usize) -> AllocResult<PageRange> {
        let edges = Edges { skip_null: R::IN_REGION, skip_top: false };
        let part = usable_part(start, size, PAGE_SIZE, edges)?;
        let fresh = PageRange::new(part.start() >> Self::PAGE_LOG2, part.last() >> Self::PAGE_LOG2)
            .ok_or(AllocError::InvalidParam)?;
        // Bytes that were trimmed off overlap too, if a span has their page.
        let touched = PageRange::new(start >> Self::PAGE_LOG2, (start + (size - 1)) >> Self::PAGE_LOG2);
        let touched = touched.ok_or(AllocError::InvalidParam)?;
        let next = directory::lowest(&self.records, self.root, touched.first(), Want::Any);
        if next.is_some_and(|link| self.span(link).pages().common(touched).is_some()) {
            return Err(AllocError::MemoryOverlap);
        }
        Ok(fresh)
    }

    /// Refuses what would make more pages than can be counted.
    ///
    /// # Errors
    ///
    /// - [`NoMemory`](AllocError::NoMemory): there are no numbers for them.
    pub(crate) fn check_total(&self, fresh: PageRange) -> AllocResult {
        let count = (fresh.last() - fresh.first()).checked_add(1);
        count.and_then(|count| self.total.checked_add(count)).map(|_| ()).ok_or(AllocError::NoMemory)
    }

    /// The spans that touch `fresh`, below and above.
    pub(crate) fn neighbours(&self, fresh: PageRange) -> [Option<Link>; 2] {
        let lookup = |page: Option<usize>| directory::lookup(&self.records, self.root, page?);
        [lookup(fresh.first().checked_sub(1)), lookup(fresh.last().checked_add(1))]
    }

    /// The pages of `fresh` and of the spans that touch it.
    pub(crate) fn joined_pages(&self, fresh: PageRange, neighbours: [Option<Link>; 2]) -> PageRange {
        neighbours.iter().flatten().fold(fresh, |pages, link| pages.hull(self.span(*link).pages()))
    }

    /// The neighbour whose block has room for `pages`, if need be after it was extended.
    pub(crate) fn roomy_neighbour(&mut self, pages: PageRange, neighbours: [Option<Link>; 2]) -> Option<Link> {
        let mut by_size = neighbours;
        let chunks = |link: Option<Link>| link.map_or(0, |link| self.span(link).chunks());
        if chunks(by_size[0]) < chunks(by_size[1]) {
            by_size.reverse();
        }
        by_size.into_iter().flatten().find(|link| {
            let covered = self.span(*link).covered().hull(pages);
            self.records.extend(*link, block_words(cover_of(covered).1))
        })
    }

    /// Words for a block over `pages`, and how many pages hold them.
    pub(crate) fn block_size(pages: PageRange) -> (usize, usize) {
        let words = block_words(cover_of(pages).1);
        (words, (words * size_of::<u64>() + R::OVERHEAD_BYTES).div_ceil(PAGE_SIZE))
    }

    /// Where a new block for `joined` goes, if blocks lie in managed pages.
    ///
    /// # Errors
    ///
    /// - [`InvalidParam`](AllocError::InvalidParam): `fresh` touches no span and the block would fill it.
    /// - [`NoMemory`](AllocError::NoMemory): neither `fresh` nor a free run of a neighbour has room.
    pub(crate) fn choose_home(
        &self,
        fresh: PageRange,
        joined: PageRange,
        neighbours: [Option<Link>; 2],
    ) -> AllocResult<PageRange> {
        let (_, count) = Self::block_size(joined);
        let low = PageRange::counted(fresh.first(), count).filter(|home| fresh.contains(*home));
        // One past the last byte of a block has to be an address.
        let end = fresh.last().min(Self::LAST_PAGE - 1);
        let high = end.checked_sub(count - 1).and_then(|first| PageRange::new(first, end));
        let high = high.filter(|home| fresh.contains(*home));
        let elsewhere = || neighbours.iter().flatten().find_map(|link| self.free_home(&self.span(*link), count));
        match neighbours {
            [None, None] => low.filter(|home| home.count() < fresh.count()).ok_or(AllocError::InvalidParam),
            [Some(_), None] => high.or_else(elsewhere).ok_or(AllocError::NoMemory),
            [None, Some(_)] => low.or_else(elsewhere).ok_or(AllocError::NoMemory),
            [Some(_), Some(_)] => elsewhere().or(low).ok_or(AllocError::NoMemory),
        }
    }

    /// The lowest `count` free pages of a span that a block can lie in.
    fn free_home(&self, span: &Span<&[u64]>, count: usize) -> Option<PageRange> {
        let home = PageRange::counted(span.cover() + find(span.0, Wanted::any(count), 0)?, count)?;
        (home.last() < Self::LAST_PAGE).then_some(home)
    }

    /// The bytes of `pages`.
    pub(crate) fn home(pages: PageRange) -> Home {
        Home { address: pages.first() << Self::PAGE_LOG2, bytes: pages.count() << Self::PAGE_LOG2 }
    }

    /// Makes `fresh` and its neighbours one span, recorded in `host`: a neighbour's block, or an empty one in the
    /// pages `home`.
    pub(crate) fn join(
        &mut self,
        fresh: PageRange,
        neighbours: [Option<Link>; 2],
        host: Link,
        home: Option<PageRange>,
    ) {
        let joined = self.joined_pages(fresh, neighbours);
        for link in neighbours.into_iter().flatten() {
            let page = self.span(link).pages().first();
            self.root = directory::remove(&mut self.records, self.root, page);
        }
        let mut span = self.span_mut(host);
        if neighbours.contains(&Some(host)) {
            span.widen(joined);
            span.set_pages(joined);
        } else {
            span.write_header(joined, home);
        }
        for link in neighbours.into_iter().flatten().filter(|link| *link != host) {
            self.merge(host, link);
        }
        let mut span = self.span_mut(host);
        span.fill(fresh, true);
        if let Some(home) = home {
            span.fill(home, false);
            self.used += home.count();
        }
        self.span_mut(host).rebuild();
        self.root = Some(directory::insert(&mut self.records, self.root, host));
        self.total += fresh.count();
    }

    /// Adds the free pages of the block `link` to those of `host`, and gives the block up.
    fn merge(&mut self, host: Link, link: Link) {
        self.copy_bits(host, link);
        if let Some(records) = self.span(link).records() {
            self.span_mut(host).fill(records, true);
            self.used -= records.count();
        }
        self.records.release(link);
    }

    /// Adds the bits of the block `from` to those of `to`, as far as that covers their chunks.
    pub(crate) fn copy_bits(&mut self, to: Link, from: Link) {
        let Some(common) = self.span(from).covered().common(self.span(to).covered()) else { return };
        let (first, chunks) = cover_of(common);
        for chunk in 0..chunks {
            let page = first + chunk * crate::summary::CHUNK_PAGES;
            let source = self.span(from);
            let words = *source.chunk_words((page - source.cover()) / crate::summary::CHUNK_PAGES);
            self.span_mut(to).merge_chunk(page, &words);
        }
    }
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroUsize;

    use super::*;
    use crate::InRegion;

    type Pages = BitmapPageAllocator<4096, InRegion>;

    #[test]
    fn more_pages_than_can_be_counted_are_not_taken_in() {
        let mut ids = BitmapPageAllocator::<1, crate::Inline<64>>::new();
        let all = PageRange::new(0, usize::MAX).unwrap();
        assert_eq!(ids.check_total(all), Err(AllocError::NoMemory));
        assert_eq!(ids.check_total(PageRange::new(1, usize::MAX).unwrap()), Ok(()));
        // As after the pages from 9 on, for which no test has the records.
        ids.total = usize::MAX - 8;
        assert_eq!(ids.add_numbers(0, 9), Err(AllocError::NoMemory));
        assert_eq!((ids.is_empty(), ids.total), (true, usize::MAX - 8));
        assert_eq!(ids.add_numbers(0, 8), Ok(()));
    }

    #[test]
    fn records_go_to_the_far_end_but_never_to_the_last_page_there_is() {
        let pages = Pages::new();
        let some = Some(Link::new(NonZeroUsize::MIN));
        let home = |first, last, neighbours| {
            let fresh = PageRange::new(first, last).unwrap();
            pages.choose_home(fresh, fresh, neighbours).map(|home| (home.first(), home.last()))
        };
        assert_eq!(home(100, 109, [None, None]), Ok((100, 100)));
        assert_eq!(home(100, 100, [None, None]), Err(AllocError::InvalidParam));
        assert_eq!(home(100, 109, [some, None]), Ok((109, 109)));
        assert_eq!(home(100, 109, [None, some]), Ok((100, 100)));
        let last = Pages::LAST_PAGE;
        assert_eq!(home(last - 9, last, [some, None]), Ok((last - 1, last - 1)));
        assert_eq!(home(last - 9, last, [None, None]), Ok((last - 9, last - 9)));
    }
}
