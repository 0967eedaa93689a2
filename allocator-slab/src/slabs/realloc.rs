//! Changing the size of a block: in place where the class or the run allows it.

use core::{alloc::Layout, ptr::NonNull};

use allocator_api::{AllocError, AllocResult, PageAllocator};

use super::{Slabs, fast, runs::run_bytes};
use crate::{
    memory::{self, Classes, State},
    size_class::{class_of, last_byte},
};

impl Slabs {
    /// Whether `address` is a live block, allocated with `layout`.
    ///
    /// # Errors
    ///
    /// `NotAllocated`: it is not.
    pub(crate) fn check<P: PageAllocator>(&self, address: usize, layout: Layout) -> AllocResult {
        let record = self.map.get(address);
        match record.state() {
            State::None | State::CachedPage => Err(AllocError::NotAllocated),
            State::Page | State::Run => self.live_run::<P>(record, address, layout).map(drop),
            State::Partial | State::Exhausted => self.live_object(record, address, layout).map(drop),
        }
    }

    /// As [`realloc_in`](allocator_api::PagedByteAllocator::realloc_in); `new_size` is not 0.
    ///
    /// # Safety
    ///
    /// 1. `block` is a live block of `self`, allocated with `layout`; or not one at all.
    /// 2. After `Ok` nobody uses the old block.
    pub(super) unsafe fn realloc<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        block: NonNull<u8>,
        layout: Layout,
        new_size: usize,
    ) -> AllocResult<NonNull<u8>> {
        let address = block.addr().get();
        let found = self
            .classes
            .of_small(last_byte(layout.size(), layout.align()))
            .and_then(|offset| Some((self.is_live_object(address, offset)?, offset)));
        let Some((is_live, offset)) = found else {
            // SAFETY: 1. and 2. are the caller's 1. and 2.
            return unsafe { self.realloc_slowly(pages, block, layout, new_size) };
        };
        if !is_live {
            return Err(AllocError::NotAllocated);
        }
        if self.classes.of_small(last_byte(new_size, layout.align())) == Some(offset) {
            return Ok(block);
        }
        let new_layout = Layout::from_size_align(new_size, layout.align()).map_err(|_| AllocError::NoMemory)?;
        let Some(new_block) = fast::alloc((&mut *self, &mut *pages), new_layout) else {
            return self.stay(pages, block, layout, new_layout);
        };
        // SAFETY: 1. `block` is live, since its bit is not set, and `new_block` is fresh. 2. A live block is not handed out.
        unsafe { memory::copy(block, new_block, layout.size().min(new_size)) };
        let freed = fast::dealloc((self, pages), block, layout);
        debug_assert_eq!(freed, Ok(()), "the object is live");
        Ok(new_block)
    }

    /// As [`realloc`](Self::realloc), for what is no object of a slab without guests, or too large for the table of classes.
    ///
    /// # Safety
    ///
    /// 1. `block` is a live block of `self`, allocated with `layout`; or not one at all.
    /// 2. After `Ok` nobody uses the old block.
    #[inline(never)]
    unsafe fn realloc_slowly<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        block: NonNull<u8>,
        layout: Layout,
        new_size: usize,
    ) -> AllocResult<NonNull<u8>> {
        let address = block.addr().get();
        self.check::<P>(address, layout)?;
        let new_layout = Layout::from_size_align(new_size, layout.align()).map_err(|_| AllocError::NoMemory)?;
        if self.resize::<P>(pages, address, layout, new_layout)? {
            return Ok(block);
        }
        let Some(new_block) = fast::alloc((&mut *self, &mut *pages), new_layout) else {
            return self.stay(pages, block, layout, new_layout);
        };
        // SAFETY: 1. `block` passed the check, and `new_block` is fresh. 2. A live block is not handed out.
        unsafe { memory::copy(block, new_block, layout.size().min(new_size)) };
        let freed = fast::dealloc((self, pages), block, layout);
        debug_assert_eq!(freed, Ok(()), "the block passed the check");
        Ok(new_block)
    }

    /// Lets a live block that gets no other place change its size where it is: an object within its slab's class, as a guest if that
    /// of the new size is smaller; a run as far as the pages behind it are free, also as one that serves a class.
    ///
    /// # Errors
    ///
    /// `NoMemory`: there is no room where it is; its slab can have no guests; there is no record for a run of one page.
    #[cold]
    #[inline(never)]
    fn stay<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        block: NonNull<u8>,
        layout: Layout,
        new_layout: Layout,
    ) -> AllocResult<NonNull<u8>> {
        let address = block.addr().get();
        let record = self.map.get(address);
        let stays = if matches!(record.state(), State::Page | State::Run) {
            let class = Self::class_for::<P>(new_layout).map_or(0, |class| Classes::offset(class).number());
            let bytes = (run_bytes::<P>(layout.size())?, run_bytes::<P>(new_layout.size())?);
            self.resize_run(pages, address, bytes, class)
        } else {
            self.reseat(record, address, new_layout)
        };
        if stays { Ok(block) } else { Err(AllocError::NoMemory) }
    }

    /// Changes the size of a live block where it is. `false` if it has to move.
    fn resize<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        address: usize,
        layout: Layout,
        new_layout: Layout,
    ) -> AllocResult<bool> {
        let is_run = matches!(self.map.get(address).state(), State::Page | State::Run);
        let [class, new_class] =
            [layout, new_layout].map(|layout| class_of(last_byte(layout.size(), layout.align())));
        match (Self::class_for::<P>(layout), Self::class_for::<P>(new_layout)) {
            // Also what is an object only as a guest, of a class that runs serve.
            _ if !is_run && class == new_class => Ok(true),
            (Some(class), Some(_)) => {
                Ok(self.classes.get(class).serves(last_byte(new_layout.size(), new_layout.align())))
            }
            (None, None) if is_run => {
                let (bytes, new_bytes) = (run_bytes::<P>(layout.size())?, run_bytes::<P>(new_layout.size())?);
                Ok(bytes == new_bytes || self.resize_run(pages, address, (bytes, new_bytes), 0))
            }
            _ => Ok(false),
        }
    }
}
