//! Runs of pages that give themselves back.
//!
//! A *handle* owns a run: nobody else uses its pages, and they come back when it is dropped, as the kind of use
//! they were taken for. A run is one piece of memory; its handle can be cut at a page and put together again:
//!
//! ```text
//!   page_run(8)       ├───────────── run ─────────────┤
//!   split_at(3)       ├── front ──┤├────── back ──────┤
//!   drop(front)                    ├────── back ──────┤       three pages are free
//!   join              ├───────────── run ─────────────┤       in either order, or both come back
//! ```
//!
//! # Invariants
//!
//! - H1: the `num_pages` pages from `start` were handed out by `heap`, counted as `kind`, and not given back; this
//!   handle alone uses them and may give them back.
//! - H2: there is at least one page, and the bytes of all fit into an `isize`.
//!
//! Handles hold no memory of their own. Splitting, joining and asking take O(1) and no lock.

use core::{fmt, mem, ptr};

use allocator_api::{AddressRange, AllocError, AllocResult, PageAllocator};
use lock_api::RawMutex;

use crate::{GlobalAllocator, SpinLock, UsageKind};

mod memory;

/// A run of pages of a [`GlobalAllocator`], given back on drop.
///
/// Made by [`page_run`](GlobalAllocator::page_run) and its like. For a `static` allocator the lifetime is `'static`
/// and the handle can be kept anywhere. A kernel that names its types writes them once more,
/// `type Run = PageRun<'static, MyBytes, MyPages, MyLock>`; one with a `DefaultGlobalAllocator` has `DefaultPageRun`.
///
/// The handle knows what the run is used for, so a run can never come back as another kind. What a drop gives back
/// wrongly, because unsafe code gave it back before, is answered as any invalid free: counted and reported.
///
/// While a device, a page table walker or a program writes to the pages, reach them through
/// [`as_ptr`](Self::as_ptr) alone: a slice says that nobody else does.
///
/// # Complexity
///
/// A drop locks the page level once and costs what `P` takes for a free.
///
/// # Examples
///
/// ```
/// # #[cfg(all(any(feature = "bitmap", feature = "bitmap-package"), any(feature = "slab", feature = "slab-package", feature = "tlsf", feature = "buddy")))] {
/// use allocator::{DefaultGlobalAllocator, DefaultPageRun, UsageKind};
///
/// static HEAP: DefaultGlobalAllocator = DefaultGlobalAllocator::new();
/// # let memory: &'static mut [u8] = Box::leak(vec![0; 4 << 20].into());
/// # // SAFETY: 1. The memory is leaked and not used again. 2. Its provenance is exposed here.
/// # unsafe { HEAP.init(memory.as_mut_ptr().expose_provenance(), memory.len()) }?;
///
/// struct Process {
///     stack: DefaultPageRun,
/// }
///
/// let run = HEAP.zeroed_page_run(5, 4096, UsageKind::UserMemory)?;
/// let (guard, mut stack) = run.split_at(1).expect("five pages can be split");
/// stack.fill(0xcc)[..8].copy_from_slice(b"a string");
/// assert_eq!(stack.start(), guard.start() + 4096);
///
/// let process = Process { stack };
/// drop(guard);
/// assert_eq!(HEAP.usage().pages(UsageKind::UserMemory), 4);
/// drop(process);
/// assert_eq!(HEAP.usage().pages(UsageKind::UserMemory), 0);
/// # }
/// # Ok::<(), allocator::AllocError>(())
/// ```
#[must_use = "the pages are given back when the handle is dropped"]
pub struct PageRun<'h, B, P: PageAllocator, R: RawMutex = SpinLock> {
    heap: &'h GlobalAllocator<B, P, R>,
    start: usize,
    num_pages: usize,
    kind: UsageKind,
}

/// What a [`PageRun`] is about, without owning it: plain numbers for a page table entry, a list in the pages
/// themselves, or a device.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[must_use = "the pages stay handed out until a handle is made from it again"]
pub struct RawPageRun {
    /// The address of the first page.
    pub start: usize,
    /// How many pages.
    pub num_pages: usize,
    /// What they are counted as.
    pub kind: UsageKind,
}

impl<'h, B, P: PageAllocator, R: RawMutex> PageRun<'h, B, P, R> {
    /// The most pages that one handle has, inclusive: their bytes fit into an `isize`, as those of any Rust object.
    pub const MAX_PAGES: usize = isize::MAX as usize / P::PAGE_SIZE;

