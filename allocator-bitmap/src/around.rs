//! What kept runs and the free pages around them would be together, told without settling one.
//!
//! ```text
//!   ░ free   ▓ kept   ▒ used
//!   ▒▒░░▓▓▓▓▓▓▓▓▓▓░░▓▓▓▓▓▓▓▓▓▒▒▒▒▒░▓▓▓▓▓▓▓▓▓▒
//!     └──────── 23 ─────────┘     └── 10 ──┘
//! ```
//!
//! # Costs
//!
//! For k kept runs, at most 21, in spans of n chunks: O(k log n).
#![forbid(unsafe_code)]

use crate::{
    kept::{KeptRun, MOST_KEPT},
    page_allocator::BitmapPageAllocator,
    reach::{free_below, free_from},
    records::Records,
    summary::CHUNK_PAGES,
};

impl<const PAGE_SIZE: usize, R: Records> BitmapPageAllocator<PAGE_SIZE, R> {
    /// Pages in the longest run that has kept pages and would be free if all kept runs were. No record is stale.
    pub(crate) fn longest_with_kept(&self) -> usize {
        debug_assert!(self.stale.iter().next().is_none());
        let mut runs = [(0, 0); MOST_KEPT];
        let mut count = 0;
        for (slot, kept) in runs.iter_mut().zip(self.kept.iter()) {
            *slot = self.with_free_around(kept);
            count += 1;
        }
        let runs = &mut runs[..count];
        runs.sort_unstable();
        let (mut longest, mut below) = (0, None);
        for &(first, last) in &*runs {
            let (low, high) = match below {
                Some((low, high)) if first.saturating_sub(1) <= high => (low, last.max(high)),
                _ => (first, last),
            };
            longest = longest.max(high - low + 1);
            below = Some((low, high));
        }
        longest
    }

    /// The numbers of the first and the last page of a kept run with the free pages around it.
    fn with_free_around(&self, kept: KeptRun) -> (usize, usize) {
        let (span, words) = (self.span(kept.span), self.records.words(kept.span));
        let (first, last) = span.indices(kept.pages);
        let ([low_chunk, high_chunk], [from, to]) =
            ([first, last].map(|page| page / CHUNK_PAGES), [first, last].map(|page| page % CHUNK_PAGES));
        // Inside its chunks, and on through the chunks beside them.
        let (low, _) = span.run_around(low_chunk, from, from + 1);
        let (_, high) = span.run_around(high_chunk, to, to + 1);
        let below = if low == 0 { free_below(words, low_chunk) } else { 0 };
        let above = if high == CHUNK_PAGES { free_from(words, high_chunk + 1) } else { 0 };
        let start = low_chunk * CHUNK_PAGES + low - below;
        // The page after the last may have no number.
        (span.cover() + start, span.cover() + (high_chunk * CHUNK_PAGES + high + above - 1))
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec;

    use allocator_api::{CheckIntegrity, PageAllocator};

    use super::*;
    use crate::Inline;

    const PAGES: usize = 8 * CHUNK_PAGES;
    /// Where the eight chunks begin: somewhere, and so that they end with the last number there is.
    const FIRSTS: [usize; 2] = [3 * CHUNK_PAGES, 0_usize.wrapping_sub(PAGES)];

    /// Pages of a byte: mere numbers.
    type Pages = BitmapPageAllocator<1, Inline<8000>>;

    /// Eight chunks of used pages, and far away many free ones that let runs be kept.
    fn all_used(first: usize) -> Pages {
        let mut pages = Pages::new();
        pages.add_numbers(first, PAGES).unwrap();
        pages.alloc_pages(PAGES, 1).unwrap();
        pages.add_numbers(1 << 20, 80 * PAGES).unwrap();
        pages
    }

    /// Frees runs of some lengths, one after the other. Returns the longest run of free pages of which one is kept, by counting.
    fn freed(pages: &mut Pages, start: usize, runs: &[(usize, usize)]) -> usize {
        let mut free = vec![false; PAGES];
        for &(first, count) in runs {
            pages.give_back(start + first, count).unwrap();
            free[first..first + count].fill(true);
        }
        pages.renew();
        pages.check_integrity().unwrap();
        let is_kept = |first: usize, count: usize| {
            pages.kept.iter().any(|run| (first..first + count).contains(&(run.pages.first() - start)))
        };
        let (mut longest, mut first) = (0, 0);
        for run in free.split(|free| !free) {
            if is_kept(first, run.len()) {
                longest = longest.max(run.len());
            }
            first += run.len() + 1;
        }
        longest
    }

    #[test]
    fn kept_runs_are_as_long_as_what_is_free_around_them() {
        // Alone; with free pages on each side; two with a page in between, and with none; across a border of chunks, and
        // with wholly free chunks on either side; at both ends of the memory.
        let chunk = CHUNK_PAGES;
        let cases: [&[(usize, usize)]; 12] = [
            &[(100, 20)],
            &[(99, 1), (100, 20), (120, 5)],
            &[(100, 20), (120, 1), (121, 30)],
            &[(100, 20), (120, 31)],
            &[(100, 20), (121, 31)],
            &[(chunk - 10, 20), (chunk - 12, 2), (chunk + 10, 3)],
            &[(chunk - 10, 20), (chunk - 20, 2), (chunk + 20, 3)],
            &[(2 * chunk - 3, 3), (2 * chunk, 2 * chunk), (4 * chunk, 16), (4 * chunk + 16, 1)],
            &[(chunk, 2 * chunk), (3 * chunk, 8), (chunk - 100, 100)],
            &[(0, 16), (16, 3)],
            &[(0, 600), (600, 9)],
            &[(PAGES - 16, 16), (PAGES - 700, 684)],
        ];
        for (case, first) in cases.iter().flat_map(|case| FIRSTS.map(|first| (case, first))) {
            let mut pages = all_used(first);
            let longest = freed(&mut pages, first, case);
            assert!(!pages.kept.is_empty(), "{case:?}");
            assert_eq!(pages.longest_with_kept(), longest, "{case:?}");
        }
        assert_eq!(all_used(FIRSTS[0]).longest_with_kept(), 0);
    }

    #[test]
    fn any_runs_that_are_kept_are_as_long_as_what_is_free_around_them() {
        let mut state = 1_u64;
        let mut below = |bound: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % bound
        };
        for first in FIRSTS.into_iter().cycle().take(300) {
            let mut pages = all_used(first);
            let (mut runs, mut at) = (vec![], 0);
            while at < PAGES {
                let most = [5, 40, 300, 1200][below(4)];
                let count = (1 + below(most)).min(PAGES - at);
                if below(3) > 0 {
                    runs.push((at, count));
                }
                at += count;
            }
            for n in (1..runs.len()).rev() {
                runs.swap(n, below(n + 1));
            }
            let longest = freed(&mut pages, first, &runs);
            assert_eq!(pages.longest_with_kept(), longest, "{runs:?}");
            assert_eq!(pages.could_use_kept(longest), longest > 0);
            assert!(!pages.could_use_kept(longest + 1));
        }
    }
}
