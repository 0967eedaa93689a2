//! The slab allocator over pages that come with each call.

use core::{alloc::Layout, ptr::NonNull};

use allocator_api::{AllocError, AllocResult, ConstEmpty, InvalidFrees, PageAllocator, PagedByteAllocator};

use crate::{
    memory::{self, Classes, Offset, PageMap, RecordRef, Records, Source},
    object_cache::Caches,
    page_cache::PageCache,
    size_class::FRAME_BYTES,
};

mod caches;
pub(crate) mod fast;
mod free;
mod guests;
mod heap_map;
mod integrity;
mod list;
mod realloc;
mod refill;
mod runs;
mod statistics;

pub(crate) use heap_map::Stretch;
pub use statistics::{ClassStatistics, RunStatistics};

/// Slabs on the pages of a page allocator that comes with each call.
///
/// # Complexity
///
/// With L levels of the page map, 6 at most: allocating O(1) from a slab with a free object; for a new slab or a run O(L) steps and
/// 6 L calls to the page level. Giving back: O(L) steps and 2 L + 2 calls. Before a refusal everything unused is given back: at
/// most 95 slabs and 16 pages.
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
///
/// use allocator_api::{AllocError, BaseAllocator, PageAllocator, PagedByteAllocator};
/// use allocator_bitmap::BitmapPageAllocator;
/// use allocator_slab::Slabs;
///
/// let memory = vec![0_u8; 1 << 20].leak();
/// let mut pages = <BitmapPageAllocator<4096>>::new();
/// // SAFETY: 1. The memory was leaked, and nobody else uses it. 2. Its provenance is exposed here.
/// unsafe { pages.init(memory.as_mut_ptr().expose_provenance(), 1 << 20) }?;
///
/// let mut slabs = Box::new(Slabs::new());
/// let layout = Layout::new::<[u64; 8]>();
/// let block = slabs.alloc_from(&mut pages, layout)?;
/// // A slab, a page of records and a leaf of the map.
/// assert_eq!(slabs.held_bytes(), 3 * 4096);
///
/// let interior = block.map_addr(|address| address.saturating_add(8));
/// // SAFETY: 1. The first is a mistake that is detected, the second a live block. 2. It is forgotten. 3. There is one page level.
/// unsafe {
///     assert_eq!(slabs.dealloc_to(&mut pages, interior, layout), Err(AllocError::NotAllocated));
///     slabs.dealloc_to(&mut pages, block, layout)?;
///     assert_eq!(slabs.trim(&mut pages), 3);
/// }
/// assert_eq!(slabs.held_bytes(), 0);
/// # Ok::<(), AllocError>(())
/// ```
// The order is that of use on the fast paths: what stands first is reached without an addition.
#[derive(Debug)]
#[repr(C)]
pub struct Slabs {
    classes: Classes,
    map: PageMap,
    records: Records,
    cache: PageCache,
    caches: Caches,
    /// Bytes of the pages now held.
    held_bytes: usize,
    /// Bytes of the live runs.
    run_bytes: usize,
}

impl ConstEmpty for Slabs {
    const EMPTY: Self = Self {
        classes: Classes::EMPTY,
        map: PageMap::EMPTY,
        records: Records::EMPTY,
        cache: PageCache::EMPTY,
        caches: Caches::EMPTY,
        held_bytes: 0,
        run_bytes: 0,
    };
}

impl Slabs {
    /// Slabs without a page. For statics: the value has less than 28 KiB.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "the value is too large for a stack")]
    pub const fn new() -> Self {
        Self::EMPTY
    }

    /// A free object of the word that the class takes blocks from.
    #[inline(always)]
    fn take_object(&mut self, offset: Offset) -> Option<NonNull<u8>> {
        self.classes.at(offset).take()
    }

