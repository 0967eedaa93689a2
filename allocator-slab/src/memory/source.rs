//! Where pages come from and go to: the page allocator of one call, and the account of what is held of it.

use allocator_api::{AllocError, AllocResult, PageAllocator};

use crate::size_class::FRAME_BYTES;

/// The page allocator of a call, with the bytes held of it.
pub(crate) struct Source<'a, P> {
    pages: &'a mut P,
    held_bytes: &'a mut usize,
    /// Where the last run that was taken ends; 0 before the first.
    end: usize,
}

impl<'a, P: PageAllocator> Source<'a, P> {
    /// What slabs and runs are multiples of, in bytes: a page, but not less than a frame. A power of two.
    pub(crate) const UNIT_BYTES: usize = if P::PAGE_SIZE > FRAME_BYTES { P::PAGE_SIZE } else { FRAME_BYTES };

    pub(crate) fn new(pages: &'a mut P, held_bytes: &'a mut usize) -> Self {
        Self { pages, held_bytes, end: 0 }
    }

    /// Takes `bytes`, not 0, at a multiple of `align` and of the unit.
    ///
    /// # Errors
    ///
    /// `NoMemory`: there is no such run; or `bytes` is no multiple of the unit, as for a class that was set up for smaller pages.
    pub(crate) fn take(&mut self, bytes: usize, align: usize) -> AllocResult<usize> {
        if bytes == 0 || !bytes.is_multiple_of(Self::UNIT_BYTES) {
            return Err(AllocError::NoMemory);
        }
        let align = if align > Self::UNIT_BYTES { align } else { Self::UNIT_BYTES };
        let mut address = self.pages.alloc_pages(bytes / P::PAGE_SIZE, align)?;
        if address == 0 {
            address = self.take_above_zero(bytes, align)?;
        }
        *self.held_bytes += bytes;
        self.end = address.wrapping_add(bytes);
        Ok(address)
    }

    /// Takes one unit for records: behind the run that was taken last if that is free, so that records do not cut what is free
    /// in two; else anywhere.
    ///
    /// # Errors
    ///
    /// `NoMemory`: there is none.
    pub(crate) fn take_unit(&mut self) -> AllocResult<usize> {
        let unit = self.end;
        if unit != 0 && self.take_at(unit, Self::UNIT_BYTES).is_ok() {
            self.end = unit.wrapping_add(Self::UNIT_BYTES);
            return Ok(unit);
        }
        self.take(Self::UNIT_BYTES, Self::UNIT_BYTES)
    }

    /// As [`take`](Self::take), with the run at address 0 taken already: gives it back, and takes another one. No block is at
    /// address 0, and a link of 0 is the end of a list.
    ///
    /// # Errors
    ///
    /// `NoMemory`: there is no other.
    #[cold]
    fn take_above_zero(&mut self, bytes: usize, align: usize) -> AllocResult<usize> {
        let count = bytes / P::PAGE_SIZE;
        // SAFETY: 1. 2. The run was taken just now, and nobody knows of it.
        unsafe { self.pages.dealloc_pages(0, count) }?;
        self.pages.alloc_pages_at(0, 1, P::PAGE_SIZE)?;
        let taken = self.pages.alloc_pages(count, align);
        // SAFETY: 1. 2. The page was taken above, and nobody knows of it.
        let answer = unsafe { self.pages.dealloc_pages(0, 1) };
        debug_assert_eq!(answer, Ok(()), "a page taken above");
        taken
    }

    /// Takes the `bytes` from `address` on, both multiples of the unit.
    ///
    /// # Errors
    ///
    /// `NoMemory`: they are not all free.
    pub(crate) fn take_at(&mut self, address: usize, bytes: usize) -> AllocResult {
        self.pages.alloc_pages_at(address, bytes / P::PAGE_SIZE, P::PAGE_SIZE)?;
        *self.held_bytes += bytes;
        Ok(())
    }

    /// Gives back `bytes` from `address` on that were taken and are not used any more.
    pub(crate) fn give(&mut self, address: usize, bytes: usize) {
        debug_assert!(bytes != 0);
        // SAFETY: 1. 2. The engine took these pages, gives them back once, and has taken everything that pointed to them out of
        // its records. Calls that free are given the allocator they came from; an allocation that gives unused pages back
        // may be given another one, which then answers that it has no such pages.
        let answer = unsafe { self.pages.dealloc_pages(address, bytes / P::PAGE_SIZE) };
        if answer.is_ok() {
            *self.held_bytes -= bytes;
        }
    }
}
