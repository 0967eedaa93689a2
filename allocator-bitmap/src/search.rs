//! Finding free runs by their summaries.
//!
//! [`find`] walks from a page upwards with the length of the free run that ends where it stands. It looks at whole
//! siblings as long as there are some, then goes to the level above; once a node's summary says that the run
//! begins in it, it goes down into that node and no other.
//!
//! ```text
//!   height 2                          ┌── no ──┐
//!   height 1          ┌── no ── no ──┘         yes
//!   height 0   from ──┘                         └── no ── yes
//!                                                          └─ the words of one chunk
//! ```
//!
//! Cost: at most eight nodes a level going up and eight going down, and the words of two chunks. With n chunks
//! that is O(log n), whether the run exists or not.
#![forbid(unsafe_code)]

use crate::{
    bits::{WORD_PAGES, run_starts},
    layout::{FANOUT_LOG2, HEADER_WORDS},
    levels::{Level, root},
    summary::{CHUNK_PAGES, CHUNK_WORDS, Summary},
};

/// The state of the walk: how many free pages end where it stands.
#[derive(Clone, Copy)]
struct Walk {
    wanted: usize,
    run: usize,
}

/// What a walk says of the next stretch.
enum Step {
    /// The run is complete: it began before the stretch, or at its start.
    Complete,
    /// It is in the stretch.
    Inside,
    /// It is not.
    Past,
}

impl Walk {
    #[inline]
    fn over(&mut self, stretch: Summary, pages: usize) -> Step {
        if self.run + stretch.start >= self.wanted {
            return Step::Complete;
        }
        if stretch.longest >= self.wanted {
            return Step::Inside;
        }
        self.run = if stretch.start == pages { self.run + pages } else { stretch.end };
        Step::Past
    }
}

/// The lowest index at or above `from` where `wanted` pages are free. `from` lies in the block; `wanted` is not 0.
pub(crate) fn find(words: &[u64], wanted: usize, from: usize) -> Option<usize> {
    debug_assert!(wanted > 0);
    if root(words).longest < wanted {
        return None;
    }
    if from == 0 {
        return descend(words, Level::top(words), 0, wanted);
    }
    let mut node = from / CHUNK_PAGES;
    let mut walk = Walk { wanted, run: 0 };
    if let Some(index) = scan_chunk(words, node, from % CHUNK_PAGES, &mut walk) {
        return Some(index);
    }
    let mut level = Level::chunks(words);
    loop {
        let pages = level.node_pages();
        for sibling in level.siblings_from(node).skip(1) {
            match walk.over(level.get(words, sibling), pages) {
                Step::Complete => return Some(sibling * pages - walk.run),
                Step::Inside => return descend(words, level, sibling, wanted),
                Step::Past => {}
            }
        }
        if level.nodes() <= 1 << FANOUT_LOG2 {
            return None;
        }
        (level, node) = (level.above(words), node >> FANOUT_LOG2);
    }
}

/// The lowest index in `node` where `wanted` pages are free: its summary says that there is one.
fn descend(words: &[u64], mut level: Level, mut node: usize, wanted: usize) -> Option<usize> {
    while !level.is_lowest() {
        level = level.below(words);
        let pages = level.node_pages();
        let mut walk = Walk { wanted, run: 0 };
        for child in level.siblings_from(node << FANOUT_LOG2) {
            node = child;
            match walk.over(level.get(words, child), pages) {
                Step::Complete => return Some(child * pages - walk.run),
                Step::Inside => break,
                Step::Past => {}
            }
        }
    }
    let found = find_in_chunk(words, node, wanted);
    debug_assert!(found.is_some(), "the summary promises a run that the bits do not have");
    found
}

/// The lowest index in chunk `chunk` where `wanted` pages, all of them in it, are free.
pub(crate) fn find_in_chunk(words: &[u64], chunk: usize, wanted: usize) -> Option<usize> {
    scan_chunk(words, chunk, 0, &mut Walk { wanted, run: 0 })
}

/// Walks over the pages of `chunk` from its page `from` on. Returns the index of the run if it is complete there.
fn scan_chunk(words: &[u64], chunk: usize, from: usize, walk: &mut Walk) -> Option<usize> {
    let at = HEADER_WORDS + chunk * CHUNK_WORDS;
    let bits = &words[at..at + CHUNK_WORDS];
    let mut keep = u64::MAX << (from % WORD_PAGES);
    for (i, word) in bits.iter().enumerate().skip(from / WORD_PAGES) {
        let free = word & keep;
        keep = u64::MAX;
        let first = chunk * CHUNK_PAGES + i * WORD_PAGES;
        let leading = free.trailing_ones() as usize;
        if walk.run + leading >= walk.wanted {
            return Some(first - walk.run);
        }
        if leading == WORD_PAGES {
            walk.run += WORD_PAGES;
            continue;
        }
        if walk.wanted <= WORD_PAGES && free != 0 {
            let starts = run_starts(free, walk.wanted);
            if starts != 0 {
                return Some(first + starts.trailing_zeros() as usize);
            }
        }
        walk.run = free.leading_ones() as usize;
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

    fn find_by_counting(free: &[bool], wanted: usize, from: usize) -> Option<usize> {
        let mut run = 0;
        for (index, free) in free.iter().enumerate().skip(from) {
            run = if *free { run + 1 } else { 0 };
            if run == wanted {
                return Some(index + 1 - wanted);
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
                let wanted = 1 + random.below(most);
                let from = if random.below(3) == 0 { 0 } else { random.below(free.len()) };
                let expected = find_by_counting(&free, wanted, from);
                assert_eq!(find(&words, wanted, from), expected, "{wanted} from {from} of {count}");
                found += usize::from(expected.is_some());
            }
        }
        assert!(found > 5000);
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
