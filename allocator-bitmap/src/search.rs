//! Finding free runs: the chunk by the tree of [`reach`](crate::reach), the place in it by its words.
//!
//! ```text
//!   chunk        0          1          2          3
//!   reach        4         13          0          2        wanted: 6 pages
//!             ▒▒░░░░▒▒  ▒▒░▒▒▒░░░  ░░░░░░░░  ░░▒▒░░▒▒
//!                             └─ found: at chunk 1's end, and on through what follows
//! ```
//!
//! A chunk that reaches far enough has the run between two used pages of its own, which its words show, or at its end,
//! which its record shows.
//!
//! # Costs
//!
//! Where a run may begin at any page, the first chunk that reaches far enough has it: with n chunks that is O(log n) for
//! the chunk, and eight words, whether the run exists or not.
//!
//! So it is for a [buddy block](crate::offer), a run aligned to its own length of up to 512 pages: the tree knows who has
//! one. Other alignments it does not know: each chunk that reaches far enough may have to be looked at. For an
//! alignment of 512 pages or more that is its record; else it is eight words.
#![forbid(unsafe_code)]

use core::num::NonZero;

use crate::{
    bits::{WORD_PAGES, aligned_positions, run_starts},
    layout::{CHUNKS, HEADER_WORDS},
    reach::{free_from, next_reaching, next_with_block},
    summary::{CHUNK_PAGES, CHUNK_WORDS, ChunkRecord},
};

/// A free run that is looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// How many pages, at least one.
    pub(crate) count: usize,
    /// Its index plus `skew` is a multiple of this, a power of two.
    pub(crate) align: usize,
    /// The number of the page with index 0, a multiple of [`CHUNK_PAGES`], or what it leaves when divided by `align`.
    pub(crate) skew: usize,
    /// In how many chunks the run is looked for before the search is given up.
    pub(crate) patience: usize,
}

impl Wanted {
    /// `count` pages at any index.
    pub(crate) const fn any(count: usize) -> Self {
        Self { count, align: 1, skew: 0, patience: usize::MAX }
    }

    /// Whether what is wanted is a [buddy block](crate::offer).
    #[inline]
    pub(crate) const fn is_block(&self) -> bool {
        self.count == self.align && self.align <= CHUNK_PAGES
    }

    /// Whether the run cannot cross from one word to the next: it is no longer than its alignment, and that is no longer
    /// than a word. So no free pages that end a stretch are part of it without all of it being there.
    #[inline]
    const fn lies_in_a_word(&self) -> bool {
        self.count <= self.align && self.align <= WORD_PAGES
    }

    /// Pages from index `index` to the next where the run may begin.
    #[inline]
    pub(crate) const fn slack(&self, index: usize) -> usize {
        index.wrapping_add(self.skew).wrapping_neg() & (self.align - 1)
    }

    /// The positions where the run may begin, in a word whose first page has index `index`.
    #[inline]
    pub(crate) const fn positions(&self, index: usize) -> u64 {
        // A word begins at a multiple of 64 pages, in memory too.
        if self.align <= WORD_PAGES { aligned_positions(self.align) } else { (self.slack(index) == 0) as u64 }
    }
}

/// The lowest index at or above `from` where a run as wanted is free. `from` lies in the block; no record is stale.
pub(crate) fn find(words: &[u64], wanted: Wanted, from: usize) -> Option<usize> {
    debug_assert!(wanted.count > 0 && wanted.align.is_power_of_two());
    debug_assert!(wanted.skew.is_multiple_of(CHUNK_PAGES.min(wanted.align)));
    let mut chunk = 0;
    if from > 0 {
        let here = from / CHUNK_PAGES;
        let found = find_in_chunk(words, wanted, here, from % CHUNK_PAGES);
        if found.is_some() {
            return found;
        }
        chunk = here + 1;
    }
    for _ in 0..wanted.patience {
        let next = if wanted.is_block() {
            next_with_block(words, chunk, wanted.count)?
        } else {
            next_reaching(words, chunk, wanted.count)?
        };
        let found = find_in_chunk(words, wanted, next, 0);
        if found.is_some() {
            return found;
        }
        debug_assert!(wanted.align > 1 && !wanted.is_block(), "the tree promises a run that the bits do not have");
        chunk = next + 1;
    }
    None
}

