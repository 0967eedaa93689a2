//! Runs: where they are found, taken, and given back.
#![forbid(unsafe_code)]

use allocator_api::{AllocError, AllocResult};

use crate::{
    bits::WORD_PAGES,
    change::{Put, set_run},
    directory,
    page_allocator::BitmapPageAllocator,
    pages::PageRange,
    records::{Link, Records},
    request::Request,
    search::{Wanted, find, find_in_words},
    summary::CHUNK_PAGES,
};

/// The longest run that is looked for in the open chunk before all chunks are searched: longer ones are rarely found
/// there.
pub(crate) const NEARBY_PAGES: usize = 8;

/// Whether `align_pow2` is an alignment for pages.
pub(crate) const fn is_page_alignment(align_pow2: usize, page_size: usize) -> bool {
    align_pow2.is_power_of_two() && align_pow2 >= page_size
}

/// In how many chunks of a span an aligned run is looked for in vain before one is taken that is easily found.
const MISFITS: usize = 32;

impl<const PAGE_SIZE: usize, R: Records> BitmapPageAllocator<PAGE_SIZE, R> {
    /// `count` pages at a multiple of `align_pow2` bytes. Returns their address.
    #[inline(never)]
    pub(crate) fn alloc_run(&mut self, count: usize, align_pow2: usize) -> AllocResult<usize> {
        if count == 0 || !is_page_alignment(align_pow2, PAGE_SIZE) {
            return Err(AllocError::InvalidParam);
        }
        self.find_run(count, align_pow2).ok_or(AllocError::NoMemory)
    }

    fn find_run(&mut self, count: usize, align: usize) -> Option<usize> {
        if count > self.total - self.used {
            return None;
        }
        if self.used == self.in_records && !self.kept.is_vacant() {
            // Nothing is handed out: it shall be as if nothing ever was.
            return self.with_all_free(|pages| pages.find_run(count, align).ok_or(())).ok();
        }
        let align = align >> Self::PAGE_LOG2;
        let lately_freed = if count > NEARBY_PAGES {
            self.take_kept(count, align)
        } else if align <= WORD_PAGES {
            self.take_nearby(count, align)
        } else {
            None
        };
        if lately_freed.is_some() {
            return lately_freed;
        }
        if align == 1 && self.prefer == 0 {
            return self.or_with_all_free(count, |pages| pages.take_lowest(count));
        }
        let above = PageRange::new(self.prefer, Self::LAST_PAGE)?;
        let found = self.take_within(count, align, above);
        if found.is_some() || self.prefer == 0 {
            return found;
        }
        self.take_within(count, align, PageRange::new(0, Self::LAST_PAGE)?)
    }

    /// `count` pages of `within` at a multiple of `align` pages, if there are any: those that are kept and those that take long to
    /// find at last. Returns their address.
    fn take_within(&mut self, count: usize, align: usize, within: PageRange) -> Option<usize> {
        let request = Request { count, align, boundary: None, within };
        if align == 1 || request.is_block() {
            return self.or_with_all_free(count, |pages| pages.alloc_request(&request));
        }
        let soon = |pages: &mut Self| pages.alloc_aligned(&request, MISFITS);
        let found = soon(self);
        if found.is_some() {
            return found;
        }
        let at_last = |pages: &mut Self| pages.alloc_aligned(&request, usize::MAX);
        if !self.could_use_kept(count) {
            return at_last(self);
        }
        self.with_all_free(|pages| soon(pages).or_else(|| at_last(pages)).ok_or(())).ok()
    }

    /// The lowest run of `count` pages. Returns its address.
    #[inline]
    fn take_lowest(&mut self, count: usize) -> Option<usize> {
        self.renew();
        let link = directory::lowest_with_run(&self.records, self.root, count)?;
        let index = find(self.records.words(link), Wanted::any(count), 0)?;
        Some(self.take(link, index, count))
    }

    /// Pages as `request` wants them, without a boundary: the lowest, or if these are not found with patience, others that have
    /// room for any alignment. Returns their address.
    fn alloc_aligned(&mut self, request: &Request, patience: usize) -> Option<usize> {
        self.renew();
        let found = self.search_in(request, patience).or_else(|| {
            let count = request.ample().filter(|ample| *ample <= self.total - self.used)?;
            let ample = Request { count, align: 1, ..*request };
            let (link, index) = self.search_in(&ample, usize::MAX)?;
            Some((link, index + (self.span(link).cover() + index).wrapping_neg() % request.align))
        });
        let (link, index) = found?;
        Some(self.take(link, index, request.count))
    }

