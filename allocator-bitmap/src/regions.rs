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
//! records it all: that of a neighbour or a new one, as [`home`](crate::home) says. Pages that held a block given up
//! become free.
#![forbid(unsafe_code)]

use allocator_api::{AddressRange, AllocError, AllocResult};
use allocator_primitives::{Edges, usable_part};

use crate::{
    arena::{FRONT_WORDS, SLOT_WORDS},
    directory::{self, Want},
    layout::{block_words, cover_of},
    page_allocator::BitmapPageAllocator,
    pages::PageRange,
    records::{Link, Records},
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
            self.hold_records(home);
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
            self.release_records(records);
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
    use super::*;

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
}