/// The lowest index where a run as wanted begins in a chunk, from its page `from` on, or follows its end without a used
/// page in between.
#[inline]
fn find_in_chunk(words: &[u64], wanted: Wanted, chunk: usize, from: usize) -> Option<usize> {
    let first = chunk * CHUNK_PAGES;
    let at = HEADER_WORDS + chunk * CHUNK_WORDS;
    let record = ChunkRecord(words[HEADER_WORDS + words[CHUNKS] as usize * CHUNK_WORDS + chunk]);
    if wanted.align >= CHUNK_PAGES {
        // Aligned to chunks, it begins with the chunk or behind its end.
        if from == 0 && record.start() >= wanted.count && wanted.slack(first) == 0 {
            return Some(first);
        }
    } else if record.longest() >= wanted.count {
        let bits = words[at..].first_chunk().expect("a block has eight words for each chunk");
        if let Some(page) = scan(bits, wanted, first, from) {
            return Some(first + page);
        }
    }
    let ending = record.end().min(CHUNK_PAGES - from);
    let begin = first + (CHUNK_PAGES - ending);
    let room = (ending + free_from(words, chunk + 1)).checked_sub(wanted.slack(begin))?;
    (room >= wanted.count).then(|| begin + wanted.slack(begin))
}

/// The lowest page of a chunk, at a multiple of `align` pages, from which on `count` pages of it are free. `align` is at
/// most [`WORD_PAGES`].
pub(crate) fn find_in_words(words: &[u64; CHUNK_WORDS], count: usize, align: usize) -> Option<usize> {
    scan(words, Wanted { align, ..Wanted::any(count) }, 0, 0)
}

/// The lowest page of a chunk from `from` on where a run as wanted begins that lies in the chunk, whose first page has index
/// `base`.
// Where nothing but the words is unknown, half of it goes: so it is compiled where it is called.
#[inline(always)]
fn scan(words: &[u64; CHUNK_WORDS], wanted: Wanted, base: usize, from: usize) -> Option<usize> {
    if wanted.align == 1 {
        scan_words(words, from, wanted.count)
    } else if wanted.lies_in_a_word() {
        scan_each_word(words, from, wanted)
    } else {
        scan_aligned(words, base, from, wanted)
    }
}

/// [`scan`] for a run that may begin at any page.
#[inline(always)]
fn scan_words(words: &[u64; CHUNK_WORDS], from: usize, count: usize) -> Option<usize> {
    // Free pages that end where the walk stands.
    let mut run = 0;
    let mut keep = u64::MAX << (from % WORD_PAGES);
    for (i, word) in words.iter().enumerate().skip(from / WORD_PAGES) {
        let free = word & core::mem::replace(&mut keep, u64::MAX);
        if free == 0 {
            run = 0;
            continue;
        }
        let Some(used) = NonZero::new(!free) else {
            run += WORD_PAGES;
            if run >= count {
                return Some((i + 1) * WORD_PAGES - run);
            }
            continue;
        };
        if run + used.trailing_zeros() as usize >= count {
            return Some(i * WORD_PAGES - run);
        }
        if count < WORD_PAGES {
            let starts = run_starts(free, count);
            if starts != 0 {
                return Some(i * WORD_PAGES + starts.trailing_zeros() as usize);
            }
        }
        run = used.leading_zeros() as usize;
    }
    None
}

