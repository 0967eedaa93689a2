//! Runs: where they are found, taken, and given back.
#![forbid(unsafe_code)]

use allocator_api::{AllocError, AllocResult};

use crate::{
    active::Active,
    bits::{WORD_PAGES, longest_run_above},
    directory::{self, Want},
    page_allocator::BitmapPageAllocator,
    pages::PageRange,
    records::{Link, Records},
    request::Request,
    search::find_in_chunk,
    summary::CHUNK_WORDS,
};

/// The longest run that is looked for in the chunk of the active word before all chunks are searched: longer ones
/// are rarely found there.
const NEARBY_PAGES: usize = 8;

impl<const PAGE_SIZE: usize, R: Records> BitmapPageAllocator<PAGE_SIZE, R> {
    /// `count` pages at a multiple of `align` bytes, a power of two and at least a page. Returns their address.
    #[inline(never)]
    pub(crate) fn alloc_run(&mut self, count: usize, align: usize) -> AllocResult<usize> {
        if count > self.total - self.used {
            return Err(AllocError::NoMemory);
        }
        if let Some(address) = self.active.take_run(count, align) {
            self.used += count;
            return Ok(address);
        }
        if align == PAGE_SIZE
            && let Some(address) = self.take_nearby(count)
        {
            return Ok(address);
        }
        let within = PageRange::new(self.prefer, Self::LAST_PAGE).ok_or(AllocError::NoMemory)?;
        let request = Request { count, align: align >> Self::PAGE_LOG2, boundary: None, within };
        match self.alloc_request(&request) {
            Err(AllocError::NoMemory) if self.prefer != 0 => {
                let all = PageRange::new(0, Self::LAST_PAGE).ok_or(AllocError::NoMemory)?;
                self.alloc_request(&Request { within: all, ..request })
            }
            done => done,
        }
    }

    /// A run of few pages in the chunk that single pages come from, where holes are: without a search, and without
    /// breaking what is whole. Returns its address.
    fn take_nearby(&mut self, count: usize) -> Option<usize> {
        let (link, word) = self.active.place().filter(|_| count <= NEARBY_PAGES)?;
        let span = self.span(link);
        let chunk = word / CHUNK_WORDS;
        if span.record(chunk).mask() == 0 {
            return None;
        }
        let index = find_in_chunk(span.0, chunk, count)?;
        let address = (span.cover() + index) << Self::PAGE_LOG2;
        let room = self.stale.has_room();
        let after = self.span_mut(link).take_few(index, index + (count - 1), room);
        self.used += count;
        self.note(link, after);
        Some(address)
    }

    /// Pages as `request` wants them. Returns their address.
    pub(crate) fn alloc_request(&mut self, request: &Request) -> AllocResult<usize> {
        if request.count > self.total - self.used {
            return Err(AllocError::NoMemory);
        }
        self.renew();
        if let Some((link, index)) = self.search_in(request) {
            return Ok(self.take(link, index, request.count));
        }
        // The pages of the active word may be what is missing.
        if !self.active_may_serve(request.count) {
            return Err(AllocError::NoMemory);
        }
        let parked = self.park();
        match self.search_in(request) {
            Some((link, index)) => Ok(self.take(link, index, request.count)),
            None => {
                self.unpark(parked);
                Err(AllocError::NoMemory)
            }
        }
    }

    /// Whether `count` pages, some of them in the active word, may be free: so it is unless that word and the two
    /// beside it show that it is not.
    fn active_may_serve(&self, count: usize) -> bool {
        let free = self.active.free();
        let Some((link, word)) = self.active.place().filter(|_| free != 0) else {
            return false;
        };
        let span = self.span(link);
        let below = word.checked_sub(1).map_or(0, |below| span.word(below)).leading_ones() as usize;
        let last = span.chunks() * CHUNK_WORDS - 1;
        let above = if word == last { 0 } else { span.word(word + 1).trailing_ones() as usize };
        if below == WORD_PAGES || above == WORD_PAGES {
            return true;
        }
        let whole = if free == u64::MAX { below + WORD_PAGES + above } else { 0 };
        let ends = (below + free.trailing_ones() as usize).max(free.leading_ones() as usize + above);
        longest_run_above(free, whole.max(ends)) >= count
    }

