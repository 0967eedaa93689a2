//! How far free runs reach, and the tree that finds them.
//!
//! The *reach* of a chunk is the longest free run in it, or the run that begins with its free end and goes on through
//! the chunks that follow, whichever is longer. A chunk that is wholly free adds to the run of the last chunk below
//! that is not, its *owner*, and has none of its own; only the lowest chunk of all owns itself.
//!
//! ```text
//!   ▒ used   ░ free              chunks of 8 pages
//!    ░░░▒▒▒▒░ ░░░░░░░░ ░░░░▒░░▒ ▒▒░░░▒▒▒
//!           └─────── 13 ──┘
//!   reach 13      0        2        3           level 0: a word a chunk
//!         └───────┴────────┴────────┴─── 13     level 1: what eight together offer, and so on
//! ```
//!
//! Whatever is free is within the reach of one chunk, in one piece: a run is in some chunk's reach exactly if it is free
//! at all. The lowest chunk that reaches far enough has the lowest run.
//!
//! Beside its reach, the tree keeps the size of a chunk's largest [buddy block](crate::offer): so the lowest chunk with a block
//! is found like the lowest with a run.
//!
//! # Costs
//!
//! A change inside a chunk changes its reach, and if its start changed, its owner's; both are carried upwards as far as
//! what a node offers changes, which is mostly nowhere. With n chunks: O(log n) for a change and for a search.
#![forbid(unsafe_code)]

use crate::{
    layout::{CHUNKS, FANOUT_LOG2, HEADER_WORDS, OFFERS_AT, TOP_AT, TOP_HEIGHT, nodes_at, used_set_at},
    offer::Offer,
    summary::{CHUNK_PAGES, CHUNK_WORDS, ChunkRecord},
    word_set,
};

/// One level of the tree.
#[derive(Clone, Copy, Debug)]
struct Level {
    // Index of its first word.
    at: usize,
    // How many nodes it has.
    nodes: usize,
}

impl Level {
    /// The chunks themselves.
    #[inline]
    fn lowest(words: &[u64]) -> Self {
        Self { at: words[OFFERS_AT] as usize, nodes: chunks(words) }
    }

    /// The level above.
    #[inline]
    const fn above(self) -> Self {
        Self { at: self.at + self.nodes, nodes: nodes_at(self.nodes, 1) }
    }

    /// The nodes of this level that have the node `parent` above them.
    #[inline]
    fn children(self, words: &[u64], parent: usize) -> &[u64] {
        let first = parent << FANOUT_LOG2;
        &words[self.at + first..self.at + (first + (1 << FANOUT_LOG2)).min(self.nodes)]
    }

    /// What the node `parent` above has to be.
    #[inline]
    fn joined(self, words: &[u64], parent: usize) -> Offer {
        let children = self.children(words, parent);
        match <[u64; 1 << FANOUT_LOG2]>::try_from(children) {
            Ok(all) => Offer::of_eight(all.map(Offer)),
            Err(_) => children.iter().fold(Offer::NOTHING, |joined, child| joined.joined(Offer(*child))),
        }
    }
}

#[inline]
fn chunks(words: &[u64]) -> usize {
    words[CHUNKS] as usize
}

#[inline]
fn record(words: &[u64], chunk: usize) -> ChunkRecord {
    ChunkRecord(words[HEADER_WORDS + CHUNK_WORDS * chunks(words) + chunk])
}

/// What the whole block offers.
#[inline]
pub(crate) fn offer(words: &[u64]) -> Offer {
    Offer(words[words[TOP_AT] as usize])
}

/// How many pages are free from the first of chunk `chunk` on, which may be one past the last.
#[inline]
pub(crate) fn free_from(words: &[u64], chunk: usize) -> usize {
    let chunks = chunks(words);
    if chunk >= chunks {
        return 0;
    }
    let start = record(words, chunk).start();
    if start != CHUNK_PAGES { start } else { free_from_whole(words, chunk, chunks) }
}

/// [`free_from`], where the chunk is wholly free.
fn free_from_whole(words: &[u64], chunk: usize, chunks: usize) -> usize {
    match word_set::next_member(&words[used_set_at(chunks)..], chunks, chunk) {
        Some(next) => (next - chunk) * CHUNK_PAGES + record(words, next).start(),
        None => (chunks - chunk) * CHUNK_PAGES,
    }
}

/// How many pages are free directly below the first of chunk `chunk`.
pub(crate) fn free_below(words: &[u64], chunk: usize) -> usize {
    // Between the two are whole chunks.
    owner(words, chunk).map_or(0, |owner| record(words, owner).end() + (chunk - 1 - owner) * CHUNK_PAGES)
}

/// What chunk `chunk` offers: its reach, and the largest block in it.
#[inline(always)]
fn of_chunk(words: &[u64], chunk: usize) -> Offer {
    let record = record(words, chunk);
    let reach = if record.is_whole() && chunk > 0 {
        0
    } else {
        record.longest().max(record.end() + free_from(words, chunk + 1))
    };
    Offer::new(reach, record.block())
}