/// [`scan`] for a run that [lies in a word](Wanted::lies_in_a_word).
#[inline(always)]
fn scan_each_word(words: &[u64; CHUNK_WORDS], from: usize, wanted: Wanted) -> Option<usize> {
    let positions = aligned_positions(wanted.align);
    let mut keep = u64::MAX << (from % WORD_PAGES);
    for (i, word) in words.iter().enumerate().skip(from / WORD_PAGES) {
        let free = word & core::mem::replace(&mut keep, u64::MAX);
        if free == 0 {
            continue;
        }
        let starts = run_starts(free, wanted.count) & positions;
        if starts != 0 {
            return Some(i * WORD_PAGES + starts.trailing_zeros() as usize);
        }
    }
    None
}

/// [`scan`] for any alignment below a chunk.
#[inline]
fn scan_aligned(words: &[u64; CHUNK_WORDS], base: usize, from: usize, wanted: Wanted) -> Option<usize> {
    // Free pages that end where the walk stands, from the first on where the run may begin.
    let mut run = 0;
    let mut keep = u64::MAX << (from % WORD_PAGES);
    for (i, word) in words.iter().enumerate().skip(from / WORD_PAGES) {
        let free = word & core::mem::replace(&mut keep, u64::MAX);
        let first = i * WORD_PAGES;
        let leading = free.trailing_ones() as usize;
        if run != 0 && run + leading >= wanted.count {
            return Some(first - run);
        }
        if wanted.count <= WORD_PAGES {
            let starts = run_starts(free, wanted.count) & wanted.positions(base + first);
            if starts != 0 {
                return Some(first + starts.trailing_zeros() as usize);
            }
        }
        if leading == WORD_PAGES && run != 0 {
            run += WORD_PAGES;
        } else {
            let ending = free.leading_ones() as usize;
            run = ending.saturating_sub(wanted.slack(base + first + (WORD_PAGES - ending)));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{vec, vec::Vec};

    use super::*;
    use crate::{
        layout::{block_words, cover_of},
        pages::PageRange,
        span::Span,
    };

    struct Random(u64);

    impl Random {
        fn below(&mut self, bound: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((self.0 >> 33) as usize) % bound
        }
    }

    /// A span of `count` pages from `first` on and a list of its pages, all of the same random fragments.
    fn fragments(first: usize, count: usize, random: &mut Random) -> (Vec<u64>, Vec<bool>) {
        let pages = PageRange::counted(first, count).unwrap();
        let mut words = vec![0; block_words(cover_of(pages).1)];
        let mut span = Span(words.as_mut_slice());
        span.write_header(pages, None);
        let mut free = vec![false; first % CHUNK_PAGES + count];
        let longest = [1, 3, 70, 700, 5000][random.below(5)];
        let mut page = 0;
        while page < count {
            let length = (1 + random.below(longest)).min(count - page);
            if random.below(2) == 0 {
                let part = PageRange::counted(first + page, length).unwrap();
                span.fill(part, true);
                let (from, to) = span.indices(part);
                free[from..=to].fill(true);
            }
            page += length;
        }
        span.rebuild();
        (words, free)
    }

    fn find_by_counting(free: &[bool], wanted: Wanted, from: usize) -> Option<usize> {
        let mut run = 0;
        for (index, free) in free.iter().enumerate().skip(from) {
            let begins = run > 0 || (index + wanted.skew).is_multiple_of(wanted.align);
            run = if *free && begins { run + 1 } else { 0 };
            if run == wanted.count {
                return Some(index + 1 - run);
            }
        }
        None
    }

    #[test]
    fn the_lowest_run_from_any_page_on_is_found_at_every_height() {
        let mut random = Random(3);
        let mut found = 0;
        for round in 0..400 {
            let count = 1 + random.below([600, 5000, 40_000][round % 3]);
            let (words, free) = fragments(random.below(5000), count, &mut random);
            for _ in 0..60 {
                let most = [2, 70, 600, 6000][random.below(4)];
                let align = if random.below(2) == 0 { 1 } else { 1 << random.below(14) };
                let skew = random.below(40) * CHUNK_PAGES;
                let wanted = Wanted { align, skew, ..Wanted::any(1 + random.below(most)) };
                let from = if random.below(3) == 0 { 0 } else { random.below(free.len()) };
                let expected = find_by_counting(&free, wanted, from);
                assert_eq!(find(&words, wanted, from), expected, "{wanted:?} from {from} of {count}");
                found += usize::from(expected.is_some());
            }
        }
        assert!(found > 5000);
    }

    #[test]
    fn the_lowest_run_of_a_chunk_is_found_at_every_alignment_up_to_a_word() {
        let mut random = Random(9);
        for _ in 0..300 {
            let (words, free) = fragments(0, CHUNK_PAGES, &mut random);
            let chunk = *Span(words.as_slice()).chunk_words(0);
            for (count, align_log2) in (1..100).flat_map(|count| (0..7).map(move |log2| (count, log2))) {
                let wanted = Wanted { align: 1 << align_log2, ..Wanted::any(count) };
                assert_eq!(find_in_words(&chunk, count, 1 << align_log2), find_by_counting(&free, wanted, 0));
            }
        }
    }

    #[test]
    fn a_search_is_given_up_after_the_chunks_it_may_take_whatever_the_alignment() {
        const MISFITS: usize = 36;
        for align in (1..=10).map(|log2| 1 << log2) {
            let pages = PageRange::counted(0, 50 * CHUNK_PAGES).unwrap();
            let mut words = vec![0; block_words(cover_of(pages).1)];
            let mut span = Span(words.as_mut_slice());
            span.write_header(pages, None);
            span.fill(pages, true);
            for page in (0..MISFITS * CHUNK_PAGES).step_by(align.min(CHUNK_PAGES)) {
                span.fill(PageRange::counted(page, 1).unwrap(), false);
            }
            span.rebuild();
            let find = |patience| find(&words, Wanted { align, patience, ..Wanted::any(1) }, 0);
            // The last misfit is followed by the run.
            assert_eq!(find(MISFITS - 1), None, "at {align} pages");
            assert_eq!(find(MISFITS), Some(MISFITS * CHUNK_PAGES), "at {align} pages");
            // Of a block the tree knows, where there are no longer runs that would do.
            let block = Wanted { align, patience: 1, ..Wanted::any(align) };
            if align < CHUNK_PAGES {
                let runs =
                    (0..MISFITS).map(|chunk| PageRange::counted(chunk * CHUNK_PAGES + align / 2, align).unwrap());
                let mut words = words.clone();
                let mut span = Span(words.as_mut_slice());
                span.fill(PageRange::counted(0, MISFITS * CHUNK_PAGES).unwrap(), false);
                runs.for_each(|run| span.fill(run, true));
                span.rebuild();
                assert_eq!(super::find(&words, block, 0), Some(MISFITS * CHUNK_PAGES), "{align} pages");
            }
        }
    }

    #[test]
    fn changes_keep_every_summary_what_a_rebuild_would_make_it() {
        let mut random = Random(5);
        for _ in 0..12 {
            let count = 1 + random.below(20_000);
            let (mut words, mut free) = fragments(random.below(1000), count, &mut random);
            for step in 0..300 {
                let first = free.len() - 1 - random.below(count);
                let what = free[first];
                let same = free[first..].iter().take_while(|f| **f == what).count();
                let last = first + random.below(same.min([1, 40, 3000][step % 3]));
                let mut span = Span(words.as_mut_slice());
                let before = (span.offer(), span.has_broken());
                let tells = if what { span.take(first, last) } else { span.put(first, last) };
                let after = (span.offer(), span.has_broken());
                assert!(tells || before == after, "the directory is told");
                free[first..=last].fill(!what);
                let mut rebuilt = words.clone();
                Span(rebuilt.as_mut_slice()).rebuild();
                assert!(words == rebuilt, "step {step}: {first}..={last} became {}", !what);
            }
        }
    }
}
