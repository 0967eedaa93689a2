//! Pages from a bitmap.
//!
//! The only `unsafe` here is the signature of the traits: no pointer is made, and no managed memory is read or
//! written.

use core::fmt;

use allocator_api::{
    AddressRange, AllocError, AllocResult, BaseAllocator, ConstEmpty, Declaration, Declared, PageAllocator,
};
use allocator_primitives::{Edges, usable_part};

use super::{
    BitAlloc1M, Map,
    bits::Bits,
    span::{Span, pages_of},
};

/// The most regions that do not touch one another; a count, inclusive.
pub const MAX_REGIONS: usize = 512;

/// A page allocator over a bitmap, from the package `bitmap-allocator`. The lowest free run is handed out first.
///
/// `PAGE_SIZE` is any power of two; `M` is the map type, and so the capacity. Pages are mere numbers to it: they are
/// never touched, the page at address 0 is as good as any, and so is the last one of the address space.
///
/// The value is as large as its map and has no `Default`: put it into a `static`.
///
/// # Limits
///
/// - All pages lie in one span of [`CAPACITY_PAGES`](Self::CAPACITY_PAGES), which starts where
///   [`with_base`](Self::with_base) said. Else the first region chooses it: the window of that size, at a multiple
///   of that size, in which the region lies; or, for a region across the border of two windows, the one from the
///   region's first page on. A region that is not wholly inside the [`span`](Self::span) gives `InvalidParam`.
/// - At most [`MAX_REGIONS`] regions that do not touch one another; one more gives `NoMemory`. Regions that touch
///   become one, and runs are handed out across.
///
/// # Complexity
///
/// With the capacity CAP, n pages in the call and r regions:
///
/// | operation | worst case |
/// |---|---|
/// | `alloc_pages(1, PAGE_SIZE)` | O(log CAP) |
/// | `alloc_pages`, more than one or aligned | O(CAP · log CAP): each page is tested twice at most |
/// | `alloc_pages` of more pages than are free | O(1) |
/// | `alloc_pages_at` | O(n · log CAP + log r) |
/// | `dealloc_pages` | O(n + log CAP + log r) |
/// | `init`, `add_memory` | O(n + r), n the pages of the region |
/// | `largest_free_run_pages` | O(CAP · log CAP) |
/// | statistics, `span` | O(1) |
///
/// # Examples
///
/// ```
/// use allocator_api::{AllocError, BaseAllocator, PageAllocator};
/// use allocator_bitmap::package::{BitAlloc4K, BitmapPageAllocator};
///
/// let mut pages = BitmapPageAllocator::<4096, BitAlloc4K>::new();
/// // SAFETY: 1. This allocator never touches its regions, and nobody here uses the pages. 2. As 1.
/// unsafe {
///     pages.init(0x8000_0000, 0x10_0000)?;
///     pages.add_memory(0x8080_0000, 0x10_0000)?;
/// }
/// assert_eq!(pages.total_pages(), 512);
/// let one = pages.alloc_pages(1, 4096)?;
/// let run = pages.alloc_pages(3, 0x1_0000)?;
/// assert_eq!((one, run), (0x8000_0000, 0x8001_0000));
/// // SAFETY: 1. The middle page of the run is ours. 2. It is forgotten.
/// unsafe { pages.dealloc_pages(run + 4096, 1)? };
/// assert_eq!(pages.used_pages(), 3);
/// # Ok::<(), AllocError>(())
/// ```
///
/// A page size that is no power of two does not compile:
///
/// ```compile_fail,E0080
/// use allocator_bitmap::package::{BitAlloc4K, BitmapPageAllocator};
///
/// let pages = BitmapPageAllocator::<4095, BitAlloc4K>::new();
/// ```
pub struct BitmapPageAllocator<const PAGE_SIZE: usize, M: Map = BitAlloc1M> {
    bits: Bits<M, MAX_REGIONS>,
    span: Span<PAGE_SIZE>,
}

impl<const PAGE_SIZE: usize, M: Map> BitmapPageAllocator<PAGE_SIZE, M> {
    /// Pages that the map has room for: the size of the span; a count.
    pub const CAPACITY_PAGES: usize = M::CAP;

    /// An allocator without memory; the first region chooses the span.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "too large for a stack, where `default` would put it")]
    pub const fn new() -> Self {
        Self::EMPTY
    }

    /// An allocator without memory whose span starts with the page that `address` is in. The span is cut off at the
    /// end of the address space.
    ///
    /// # Examples
    ///
    /// ```
    /// use allocator_bitmap::package::{BitAlloc4K, BitmapPageAllocator};
    ///
    /// let pages = BitmapPageAllocator::<4096, BitAlloc4K>::with_base(0x8000_0000);
    /// let span = pages.span().unwrap();
    /// assert_eq!((span.start(), span.last()), (0x8000_0000, 0x80ff_ffff));
    /// ```
    #[must_use]
    pub const fn with_base(address: usize) -> Self {
        const { assert!(PAGE_SIZE.is_power_of_two(), "the page size is a power of two") };
        Self { bits: Bits::EMPTY, span: Span::starting_at(address, M::CAP) }
    }

    /// The addresses that can be managed; `None` while no region has chosen them.
    #[must_use]
    pub fn span(&self) -> Option<AddressRange> {
        self.span.range()
    }