/// The chunk whose reach depends on how chunk `chunk` begins; `None` for the lowest.
fn owner(words: &[u64], chunk: usize) -> Option<usize> {
    let below = chunk.checked_sub(1)?;
    if !record(words, below).is_whole() {
        return Some(below);
    }
    let chunks = chunks(words);
    Some(word_set::last_member(&words[used_set_at(chunks)..], chunks, below).unwrap_or(0))
}

/// Computes what a chunk offers anew and carries it upwards. Returns whether the offer of the block changed.
fn renew(words: &mut [u64], chunk: usize) -> bool {
    let (mut level, mut node) = (Level::lowest(words), chunk);
    let mut new = of_chunk(words, chunk);
    loop {
        let old = Offer(core::mem::replace(&mut words[level.at + node], new.0));
        if old == new {
            return false;
        }
        if level.nodes == 1 {
            return true;
        }
        let above = level.above();
        node >>= FANOUT_LOG2;
        let whole = Offer(words[above.at + node]);
        new = if old.held_up(whole, new) { level.joined(words, node) } else { whole.joined(new) };
        level = above;
    }
}

/// The record of chunk `chunk` became another one, `old` having been stored before: brings the tree up to date.
/// Returns whether the offer of the block changed.
pub(crate) fn record_changed(words: &mut [u64], chunk: usize, old: ChunkRecord) -> bool {
    let new = record(words, chunk);
    let (was_whole, is_whole) = (old.is_whole(), new.is_whole());
    if was_whole != is_whole {
        let chunks = chunks(words);
        let set = &mut words[used_set_at(chunks)..];
        if is_whole {
            word_set::remove(set, chunks, chunk);
        } else {
            word_set::insert(set, chunks, chunk);
        }
    }
    let mut changed = renew(words, chunk);
    if old.start() != new.start()
        && let Some(owner) = owner(words, chunk)
    {
        changed |= renew(words, owner);
    }
    changed
}

/// Brings the tree up to date after the records of the chunks `first` to `last` were stored. Returns whether the offer
/// of the block changed.
pub(crate) fn rebuild(words: &mut [u64], first: usize, last: usize) -> bool {
    let before = offer(words);
    let chunks = chunks(words);
    for chunk in first..=last {
        let is_whole = record(words, chunk).is_whole();
        let set = &mut words[used_set_at(chunks)..];
        if is_whole {
            word_set::remove(set, chunks, chunk);
        } else {
            word_set::insert(set, chunks, chunk);
        }
    }
    if let Some(owner) = owner(words, first) {
        renew(words, owner);
    }
    let mut level = Level::lowest(words);
    for chunk in first..=last {
        words[level.at + chunk] = of_chunk(words, chunk).0;
    }
    let (mut low, mut high) = (first, last);
    while level.nodes > 1 {
        let above = level.above();
        (low, high) = (low >> FANOUT_LOG2, high >> FANOUT_LOG2);
        for node in low..=high {
            words[above.at + node] = level.joined(words, node).0;
        }
        level = above;
    }
    before != offer(words)
}

/// The lowest chunk from `from` on that reaches `pages` pages or further.
#[inline]
pub(crate) fn next_reaching(words: &[u64], from: usize, pages: usize) -> Option<usize> {
    next(words, from, |offer| offer.reaches(pages))
}

/// The lowest chunk from `from` on that has a block of `pages` pages, a power of two up to a chunk.
#[inline]
pub(crate) fn next_with_block(words: &[u64], from: usize, pages: usize) -> Option<usize> {
    next(words, from, |offer| offer.has_block(pages))
}

/// The lowest chunk from `from` on whose offer is `good`. That of chunks together is good exactly if that of one is.
#[inline]
fn next(words: &[u64], from: usize, good: impl Fn(Offer) -> bool) -> Option<usize> {
    if from == 0 {
        let top = Level { at: words[TOP_AT] as usize, nodes: 1 };
        return if good(offer(words)) { descend(words, top, 0, words[TOP_HEIGHT] as u32, good) } else { None };
    }
    let (mut level, mut node, mut height) = (Level::lowest(words), from, 0);
    while node < level.nodes {
        let siblings = level.children(words, node >> FANOUT_LOG2);
        if let Some(found) = first(&siblings[node % (1 << FANOUT_LOG2)..], &good) {
            return descend(words, level, node + found, height, good);
        }
        (level, node, height) = (level.above(), (node >> FANOUT_LOG2) + 1, height + 1);
    }
    None
}

/// The lowest chunk below a node of a level at `height` whose offer is good; one is.
#[inline]
fn descend(
    words: &[u64],
    mut level: Level,
    mut node: usize,
    height: u32,
    good: impl Fn(Offer) -> bool,
) -> Option<usize> {
    for height in (0..height).rev() {
        let nodes = nodes_at(chunks(words), height);
        level = Level { at: level.at - nodes, nodes };
        node = (node << FANOUT_LOG2) + first(level.children(words, node), &good)?;
    }
    Some(node)
}

