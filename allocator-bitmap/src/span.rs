//! A span: neighbouring pages with one block of records.
//!
//! Regions that touch make one span, so two spans never touch and no free run lies in two of them. Inside a span a page
//! has an *index*, its distance from the first page covered; the cover begins at a multiple of 512 pages, so that a chunk
//! is an aligned run of 512 pages in memory.
//!
//! # Invariants
//!
//! - B1: a bit is one exactly if its page is managed, not handed out, not a record, and not in the active word.
//! - B2: every chunk record that is not stale is [`ChunkRecord::of`] its words, a stale one has the right mask; every node
//!   above is its children joined.
//! - B3: the set of broken chunks has exactly those whose record says so.
//!
//! # Costs
//!
//! Taking and putting `n` pages touches n/64 words and the nodes above; a change that alters no summary ends at the chunk.
#![forbid(unsafe_code)]

use core::ops::{Deref, DerefMut};

use crate::{
    bits::{WORD_PAGES, longest_run_above, ones},
    layout::{
        CHUNKS, COVER, FIRST, HEADER_WORDS, LAST, LEVELS_AT, RECORDS_FIRST, RECORDS_PAGES, TOP_AT, TOP_HEIGHT,
        block_words, cover_of, levels_at, set_at, top_at, top_height,
    },
    levels,
    pages::PageRange,
    summary::{CHUNK_PAGES, CHUNK_WORDS, ChunkRecord, Summary},
    word_set,
};

/// A word whose bits stand elsewhere: the active one. Its number in the span, and which of its pages are free.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Overlay {
    /// The word's number.
    pub(crate) word: usize,
    /// Its free pages.
    pub(crate) free: u64,
}

/// Whether the run of ones around bit `bit` ends inside the word on both sides and is no longer than `longest`.
#[inline]
const fn hides_run(word: u64, bit: usize, longest: usize) -> bool {
    // Ones from the bit downwards and upwards, itself in both.
    let below = (word << (WORD_PAGES - 1 - bit)).leading_ones() as usize;
    let above = (word >> bit).trailing_ones() as usize;
    below <= bit && bit + above < WORD_PAGES && below + above - 1 <= longest
}

/// What a change of pages leaves to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct After {
    /// Whether the directory has to know.
    pub(crate) tell: bool,
    /// A chunk whose record became stale.
    pub(crate) stale: Option<usize>,
}

/// The words of a block, to read or to change.
pub(crate) struct Span<W>(pub(crate) W);

/// The words that the pages `first` to `last` lie in, each with the mask of those pages.
#[inline]
fn pieces(first: usize, last: usize) -> impl Iterator<Item = (usize, u64)> {
    let (low, high) = (first / WORD_PAGES, last / WORD_PAGES);
    let mut from = u64::MAX << (first % WORD_PAGES);
    (low..high + 1).map(move |word| {
        let to = if word == high { u64::MAX >> (WORD_PAGES - 1 - last % WORD_PAGES) } else { u64::MAX };
        (word, core::mem::replace(&mut from, u64::MAX) & to)
    })
}

impl<W: Deref<Target = [u64]>> Span<W> {
    /// The pages managed.
    #[inline]
    pub(crate) fn pages(&self) -> PageRange {
        // A header never written is all zeros, which is a range too.
        PageRange::new(self.0[FIRST] as usize, self.0[LAST] as usize).unwrap_or(PAGE_ZERO)
    }

    /// The pages that hold the block itself.
    pub(crate) fn records(&self) -> Option<PageRange> {
        PageRange::counted(self.0[RECORDS_FIRST] as usize, self.0[RECORDS_PAGES] as usize)
    }

    /// Number of the page with index 0.
    #[inline]
    pub(crate) fn cover(&self) -> usize {
        self.0[COVER] as usize
    }

    /// How many chunks are covered.
    #[inline]
    pub(crate) fn chunks(&self) -> usize {
        self.0[CHUNKS] as usize
    }

    /// The pages covered, managed or not.
    pub(crate) fn covered(&self) -> PageRange {
        // The last page covered has a number, the one after it may have none.
        PageRange::new(self.cover(), self.cover() + ((self.chunks() - 1) * CHUNK_PAGES + (CHUNK_PAGES - 1)))
            .unwrap_or(PAGE_ZERO)
    }

    /// The indices of `pages`, first and last, which are covered.
    #[inline]
    pub(crate) fn indices(&self, pages: PageRange) -> (usize, usize) {
        (pages.first() - self.cover(), pages.last() - self.cover())
    }

    /// What the block offers.
    #[inline]
    pub(crate) fn root(&self) -> Summary {
        levels::root(&self.0)
    }

