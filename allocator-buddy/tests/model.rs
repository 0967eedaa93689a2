//! Long sequences of calls against a map of all words, which says of each request whether it must be served.
#![cfg(feature = "package")]
#![allow(clippy::unwrap_used, reason = "an error that is not expected fails the test")]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod support;

use core::{alloc::Layout, ptr::NonNull};

use allocator_api::{AddressRange, AllocError, BaseAllocator, ByteAllocator};
use allocator_buddy::package::BuddyByteAllocator;
use support::{Arena, MIB, Random, WORD, Words, block_bytes, layout};

const PART: usize = 2048;

struct Live {
    block: NonNull<u8>,
    layout: Layout,
    tag: u8,
}

impl Live {
    fn range(&self) -> AddressRange {
        AddressRange::new(self.block.addr().get(), block_bytes(self.layout)).unwrap()
    }

    fn assert_intact(&self, count: usize) {
        // SAFETY: the block is live, and was written when it was tagged.
        let bytes = unsafe { core::slice::from_raw_parts(self.block.as_ptr(), count) };
        assert!(bytes.iter().all(|&byte| byte == self.tag), "a block was overwritten");
    }
}

struct Run {
    heap: BuddyByteAllocator,
    words: Words,
    live: Vec<Live>,
    random: Random,
    next_tag: u8,
    refused: usize,
}

impl Run {
    fn size(&mut self) -> usize {
        let scale = 1 << self.random.below(11);
        1 + self.random.below(scale)
    }

    fn keep(&mut self, block: NonNull<u8>, layout: Layout) {
        self.next_tag = self.next_tag.wrapping_add(1);
        let new = Live { block, layout, tag: self.next_tag };
        assert_eq!(block.addr().get() % layout.align(), 0);
        self.words.set(new.range(), false);
        // SAFETY: the block is live and this test's alone.
        unsafe { block.write_bytes(new.tag, layout.size()) };
        self.live.push(new);
    }

    fn alloc(&mut self) {
        let layout = layout(self.size(), 1 << self.random.below(10));
        let must_fit = block_bytes(layout) <= self.words.largest();
        match self.heap.alloc(layout) {
            Ok(block) => self.keep(block, layout),
            Err(error) => {
                assert_eq!((error, must_fit), (AllocError::NoMemory, false), "{layout:?}");
                self.refused += 1;
            }
        }
    }

    fn take(&mut self) -> Live {
        let index = self.random.below(self.live.len());
        self.live.swap_remove(index)
    }

    fn dealloc(&mut self) {
        let old = self.take();
        old.assert_intact(old.layout.size());
        // SAFETY: the block is live with this layout, and is forgotten here.
        unsafe { self.heap.dealloc(old.block, old.layout) }.unwrap();
        self.words.set(old.range(), true);
    }

    fn realloc(&mut self) {
        let (old, size) = (self.take(), self.size());
        let resized = layout(size, old.layout.align());
        let stays = block_bytes(resized) == block_bytes(old.layout);
        let must_fit = stays || block_bytes(resized) <= self.words.largest();
        // SAFETY: the block is live with this layout, and is forgotten at its old place.
        match unsafe { self.heap.realloc(old.block, old.layout, size) } {
            Ok(block) => {
                assert_eq!(block == old.block, stays);
                Live { block, layout: resized, tag: old.tag }.assert_intact(size.min(old.layout.size()));
                self.words.set(old.range(), true);
                self.keep(block, resized);
            }
            Err(error) => {
                assert_eq!((error, must_fit), (AllocError::NoMemory, false), "{resized:?}");
                self.live.push(old);
            }
        }
    }

    fn assert_statistics(&self, held_bytes: usize) {
        let used: usize = self.live.iter().map(|live| block_bytes(live.layout)).sum();
        assert_eq!((self.heap.total_bytes(), self.heap.used_bytes()), (held_bytes, used));
        assert_eq!(self.heap.available_bytes(), self.words.free_bytes());
    }
}

/// Regions that touch in part, and one without its first word, added in a shuffled order while blocks live.
fn run(seed: u64) -> usize {
    let arena = Arena::new(MIB);
    let mut run = Run {
        heap: BuddyByteAllocator::new(),
        words: Words::new(arena.start(), 8 * PART),
        live: Vec::new(),
        random: Random(seed),
        next_tag: 0,
        refused: 0,
    };
    let mut waiting = vec![(0, 0), (1, 0), (2, WORD), (3, 0), (5, 0), (6, 0)];
    let mut held_bytes = 0;
    for step in 0..4000 {
        if step % 400 == 0 && !waiting.is_empty() {
            let (part, cut) = waiting.swap_remove(run.random.below(waiting.len()));
            let region = AddressRange::new(arena.start() + part * PART + cut, PART - cut).unwrap();
            // SAFETY: the arena outlives the run; each part is given once.
            unsafe { run.heap.add_memory(region.start(), PART - cut) }.unwrap();
            run.words.set(region, true);
            held_bytes += PART - cut;
        }
        // The weight of allocations changes over time, so that the memory fills and empties.
        let grow = if step / 500 % 2 == 0 { 6 } else { 3 };
        match run.random.below(10) {
            choice if choice < grow || run.live.is_empty() => run.alloc(),
            choice if choice < grow + 2 => run.realloc(),
            _ => run.dealloc(),
        }
        run.assert_statistics(held_bytes);
    }
    while !run.live.is_empty() {
        run.dealloc();
    }
    run.assert_statistics(held_bytes);
    assert_eq!(support::largest(&mut run.heap), run.words.largest());
    assert_eq!(run.words.largest(), 2 * PART);
    run.refused
}

#[test]
fn every_request_that_fits_is_served_and_statistics_hold_through_thousands_of_calls() {
    let refused: usize = (1..=8).map(run).sum();
    assert!(refused > 100, "the memory was hardly ever full: {refused} refusals");
}
