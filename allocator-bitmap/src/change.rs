//! Pages of a span that become used or free.
//!
//! Whole runs keep the records exact. Where little is changed at a time, a chunk's record may be *stale* instead, and
//! nothing but bits changes: see [`stale`](crate::stale).
//!
//! # Costs
//!
//! `n` pages touch n/64 words, the records of their chunks, and of the tree those nodes that change.
#![forbid(unsafe_code)]

use core::{num::NonZero, ops::DerefMut};

use crate::{
    bits::{WORD_PAGES, ones},
    layout::{HEADER_WORDS, broken_set_at},
    reach,
    span::Span,
    summary::{CHUNK_PAGES, CHUNK_WORDS, ChunkRecord, Standing, largest_block},
    word_set,
};

/// Up to this many chunks, changes are carried upwards one by one; of more, what is above is computed anew.
const FEW_CHUNKS: usize = 4;

/// Whether the run of ones that results when the zeros `pages` of a word, neighbours of which `first` is the lowest, become
/// ones ends inside the word on both sides and has no more than `hidden` pages.
#[inline]
fn hides_run(word: u64, pages: u64, first: u64, hidden: usize) -> bool {
    debug_assert!(pages & pages.wrapping_neg() == first && first != 0 && word & pages == 0);
    let used = !word;
    // The zeros below the run and above it. What lies between the nearest is the run, with `pages` in it.
    let below = used & (first - 1);
    let above = used - below - pages;
    match (NonZero::new(below), NonZero::new(above)) {
        (Some(below), Some(above)) => (above.trailing_zeros() - below.ilog2()) as usize <= hidden + 1,
        _ => false,
    }
}

/// Makes the pages `first` to `end` (exclusive) of a chunk, which are not so yet, free or used.
#[inline]
pub(crate) fn set_run(words: &mut [u64; CHUNK_WORDS], first: usize, end: usize, free: bool) {
    debug_assert!(first < end && end <= CHUNK_PAGES);
    let flip = |word: &mut u64, pages: u64| {
        debug_assert_eq!(*word & pages, if free { 0 } else { pages }, "pages that change are not so yet");
        *word ^= pages;
    };
    let (low, high) = (first / WORD_PAGES, (end - 1) / WORD_PAGES % CHUNK_WORDS);
    let from = u64::MAX << (first % WORD_PAGES);
    let to = u64::MAX >> (WORD_PAGES - 1 - (end - 1) % WORD_PAGES);
    if low >= high {
        return flip(&mut words[high], from & to);
    }
    flip(&mut words[low], from);
    words[low + 1..high].iter_mut().for_each(|word| flip(word, u64::MAX));
    flip(&mut words[high], to);
}

/// What came of putting pages back without a look beyond their word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Put {
    /// They are free now.
    Done,
    /// Nothing changed: one of them is free already.
    Refused,
    /// Nothing changed: the record of the chunk may have to, or they lie in more than one word.
    Undecided,
}

/// What came of putting one page back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PutPage {
    /// It is free now.
    Done,
    /// It is free now, and the record of its chunk, which is not stale, has to become another one.
    Unfit {
        /// The record that there is.
        old: ChunkRecord,
        /// The record that fits.
        new: ChunkRecord,
    },
    /// Nothing changed: it is free already.
    Refused,
}

impl<W: DerefMut<Target = [u64]>> Span<W> {
    /// Stores chunk `chunk`'s record and keeps the set of broken chunks right. Returns whether that became empty or not
    /// empty.
    #[inline]
    fn store(&mut self, chunk: usize, old: ChunkRecord, new: ChunkRecord) -> bool {
        let chunks = self.chunks();
        self.0[HEADER_WORDS + CHUNK_WORDS * chunks + chunk] = new.with_kept_of(old).0;
        if old.counts_as_broken() == new.counts_as_broken() {
            return false;
        }
        let before = self.has_broken();
        let set = &mut self.0[broken_set_at(chunks)..];
        if new.counts_as_broken() {
            word_set::insert(set, chunks, chunk);
        } else {
            word_set::remove(set, chunks, chunk);
        }
        before != self.has_broken()
    }