    /// Word `word` of the bitmap.
    #[inline]
    pub(crate) fn word(&self, word: usize) -> u64 {
        self.0[HEADER_WORDS + word]
    }

    /// Word `word` of the bitmap, with the active word's pages in it.
    #[inline]
    pub(crate) fn word_with(&self, word: usize, overlay: Option<Overlay>) -> u64 {
        match overlay {
            Some(active) if active.word == word => active.free,
            _ => self.word(word),
        }
    }

    /// The record of chunk `chunk`.
    #[inline]
    pub(crate) fn record(&self, chunk: usize) -> ChunkRecord {
        ChunkRecord(self.0[HEADER_WORDS + CHUNK_WORDS * self.chunks() + chunk])
    }

    pub(crate) fn chunk_words(&self, chunk: usize) -> &[u64; CHUNK_WORDS] {
        let at = HEADER_WORDS + chunk * CHUNK_WORDS;
        self.0[at..].first_chunk().expect("a block has eight words for each chunk")
    }

    /// Whether some chunk is broken.
    #[inline]
    pub(crate) fn has_broken(&self) -> bool {
        // The set's top word stands right before level 1.
        self.0[self.0[LEVELS_AT] as usize - 1] != 0
    }

    /// The lowest broken chunk that is not below chunk `from`.
    #[inline]
    pub(crate) fn next_broken(&self, from: usize) -> Option<usize> {
        word_set::next_member(&self.0[set_at(self.chunks())..], self.chunks(), from)
    }

    /// The managed pages around `page` up to the next that hold records; `None` if it holds records.
    pub(crate) fn part_of(&self, page: usize) -> Option<PageRange> {
        let pages = self.pages();
        let here = PageRange::counted(page, 1)?;
        match self.records() {
            Some(records) => pages.without(records).into_iter().flatten().find(|part| part.contains(here)),
            None => Some(pages),
        }
    }

    /// The pages of word `word` that are managed and hold no records.
    pub(crate) fn owned_mask(&self, word: usize) -> u64 {
        let first = word * WORD_PAGES;
        let number = self.cover() + first;
        let here = PageRange::new(number, number + (WORD_PAGES - 1)).unwrap_or(PAGE_ZERO);
        if self.pages().contains(here) && self.records().is_none_or(|records| records.common(here).is_none()) {
            return u64::MAX;
        }
        let part = |pages: PageRange| {
            let (low, high) = self.indices(pages);
            let (low, high) = (low.max(first), high.min(first + WORD_PAGES - 1));
            if low <= high { ones(low - first, high - low + 1) } else { 0 }
        };
        part(self.pages()) & !self.records().map_or(0, part)
    }

    /// Whether all pages with indices `first` to `last` are free (or, if `free` is false, all not).
    pub(crate) fn all(&self, free: bool, first: usize, last: usize, overlay: Option<Overlay>) -> bool {
        let flip = if free { u64::MAX } else { 0 };
        pieces(first, last).all(|(word, mask)| (self.word_with(word, overlay) ^ flip) & mask == 0)
    }

    /// The first run of pages with indices in `first` to `last` that are not free: its first and last index.
    pub(crate) fn first_used(
        &self,
        first: usize,
        last: usize,
        overlay: Option<Overlay>,
    ) -> Option<(usize, usize)> {
        let used = |(word, mask): (usize, u64)| (word, !self.word_with(word, overlay) & mask);
        let (word, bits) = pieces(first, last).map(used).find(|(_, bits)| *bits != 0)?;
        let from = word * WORD_PAGES + bits.trailing_zeros() as usize;
        let free = |(word, mask): (usize, u64)| (word, self.word_with(word, overlay) & mask);
        let next = pieces(from, last).map(free).find(|(_, bits)| *bits != 0);
        let to = next.map_or(last, |(word, bits)| word * WORD_PAGES + bits.trailing_zeros() as usize - 1);
        Some((from, to))
    }

    /// The free run in chunk `chunk` around its pages `first` to `end` (exclusive), which are free.
    fn run_around(&self, chunk: usize, first: usize, end: usize) -> (usize, usize) {
        let words = self.chunk_words(chunk);
        let (mut low, mut high) = (first, end);
        let mut i = first / WORD_PAGES;
        let mut below = first % WORD_PAGES;
        loop {
            // The bits below, moved to the top of a word; zeros come in at the bottom.
            let run = if below == 0 { 0 } else { (words[i] << (WORD_PAGES - below)).leading_ones() as usize };
            low -= run;
            if run < below || i == 0 {
                break;
            }
            (i, below) = (i - 1, WORD_PAGES);
        }
        while high < CHUNK_PAGES {
            let at = high % WORD_PAGES;
            let run = (words[high / WORD_PAGES] >> at).trailing_ones() as usize;
            high += run;
            if run < WORD_PAGES - at {
                break;
            }
        }
        (low, high)
    }
}