    /// A handle for pages just handed out. More than [`MAX_PAGES`](Self::MAX_PAGES) go back.
    ///
    /// # Errors
    ///
    /// - [`NoMemory`](AllocError::NoMemory): there are more pages than a handle may have.
    ///
    /// # Safety
    ///
    /// 1. The pages of `raw`, at least one, were handed out by `heap`, counted as `raw.kind`, and not given back;
    ///    nobody else uses them or gives them back.
    pub(crate) unsafe fn of_fresh(heap: &'h GlobalAllocator<B, P, R>, raw: RawPageRun) -> AllocResult<Self> {
        let RawPageRun { start, num_pages, kind } = raw;
        let run = Self { heap, start, num_pages, kind };
        if num_pages <= Self::MAX_PAGES { Ok(run) } else { Err(AllocError::NoMemory) }
    }

    /// Makes a handle of what [`into_raw`](Self::into_raw) left, or of pages that were taken without one.
    ///
    /// # Safety
    ///
    /// 1. The pages of `raw` were handed out by `heap`, counted as `raw.kind`, and not given back; from now on
    ///    nobody else uses them or gives them back. They may be part of a run, or several side by side.
    /// 2. There are 1 to [`MAX_PAGES`](Self::MAX_PAGES) of them.
    pub const unsafe fn from_raw(heap: &'h GlobalAllocator<B, P, R>, raw: RawPageRun) -> Self {
        debug_assert!(raw.num_pages != 0 && raw.num_pages <= Self::MAX_PAGES);
        Self { heap, start: raw.start, num_pages: raw.num_pages, kind: raw.kind }
    }

    /// Gives ownership up without giving the pages back: they stay handed out until
    /// [`from_raw`](Self::from_raw) or [`dealloc_pages`](GlobalAllocator::dealloc_pages).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(all(any(feature = "bitmap", feature = "bitmap-package"), any(feature = "slab", feature = "slab-package", feature = "tlsf", feature = "buddy")))] {
    /// use allocator::{DefaultGlobalAllocator, PageRun, UsageKind};
    ///
    /// static HEAP: DefaultGlobalAllocator = DefaultGlobalAllocator::new();
    /// # let memory: &'static mut [u8] = Box::leak(vec![0; 4 << 20].into());
    /// # // SAFETY: 1. The memory is leaked and not used again. 2. Its provenance is exposed here.
    /// # unsafe { HEAP.init(memory.as_mut_ptr().expose_provenance(), memory.len()) }?;
    /// let table = HEAP.page_run(1, 4096, UsageKind::PageTable)?.into_raw();
    /// assert_eq!(HEAP.usage().pages(UsageKind::PageTable), 1);
    /// // SAFETY: 1. The page came from a handle of this allocator; `table` is used here alone. 2. It is one.
    /// drop(unsafe { PageRun::from_raw(&HEAP, table) });
    /// assert_eq!(HEAP.usage().pages(UsageKind::PageTable), 0);
    /// # }
    /// # Ok::<(), allocator::AllocError>(())
    /// ```
    pub const fn into_raw(self) -> RawPageRun {
        let raw = RawPageRun { start: self.start, num_pages: self.num_pages, kind: self.kind };
        mem::forget(self);
        raw
    }

    /// Cuts the run before its page `num_pages`: the first `num_pages` pages, and the rest.
    ///
    /// # Errors
    ///
    /// The run itself comes back: one of the parts would be empty.
    pub const fn split_at(mut self, num_pages: usize) -> Result<(Self, Self), Self> {
        if num_pages == 0 || num_pages >= self.num_pages {
            return Err(self);
        }
        let rest = Self {
            heap: self.heap,
            start: self.start + num_pages * P::PAGE_SIZE,
            num_pages: self.num_pages - num_pages,
            kind: self.kind,
        };
        self.num_pages = num_pages;
        Ok((self, rest))
    }

