//! Long sequences of calls against a list of live blocks, with every record in memory checked after each.
#![cfg(feature = "package")]
#![allow(clippy::unwrap_used, reason = "an error that is not expected fails the test")]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod support;

use core::{alloc::Layout, ptr::NonNull};

use allocator_api::{AllocError, BaseAllocator, ByteAllocator};
use allocator_tlsf::package::TlsfByteAllocator;
use support::{Arena, GRANULE, HEADER, MIB, Random, empty, layout, walk};

const REGION: usize = 64 * 1024;

struct Live {
    block: NonNull<u8>,
    layout: Layout,
    tag: u8,
}

impl Live {
    fn bytes(&self) -> &[u8] {
        // SAFETY: the block is live, and was written when it was tagged.
        unsafe { core::slice::from_raw_parts(self.block.as_ptr(), self.layout.size()) }
    }

    fn assert_intact(&self, count: usize) {
        assert!(self.bytes()[..count].iter().all(|&byte| byte == self.tag), "a block was overwritten");
    }

    fn fill(&self) {
        // SAFETY: the block is live and this test's alone.
        unsafe { self.block.write_bytes(self.tag, self.layout.size()) };
        assert_eq!(self.block.addr().get() % self.layout.align(), 0);
    }
}

struct Run {
    heap: Box<TlsfByteAllocator>,
    live: Vec<Live>,
    random: Random,
    next_tag: u8,
    refused: usize,
}

impl Run {
    fn tag(&mut self) -> u8 {
        self.next_tag = self.next_tag.wrapping_add(1);
        self.next_tag
    }

    fn size(&mut self) -> usize {
        let scale = 1 << self.random.below(14);
        1 + self.random.below(scale)
    }

    /// A refusal must be honest: no free block is a thirty-second larger than what the request may need.
    fn assert_refusal_is_honest(&mut self, wanted: Layout, largest_free: usize) {
        let padding = wanted.align().saturating_sub(HEADER);
        let needed = (wanted.size() + padding + HEADER).next_multiple_of(GRANULE);
        assert!(needed + needed / 32 > largest_free, "{wanted:?} refused, {largest_free} bytes free in one block");
        self.refused += 1;
    }

    fn alloc(&mut self, largest_free: usize) {
        let align = 1 << self.random.below(13);
        let layout = layout(self.size(), align);
        match self.heap.alloc(layout) {
            Ok(block) => {
                let new = Live { block, layout, tag: self.tag() };
                new.fill();
                self.live.push(new);
            }
            Err(error) => {
                assert_eq!(error, AllocError::NoMemory);
                self.assert_refusal_is_honest(layout, largest_free);
            }
        }
    }

    fn dealloc(&mut self) {
        let index = self.random.below(self.live.len());
        let old = self.live.swap_remove(index);
        old.assert_intact(old.layout.size());
        // SAFETY: the block is live with this layout, and is forgotten here.
        unsafe { self.heap.dealloc(old.block, old.layout) }.unwrap();
    }

    fn realloc(&mut self, largest_free: usize) {
        let index = self.random.below(self.live.len());
        let (size, tag) = (self.size(), self.tag());
        let old = self.live.swap_remove(index);
        let resized = layout(size, old.layout.align());
        // SAFETY: the block is live with this layout, and is forgotten at its old place.
        match unsafe { self.heap.realloc(old.block, old.layout, size) } {
            Ok(block) => {
                let kept = Live { block, layout: resized, tag: old.tag };
                kept.assert_intact(size.min(old.layout.size()));
                let new = Live { tag, ..kept };
                new.fill();
                self.live.push(new);
            }
            Err(error) => {
                assert_eq!(error, AllocError::NoMemory);
                assert!(size > old.layout.size(), "a smaller size was refused");
                self.assert_refusal_is_honest(resized, largest_free);
                self.live.push(old);
            }
        }
    }
}

/// Regions that touch in part, added in a shuffled order while blocks live.
fn run(seed: u64) -> usize {
    let arena = Arena::new(MIB);
    let mut run = Run { heap: empty(), live: Vec::new(), random: Random(seed), next_tag: 0, refused: 0 };
    let mut waiting = vec![0, 1, 2, 4, 5, 7];
    let mut held: Vec<usize> = Vec::new();
    for step in 0..6000 {
        if step % 600 == 0 && !waiting.is_empty() {
            let part = waiting.swap_remove(run.random.below(waiting.len()));
            // SAFETY: the arena outlives the run; each part is given once.
            unsafe { run.heap.add_memory(arena.start() + part * REGION, REGION) }.unwrap();
            held.push(part);
            held.sort_unstable();
        }
        let largest_free = check(&run, &arena, &held);
        // The weight of allocations changes over time, so that the memory fills and empties.
        let grow = if step / 500 % 2 == 0 { 6 } else { 3 };
        match run.random.below(10) {
            choice if choice < grow || run.live.is_empty() => run.alloc(largest_free),
            choice if choice < grow + 2 => run.realloc(largest_free),
            _ => run.dealloc(),
        }
    }
    while !run.live.is_empty() {
        run.dealloc();
    }
    let largest_free = check(&run, &arena, &held);
    assert_eq!(run.heap.used_bytes(), 3 * GRANULE, "three pools");
    assert_eq!(largest_free, 3 * REGION - GRANULE);
    run.refused
}

/// Compares the statistics with the records of all pools. Returns the largest free block's bytes.
fn check(run: &Run, arena: &Arena, held: &[usize]) -> usize {
    let (mut used, mut free, mut largest) = (0, 0, 0);
    for pool in held.chunk_by(|below, above| below + 1 == *above) {
        let seen = walk(arena.start() + pool[0] * REGION, pool.len() * REGION);
        used += seen.used_bytes;
        free += seen.free_bytes;
        largest = largest.max(seen.largest_free_bytes);
    }
    assert_eq!((run.heap.used_bytes(), run.heap.available_bytes()), (used, free));
    assert_eq!(run.heap.total_bytes(), held.len() * REGION);
    largest
}

#[test]
fn statistics_and_contents_hold_through_thousands_of_calls() {
    let refused: usize = (1..=8).map(run).sum();
    assert!(refused > 100, "the memory was hardly ever full: {refused} refusals");
}
