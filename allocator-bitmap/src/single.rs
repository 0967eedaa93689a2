//! Single pages: from the open chunk and back, and which chunk is opened.
//!
//! # Which page
//!
//! Pages come from the open chunk as long as it has any: from one word until that is used up, then from the lowest
//! with a free page. The next chunk is the lowest broken one, or if none is broken the lowest with a free page. (Runs that
//! are [kept](crate::kept) are settled before a whole chunk is broken.) Where
//! some addresses are [preferred](BitmapPageAllocator::prefer_above), this goes for the chunks there; only when none
//! has a page, one page at a time comes from below, and no chunk is opened there.
#![forbid(unsafe_code)]

use allocator_api::{AllocError, AllocResult};

use crate::{
    bits::WORD_PAGES,
    change::{Put, PutPage},
    directory::{self, Want},
    open::Open,
    page_allocator::{BitmapPageAllocator, Near},
    pages::PageRange,
    records::{Link, Records},
    request::Request,
    summary::CHUNK_PAGES,
};

impl<const PAGE_SIZE: usize, R: Records> BitmapPageAllocator<PAGE_SIZE, R> {
    /// One page at any multiple of a page. Returns its address, if there is one.
    #[inline]
    pub(crate) fn alloc_one(&mut self) -> Option<usize> {
        if let Some(bits) = self.open.bits() {
            let word = &mut self.records.chunk_mut(bits)[self.open.word()];
            if *word != 0 {
                let bit = word.trailing_zeros() as usize;
                *word &= *word - 1;
                self.used += 1;
                return Some(self.open.page_address(bit));
            }
        }
        self.alloc_one_slowly()
    }

    /// One page, when the word that they come from has none or the chunk is closed.
    #[inline(never)]
    fn alloc_one_slowly(&mut self) -> Option<usize> {
        if !self.has_open_page() && !self.open_next() {
            return self.alloc_low();
        }
        // There is a page now: this goes no deeper.
        self.alloc_one()
    }

    /// Moves on to the next word of the chunk in turn, and opens it if it is closed. Returns whether it has a page.
    fn has_open_page(&mut self) -> bool {
        let Some((link, chunk)) = self.open.chunk() else { return false };
        let span = self.span(link);
        let words = span.chunk_words(chunk);
        let word = self.open.word();
        let next = if words[word] != 0 { Some(word) } else { words.iter().position(|word| *word != 0) };
        let Some(next) = next else { return false };
        if self.open.bits().is_none() {
            self.reopen(link, chunk);
        }
        self.open.move_to(next);
        true
    }

    /// Opens a chunk again that was closed for a search.
    fn reopen(&mut self, link: Link, chunk: usize) {
        let bits = self.records.chunk_place(link, self.span(link).chunk_at(chunk));
        self.let_be_stale(link, chunk);
        self.open.reopen(bits);
    }

    /// Opens the chunk of the free page with index `index`, at that page's word.
    fn open_chunk(&mut self, link: Link, index: usize) {
        let (chunk, page) = (index / CHUNK_PAGES, self.span(link).cover() + index);
        if let Some(open) = self.open_at(link, chunk, page, index % CHUNK_PAGES / WORD_PAGES) {
            self.let_be_stale(link, chunk);
            self.open = open;
        }
    }

    /// A chunk as open at `word`, with the pages around page number `page` as those that can come back; `None` if that
    /// is none.
    pub(crate) fn open_at(&self, link: Link, chunk: usize, page: usize, word: usize) -> Option<Open<PAGE_SIZE>> {
        let span = self.span(link);
        let number = span.cover() + chunk * CHUNK_PAGES;
        let part = span.part_of(page)?.common(PageRange::new(number, number + (CHUNK_PAGES - 1))?)?;
        let bits = self.records.chunk_place(link, span.chunk_at(chunk))?;
        Some(Open::new(link, chunk, bits, number, part, word))
    }

    /// Opens the chunk whose turn it is. Returns whether there is one.
    fn open_next(&mut self) -> bool {
        let here =
            self.open.chunk().map_or(self.prefer, |(link, chunk)| self.span(link).cover() + chunk * CHUNK_PAGES);
        loop {
            let Some((link, chunk)) = self.next_chunk(here) else { return false };
            // What is kept there may be all that breaks it: without that, it may be another one's turn.
            if self.settle_kept_in(link, chunk) {
                continue;
            }
            let Some(index) = self.span(link).first_free_in(chunk) else { return false };
            self.open_chunk(link, index);
            return true;
        }
    }

    /// The chunk whose turn it is after the one of page `here`.
    fn next_chunk(&mut self, here: usize) -> Option<(Link, usize)> {
        let mut next = self.next_broken_chunk(here);
        if next.is_none() && here != self.prefer {
            next = self.next_broken_chunk(self.prefer);
        }
        if next.is_none() && !self.kept.is_empty() {
            // Holes that are kept are taken before a whole chunk is broken.
            self.settle_all_kept();
            next = self.next_broken_chunk(self.prefer);
        }
        next.or_else(|| self.next_free_chunk(self.prefer))
    }

