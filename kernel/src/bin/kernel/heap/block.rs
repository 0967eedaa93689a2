//! Blocks of the kernel's heap for a replay: their bytes can be read and written.

use core::{alloc::Layout, ptr::NonNull, slice};

use kernel::replay::Heap;

use super::HEAP;
use crate::arch::ticks;

/// What a block is filled with before anybody else writes to it.
const FRESH: u8 = 0xa5;

/// A live block.
///
/// Invariants: B1. `start` is a live block of [`HEAP`], allocated with `layout`, and this value is its only owner.
/// B2. Every byte of it has been written.
pub(crate) struct Block {
    start: NonNull<u8>,
    layout: Layout,
}

// SAFETY: the block belongs to this value alone (B1), and the heap may be used from everywhere.
unsafe impl Send for Block {}

impl Block {
    fn owning(start: NonNull<u8>, layout: Layout, written_bytes: usize) -> Self {
        let fresh_bytes = layout.size() - written_bytes;
        // SAFETY: the block was just handed out with that layout, so that all bytes after the written ones may be written.
        unsafe { start.add(written_bytes).write_bytes(FRESH, fresh_bytes) };
        Self { start, layout }
    }
}

impl AsRef<[u8]> for Block {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the bytes are this value's (B1), have values (B2), and are borrowed as long as it is.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.layout.size()) }
    }
}

impl AsMut<[u8]> for Block {
    fn as_mut(&mut self) -> &mut [u8] {
        // SAFETY: the bytes are this value's (B1), have values (B2), and are mutably borrowed as long as it is.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.layout.size()) }
    }
}

/// The kernel's heap with a clock that runs only while the heap works.
#[derive(Default)]
pub(crate) struct TimedHeap {
    ticks: u64,
}

impl TimedHeap {
    fn timed<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let start = ticks::now();
        let result = work();
        self.ticks += ticks::now().wrapping_sub(start);
        result
    }
}

impl Heap for TimedHeap {
    type Block = Block;

    fn alloc(&mut self, layout: Layout, zeroed: bool) -> Option<Block> {
        let start = self.timed(|| if zeroed { HEAP.alloc_zeroed(layout) } else { HEAP.alloc(layout) });
        let written_bytes = if zeroed { layout.size() } else { 0 };
        start.ok().map(|start| Block::owning(start, layout, written_bytes))
    }

    fn free(&mut self, block: Block) -> bool {
        // SAFETY: 1. The block is live with that layout (B1). 2. This value was its only owner, and it ends here.
        self.timed(|| unsafe { HEAP.dealloc(block.start, block.layout) }).is_ok()
    }

    fn resize(&mut self, block: Block, new_size: usize) -> Result<Block, Block> {
        let Ok(layout) = Layout::from_size_align(new_size, block.layout.align()) else { return Err(block) };
        // SAFETY: 1. The block is live with that layout (B1). 2. Its only owner ends here, and the new block has one.
        match self.timed(|| unsafe { HEAP.realloc(block.start, block.layout, new_size) }) {
            Ok(start) => Ok(Block::owning(start, layout, block.layout.size().min(new_size))),
            Err(_) => Err(block),
        }
    }

    fn used_bytes(&self) -> usize {
        HEAP.usage().heap_used_bytes
    }

    fn held_bytes(&self) -> usize {
        HEAP.usage().heap_held_bytes
    }

    fn ticks(&self) -> u64 {
        self.ticks
    }
}
