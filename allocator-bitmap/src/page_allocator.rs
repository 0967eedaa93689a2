//! The page allocator: active word, spans, and the directory of spans.
//!
//! # Invariants
//!
//! - P1: `total` = the pages of all spans; `used` = those whose bit is zero, less the free ones of the active
//!   word.
//! - P2: the active word's bitmap word is zero, and `owned` are its managed pages without records.
//! - P3: all pages of `near` are managed and hold no records.
#![forbid(unsafe_code)]

use core::fmt;

use allocator_api::ConstEmpty;

use crate::{
    active::Active,
    change::After,
    directory,
    memory::InRegion,
    records::{Link, Records},
    span::Span,
    stale::StaleList,
};

/// A page allocator over any number of regions, with exact runs, checked frees and a bitmap of 0.15 bytes a page.
///
/// `PAGE_SIZE` is any power of two; `R` says where the records are: [`InRegion`], [`Lent`](crate::Lent) or
/// [`Inline`](crate::Inline).
///
/// # Complexity
///
/// With n pages and s spans (regions that touch are one span): `alloc_pages` of one page O(1) from the active
/// word, else O(log n + log s); of a run, the same if its alignment is a page or a longer run has room for it,
/// else that for each misfitting free run; plus 1/64 step for each page of the run. `alloc_pages_at`,
/// `dealloc_pages`: O(log n + log s), and 1/64 step a page. `add_memory`, `remove_memory`: linear in the records
/// of the spans concerned, at the speed of copying.
///
/// # Examples
///
/// ```
/// use allocator_api::{AllocError, BaseAllocator, PageAllocator};
/// use allocator_bitmap::{BitmapPageAllocator, Inline};
///
/// const PAGE: usize = 0x1000;
/// let mut pages = BitmapPageAllocator::<PAGE, Inline<64>>::new();
/// // SAFETY: records are in the value, so the regions are never touched: mere numbers here.
/// unsafe {
///     pages.init(0x10_0000, 8 * PAGE)?;
///     pages.add_memory(0x10_8000, 8 * PAGE)?;
/// }
/// let run = pages.alloc_pages(12, PAGE)?;
/// assert_eq!((run, pages.available_pages()), (0x10_0000, 4));
/// assert_eq!(pages.alloc_pages(5, PAGE), Err(AllocError::NoMemory));
/// // SAFETY: nobody uses the pages.
/// unsafe {
///     pages.dealloc_pages(run + 4 * PAGE, 2)?;
///     assert_eq!(pages.dealloc_pages(run, 12), Err(AllocError::NotAllocated));
/// }
/// assert_eq!(pages.used_pages(), 10);
/// # Ok::<(), AllocError>(())
/// ```
pub struct BitmapPageAllocator<const PAGE_SIZE: usize, R: Records = InRegion> {
    pub(crate) active: Active<PAGE_SIZE>,
    pub(crate) used: usize,
    pub(crate) total: usize,
    pub(crate) near: Near,
    pub(crate) root: Option<Link>,
    pub(crate) stale: StaleList,
    // Number of the first page that requests without constraint prefer.
    pub(crate) prefer: usize,
    pub(crate) records: R,
}

/// The pages around the last single one that went back into the records: one side of its span, if there are
/// records in the middle. All zeros if there is none.
#[derive(Debug)]
pub(crate) struct Near {
    pub(crate) span: Option<Link>,
    // Address of the page with index 0.
    pub(crate) base: usize,
    // Index of the first page.
    pub(crate) first: usize,
    // Index of the last page less that of the first.
    pub(crate) extent: usize,
}

impl Near {
    const NONE: Self = Self { span: None, base: 0, first: 0, extent: 0 };
}

impl<const PAGE_SIZE: usize, R: Records> BitmapPageAllocator<PAGE_SIZE, R> {
    pub(crate) const PAGE_LOG2: u32 = {
        assert!(PAGE_SIZE.is_power_of_two(), "a page is a power of two");
        assert!(!R::IN_REGION || PAGE_SIZE >= 64, "records in the region need pages of 64 bytes and more");
        PAGE_SIZE.trailing_zeros()
    };

    /// The number of the last page of the address space.
    pub(crate) const LAST_PAGE: usize = usize::MAX >> Self::PAGE_LOG2;

