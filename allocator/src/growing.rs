//! Any byte allocator as a byte level: it grows by runs of pages.
//!
//! ```text
//!   need            what region_for(layout) asks for, in whole pages
//!   target          held / 8, but not below 64 KiB nor above 32 MiB
//!   tried           target, target / 2, target / 4, …, each rounded down to a multiple of need; at last need
//! ```
//!
//! Multiples of the need, so that a run of k times the need serves k such requests where regions cost nothing.
//!
//! # Why these numbers
//!
//! A run of `held / 8` wastes at most an eighth of the heap, and makes the number of runs logarithmic: from 512
//! KiB, where an eighth is 64 KiB, to 256 MiB, where it is 32 MiB, the heap grows 53 times, and 8 times before
//! that. Beyond 256 MiB each run is 32 MiB, so that one growth does not take a large part of what others want.
//! Byte allocators may limit the number of regions that do not touch; with a limit of 128 the worst case, in
//! which no two runs touch, is a heap of about 256 MiB + 67 · 32 MiB = 2.3 GiB. Runs that touch
//! become one region, and a page allocator that fills from below gives mostly such.
//!
//! Runs are never given back: a byte allocator cannot say which of its regions are wholly free.

use core::{alloc::Layout, ptr::NonNull};

use allocator_api::{
    AllocError, AllocResult, ByteAllocator, ConstEmpty, InvalidFrees, PageAllocator, PagedByteAllocator,
};

/// Bytes below which a run is taken only if the pages are short.
const SMALLEST_TARGET_BYTES: usize = 64 << 10;
/// Bytes above which a run is taken only if one request needs it.
const LARGEST_TARGET_BYTES: usize = 32 << 20;
/// The share of the heap that a run adds: one part in so many.
const HELD_PARTS: usize = 8;

/// A [`ByteAllocator`] that takes its regions from a page allocator, as a [`PagedByteAllocator`].
///
/// All zero if `B::EMPTY` is. It has no `Default`: byte allocators may be large, and belong in statics.
///
/// # Complexity
///
/// As `B`. A call that finds no room asks `B` twice and the page level at most `usize::BITS` times more.
///
/// # Examples
///
/// ```
/// # #[cfg(any(feature = "slab", feature = "slab-package", feature = "tlsf", feature = "buddy"))] {
/// use allocator::{DefaultByteAllocator, Growing, PagedByteAllocator};
/// use std::sync::Mutex;
///
/// static LEVEL: Mutex<Growing<DefaultByteAllocator>> = Mutex::new(Growing::new());
/// assert_eq!(LEVEL.lock().unwrap().held_bytes(), 0);
/// # }
/// ```
#[derive(Debug)]
pub struct Growing<B> {
    bytes: B,
    /// Bytes of the runs taken. `bytes` may have trimmed some of them away.
    held_bytes: usize,
}

impl<B: ConstEmpty> ConstEmpty for Growing<B> {
    const EMPTY: Self = Self { bytes: B::EMPTY, held_bytes: 0 };
}

impl<B: ConstEmpty> Growing<B> {
    /// A byte level without memory.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "byte allocators may be too large for a stack")]
    pub const fn new() -> Self {
        Self::EMPTY
    }
}

impl<B> Growing<B> {
    /// The byte allocator, for what only its type can tell.
    #[must_use]
    pub const fn byte_allocator(&self) -> &B {
        &self.bytes
    }
}

