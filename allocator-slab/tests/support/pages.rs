//! A page level that refuses when it is told to, and that has pages far apart.

use std::{collections::BTreeMap, vec::Vec};

use allocator_api::{AllocError, AllocResult, BaseAllocator, PageAllocator};
use allocator_bitmap::BitmapPageAllocator;

use super::arena::Arena;

/// Pages of an arena, and runs that are mere numbers at addresses given.
pub(crate) struct Pages<const PAGE_SIZE: usize> {
    near: BitmapPageAllocator<PAGE_SIZE>,
    /// Where the next runs of more than one page are: mere numbers, which no test touches.
    pub(crate) far: Vec<usize>,
    far_live: BTreeMap<usize, usize>,
    /// How many more requests are served.
    pub(crate) patience: usize,
    /// Requests refused because patience was at an end.
    pub(crate) refused: usize,
    /// Calls that took pages or gave some back, or were to.
    pub(crate) calls: usize,
    /// Kept until the last, since the pages are in it.
    _arena: Arena,
}

impl<const PAGE_SIZE: usize> Pages<PAGE_SIZE> {
    /// Pages in `bytes` bytes of the host.
    pub(crate) fn of_host(bytes: usize) -> Self {
        // How many leaves of the map it lies in is always the same.
        let arena = Arena::new(bytes, bytes.next_power_of_two().max(PAGE_SIZE));
        let mut near = BitmapPageAllocator::new();
        // SAFETY: 1. The arena is the page level's alone, and dropped with it. 2. `at` exposes the provenance.
        unsafe { near.init(arena.at(0), bytes) }.unwrap();
        Self {
            near,
            far: Vec::new(),
            far_live: BTreeMap::new(),
            patience: usize::MAX,
            refused: 0,
            calls: 0,
            _arena: arena,
        }
    }

    /// Counts a request.
    fn ask(&mut self) -> AllocResult {
        self.calls += 1;
        if self.patience == 0 {
            self.refused += 1;
            return Err(AllocError::NoMemory);
        }
        self.patience = self.patience.saturating_sub(usize::from(self.patience != usize::MAX));
        Ok(())
    }
}

impl<const PAGE_SIZE: usize> BaseAllocator for Pages<PAGE_SIZE> {
    unsafe fn init(&mut self, _: usize, _: usize) -> AllocResult {
        Err(AllocError::InvalidParam)
    }

    unsafe fn add_memory(&mut self, _: usize, _: usize) -> AllocResult {
        Err(AllocError::NoMemory)
    }
}

// SAFETY: 1., 2. As the page level inside; the runs far away are different ones, told once each. 3. Refused before a change.
unsafe impl<const PAGE_SIZE: usize> PageAllocator for Pages<PAGE_SIZE> {
    const PAGE_SIZE: usize = PAGE_SIZE;

    fn alloc_pages(&mut self, num_pages: usize, align_pow2: usize) -> AllocResult<usize> {
        self.ask()?;
        if num_pages > 1 && !self.far.is_empty() {
            let run = self.far.remove(0);
            assert!(run.is_multiple_of(align_pow2));
            assert_eq!(self.far_live.insert(run, num_pages), None);
            return Ok(run);
        }
        self.near.alloc_pages(num_pages, align_pow2)
    }

    fn alloc_pages_at(&mut self, base: usize, num_pages: usize, align_pow2: usize) -> AllocResult<usize> {
        self.ask()?;
        if base == 0 && !self.far.is_empty() {
            assert_eq!(self.far_live.insert(base, num_pages), None);
            return Ok(base);
        }
        self.near.alloc_pages_at(base, num_pages, align_pow2)
    }

    unsafe fn dealloc_pages(&mut self, pos: usize, num_pages: usize) -> AllocResult {
        self.calls += 1;
        match self.far_live.remove(&pos) {
            Some(count) if count == num_pages => Ok(()),
            Some(_) => Err(AllocError::NotAllocated),
            // SAFETY: 1., 2. The caller's.
            None => unsafe { self.near.dealloc_pages(pos, num_pages) },
        }
    }

    fn total_pages(&self) -> usize {
        self.near.total_pages()
    }

    fn used_pages(&self) -> usize {
        self.near.used_pages() + self.far_live.values().sum::<usize>()
    }
}