    /// Where a run as `request` wants it is free: a span, and an index in it. Sees nothing of the active word; no
    /// record is stale.
    pub(crate) fn search_in(&self, request: &Request) -> Option<(Link, usize)> {
        let mut from = request.within.first();
        loop {
            let link = directory::lowest(&self.records, self.root, from, Want::Run(request.count))?;
            let span = self.span(link);
            if let Some(index) = request.find_in(&span) {
                return Some((link, index));
            }
            from = span.pages().last().checked_add(1).filter(|next| *next <= request.within.last())?;
        }
    }

    /// Hands the `count` free pages from index `index` on out. Returns their address.
    fn take(&mut self, link: Link, index: usize, count: usize) -> usize {
        let mut span = self.span_mut(link);
        let address = (span.cover() + index) << Self::PAGE_LOG2;
        let has_to_know = span.take(index, index + (count - 1));
        self.used += count;
        self.tell(link, has_to_know);
        address
    }

    /// Exactly `run`.
    pub(crate) fn alloc_exactly(&mut self, run: PageRange) -> AllocResult<usize> {
        let link = self.span_of(run).ok_or(AllocError::NoMemory)?;
        let overlay = self.active.overlay(link);
        let span = self.span(link);
        let (first, last) = span.indices(run);
        if !span.all(true, first, last, overlay) {
            return Err(AllocError::NoMemory);
        }
        self.park_if_among(link, first, last);
        Ok(self.take(link, first, run.count()))
    }

    /// The span that all of `run` is in.
    pub(crate) fn span_of(&self, run: PageRange) -> Option<Link> {
        let link = directory::lookup(&self.records, self.root, run.first())?;
        self.span(link).pages().contains(run).then_some(link)
    }

    /// Parks the active word if it is one of those that the pages with indices `first` to `last` are in.
    fn park_if_among(&mut self, link: Link, first: usize, last: usize) {
        let words = first / WORD_PAGES..=last / WORD_PAGES;
        if self.active.place().is_some_and(|(span, word)| span == link && words.contains(&word)) {
            self.park();
            self.active = Active::NONE;
        }
    }

    /// Takes the `num_pages` pages from address `pos` back.
    #[inline]
    pub(crate) fn give_back(&mut self, pos: usize, num_pages: usize) -> AllocResult {
        if num_pages == 1 {
            return self.dealloc_one(pos);
        }
        if pos & (PAGE_SIZE - 1) != 0 {
            return Err(AllocError::NotAllocated);
        }
        let run = PageRange::counted(pos >> Self::PAGE_LOG2, num_pages).ok_or(AllocError::NotAllocated)?;
        self.dealloc_run(run)
    }

    /// Takes `run` back.
    #[inline(never)]
    pub(crate) fn dealloc_run(&mut self, run: PageRange) -> AllocResult {
        if let Some((link, index)) = self.near_index(run)
            && self.span_mut(link).put_quickly(index, run.count())
        {
            self.used -= run.count();
            return Ok(());
        }
        let link = self.span_of(run).ok_or(AllocError::NotAllocated)?;
        let span = self.span(link);
        let (first, last) = span.indices(run);
        let holds_records = span.records().is_some_and(|records| records.common(run).is_some());
        if holds_records || !span.all(false, first, last, self.active.overlay(link)) {
            return Err(AllocError::NotAllocated);
        }
        self.park_if_among(link, first, last);
        self.used -= run.count();
        let has_to_know = self.span_mut(link).put(first, last);
        self.tell(link, has_to_know);
        Ok(())
    }
}
