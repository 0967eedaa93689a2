//! A span: neighbouring pages with one block of records.
//!
//! Regions that touch make one span, so two spans never touch and no free run lies in two of them. Inside a span a
//! page has an *index*, its distance from the first page covered; the cover begins at a multiple of 512 pages, so
//! that a chunk is an aligned run of 512 pages in memory.
//!
//! # Invariants
//!
//! - B1: a bit is one exactly if its page is managed, not handed out, and holds no record.
//! - B2: every chunk record that is not stale is [`ChunkRecord::of`] its words. The tree of [`reach`] and the set of
//!   chunks that are not wholly free are what the records say, a stale one being taken at its word.
//! - B3: the set of broken chunks has exactly those whose record is stale or says that they are.
//!
//! # Costs
//!
//! Taking and putting `n` pages touches n/64 words and the records above; a change that alters no record ends there.
#![forbid(unsafe_code)]

use core::ops::{Deref, DerefMut};

use crate::{
    bits::WORD_PAGES,
    layout::{
        CHUNKS, COVER, FIRST, HEADER_WORDS, LAST, OFFERS_AT, RECORDS_FIRST, RECORDS_PAGES, TOP_AT, TOP_HEIGHT,
        block_words, broken_set_at, cover_of, offers_at, top_at, top_height, used_set_at,
    },
    offer::Offer,
    pages::PageRange,
    reach,
    summary::{CHUNK_PAGES, CHUNK_WORDS, ChunkRecord},
    word_set,
};

/// The words of a block, to read or to change.
pub(crate) struct Span<W>(pub(crate) W);

