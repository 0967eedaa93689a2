//! Memory for the tests, and a walk over the records in it.

use core::{alloc::Layout, ptr::NonNull};

use allocator_api::{BaseAllocator, ByteAllocator};
use allocator_tlsf::package::TlsfByteAllocator;

/// Words are the unit of the package's records: 32 and 16 bytes on 64-bit machines.
pub(crate) const GRANULE: usize = 4 * size_of::<usize>();
pub(crate) const HEADER: usize = 2 * size_of::<usize>();
pub(crate) const MIB: usize = 1 << 20;

/// Memory that starts at a multiple of 4 MiB and is full of rubbish.
pub(crate) struct Arena {
    memory: NonNull<u8>,
    layout: Layout,
}

impl Arena {
    pub(crate) fn new(size: usize) -> Self {
        let layout = Layout::from_size_align(size, 4 * MIB).unwrap();
        // SAFETY: the size is not 0 in any test; all of the memory is then filled.
        let memory = NonNull::new(unsafe { std::alloc::alloc(layout) }).expect("the host has memory");
        // SAFETY: the memory has `size` bytes.
        unsafe { memory.write_bytes(0xa5, size) };
        Self { memory, layout }
    }

    pub(crate) fn start(&self) -> usize {
        self.memory.as_ptr().expose_provenance()
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: it was allocated with this layout.
        unsafe { std::alloc::dealloc(self.memory.as_ptr(), self.layout) };
    }
}

pub(crate) fn layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align).unwrap()
}

pub(crate) fn empty() -> Box<TlsfByteAllocator> {
    Box::new(TlsfByteAllocator::new())
}

/// An allocator with one region, `size` bytes from `offset` in the arena.
pub(crate) fn over(arena: &Arena, offset: usize, size: usize) -> Box<TlsfByteAllocator> {
    let mut heap = empty();
    // SAFETY: the tests keep the arena until they are done with the allocator, and do not touch it beside it.
    unsafe { heap.init(arena.start() + offset, size) }.unwrap();
    heap
}

/// Gives a live block back.
pub(crate) fn free(heap: &mut TlsfByteAllocator, pos: NonNull<u8>, layout: Layout) {
    // SAFETY: the tests call this once for each block, with its layout.
    unsafe { heap.dealloc(pos, layout) }.unwrap();
}

/// The size of the largest block that can be had now, to the byte.
pub(crate) fn largest(heap: &mut TlsfByteAllocator) -> usize {
    let mut served = |size: usize| match heap.alloc(layout(size, 1)) {
        Ok(block) => {
            free(heap, block, layout(size, 1));
            true
        }
        Err(_) => false,
    };
    let (mut fits, mut fails) = (0, isize::MAX as usize);
    while fits + 1 < fails {
        let middle = fits + (fails - fits) / 2;
        if served(middle) { fits = middle } else { fails = middle }
    }
    fits
}

/// What the records of one pool say.
#[derive(Default, PartialEq, Eq, Debug)]
pub(crate) struct Walk {
    pub(crate) used_bytes: usize,
    pub(crate) free_bytes: usize,
    pub(crate) largest_free_bytes: usize,
}

/// Walks the blocks of the pool from `start` to its sentinel, and checks that they and their links are in order.
pub(crate) fn walk(start: usize, size: usize) -> Walk {
    let word = |address: usize| {
        // SAFETY: only records of a pool in a live arena are read; no call is in progress.
        unsafe { core::ptr::with_exposed_provenance::<usize>(address).read() }
    };
    let (mut at, mut before, mut free_before, mut seen) = (start, 0, false, Walk::default());
    loop {
        let (bytes, flags) = (word(at) & !(GRANULE - 1), word(at) & (GRANULE - 1));
        assert_eq!(word(at + size_of::<usize>()), before, "the link of the block at {at:#x}");
        let free = flags & 1 == 0;
        assert!(!(free && free_before), "free neighbours at {at:#x} were not merged");
        if free {
            seen.free_bytes += bytes;
            seen.largest_free_bytes = seen.largest_free_bytes.max(bytes);
        } else {
            seen.used_bytes += bytes;
        }
        (before, free_before) = (at, free);
        at += bytes;
        if flags & 2 != 0 {
            break;
        }
    }
    assert_eq!(at, start + size, "the sentinel ends the pool");
    seen
}

/// A small generator of pseudo-random numbers (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}
