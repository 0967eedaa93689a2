//! Chunks whose records are out of date.
//!
//! A single page, taken or given back, mostly changes its chunk's three numbers; keeping them, and the levels
//! above, right each time would cost several times what the rest does. So a chunk's record is marked *stale*
//! instead and remembered here; it is computed anew, once for all changes meanwhile, before anything is searched.
//! Where too many chunks change, the rest is kept right each time.
//!
//! What single pages go by, the masks of words and the set of broken chunks, is always right. So nobody can tell
//! when records are renewed.
//!
//! # Costs
//!
//! A search renews at most [`STALE_CHUNKS`] records.
#![forbid(unsafe_code)]

use crate::records::Link;

/// How many chunks can be stale. Fewer make renewals frequent; more make the search that has to renew them slow.
pub(crate) const STALE_CHUNKS: usize = 16;

/// The chunks that may be stale: all that are, and perhaps some that are not.
#[derive(Debug)]
pub(crate) struct StaleList {
    // The first `count` are in use.
    chunks: [(Option<Link>, usize); STALE_CHUNKS],
    count: usize,
}

impl StaleList {
    /// None.
    pub(crate) const EMPTY: Self = Self { chunks: [(None, 0); STALE_CHUNKS], count: 0 };

    /// Whether one more can be remembered.
    #[inline]
    pub(crate) const fn has_room(&self) -> bool {
        self.count < STALE_CHUNKS
    }

    /// Remembers a chunk; there is room.
    pub(crate) fn push(&mut self, span: Link, chunk: usize) {
        debug_assert!(self.has_room());
        if let Some(slot) = self.chunks.get_mut(self.count) {
            *slot = (Some(span), chunk);
            self.count += 1;
        }
    }

    /// Forgets a chunk and returns it.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<(Link, usize)> {
        self.count = self.count.checked_sub(1)?;
        let (span, chunk) = core::mem::take(&mut self.chunks[self.count]);
        span.map(|span| (span, chunk))
    }

    /// Whether the chunk is remembered.
    pub(crate) fn contains(&self, span: Link, chunk: usize) -> bool {
        self.chunks.contains(&(Some(span), chunk))
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use core::num::NonZeroUsize;
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_chunk_pushed_is_remembered_and_popped_once() {
        let span = Link::new(NonZeroUsize::MIN);
        let mut list = StaleList::EMPTY;
        for count in [0, 1, STALE_CHUNKS] {
            for chunk in 0..count {
                assert!(list.has_room() && !list.contains(span, chunk));
                list.push(span, chunk);
            }
            assert_eq!(list.has_room(), count < STALE_CHUNKS);
            assert!((0..count).all(|chunk| list.contains(span, chunk)));
            let popped: BTreeSet<usize> = core::iter::from_fn(|| list.pop()).map(|(_, chunk)| chunk).collect();
            assert!(popped.into_iter().eq(0..count));
            assert!(!list.contains(span, 0));
        }
    }
}