impl<B: ByteAllocator> Growing<B> {
    /// Takes a run of pages with which `bytes.alloc(layout)` succeeds.
    ///
    /// # Errors
    ///
    /// - [`InvalidParam`](AllocError::InvalidParam): the size is 0.
    /// - [`NoMemory`](AllocError::NoMemory): there is no such run, or `bytes` takes no more regions.
    fn grow<P: PageAllocator>(&mut self, pages: &mut P, layout: Layout) -> AllocResult {
        let need = self.bytes.region_for(layout)?;
        let need_pages = need.size().div_ceil(P::PAGE_SIZE).max(1);
        let align_pow2 = need.align().max(P::PAGE_SIZE);
        let (run, num_pages) = alloc_run(pages, need_pages, self.target_pages(P::PAGE_SIZE), align_pow2)?;
        let run_bytes = num_pages * P::PAGE_SIZE;
        // SAFETY: 1. The run is this level's alone (`PageAllocator`'s promises 1 and 2), and `pages` was given
        // such memory. 2. `pages` was given memory with exposed provenance.
        if unsafe { self.bytes.add_memory(run, run_bytes) }.is_err() {
            // SAFETY: 1. The run was taken just now. 2. `bytes` refused it, and nobody else knows it.
            let _taken_back = unsafe { pages.dealloc_pages(run, num_pages) };
            return Err(AllocError::NoMemory);
        }
        self.held_bytes += run_bytes;
        Ok(())
    }

    /// The pages to grow by if less is needed.
    fn target_pages(&self, page_size_bytes: usize) -> usize {
        let target_bytes = (self.held_bytes / HELD_PARTS).clamp(SMALLEST_TARGET_BYTES, LARGEST_TARGET_BYTES);
        target_bytes.div_ceil(page_size_bytes)
    }
}

/// Takes a run of `target_pages`, or if there is none, of half as many, and so on down to `need_pages`; each a
/// multiple of `need_pages`, which is not 0. Returns its address and length.
fn alloc_run<P: PageAllocator>(
    pages: &mut P,
    need_pages: usize,
    target_pages: usize,
    align_pow2: usize,
) -> AllocResult<(usize, usize)> {
    let mut needs = (target_pages / need_pages).max(1);
    loop {
        let num_pages = needs * need_pages;
        match pages.alloc_pages(num_pages, align_pow2) {
            Ok(run) => return Ok((run, num_pages)),
            Err(_) if needs > 1 => needs /= 2,
            Err(_) => return Err(AllocError::NoMemory),
        }
    }
}

// SAFETY: blocks come from `B` alone, whose promises these are; its regions are runs taken from `pages` and never
// given back.
unsafe impl<B: ByteAllocator> PagedByteAllocator for Growing<B> {
    fn detects(&self) -> InvalidFrees {
        self.bytes.detects()
    }

    fn alloc_from<P: PageAllocator>(&mut self, pages: &mut P, layout: Layout) -> AllocResult<NonNull<u8>> {
        match self.bytes.alloc(layout) {
            Err(AllocError::NoMemory) => {}
            answer => return answer,
        }
        self.grow(pages, layout)?;
        self.bytes.alloc(layout)
    }

    unsafe fn dealloc_to<P: PageAllocator>(
        &mut self,
        _pages: &mut P,
        pos: NonNull<u8>,
        layout: Layout,
    ) -> AllocResult {
        // SAFETY: 1. is the caller's 1. 2. is the caller's 2.
        unsafe { self.bytes.dealloc(pos, layout) }
    }

    unsafe fn realloc_in<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        pos: NonNull<u8>,
        layout: Layout,
        new_size: usize,
    ) -> AllocResult<NonNull<u8>> {
        // SAFETY: 1. is the caller's 1. 2. is the caller's 2.
        match unsafe { self.bytes.realloc(pos, layout, new_size) } {
            Err(AllocError::NoMemory) => {}
            answer => return answer,
        }
        let new_layout = Layout::from_size_align(new_size, layout.align()).map_err(|_| AllocError::NoMemory)?;
        self.grow(pages, new_layout)?;
        // SAFETY: 1. 2. as above; a refused call leaves the block live.
        unsafe { self.bytes.realloc(pos, layout, new_size) }
    }

    /// Gives nothing back: a byte allocator cannot say which of its regions are wholly free. Returns 0.
    unsafe fn trim<P: PageAllocator>(&mut self, _pages: &mut P) -> usize {
        0
    }

    fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// What `bytes` trimmed off its regions counts as used: it cannot be handed out.
    fn used_bytes(&self) -> usize {
        self.held_bytes - self.bytes.available_bytes()
    }
}
