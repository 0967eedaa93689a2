//! What a stretch of pages can offer, in four numbers.
//!
//! ```text
//!   ▒ used   ░ free
//!   ┌──────────────────────────────────────┐
//!   │░░░▒▒░▒▒▒▒░░░░░░░░░▒▒▒▒░▒▒▒▒▒▒▒▒▒░░░░░│
//!   └──────────────────────────────────────┘
//!   start = 3    longest = 9       end = 5         block = 4: four pages from a multiple of four on
//! ```
//!
//! # Invariants
//!
//! - `start <= longest`, `end <= longest`, `longest <= size`.
//! - `block` is zero exactly if `longest` is, else a power of two with `block <= longest < 4·block`: a run of `2·block` pages may be
//!   there, but none begins at a multiple of that.
//! - `start == size`, `end == size` and `longest == size` imply one another: the stretch is wholly free.
#![forbid(unsafe_code)]

use core::num::NonZero;

use crate::bits::{WORD_PAGES, aligned_positions, longest_run_above};

/// Words in a chunk.
pub(crate) const CHUNK_WORDS: usize = 8;
/// Pages in a chunk: with pages of 4 KiB, a huge page of 2 MiB.
pub(crate) const CHUNK_PAGES: usize = CHUNK_WORDS * WORD_PAGES;

/// Free pages at the start, in the longest run, at the end, and in the largest block of a stretch of pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Summary {
    /// Free pages before the first used one.
    pub(crate) start: usize,
    /// Pages in the longest free run.
    pub(crate) longest: usize,
    /// Free pages after the last used one.
    pub(crate) end: usize,
    /// Pages in the largest [buddy block](crate::offer): 0 if no page is free.
    pub(crate) block: usize,
}

/// Pages in the largest block of the run `first` to `end` (exclusive), of which there is at least one page.
#[inline]
const fn block_in_run(first: usize, end: usize) -> usize {
    // The largest power of two that has room; if its multiples do not fit, there is surely one of half of it.
    let most = 1 << (end - first).ilog2();
    if first.next_multiple_of(most) + most <= end { most } else { most / 2 }
}

impl Summary {
    /// The summary after the pages `first` to `end` (exclusive) were taken from the free run `low` to `high`
    /// (exclusive) of a stretch of `size` pages; `None` if that takes a look at the other runs. If the largest block may have
    /// been there, `largest` says, given the longest run, how large it is now.
    #[inline]
    pub(crate) fn without(
        self,
        [first, end]: [usize; 2],
        [low, high]: [usize; 2],
        size: usize,
        largest: impl FnOnce(usize) -> usize,
    ) -> Option<Self> {
        debug_assert!(low <= first && first < end && end <= high);
        if high - low >= self.longest {
            return None;
        }
        Some(Self {
            start: if low == 0 { first } else { self.start },
            end: if high == size { size - end } else { self.end },
            block: if block_in_run(low, high) < self.block { self.block } else { largest(self.longest) },
            ..self
        })
    }

    /// The summary after a free run grew to be the pages `first` to `end` (exclusive) of a stretch of `size`
    /// pages.
    #[inline]
    pub(crate) const fn with_run(self, first: usize, end: usize, size: usize) -> Self {
        debug_assert!(first < end && end <= size);
        let length = end - first;
        Self {
            start: if first == 0 { length } else { self.start },
            longest: if length > self.longest { length } else { self.longest },
            end: if end == size { length } else { self.end },
            block: {
                let block = block_in_run(first, end);
                if block > self.block { block } else { self.block }
            },
        }
    }
}

