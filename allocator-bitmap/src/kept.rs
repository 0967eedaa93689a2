//! Runs that came back lately, kept whole for the next request of their length.
//!
//! Kernels take and give back the same few lengths again and again: slabs, stacks, buffers. A run of 9 to 512 pages that
//! comes back is *kept*: it counts as free, but its bits stay those of used pages, and nothing else changes. A request of
//! its length gets it as it is. A run is kept if 32 times as many pages are free then as are kept. When a group is full, the
//! one kept longest is *settled*: its bits become those of free pages, and it merges with what is free around it.
//!
//! ```text
//!   length      9..15      16..31     32..63           256..511     512
//!   newest     [ 9 pages] [16 pages] [         ]   …   [         ] [ 512 pages]
//!              [ 9 pages] [        ] [         ]   …   [         ] [          ]
//!   oldest     [12 pages] [        ] [         ]   …   [         ] [          ]
//!                └─ the group is full: with the next run of it, this one is settled
//! ```
//!
//! Shorter runs come from the open chunk and go back without a search, too. A longer one that comes back to the open chunk becomes
//! free, as a single page there does, and is only *remembered*: a request of its length gets it if it is free still.
//!
//! Whatever asks for free pages in any other way sees kept runs as free: nothing is refused as long as they would help.
//! Then all are settled; and if that was in vain, all are kept again, so that a refused call changes nothing.
//!
//! The record of a chunk tells which of its words have pages of a kept run, of one at most: a run that would be the second is
//! not kept. So whether a page that comes back is kept already is found out by a look at the record, mostly.
//!
//! # Costs
//!
//! To keep a run and to hand it out again is O(1), and 1/64 step a page for the check of its bits. A request that nothing else
//! can serve looks at what is [around](crate::around) each of 21 kept runs at most, and if that could, settles them all.
#![forbid(unsafe_code)]

use core::ops::Deref;

use crate::{
    bits::WORD_PAGES,
    directory,
    page_allocator::BitmapPageAllocator,
    pages::PageRange,
    records::{Link, Records},
    run::NEARBY_PAGES,
    span::Span,
    summary::{CHUNK_PAGES, CHUNK_WORDS},
};

/// The longest run that is kept: longer ones are rare, and more than one chunk may lie in them.
const LONGEST_PAGES: usize = CHUNK_PAGES;
/// The length of the shortest run that is kept, as a power of two, rounded down.
const SHORTEST_LOG2: usize = (NEARBY_PAGES + 1).ilog2() as usize;
/// Groups of lengths: each from a power of two to below the next.
const GROUPS: usize = LONGEST_PAGES.ilog2() as usize + 1 - SHORTEST_LOG2;
/// How many runs of a group are kept. Fewer are soon pushed out by others of their group; more make the call slow that
/// has to settle all.
const EACH: usize = 3;
/// How many runs are kept at most.
pub(crate) const MOST_KEPT: usize = GROUPS * EACH;
const _: () = assert!(MOST_KEPT == 21, "as many as the costs above say");

/// Of so many free pages one may be kept. More spread what is live over a memory that is nearly full: with one of eight, a trace of
/// a data base needed 3 % more.
const SHARE: usize = 32;

/// A run that is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct KeptRun {
    /// Its span.
    pub(crate) span: Link,
    /// The numbers of its pages.
    pub(crate) pages: PageRange,
    // How many of them are kept: all, or none if it is only remembered. (A number, since the values that a `bool` has not would
    // be taken for `None`, which has to be all zeros.)
    kept_pages: usize,
}

impl KeptRun {
    /// A run that is kept.
    pub(crate) const fn kept(span: Link, pages: PageRange) -> Self {
        Self { span, pages, kept_pages: pages.count() }
    }

    /// A run that is only remembered: its pages are free as others are, or were.
    const fn remembered(span: Link, pages: PageRange) -> Self {
        Self { span, pages, kept_pages: 0 }
    }

