//! Object caches of an allocator with pages of its own.

use core::ptr::NonNull;

use allocator_api::{AllocResult, PageAllocator};

use super::SlabByteAllocator;
use crate::object_cache::ObjectCache;

impl<P: PageAllocator> SlabByteAllocator<P> {
    /// As [`Slabs::open_cache`](crate::Slabs::open_cache).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn open_cache<T>(&mut self, name: &'static str, align_pow2: usize) -> AllocResult<ObjectCache<T>> {
        self.slabs.open_cache(name, align_pow2)
    }

    /// As [`Slabs::close_cache`](crate::Slabs::close_cache).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn close_cache<T>(&mut self, cache: ObjectCache<T>) -> Result<(), ObjectCache<T>> {
        // SAFETY: 1. There is one page allocator.
        unsafe { self.slabs.close_cache(&mut self.pages, cache) }
    }

    /// As [`Slabs::alloc_object`](crate::Slabs::alloc_object).
    ///
    /// # Errors
    ///
    /// As there.
    #[inline]
    pub fn alloc_object<T>(&mut self, cache: &ObjectCache<T>) -> AllocResult<NonNull<T>> {
        self.slabs.alloc_object(&mut self.pages, cache)
    }

    /// As [`Slabs::alloc_object_with`](crate::Slabs::alloc_object_with).
    ///
    /// # Errors
    ///
    /// As there.
    #[inline]
    pub fn alloc_object_with<T>(
        &mut self,
        cache: &ObjectCache<T>,
        make: impl FnOnce() -> T,
    ) -> AllocResult<NonNull<T>> {
        self.slabs.alloc_object_with(&mut self.pages, cache, make)
    }

    /// As [`Slabs::dealloc_object`](crate::Slabs::dealloc_object).
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Safety
    ///
    /// 1. After `Ok` nobody uses the object; whoever needs it dropped has done so.
    #[inline]
    pub unsafe fn dealloc_object<T>(&mut self, cache: &ObjectCache<T>, object: NonNull<T>) -> AllocResult {
        // SAFETY: 1. is the caller's 1. 2. There is one page allocator.
        unsafe { self.slabs.dealloc_object(&mut self.pages, cache, object) }
    }
}