/// Pages in the largest block of a chunk whose longest free run has `longest` pages.
#[inline]
pub(crate) fn largest_block(words: &[u64; CHUNK_WORDS], longest: usize) -> usize {
    let Some(bits) = longest.checked_ilog2() else { return 0 };
    let most = 1 << bits;
    // A run of almost twice as many pages has a block wherever it begins.
    let has_most = longest + 1 >= 2 * most
        || if most <= WORD_PAGES {
            // All words at once: their steps are the same.
            let mut starts = *words;
            for step in 0..bits {
                starts.iter_mut().for_each(|word| *word &= *word >> (1 << step));
            }
            starts.iter().fold(0, |any, word| any | word) & aligned_positions(most) != 0
        } else {
            words.chunks_exact(most / WORD_PAGES).any(|words| words.iter().all(|word| *word == u64::MAX))
        };
    if has_most { most } else { most / 2 }
}

/// Free pages before the first used one.
fn free_at_start(words: &[u64; CHUNK_WORDS]) -> usize {
    let mut start = 0;
    for word in words {
        match NonZero::new(!word) {
            None => start += WORD_PAGES,
            Some(used) => return start + used.trailing_zeros() as usize,
        }
    }
    start
}

/// What more than its numbers there is to a [`ChunkRecord`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    /// Nothing: they are right.
    Right,
    /// It is stale, and no run of the chunk is kept.
    Stale,
    /// Runs of the chunk are kept.
    Keeps,
}

/// The summary of a chunk, packed into a word.
///
/// ```text
///   bits 0..12 start   12..24 longest   24..36 end   36..48 hidden   48 stale   56..64 words with kept runs
/// ```
///
/// *Hidden* is how many pages a run may have that changes neither the longest run nor the largest block: it has no
/// more than the longest, and not twice as many as the block. So it says what the block is, and of a run that comes,
/// one comparison says whether it matters.
///
/// The numbers of a *stale* record are those of an earlier time, which the tree still stands on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ChunkRecord(pub(crate) u64);

impl ChunkRecord {
    const NUMBER: u64 = (1 << 12) - 1;
    const LONGEST_SHIFT: u32 = 12;
    const END_SHIFT: u32 = 24;
    const HIDDEN_SHIFT: u32 = 36;
    const STALE: u64 = 1 << 48;
    const KEPT_SHIFT: u32 = 56;

    /// The record of a chunk of which `words` are the bits.
    pub(crate) fn of(words: &[u64; CHUNK_WORDS]) -> Self {
        // First the runs that end at a word's border or cross it.
        let (mut longest, mut run, mut longest_end) = (0, 0, 0);
        for (i, word) in words.iter().enumerate() {
            run = match NonZero::new(!*word) {
                None => run + WORD_PAGES,
                Some(used) => {
                    let leading = used.trailing_zeros() as usize;
                    if run + leading > longest {
                        (longest, longest_end) = (run + leading, i * WORD_PAGES + leading);
                    }
                    used.leading_zeros() as usize
                }
            };
        }
        let end = run;
        if run > longest {
            (longest, longest_end) = (run, CHUNK_PAGES);
        }
        let crossing = longest;
        // Then those inside a word, which mostly are no longer, and never longer than this.
        for &word in words {
            if longest >= WORD_PAGES - 2 {
                break;
            }
            if word != 0 {
                longest = longest_run_above(word, longest);
            }
        }
        // The longest run mostly has the largest block.
        let likely =
            if longest == crossing && longest > 0 { block_in_run(longest_end - longest, longest_end) } else { 0 };
        let block = if 2 * likely > longest { likely } else { largest_block(words, longest) };
        Self::new(Summary { start: free_at_start(words), longest, end, block })
    }

    #[inline]
    pub(crate) const fn new(summary: Summary) -> Self {
        let Summary { start, longest, end, block } = summary;
        debug_assert!(longest <= CHUNK_PAGES && block <= longest && (longest < 4 * block || longest == 0));
        let misfit = (2 * block).saturating_sub(1);
        let hidden = if misfit < longest { misfit } else { longest };
        Self(
            start as u64
                | (longest as u64) << Self::LONGEST_SHIFT
                | (end as u64) << Self::END_SHIFT
                | (hidden as u64) << Self::HIDDEN_SHIFT,
        )
    }