    /// Without memory yet, and with records kept in `records`.
    #[must_use]
    pub const fn with_records(records: R) -> Self {
        Self {
            active: Active::NONE,
            used: 0,
            total: 0,
            near: Near::NONE,
            root: None,
            stale: StaleList::EMPTY,
            prefer: 0,
            records,
        }
    }

    /// Pages in the longest run that could be handed out now. O(log n + log s): what the active word holds goes
    /// back into the records first.
    pub fn largest_free_run_pages(&mut self) -> usize {
        let parked = self.park();
        self.renew();
        let longest = directory::longest(&self.records, self.root);
        self.unpark(parked);
        longest
    }

    /// Prefers pages from address `address` on for requests without constraint, so that low memory is left for those
    /// who ask for it by address. 0, the value at first, prefers nothing.
    ///
    /// A preference, no promise: it counts in chunks of pages, rounded down, and the few pages around the one taken or
    /// given back last are still handed out first, wherever they are.
    pub fn prefer_above(&mut self, address: usize) {
        self.prefer = address >> Self::PAGE_LOG2;
    }

    /// Whether no memory is held.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    pub(crate) const fn records_mut(&mut self) -> &mut R {
        &mut self.records
    }

    pub(crate) fn span(&self, link: Link) -> Span<&[u64]> {
        Span(self.records.words(link))
    }

    pub(crate) fn span_mut(&mut self, link: Link) -> Span<&mut [u64]> {
        Span(self.records.words_mut(link))
    }

    pub(crate) const fn active(&self) -> &Active<PAGE_SIZE> {
        &self.active
    }

    /// Forgets what is known of spans beside the directory: they change. The active word is parked.
    pub(crate) fn forget_near(&mut self) {
        debug_assert!(self.active.free() == 0, "parked");
        self.active = Active::NONE;
        self.near = Near::NONE;
    }

    /// Tells the directory of a change in `link`'s span, if it has to know.
    pub(crate) fn tell(&mut self, link: Link, has_to_know: bool) {
        if has_to_know {
            let page = self.span(link).pages().first();
            directory::refresh(&mut self.records, self.root, page);
        }
    }

    /// Does what a change of `link`'s pages left to be done.
    #[inline]
    pub(crate) fn note(&mut self, link: Link, after: After) {
        if let Some(chunk) = after.stale {
            self.stale.push(link, chunk);
        }
        self.tell(link, after.tell);
    }

    /// Renews every stale record: a search is to follow.
    #[inline]
    pub(crate) fn renew(&mut self) {
        while let Some((link, chunk)) = self.stale.pop() {
            let has_to_know = self.span_mut(link).refresh(chunk);
            self.tell(link, has_to_know);
        }
    }

    pub(crate) const fn stale(&self) -> &StaleList {
        &self.stale
    }

    /// Puts the free pages of the active word back into the records. Returns its place for
    /// [`unpark`](Self::unpark).
    pub(crate) fn park(&mut self) -> Option<(Link, usize)> {
        let (link, word) = self.active.place().filter(|_| self.active.free() != 0)?;
        let free = self.active.free();
        self.active = Active::NONE;
        let has_to_know = self.span_mut(link).put_word(word, free);
        self.tell(link, has_to_know);
        Some((link, word))
    }

    /// Makes the word that [`park`](Self::park) put back active again: then nothing has changed.
    pub(crate) fn unpark(&mut self, parked: Option<(Link, usize)>) {
        if let Some((link, word)) = parked {
            self.activate(link, word);
        }
    }
}

impl<const PAGE_SIZE: usize, R: Records + ConstEmpty> BitmapPageAllocator<PAGE_SIZE, R> {
    /// Without memory yet.
    #[expect(clippy::new_without_default, reason = "with records in the value, it may be too large for a stack")]
    #[must_use]
    pub const fn new() -> Self {
        Self::EMPTY
    }
}

impl<const PAGE_SIZE: usize, R: Records + ConstEmpty> ConstEmpty for BitmapPageAllocator<PAGE_SIZE, R> {
    const EMPTY: Self = Self::with_records(R::EMPTY);
}

impl<const PAGE_SIZE: usize, R: Records> fmt::Debug for BitmapPageAllocator<PAGE_SIZE, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spans = directory::spans(&self.records, self.root).count();
        f.debug_struct("BitmapPageAllocator")
            .field("page_size", &PAGE_SIZE)
            .field("total_pages", &self.total)
            .field("used_pages", &self.used)
            .field("spans", &spans)
            .finish_non_exhaustive()
    }
}