/// Up to this many chunks, changes are carried upwards one by one; of more, the levels are computed anew.
const FEW_CHUNKS: usize = 4;

const PAGE_ZERO: PageRange = match PageRange::counted(0, 1) {
    Some(range) => range,
    None => panic!("one page is a range"),
};

impl<W: DerefMut<Target = [u64]>> Span<W> {
    fn chunk_words_mut(&mut self, chunk: usize) -> &mut [u64; CHUNK_WORDS] {
        let at = HEADER_WORDS + chunk * CHUNK_WORDS;
        self.0[at..].first_chunk_mut().expect("a block has eight words for each chunk")
    }

    /// Writes the header of a block over `pages`; the bitmap and all that follows is as it was.
    pub(crate) fn write_header(&mut self, pages: PageRange, records: Option<PageRange>) {
        let (cover, chunks) = cover_of(pages);
        debug_assert!(self.0.len() >= block_words(chunks));
        self.0[COVER] = cover as u64;
        self.0[CHUNKS] = chunks as u64;
        self.0[LEVELS_AT] = levels_at(chunks) as u64;
        self.0[TOP_HEIGHT] = u64::from(top_height(chunks));
        self.0[TOP_AT] = top_at(chunks) as u64;
        self.set_pages(pages);
        self.set_records(records);
    }

    /// Changes which of the covered pages are managed.
    pub(crate) fn set_pages(&mut self, pages: PageRange) {
        self.0[FIRST] = pages.first() as u64;
        self.0[LAST] = pages.last() as u64;
    }

    /// Changes which pages hold the block.
    pub(crate) fn set_records(&mut self, records: Option<PageRange>) {
        self.0[RECORDS_FIRST] = records.map_or(0, PageRange::first) as u64;
        self.0[RECORDS_PAGES] = records.map_or(0, PageRange::count) as u64;
    }

    /// Sets or clears the bits of `pages`, which are covered, and nothing else: [`rebuild`](Self::rebuild) follows.
    pub(crate) fn fill(&mut self, pages: PageRange, free: bool) {
        let (first, last) = self.indices(pages);
        for (word, mask) in pieces(first, last) {
            let bits = &mut self.0[HEADER_WORDS + word];
            *bits = if free { *bits | mask } else { *bits & !mask };
        }
    }

    /// Computes every summary and set anew from the bitmap: at the speed at which memory is read.
    pub(crate) fn rebuild(&mut self) {
        let chunks = self.chunks();
        let set = set_at(chunks);
        let end = levels_at(chunks);
        self.0[set..end].fill(0);
        for chunk in 0..chunks {
            let record = ChunkRecord::of(self.chunk_words(chunk));
            self.0[HEADER_WORDS + CHUNK_WORDS * chunks + chunk] = record.0;
            if record.is_broken() {
                word_set::insert(&mut self.0[set..], chunks, chunk);
            }
        }
        levels::rebuild(&mut self.0, 0, chunks - 1);
    }

    /// Stores chunk `chunk`'s record and keeps the set of broken chunks. Returns whether that became empty or not empty.
    #[inline]
    fn store(&mut self, chunk: usize, old: ChunkRecord, new: ChunkRecord) -> bool {
        let chunks = self.chunks();
        self.0[HEADER_WORDS + CHUNK_WORDS * chunks + chunk] = new.0;
        if old.is_broken() == new.is_broken() {
            return false;
        }
        let before = self.has_broken();
        let set = &mut self.0[set_at(chunks)..];
        if new.is_broken() {
            word_set::insert(set, chunks, chunk);
        } else {
            word_set::remove(set, chunks, chunk);
        }
        before != self.has_broken()
    }

    /// [`store`](Self::store), and the levels above. Returns whether the directory has to know.
    fn settle(&mut self, chunk: usize, old: ChunkRecord, new: ChunkRecord) -> bool {
        let broken_changed = self.store(chunk, old, new);
        let (old, new) = (old.summary(), new.summary());
        let root_changed = old != new && levels::lift(&mut self.0, chunk, old, new);
        broken_changed || root_changed
    }

