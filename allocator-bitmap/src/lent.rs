//! Records outside the pages they describe: in memory lent for that, or in the value itself.
//!
//! Both keep their blocks in an [`arena`]. The managed pages are never touched, so they may be mere numbers.

use allocator_api::{AllocError, AllocResult, ConstEmpty};

use crate::{
    arena::{self, FRONT_WORDS},
    records::{ChunkPlace, Home, Link, Records, Side, Store},
    summary::CHUNK_WORDS,
};

/// Words that blocks are kept in.
trait Arena {
    fn arena(&self) -> &[u64];
    fn arena_mut(&mut self) -> &mut [u64];
}

/// Records in memory lent with [`lend`](crate::BitmapPageAllocator::lend).
#[derive(Debug)]
pub struct Lent {
    words: Option<&'static mut [u64]>,
}

impl Lent {
    /// No room for records yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { words: None }
    }

    /// Room for records in `words`, whatever is in them.
    pub fn in_words(words: &'static mut [u64]) -> Self {
        let mut lent = Self::new();
        if words.len() >= FRONT_WORDS {
            arena::clear(words);
            lent.words = Some(words);
        }
        lent
    }
}

#[cfg(test)]
impl Lent {
    /// A block of `words` words, for tests without unsafe code.
    pub(crate) fn claim_words(&mut self, words: usize) -> Option<Link> {
        arena::claim(self.arena_mut(), words)
    }
}

impl ConstEmpty for Lent {
    const EMPTY: Self = Self::new();
}

impl Default for Lent {
    fn default() -> Self {
        Self::new()
    }
}

impl Arena for Lent {
    #[inline]
    fn arena(&self) -> &[u64] {
        self.words.as_deref().unwrap_or(&[])
    }

    #[inline]
    fn arena_mut(&mut self) -> &mut [u64] {
        self.words.as_deref_mut().unwrap_or(&mut [])
    }
}

/// Records in the value itself, `WORDS` words of 8 bytes: for ids and small numbers of pages.
///
/// A value above 4 KiB belongs into a static.
#[derive(Debug)]
pub struct Inline<const WORDS: usize>([u64; WORDS]);

impl<const WORDS: usize> Inline<WORDS> {
    /// No records yet.
    #[expect(clippy::new_without_default, reason = "it may be too large for a stack")]
    #[must_use]
    pub const fn new() -> Self {
        Self([0; WORDS])
    }
}

impl<const WORDS: usize> ConstEmpty for Inline<WORDS> {
    const EMPTY: Self = Self::new();
}

impl<const WORDS: usize> Arena for Inline<WORDS> {
    #[inline]
    fn arena(&self) -> &[u64] {
        &self.0
    }

    #[inline]
    fn arena_mut(&mut self) -> &mut [u64] {
        &mut self.0
    }
}

impl<A: Arena> Store for A {
    const IN_REGION: bool = false;
    const OVERHEAD_BYTES: usize = 0;

    #[inline]
    fn words(&self, link: Link) -> &[u64] {
        arena::words(self.arena(), link)
    }

    #[inline]
    fn words_mut(&mut self, link: Link) -> &mut [u64] {
        arena::words_mut(self.arena_mut(), link)
    }

    fn chunk_place(&self, link: Link, at: usize) -> Option<ChunkPlace> {
        arena::chunk_place(self.arena(), link, at)
    }

    #[inline]
    fn chunk_mut(&mut self, place: ChunkPlace) -> &mut [u64; CHUNK_WORDS] {
        arena::chunk_mut(self.arena_mut(), place)
    }

    fn child(&self, link: Link, side: Side) -> Option<Link> {
        arena::child(self.arena(), link, side)
    }

    fn set_child(&mut self, link: Link, side: Side, child: Option<Link>) {
        arena::set_child(self.arena_mut(), link, side, child);
    }

    unsafe fn claim(&mut self, _home: Home, words: usize) -> Option<Link> {
        arena::claim(self.arena_mut(), words)
    }

    fn extend(&mut self, link: Link, words: usize) -> bool {
        arena::extend(self.arena_mut(), link, words)
    }

    fn release(&mut self, link: Link) {
        arena::release(self.arena_mut(), link);
    }
}

impl Records for Lent {}
impl<const WORDS: usize> Records for Inline<WORDS> {}

impl<const PAGE_SIZE: usize> crate::BitmapPageAllocator<PAGE_SIZE, Lent> {
    /// Lends memory for the records: before memory comes, at least
    /// [`record_bytes`](crate::BitmapPageAllocator::record_bytes) of the memory map. What is in it does not
    /// matter.
    ///
    /// # Errors
    ///
    /// - [`InvalidParam`](AllocError::InvalidParam): pages are managed already.
    pub fn lend(&mut self, words: &'static mut [u64]) -> AllocResult {
        if self.is_empty() {
            *self.records_mut() = Lent::in_words(words);
            Ok(())
        } else {
            Err(AllocError::InvalidParam)
        }
    }
}
