//! Finding free runs by their summaries.
//!
//! [`find`] walks from a page upwards with the length of the free run that ends where it stands, counted from its first
//! page where a run may begin. It looks at whole siblings as long as there are some, then goes to the level above; once
//! a node's summary says that the run may be in it, it goes down into that node.
//!
//! ```text
//!   height 2                          ┌── no ──┐
//!   height 1          ┌── no ── no ──┘         yes
//!   height 0   from ──┘                         └── no ── yes
//!                                                          └─ the words of one chunk
//! ```
//!
//! # Costs
//!
//! Where a run may begin at any page, a node that may have it has it: at most eight nodes a level going up and eight
//! going down, and the words of two chunks. With n chunks that is O(log n), whether the run exists or not.
//!
//! An alignment is not in the summaries: each chunk with a run that is long enough may have to be looked at. For an
//! alignment of 512 pages or more that is its summary, about 100 instructions; else it is eight words: about 260 for a run no
//! longer than an alignment up to 64 pages, and about 600 for others.
#![forbid(unsafe_code)]

use crate::{
    bits::{WORD_PAGES, aligned_positions, run_starts},
    layout::{FANOUT_LOG2, HEADER_WORDS},
    levels::{Level, root},
    summary::{CHUNK_PAGES, CHUNK_WORDS, Summary},
};

/// A free run that is looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// How many pages, at least one.
    pub(crate) count: usize,
    /// Its index plus `skew` is a multiple of this, a power of two.
    pub(crate) align: usize,
    /// The number of the page with index 0, or what it leaves when divided by `align`.
    pub(crate) skew: usize,
    /// In how many chunks the run may be looked for in vain before the search is given up.
    pub(crate) patience: usize,
}