    /// The numbers.
    #[inline]
    pub(crate) const fn summary(self) -> Summary {
        Summary { start: self.start(), longest: self.longest(), end: self.end(), block: self.block() }
    }

    /// Free pages before the first used one.
    #[inline]
    pub(crate) const fn start(self) -> usize {
        (self.0 & Self::NUMBER) as usize
    }

    /// Pages in the longest free run.
    #[inline]
    pub(crate) const fn longest(self) -> usize {
        (self.0 >> Self::LONGEST_SHIFT & Self::NUMBER) as usize
    }

    /// Free pages after the last used one.
    #[inline]
    pub(crate) const fn end(self) -> usize {
        (self.0 >> Self::END_SHIFT & Self::NUMBER) as usize
    }

    /// How many pages a run may have, at most, that neither reaches an end of the chunk nor matters.
    #[inline]
    pub(crate) const fn hidden(self) -> usize {
        (self.0 >> Self::HIDDEN_SHIFT & Self::NUMBER) as usize
    }

    /// Pages in the largest block, or 0.
    #[inline]
    pub(crate) const fn block(self) -> usize {
        match self.hidden().checked_ilog2() {
            Some(bits) => 1 << bits,
            None => 0,
        }
    }

    /// Whether all pages are free.
    #[inline]
    pub(crate) const fn is_whole(self) -> bool {
        self.longest() == CHUNK_PAGES
    }

    /// Whether the chunk is to be in the set of broken ones: some of its pages are free and some are not, or the
    /// record is stale.
    #[inline]
    pub(crate) const fn counts_as_broken(self) -> bool {
        self.is_stale() || (self.longest() != 0 && !self.is_whole())
    }

    /// Whether the numbers are of an earlier time.
    #[inline]
    pub(crate) const fn is_stale(self) -> bool {
        self.0 & Self::STALE != 0
    }

    /// The same record, stale.
    #[inline]
    pub(crate) const fn stale(self) -> Self {
        Self(self.0 | Self::STALE)
    }

    /// Which words of the chunk have pages of kept runs: a bit a word.
    #[inline]
    pub(crate) const fn kept_words(self) -> u8 {
        (self.0 >> Self::KEPT_SHIFT) as u8
    }

    /// What more than its numbers there is to the record.
    #[inline]
    pub(crate) const fn standing(self) -> Standing {
        match self.0 / Self::STALE {
            0 => Standing::Right,
            1 => Standing::Stale,
            _ => Standing::Keeps,
        }
    }

    /// The same record with pages of kept runs in other words: those told are changed.
    #[inline]
    pub(crate) const fn with_changed_kept(self, words: u8) -> Self {
        Self(self.0 ^ (words as u64) << Self::KEPT_SHIFT)
    }

