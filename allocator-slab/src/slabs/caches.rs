//! Object caches: classes of one object type, with its exact size.

use core::{alloc::Layout, ptr::NonNull};

use allocator_api::{AllocError, AllocResult, PageAllocator};

use super::Slabs;
use crate::{
    class::Class,
    memory::{self, Classes, Offset, Source, State},
    object_cache::{Cache, ObjectCache},
    size_class::{COUNT, FRAME_BYTES, MAX_BYTES},
};

/// The least bytes of an object: more than 256 have no room in a frame.
const LEAST_BYTES: usize = 16;

impl Slabs {
    /// Opens a cache for objects of type `T`, each at a multiple of `align_pow2`, or of `T`'s alignment if that is larger:
    /// 64 keeps each on cache lines of its own. An object takes its size, rounded up to a multiple of that alignment, and
    /// 16 bytes at least. The statistics call the cache `name`.
    ///
    /// # Errors
    ///
    /// - `InvalidParam`: `T` has no size; an object takes more than 32 KiB; the alignment is no power of two, or more than a
    ///   frame of 4096 bytes.
    /// - `NoMemory`: [`MAX_CACHES`](crate::MAX_CACHES) are open.
    ///
    /// # Complexity
    ///
    /// Linear in the caches: 16.
    pub fn open_cache<T>(&mut self, name: &'static str, align_pow2: usize) -> AllocResult<ObjectCache<T>> {
        let aligned = Layout::new::<T>().align_to(align_pow2).map_err(|_| AllocError::InvalidParam)?;
        let object_bytes = aligned.pad_to_align().size().max(LEAST_BYTES);
        if aligned.size() == 0 || object_bytes > MAX_BYTES || aligned.align() > FRAME_BYTES {
            return Err(AllocError::InvalidParam);
        }
        let number = self.caches.open(Cache { name, object_bytes }).ok_or(AllocError::NoMemory)?;
        Ok(ObjectCache::new(number, object_bytes))
    }

    /// Closes a cache that has no live object: gives its slab back.
    ///
    /// # Errors
    ///
    /// The cache, still open: it has live objects, or is another allocator's.
    ///
    /// # Safety
    ///
    /// 1. `pages` is the allocator that every earlier call was given.
    ///
    /// # Complexity
    ///
    /// One call to `pages` for the slab, one for its record's page, and one for each node of the map that has no use then.
    pub unsafe fn close_cache<T, P: PageAllocator>(
        &mut self,
        pages: &mut P,
        cache: ObjectCache<T>,
    ) -> Result<(), ObjectCache<T>> {
        let Ok(offset) = self.offset_of(&cache) else {
            return Err(cache);
        };
        let class = self.classes.at(offset);
        if class.live > 0 {
            return Err(cache);
        }
        if !class.active.is_end() {
            self.give_active(pages, offset);
        }
        *self.classes.at(offset) = Class::EMPTY;
        self.caches.close(cache.number());
        Ok(())
    }

    /// Hands out an object of a cache. Its contents are undefined.
    ///
    /// # Errors
    ///
    /// - `InvalidParam`: no open cache of this allocator has the number and the object size of `cache`.
    /// - `NoMemory`: no object is free, and `pages` has no pages for a slab.
    ///
    /// # Complexity
    ///
    /// As [`alloc_from`](allocator_api::PagedByteAllocator::alloc_from) of a small block.
    #[inline]
    pub fn alloc_object<T, P: PageAllocator>(
        &mut self,
        pages: &mut P,
        cache: &ObjectCache<T>,
    ) -> AllocResult<NonNull<T>> {
        let offset = self.offset_of(cache)?;
        let object = match self.take_object(offset) {
            Some(object) => Some(object),
            None => self.alloc_next_object(pages, offset, cache.object_bytes()),
        };
        object.map(NonNull::cast).ok_or(AllocError::NoMemory)
    }

    /// As [`alloc_object`](Self::alloc_object), and constructs the object with `make`.
    ///
    /// # Errors
    ///
    /// As [`alloc_object`](Self::alloc_object); `make` is not called then.
    ///
    /// # Complexity
    ///
    /// As [`alloc_object`](Self::alloc_object), and that of `make`.
    #[inline]
    pub fn alloc_object_with<T, P: PageAllocator>(
        &mut self,
        pages: &mut P,
        cache: &ObjectCache<T>,
        make: impl FnOnce() -> T,
    ) -> AllocResult<NonNull<T>> {
        let object = self.alloc_object(pages, cache)?;
        // SAFETY: 1. An object of a cache of `T` (its invariant), handed out just now.
        unsafe { memory::construct(object, make()) };
        Ok(object)
    }

    /// Takes an object back, without dropping it.
    ///
    /// # Errors
    ///
    /// - `InvalidParam`: no open cache of this allocator has the number and the object size of `cache`.
    /// - `NotAllocated`: `object` is not a live object of this cache.
    ///
    /// # Safety
    ///
    /// 1. After `Ok` nobody uses the object; whoever needs it dropped has done so.
    /// 2. `pages` is the allocator that every earlier call was given.
    ///
    /// # Complexity
    ///
    /// As [`dealloc_to`](allocator_api::PagedByteAllocator::dealloc_to) of a small block.
    #[inline]
    pub unsafe fn dealloc_object<T, P: PageAllocator>(
        &mut self,
        pages: &mut P,
        cache: &ObjectCache<T>,
        object: NonNull<T>,
    ) -> AllocResult {
        let offset = self.offset_of(cache)?;
        let address = object.addr().get();
        let class = self.classes.at(offset);
        match class.put(address) {
            Some(answer) => answer,
            None => self.dealloc_object_elsewhere(pages, offset, address),
        }
    }

    /// Hands out an object of a class whose word at hand has none.
    #[inline(never)]
    fn alloc_next_object<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        offset: Offset,
        object_bytes: usize,
    ) -> Option<NonNull<u8>> {
        let class = self.classes.at(offset);
        if !class.is_set_up() {
            class.set_up_cache(object_bytes, Source::<P>::UNIT_BYTES);
        }
        match self.take_next(offset) {
            Some(object) => Some(object),
            None => self.take_of_new_slab(pages, offset),
        }
    }

    /// Takes an object back that is not of the word that its cache takes from.
    #[inline(never)]
    fn dealloc_object_elsewhere<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        offset: Offset,
        address: usize,
    ) -> AllocResult {
        let slab = self.map.find(address).ok_or(AllocError::NotAllocated)?.get();
        let is_slab = matches!(slab.state(), State::Partial | State::Exhausted);
        if !is_slab || slab.class() != offset.number() {
            return Err(AllocError::NotAllocated);
        }
        let class = self.classes.at(offset);
        let object = class.object_at(address.wrapping_sub(slab.base()));
        if object >= class.capacity || slab.has_bit(object) {
            return Err(AllocError::NotAllocated);
        }
        self.put_object(pages, slab, object)
    }

    /// Where the class of a cache stands.
    ///
    /// # Errors
    ///
    /// `InvalidParam`: none of the open caches has that number and objects of that size.
    #[inline]
    fn offset_of<T>(&self, cache: &ObjectCache<T>) -> AllocResult<Offset> {
        let held = self.caches.get(cache.number()).filter(|held| held.object_bytes == cache.object_bytes());
        held.map(|_| Classes::offset(COUNT + cache.number())).ok_or(AllocError::InvalidParam)
    }
}
