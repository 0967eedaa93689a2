//! The page allocator: active word, spans, and the directory of spans.
//!
//! # Invariants
//!
//! - P1: `total` = the pages of all spans; `used` = those whose bit is zero, less the free ones of the active word.
//! - P2: the active word's bitmap word is zero, and `owned` are its managed pages without records.
//! - P3: all pages of `near` are managed and hold no records.
#![forbid(unsafe_code)]

use core::fmt;

use allocator_api::{AllocError, AllocResult, ConstEmpty};

use crate::{
    active::{Active, Returned},
    bits::WORD_PAGES,
    directory::{self, Want},
    memory::InRegion,
    pages::PageRange,
    records::{Link, Records},
    request::Request,
    span::{After, Span},
    stale::StaleList,
    summary::{CHUNK_PAGES, CHUNK_WORDS},
};

/// A page allocator over any number of regions, with exact runs, checked frees and a bitmap of 0.15 bytes a page.
///
/// `PAGE_SIZE` is any power of two; `R` says where the records are: [`InRegion`], [`Lent`](crate::Lent) or
/// [`Inline`](crate::Inline).
///
/// # Complexity
///
/// With n pages and s spans (regions that touch are one span): `alloc_pages` of one page O(1) from the active word, else
/// O(log n + log s); of a run, the same if its alignment is a page or a longer run has room for it, else that for each
/// misfitting free run; plus 1/64 step for each page of the run. `alloc_pages_at`, `dealloc_pages`: O(log n + log s), and
/// 1/64 step a page. `add_memory`, `remove_memory`: linear in the records of the spans concerned, at the speed of copying.
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
    active: Active<PAGE_SIZE>,
    pub(crate) used: usize,
    pub(crate) total: usize,
    near: Near,
    pub(crate) root: Option<Link>,
    stale: StaleList,
    // Number of the first page that requests without constraint prefer.
    prefer: usize,
    pub(crate) records: R,
}

/// The pages around the last single one that went back into the records: one side of its span, if there are records in
/// the middle. All zeros if there is none.
#[derive(Debug)]
struct Near {
    span: Option<Link>,
    // Address of the page with index 0.
    base: usize,
    // Index of the first page.
    first: usize,
    // Index of the last page less that of the first.
    extent: usize,
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

    /// Pages in the longest run that could be handed out now. O(log n + log s): what the active word holds goes back into
    /// the records first.
    pub fn largest_free_run_pages(&mut self) -> usize {
        let parked = self.park();
        self.renew();
        let longest = directory::longest(&self.records, self.root);
        self.unpark(parked);
        longest
    }

