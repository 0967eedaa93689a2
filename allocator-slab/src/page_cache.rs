//! Pages kept for the next request of exactly one page.
#![forbid(unsafe_code)]

/// The most pages kept, inclusive.
pub(crate) const MAX_PAGES: usize = 16;

/// A stack of pages. Held, mapped, and live to nobody.
#[derive(Debug)]
pub(crate) struct PageCache {
    pages: [usize; MAX_PAGES],
    count: usize,
}

impl PageCache {
    pub(crate) const EMPTY: Self = Self { pages: [0; MAX_PAGES], count: 0 };

    /// The page that was kept last.
    pub(crate) fn pop(&mut self) -> Option<usize> {
        self.count = self.count.checked_sub(1)?;
        self.pages.get(self.count).copied()
    }

    /// Keeps a page; `false` if there are enough.
    pub(crate) fn push(&mut self, page: usize) -> bool {
        let Some(place) = self.pages.get_mut(self.count) else {
            return false;
        };
        *place = page;
        self.count += 1;
        true
    }

    /// The pages kept.
    pub(crate) fn as_slice(&self) -> &[usize] {
        self.pages.get(..self.count).unwrap_or(&[])
    }
}