    const fn is_kept(&self) -> bool {
        self.kept_pages != 0
    }
}

/// The runs that are kept.
#[derive(Debug)]
pub(crate) struct KeptRuns {
    // In each group the newest first, vacant places last.
    groups: [[Option<KeptRun>; EACH]; GROUPS],
    // How many there are, those that are only remembered among them.
    pub(crate) count: usize,
    // Pages of those that are kept.
    pub(crate) pages: usize,
}

impl KeptRuns {
    /// None.
    pub(crate) const NONE: Self = Self { groups: [[None; EACH]; GROUPS], count: 0, pages: 0 };

    /// Whether none is kept; some may be remembered.
    pub(crate) const fn is_empty(&self) -> bool {
        self.pages == 0
    }

    /// Whether none is kept or remembered.
    pub(crate) const fn is_vacant(&self) -> bool {
        self.count == 0
    }

    /// The group of the runs of `count` pages, if such are kept.
    #[inline]
    fn group(&mut self, count: usize) -> Option<&mut [Option<KeptRun>; EACH]> {
        let log2 = count.checked_ilog2().filter(|_| count <= LONGEST_PAGES)?;
        self.groups.get_mut((log2 as usize).wrapping_sub(SHORTEST_LOG2))
    }

    /// Keeps a run of a length that is kept. Returns the one that is kept no longer for it.
    #[inline]
    pub(crate) fn push(&mut self, run: KeptRun) -> Option<KeptRun> {
        let group = self.group(run.pages.count())?;
        let last = group[EACH - 1];
        group.copy_within(..EACH - 1, 1);
        group[0] = Some(run);
        self.count += usize::from(last.is_none());
        self.pages = self.pages + run.kept_pages - last.map_or(0, |last| last.kept_pages);
        last
    }

    /// The newest run of `count` pages that begins at a multiple of `align` pages and, if it is only remembered, is free as
    /// `is_free` says. It is kept no longer.
    #[inline]
    fn take(&mut self, count: usize, align: usize, is_free: impl Fn(&KeptRun) -> bool) -> Option<KeptRun> {
        let group = self.group(count)?;
        let fits = |run: &KeptRun| {
            run.pages.count() == count && run.pages.first() & (align - 1) == 0 && (run.is_kept() || is_free(run))
        };
        let at = group.iter().position(|run| run.as_ref().is_some_and(fits))?;
        let found = group[at];
        group.copy_within(at + 1.., at);
        group[EACH - 1] = None;
        self.count -= 1;
        self.pages -= found.map_or(0, |run| run.kept_pages);
        found
    }

    /// Those that are kept, from the shortest group on and in each the newest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = KeptRun> + Clone + '_ {
        self.groups.iter().flatten().flatten().filter(|run| run.is_kept()).copied()
    }

    /// Whether a page of `pages` is kept.
    pub(crate) fn overlap(&self, pages: PageRange) -> bool {
        !self.is_empty() && self.iter().any(|run| run.pages.common(pages).is_some())
    }

    /// The lowest kept pages among `pages`, as far as one run has them.
    pub(crate) fn lowest_in(&self, pages: PageRange) -> Option<PageRange> {
        self.iter().filter_map(|run| run.pages.common(pages)).min_by_key(|run| run.first())
    }
}

/// The chunks of a span that `pages` lie in, each with the words where they do, a bit a word.
#[inline]
fn words_of<W: Deref<Target = [u64]>>(
    span: &Span<W>,
    pages: PageRange,
) -> impl Iterator<Item = (usize, u8)> + use<W> {
    let (first, last) = span.indices(pages);
    let (low, high) = (first / CHUNK_PAGES, last / CHUNK_PAGES);
    (low..high + 1).map(move |chunk| {
        let from = if chunk == low { first / WORD_PAGES % CHUNK_WORDS } else { 0 };
        let to = if chunk == high { last / WORD_PAGES % CHUNK_WORDS } else { CHUNK_WORDS - 1 };
        (chunk, u8::MAX << from & u8::MAX >> (CHUNK_WORDS - 1 - to))
    })
}