    /// [`store`](Self::store), and the tree. Returns whether the directory has to know.
    pub(crate) fn settle(&mut self, chunk: usize, old: ChunkRecord, new: ChunkRecord) -> bool {
        if old == new.with_kept_of(old) {
            return false;
        }
        let broken_changed = self.store(chunk, old, new);
        let offer_changed = reach::record_changed(&mut self.0, chunk, old);
        broken_changed || offer_changed
    }

    /// Does `change` to each chunk that the pages with indices `first` to `last` lie in, and settles what comes of it.
    #[inline]
    fn by_chunks(
        &mut self,
        first: usize,
        last: usize,
        change: impl Fn(&mut Self, usize, usize, usize) -> (ChunkRecord, ChunkRecord),
    ) -> bool {
        let (low, high) = (first / CHUNK_PAGES, last / CHUNK_PAGES);
        let (from, to) = (first % CHUNK_PAGES, last % CHUNK_PAGES + 1);
        if low == high {
            let (old, new) = change(self, low, from, to);
            return self.settle(low, old, new);
        }
        let mut has_to_know = false;
        let are_few = high - low < FEW_CHUNKS;
        for chunk in low..=high {
            let from = if chunk == low { from } else { 0 };
            let to = if chunk == high { to } else { CHUNK_PAGES };
            let (old, new) = change(self, chunk, from, to);
            has_to_know |= if are_few { self.settle(chunk, old, new) } else { self.store(chunk, old, new) };
        }
        has_to_know | (!are_few && reach::rebuild(&mut self.0, low, high))
    }

    /// Says of some words of chunk `chunk` that they have pages of kept runs, or if they had, that they have none.
    #[inline]
    pub(crate) fn change_kept(&mut self, chunk: usize, words: u8) {
        let at = HEADER_WORDS + CHUNK_WORDS * self.chunks() + chunk;
        self.0[at] = ChunkRecord(self.0[at]).with_changed_kept(words).0;
    }

    /// Makes the free pages with indices `first` to `last` used. Returns whether the directory has to know.
    pub(crate) fn take(&mut self, first: usize, last: usize) -> bool {
        self.by_chunks(first, last, Self::take_in_chunk)
    }

    /// Returns the record of before and of after.
    fn take_in_chunk(&mut self, chunk: usize, first: usize, end: usize) -> (ChunkRecord, ChunkRecord) {
        let old = self.record(chunk);
        let (low, high) = if old.is_stale() { (first, end) } else { self.run_around(chunk, first, end) };
        set_run(self.chunk_words_mut(chunk), first, end, false);
        if old.is_stale() {
            return (old, old);
        }
        let words = self.chunk_words(chunk);
        let largest = |longest| largest_block(words, longest);
        let new = match old.summary().without([first, end], [low, high], CHUNK_PAGES, largest) {
            Some(summary) => ChunkRecord::new(summary),
            None => ChunkRecord::of(words),
        };
        (old, new)
    }

    /// Makes the used pages with indices `first` to `last` free. Returns whether the directory has to know.
    pub(crate) fn put(&mut self, first: usize, last: usize) -> bool {
        self.by_chunks(first, last, Self::put_in_chunk)
    }

    fn put_in_chunk(&mut self, chunk: usize, first: usize, end: usize) -> (ChunkRecord, ChunkRecord) {
        let old = self.record(chunk);
        set_run(self.chunk_words_mut(chunk), first, end, true);
        (old, if old.is_stale() { old } else { self.grown(chunk, first, end, old) })
    }

    /// What the record `old` of chunk `chunk`, which is not stale, becomes when its pages `first` to `end` (exclusive)
    /// became free.
    fn grown(&self, chunk: usize, first: usize, end: usize, old: ChunkRecord) -> ChunkRecord {
        let (low, high) = self.run_around(chunk, first, end);
        ChunkRecord::new(old.summary().with_run(low, high, CHUNK_PAGES))
    }

