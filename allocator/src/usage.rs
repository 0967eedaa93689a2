//! Who uses the pages.
//!
//! ```text
//!   total_pages ─┬─ available_pages
//!                └─ used_pages ─┬─ per kind: heap, page table, page cache, DMA, user memory, other
//!                               └─ the page level's own records, and runs taken past the counters
//! ```
//!
//! The byte level takes its pages as [`UsageKind::Heap`]; of these, [`Usage::heap_used_bytes`] are in use.
#![forbid(unsafe_code)]

use core::fmt;

/// What a run of pages is used for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum UsageKind {
    /// The byte level of the allocator.
    Heap,
    /// Page tables.
    PageTable,
    /// Cached file contents.
    PageCache,
    /// Buffers that devices read and write.
    Dma,
    /// Memory of user programs.
    UserMemory,
    /// Anything else.
    Other,
}

impl UsageKind {
    /// Every kind, in a fixed order.
    pub const ALL: [Self; 6] =
        [Self::Heap, Self::PageTable, Self::PageCache, Self::Dma, Self::UserMemory, Self::Other];
}

impl fmt::Display for UsageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Heap => "heap",
            Self::PageTable => "page table",
            Self::PageCache => "page cache",
            Self::Dma => "DMA",
            Self::UserMemory => "user memory",
            Self::Other => "other",
        })
    }
}

/// Pages handed out, by kind. All zero at first.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct PageCounts([usize; UsageKind::ALL.len()]);

impl PageCounts {
    pub(crate) const ZERO: Self = Self([0; UsageKind::ALL.len()]);

    pub(crate) fn of(&self, kind: UsageKind) -> usize {
        self.0[kind as usize]
    }

    pub(crate) fn add(&mut self, kind: UsageKind, num_pages: usize) {
        self.0[kind as usize] += num_pages;
    }

    /// The count of `kind` is at least `num_pages`.
    pub(crate) fn subtract(&mut self, kind: UsageKind, num_pages: usize) {
        debug_assert!(num_pages <= self.of(kind));
        self.0[kind as usize] -= num_pages;
    }
}

/// What an allocator holds and hands out, at one moment.
///
/// # Examples
///
/// ```
/// use allocator::{Usage, UsageKind};
///
/// let nothing = Usage::default();
/// assert_eq!(nothing.pages(UsageKind::PageTable), 0);
/// assert_eq!(nothing.total_pages, nothing.used_pages + nothing.available_pages);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Usage {
    /// Bytes of the pages that the byte level holds.
    pub heap_held_bytes: usize,
    /// Bytes of these that cannot be handed out now: live blocks with their rounding, and records.
    pub heap_used_bytes: usize,
    /// Pages that the page level holds.
    pub total_pages: usize,
    /// Pages of these that cannot be handed out now.
    pub used_pages: usize,
    /// Pages that are free.
    pub available_pages: usize,
    pub(crate) counts: PageCounts,
}

impl Usage {
    /// Pages handed out for `kind` and not given back.
    #[must_use]
    pub fn pages(&self, kind: UsageKind) -> usize {
        self.counts.of(kind)
    }
}