    /// Takes `bytes` of pages, and a record, which the map then has for the first `mapped_bytes`.
    ///
    /// # Errors
    ///
    /// `NoMemory`: there is no such run, or no page for the records; unchanged.
    fn enter<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        (bytes, align): (usize, usize),
        mapped_bytes: usize,
    ) -> AllocResult<RecordRef> {
        let mut source = Source::new(pages, &mut self.held_bytes);
        let address = source.take(bytes, align)?;
        let record = match self.records.take(&mut source) {
            Ok(record) => record,
            Err(error) => {
                source.give(address, bytes);
                return Err(error);
            }
        };
        if let Err(error) = self.map.set(&mut source, address, mapped_bytes, record) {
            self.records.give(&mut source, record);
            source.give(address, bytes);
            return Err(error);
        }
        record.set_base(address);
        Ok(record)
    }

    /// Gives `bytes` of pages at `address` back, and takes them out of the map, which has `record` for the first
    /// `mapped_bytes`.
    fn leave<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        record: RecordRef,
        address: usize,
        bytes: usize,
        mapped_bytes: usize,
    ) {
        let mut source = Source::new(pages, &mut self.held_bytes);
        self.map.clear(&mut source, address, mapped_bytes);
        if !record.is_shared() {
            self.records.give(&mut source, record);
        }
        source.give(address, bytes);
    }

    /// Bytes of the live blocks, with their rounding.
    fn live_bytes(&self) -> usize {
        self.run_bytes + self.classes.iter().map(|class| class.live * class.size).sum::<usize>()
    }

    /// The pages that the map takes for the first slab at `address`.
    pub(crate) fn missing_nodes(&self, address: usize) -> usize {
        self.map.missing_nodes(address)
    }

    /// Bytes that are lost to live blocks besides their rounding: a record for each slab and run with a live block, an entry of the
    /// map for each of their frames, and the tails of those slabs, which hold no object.
    fn overhead_bytes(&self) -> usize {
        let (mut records, mut frames) = (self.records.taken(), self.map.frames() - self.cache.as_slice().len());
        let mut tails_bytes = 0;
        for class in self.classes.iter() {
            let mut slabs = class.slabs;
            if class.keeps_unused() {
                (records, frames, slabs) = (records - 1, frames - class.slab_bytes / FRAME_BYTES, slabs - 1);
            }
            tails_bytes += slabs * (class.slab_bytes - class.capacity * class.size);
        }
        records * memory::RECORD_BYTES + frames * memory::ENTRY_BYTES + tails_bytes
    }
}

/// Why a request got nothing.
pub(crate) fn refusal(layout: Layout) -> AllocError {
    if layout.size() == 0 { AllocError::InvalidParam } else { AllocError::NoMemory }
}

// SAFETY: 1. A block is an object of a slab, at a multiple of the class size from a page border, or a run of pages; both are
// aligned as asked for (see `size_class` and `runs`), and address 0 gives no block. 2. An object is handed out when its bit is
// taken, and its bit is set again only when it is given back; slabs, runs and records are pages of their own, taken from the
// page level (whose promises these then are). 3. Nothing writes to objects, but `realloc` to the new block. 4. What is refused
// is refused before a change, or after it was undone.
unsafe impl PagedByteAllocator for Slabs {
    fn detects(&self) -> InvalidFrees {
        InvalidFrees::ALL
    }

    #[inline]
    fn alloc_from<P: PageAllocator>(&mut self, pages: &mut P, layout: Layout) -> AllocResult<NonNull<u8>> {
        fast::alloc((self, pages), layout).ok_or_else(|| refusal(layout))
    }

    #[inline]
    unsafe fn dealloc_to<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        pos: NonNull<u8>,
        layout: Layout,
    ) -> AllocResult {
        fast::dealloc((self, pages), pos, layout)
    }

    unsafe fn realloc_in<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        pos: NonNull<u8>,
        layout: Layout,
        new_size: usize,
    ) -> AllocResult<NonNull<u8>> {
        if new_size == 0 {
            return Err(AllocError::InvalidParam);
        }
        // SAFETY: 1. is the caller's 1. 2. is the caller's 2.
        unsafe { self.realloc(pages, pos, layout, new_size) }
    }

    /// Gives back every slab without a live object and every page that is kept.
    unsafe fn trim<P: PageAllocator>(&mut self, pages: &mut P) -> usize {
        let before = self.held_bytes;
        self.give_unused(pages);
        (before - self.held_bytes) / P::PAGE_SIZE
    }

    fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// The live blocks with their rounding; the record, 64 bytes, of each slab and run with a live block; for each of their frames
    /// an entry of the map; and the tails of the slabs among them, behind the last object. What is held besides, free objects,
    /// slabs without a live one and room for further records, is not used.
    ///
    /// # Complexity
    ///
    /// Linear in the classes: 79, and 16 of object caches.
    fn used_bytes(&self) -> usize {
        self.live_bytes() + self.overhead_bytes()
    }
}
