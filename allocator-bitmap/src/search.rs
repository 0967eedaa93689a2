//! Finding free runs by their summaries.
//!
//! [`find`] walks from a page upwards with the length of the free run that ends where it stands. It looks at whole
//! siblings as long as there are some, then goes to the level above; once a node's summary says that the run begins in
//! it, it goes down into that node and no other.
//!
//! ```text
//!   height 2                          ┌── no ──┐
//!   height 1          ┌── no ── no ──┘         yes
//!   height 0   from ──┘                         └── no ── yes
//!                                                          └─ the words of one chunk
//! ```
//!
//! Cost: at most eight nodes a level going up and eight going down, and the words of two chunks. With n chunks that is
//! O(log n), whether the run exists or not.
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
