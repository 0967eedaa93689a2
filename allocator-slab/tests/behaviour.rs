//! What the wrapper promises, tried over many sizes, alignments and orders of calls.
#![cfg(feature = "package")]
#![allow(clippy::unwrap_used, reason = "a test helper that fails is a test that fails")]

mod support;

use std::{alloc::Layout, ptr::NonNull};

use allocator_api::{AllocError, ByteAllocator, UsableSize};
use allocator_slab::package::SlabByteAllocator;
use support::{Arena, KIB, MIB, add, layout, over};

/// Where a test puts a region of exactly this size and alignment: at no multiple of a larger alignment.
fn exactly_aligned(region: Layout) -> usize {
    region.align()
}

fn sizes_around_powers_of_two() -> impl Iterator<Item = usize> {
    (12..=24).flat_map(|log2| [(1 << log2) - 1, 1 << log2, (1 << log2) + 1])
}

#[test]
fn a_region_as_asked_for_makes_the_request_succeed_on_an_empty_allocator() {
    let arena = Arena::new(128 * MIB, 64 * MIB);
    for size in (1..=8192).chain(sizes_around_powers_of_two()) {
        for align_log2 in 0..=22 {
            let request = layout(size, 1 << align_log2);
            let mut slabs = SlabByteAllocator::new();
            let region = slabs.region_for(request).unwrap();
            add(&mut slabs, &arena, exactly_aligned(region), region.size()).unwrap();
            let block = slabs.alloc(request).unwrap_or_else(|e| panic!("{request:?} in {region:?}: {e}"));
            assert_eq!(block.addr().get() % request.align(), 0, "{request:?}");
        }
    }
}

#[test]
fn a_region_as_asked_for_makes_the_request_succeed_on_a_full_allocator() {
    let arena = Arena::new(128 * MIB, 64 * MIB);
    let other = Arena::new(32 * KIB, 32 * KIB);
    for size in (1..=4096).step_by(61).chain(sizes_around_powers_of_two()) {
        for align_log2 in 0..=22 {
            let request = layout(size, 1 << align_log2);
            let mut slabs = over(&other, 32 * KIB);
            slabs.alloc(layout(32 * KIB, 1)).unwrap();
            assert_eq!(slabs.alloc(request), Err(AllocError::NoMemory));
            let region = slabs.region_for(request).unwrap();
            add(&mut slabs, &arena, exactly_aligned(region), region.size()).unwrap();
            assert!(slabs.alloc(request).is_ok(), "{request:?} in {region:?}");
        }
    }
}

#[test]
fn a_larger_region_than_asked_for_serves_as_well() {
    let arena = Arena::new(4 * MIB, 4 * MIB);
    for size in [64, 512, 1024, 4096, 5000, 100_000] {
        for more_pages in 0..40 {
            let request = layout(size, 8);
            let mut slabs = SlabByteAllocator::new();
            let region = slabs.region_for(request).unwrap();
            add(&mut slabs, &arena, exactly_aligned(region), region.size() + more_pages * 4096).unwrap();
            assert!(slabs.alloc(request).is_ok(), "{request:?}, {more_pages} more pages");
        }
    }
}

#[test]
fn regions_that_touch_become_one_buddy_block_in_whatever_order_they_come() {
    const PIECES: usize = 17;
    let arena = Arena::new(2 * MIB, MIB);
    // Borders at multiples of 8 KiB, and pieces of many lengths that make up 1 MiB.
    let border = |n: usize| if n == PIECES { MIB } else { n * (n + 1) / 2 * 6 * KIB / 8192 * 8192 };
    for step in 1..PIECES {
        let mut slabs = SlabByteAllocator::new();
        for n in (0..PIECES).map(|n| PIECES - 1 - n * step % PIECES) {
            let piece = border(n + 1) - border(n);
            if piece != 0 {
                add(&mut slabs, &arena, border(n), piece).unwrap();
            }
        }
        assert_eq!(slabs.total_bytes(), MIB);
        let whole = slabs.alloc(layout(MIB, MIB)).unwrap_or_else(|e| panic!("in steps of {step}: {e}"));
        assert_eq!(whole.addr().get(), arena.at(0));
        assert_eq!(slabs.available_bytes(), 0);
    }
}

/// A small generator of numbers that differ from seed to seed (Marsaglia's xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }
}

struct Live {
    block: NonNull<u8>,
    request: Layout,
    mark: u8,
}

impl Live {
    fn fill(block: NonNull<u8>, request: Layout, mark: u8) -> Self {
        // SAFETY: the block is live and has that many bytes.
        unsafe { block.write_bytes(mark, request.size()) };
        Self { block, request, mark }
    }

    fn assert_intact(&self) {
        // SAFETY: the block is live, and was written in full by `fill`.
        let bytes = unsafe { std::slice::from_raw_parts(self.block.as_ptr(), self.request.size()) };
        assert!(bytes.iter().all(|&byte| byte == self.mark), "{:?} at {:?}", self.request, self.block);
    }

    /// The bytes that the block takes, with its rounding.
    fn block_bytes(&self) -> usize {
        self.request.size().max(self.request.align()).max(64).next_power_of_two()
    }
}

