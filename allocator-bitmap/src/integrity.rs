//! The map of what is held, and the check of all records.
#![forbid(unsafe_code)]

use allocator_api::{Block, BlockKind, CheckIntegrity, HeapMap};

use crate::{
    directory,
    layout::{ANY_BROKEN, HEIGHT},
    open::Open,
    page_allocator::{BitmapPageAllocator, Near},
    pages::PageRange,
    reach,
    records::{Link, Records, Side},
    span::Span,
    summary::{CHUNK_PAGES, ChunkRecord},
};

impl<const PAGE_SIZE: usize, R: Records> HeapMap for BitmapPageAllocator<PAGE_SIZE, R> {
    fn for_each_block(&self, visit: &mut dyn FnMut(Block)) {
        for (link, pages) in directory::spans(&self.records, self.root) {
            let span = self.span(link);
            let (first, last) = span.indices(pages);
            // With pages of one byte, there may be no index after the last.
            let mut from = Some(first);
            while let Some(start) = from.filter(|from| *from <= last) {
                let used = span.first_used(start, last);
                let free = used.map_or(Some(last), |(used, _)| used.checked_sub(1));
                if let Some(end) = free.filter(|end| start <= *end) {
                    visit(self.block(&span, start, end, BlockKind::Free));
                }
                from = used.and_then(|(first, last)| {
                    self.visit_used(&span, first, last, visit);
                    last.checked_add(1)
                });
            }
        }
    }
}

impl<const PAGE_SIZE: usize, R: Records> BitmapPageAllocator<PAGE_SIZE, R> {
    fn block(&self, span: &Span<&[u64]>, first: usize, last: usize, kind: BlockKind) -> Block {
        Block {
            start: (span.cover() + first) << Self::PAGE_LOG2,
            bytes: (last - first + 1) << Self::PAGE_LOG2,
            kind,
        }
    }

    /// Visits the pages with indices `first` to `last`, whose bits say that they are used: some may hold records.
    fn visit_used(&self, span: &Span<&[u64]>, first: usize, last: usize, visit: &mut dyn FnMut(Block)) {
        let Some(used) = PageRange::new(first, last) else { return };
        let records = span.records().map(|records| span.indices(records));
        let Some(records) = records.and_then(|(first, last)| PageRange::new(first, last)?.common(used)) else {
            self.visit_live(span, used, visit);
            return;
        };
        let [below, above] = used.without(records);
        if let Some(below) = below {
            self.visit_live(span, below, visit);
        }
        visit(self.block(span, records.first(), records.last(), BlockKind::Records));
        if let Some(above) = above {
            self.visit_live(span, above, visit);
        }
    }

    /// Visits the pages with indices `used`, which hold no records: some may be kept.
    fn visit_live(&self, span: &Span<&[u64]>, used: PageRange, visit: &mut dyn FnMut(Block)) {
        let mut rest = Some(used);
        while let Some(used) = rest {
            let pages = PageRange::new(span.cover() + used.first(), span.cover() + used.last());
            let kept = pages.and_then(|pages| self.kept.lowest_in(pages)).map(|kept| span.indices(kept));
            let Some(kept) = kept.and_then(|(first, last)| PageRange::new(first, last)) else {
                visit(self.block(span, used.first(), used.last(), BlockKind::Live));
                return;
            };
            let [below, above] = used.without(kept);
            if let Some(below) = below {
                visit(self.block(span, below.first(), below.last(), BlockKind::Live));
            }
            visit(self.block(span, kept.first(), kept.last(), BlockKind::Free));
            rest = above;
        }
    }

