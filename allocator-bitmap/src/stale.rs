//! Chunks whose records are out of date.
//!
//! A page, taken or given back, often changes its chunk's numbers; keeping them, and the tree, right each
//! time would cost several times what the rest does. So a chunk's record is marked *stale* instead and remembered
//! here; it is computed anew, once for all changes meanwhile, before anything is searched. When there is no room to
//! remember one more, the one remembered longest is renewed.
//!
//! What is handed out next never depends on which records are stale: so nobody can tell when records are renewed.
//!
//! # Costs
//!
//! A search renews at most [`STALE_CHUNKS`] records.
#![forbid(unsafe_code)]

use crate::records::Link;

/// How many chunks can be stale. Fewer make renewals frequent; more make the search that has to renew them slow.
pub(crate) const STALE_CHUNKS: usize = 8;

/// The chunks whose records are stale.
#[derive(Debug)]
pub(crate) struct StaleList {
    // A ring: `count` slots from `oldest` on are in use.
    chunks: [(Option<Link>, usize); STALE_CHUNKS],
    oldest: usize,
    count: usize,
}

impl StaleList {
    /// None.
    pub(crate) const EMPTY: Self = Self { chunks: [(None, 0); STALE_CHUNKS], oldest: 0, count: 0 };

    /// Remembers a chunk. Returns the one that is forgotten for it.
    pub(crate) fn push(&mut self, span: Link, chunk: usize) -> Option<(Link, usize)> {
        let forgotten = if self.count == STALE_CHUNKS { self.pop() } else { None };
        self.chunks[(self.oldest + self.count) % STALE_CHUNKS] = (Some(span), chunk);
        self.count += 1;
        forgotten
    }

    /// Forgets the chunk remembered longest and returns it.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<(Link, usize)> {
        if self.count == 0 {
            return None;
        }
        let slot = core::mem::take(&mut self.chunks[self.oldest % STALE_CHUNKS]);
        self.oldest = (self.oldest + 1) % STALE_CHUNKS;
        self.count -= 1;
        match slot {
            (Some(span), chunk) => Some((span, chunk)),
            (None, _) => None,
        }
    }

    /// Forgets a chunk.
    pub(crate) fn remove(&mut self, span: Link, chunk: usize) {
        let slots = (self.oldest..self.oldest + self.count).map(|slot| slot % STALE_CHUNKS);
        if let Some(slot) = slots.into_iter().find(|slot| self.chunks[*slot] == (Some(span), chunk)) {
            // The oldest fills the gap.
            self.chunks[slot] = self.chunks[self.oldest];
            self.pop();
        }
    }

    /// Whether the chunk is remembered.
    pub(crate) fn contains(&self, span: Link, chunk: usize) -> bool {
        self.iter().any(|slot| *slot == (Some(span), chunk))
    }

    /// The slots in use, the oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Option<Link>, usize)> {
        (0..self.count).map(|i| &self.chunks[(self.oldest + i) % STALE_CHUNKS])
    }
}

/// How many chunks are remembered as changed recently.
const RECENT_CHUNKS: usize = 4;

/// The chunks whose records were last made to fit when a page came back. Where one comes back again, it pays to let
/// the record be stale; where pages come back all over the memory, it does not.
#[derive(Debug)]
pub(crate) struct Recent {
    chunks: [(Option<Link>, usize); RECENT_CHUNKS],
    // How many were put in so far: that number, reduced, is the slot of the next one.
    next: usize,
}

impl Recent {
    /// None.
    pub(crate) const NONE: Self = Self { chunks: [(None, 0); RECENT_CHUNKS], next: 0 };

    /// Whether the chunk is one of the last that were asked for; else it is from now on.
    pub(crate) fn saw(&mut self, span: Link, chunk: usize) -> bool {
        if self.chunks.contains(&(Some(span), chunk)) {
            return true;
        }
        self.chunks[self.next % RECENT_CHUNKS] = (Some(span), chunk);
        self.next = self.next.wrapping_add(1);
        false
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use core::num::NonZeroUsize;
    use std::vec::Vec;

    use super::*;

    #[test]
    fn the_last_chunks_asked_for_were_seen() {
        let span = Link::new(NonZeroUsize::MIN);
        let mut recent = Recent::NONE;
        for chunk in 0..20 {
            assert!(!recent.saw(span, chunk), "a new one");
            assert!((chunk.saturating_sub(RECENT_CHUNKS - 1)..=chunk).all(|chunk| recent.saw(span, chunk)));
        }
        assert!(!recent.saw(span, 20 - RECENT_CHUNKS - 1), "forgotten");
        assert!(!recent.saw(Link::new(NonZeroUsize::MAX), 19), "of another span");
    }

    #[test]
    fn every_chunk_pushed_is_remembered_until_it_is_the_oldest_of_too_many() {
        let span = Link::new(NonZeroUsize::MIN);
        let mut list = StaleList::EMPTY;
        for round in 0..5 {
            for count in 0..3 * STALE_CHUNKS {
                assert!(!list.contains(span, count));
                let forgotten = list.push(span, count);
                assert_eq!(forgotten, count.checked_sub(STALE_CHUNKS).map(|oldest| (span, oldest)), "{round}");
                assert!((count.saturating_sub(STALE_CHUNKS - 1)..=count).all(|chunk| list.contains(span, chunk)));
            }
            let popped: Vec<usize> = core::iter::from_fn(|| list.pop()).map(|(_, chunk)| chunk).collect();
            assert!(popped.into_iter().eq(2 * STALE_CHUNKS..3 * STALE_CHUNKS));
            assert!(!list.contains(span, 2 * STALE_CHUNKS) && list.iter().count() == 0);
            (0..3).for_each(|chunk| assert_eq!(list.push(span, chunk), None));
            list.remove(span, 1);
            assert!(list.contains(span, 0) && !list.contains(span, 1) && list.contains(span, 2));
            assert_eq!((list.pop(), list.pop(), list.pop()), (Some((span, 0)), Some((span, 2)), None));
            // The next round begins at another slot.
            list.push(span, 0);
            assert_eq!(list.pop(), Some((span, 0)));
        }
    }
}
