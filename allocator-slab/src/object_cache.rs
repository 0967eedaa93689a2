//! Object caches: the handle of one, and the list of those that are open.
#![forbid(unsafe_code)]

use core::{fmt, marker::PhantomData};

/// The most object caches open at once, inclusive.
pub const MAX_CACHES: usize = 16;

/// A cache of objects of one type: tasks, inodes, descriptors.
///
/// It is a class of its own on the slabs of one allocator: objects take their exact size, at the alignment asked for, and have
/// no header; their slabs hold nothing else. What is given back by mistake, to another cache or as a block of bytes, is refused.
/// The cache is used through the allocator that opened it, and may be lost: then it stays open.
///
/// # Invariant
///
/// What it says of an object's bytes is at least the size of `T` and a multiple of its alignment. An allocator hands out an object
/// only if its own cache of that number says the same.
///
/// # Examples
///
/// ```
/// use allocator_api::{AllocError, BaseAllocator, ByteAllocator};
/// use allocator_slab::SlabByteAllocator;
///
/// struct Task {
///     id: u32,
///     name: [u8; 100],
/// }
///
/// let memory = vec![0_u8; 1 << 20].leak();
/// let mut heap = Box::new(<SlabByteAllocator>::new());
/// // SAFETY: 1. The memory was leaked, and nobody else uses it. 2. Its provenance is exposed here.
/// unsafe { heap.init(memory.as_mut_ptr().expose_provenance(), 1 << 20) }?;
///
/// let tasks = heap.open_cache::<Task>("task", 64)?;
/// let task = heap.alloc_object_with(&tasks, || Task { id: 1, name: [0; 100] })?;
/// assert!(task.addr().get().is_multiple_of(64));
/// // SAFETY: the task was constructed above, and nobody else uses it.
/// assert_eq!(unsafe { task.as_ref().id }, 1);
///
/// let statistics = heap.slabs().size_classes().find(|class| class.name == Some("task"));
/// assert!(statistics.is_some_and(|class| (class.object_bytes, class.live) == (128, 1)));
///
/// // SAFETY: 1. The task is forgotten here, and needs no drop.
/// unsafe { heap.dealloc_object(&tasks, task) }?;
/// // SAFETY: 1. As above; this one is refused.
/// assert_eq!(unsafe { heap.dealloc_object(&tasks, task) }, Err(AllocError::NotAllocated));
/// assert!(heap.close_cache(tasks).is_ok());
/// # Ok::<(), AllocError>(())
/// ```
pub struct ObjectCache<T> {
    number: usize,
    object_bytes: usize,
    objects: PhantomData<fn(T) -> T>,
}

impl<T> ObjectCache<T> {
    /// The cache with a number. `object_bytes` is at least the size of `T` and a multiple of its alignment.
    pub(crate) const fn new(number: usize, object_bytes: usize) -> Self {
        debug_assert!(object_bytes >= size_of::<T>() && object_bytes.is_multiple_of(align_of::<T>()));
        Self { number, object_bytes, objects: PhantomData }
    }

    /// Bytes that an object takes.
    #[must_use]
    pub const fn object_bytes(&self) -> usize {
        self.object_bytes
    }

    /// Its number among the caches of its allocator.
    pub(crate) const fn number(&self) -> usize {
        self.number
    }
}

impl<T> fmt::Debug for ObjectCache<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectCache").field("object_bytes", &self.object_bytes).finish_non_exhaustive()
    }
}

/// An open cache.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cache {
    /// What the statistics call it.
    pub(crate) name: &'static str,
    /// Bytes of an object.
    pub(crate) object_bytes: usize,
}

/// The caches of an allocator. All zero while none is open.
#[derive(Debug)]
pub(crate) struct Caches([Option<Cache>; MAX_CACHES]);

impl Caches {
    /// No cache.
    pub(crate) const EMPTY: Self = Self([None; MAX_CACHES]);

    /// An open cache.
    #[inline]
    pub(crate) fn get(&self, cache: usize) -> Option<Cache> {
        self.0.get(cache).copied().flatten()
    }

    /// Opens a cache, and returns its number. `None` if too many are open.
    pub(crate) fn open(&mut self, cache: Cache) -> Option<usize> {
        let free = self.0.iter().position(Option::is_none)?;
        self.0[free] = Some(cache);
        Some(free)
    }

    /// Closes a cache.
    pub(crate) fn close(&mut self, cache: usize) {
        if let Some(cache) = self.0.get_mut(cache) {
            *cache = None;
        }
    }
}