impl<const PAGE_SIZE: usize, R: Records> BitmapPageAllocator<PAGE_SIZE, R> {
    /// Hands out a kept run of `count` pages at a multiple of `align` pages. Returns its address.
    #[inline]
    pub(crate) fn take_kept(&mut self, count: usize, align: usize) -> Option<usize> {
        let records = &self.records;
        let run = self.kept.take(count, align, |run| {
            let span = Span(records.words(run.span));
            let (first, last) = span.indices(run.pages);
            span.all(true, first, last)
        })?;
        if !run.is_kept() {
            let (first, _) = self.span(run.span).indices(run.pages);
            return Some(self.take(run.span, first, count));
        }
        self.mark(run);
        self.used += count;
        Some(run.pages.first() << Self::PAGE_LOG2)
    }

    /// Keeps the used pages `pages` of a span, which are [near no kept ones](Self::is_near_kept), if runs of that length are kept,
    /// and there; in the open chunk they become free and are remembered.
    #[inline]
    pub(crate) fn keep(&mut self, span: Link, pages: PageRange) -> bool {
        let is_of_a_group = (NEARBY_PAGES + 1..=LONGEST_PAGES).contains(&pages.count());
        let are_too_many = (self.kept.pages + pages.count()) * SHARE > self.total - self.used;
        if !is_of_a_group || are_too_many || pages.first() < self.prefer {
            return false;
        }
        let open = self.open_chunk_of(span, pages);
        let run = match open {
            Some(chunk) => {
                // More are likely to come and go there.
                self.let_be_stale(span, chunk);
                self.put(span, pages);
                KeptRun::remembered(span, pages)
            }
            None => KeptRun::kept(span, pages),
        };
        if run.is_kept() {
            self.mark(run);
        }
        if let Some(oldest) = self.kept.push(run) {
            self.settle_kept(oldest);
        }
        true
    }

    /// Whether a word that has one of the pages `pages` of a span has kept pages.
    #[inline]
    pub(crate) fn is_near_kept(&self, link: Link, pages: PageRange) -> bool {
        if self.kept.is_empty() {
            return false;
        }
        let span = self.span(link);
        words_of(&span, pages).any(|(chunk, words)| span.record(chunk).kept_words() & words != 0)
    }

    /// Whether one of the pages `pages` of a span is kept.
    #[inline]
    pub(crate) fn is_kept(&self, link: Link, pages: PageRange) -> bool {
        self.is_near_kept(link, pages) && self.kept.overlap(pages)
    }

    /// The open chunk, or that which was open last, if one of `pages` of a span is in it.
    fn open_chunk_of(&self, link: Link, pages: PageRange) -> Option<usize> {
        let (_, open) = self.open.chunk().filter(|(span, _)| *span == link)?;
        words_of(&self.span(link), pages).map(|(chunk, _)| chunk).find(|chunk| *chunk == open)
    }

    /// Says in the records of its chunks where a run is kept, or no longer.
    #[inline]
    fn mark(&mut self, run: KeptRun) {
        let mut span = self.span_mut(run.span);
        for (chunk, words) in words_of(&span, run.pages) {
            span.change_kept(chunk, words);
        }
    }

    /// Lets a run that was kept be free as others are.
    fn settle_kept(&mut self, run: KeptRun) {
        if run.is_kept() {
            self.mark(run);
            self.put(run.span, run.pages);
        }
    }

    /// Lets used pages of a span be free.
    pub(crate) fn put(&mut self, link: Link, pages: PageRange) {
        let mut span = self.span_mut(link);
        let (first, last) = span.indices(pages);
        let has_to_know = span.put(first, last);
        self.tell(link, has_to_know);
    }

