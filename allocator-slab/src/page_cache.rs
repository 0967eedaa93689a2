//! Pages kept for the next request of exactly one page, and for the next slab of one.
#![forbid(unsafe_code)]

use allocator_api::PageAllocator;

use crate::{
    memory::{Place, Source},
    size_class::FRAME_BYTES,
};

/// The most pages kept, inclusive.
pub(crate) const MAX_PAGES: usize = 16;

/// A stack of pages: held, in the map, and live to nobody.
#[derive(Debug)]
pub(crate) struct PageCache {
    /// The address of each page, and where the map has it.
    pages: [(usize, Place); MAX_PAGES],
    count: usize,
    /// Bytes of each.
    unit_bytes: usize,
}

impl PageCache {
    pub(crate) const EMPTY: Self = Self { pages: [(0, Place::NOWHERE); MAX_PAGES], count: 0, unit_bytes: 0 };

    /// Bytes of each page that is kept.
    pub(crate) const fn unit_bytes(&self) -> usize {
        self.unit_bytes
    }

    /// The page that was kept last.
    pub(crate) fn pop(&mut self) -> Option<(usize, Place)> {
        self.count = self.count.checked_sub(1)?;
        self.pages.get(self.count).copied()
    }

    /// As [`pop`](Self::pop), if the pages are of the size of `P`'s.
    pub(crate) fn pop_page<P: PageAllocator>(&mut self) -> Option<(usize, Place)> {
        if self.unit_bytes == Source::<P>::UNIT_BYTES { self.pop() } else { None }
    }

    /// Keeps a page; `false` if there are enough.
    pub(crate) fn push<P: PageAllocator>(&mut self, page: usize, place: Place) -> bool {
        let Some(room) = self.pages.get_mut(self.count) else {
            return false;
        };
        *room = (page, place);
        self.unit_bytes = Source::<P>::UNIT_BYTES;
        self.count += 1;
        true
    }

    /// The page that was kept last, for a slab of `bytes`: if that is a page, and a frame.
    pub(crate) fn pop_for<P: PageAllocator>(&mut self, bytes: usize) -> Option<(usize, Place)> {
        if is_a_page::<P>(bytes) { self.pop_page::<P>() } else { None }
    }

    /// Keeps the page of a slab of `bytes`; `false` if it has more than one, or there are enough.
    pub(crate) fn push_of<P: PageAllocator>(&mut self, bytes: usize, page: usize, place: Place) -> bool {
        is_a_page::<P>(bytes) && self.push::<P>(page, place)
    }

    /// The pages kept.
    pub(crate) fn as_slice(&self) -> &[(usize, Place)] {
        self.pages.get(..self.count).unwrap_or(&[])
    }
}

/// Whether a slab of `bytes` is one page with one entry in the map, as those are that are kept.
const fn is_a_page<P: PageAllocator>(bytes: usize) -> bool {
    bytes == FRAME_BYTES && Source::<P>::UNIT_BYTES == FRAME_BYTES
}