/// The first of some siblings whose offer is good.
#[inline]
fn first(siblings: &[u64], good: impl Fn(Offer) -> bool) -> Option<usize> {
    let good = |offer: &u64| good(Offer(*offer));
    match <&[u64; 1 << FANOUT_LOG2]>::try_from(siblings) {
        // The same, without a look at how many there are.
        Ok(all) => all.iter().position(good),
        Err(_) => siblings.iter().position(good),
    }
}

/// The first thing of the tree that is not what the records say it should be, if there is one.
pub(crate) fn check(words: &[u64]) -> Result<(), &'static str> {
    let chunks = chunks(words);
    let set = &words[used_set_at(chunks)..];
    let is_in_set = |chunk| word_set::next_member(set, chunks, chunk) == Some(chunk);
    if (0..chunks).any(|chunk| is_in_set(chunk) == record(words, chunk).is_whole()) {
        return Err("the set of chunks that are not wholly free is what their records say");
    }
    let mut level = Level::lowest(words);
    if (0..chunks).any(|chunk| words[level.at + chunk] != of_chunk(words, chunk).0) {
        return Err("a chunk offers what the records say");
    }
    while level.nodes > 1 {
        let above = level.above();
        if (0..above.nodes).any(|node| words[above.at + node] != level.joined(words, node).0) {
            return Err("a node offers what its children do");
        }
        level = above;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{vec, vec::Vec};

    use super::*;
    use crate::{layout::block_words, pages::PageRange, span::Span};

    /// The free pages of a chunk: none, all, at its start, at its end, at both, and inside.
    const KINDS: [&[(usize, usize)]; 6] =
        [&[], &[(0, 512)], &[(0, 200)], &[(412, 100)], &[(0, 100), (462, 50)], &[(100, 300)]];

    /// The words of chunks of these kinds, and which of their pages are free.
    fn of_kinds(kinds: &[usize]) -> (Vec<u64>, Vec<bool>) {
        let pages = PageRange::counted(0, kinds.len() * CHUNK_PAGES).unwrap();
        let mut words = vec![0; block_words(kinds.len())];
        let mut span = Span(words.as_mut_slice());
        span.write_header(pages, None);
        let mut free = vec![false; pages.count()];
        for (chunk, kind) in kinds.iter().enumerate() {
            for (first, count) in KINDS[*kind] {
                let run = PageRange::counted(chunk * CHUNK_PAGES + first, *count).unwrap();
                span.fill(run, true);
                free[run.first()..=run.last()].fill(true);
            }
        }
        span.rebuild();
        (words, free)
    }

    /// How far chunk `chunk` reaches, by counting.
    fn counted(free: &[bool], chunk: usize) -> usize {
        let (here, after) = free[chunk * CHUNK_PAGES..].split_at(CHUNK_PAGES);
        if chunk > 0 && !here.contains(&false) {
            return 0;
        }
        let end = here.iter().rev().take_while(|free| **free).count();
        let on = after.iter().take_while(|free| **free).count();
        here.split(|free| !free).map(<[bool]>::len).max().unwrap_or(0).max(end + on)
    }

    #[test]
    fn a_chunk_reaches_as_far_as_its_longest_run_or_from_its_end_on_and_a_whole_one_below_the_first_nowhere() {
        for number in 0..6_usize.pow(4) {
            let kinds = [number % 6, number / 6 % 6, number / 36 % 6, number / 216];
            let (words, free) = of_kinds(&kinds);
            let reaches: Vec<usize> = (0..4).map(|chunk| counted(&free, chunk)).collect();
            assert_eq!(offer(&words).reach(), *reaches.iter().max().unwrap(), "{kinds:?}");
            for from in 0..5 {
                let start = free[from * CHUNK_PAGES..].iter().take_while(|free| **free).count();
                assert_eq!(free_from(&words, from), start, "{kinds:?} from chunk {from}");
                let below = free[..from * CHUNK_PAGES].iter().rev().take_while(|free| **free).count();
                assert_eq!(free_below(&words, from), below, "{kinds:?} below chunk {from}");
                for block in (0..10).map(|bits| 1 << bits) {
                    let has = |chunk: &usize| {
                        let free = &free[chunk * CHUNK_PAGES..(chunk + 1) * CHUNK_PAGES];
                        free.chunks_exact(block).any(|free| !free.contains(&false))
                    };
                    let next = (from..4).find(has);
                    assert_eq!(next_with_block(&words, from, block), next, "{kinds:?} from {from}: {block}");
                }
                for pages in reaches.iter().flat_map(|reach| [*reach, reach + 1]).filter(|pages| *pages > 0) {
                    let next = (from..4).find(|chunk| reaches[*chunk] >= pages);
                    assert_eq!(next_reaching(&words, from, pages), next, "{kinds:?} from chunk {from}: {pages}");
                }
            }
        }
    }
}