    /// The same record with the kept runs of `other`.
    #[inline]
    pub(crate) const fn with_kept_of(self, other: Self) -> Self {
        self.with_changed_kept(self.kept_words() ^ other.kept_words())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    /// The summary of a list of pages, by counting.
    pub(crate) fn counted(free: &[bool]) -> Summary {
        let start = free.iter().take_while(|f| **f).count();
        let end = free.iter().rev().take_while(|f| **f).count();
        let longest = free.split(|f| !f).map(<[bool]>::len).max().unwrap_or(0);
        let blocks = (0..).map(|bits| 1 << bits).take_while(|block| *block <= free.len());
        let block = blocks.filter(|block| free.chunks_exact(*block).any(|free| !free.contains(&false))).max();
        Summary { start, longest, end, block: block.unwrap_or(0) }
    }

    fn pattern(bits: u32, count: usize) -> Vec<bool> {
        (0..count).map(|i| bits >> i & 1 == 1).collect()
    }

    #[test]
    fn growing_a_run_agrees_with_counting() {
        for bits in 0..1_u32 << 10 {
            for page in (0..10).filter(|p| bits >> p & 1 == 0) {
                let (before, after) = (pattern(bits, 10), pattern(bits | 1 << page, 10));
                let first = page - after[..page].iter().rev().take_while(|f| **f).count();
                let end = page + after[page..].iter().take_while(|f| **f).count();
                assert_eq!(counted(&before).with_run(first, end, 10), counted(&after));
            }
        }
    }

    #[test]
    fn shrinking_a_run_agrees_with_counting_or_asks_for_it() {
        let mut asked = [0, 0];
        for bits in 0..1_u32 << 10 {
            let before = pattern(bits, 10);
            for (first, end) in (0..10).flat_map(|f| (f + 1..=10).map(move |e| (f, e))) {
                let taken = ((1 << end) - 1) & !((1 << first) - 1);
                if bits & taken != taken {
                    continue;
                }
                let low = first - before[..first].iter().rev().take_while(|f| **f).count();
                let high = end + before[end..].iter().take_while(|f| **f).count();
                let after = counted(&pattern(bits & !taken, 10));
                let mut has_looked = false;
                let largest = |longest| {
                    has_looked = true;
                    assert_eq!(longest, after.longest);
                    after.block
                };
                match counted(&before).without([first, end], [low, high], 10, largest) {
                    Some(summary) => assert_eq!(summary, after),
                    None => {
                        assert_eq!(high - low, counted(&before).longest, "another run is longer");
                        asked[0] += 1;
                    }
                }
                let run: Vec<bool> = (0..10).map(|page| (low..high).contains(&page)).collect();
                assert!(!has_looked || counted(&run).block == counted(&before).block, "another block is larger");
                asked[1] += usize::from(has_looked);
            }
        }
        assert!(asked.iter().all(|asked| *asked > 0));
    }

    #[test]
    fn a_chunk_record_agrees_with_counting_across_word_borders() {
        let mut state = 1_u64;
        for round in 0..40_000 {
            let mut words = [0; CHUNK_WORDS];
            for word in &mut words {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let random = state.rotate_left(32);
                let ends = u64::MAX << (random & 63) | u64::MAX >> (random >> 8 & 63);
                let thick = random | random.rotate_left(19) | random.rotate_left(41);
                *word = [0, u64::MAX, random, ends, !ends, thick, u64::MAX][(state >> 20) as usize % 7];
            }
            let free: Vec<bool> = (0..CHUNK_PAGES).map(|p| words[p / 64] >> (p % 64) & 1 == 1).collect();
            let record = ChunkRecord::of(&words);
            assert_eq!(record.summary(), counted(&free), "round {round}: {words:x?}");
            let Summary { longest, block, .. } = counted(&free);
            assert_eq!((record.longest(), record.hidden()), (longest, longest.min((2 * block).saturating_sub(1))));
            assert_eq!(record.counts_as_broken(), free.contains(&true) && free.contains(&false));
            assert!(record.stale().is_stale() && !record.is_stale() && record.stale().counts_as_broken());
            assert_eq!((record.stale().summary(), record.stale().stale()), (record.summary(), record.stale()));
            let kept = record.stale().with_changed_kept(0b1010_0001);
            assert_eq!((kept.kept_words(), record.kept_words()), (0b1010_0001, 0));
            assert_eq!((kept.summary(), kept.is_stale()), (record.summary(), true));
            let standings = [record, record.stale(), record.with_kept_of(kept), kept].map(ChunkRecord::standing);
            assert_eq!(standings, [Standing::Right, Standing::Stale, Standing::Keeps, Standing::Keeps]);
            assert_eq!(kept.with_changed_kept(0b1000_0001).kept_words(), 0b10_0000);
            assert_eq!(record.with_kept_of(kept).stale(), kept);
            assert_eq!(kept.with_kept_of(record), record.stale());
        }
    }
}
