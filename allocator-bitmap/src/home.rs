//! Where the records of a span lie, if they lie in its pages.
//!
//! ```text
//!   wanted     │r │ pages                    │      │ pages                    │r │
//!   avoided    │ pages     │r │ pages        │
//! ```
//!
//! Records in the middle of a span would split its free pages, so they lie at one of its ends where they can. When a
//! region comes that touches a span, the end at which the records lay may be the middle of the joined span; when memory
//! is taken out, what remains may have free pages for new records in its middle only, or at an end. After each such
//! change, records move to an end if the pages there are free. Those of a region are, in whatever order regions come.
//! Pages handed out never move: records are left in the middle where both ends are in use, or where the way to the free
//! one is shorter than they are and there is no room for a detour.
//!
//! Records in an arena have no place among the pages: they stay if they can be extended.
#![forbid(unsafe_code)]

use allocator_api::{AllocError, AllocResult};

use crate::{
    layout::{block_words, cover_of},
    page_allocator::BitmapPageAllocator,
    pages::PageRange,
    records::{Home, Link, Records},
    request::Request,
};

/// What a span is recorded in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// The block of a neighbour.
    Stay(Link),
    /// A new one, which lies in these pages if blocks lie in pages.
    Anew(Option<PageRange>),
}

impl<const PAGE_SIZE: usize, R: Records> BitmapPageAllocator<PAGE_SIZE, R> {
    /// Words for a block over `pages`, and how many pages hold them.
    pub(crate) fn block_size(pages: PageRange) -> (usize, usize) {
        let words = block_words(cover_of(pages).1);
        (words, (words * size_of::<u64>() + R::OVERHEAD_BYTES).div_ceil(PAGE_SIZE))
    }

    /// The bytes of `pages`.
    pub(crate) fn home(pages: PageRange) -> Home {
        Home { address: pages.first() << Self::PAGE_LOG2, bytes: pages.count() << Self::PAGE_LOG2 }
    }

    /// Where the records of `fresh` and the `neighbours` that touch it go at first: to a neighbour's block that has room
    /// or can be extended, to the far end of `fresh`, or to free pages of a neighbour, next to `fresh` or elsewhere.
    ///
    /// # Errors
    ///
    /// - [`InvalidParam`](AllocError::InvalidParam): `fresh` touches no span and its records would fill it.
    /// - [`NoMemory`](AllocError::NoMemory): there is no room for the records.
    pub(crate) fn place_records(&mut self, fresh: PageRange, neighbours: [Option<Link>; 2]) -> AllocResult<Place> {
        let joined = self.joined_pages(fresh, neighbours);
        if let Some(link) = self.roomy_neighbour(joined, neighbours) {
            return Ok(Place::Stay(link));
        }
        let is_alone = neighbours == [None, None];
        if !R::IN_REGION {
            return if is_alone { Ok(Place::Anew(None)) } else { Err(AllocError::NoMemory) };
        }
        let (_, count) = Self::block_size(joined);
        if is_alone {
            let ends = Self::ends(fresh, count).filter(|_| count < fresh.count());
            return ends.map(|[low, _]| Place::Anew(Some(low))).ok_or(AllocError::InvalidParam);
        }
        // Of a span and `fresh` the end that is `fresh`, with pages of the span if it is too short.
        let far = |link| {
            let pages = self.span(link).pages();
            let [low, high] = Self::ends(pages.hull(fresh), count)?;
            let end = if neighbours[0] == Some(link) { high } else { low };
            end.common(pages).is_none_or(|part| self.is_free(link, part)).then_some(end)
        };
        let of_neighbour = |link| self.free_home(link, self.span(link).pages(), count);
        let mut links = neighbours.into_iter().flatten();
        let home = links.clone().find_map(far).or_else(|| links.find_map(of_neighbour));
        home.map(|home| Place::Anew(Some(home))).ok_or(AllocError::NoMemory)
    }

    /// The neighbour whose block has room for `pages`, if need be after it was extended.
    fn roomy_neighbour(&mut self, pages: PageRange, mut neighbours: [Option<Link>; 2]) -> Option<Link> {
        let chunks = |link: Option<Link>| link.map_or(0, |link| self.span(link).chunks());
        if chunks(neighbours[0]) < chunks(neighbours[1]) {
            neighbours.reverse();
        }
        neighbours.into_iter().flatten().find(|link| {
            let covered = self.span(*link).covered().hull(pages);
            self.records.extend(*link, block_words(cover_of(covered).1))
        })
    }