    /// Checks the directory at and below `at`, whose pages lie in `bounds`, and adds its pages to `total` and
    /// `free`.
    fn check_node(
        &self,
        at: Option<Link>,
        bounds: Option<PageRange>,
        sum: &mut [usize; 2],
    ) -> Result<u64, &'static str> {
        let Some(link) = at else { return Ok(0) };
        let (span, words) = (self.span(link), self.records.words(link));
        let pages = span.pages();
        let bounds = bounds.filter(|bounds| bounds.contains(pages)).ok_or("spans are in order")?;
        self.check_span(link)?;
        sum[0] += pages.count();
        let bits = (0..span.chunks()).flat_map(|chunk| span.chunk_words(chunk));
        sum[1] += bits.map(|word| word.count_ones() as usize).sum::<usize>();
        let [below, above] = bounds.without(pages);
        let left = self.check_node(self.records.child(link, Side::Left), below, sum)?;
        let right = self.check_node(self.records.child(link, Side::Right), above, sum)?;
        if left.abs_diff(right) > 1 {
            return Err("the directory is balanced");
        }
        if words[HEIGHT..=ANY_BROKEN] != directory::kept(&self.records, link) {
            return Err("a node of the directory keeps what its span and children say");
        }
        Ok(words[HEIGHT])
    }

    fn check_span(&self, link: Link) -> Result<(), &'static str> {
        let span = self.span(link);
        for unmanaged in span.covered().without(span.pages()).into_iter().chain([span.records()]).flatten() {
            let (first, last) = span.indices(unmanaged);
            if !span.all(false, first, last) {
                return Err("only managed pages without records are free");
            }
        }
        if span.records().is_some_and(|records| !span.pages().contains(records)) {
            return Err("records lie in their span");
        }
        for chunk in 0..span.chunks() {
            let record = span.record(chunk);
            if record.is_stale() {
                if !self.stale.contains(link, chunk) {
                    return Err("a stale record is remembered");
                }
            } else if record != ChunkRecord::of(span.chunk_words(chunk)).with_kept_of(record) {
                return Err("a chunk record is what the bits say");
            }
            if (span.next_broken(chunk) == Some(chunk)) != record.counts_as_broken() {
                return Err("the set of broken chunks is what their records say");
            }
        }
        reach::check(span.0)
    }

    /// Checks what is kept beside the directory: where pages came from and went back last, and what is stale.
    fn check_caches(&self) -> Result<(), &'static str> {
        let is_span = |link: Link| directory::spans(&self.records, self.root).any(|(span, _)| span == link);
        for (i, (span, chunk)) in self.stale.iter().enumerate() {
            let Some(link) = span.filter(|link| is_span(*link) && *chunk < self.span(*link).chunks()) else {
                return Err("chunks remembered as stale are there");
            };
            if !self.span(link).record(*chunk).is_stale()
                || self.stale.iter().take(i).any(|slot| *slot == (*span, *chunk))
            {
                return Err("chunks remembered as stale are so, each once");
            }
        }
        if let Some((link, chunk)) = self.open.chunk() {
            if !is_span(link) || chunk >= self.span(link).chunks() {
                return Err("the open chunk is there");
            }
            let span = self.span(link);
            if span.cover() + chunk * CHUNK_PAGES < self.prefer {
                return Err("the open chunk is not below what is preferred");
            }
            if self.open.bits().is_some() && !span.record(chunk).is_stale() {
                return Err("the record of an open chunk is stale");
            }
            if self.open.bits().is_some() && self.opened(link, chunk) != Some(self.open) {
                return Err("the open chunk is where its span says");
            }
        } else if self.open != Open::NONE {
            return Err("no open chunk is all zeros");
        }
        self.check_near(is_span)
    }

    /// What is to be known of the open chunk, going by its first page that can come back.
    fn opened(&self, link: Link, chunk: usize) -> Option<Open<PAGE_SIZE>> {
        let span = self.span(link);
        let page = span.cover() + chunk * CHUNK_PAGES + self.open.first();
        self.open_at(link, chunk, page, self.open.word())
    }

    fn check_near(&self, is_span: impl Fn(Link) -> bool) -> Result<(), &'static str> {
        let right = match self.near.span {
            None => Some(Near::NONE),
            Some(link) if is_span(link) => {
                let span = self.span(link);
                let part = span.cover().checked_add(self.near.first).and_then(|page| span.part_of(page));
                part.map(|part| Near::new(&span, link, part, Self::PAGE_LOG2))
            }
            Some(_) => None,
        };
        if right == Some(self.near) { Ok(()) } else { Err("the pages that are near are one side of their span") }
    }
}

impl<const PAGE_SIZE: usize, R: Records> CheckIntegrity for BitmapPageAllocator<PAGE_SIZE, R> {
    fn check_integrity(&self) -> Result<(), &'static str> {
        let mut sum = [0, 0];
        self.check_node(self.root, PageRange::new(0, usize::MAX), &mut sum)?;
        self.check_caches()?;
        self.check_kept()?;
        let mut in_records = 0;
        for (link, pages) in directory::spans(&self.records, self.root) {
            if self.neighbours(pages) != [None, None] {
                return Err("spans do not touch");
            }
            in_records += self.span(link).records().map_or(0, PageRange::count);
        }
        if self.in_records != in_records {
            return Err("pages that hold records are counted");
        }
        if self.total != sum[0] {
            return Err("total is the pages of all spans");
        }
        if self.total - self.used != sum[1] + self.kept.pages {
            return Err("used is total less what is free");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