    /// Puts two runs together, one of which begins where the other ends.
    ///
    /// # Errors
    ///
    /// Both come back as they were: they do not touch, are counted as different kinds, are of different allocators,
    /// or have more than [`MAX_PAGES`](Self::MAX_PAGES) together.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(all(any(feature = "bitmap", feature = "bitmap-package"), any(feature = "slab", feature = "slab-package", feature = "tlsf", feature = "buddy")))] {
    /// use allocator::{DefaultGlobalAllocator, UsageKind};
    ///
    /// static HEAP: DefaultGlobalAllocator = DefaultGlobalAllocator::new();
    /// # let memory: &'static mut [u8] = Box::leak(vec![0; 4 << 20].into());
    /// # // SAFETY: 1. The memory is leaked and not used again. 2. Its provenance is exposed here.
    /// # unsafe { HEAP.init(memory.as_mut_ptr().expose_provenance(), memory.len()) }?;
    /// let (a, rest) = HEAP.page_run(4, 4096, UsageKind::Other)?.split_at(1).expect("four pages");
    /// let (b, c) = rest.split_at(1).expect("three pages");
    /// let (a, c) = a.join(c).expect_err("a page lies between them");
    /// let all = c.join(b).and_then(|rest| rest.join(a)).expect("side by side");
    /// assert_eq!(all.num_pages(), 4);
    /// # }
    /// # Ok::<(), allocator::AllocError>(())
    /// ```
    pub fn join(self, other: Self) -> Result<Self, (Self, Self)> {
        let is_one_kind = ptr::eq(self.heap, other.heap) && self.kind == other.kind;
        if !is_one_kind || other.num_pages > Self::MAX_PAGES - self.num_pages {
            return Err((self, other));
        }
        let start = match (self.range(), other.range()) {
            (mine, others) if mine.precedes(others) => self.start,
            (mine, others) if others.precedes(mine) => other.start,
            _ => return Err((self, other)),
        };
        let raw = other.into_raw();
        let mut joined = self;
        joined.start = start;
        joined.num_pages += raw.num_pages;
        Ok(joined)
    }

    /// The address of the first byte.
    #[must_use]
    pub const fn start(&self) -> usize {
        self.start
    }

    /// The physical number of the first byte, as the linear map has it.
    #[must_use]
    pub fn phys(&self) -> usize {
        self.heap.phys_of(self.start)
    }

    /// How many pages.
    #[must_use]
    pub const fn num_pages(&self) -> usize {
        self.num_pages
    }

    /// How many bytes.
    #[must_use]
    pub const fn size_bytes(&self) -> usize {
        self.num_pages * P::PAGE_SIZE
    }

    /// The addresses of all bytes.
    #[must_use]
    pub fn range(&self) -> AddressRange {
        // A run is not empty (H2), and lies in memory held, which ends before the last page of the address space.
        AddressRange::new(self.start, self.size_bytes()).unwrap_or(NOWHERE)
    }

    /// What the pages are counted as.
    #[must_use]
    pub const fn kind(&self) -> UsageKind {
        self.kind
    }

    /// Counts the pages as `kind` from now on, as when a page of a cache becomes a program's. Takes the lock of the
    /// page level once.
    ///
    /// # Errors
    ///
    /// - [`NotAllocated`](AllocError::NotAllocated): fewer pages than these are out as the old kind, because others
    ///   were given back as a kind that they were not taken for. Nothing changes.
    pub fn set_kind(&mut self, kind: UsageKind) -> AllocResult {
        self.heap.pages.lock().recount(self.num_pages, self.kind, kind)?;
        self.kind = kind;
        Ok(())
    }

    /// The allocator that the pages go back to.
    #[must_use]
    pub const fn heap(&self) -> &'h GlobalAllocator<B, P, R> {
        self.heap
    }
}

/// The byte at address 0, where no page is held.
const NOWHERE: AddressRange = match AddressRange::new(0, 1) {
    Some(range) => range,
    None => panic!("one byte is a range"),
};

impl<B, P: PageAllocator, R: RawMutex> Drop for PageRun<'_, B, P, R> {
    fn drop(&mut self) {
        // SAFETY: 1. The pages are this handle's to give back (H1). 2. Nobody else uses them (H1), and it ends here.
        let _reported = unsafe { self.heap.dealloc_pages(self.start, self.num_pages, self.kind) };
    }
}

/// Place, length and kind of use.
impl<B, P: PageAllocator, R: RawMutex> fmt::Debug for PageRun<'_, B, P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageRun")
            .field("start", &format_args!("{:#x}", self.start))
            .field("num_pages", &self.num_pages)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
