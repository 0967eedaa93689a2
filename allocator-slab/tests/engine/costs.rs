//! The worst cases that the crate's documentation states, counted from outside: calls of the page level in one operation.
//!
//! L is the number of levels of the map: 2 where all addresses lie within 1 GiB, 6 where they are as far apart as can be.

use std::{alloc::Layout, ptr::NonNull};

use allocator_api::{AllocError, AllocResult, PageAllocator, PagedByteAllocator};
use allocator_slab::Slabs;

use crate::{
    blocks::{KIB, MIB, Random, layout},
    pages::Pages,
};

/// Calls for a new slab, at most: one for its pages, and two for each page of the records and of the map, for which a place
/// beside it is tried first. The map grows to L levels, and has a way down to both leaves of the slab.
const fn alloc_calls(levels: usize) -> usize {
    1 + 2 * (1 + 3 * (levels - 1))
}

/// As [`alloc_calls`], for a run: it has one leaf.
const fn run_calls(levels: usize) -> usize {
    1 + 2 * (1 + 2 * (levels - 1))
}

/// Calls for a slab that fail, at most: everything that was taken is given back.
const fn failing_calls(levels: usize) -> usize {
    9 * levels
}

/// Calls for giving a block back, at most.
const fn dealloc_calls(levels: usize) -> usize {
    2 * levels + 2
}

/// Calls for giving everything unused back, at most: 95 slabs and 16 pages.
const fn trim_calls(levels: usize) -> usize {
    (95 + 16) * dealloc_calls(levels)
}

/// Slabs on pages that are counted, with the most calls of one operation of each kind.
struct Counted {
    slabs: Box<Slabs>,
    pages: Pages<4096>,
    levels: usize,
    most_in_alloc: usize,
    most_in_refusal: usize,
    most_in_dealloc: usize,
}

impl Counted {
    fn new(bytes: usize, levels: usize) -> Self {
        let (slabs, pages) = (Box::new(Slabs::new()), Pages::of_host(bytes));
        Self { slabs, pages, levels, most_in_alloc: 0, most_in_refusal: 0, most_in_dealloc: 0 }
    }

    fn alloc(&mut self, layout: Layout) -> AllocResult<NonNull<u8>> {
        let before = self.pages.calls;
        let answer = self.slabs.alloc_from(&mut self.pages, layout);
        let calls = self.pages.calls - before;
        // What was refused was tried as a slab and as a run, each twice, with everything unused given back between.
        let bound = 4 * failing_calls(self.levels) + 2 * trim_calls(self.levels);
        assert!(calls <= bound, "{calls} calls for {layout:?}");
        let most = if answer.is_ok() { &mut self.most_in_alloc } else { &mut self.most_in_refusal };
        *most = calls.max(*most);
        answer
    }

    fn dealloc(&mut self, block: NonNull<u8>, layout: Layout) -> AllocResult {
        let before = self.pages.calls;
        // SAFETY: 1. The block is live, with this layout, or the mistake is detected. 2. It is forgotten. 3. There is one page level.
        let answer = unsafe { self.slabs.dealloc_to(&mut self.pages, block, layout) };
        let calls = self.pages.calls - before;
        assert!(calls <= dealloc_calls(self.levels), "{calls} calls to give {layout:?} back");
        assert!(answer.is_ok() || calls == 0, "a refused free asks for nothing");
        self.most_in_dealloc = calls.max(self.most_in_dealloc);
        answer
    }
}

#[test]
fn calls_of_the_page_level_are_bounded_in_a_random_script() {
    let (mut counted, mut random, mut live) = (Counted::new(64 * MIB, 2), Random(1), Vec::new());
    for step in 0..40_000 {
        let grows = step / 8_000 % 2 == 0;
        if random.below(3) < if grows { 2 } else { 1 } {
            let layout = random.layout();
            live.push((counted.alloc(layout).unwrap(), layout));
        } else if !live.is_empty() {
            let (block, layout) = live.swap_remove(random.below(live.len()));
            assert_eq!(counted.dealloc(block, layout), Ok(()));
            assert_eq!(counted.dealloc(block, layout), Err(AllocError::NotAllocated));
        }
    }
    for (block, layout) in live {
        assert_eq!(counted.dealloc(block, layout), Ok(()));
    }
    // Nothing was refused, and so nothing was given back for it.
    assert_eq!(counted.most_in_refusal, 0);
    assert!((3..=alloc_calls(2)).contains(&counted.most_in_alloc), "{}", counted.most_in_alloc);
    assert!((1..=dealloc_calls(2)).contains(&counted.most_in_dealloc), "{}", counted.most_in_dealloc);
}

