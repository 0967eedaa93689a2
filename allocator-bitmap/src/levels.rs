//! The levels of summaries above the chunk records.
//!
//! ```text
//!   height 2                 [ node ]                    8 nodes of 4096 pages
//!   height 1    [ node ][ node ]  …  [ node ]            8 chunks of 512 pages
//!   height 0    [c][c][c][c][c][c][c][c][c] …            chunk records, a word each
//! ```
//!
//! A node's summary is that of its children joined. Only the last node of a level may have fewer than eight; what
//! is missing counts as used.
//!
//! [`lift`] carries a change upwards and stops where a node stays the same, which is where almost all changes end:
//! a change inside a chunk that leaves its ends alone concerns the node above only if it made or was its longest
//! run.
#![forbid(unsafe_code)]

use crate::{
    layout::{CHUNKS, FANOUT_LOG2, HEADER_WORDS, LEVELS_AT, NODE_WORDS, TOP_AT, TOP_HEIGHT, nodes_at},
    summary::{CHUNK_PAGES, CHUNK_WORDS, ChunkRecord, Summary, join},
};

/// One level of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Level {
    height: u32,
    // Index of its first word.
    at: usize,
    // How many nodes it has.
    nodes: usize,
}

impl Level {
    /// The chunk records.
    #[inline]
    pub(crate) fn chunks(words: &[u64]) -> Self {
        let chunks = words[CHUNKS] as usize;
        Self { height: 0, at: HEADER_WORDS + CHUNK_WORDS * chunks, nodes: chunks }
    }

    /// The level of one node.
    #[inline]
    pub(crate) fn top(words: &[u64]) -> Self {
        let height = words[TOP_HEIGHT] as u32;
        if height == 0 { Self::chunks(words) } else { Self { height, at: words[TOP_AT] as usize, nodes: 1 } }
    }

    /// The level above.
    #[inline]
    pub(crate) fn above(self, words: &[u64]) -> Self {
        let at = if self.height == 0 { words[LEVELS_AT] as usize } else { self.at + NODE_WORDS * self.nodes };
        Self { height: self.height + 1, at, nodes: nodes_at(self.nodes, 1) }
    }

    /// The level below; this is not the lowest.
    #[inline]
    pub(crate) fn below(self, words: &[u64]) -> Self {
        debug_assert!(self.height > 0);
        if self.height == 1 {
            return Self::chunks(words);
        }
        let nodes = nodes_at(words[CHUNKS] as usize, self.height - 1);
        Self { height: self.height - 1, at: self.at - NODE_WORDS * nodes, nodes }
    }

    /// Whether these are the chunk records.
    #[inline]
    pub(crate) const fn is_lowest(self) -> bool {
        self.height == 0
    }

    /// How many nodes the level has.
    #[inline]
    pub(crate) const fn nodes(self) -> usize {
        self.nodes
    }

    /// The pages that a node stands for. (That of the top may be more than there are numbers, and is not asked
    /// for.)
    #[inline]
    pub(crate) const fn node_pages(self) -> usize {
        CHUNK_PAGES << (FANOUT_LOG2 * self.height)
    }

    /// The node `node`.
    #[inline]
    pub(crate) fn get(self, words: &[u64], node: usize) -> Summary {
        if self.height == 0 {
            return ChunkRecord(words[self.at + node]).summary();
        }
        let at = self.at + NODE_WORDS * node;
        let stored = &words[at..at + NODE_WORDS];
        Summary { start: stored[0] as usize, longest: stored[1] as usize, end: stored[2] as usize }
    }

    fn set(self, words: &mut [u64], node: usize, summary: Summary) {
        debug_assert!(self.height > 0);
        let at = self.at + NODE_WORDS * node;
        let stored = &mut words[at..at + NODE_WORDS];
        stored[0] = summary.start as u64;
        stored[1] = summary.longest as u64;
        stored[2] = summary.end as u64;
    }