    /// Lets requests without constraint take pages below address `address` only when there are none above: low memory is
    /// kept for those who ask for it by address. 0, the value at first, prefers nothing.
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
    fn note(&mut self, link: Link, after: After) {
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

    /// Puts the free pages of the active word back into the records. Returns its place for [`unpark`](Self::unpark).
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

    /// Makes word `word` of a span, which has a free page, the active one. The one before has none left.
    fn activate(&mut self, link: Link, word: usize) {
        let room = self.stale.has_room();
        let (free, after) = self.span_mut(link).take_word(word, room);
        self.set_active(link, word, free);
        self.note(link, after);
    }

    /// Makes another word active: the next one of the same chunk, else one of the lowest broken chunk, else of a whole one.
    /// Returns whether there is one.
    fn activate_next(&mut self) -> bool {
        let here =
            self.active.place().filter(|(link, word)| self.span(*link).record(word / CHUNK_WORDS).mask() != 0);
        let chunk = match here {
            Some((link, word)) => Some((link, word / CHUNK_WORDS)),
            None => self.next_chunk(),
        };
        let Some((link, chunk)) = chunk else { return false };
        let mask = self.span(link).record(chunk).mask();
        self.activate(link, chunk * CHUNK_WORDS + mask.trailing_zeros() as usize);
        true
    }

    /// The chunk that single pages come from next: a broken one before a whole one, a preferred one before others.
    fn next_chunk(&mut self) -> Option<(Link, usize)> {
        let broken = self.next_broken_chunk(self.prefer);
        let from_preferred = broken.or_else(|| self.next_free_chunk(self.prefer));
        if self.prefer == 0 {
            return from_preferred;
        }
        from_preferred.or_else(|| self.next_broken_chunk(0)).or_else(|| self.next_free_chunk(0))
    }

    fn next_broken_chunk(&self, mut from: usize) -> Option<(Link, usize)> {
        loop {
            let link = directory::lowest(&self.records, self.root, from, Want::Broken)?;
            let span = self.span(link);
            let chunk = span.next_broken(from.saturating_sub(span.cover()) / CHUNK_PAGES);
            if chunk.is_some() {
                return chunk.map(|chunk| (link, chunk));
            }
            from = span.pages().last().checked_add(1)?;
        }
    }

    fn next_free_chunk(&mut self, from: usize) -> Option<(Link, usize)> {
        let within = PageRange::new(from, usize::MAX)?;
        self.renew();
        let (link, index) = self.search_in(&Request { count: 1, align: 1, boundary: None, within })?;
        Some((link, index / CHUNK_PAGES))
    }

    /// One page, when the active word has none.
    #[inline(never)]
    fn alloc_one_slow(&mut self) -> AllocResult<usize> {
        let page = if self.activate_next() { self.active.take_one() } else { None };
        self.used += usize::from(page.is_some());
        page.ok_or(AllocError::NoMemory)
    }

    /// One page at any multiple of a page. Returns its address.
    #[inline]
    pub(crate) fn alloc_one(&mut self) -> AllocResult<usize> {
        match self.active.take_one() {
            Some(address) => {
                self.used += 1;
                Ok(address)
            }
            None => self.alloc_one_slow(),
        }
    }

    /// `count` pages at a multiple of `align` bytes, a power of two and at least a page. Returns their address.
    #[inline(never)]
    pub(crate) fn alloc_run(&mut self, count: usize, align: usize) -> AllocResult<usize> {
        if count > self.total - self.used {
            return Err(AllocError::NoMemory);
        }
        if let Some(address) = self.active.take_run(count, align) {
            self.used += count;
            return Ok(address);
        }
        let within = PageRange::new(self.prefer, Self::LAST_PAGE).ok_or(AllocError::NoMemory)?;
        let request = Request { count, align: align >> Self::PAGE_LOG2, boundary: None, within };
        match self.alloc_request(&request) {
            Err(AllocError::NoMemory) if self.prefer != 0 => {
                let all = PageRange::new(0, Self::LAST_PAGE).ok_or(AllocError::NoMemory)?;
                self.alloc_request(&Request { within: all, ..request })
            }
            done => done,
        }
    }

    /// Pages as `request` wants them. Returns their address.
    pub(crate) fn alloc_request(&mut self, request: &Request) -> AllocResult<usize> {
        if request.count > self.total - self.used {
            return Err(AllocError::NoMemory);
        }
        self.renew();
        if let Some((link, index)) = self.search_in(request) {
            return Ok(self.take(link, index, request.count));
        }
        // The pages of the active word may be what is missing.
        let Some(parked) = self.park() else {
            return Err(AllocError::NoMemory);
        };
        match self.search_in(request) {
            Some((link, index)) => Ok(self.take(link, index, request.count)),
            None => {
                self.unpark(Some(parked));
                Err(AllocError::NoMemory)
            }
        }
    }

    /// Where a run as `request` wants it is free: a span, and an index in it. Sees nothing of the active word; no record is
    /// stale.
    fn search_in(&self, request: &Request) -> Option<(Link, usize)> {
        let mut from = request.within.first();
        loop {
            let link = directory::lowest(&self.records, self.root, from, Want::Run(request.count))?;
            let span = self.span(link);
            if let Some(index) = request.find_in(&span) {
                return Some((link, index));
            }
            from = span.pages().last().checked_add(1).filter(|next| *next <= request.within.last())?;
        }
    }

    /// Hands the `count` free pages from index `index` on out. Returns their address.
    fn take(&mut self, link: Link, index: usize, count: usize) -> usize {
        let mut span = self.span_mut(link);
        let address = (span.cover() + index) << Self::PAGE_LOG2;
        let has_to_know = span.take(index, index + (count - 1));
        self.used += count;
        self.tell(link, has_to_know);
        address
    }

    /// Exactly `run`.
    pub(crate) fn alloc_exactly(&mut self, run: PageRange) -> AllocResult<usize> {
        let link = self.span_of(run).ok_or(AllocError::NoMemory)?;
        let overlay = self.active.overlay(link);
        let span = self.span(link);
        let (first, last) = span.indices(run);
        if !span.all(true, first, last, overlay) {
            return Err(AllocError::NoMemory);
        }
        self.park_if_among(link, first, last);
        Ok(self.take(link, first, run.count()))
    }

    /// The span that all of `run` is in.
    pub(crate) fn span_of(&self, run: PageRange) -> Option<Link> {
        let link = directory::lookup(&self.records, self.root, run.first())?;
        self.span(link).pages().contains(run).then_some(link)
    }

    /// Parks the active word if it is one of those that the pages with indices `first` to `last` are in.
    fn park_if_among(&mut self, link: Link, first: usize, last: usize) {
        let words = first / WORD_PAGES..=last / WORD_PAGES;
        if self.active.place().is_some_and(|(span, word)| span == link && words.contains(&word)) {
            self.park();
            self.active = Active::NONE;
        }
    }

    /// Takes the page at `address` back.
    #[inline]
    pub(crate) fn dealloc_one(&mut self, address: usize) -> AllocResult {
        match self.active.put_one(address) {
            Returned::Taken => {
                self.used -= 1;
                Ok(())
            }
            Returned::Refused => Err(AllocError::NotAllocated),
            Returned::Elsewhere => self.dealloc_elsewhere(address),
        }
    }

    /// Takes a page back that is not in the active word.
    #[inline(never)]
    fn dealloc_elsewhere(&mut self, address: usize) -> AllocResult {
        // The bits below a page go to the top: one comparison tests alignment and both ends.
        let index = address.wrapping_sub(self.near.base).rotate_right(Self::PAGE_LOG2);
        let near = index.wrapping_sub(self.near.first) <= self.near.extent;
        let Some(link) = self.near.span.filter(|_| near) else {
            return self.dealloc_far(address);
        };
        if self.span_mut(link).put_quickly(index) {
            self.used -= 1;
            return Ok(());
        }
        self.dealloc_slowly(link, index)
    }

    /// Takes a page back that is not near, if it is one.
    #[inline(never)]
    fn dealloc_far(&mut self, address: usize) -> AllocResult {
        if address & (PAGE_SIZE - 1) != 0 {
            return Err(AllocError::NotAllocated);
        }
        let page = address >> Self::PAGE_LOG2;
        let link = directory::lookup(&self.records, self.root, page).ok_or(AllocError::NotAllocated)?;
        let span = self.span(link);
        let pages = span.part_of(page).ok_or(AllocError::NotAllocated)?;
        let (first, last) = span.indices(pages);
        let base = span.cover() << Self::PAGE_LOG2;
        let index = page - span.cover();
        self.near = Near { span: Some(link), base, first, extent: last - first };
        self.dealloc_slowly(link, index)
    }

    /// Takes the page with index `index` back, if it is not free.
    #[inline(never)]
    fn dealloc_slowly(&mut self, link: Link, index: usize) -> AllocResult {
        let (word, page) = (index / WORD_PAGES, 1 << (index % WORD_PAGES));
        let free = self.span(link).word(word);
        if free & page != 0 {
            return Err(AllocError::NotAllocated);
        }
        self.used -= 1;
        if free == 0 && self.active.free() == 0 {
            // Neither this word nor the active one has a free page: this page is handed out next, without a look at the
            // records. Freeing and allocating by turns stays as cheap in a full memory as in an empty one.
            self.set_active(link, word, page);
        } else {
            let room = self.stale.has_room();
            let after = self.span_mut(link).put_one(index, room);
            self.note(link, after);
        }
        Ok(())
    }

    /// Makes word `word`, which is zero in the bitmap, the active one, with the pages `free`.
    fn set_active(&mut self, link: Link, word: usize, free: u64) {
        let offset = (word * WORD_PAGES).wrapping_sub(self.near.first);
        let inside = offset <= self.near.extent && self.near.extent - offset >= WORD_PAGES - 1;
        let (base, owned) = if inside && self.near.span == Some(link) {
            (self.near.base, u64::MAX)
        } else {
            let span = self.span(link);
            (span.cover() << Self::PAGE_LOG2, span.owned_mask(word))
        };
        let base = base + ((word * WORD_PAGES) << Self::PAGE_LOG2);
        self.active = Active::new(base, link, word, free, owned);
    }

    /// Takes `run` back.
    #[inline(never)]
    pub(crate) fn dealloc_run(&mut self, run: PageRange) -> AllocResult {
        let link = self.span_of(run).ok_or(AllocError::NotAllocated)?;
        let span = self.span(link);
        let (first, last) = span.indices(run);
        let holds_records = span.records().is_some_and(|records| records.common(run).is_some());
        if holds_records || !span.all(false, first, last, self.active.overlay(link)) {
            return Err(AllocError::NotAllocated);
        }
        self.park_if_among(link, first, last);
        let has_to_know = self.span_mut(link).put(first, last);
        self.used -= run.count();
        self.tell(link, has_to_know);
        Ok(())
    }
}

impl<const PAGE_SIZE: usize, R: Records + ConstEmpty> BitmapPageAllocator<PAGE_SIZE, R> {
    /// Without memory yet.
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