    /// Makes the page with index `index` free if it is used, no run of its chunk is kept, and one look shows that nothing but
    /// its bit changes: the
    /// record of its chunk, which is word `record_at` of the block, is stale, or hides the run that results, and that
    /// touches no end of its word. Returns whether it was so.
    #[inline]
    pub(crate) fn put_quickly(&mut self, index: usize, record_at: usize) -> bool {
        // An index beyond the block is no page of it.
        let Some(record) = self.0.get(record_at).copied() else { return false };
        let Some(word) = self.0.get_mut(HEADER_WORDS + index / WORD_PAGES) else { return false };
        let (record, page) = (ChunkRecord(record), 1 << (index % WORD_PAGES));
        if *word & page != 0 {
            return false;
        }
        let is_hidden = match record.standing() {
            Standing::Right => hides_run(*word, page, page, record.hidden()),
            Standing::Stale => true,
            Standing::Keeps => false,
        };
        if !is_hidden {
            return false;
        }
        *word |= page;
        true
    }

    /// Makes the `count` used pages from index `index` on, at least one, free if they lie in one word without kept
    /// pages and nothing but its bits changes: the record is stale, or hides the run that results, and that touches no end
    /// of the word.
    #[inline]
    pub(crate) fn put_in_word(&mut self, index: usize, count: usize) -> Put {
        let bit = index % WORD_PAGES;
        let record = self.record(index / CHUNK_PAGES);
        let word = &mut self.0[HEADER_WORDS + index / WORD_PAGES];
        if count > WORD_PAGES - bit {
            return Put::Undecided;
        }
        let pages = ones(bit, count);
        if *word & pages != 0 {
            return Put::Refused;
        }
        let has_kept = record.kept_words() >> (index / WORD_PAGES % CHUNK_WORDS) & 1 != 0;
        if !has_kept && (record.is_stale() || hides_run(*word, pages, 1 << bit, record.hidden())) {
            *word |= pages;
            return Put::Done;
        }
        Put::Undecided
    }

    /// Makes the page with index `index` free, if it is used.
    pub(crate) fn put_page(&mut self, index: usize) -> PutPage {
        let (chunk, page) = (index / CHUNK_PAGES, index % CHUNK_PAGES);
        let old = self.record(chunk);
        let word = &mut self.0[HEADER_WORDS + index / WORD_PAGES];
        let bit = 1 << (page % WORD_PAGES);
        if *word & bit != 0 {
            return PutPage::Refused;
        }
        *word |= bit;
        if old.is_stale() {
            return PutPage::Done;
        }
        let (low, high) = self.run_around(chunk, page, page + 1);
        if high - low <= old.hidden() && low != 0 && high != CHUNK_PAGES {
            return PutPage::Done;
        }
        let new = ChunkRecord::new(old.summary().with_run(low, high, CHUNK_PAGES));
        if old == new.with_kept_of(old) { PutPage::Done } else { PutPage::Unfit { old, new } }
    }

    /// Marks the record of chunk `chunk`, which is not stale, as stale. Returns whether the directory has to know.
    pub(crate) fn make_stale(&mut self, chunk: usize) -> bool {
        let old = self.record(chunk);
        debug_assert!(!old.is_stale());
        self.store(chunk, old, old.stale())
    }