impl Wanted {
    /// `count` pages at any index.
    pub(crate) const fn any(count: usize) -> Self {
        Self { count, align: 1, skew: 0, patience: usize::MAX }
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

/// The state of the walk: how many free pages end where it stands, from the first of them on where the run may begin.
/// Without `ALIGNED`, that may be at any page.
#[derive(Clone, Copy)]
struct Walk<const ALIGNED: bool> {
    wanted: Wanted,
    run: usize,
}

/// What a walk says of the next stretch.
enum Step {
    /// The run is complete: it begins at this index, before the stretch or in its first run.
    Complete(usize),
    /// It may be in the stretch.
    Inside,
    /// It is not.
    Past,
}

impl<const ALIGNED: bool> Walk<ALIGNED> {
    const fn new(wanted: Wanted) -> Self {
        debug_assert!(ALIGNED || wanted.align == 1);
        Self { wanted, run: 0 }
    }

    /// [`Wanted::slack`]
    #[inline]
    const fn slack(&self, index: usize) -> usize {
        if ALIGNED { self.wanted.slack(index) } else { 0 }
    }

    /// [`Wanted::positions`]
    #[inline]
    const fn positions(&self, index: usize) -> u64 {
        if ALIGNED { self.wanted.positions(index) } else { u64::MAX }
    }

    /// Goes on over the stretch of `pages` pages from index `first` on, unless the run may be there.
    #[inline]
    fn over(&mut self, first: usize, stretch: Summary, pages: usize) -> Step {
        let Wanted { count, .. } = self.wanted;
        if self.run + stretch.start >= count && self.run != 0 {
            return Step::Complete(first - self.run);
        }
        if stretch.longest >= count {
            return Step::Inside;
        }
        self.run = if stretch.start != pages {
            stretch.end.saturating_sub(self.slack(first.wrapping_add(pages - stretch.end)))
        } else if self.run != 0 {
            self.run + pages
        } else {
            pages.saturating_sub(self.slack(first))
        };
        Step::Past
    }
}

/// The lowest index at or above `from` where a run as wanted is free. `from` lies in the block.
pub(crate) fn find(words: &[u64], wanted: Wanted, from: usize) -> Option<usize> {
    debug_assert!(wanted.count > 0 && wanted.align.is_power_of_two());
    if root(words).longest < wanted.count {
        None
    } else if wanted.align == 1 {
        climb::<false>(words, wanted, from)
    } else {
        climb::<true>(words, wanted, from)
    }
}

/// [`find`], where the root's summary says that there may be one.
fn climb<const ALIGNED: bool>(words: &[u64], wanted: Wanted, from: usize) -> Option<usize> {
    let mut walk = Walk::<ALIGNED>::new(wanted);
    if from == 0 {
        return search_node(words, Level::top(words), 0, &mut walk);
    }
    let mut node = from / CHUNK_PAGES;
    if let Some(index) = scan_chunk(words, node, from % CHUNK_PAGES, &mut walk) {
        return Some(index);
    }
    let mut level = Level::chunks(words);
    loop {
        let siblings = level.siblings_from(node);
        if let Some(index) = search_nodes(words, level, siblings.start + 1..siblings.end, &mut walk) {
            return Some(index);
        }
        if level.nodes() <= 1 << FANOUT_LOG2 || walk.wanted.patience == 0 {
            return None;
        }
        (level, node) = (level.above(words), node >> FANOUT_LOG2);
    }
}

/// The lowest index in some neighbouring nodes of a level where the run begins.
#[inline]
fn search_nodes<const ALIGNED: bool>(
    words: &[u64],
    level: Level,
    nodes: core::ops::Range<usize>,
    walk: &mut Walk<ALIGNED>,
) -> Option<usize> {
    let pages = level.node_pages();
    for node in nodes {
        match walk.over(node * pages, level.get(words, node), pages) {
            Step::Complete(index) => return Some(index),
            Step::Inside => {
                let found = search_node(words, level, node, walk);
                if found.is_some() || walk.wanted.patience == 0 {
                    return found;
                }
            }
            Step::Past => {}
        }
    }
    None
}

/// The lowest index in `node` where the run begins: its summary says that there may be one.
fn search_node<const ALIGNED: bool>(
    words: &[u64],
    level: Level,
    node: usize,
    walk: &mut Walk<ALIGNED>,
) -> Option<usize> {
    if !level.is_lowest() {
        let below = level.below(words);
        return search_nodes(words, below, below.siblings_from(node << FANOUT_LOG2), walk);
    }
    let found = if ALIGNED && walk.wanted.align >= CHUNK_PAGES {
        // Aligned to chunks, it begins with the chunk or elsewhere: the summary tells.
        walk.run = 0;
        let first = node * CHUNK_PAGES;
        let is_there = level.get(words, node).start >= walk.wanted.count && walk.slack(first) == 0;
        is_there.then_some(first)
    } else {
        scan_chunk(words, node, 0, walk)
    };
    debug_assert!(
        found.is_some() || walk.wanted.align > 1,
        "the summary promises a run that the bits do not have"
    );
    walk.wanted.patience -= usize::from(found.is_none());
    found
}

/// The lowest page of a chunk, at a multiple of `align` pages, from which on `count` pages of it are free. `align` is at
/// most [`WORD_PAGES`].
pub(crate) fn find_in_words(words: &[u64; CHUNK_WORDS], count: usize, align: usize) -> Option<usize> {
    let wanted = Wanted { align, ..Wanted::any(count) };
    if align == 1 {
        scan_words(words, 0, 0, &mut Walk::<false>::new(wanted))
    } else if wanted.lies_in_a_word() {
        scan_each_word(words, 0, 0, wanted)
    } else {
        scan_words(words, 0, 0, &mut Walk::<true>::new(wanted))
    }
}

/// Walks over the pages of `chunk` from its page `from` on. Returns the index of the run if it is complete there.
fn scan_chunk<const ALIGNED: bool>(
    words: &[u64],
    chunk: usize,
    from: usize,
    walk: &mut Walk<ALIGNED>,
) -> Option<usize> {
    let at = HEADER_WORDS + chunk * CHUNK_WORDS;
    let bits = words[at..].first_chunk().expect("a block has eight words for each chunk");
    if ALIGNED && walk.wanted.lies_in_a_word() {
        return scan_each_word(bits, chunk * CHUNK_PAGES, from, walk.wanted);
    }
    scan_words(bits, chunk * CHUNK_PAGES, from, walk)
}

/// Walks over the pages of a chunk, whose first page has index `base`, from its page `from` on. Returns the index of the
/// run if it is complete there.
#[inline]
fn scan_words<const ALIGNED: bool>(
    words: &[u64; CHUNK_WORDS],
    base: usize,
    from: usize,
    walk: &mut Walk<ALIGNED>,
) -> Option<usize> {
    let wanted = walk.wanted;
    let mut keep = u64::MAX << (from % WORD_PAGES);
    for (i, word) in words.iter().enumerate().skip(from / WORD_PAGES) {
        let free = word & keep;
        keep = u64::MAX;
        if free == 0 {
            walk.run = 0;
            continue;
        }
        let first = base + i * WORD_PAGES;
        let leading = free.trailing_ones() as usize;
        if walk.run != 0 && walk.run + leading >= wanted.count {
            return Some(first - walk.run);
        }
        if wanted.count <= WORD_PAGES {
            let starts = run_starts(free, wanted.count) & walk.positions(first);
            if starts != 0 {
                return Some(first + starts.trailing_zeros() as usize);
            }
        }
        if leading == WORD_PAGES && walk.run != 0 {
            walk.run += WORD_PAGES;
            continue;
        }
        let ending = free.leading_ones() as usize;
        walk.run = ending.saturating_sub(walk.slack(first.wrapping_add(WORD_PAGES - ending)));
    }
    None
}

/// [`scan_words`] for a run that [lies in a word](Wanted::lies_in_a_word).
#[inline]
fn scan_each_word(words: &[u64; CHUNK_WORDS], base: usize, from: usize, wanted: Wanted) -> Option<usize> {
    let positions = aligned_positions(wanted.align);
    let mut keep = u64::MAX << (from % WORD_PAGES);
    for (i, word) in words.iter().enumerate().skip(from / WORD_PAGES) {
        let free = word & core::mem::replace(&mut keep, u64::MAX);
        if free == 0 {
            continue;
        }
        let starts = run_starts(free, wanted.count) & positions;
        if starts != 0 {
            return Some(base + i * WORD_PAGES + starts.trailing_zeros() as usize);
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
            assert_eq!(find(MISFITS), None, "at {align} pages");
            assert_eq!(find(MISFITS + 1), Some(MISFITS * CHUNK_PAGES), "at {align} pages");
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
                let before = (span.root().longest, span.has_broken());
                let tells = if what { span.take(first, last) } else { span.put(first, last) };
                let after = (span.root().longest, span.has_broken());
                assert!(tells || before == after, "the directory is told");
                free[first..=last].fill(!what);
                let mut rebuilt = words.clone();
                Span(rebuilt.as_mut_slice()).rebuild();
                assert!(words == rebuilt, "step {step}: {first}..={last} became {}", !what);
            }
        }
    }
}
