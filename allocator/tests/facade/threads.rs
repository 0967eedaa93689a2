//! Many threads on one heap.

use std::{ptr::NonNull, thread};

use allocator::{GlobalAllocator, Growing, PagedByteAllocator, SpinLock, Usage, UsageKind};

use crate::support::{Arena, KIB, MIB, Random, ToyBytes, ToyPages, layout};

const THREADS: usize = 4;

/// A block with a byte that fills it.
struct Block {
    pos: NonNull<u8>,
    size: usize,
    fill: u8,
}

impl Block {
    fn assert_untouched(&self, size: usize) {
        // SAFETY: the block is live and has at least `size` bytes, all written.
        let bytes = unsafe { std::slice::from_raw_parts(self.pos.as_ptr(), size) };
        assert!(bytes.iter().all(|byte| *byte == self.fill), "somebody else wrote into a live block");
    }

    fn fill(&self) {
        // SAFETY: the block is live and has `size` bytes.
        unsafe { self.pos.write_bytes(self.fill, self.size) };
    }
}

/// Allocates, resizes and frees at random; every block is checked before it goes.
pub(crate) fn hammer<B: PagedByteAllocator + Send, P: allocator::PageAllocator + Send>(
    heap: &GlobalAllocator<B, P, SpinLock>,
    seed: usize,
    steps: usize,
) {
    let mut random = Random::new(seed as u64 + 1);
    let mut blocks: Vec<Block> = vec![];
    let mut runs: Vec<(usize, usize)> = vec![];
    for step in 0..steps {
        match random.below(6) {
            0..=2 => {
                let count = if random.below(8) == 0 { 20 * KIB } else { 300 };
                let size = 1 + random.below(count);
                let block = Block { pos: heap.alloc(layout(size, 8)).unwrap(), size, fill: step as u8 };
                block.fill();
                blocks.push(block);
            }
            3 if !blocks.is_empty() => {
                let index = random.below(blocks.len());
                let new_size = 1 + random.below(2000);
                let block = &mut blocks[index];
                // SAFETY: 1. The block is live. 2. Only its new place is used.
                block.pos = unsafe { heap.realloc(block.pos, layout(block.size, 8), new_size) }.unwrap();
                block.assert_untouched(block.size.min(new_size));
                block.size = new_size;
                block.fill();
            }
            4 if !blocks.is_empty() => free_block(heap, blocks.swap_remove(random.below(blocks.len()))),
            _ if runs.len() < 8 => {
                let num_pages = 1 + random.below(5);
                runs.push((heap.alloc_pages(num_pages, 4096, UsageKind::PageCache).unwrap(), num_pages));
            }
            _ => {
                let (run, num_pages) = runs.swap_remove(random.below(runs.len()));
                // SAFETY: 1. The run is this thread's. 2. It is not used again.
                unsafe { heap.dealloc_pages(run, num_pages, UsageKind::PageCache) }.unwrap();
            }
        }
    }
    blocks.into_iter().for_each(|block| free_block(heap, block));
    for (run, num_pages) in runs {
        // SAFETY: 1. The run is this thread's. 2. It is not used again.
        unsafe { heap.dealloc_pages(run, num_pages, UsageKind::PageCache) }.unwrap();
    }
}

fn free_block<B: PagedByteAllocator, P: allocator::PageAllocator>(
    heap: &GlobalAllocator<B, P, SpinLock>,
    block: Block,
) {
    block.assert_untouched(block.size);
    // SAFETY: 1. The block is live. 2. It is not used again.
    unsafe { heap.dealloc(block.pos, layout(block.size, 8)) }.unwrap();
}

/// Hammers from several threads at once, and returns the usage when all is given back.
pub(crate) fn hammer_from_threads<B: PagedByteAllocator + Send, P: allocator::PageAllocator + Send>(
    heap: &GlobalAllocator<B, P, SpinLock>,
    steps: usize,
) -> Usage {
    thread::scope(|scope| {
        for seed in 0..THREADS {
            scope.spawn(move || hammer(heap, seed, steps));
        }
    });
    assert_eq!(heap.invalid_frees(), 0);
    heap.usage()
}

#[test]
fn threads_on_one_heap_keep_their_blocks_apart_and_give_everything_back() {
    let arena = Arena::new(16 * MIB);
    let heap = GlobalAllocator::<Growing<ToyBytes>, ToyPages, SpinLock>::new();
    // SAFETY: 1. The arena is used by the heap alone. 2. It exposes its memory.
    unsafe { heap.init(arena.start(), arena.size()) }.unwrap();
    let usage = hammer_from_threads(&heap, 1500);
    assert_eq!(usage.heap_used_bytes, 0);
    assert_eq!(usage.pages(UsageKind::PageCache), 0);
    assert_eq!(usage.pages(UsageKind::Heap) * 4 * KIB, usage.heap_held_bytes);
    assert_eq!(usage.used_pages, usage.pages(UsageKind::Heap));
}