    /// The first and the last `count` of `pages` that a block may lie in, if there are so many. One past the last byte of
    /// a block has to be an address.
    fn ends(pages: PageRange, count: usize) -> Option<[PageRange; 2]> {
        let last = pages.last().min(Self::LAST_PAGE - 1);
        let low = PageRange::counted(pages.first(), count).filter(|low| low.last() <= last)?;
        Some([low, PageRange::new(last - (count - 1), last)?])
    }

    /// Whether all pages of `part` of a span are free.
    fn is_free(&self, link: Link, part: PageRange) -> bool {
        let span = self.span(link);
        let (first, last) = span.indices(part);
        span.all(true, first, last)
    }

    /// The lowest `count` free pages in `part` of a span that a block can lie in.
    pub(crate) fn free_home(&self, link: Link, part: PageRange, count: usize) -> Option<PageRange> {
        let span = self.span(link);
        let request = Request { count, align: 1, boundary: None, within: part };
        let home = PageRange::counted(span.cover() + request.find_in(&span, usize::MAX)?, count)?;
        (home.last() < Self::LAST_PAGE).then_some(home)
    }

    /// The homes to which the block `link` moves, one after the other, so that it comes to lie at an end of its span: none
    /// if it does, or cannot. No record is stale.
    ///
    /// Where the way to an end is shorter than the block, it takes a detour.
    pub(crate) fn moves_to_end(&self, link: Link) -> [Option<PageRange>; 2] {
        let span = self.span(link);
        let Some(records) = span.records() else { return [None; 2] };
        let (_, count) = Self::block_size(span.pages());
        let Some([low, high]) = Self::ends(span.pages(), count) else { return [None; 2] };
        if low.first() == records.first() || high.last() == records.last() {
            return [None; 2];
        }
        for end in [low, high] {
            let Some(shared) = end.common(records) else {
                if self.is_free(link, end) {
                    return [None, Some(end)];
                }
                continue;
            };
            let rest = span.pages().without(end);
            let mut detours = rest.into_iter().flatten().filter_map(|part| self.free_home(link, part, count));
            if end.without(shared).into_iter().flatten().all(|part| self.is_free(link, part))
                && let Some(detour) = detours.next()
            {
                return [Some(detour), Some(end)];
            }
        }
        [None; 2]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{InRegion, Inline};

    type Pages = BitmapPageAllocator<4096, InRegion>;
    type Numbers = BitmapPageAllocator<1, Inline<2000>>;

    #[test]
    fn of_two_neighbours_the_larger_takes_the_other_in_and_of_equal_ones_the_lower() {
        for (low_chunks, high_chunks, expected) in [(1, 3, 1), (3, 1, 0), (2, 2, 0)] {
            let mut numbers = Numbers::new();
            numbers.add_numbers(0, low_chunks * 512).unwrap();
            numbers.add_numbers(4096, high_chunks * 512).unwrap();
            let gap = PageRange::new(low_chunks * 512, 4095).unwrap();
            let neighbours = numbers.neighbours(gap);
            let joined = numbers.joined_pages(gap, neighbours);
            let host = numbers.roomy_neighbour(joined, neighbours);
            assert!(host.is_some() && host == neighbours[expected], "{low_chunks} and {high_chunks} chunks");
        }
    }

    #[test]
    fn no_block_lies_in_the_last_page_there_is() {
        let mut numbers = Numbers::new();
        let part = PageRange::new(usize::MAX - 9, usize::MAX).unwrap();
        numbers.add_numbers(part.first(), 10).unwrap();
        let link = numbers.span_of(part).unwrap();
        assert_eq!(numbers.free_home(link, part, 9), PageRange::counted(part.first(), 9));
        assert_eq!(numbers.free_home(link, part, 10), None);
    }

    #[test]
    fn the_ends_of_a_span_leave_out_the_last_page_there_is() {
        let ends = |first, last, count| {
            let ends = Pages::ends(PageRange::new(first, last).unwrap(), count);
            ends.map(|ends| ends.map(|end| (end.first(), end.last())))
        };
        let last = usize::MAX / 4096;
        for (end, last_free) in [(109, 109), (last - 1, last - 1), (last, last - 1)] {
            let first = end - 9;
            assert_eq!(ends(first, end, 1), Some([(first, first), (last_free, last_free)]));
            assert_eq!(ends(first, end, 4), Some([(first, first + 3), (last_free - 3, last_free)]));
            let most = last_free - first + 1;
            assert_eq!(ends(first, end, most), Some([(first, last_free); 2]));
            assert_eq!(ends(first, end, most + 1), None);
        }
        assert_eq!(ends(last, last, 1), None);
        assert_eq!(ends(0, last, usize::MAX), None);
    }
}