    /// The eight nodes of this level, or what is there of them, that have the same node above as `node`, from it
    /// on.
    #[inline]
    pub(crate) fn siblings_from(self, node: usize) -> core::ops::Range<usize> {
        node..((node | 7) + 1).min(self.nodes)
    }

    /// What the node above, of which `stored` is the summary so far, becomes when its child `node` changes from
    /// `old` to `new`.
    #[inline]
    fn with_child(self, words: &[u64], stored: Summary, node: usize, old: Summary, new: Summary) -> Summary {
        if old.same_ends(new) {
            if new.longest > stored.longest {
                return Summary { longest: new.longest, ..stored };
            }
            if old.longest < stored.longest {
                return stored;
            }
        }
        self.with_ends(words, stored, node, old, new)
    }

    /// [`with_child`](Self::with_child), where the ends of the child changed too: looks at the neighbours only, if
    /// they tell enough.
    fn with_ends(self, words: &[u64], stored: Summary, node: usize, old: Summary, new: Summary) -> Summary {
        let pages = self.node_pages();
        let siblings = self.siblings_from(node & !7);
        let inside = siblings.start < node && node + 1 < siblings.end;
        if inside && old.start != pages && new.start != pages {
            let (below, above) = (self.get(words, node - 1), self.get(words, node + 1));
            let best = |child: Summary| child.longest.max(below.end + child.start).max(child.end + above.start);
            // With both neighbours in part used, no run beyond them changes, and so not the ends either.
            if below.start != pages && above.start != pages {
                if best(new) >= stored.longest {
                    return Summary { longest: best(new), ..stored };
                }
                if best(old) < stored.longest {
                    return stored;
                }
            }
        }
        self.joined(words, node >> FANOUT_LOG2)
    }

    /// What node `node` of the level above must be.
    pub(crate) fn joined(self, words: &[u64], node: usize) -> Summary {
        let children = self.siblings_from(node << FANOUT_LOG2);
        if self.height == 0 {
            let records = &words[self.at + children.start..self.at + children.end];
            return join(records.iter().map(|record| ChunkRecord(*record).summary()), CHUNK_PAGES);
        }
        let stored = &words[self.at + NODE_WORDS * children.start..self.at + NODE_WORDS * children.end];
        let summary = |child: &[u64; NODE_WORDS]| {
            let [start, longest, end] = child.map(|pages| pages as usize);
            Summary { start, longest, end }
        };
        join(stored.as_chunks::<NODE_WORDS>().0.iter().map(summary), self.node_pages())
    }
}

/// The summary of all pages of the block.
#[inline]
pub(crate) fn root(words: &[u64]) -> Summary {
    Level::top(words).get(words, 0)
}

/// Carries a change of chunk `chunk`'s summary from `old` to `new` upwards. Returns whether the root changed.
pub(crate) fn lift(words: &mut [u64], chunk: usize, mut old: Summary, mut new: Summary) -> bool {
    let (mut level, mut node) = (Level::chunks(words), chunk);
    while level.nodes > 1 {
        let above = level.above(words);
        let stored = above.get(words, node >> FANOUT_LOG2);
        let fresh = level.with_child(words, stored, node, old, new);
        if fresh == stored {
            return false;
        }
        node >>= FANOUT_LOG2;
        above.set(words, node, fresh);
        (old, new, level) = (stored, fresh, above);
    }
    true
}

/// Computes the nodes above the chunks `first` to `last` anew, level by level, until none of a level changes.
/// Returns whether the root changed.
pub(crate) fn rebuild(words: &mut [u64], mut first: usize, mut last: usize) -> bool {
    let mut level = Level::chunks(words);
    while level.nodes > 1 {
        let above = level.above(words);
        (first, last) = (first >> FANOUT_LOG2, last >> FANOUT_LOG2);
        let mut changed = false;
        for node in first..=last {
            let summary = level.joined(words, node);
            if summary != above.get(words, node) {
                above.set(words, node, summary);
                changed = true;
            }
        }
        if !changed {
            return false;
        }
        level = above;
    }
    true
}
