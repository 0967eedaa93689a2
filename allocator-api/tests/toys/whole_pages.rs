//! The byte level of a two-level allocator in its simplest form: every block is a run of whole pages.

use core::{alloc::Layout, num::NonZero, ptr::NonNull};

use allocator_api::{AllocError, AllocResult, InvalidFrees, PageAllocator, PagedByteAllocator};

/// Hands out runs as blocks. What it holds is what is live.
#[derive(Default)]
pub(crate) struct WholePages {
    held_bytes: usize,
}

/// The pages of a block, and the alignment of its run.
fn run_of<P: PageAllocator>(layout: Layout) -> (usize, usize) {
    (layout.size().div_ceil(P::PAGE_SIZE), layout.align().max(P::PAGE_SIZE))
}

// SAFETY: 1., 2. A block is a run, with the page allocator's promises. 3. Nothing is moved, and `realloc_in` copies. 4. The
// field changes last.
unsafe impl PagedByteAllocator for WholePages {
    fn detects(&self) -> InvalidFrees {
        InvalidFrees::DOUBLE | InvalidFrees::FOREIGN
    }

    fn alloc_from<P: PageAllocator>(&mut self, pages: &mut P, layout: Layout) -> AllocResult<NonNull<u8>> {
        let (count, align) = run_of::<P>(layout);
        let run = NonZero::new(pages.alloc_pages(count, align)?).ok_or(AllocError::NoMemory)?;
        self.held_bytes += count * P::PAGE_SIZE;
        Ok(NonNull::with_exposed_provenance(run))
    }

    unsafe fn dealloc_to<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        pos: NonNull<u8>,
        layout: Layout,
    ) -> AllocResult {
        let (count, _) = run_of::<P>(layout);
        // SAFETY: 1. A live block's pages are the caller's to give back. 2. The caller's 2.
        unsafe { pages.dealloc_pages(pos.addr().get(), count) }?;
        self.held_bytes -= count * P::PAGE_SIZE;
        Ok(())
    }

    unsafe fn realloc_in<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        pos: NonNull<u8>,
        layout: Layout,
        new_size: usize,
    ) -> AllocResult<NonNull<u8>> {
        let new_layout = Layout::from_size_align(new_size, layout.align()).map_err(|_| AllocError::NoMemory)?;
        let new = self.alloc_from(pages, new_layout)?;
        // SAFETY: both blocks are live, so that they are apart, and have these bytes.
        unsafe { new.copy_from_nonoverlapping(pos, layout.size().min(new_size)) };
        // SAFETY: 1., 2., 3. The caller's.
        unsafe { self.dealloc_to(pages, pos, layout) }?;
        Ok(new)
    }

    unsafe fn trim<P: PageAllocator>(&mut self, _pages: &mut P) -> usize {
        0
    }

    fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    fn used_bytes(&self) -> usize {
        self.held_bytes
    }
}

/// A list of numbers, in a block that is doubled when it is full: written over any two levels.
fn count_to<B: PagedByteAllocator, P: PageAllocator>(bytes: &mut B, pages: &mut P, last: u64) -> AllocResult<u64> {
    let layout = |capacity: u64| Layout::array::<u64>(capacity as usize).map_err(|_| AllocError::NoMemory);
    let mut capacity = 8;
    let mut block = bytes.alloc_from(pages, layout(capacity)?)?;
    for number in 0..=last {
        if number == capacity {
            // SAFETY: 1. The block is live with this layout. 2. The pointer is replaced. 3. There is one allocator.
            block = unsafe { bytes.realloc_in(pages, block, layout(capacity)?, 16 * capacity as usize) }?;
            capacity *= 2;
        }
        // SAFETY: the block has room for `capacity` numbers.
        unsafe { block.cast::<u64>().add(number as usize).write(number) };
    }
    // SAFETY: the first `last + 1` numbers were written.
    let sum = unsafe { core::slice::from_raw_parts(block.cast::<u64>().as_ptr(), last as usize + 1) }.iter().sum();
    // SAFETY: 1. The block is live with this layout. 2. It is forgotten. 3. There is one allocator.
    unsafe { bytes.dealloc_to(pages, block, layout(capacity)?) }?;
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page_flags::{PageFlags, flags_of_memory};

    #[test]
    fn a_generic_function_serves_any_two_levels() {
        let (mut bytes, mut pages) = (WholePages::default(), flags_of_memory(16));
        assert_eq!(count_to(&mut bytes, &mut pages, 3000), Ok(3000 * 3001 / 2));
        assert_eq!((bytes.held_bytes(), pages.used_pages()), (0, 0));
    }

    #[test]
    fn a_refused_request_takes_no_pages() {
        let (mut bytes, mut pages) = (WholePages::default(), flags_of_memory(16));
        let too_large = Layout::from_size_align(17 * PageFlags::<4096>::PAGE_SIZE, 8).unwrap();
        assert_eq!(bytes.alloc_from(&mut pages, too_large), Err(AllocError::NoMemory));
        assert_eq!((bytes.held_bytes(), pages.used_pages()), (0, 0));
    }
}