/// The words that the pages `first` to `last` lie in, each with the mask of those pages.
#[inline]
pub(crate) fn pieces(first: usize, last: usize) -> impl Iterator<Item = (usize, u64)> {
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

    /// What there is of free runs and blocks, stale records being taken at their word.
    #[inline]
    pub(crate) fn offer(&self) -> Offer {
        reach::offer(&self.0)
    }

    /// Word `word` of the bitmap.
    #[inline]
    pub(crate) fn word(&self, word: usize) -> u64 {
        self.0[HEADER_WORDS + word]
    }

    /// The record of chunk `chunk`.
    #[inline]
    pub(crate) fn record(&self, chunk: usize) -> ChunkRecord {
        ChunkRecord(self.0[HEADER_WORDS + CHUNK_WORDS * self.chunks() + chunk])
    }

    /// Index of the first word of chunk `chunk` in the block.
    #[inline]
    pub(crate) const fn chunk_at(&self, chunk: usize) -> usize {
        HEADER_WORDS + chunk * CHUNK_WORDS
    }

    /// The index of the first free page of chunk `chunk`.
    pub(crate) fn first_free_in(&self, chunk: usize) -> Option<usize> {
        let words = self.chunk_words(chunk);
        let word = words.iter().position(|word| *word != 0)?;
        Some(chunk * CHUNK_PAGES + word * WORD_PAGES + words[word].trailing_zeros() as usize)
    }

    /// Whether some pages of chunk `chunk` are free and some are not.
    pub(crate) fn is_broken(&self, chunk: usize) -> bool {
        let words = self.chunk_words(chunk);
        words.iter().any(|word| *word != 0) && words.iter().any(|word| *word != u64::MAX)
    }

    pub(crate) fn chunk_words(&self, chunk: usize) -> &[u64; CHUNK_WORDS] {
        let at = HEADER_WORDS + chunk * CHUNK_WORDS;
        self.0[at..].first_chunk().expect("a block has eight words for each chunk")
    }

    /// Whether some chunk is broken.
    #[inline]
    pub(crate) fn has_broken(&self) -> bool {
        // The set's top word stands right before the tree.
        self.0[self.0[OFFERS_AT] as usize - 1] != 0
    }

    /// The lowest broken chunk that is not below chunk `from`.
    #[inline]
    pub(crate) fn next_broken(&self, from: usize) -> Option<usize> {
        word_set::next_member(&self.0[broken_set_at(self.chunks())..], self.chunks(), from)
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

    /// Whether all pages with indices `first` to `last` are free (or, if `free` is false, all not).
    pub(crate) fn all(&self, free: bool, first: usize, last: usize) -> bool {
        let flip = if free { u64::MAX } else { 0 };
        pieces(first, last).all(|(word, mask)| (self.word(word) ^ flip) & mask == 0)
    }

    /// The first run of pages with indices in `first` to `last` that are not free: its first and last index.
    pub(crate) fn first_used(&self, first: usize, last: usize) -> Option<(usize, usize)> {
        let used = |(word, mask): (usize, u64)| (word, !self.word(word) & mask);
        let (word, bits) = pieces(first, last).map(used).find(|(_, bits)| *bits != 0)?;
        let from = word * WORD_PAGES + bits.trailing_zeros() as usize;
        let free = |(word, mask): (usize, u64)| (word, self.word(word) & mask);
        let next = pieces(from, last).map(free).find(|(_, bits)| *bits != 0);
        let to = next.map_or(last, |(word, bits)| word * WORD_PAGES + bits.trailing_zeros() as usize - 1);
        Some((from, to))
    }

    /// The run in chunk `chunk` of its pages `first` to `end` (exclusive), which are free or kept, and the free pages on either
    /// side.
    pub(crate) fn run_around(&self, chunk: usize, first: usize, end: usize) -> (usize, usize) {
        let words = self.chunk_words(chunk);
        let (mut low, mut high) = (first, end);
        // The bits below, moved to the top of a word, with a zero below them.
        while low > 0 {
            let below = low.wrapping_sub(1) % WORD_PAGES + 1;
            let used = !(words[(low - 1) / WORD_PAGES % CHUNK_WORDS] << (WORD_PAGES - below));
            let run = used.leading_zeros() as usize;
            if run < below {
                low -= run;
                break;
            }
            low -= below;
        }
        while high < CHUNK_PAGES {
            let at = high % WORD_PAGES;
            let run = (!(words[high / WORD_PAGES] >> at)).trailing_zeros() as usize;
            if run < WORD_PAGES - at {
                high += run;
                break;
            }
            high += WORD_PAGES - at;
        }
        (low, high)
    }
}

const PAGE_ZERO: PageRange = match PageRange::counted(0, 1) {
    Some(range) => range,
    None => panic!("one page is a range"),
};

impl<W: DerefMut<Target = [u64]>> Span<W> {
    pub(crate) fn chunk_words_mut(&mut self, chunk: usize) -> &mut [u64; CHUNK_WORDS] {
        let at = HEADER_WORDS + chunk * CHUNK_WORDS;
        self.0[at..].first_chunk_mut().expect("a block has eight words for each chunk")
    }

    /// Writes the header of a block over `pages`; the bitmap and all that follows is as it was.
    pub(crate) fn write_header(&mut self, pages: PageRange, records: Option<PageRange>) {
        let (cover, chunks) = cover_of(pages);
        debug_assert!(self.0.len() >= block_words(chunks));
        self.0[COVER] = cover as u64;
        self.0[CHUNKS] = chunks as u64;
        self.0[OFFERS_AT] = offers_at(chunks) as u64;
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

    /// Sets or clears the bits of `pages`, which are covered, and nothing else: [`rebuild`](Self::rebuild)
    /// follows.
    pub(crate) fn fill(&mut self, pages: PageRange, free: bool) {
        let (first, last) = self.indices(pages);
        for (word, mask) in pieces(first, last) {
            let bits = &mut self.0[HEADER_WORDS + word];
            *bits = if free { *bits | mask } else { *bits & !mask };
        }
    }

    /// Computes every record, set and reach anew from the bitmap: at the speed at which memory is read.
    pub(crate) fn rebuild(&mut self) {
        let chunks = self.chunks();
        let set = broken_set_at(chunks);
        self.0[used_set_at(chunks)..offers_at(chunks)].fill(0);
        for chunk in 0..chunks {
            let record = ChunkRecord::of(self.chunk_words(chunk));
            self.0[HEADER_WORDS + CHUNK_WORDS * chunks + chunk] = record.0;
            if record.counts_as_broken() {
                word_set::insert(&mut self.0[set..], chunks, chunk);
            }
        }
        reach::rebuild(&mut self.0, 0, chunks - 1);
    }

    /// Makes the block cover `pages`, and all that it covers already: moves the bitmap and writes the header. Bits
    /// that come in are zero; the summaries are left to [`rebuild`](Self::rebuild).
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_run_around_free_pages_reaches_from_one_used_page_to_the_next() {
        const BORDERS: [usize; 14] = [0, 1, 5, 63, 64, 65, 127, 128, 300, 447, 448, 510, 511, 512];
        let mut words = [0; block_words(2)];
        let mut span = Span(&mut words[..]);
        span.write_header(PageRange::counted(0, 2 * CHUNK_PAGES).unwrap(), None);
        let above = |low: usize| BORDERS.into_iter().filter(move |high| *high > low);
        for chunk in 0..2 {
            for (low, high) in BORDERS.into_iter().flat_map(|low| above(low).map(move |high| (low, high))) {
                let run = PageRange::counted(chunk * CHUNK_PAGES + low, high - low).unwrap();
                span.fill(run, true);
                // What is free already stays free.
                span.fill(run, true);
                for first in [low, low.midpoint(high), high - 1] {
                    for end in [first + 1, first.midpoint(high).max(first + 1), high] {
                        let around = span.run_around(chunk, first, end);
                        assert_eq!(around, (low, high), "around {first} to {end} in chunk {chunk}");
                    }
                }
                span.fill(run, false);
            }
        }
    }
}
