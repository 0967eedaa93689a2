//! Blocks, recorded: of a byte level, and of a byte allocator that has memory of its own.

use core::{alloc::Layout, ptr::NonNull};

use allocator_api::{AllocResult, BaseAllocator, ByteAllocator, InvalidFrees, PageAllocator, PagedByteAllocator};
use allocator_trace::Event;

use super::{Recorded, Stamp, moment};

impl<A: BaseAllocator, S> BaseAllocator for Recorded<A, S> {
    unsafe fn init(&mut self, start: usize, size: usize) -> AllocResult {
        // SAFETY: the caller keeps the conditions of `init`, which are the same here.
        unsafe { self.level.init(start, size) }
    }

    unsafe fn add_memory(&mut self, start: usize, size: usize) -> AllocResult {
        // SAFETY: the caller keeps the conditions of `add_memory`, which are the same here.
        unsafe { self.level.add_memory(start, size) }
    }
}

// SAFETY: the promises are those of `A`, to which every call goes unaltered.
unsafe impl<A: PagedByteAllocator, S: Stamp> PagedByteAllocator for Recorded<A, S> {
    fn detects(&self) -> InvalidFrees {
        self.level.detects()
    }

    #[inline]
    fn alloc_from<P: PageAllocator>(&mut self, pages: &mut P, layout: Layout) -> AllocResult<NonNull<u8>> {
        let block = self.level.alloc_from(pages, layout)?;
        self.born(block, layout);
        Ok(block)
    }

    #[inline]
    unsafe fn dealloc_to<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        pos: NonNull<u8>,
        layout: Layout,
    ) -> AllocResult {
        // SAFETY: 1. is the caller's 1. 2. is the caller's 2. 3. is the caller's 3.
        unsafe { self.level.dealloc_to(pages, pos, layout) }?;
        self.freed(pos.addr().get(), layout.size());
        Ok(())
    }

    #[inline]
    unsafe fn realloc_in<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        pos: NonNull<u8>,
        layout: Layout,
        new_size: usize,
    ) -> AllocResult<NonNull<u8>> {
        // SAFETY: 1. is the caller's 1. 2. is the caller's 2. 3. is the caller's 3.
        let block = unsafe { self.level.realloc_in(pages, pos, layout, new_size) }?;
        self.resized(pos, block, new_size);
        Ok(block)
    }

    unsafe fn trim<P: PageAllocator>(&mut self, pages: &mut P) -> usize {
        // SAFETY: 1. is the caller's 1.
        unsafe { self.level.trim(pages) }
    }

    fn held_bytes(&self) -> usize {
        self.level.held_bytes()
    }

    fn used_bytes(&self) -> usize {
        self.level.used_bytes()
    }
}

// SAFETY: the promises are those of `A`, to which every call goes unaltered.
unsafe impl<A: ByteAllocator, S: Stamp> ByteAllocator for Recorded<A, S> {
    fn detects(&self) -> InvalidFrees {
        self.level.detects()
    }

    #[inline]
    fn alloc(&mut self, layout: Layout) -> AllocResult<NonNull<u8>> {
        let block = self.level.alloc(layout)?;
        self.born(block, layout);
        Ok(block)
    }

    unsafe fn check_block(&self, pos: NonNull<u8>, layout: Layout) -> AllocResult {
        // SAFETY: 1. is the caller's 1.
        unsafe { self.level.check_block(pos, layout) }
    }

    #[inline]
    unsafe fn dealloc(&mut self, pos: NonNull<u8>, layout: Layout) -> AllocResult {
        // SAFETY: 1. is the caller's 1. 2. is the caller's 2.
        unsafe { self.level.dealloc(pos, layout) }?;
        self.freed(pos.addr().get(), layout.size());
        Ok(())
    }

    #[inline]
    unsafe fn realloc(&mut self, pos: NonNull<u8>, layout: Layout, new_size: usize) -> AllocResult<NonNull<u8>> {
        // SAFETY: 1. is the caller's 1. 2. is the caller's 2.
        let block = unsafe { self.level.realloc(pos, layout, new_size) }?;
        self.resized(pos, block, new_size);
        Ok(block)
    }

    fn alloc_zeroed(&mut self, layout: Layout) -> AllocResult<NonNull<u8>> {
        let block = self.level.alloc_zeroed(layout)?;
        let event = |now| Event::alloc(now, block.addr().get(), layout.size(), layout.align()).zeroed();
        self.recording.record(event, moment::<S>);
        Ok(block)
    }

    fn region_for(&self, layout: Layout) -> AllocResult<Layout> {
        self.level.region_for(layout)
    }

    fn total_bytes(&self) -> usize {
        self.level.total_bytes()
    }

    fn used_bytes(&self) -> usize {
        self.level.used_bytes()
    }
}