/// Takes and gives back at random, and at last gives everything back. Returns the number of refusals.
fn churn(slabs: &mut SlabByteAllocator, seed: u64, steps: usize) -> usize {
    let mut numbers = Numbers(seed);
    let mut live: Vec<Live> = Vec::new();
    let mut refusals = 0;
    for step in 0..steps {
        if live.is_empty() || numbers.below(5) < 3 {
            let size_log2 = numbers.below(15);
            let size = 1 + numbers.below(1 << size_log2);
            let align_log2 = numbers.below(14);
            let request = layout(size, 1 << align_log2);
            match slabs.alloc(request) {
                Ok(block) => {
                    assert_eq!(block.addr().get() % request.align(), 0);
                    live.push(Live::fill(block, request, step as u8));
                }
                Err(error) => {
                    assert_eq!(error, AllocError::NoMemory);
                    refusals += 1;
                }
            }
        } else {
            let index = numbers.below(live.len());
            let given = live.swap_remove(index);
            given.assert_intact();
            // SAFETY: 1. The block is live, with this layout. 2. It is forgotten.
            unsafe { slabs.dealloc(given.block, given.request).unwrap() };
        }
        assert_eq!(slabs.used_bytes(), live.iter().map(Live::block_bytes).sum::<usize>());
    }
    for given in live {
        given.assert_intact();
        // SAFETY: 1. The block is live, with this layout. 2. It is forgotten.
        unsafe { slabs.dealloc(given.block, given.request).unwrap() };
    }
    assert_eq!(slabs.used_bytes(), 0);
    refusals
}

#[test]
fn blocks_keep_their_contents_and_are_counted_exactly_under_load() {
    let arena = Arena::new(4 * MIB, MIB);
    for seed in 1..=20 {
        let mut slabs = over(&arena, 96 * KIB);
        // Regions above, between and below; two of them touch.
        add(&mut slabs, &arena, 3 * MIB + 1, 200 * KIB).unwrap();
        add(&mut slabs, &arena, MIB, 300 * KIB).unwrap();
        add(&mut slabs, &arena, MIB + 300 * KIB, 500 * KIB).unwrap();
        churn(&mut slabs, seed, 2000);
    }
}

#[test]
fn a_roomy_heap_refuses_nothing_and_a_second_run_neither() {
    let arena = Arena::new(64 * MIB, MIB);
    let mut slabs = over(&arena, 64 * MIB);
    for _ in 0..2 {
        assert_eq!(churn(&mut slabs, 7, 4000), 0);
        assert_eq!(slabs.total_bytes(), 64 * MIB);
    }
}

#[test]
fn a_refused_resize_leaves_the_block_as_it_was() {
    let arena = Arena::new(64 * KIB, 64 * KIB);
    let mut slabs = over(&arena, 64 * KIB);
    let request = layout(8192, 8);
    let held = Live::fill(slabs.alloc(request).unwrap(), request, 0xa5);
    // SAFETY: 1. The block is live, with this layout. 2. It is refused, so the old block stays in use.
    let answer = unsafe { slabs.realloc(held.block, request, 64 * KIB) };
    assert_eq!(answer, Err(AllocError::NoMemory));
    held.assert_intact();
    assert_eq!(slabs.used_bytes(), 8192);
    // SAFETY: 1. The block is live, with this layout. 2. Only the new block is used from here on.
    let moved = unsafe { slabs.realloc(held.block, request, 16 * KIB).unwrap() };
    Live { block: moved, request, mark: 0xa5 }.assert_intact();
    assert_eq!(slabs.used_bytes(), 16 * KIB);
}

#[test]
fn a_printed_allocator_shows_its_regions_and_its_use() {
    let arena = Arena::new(MIB, MIB);
    let mut slabs = over(&arena, 64 * KIB);
    slabs.alloc(layout(1, 1)).unwrap();
    let shown = format!("{slabs:?}");
    assert!(shown.contains("total_bytes: 65536, used_bytes: 64,"), "{shown}");
    assert!(shown.contains(&format!("regions: [{:#x}..={:#x}]", arena.at(0), arena.at(64 * KIB) - 1)), "{shown}");
}

#[test]
fn a_block_is_usable_to_its_last_byte_and_frees_with_every_size_up_to_there() {
    let arena = Arena::new(MIB, MIB);
    let mut heap = over(&arena, MIB);
    for (size, align, usable) in
        [(0, 8, 0), (1, 1, 64), (100, 8, 128), (8, 512, 512), (128, 1, 128), (5000, 1, 8192)]
    {
        let request = layout(size, align);
        assert_eq!(heap.usable_size(request), usable, "{request:?}");
        for freed in [size, usable.midpoint(size), usable].into_iter().filter(|&size| size > 0) {
            let (block, other) = (heap.alloc(request).unwrap(), heap.alloc(request).unwrap());
            assert!(block.addr().get().abs_diff(other.addr().get()) >= usable);
            for block in [block, other] {
                // SAFETY: the block is live and has that many bytes.
                unsafe { block.write_bytes(0xa5, usable) };
            }
            for block in [block, other] {
                // SAFETY: 1. The block is live, and this size is served by the same block. 2. It is forgotten.
                unsafe { heap.dealloc(block, layout(freed, align)) }.unwrap();
            }
        }
    }
    assert_eq!(heap.used_bytes(), 0);
}
