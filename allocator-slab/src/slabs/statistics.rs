//! What the classes and the runs hold.
#![forbid(unsafe_code)]

use super::Slabs;
use crate::{class::Class, object_cache::MAX_CACHES, size_class, size_class::FRAME_BYTES};

/// A size class or an object cache, and what it holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClassStatistics {
    /// The name of an object cache; `None` for a size class.
    pub name: Option<&'static str>,
    /// Bytes of an object.
    pub object_bytes: usize,
    /// Live objects. Where memory ran out, a class also counts the blocks of smaller classes that its objects took in.
    pub live: usize,
    /// Objects of the slabs held: the live ones and the free ones.
    pub capacity: usize,
    /// Slabs held.
    pub slabs: usize,
    /// The most slabs ever held at once.
    pub most_slabs: usize,
    /// Bytes of a slab; 0 until the first one.
    pub slab_bytes: usize,
}

/// The blocks that are runs of pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RunStatistics {
    /// Live runs.
    pub live: usize,
    /// Bytes of the live runs.
    pub bytes: usize,
    /// Pages kept for the next requests of one page: 16 at most.
    pub kept_pages: usize,
}

impl Slabs {
    /// Every size class, the smallest first, and after them the open [object caches](crate::ObjectCache).
    ///
    /// # Complexity
    ///
    /// Constant for each of 79 classes and 16 caches.
    ///
    /// # Examples
    ///
    /// ```
    /// use core::alloc::Layout;
    ///
    /// use allocator_api::{BaseAllocator, ByteAllocator};
    /// use allocator_slab::SlabByteAllocator;
    ///
    /// let memory = vec![0_u8; 1 << 20].leak();
    /// let mut heap = Box::new(<SlabByteAllocator>::new());
    /// // SAFETY: 1. The memory was leaked, and nobody else uses it. 2. Its provenance is exposed here.
    /// unsafe { heap.init(memory.as_mut_ptr().expose_provenance(), 1 << 20) }?;
    /// for _ in 0..100 {
    ///     heap.alloc(Layout::new::<[u8; 60]>())?;
    /// }
    /// let class = heap.slabs().size_classes().find(|class| class.object_bytes == 64);
    /// assert!(class.is_some_and(|class| (class.live, class.capacity, class.slabs) == (100, 128, 2)));
    /// # Ok::<(), allocator_api::AllocError>(())
    /// ```
    pub fn size_classes(&self) -> impl Iterator<Item = ClassStatistics> {
        let sizes = (1..size_class::COUNT).map(|number| (number, None, usize::from(size_class::SIZES[number])));
        let caches = (0..MAX_CACHES).filter_map(|cache| {
            let held = self.caches.get(cache)?;
            Some((size_class::COUNT + cache, Some(held.name), held.object_bytes))
        });
        sizes.chain(caches).map(|(number, name, object_bytes)| {
            let class = self.classes.get(number);
            ClassStatistics {
                name,
                object_bytes,
                live: class.live,
                capacity: class.slabs * class.capacity,
                slabs: class.slabs,
                most_slabs: class.most_slabs,
                slab_bytes: class.slab_bytes,
            }
        })
    }

    /// The blocks that are runs of pages.
    ///
    /// # Complexity
    ///
    /// Linear in the classes: 79, and 16 caches.
    pub fn runs(&self) -> RunStatistics {
        let kept_pages = self.cache.as_slice().len();
        let slab_frames: usize = self.classes.iter().map(Class::frames).sum();
        RunStatistics { live: self.map.frames() - kept_pages - slab_frames, bytes: self.run_bytes, kept_pages }
    }
}

impl Class {
    /// Frames of the slabs held.
    const fn frames(&self) -> usize {
        self.slabs * (self.slab_bytes / FRAME_BYTES)
    }
}