    /// Does `change` to each chunk that the pages with indices `first` to `last` lie in.
    fn by_chunks(
        &mut self,
        first: usize,
        last: usize,
        change: impl Fn(&mut Self, usize, usize, usize) -> (ChunkRecord, ChunkRecord),
    ) -> bool {
        let (low, high) = (first / CHUNK_PAGES, last / CHUNK_PAGES);
        let mut has_to_know = false;
        for chunk in low..=high {
            let from = if chunk == low { first % CHUNK_PAGES } else { 0 };
            let to = if chunk == high { last % CHUNK_PAGES + 1 } else { CHUNK_PAGES };
            let (old, new) = change(self, chunk, from, to);
            has_to_know |=
                if high - low < FEW_CHUNKS { self.settle(chunk, old, new) } else { self.store(chunk, old, new) };
        }
        if high - low >= FEW_CHUNKS {
            has_to_know |= levels::rebuild(&mut self.0, low, high);
        }
        has_to_know
    }

    /// Makes the free pages with indices `first` to `last` used. Returns whether the directory has to know.
    pub(crate) fn take(&mut self, first: usize, last: usize) -> bool {
        self.by_chunks(first, last, Self::take_in_chunk)
    }

    fn take_in_chunk(&mut self, chunk: usize, first: usize, end: usize) -> (ChunkRecord, ChunkRecord) {
        let old = self.record(chunk);
        let (low, high) = self.run_around(chunk, first, end);
        let mut mask = old.mask();
        let words = self.chunk_words_mut(chunk);
        for (i, bits) in pieces(first, end - 1) {
            debug_assert_eq!(words[i] & bits, bits, "pages taken are free");
            words[i] &= !bits;
            mask &= !(u8::from(words[i] == 0) << i);
        }
        if old.is_stale() {
            return (old, old.with_mask(mask));
        }
        let new = match old.summary().without(first, end, low, high, CHUNK_PAGES) {
            Some(summary) => ChunkRecord::new(summary, mask),
            None => ChunkRecord::of(self.chunk_words(chunk)),
        };
        (old, new)
    }

    /// Makes the used pages with indices `first` to `last` free. Returns whether the directory has to know.
    pub(crate) fn put(&mut self, first: usize, last: usize) -> bool {
        self.by_chunks(first, last, Self::put_in_chunk)
    }

    fn put_in_chunk(&mut self, chunk: usize, first: usize, end: usize) -> (ChunkRecord, ChunkRecord) {
        let old = self.record(chunk);
        let mut mask = old.mask();
        let words = self.chunk_words_mut(chunk);
        for (i, bits) in pieces(first, end - 1) {
            debug_assert_eq!(words[i] & bits, 0, "pages put are used");
            words[i] |= bits;
            mask |= 1 << i;
        }
        (old, self.grown(chunk, first, end, old.with_mask(mask)))
    }

    /// What the record `old` of chunk `chunk` becomes when its pages `first` to `end` (exclusive) became free. Its mask is
    /// right already.
    fn grown(&self, chunk: usize, first: usize, end: usize, old: ChunkRecord) -> ChunkRecord {
        if !old.is_stale() {
            let (low, high) = self.run_around(chunk, first, end);
            return ChunkRecord::new(old.summary().with_run(low, high, CHUNK_PAGES), old.mask());
        }
        let words = self.chunk_words(chunk);
        if words.iter().all(|word| *word == u64::MAX) { ChunkRecord::of(words) } else { old }
    }

    /// Makes the page with index `index` free if that changes nothing but its word's bit: there are free pages in the word,
    /// and either none beside the page, or the record is stale already. Returns whether it was so; else nothing changed.
    #[inline]
    pub(crate) fn put_quickly(&mut self, index: usize) -> bool {
        let bit = index % WORD_PAGES;
        let page = 1 << bit;
        let chunks = self.chunks();
        // An index beyond the block is no page of it.
        let Some(before) = self.0.get(HEADER_WORDS + index / WORD_PAGES).copied() else {
            return false;
        };
        let after = before | page;
        // A word that becomes full may make the chunk wholly free.
        if before == 0 || after == before || after == u64::MAX {
            return false;
        }
        // Alone between used pages of its word, it is no longer a run than others there. At the ends of the word, one of
        // the pages beside is in another one.
        let beside = before & (page << 1 | page >> 1) != 0 || bit.wrapping_sub(1) >= WORD_PAGES - 2;
        if beside {
            let Some(record) = self.0.get(HEADER_WORDS + CHUNK_WORDS * chunks + index / CHUNK_PAGES) else {
                return false;
            };
            let record = ChunkRecord(*record);
            if !record.is_stale() && !hides_run(after, bit, record.longest()) {
                return false;
            }
        }
        self.0[HEADER_WORDS + index / WORD_PAGES] = after;
        true
    }

