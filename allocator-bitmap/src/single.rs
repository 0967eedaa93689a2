//! Single pages: from the active word and back, and which word becomes active.
#![forbid(unsafe_code)]

use allocator_api::{AllocError, AllocResult};

use crate::{
    active::{Active, Returned},
    bits::WORD_PAGES,
    directory::{self, Want},
    page_allocator::{BitmapPageAllocator, Near},
    pages::PageRange,
    records::{Link, Records},
    request::Request,
    summary::{CHUNK_PAGES, CHUNK_WORDS},
};

impl<const PAGE_SIZE: usize, R: Records> BitmapPageAllocator<PAGE_SIZE, R> {
    /// Makes word `word` of a span, which has a free page, the active one. The one before has none left.
    pub(crate) fn activate(&mut self, link: Link, word: usize) {
        let room = self.stale.has_room();
        let (free, after) = self.span_mut(link).take_word(word, room);
        self.set_active(link, word, free);
        self.note(link, after);
    }

    /// Makes another word active: the next one of the same chunk, else one of the lowest broken chunk, else of a
    /// whole one. Returns whether there is one.
    fn activate_next(&mut self) -> bool {
        let here =
            self.active.place().filter(|(link, word)| self.span(*link).record(word / CHUNK_WORDS).mask() != 0);
        let chunk = match here {
            Some((link, word)) => Some((link, word / CHUNK_WORDS)),
            None => self.next_chunk(),
        };
        let Some((link, chunk)) = chunk else { return false };
        let mask = self.span(link).record(chunk).mask();
        self.activate(link, chunk * CHUNK_WORDS + mask.trailing_zeros() as usize);
        true
    }

    /// The chunk that single pages come from next: a broken one before a whole one, a preferred one before others.
    fn next_chunk(&mut self) -> Option<(Link, usize)> {
        let broken = self.next_broken_chunk(self.prefer);
        let from_preferred = broken.or_else(|| self.next_free_chunk(self.prefer));
        if self.prefer == 0 {
            return from_preferred;
        }
        from_preferred.or_else(|| self.next_broken_chunk(0)).or_else(|| self.next_free_chunk(0))
    }

    fn next_broken_chunk(&self, mut from: usize) -> Option<(Link, usize)> {
        loop {
            let link = directory::lowest(&self.records, self.root, from, Want::Broken)?;
            let span = self.span(link);
            let chunk = span.next_broken(from.saturating_sub(span.cover()) / CHUNK_PAGES);
            if chunk.is_some() {
                return chunk.map(|chunk| (link, chunk));
            }
            from = span.pages().last().checked_add(1)?;
        }
    }

    pub(crate) fn next_free_chunk(&mut self, from: usize) -> Option<(Link, usize)> {
        let within = PageRange::new(from, usize::MAX)?;
        self.renew();
        let (link, index) = self.search_in(&Request { count: 1, align: 1, boundary: None, within })?;
        Some((link, index / CHUNK_PAGES))
    }

    /// One page, when the active word has none.
    #[inline(never)]
    fn alloc_one_slow(&mut self) -> AllocResult<usize> {
        let page = if self.activate_next() { self.active.take_one() } else { None };
        self.used += usize::from(page.is_some());
        page.ok_or(AllocError::NoMemory)
    }

    /// One page at any multiple of a page. Returns its address.
    #[inline]
    pub(crate) fn alloc_one(&mut self) -> AllocResult<usize> {
        match self.active.take_one() {
            Some(address) => {
                self.used += 1;
                Ok(address)
            }
            None => self.alloc_one_slow(),
        }
    }

    /// Takes the page at `address` back.
    #[inline]
    pub(crate) fn dealloc_one(&mut self, address: usize) -> AllocResult {
        match self.active.put_one(address) {
            Returned::Taken => {
                self.used -= 1;
                Ok(())
            }
            Returned::Refused => Err(AllocError::NotAllocated),
            Returned::Elsewhere => self.dealloc_elsewhere(address),
        }
    }

    /// Takes a page back that is not in the active word.
    #[inline(never)]
    fn dealloc_elsewhere(&mut self, address: usize) -> AllocResult {
        // The bits below a page go to the top: one comparison tests alignment and both ends.
        let index = address.wrapping_sub(self.near.base).rotate_right(Self::PAGE_LOG2);
        let near = index.wrapping_sub(self.near.first) <= self.near.extent;
        let Some(link) = self.near.span.filter(|_| near) else {
            return self.dealloc_far(address);
        };
        if self.span_mut(link).put_quickly(index, 1) {
            self.used -= 1;
            return Ok(());
        }
        self.dealloc_slowly(link, index)
    }

    /// The near span and the index of `run`'s first page, if all of the run is near.
    pub(crate) fn near_index(&self, run: PageRange) -> Option<(Link, usize)> {
        let index = run.first().wrapping_sub(self.near.base >> Self::PAGE_LOG2);
        let offset = index.wrapping_sub(self.near.first);
        let inside = offset <= self.near.extent && run.count() - 1 <= self.near.extent - offset;
        self.near.span.filter(|_| inside).map(|link| (link, index))
    }

    /// Takes a page back that is not near, if it is one.
    #[inline(never)]
    fn dealloc_far(&mut self, address: usize) -> AllocResult {
        if address & (PAGE_SIZE - 1) != 0 {
            return Err(AllocError::NotAllocated);
        }
        let page = address >> Self::PAGE_LOG2;
        let link = directory::lookup(&self.records, self.root, page).ok_or(AllocError::NotAllocated)?;
        let span = self.span(link);
        let pages = span.part_of(page).ok_or(AllocError::NotAllocated)?;
        let (first, last) = span.indices(pages);
        let base = span.cover() << Self::PAGE_LOG2;
        let index = page - span.cover();
        self.near = Near { span: Some(link), base, first, extent: last - first };
        self.dealloc_slowly(link, index)
    }

    /// Takes the page with index `index` back, if it is not free.
    #[inline(never)]
    fn dealloc_slowly(&mut self, link: Link, index: usize) -> AllocResult {
        let (word, page) = (index / WORD_PAGES, 1 << (index % WORD_PAGES));
        let free = self.span(link).word(word);
        if free & page != 0 {
            return Err(AllocError::NotAllocated);
        }
        self.used -= 1;
        if free == 0 && self.active.free() == 0 {
            // Neither this word nor the active one has a free page: this page is handed out next, without a look
            // at the records. Freeing and allocating by turns stays as cheap in a full memory as in an empty one.
            self.set_active(link, word, page);
        } else {
            let room = self.stale.has_room();
            let after = self.span_mut(link).put_one(index, room);
            self.note(link, after);
        }
        Ok(())
    }

    /// Makes word `word`, which is zero in the bitmap, the active one, with the pages `free`.
    fn set_active(&mut self, link: Link, word: usize, free: u64) {
        let offset = (word * WORD_PAGES).wrapping_sub(self.near.first);
        let inside = offset <= self.near.extent && self.near.extent - offset >= WORD_PAGES - 1;
        let (base, owned) = if inside && self.near.span == Some(link) {
            (self.near.base, u64::MAX)
        } else {
            let span = self.span(link);
            (span.cover() << Self::PAGE_LOG2, span.owned_mask(word))
        };
        let base = base + ((word * WORD_PAGES) << Self::PAGE_LOG2);
        self.active = Active::new(base, link, word, free, owned);
    }
}
