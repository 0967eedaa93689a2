//! Records outside the pages they describe: in memory lent for that, or in the value itself.
//!
//! Both keep their blocks in an [`arena`]. The managed pages are never touched, so they may be mere numbers.

use allocator_api::{AddressRange, AllocError, AllocResult, BaseAllocator, ConstEmpty};

use crate::{
    arena::{self, FRONT_WORDS},
    memory::words_of,
    records::{ChunkPlace, Home, Link, Records, Side, Store},
    start::{StartError, check_map, from_below},
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

impl Records for Lent {
    const NAME: &'static str = "bitmap-lent";

    fn room_bytes(&self) -> Option<usize> {
        self.words.as_deref().map(size_of_val)
    }

    unsafe fn take_room(&mut self, home: Home) {
        // SAFETY: 1. is the caller's 1.; room ends before the last page of the address space (`start::room_in`).
        *self = Self::in_words(unsafe { words_of(home) });
    }
}

impl<const WORDS: usize> Records for Inline<WORDS> {
    const NAME: &'static str = "bitmap-inline";
}

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

    /// Starts from a memory map: finds room for the records in it, keeps them there, and takes the rest in. Returns the
    /// room, pages that are neither handed out nor counted; `None` if enough was lent before.
    ///
    /// `map` may be in any order; entries may touch, and what is no whole page of one is left out. The room is the end
    /// of the highest entry that is long enough, so that low memory is left for those who need it; the same map
    /// always gives the same room. O(n²) in the entries, and linear in the records.
    ///
    /// # Errors
    ///
    /// [`StartError`] says what is lacking; nothing is taken then.
    ///
    /// # Safety
    ///
    /// 1. All of `map` is memory as [`BaseAllocator::init`] wants it. (Once the room is found, only that is touched.)
    /// 2. As there: its provenance is exposed.
    ///
    /// # Examples
    ///
    /// ```
    /// use allocator_api::{AddressRange, PageAllocator};
    /// use allocator_bitmap::{BitmapPageAllocator, Lent, StartError};
    ///
    /// let mut pages = BitmapPageAllocator::<4096, Lent>::new();
    /// # let layout = std::alloc::Layout::from_size_align(64 << 10, 4096).unwrap();
    /// # // SAFETY: the size is not 0.
    /// # let start = unsafe { std::alloc::alloc(layout) }.expose_provenance();
    /// let map = [
    ///     AddressRange::new(start + 0x8000, 0x8000).unwrap(),
    ///     AddressRange::new(start, 0x4000).unwrap(),
    /// ];
    /// // SAFETY: 1. The memory is never freed, and nobody else uses it. 2. It is exposed above.
    /// let records = unsafe { pages.init_from_map(&map) }?;
    /// assert_eq!(records, AddressRange::new(start + 0xf000, 0x1000));
    /// assert_eq!((pages.total_pages(), pages.used_pages()), (11, 0));
    /// # Ok::<(), StartError>(())
    /// ```
    pub unsafe fn init_from_map(&mut self, map: &[AddressRange]) -> Result<Option<AddressRange>, StartError> {
        check_map(map)?;
        let regions = from_below(map, PAGE_SIZE);
        // SAFETY: 1. The caller's 1. and 2.; that no two overlap was checked above. 2. It is left out below.
        let room = unsafe { self.take_room_in(regions.clone()) }?;
        for region in regions {
            let rest = region.before(room).and_then(|rest| Some((rest.start(), rest.size()?)));
            let Some((start, size)) = rest else { continue };
            // SAFETY: 1. 2. are the caller's 1. and 2.
            let taken = unsafe { self.add_memory(start, size) };
            debug_assert!(taken.is_ok(), "there is room for the records of all regions");
        }
        Ok(room)
    }
}
