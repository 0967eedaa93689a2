//! Pages kept for the next request of exactly one page.
#![forbid(unsafe_code)]

use crate::memory::Place;

/// The most pages kept, inclusive.
pub(crate) const MAX_PAGES: usize = 16;

/// A stack of pages: held, in the map, and live to nobody.
#[derive(Debug)]
pub(crate) struct PageCache {
    /// The address of each page, and where the map has it.
    pages: [(usize, Place); MAX_PAGES],
    count: usize,
}

impl PageCache {
    pub(crate) const EMPTY: Self = Self { pages: [(0, Place::NOWHERE); MAX_PAGES], count: 0 };

    /// The page that was kept last.
    pub(crate) fn pop(&mut self) -> Option<(usize, Place)> {
        self.count = self.count.checked_sub(1)?;
        self.pages.get(self.count).copied()
    }

    /// Keeps a page; `false` if there are enough.
    pub(crate) fn push(&mut self, page: usize, place: Place) -> bool {
        let Some(room) = self.pages.get_mut(self.count) else {
            return false;
        };
        *room = (page, place);
        self.count += 1;
        true
    }

    /// The pages kept.
    pub(crate) fn as_slice(&self) -> &[(usize, Place)] {
        self.pages.get(..self.count).unwrap_or(&[])
    }
}