    /// The pages of the longest free run.
    ///
    /// # Complexity
    ///
    /// O(CAP · log CAP): every page is tested.
    #[must_use]
    pub fn largest_free_run_pages(&self) -> usize {
        self.bits.longest_free_run()
    }

    /// The indices of a run; `None` if it is empty, not whole pages, or not inside the span.
    fn run(&self, address: usize, num_pages: usize) -> Option<AddressRange> {
        if !address.is_multiple_of(PAGE_SIZE) {
            return None;
        }
        self.span.indices(AddressRange::new(address / PAGE_SIZE, num_pages)?)
    }
}

/// Whether a page allocator can be asked for this many pages at this alignment (bytes).
const fn is_request(num_pages: usize, align_pow2: usize, page_size: usize) -> bool {
    num_pages != 0 && align_pow2.is_power_of_two() && align_pow2 >= page_size
}

impl<const PAGE_SIZE: usize, M: Map> ConstEmpty for BitmapPageAllocator<PAGE_SIZE, M> {
    const EMPTY: Self = {
        assert!(PAGE_SIZE.is_power_of_two(), "the page size is a power of two");
        Self { bits: Bits::EMPTY, span: Span::UNSET }
    };
}

impl<const PAGE_SIZE: usize, M: Map> Declared for BitmapPageAllocator<PAGE_SIZE, M> {
    const DECLARATION: Declaration = Declaration {
        max_regions: Some(MAX_REGIONS),
        span_bytes: M::CAP.checked_mul(PAGE_SIZE),
        touches_memory: false,
        limits: &["a run is found or refused in time linear in the pages of the span"],
        ..Declaration::without_gaps("bitmap-package")
    };
}

impl<const PAGE_SIZE: usize, M: Map> BaseAllocator for BitmapPageAllocator<PAGE_SIZE, M> {
    unsafe fn init(&mut self, start: usize, size: usize) -> AllocResult {
        if self.bits.total() != 0 {
            return Err(AllocError::InvalidParam);
        }
        // SAFETY: 1. and 2. are the caller's 1. and 2.
        unsafe { self.add_memory(start, size) }
    }

    unsafe fn add_memory(&mut self, start: usize, size: usize) -> AllocResult {
        let invalid = AllocError::InvalidParam;
        let usable = usable_part(start, size, PAGE_SIZE, Edges::USABLE)?;
        let pages = pages_of::<PAGE_SIZE>(usable).ok_or(invalid)?;
        let span = if self.span.is_set() { self.span } else { Span::around(pages, M::CAP) };
        let indices = span.indices(pages).ok_or(invalid)?;
        // The pages at the ends that were trimmed off must not be held either.
        let whole = AddressRange::new(start, size).ok_or(invalid)?;
        let touched = pages_of::<PAGE_SIZE>(whole).and_then(|pages| span.indices_inside(pages));
        if touched.is_some_and(|indices| self.bits.manages_any_of(indices)) {
            return Err(AllocError::MemoryOverlap);
        }
        self.bits.insert(indices)?;
        self.span = span;
        Ok(())
    }
}

// SAFETY: 1. A bit is set only for pages handed in, so a run of set bits is pages handed in; the run is searched for
// by the alignment of its page number. 2. The bits of a run are cleared when it is handed out, and set again only by
// `dealloc_pages`; no record lies in a page. The map answers as the package's own, since `Map` is sealed. 3. Every
// error is found before the first change.
unsafe impl<const PAGE_SIZE: usize, M: Map> PageAllocator for BitmapPageAllocator<PAGE_SIZE, M> {
    const PAGE_SIZE: usize = PAGE_SIZE;

    fn alloc_pages(&mut self, num_pages: usize, align_pow2: usize) -> AllocResult<usize> {
        if !is_request(num_pages, align_pow2, PAGE_SIZE) {
            return Err(AllocError::InvalidParam);
        }
        let index = self.bits.alloc(num_pages, align_pow2 / PAGE_SIZE, self.span.first_page());
        index.map(|index| self.span.address(index)).ok_or(AllocError::NoMemory)
    }

    fn alloc_pages_at(&mut self, base: usize, num_pages: usize, align_pow2: usize) -> AllocResult<usize> {
        if !is_request(num_pages, align_pow2, PAGE_SIZE) || !base.is_multiple_of(align_pow2) {
            return Err(AllocError::InvalidParam);
        }
        self.bits.alloc_at(self.run(base, num_pages).ok_or(AllocError::NoMemory)?)?;
        Ok(base)
    }

    unsafe fn dealloc_pages(&mut self, pos: usize, num_pages: usize) -> AllocResult {
        self.bits.dealloc(self.run(pos, num_pages).ok_or(AllocError::NotAllocated)?)
    }

    fn total_pages(&self) -> usize {
        self.bits.total()
    }

    fn used_pages(&self) -> usize {
        self.bits.used()
    }
}

impl<const PAGE_SIZE: usize, M: Map> fmt::Debug for BitmapPageAllocator<PAGE_SIZE, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let regions = fmt::from_fn(|f| {
            f.debug_list().entries(self.bits.ranges().filter_map(|indices| self.span.bytes(indices))).finish()
        });
        f.debug_struct("BitmapPageAllocator")
            .field("page_size_bytes", &PAGE_SIZE)
            .field("total_pages", &self.total_pages())
            .field("used_pages", &self.used_pages())
            .field("span", &self.span())
            .field("regions", &regions)
            .finish()
    }
}