    /// Lets the kept runs that have pages in chunk `chunk` of a span be free as others are. Returns whether there were any.
    pub(crate) fn settle_kept_in(&mut self, span: Link, chunk: usize) -> bool {
        if self.span(span).record(chunk).kept_words() == 0 {
            return false;
        }
        let number = self.span(span).cover() + chunk * CHUNK_PAGES;
        let Some(pages) = PageRange::new(number, number + (CHUNK_PAGES - 1)) else { return false };
        let kept = core::mem::replace(&mut self.kept, KeptRuns::NONE);
        // Pushed from the oldest on, so that their order stays.
        for run in kept.groups.iter().flat_map(|group| group.iter().rev()).flatten() {
            if run.is_kept() && run.pages.common(pages).is_some() {
                self.settle_kept(*run);
            } else {
                self.kept.push(*run);
            }
        }
        true
    }

    /// Lets every kept run be free as others are. Returns them.
    pub(crate) fn settle_all_kept(&mut self) -> KeptRuns {
        let kept = core::mem::replace(&mut self.kept, KeptRuns::NONE);
        kept.iter().for_each(|run| self.settle_kept(run));
        kept
    }

    /// Keeps runs again that were settled, and are free.
    fn keep_again(&mut self, kept: KeptRuns) {
        for run in kept.iter() {
            let mut span = self.span_mut(run.span);
            let (first, last) = span.indices(run.pages);
            let has_to_know = span.take(first, last);
            self.tell(run.span, has_to_know);
            self.mark(run);
        }
        self.kept = kept;
    }

    /// Does what needs all that is free to be seen as free. If it fails, what was kept is kept again.
    pub(crate) fn with_all_free<T, E>(&mut self, attempt: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        let kept = self.settle_all_kept();
        let result = attempt(self);
        if result.is_err() {
            self.keep_again(kept);
        }
        result
    }

    /// Whether kept pages could be some of `count` pages in a row.
    pub(crate) fn could_use_kept(&mut self, count: usize) -> bool {
        if self.kept.is_empty() {
            return false;
        }
        self.renew();
        self.longest_with_kept() >= count
    }

    /// Looks for `count` pages, which mostly are there without the kept runs, and if they are not, once more with all that is
    /// free.
    #[inline]
    pub(crate) fn or_with_all_free(
        &mut self,
        count: usize,
        attempt: impl Fn(&mut Self) -> Option<usize>,
    ) -> Option<usize> {
        let found = attempt(self);
        if found.is_some() || !self.could_use_kept(count) {
            return found;
        }
        self.with_all_free(|pages| attempt(pages).ok_or(())).ok()
    }

