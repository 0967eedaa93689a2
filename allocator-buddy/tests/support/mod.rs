//! Memory and small helpers for the tests.

use core::{alloc::Layout, ptr::NonNull};

use allocator_api::{AddressRange, BaseAllocator, ByteAllocator};
use allocator_buddy::package::BuddyByteAllocator;

pub(crate) const WORD: usize = size_of::<usize>();
pub(crate) const MIB: usize = 1 << 20;

/// Memory that starts at a multiple of 32 MiB and is full of rubbish.
pub(crate) struct Arena {
    memory: NonNull<u8>,
    layout: Layout,
}

impl Arena {
    pub(crate) fn new(size: usize) -> Self {
        let layout = Layout::from_size_align(size, 32 * MIB).unwrap();
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

/// The bytes that a block for `layout` takes.
pub(crate) fn block_bytes(layout: Layout) -> usize {
    let least = layout.align().max(WORD);
    (0..usize::BITS).map(|log2| 1 << log2).find(|&bytes: &usize| bytes >= layout.size() && bytes >= least).unwrap()
}

/// An allocator with one region, `size` bytes from `offset` in the arena.
pub(crate) fn over(arena: &Arena, offset: usize, size: usize) -> BuddyByteAllocator {
    let mut heap = BuddyByteAllocator::new();
    // SAFETY: the tests keep the arena until they are done with the allocator, and do not touch it beside it.
    unsafe { heap.init(arena.start() + offset, size) }.unwrap();
    heap
}

/// Gives a live block back.
pub(crate) fn free(heap: &mut BuddyByteAllocator, pos: NonNull<u8>, layout: Layout) {
    // SAFETY: the tests call this once for each block, with its layout.
    unsafe { heap.dealloc(pos, layout) }.unwrap();
}

/// The size of the largest block that can be had now.
pub(crate) fn largest(heap: &mut BuddyByteAllocator) -> usize {
    for size in (0..30).rev().map(|log2| 1 << log2) {
        if let Ok(block) = heap.alloc(layout(size, 1)) {
            free(heap, block, layout(size, 1));
            return size;
        }
    }
    0
}

/// Which words of some memory may be handed out, and so which blocks can be.
#[derive(Clone)]
pub(crate) struct Words {
    start: usize,
    free: Vec<bool>,
}

impl Words {
    /// `bytes` bytes from `start`, a multiple of that size, none of them free.
    pub(crate) fn new(start: usize, bytes: usize) -> Self {
        assert!(bytes.is_power_of_two() && start.is_multiple_of(bytes));
        Self { start, free: vec![false; bytes / WORD] }
    }

    /// Changes the words of a range from one state to the other.
    pub(crate) fn set(&mut self, range: AddressRange, free: bool) {
        let first = (range.start() - self.start) / WORD;
        let last = (range.last() - self.start) / WORD;
        for word in &mut self.free[first..=last] {
            assert_ne!(*word, free, "a word of {range:x?} was in that state already");
            *word = free;
        }
    }

    /// Bytes that are free.
    pub(crate) fn free_bytes(&self) -> usize {
        self.free.iter().filter(|&&free| free).count() * WORD
    }

    /// Bytes of the largest block: a power of two of free words at a multiple of itself.
    pub(crate) fn largest(&self) -> usize {
        let (mut whole, mut bytes, mut best) = (self.free.clone(), WORD, 0);
        while whole.contains(&true) {
            best = bytes;
            whole = whole.chunks_exact(2).map(|pair| pair[0] && pair[1]).collect();
            bytes *= 2;
        }
        best
    }
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