    /// Makes the page with index `index`, which is used, free. If its chunk's record changes, it becomes stale where
    /// `may_be_stale`.
    pub(crate) fn put_one(&mut self, index: usize, may_be_stale: bool) -> After {
        let (chunk, page) = (index / CHUNK_PAGES, index % CHUNK_PAGES);
        let (at, bit) = (HEADER_WORDS + index / WORD_PAGES, index % WORD_PAGES);
        self.0[at] |= 1 << bit;
        let old = self.record(chunk);
        let marked = old.with_mask(old.mask() | 1 << (page / WORD_PAGES));
        let new = self.grown(chunk, page, page + 1, marked);
        if new == marked {
            return After { tell: new != old && self.store(chunk, old, new), stale: None };
        }
        if !old.is_stale() && may_be_stale && new.longest() != CHUNK_PAGES {
            return After { tell: self.store(chunk, old, marked.stale()), stale: Some(chunk) };
        }
        After { tell: self.settle(chunk, old, new), stale: None }
    }

    /// Takes all free pages of word `word`, of which there are some. If the chunk's record changes, it becomes stale where
    /// `may_be_stale`. Returns the pages.
    pub(crate) fn take_word(&mut self, word: usize, may_be_stale: bool) -> (u64, After) {
        let chunk = word / CHUNK_WORDS;
        let old = self.record(chunk);
        let free = core::mem::take(&mut self.0[HEADER_WORDS + word]);
        let marked = old.with_mask(old.mask() & !(1 << (word % CHUNK_WORDS)));
        let inside = free & (1 | 1 << (WORD_PAGES - 1)) == 0;
        let unseen = inside && longest_run_above(free, old.longest().saturating_sub(1)) < old.longest();
        if unseen || old.is_stale() {
            return (free, After { tell: self.store(chunk, old, marked), stale: None });
        }
        if may_be_stale {
            return (free, After { tell: self.store(chunk, old, marked.stale()), stale: Some(chunk) });
        }
        let new = ChunkRecord::of(self.chunk_words(chunk));
        (free, After { tell: self.settle(chunk, old, new), stale: None })
    }

    /// Computes the record of chunk `chunk` anew if it is stale. Returns whether the directory has to know.
    pub(crate) fn refresh(&mut self, chunk: usize) -> bool {
        let old = self.record(chunk);
        old.is_stale() && self.settle(chunk, old, ChunkRecord::of(self.chunk_words(chunk)))
    }

    /// Makes the pages `free` of word `word`, all of whose pages are used, free. Returns whether the directory has to know.
    pub(crate) fn put_word(&mut self, word: usize, free: u64) -> bool {
        let chunk = word / CHUNK_WORDS;
        debug_assert_eq!(self.word(word), 0);
        self.0[HEADER_WORDS + word] = free;
        let new = ChunkRecord::of(self.chunk_words(chunk));
        self.settle(chunk, self.record(chunk), new)
    }

    /// Makes the block cover `pages`, and all that it covers already: moves the bitmap and writes the header. Bits that
    /// come in are zero; the summaries are left to [`rebuild`](Self::rebuild).
    pub(crate) fn widen(&mut self, pages: PageRange) {
        let (covered, managed, records) = (self.covered(), self.pages(), self.records());
        let (cover, chunks) = cover_of(covered.hull(pages));
        let (had, at) = (self.chunks(), (covered.first() - cover) / CHUNK_PAGES);
        let (from, to) = (HEADER_WORDS, HEADER_WORDS + at * CHUNK_WORDS);
        self.0.copy_within(from..from + had * CHUNK_WORDS, to);
        self.0[from..to].fill(0);
        self.0[to + had * CHUNK_WORDS..block_words(chunks)].fill(0);
        self.write_header(covered.hull(pages), records);
        self.set_pages(managed);
    }

    /// Adds the free pages of a chunk of another block, which begins at page `first`, to those here.
    pub(crate) fn merge_chunk(&mut self, first: usize, words: &[u64; CHUNK_WORDS]) {
        let at = HEADER_WORDS + (first - self.cover()) / WORD_PAGES;
        for (here, there) in self.0[at..at + CHUNK_WORDS].iter_mut().zip(words) {
            *here |= there;
        }
    }

    /// Clears the bits of all covered pages that are not managed; [`rebuild`](Self::rebuild) follows.
    pub(crate) fn clear_unmanaged(&mut self) {
        for unmanaged in self.covered().without(self.pages()).into_iter().flatten() {
            self.fill(unmanaged, false);
        }
    }
}