#[test]
fn a_free_object_costs_no_call() {
    let (mut counted, request) = (Counted::new(MIB, 2), layout(64, 8));
    let first = counted.alloc(request).unwrap();
    let begin = counted.pages.calls;
    let mut blocks: Vec<_> = (1..64).map(|_| counted.alloc(request).unwrap()).collect();
    blocks.push(first);
    for block in blocks {
        counted.dealloc(block, request).unwrap();
    }
    assert_eq!(counted.pages.calls, begin);
}

#[test]
fn a_refusal_gives_everything_unused_back_within_its_bound() {
    let (mut counted, mut random) = (Counted::new(4 * MIB, 2), Random(2));
    for _ in 0..50 {
        let layouts: Vec<_> = (0..2_000).map(|_| random.layout()).collect();
        let blocks: Vec<_> =
            layouts.iter().map_while(|&layout| Some((counted.alloc(layout).ok()?, layout))).collect();
        for (block, layout) in blocks {
            counted.dealloc(block, layout).unwrap();
        }
        assert_eq!(counted.alloc(layout(8 * MIB, 8)), Err(AllocError::NoMemory));
    }
    // Slabs and pages without a live block were there.
    assert!(counted.most_in_refusal > 20, "{}", counted.most_in_refusal);
}

#[test]
#[cfg(target_pointer_width = "64")]
fn the_bounds_hold_with_every_level_of_the_map() {
    let mut counted = Counted::new(MIB, 6);
    counted.pages.far = vec![1 << 30, 1 << 40, 1 << 50, 3 << 60, usize::MAX - 64 * KIB + 1];
    let request = layout(4097, 8);
    let blocks: Vec<_> = (0..5 * 7).map(|_| counted.alloc(request).unwrap()).collect();
    assert!(counted.pages.far.is_empty(), "every address has a slab");
    assert!((8..=alloc_calls(6)).contains(&counted.most_in_alloc), "{}", counted.most_in_alloc);
    for block in blocks {
        counted.dealloc(block, request).unwrap();
    }
    assert!((6..=dealloc_calls(6)).contains(&counted.most_in_dealloc), "{}", counted.most_in_dealloc);
}

/// Pages of records and of the map that all lie apart, and no room for another record: so many far slabs are in one leaf of the map.
fn with_pages_apart(levels: usize) -> Counted {
    let mut counted = Counted::new(MIB, levels);
    let pages: Vec<_> = std::iter::from_fn(|| counted.pages.alloc_pages(1, 4096).ok()).collect();
    for &page in pages.iter().step_by(2) {
        // SAFETY: 1. 2. The page was taken above, and nobody uses it.
        unsafe { counted.pages.dealloc_pages(page, 1) }.unwrap();
    }
    counted.pages.far = (0..63).map(|slab| (1 << 21) + slab * 32 * KIB).collect();
    for _ in 0..63 * 7 {
        counted.alloc(layout(4097, 8)).unwrap();
    }
    assert!(counted.pages.far.is_empty(), "every address has a slab");
    counted
}

/// Across the border between two leaves, which is one of all levels below the root; there is nothing on either way.
#[test]
fn the_dearest_slab_and_the_dearest_run_cost_what_is_stated() {
    // As far as the address space goes.
    let borders = [(2, 16 << 20), (3, 1 << 38), (6, 1_u64 << 63)];
    let borders = borders.into_iter().filter_map(|(levels, border)| Some((levels, usize::try_from(border).ok()?)));
    for (levels, border) in borders {
        for (request, calls) in [(layout(4097, 8), alloc_calls(levels)), (layout(40_000, 8), run_calls(levels))] {
            let mut counted = with_pages_apart(levels);
            counted.pages.far = vec![border - 8 * KIB];
            counted.most_in_alloc = 0;
            let block = counted.alloc(request).unwrap();
            assert_eq!(counted.most_in_alloc, calls, "{request:?} with {levels} levels");
            assert!(calls <= 6 * levels);
            assert_eq!(counted.dealloc(block, request), Ok(()));
            counted.slabs.check_integrity::<Pages<4096>>().unwrap();
        }
    }
}