    /// Checks the kept runs, each on its own, and that the records count them.
    pub(crate) fn check_kept(&self) -> Result<(), &'static str> {
        for (i, run) in self.kept.iter().enumerate() {
            if self.span_of(run.pages) != Some(run.span) {
                return Err("the pages of a kept run are in its span");
            }
            let span = self.span(run.span);
            let (first, last) = span.indices(run.pages);
            if !span.all(false, first, last) || span.records().is_some_and(|held| held.common(run.pages).is_some())
            {
                return Err("the pages of a kept run are neither free in the bitmap nor records");
            }
            if self.kept.iter().take(i).any(|other| other.pages.common(run.pages).is_some()) {
                return Err("no page is kept twice");
            }
            if run.pages.first() < self.prefer || self.open_chunk_of(run.span, run.pages).is_some() {
                return Err("no page of the open chunk is kept, and none below what is preferred");
            }
        }
        for (link, _) in directory::spans(&self.records, self.root) {
            let span = self.span(link);
            for chunk in 0..span.chunks() {
                let of_run =
                    |run: KeptRun| words_of(&span, run.pages).find(|(at, _)| *at == chunk).map(|(_, words)| words);
                let mut here = self.kept.iter().filter(|run| run.span == link).filter_map(of_run);
                let words = here.try_fold(0, |all, words| (all & words == 0).then_some(all | words));
                if words != Some(span.record(chunk).kept_words()) {
                    return Err("a record says which words have kept runs, each one at most");
                }
            }
        }
        let all = self.kept.groups.iter().flatten().flatten();
        if (self.kept.count, self.kept.pages) == (all.clone().count(), all.map(|run| run.kept_pages).sum()) {
            Ok(())
        } else {
            Err("kept runs are counted")
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use core::num::NonZeroUsize;
    use std::vec::Vec;

    use super::*;
    use crate::layout::{block_words, cover_of};

    fn run(first: usize, count: usize) -> KeptRun {
        let (span, pages) = (Link::new(NonZeroUsize::MIN), PageRange::counted(first, count).unwrap());
        if first.is_multiple_of(3) { KeptRun::remembered(span, pages) } else { KeptRun::kept(span, pages) }
    }

    #[test]
    fn runs_are_kept_as_in_a_list_for_each_group() {
        let mut kept = KeptRuns::NONE;
        let mut model: Vec<KeptRun> = Vec::new();
        let mut state = 5_u64;
        for step in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let random = |shift: u32, bound: usize| (state >> shift) as usize % bound;
            let count = 1 + [random(20, 20), random(20, 600)][step % 2];
            let first = 4096 * random(30, 1000) + 8 * random(40, 9);
            let is_kept = (9..=512).contains(&count);
            let is_of_group = |other: &KeptRun| other.pages.count().ilog2() == count.ilog2();
            if random(50, 2) == 0 && is_kept {
                let oldest = model
                    .iter()
                    .position(is_of_group)
                    .filter(|_| model.iter().filter(|r| is_of_group(r)).count() == 3);
                assert_eq!(kept.push(run(first, count)), oldest.map(|at| model.remove(at)));
                model.push(run(first, count));
            } else {
                let align = 1 << random(55, 5);
                let is_free = |run: &KeptRun| run.pages.first() % 2 == step % 2;
                let fits = |run: &KeptRun| {
                    run.pages.count() == count
                        && run.pages.first().is_multiple_of(align)
                        && (run.is_kept() || is_free(run))
                };
                let newest = model.iter().rposition(fits);
                assert_eq!(kept.take(count, align, is_free), newest.map(|at| model.remove(at)), "step {step}");
            }
            let pages = PageRange::counted(first, count).unwrap();
            let all_kept = model.iter().filter(|run| run.is_kept());
            let overlaps = all_kept.clone().filter_map(|run| run.pages.common(pages));
            let lowest = kept.lowest_in(pages).map(PageRange::first);
            assert_eq!(lowest, overlaps.clone().map(PageRange::first).min());
            assert_eq!(kept.overlap(pages), overlaps.count() > 0);
            assert_eq!((kept.count, kept.is_vacant()), (model.len(), model.is_empty()));
        }
    }

    #[test]
    fn words_are_those_that_the_pages_lie_in() {
        let all = PageRange::counted(1000, 3000).unwrap();
        let mut words = std::vec![0; block_words(cover_of(all).1)];
        let mut span = Span(words.as_mut_slice());
        span.write_header(all, None);
        for first in (1000..1600).step_by(13) {
            for count in (1..=512).step_by(37) {
                let pages = PageRange::counted(first, count).unwrap();
                let mut expected: Vec<(usize, u8)> = Vec::new();
                for index in (first..first + count).map(|page| page - span.cover()) {
                    let (chunk, word) = (index / 512, 1 << (index / 64 % 8));
                    match expected.last_mut().filter(|last| last.0 == chunk) {
                        Some(last) => last.1 |= word,
                        None => expected.push((chunk, word)),
                    }
                }
                assert_eq!(words_of(&span, pages).collect::<Vec<_>>(), expected, "{count} pages from {first}");
            }
        }
    }
}