    /// A run of few pages in the open chunk, where holes are: without a search, and without breaking what is whole.
    /// Returns its address.
    fn take_nearby(&mut self, count: usize, align: usize) -> Option<usize> {
        let Some(bits) = self.open.bits() else {
            // The record is right, mostly: it is cheaper to keep it so than to have to renew it.
            let (link, chunk) = self.open.chunk()?;
            let page = find_in_words(self.span(link).chunk_words(chunk), count, align)?;
            return Some(self.take(link, chunk * CHUNK_PAGES + page, count));
        };
        let words = self.records.chunk_mut(bits);
        let page = find_in_words(words, count, align)?;
        set_run(words, page, page + count, false);
        self.used += count;
        Some(self.open.address(page))
    }

    /// Pages as `request` wants them, the lowest. Returns their address.
    pub(crate) fn alloc_request(&mut self, request: &Request) -> Option<usize> {
        if request.count > self.total - self.used {
            return None;
        }
        self.renew();
        let (link, index) = self.search_in(request, usize::MAX)?;
        Some(self.take(link, index, request.count))
    }

    /// Where a run as `request` wants it is free: a span, and an index in it. No
    /// record is stale. In each span, the search may be given up as [`Request::find_in`] says.
    pub(crate) fn search_in(&self, request: &Request, patience: usize) -> Option<(Link, usize)> {
        let mut from = request.within.first();
        loop {
            let link = directory::lowest(&self.records, self.root, from, request.want())?;
            let span = self.span(link);
            if let Some(index) = request.find_in(&span, patience) {
                return Some((link, index));
            }
            from = span.pages().last().checked_add(1).filter(|next| *next <= request.within.last())?;
        }
    }

    /// Hands the `count` free pages from index `index` on out. Returns their address.
    pub(crate) fn take(&mut self, link: Link, index: usize, count: usize) -> usize {
        let mut span = self.span_mut(link);
        let address = (span.cover() + index) << Self::PAGE_LOG2;
        let has_to_know = span.take(index, index + (count - 1));
        self.used += count;
        self.tell(link, has_to_know);
        address
    }

    /// Exactly `run`.
    pub(crate) fn alloc_exactly(&mut self, run: PageRange) -> Option<usize> {
        if self.kept.overlap(run) {
            return self.with_all_free(|pages| pages.take_exactly(run).ok_or(())).ok();
        }
        self.take_exactly(run)
    }

    fn take_exactly(&mut self, run: PageRange) -> Option<usize> {
        let link = self.span_of(run)?;
        let span = self.span(link);
        let (first, last) = span.indices(run);
        span.all(true, first, last).then(|| self.take(link, first, run.count()))
    }

    /// The span that all of `run` is in.
    pub(crate) fn span_of(&self, run: PageRange) -> Option<Link> {
        let link = directory::lookup(&self.records, self.root, run.first())?;
        self.span(link).pages().contains(run).then_some(link)
    }

    /// Takes the `num_pages` pages from address `pos` back.
    #[inline]
    pub(crate) fn give_back(&mut self, pos: usize, num_pages: usize) -> AllocResult {
        if num_pages == 1 {
            return self.dealloc_one(pos);
        }
        self.dealloc_run(pos, num_pages)
    }

    #[inline(never)]
    fn dealloc_run(&mut self, pos: usize, num_pages: usize) -> AllocResult {
        if pos & (PAGE_SIZE - 1) != 0 {
            return Err(AllocError::NotAllocated);
        }
        let run = PageRange::counted(pos >> Self::PAGE_LOG2, num_pages).ok_or(AllocError::NotAllocated)?;
        let near = self.near.locate_run(run, Self::PAGE_LOG2).or_else(|| self.come_near_run(run));
        let (link, first) = near.ok_or(AllocError::NotAllocated)?;
        if num_pages <= NEARBY_PAGES {
            match self.span_mut(link).put_in_word(first, num_pages) {
                Put::Done => {
                    self.used -= num_pages;
                    return Ok(());
                }
                Put::Refused => return Err(AllocError::NotAllocated),
                Put::Undecided => {}
            }
        }
        let last = first + (num_pages - 1);
        let is_near_kept = self.is_near_kept(link, run);
        if !self.span(link).all(false, first, last) || is_near_kept && self.kept.overlap(run) {
            return Err(AllocError::NotAllocated);
        }
        self.used -= num_pages;
        if is_near_kept || !self.keep(link, run) {
            self.put(link, run);
        }
        Ok(())
    }

    /// Makes the pages around `run` near, if all of it can come back. Returns its span and its first index.
    fn come_near_run(&mut self, run: PageRange) -> Option<(Link, usize)> {
        self.come_near(run.first())?;
        self.near.locate_run(run, Self::PAGE_LOG2)
    }
}