    /// Computes the record of chunk `chunk` anew if it is stale. Returns whether the directory has to know.
    pub(crate) fn refresh(&mut self, chunk: usize) -> bool {
        let old = self.record(chunk);
        old.is_stale() && self.settle(chunk, old, ChunkRecord::of(self.chunk_words(chunk)))
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{vec, vec::Vec};

    use super::*;
    use crate::{layout::block_words, pages::PageRange};

    /// Two chunks without a free page but for some runs in the second.
    fn two_chunks() -> Vec<u64> {
        let mut words = vec![0; block_words(2)];
        let mut span = Span(words.as_mut_slice());
        span.write_header(PageRange::counted(0, 2 * CHUNK_PAGES).unwrap(), None);
        // Inside a word, at its end, at its start, the longest, whose largest block has four pages, and a page alone.
        for (first, count) in [(10, 3), (61, 3), (128, 3), (201, 9), (300, 1)] {
            span.fill(PageRange::counted(CHUNK_PAGES + first, count).unwrap(), true);
        }
        span.rebuild();
        words
    }

    /// What is to come of putting the `count` pages from index `index` on back, by counting.
    fn put_by_counting(words: &[u64], index: usize, count: usize, is_stale: bool, kept: u8) -> Put {
        let is_free = |page: usize| words[HEADER_WORDS + page / WORD_PAGES] >> (page % WORD_PAGES) & 1 == 1;
        let (start, pages) = (index / WORD_PAGES * WORD_PAGES, index..index + count);
        if pages.end > start + WORD_PAGES {
            return Put::Undecided;
        }
        if pages.clone().any(is_free) {
            return Put::Refused;
        }
        let low = (start..index).rev().take_while(|page| is_free(*page)).count();
        let high = (pages.end..start + WORD_PAGES).take_while(|page| is_free(*page)).count();
        let is_inside = index - low > start && pages.end + high < start + WORD_PAGES;
        let is_hidden = is_stale || is_inside && low + count + high <= 7;
        let has_kept = kept >> (index / WORD_PAGES % CHUNK_WORDS) & 1 != 0;
        if is_hidden && !has_kept { Put::Done } else { Put::Undecided }
    }

    #[test]
    fn pages_go_back_by_one_look_exactly_where_word_and_record_allow_it() {
        for (is_stale, kept) in [(false, 0), (true, 0), (false, 0b100), (true, 0b100)] {
            let mut before = two_chunks();
            let mut span = Span(before.as_mut_slice());
            let _has_to_know = is_stale && span.make_stale(1);
            span.change_kept(1, kept);
            for (index, count) in (CHUNK_PAGES..2 * CHUNK_PAGES).flat_map(|index| (1..=9).map(move |n| (index, n)))
            {
                let expected = put_by_counting(&before, index, count, is_stale, kept);
                let mut changed = before.clone();
                if expected == Put::Done {
                    changed[HEADER_WORDS + index / WORD_PAGES] |= ones(index % WORD_PAGES, count);
                }
                let mut words = before.clone();
                let put = Span(words.as_mut_slice()).put_in_word(index, count);
                assert_eq!((put, &words), (expected, &changed), "{count} pages from {index}");
                if count == 1 {
                    let is_quick = expected == Put::Done && kept == 0;
                    let mut words = before.clone();
                    let mut span = Span(words.as_mut_slice());
                    assert_eq!(span.put_quickly(index, HEADER_WORDS + 2 * CHUNK_WORDS + 1), is_quick, "{index}");
                    assert_eq!(&words, if is_quick { &changed } else { &before }, "{index}");
                }
            }
        }
    }

    #[test]
    fn a_run_is_hidden_exactly_if_it_ends_inside_the_word_and_has_few_pages() {
        let mut state = 1_u64;
        for _ in 0..2000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let word = state & state.rotate_left(23) | u64::MAX << (state % 61) & !(state >> 3);
            for bit in (0..WORD_PAGES).filter(|bit| word >> bit & 1 == 0) {
                let zeros = (!word >> bit).trailing_ones() as usize;
                for count in [1, zeros / 2 + 1, zeros] {
                    let pages = ones(bit, count);
                    let after = word | pages;
                    let above = (after >> bit).trailing_ones() as usize;
                    let below = (after << (WORD_PAGES - 1 - bit)).leading_ones() as usize - 1;
                    let inside = bit + above < WORD_PAGES && below < bit;
                    for most in [above + below - 1, above + below, WORD_PAGES] {
                        let hidden = inside && above + below <= most;
                        assert_eq!(hides_run(word, pages, 1 << bit, most), hidden, "{word:#x} {pages:#x}");
                    }
                }
            }
        }
    }
}