    /// One page from below what is preferred, when nothing is free there.
    fn alloc_low(&mut self) -> Option<usize> {
        if self.prefer == 0 {
            return None;
        }
        let (link, chunk) = self.next_broken_chunk(0).or_else(|| self.next_free_chunk(0))?;
        let page = self.span(link).first_free_in(chunk)?;
        Some(self.take(link, page, 1))
    }

    /// The lowest chunk from page `from` on of which some pages are free and some are not.
    fn next_broken_chunk(&mut self, mut from: usize) -> Option<(Link, usize)> {
        loop {
            let link = directory::lowest(&self.records, self.root, from, Want::Broken)?;
            let span = self.span(link);
            let Some(chunk) = span.next_broken(from.saturating_sub(span.cover()) / CHUNK_PAGES) else {
                from = span.pages().last().checked_add(1)?;
                continue;
            };
            if !span.record(chunk).is_stale() || span.is_broken(chunk) {
                return Some((link, chunk));
            }
            // All or none of its pages are free by now. Once it is renewed, it does not come up again.
            self.stale.remove(link, chunk);
            self.renew_one(link, chunk);
        }
    }

    fn next_free_chunk(&mut self, from: usize) -> Option<(Link, usize)> {
        let within = PageRange::new(from, usize::MAX)?;
        self.renew();
        let (link, index) = self.search_in(&Request { count: 1, align: 1, boundary: None, within }, usize::MAX)?;
        Some((link, index / CHUNK_PAGES))
    }

    /// Takes the page at `address` back.
    #[inline]
    pub(crate) fn dealloc_one(&mut self, address: usize) -> AllocResult {
        if let Some((bits, page)) = self.open.locate(address) {
            let word = &mut self.records.chunk_mut(bits)[page / WORD_PAGES];
            let bit = 1 << (page % WORD_PAGES);
            if *word & bit != 0 {
                return Err(AllocError::NotAllocated);
            }
            *word |= bit;
            self.used -= 1;
            return Ok(());
        }
        self.dealloc_elsewhere(address)
    }

    /// Takes a page back that is not in the open chunk.
    #[inline(never)]
    fn dealloc_elsewhere(&mut self, address: usize) -> AllocResult {
        let Some((link, index)) = self.near.locate(address, Self::PAGE_LOG2) else {
            return self.dealloc_far(address);
        };
        let record_at = self.near.records_at + index / CHUNK_PAGES;
        if self.span_mut(link).put_quickly(index, record_at) {
            self.used -= 1;
            return Ok(());
        }
        self.dealloc_slowly(link, index)
    }

    /// Takes the page with index `index`, which is managed and holds no records, back.
    #[inline(never)]
    fn dealloc_slowly(&mut self, link: Link, index: usize) -> AllocResult {
        let chunk = index / CHUNK_PAGES;
        let has_kept = self.span(link).record(chunk).kept_words() != 0;
        if has_kept && let Some(result) = self.dealloc_near_kept(link, index) {
            return result;
        }
        match self.span_mut(link).put_page(index) {
            PutPage::Refused => return Err(AllocError::NotAllocated),
            PutPage::Done => {}
            // More pages are likely to come back to the same chunk.
            PutPage::Unfit { .. } if self.recent.saw(link, chunk) => self.let_be_stale(link, chunk),
            PutPage::Unfit { old, new } => {
                let has_to_know = self.span_mut(link).settle(chunk, old, new);
                self.tell(link, has_to_know);
            }
        }
        self.used -= 1;
        Ok(())
    }

    /// Takes a page back that may be kept, or refuses it; `None` if that takes a look beyond its word.
    #[cold]
    #[inline(never)]
    fn dealloc_near_kept(&mut self, link: Link, index: usize) -> Option<AllocResult> {
        let page = PageRange::counted(self.span(link).cover() + index, 1)?;
        if self.is_kept(link, page) {
            return Some(Err(AllocError::NotAllocated));
        }
        (self.span_mut(link).put_in_word(index, 1) == Put::Done).then(|| {
            self.used -= 1;
            Ok(())
        })
    }

    /// Takes a page back that is not near, if it is one.
    #[inline(never)]
    fn dealloc_far(&mut self, address: usize) -> AllocResult {
        let page = Some(address >> Self::PAGE_LOG2).filter(|_| address & (PAGE_SIZE - 1) == 0);
        let near = page.and_then(|page| self.come_near(page)).ok_or(AllocError::NotAllocated)?;
        self.dealloc_slowly(near.0, near.1)
    }

    /// Makes the pages around page number `page` near, if it can come back. Returns its span and its index.
    pub(crate) fn come_near(&mut self, page: usize) -> Option<(Link, usize)> {
        let link = directory::lookup(&self.records, self.root, page)?;
        let span = self.span(link);
        let part = span.part_of(page)?;
        let index = page - span.cover();
        self.near = Near::new(&span, link, part, Self::PAGE_LOG2);
        Some((link, index))
    }
}
