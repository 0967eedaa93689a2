//! Pages of a span that become used or free.
//!
//! Whole runs keep the records exact. Where little is changed at a time, a chunk's record may become *stale*
//! instead: see [`stale`](crate::stale).
//!
//! # Costs
//!
//! `n` pages touch n/64 words and, of the levels above, those nodes that change: mostly none or one.
#![forbid(unsafe_code)]

use core::ops::DerefMut;

use crate::{
    bits::{WORD_PAGES, longest_run_above, ones},
    layout::{HEADER_WORDS, set_at},
    levels,
    span::{Span, pieces},
    summary::{CHUNK_PAGES, CHUNK_WORDS, ChunkRecord},
    word_set,
};

/// Up to this many chunks, changes are carried upwards one by one; of more, the levels are computed anew.
const FEW_CHUNKS: usize = 4;

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

impl<W: DerefMut<Target = [u64]>> Span<W> {
    /// Stores chunk `chunk`'s record and keeps the set of broken chunks. Returns whether that became empty or not
    /// empty.
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
        self.by_chunks(first, last, |span, chunk, first, end| span.take_in_chunk(chunk, first, end, false))
    }

    /// Returns the record of before and of after, which is stale where it would have to be computed and
    /// `may_be_stale`.
    fn take_in_chunk(
        &mut self,
        chunk: usize,
        first: usize,
        end: usize,
        may_be_stale: bool,
    ) -> (ChunkRecord, ChunkRecord) {
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
            None if may_be_stale => old.with_mask(mask).stale(),
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

    /// What the record `old` of chunk `chunk` becomes when its pages `first` to `end` (exclusive) became free. Its
    /// mask is right already.
    fn grown(&self, chunk: usize, first: usize, end: usize, old: ChunkRecord) -> ChunkRecord {
        if !old.is_stale() {
            let (low, high) = self.run_around(chunk, first, end);
            return ChunkRecord::new(old.summary().with_run(low, high, CHUNK_PAGES), old.mask());
        }
        let words = self.chunk_words(chunk);
        if words.iter().all(|word| *word == u64::MAX) { ChunkRecord::of(words) } else { old }
    }

    /// Makes the `count` used pages from index `index` on, 1 to 64, free if they lie in one word and nothing but
    /// its bits changes: there are free pages in the word, and the record does not show the run that results, or
    /// is stale already. Returns whether it was so; else nothing has changed.
    #[inline]
    pub(crate) fn put_quickly(&mut self, index: usize, count: usize) -> bool {
        let bit = index % WORD_PAGES;
        if count > WORD_PAGES - bit {
            return false;
        }
        let pages = ones(bit, count);
        let chunks = self.chunks();
        // An index beyond the block is no page of it.
        let Some(before) = self.0.get(HEADER_WORDS + index / WORD_PAGES).copied() else {
            return false;
        };
        let after = before | pages;
        // A word that becomes wholly free may make the chunk so.
        if before == 0 || before & pages != 0 || after == u64::MAX {
            return false;
        }
        // One page alone between used ones of its word is no longer a run than others there. At the ends of the
        // word, one of the pages beside is in another one.
        let beside = before & (pages << 1 | pages >> 1) != 0 || bit.wrapping_sub(1) >= WORD_PAGES - 2;
        if count > 1 || beside {
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

    /// Makes the used page with index `index` free. If its chunk's record changes, it becomes stale where
    /// `may_be_stale`.
    pub(crate) fn put_one(&mut self, index: usize, may_be_stale: bool) -> After {
        let (chunk, page) = (index / CHUNK_PAGES, index % CHUNK_PAGES);
        let (old, new) = self.put_in_chunk(chunk, page, page + 1);
        let marked = old.with_mask(new.mask());
        if may_be_stale && !old.is_stale() && new != marked && new.longest() != CHUNK_PAGES {
            return After { tell: self.store(chunk, old, marked.stale()), stale: Some(chunk) };
        }
        After { tell: self.settle(chunk, old, new), stale: None }
    }

    /// Makes the free pages with indices `first` to `last`, in one chunk, used. If its record would have to be
    /// computed anew, it becomes stale where `may_be_stale`.
    pub(crate) fn take_few(&mut self, first: usize, last: usize, may_be_stale: bool) -> After {
        let chunk = first / CHUNK_PAGES;
        let (old, new) = self.take_in_chunk(chunk, first % CHUNK_PAGES, last % CHUNK_PAGES + 1, may_be_stale);
        let stale = (new.is_stale() && !old.is_stale()).then_some(chunk);
        After { tell: self.settle(chunk, old, new), stale }
    }

    /// Takes all free pages of word `word`, of which there are some. If the chunk's record changes, it becomes
    /// stale where `may_be_stale`. Returns the pages.
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

    /// Makes the pages `free` of word `word`, all of whose pages are used, free. Returns whether the directory has
    /// to know.
    pub(crate) fn put_word(&mut self, word: usize, free: u64) -> bool {
        let chunk = word / CHUNK_WORDS;
        debug_assert_eq!(self.word(word), 0);
        self.0[HEADER_WORDS + word] = free;
        let new = ChunkRecord::of(self.chunk_words(chunk));
        self.settle(chunk, self.record(chunk), new)
    }
}
