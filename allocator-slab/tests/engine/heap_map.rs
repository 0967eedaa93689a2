//! The map of what the pages held are used for, block by block.

use allocator_api::{Block, BlockKind, ByteAllocator, HeapMap};

use crate::{
    arena::Arena,
    blocks::{Heap, MIB, free, heap_over, layout},
};

/// What the map tells of the `bytes` bytes from address `start` on: offset, bytes and kind of each block.
fn told(heap: &Heap<4096>, start: usize, bytes: usize) -> Vec<(usize, usize, BlockKind)> {
    let mut told = Vec::new();
    heap.for_each_block(&mut |block: Block| {
        assert!(block.bytes > 0);
        if (start..start + bytes).contains(&block.start) {
            told.push((block.start - start, block.bytes, block.kind));
        }
    });
    told
}

#[test]
fn the_objects_of_a_slab_are_told_one_by_one_and_free_neighbours_as_one() {
    use BlockKind::{Free, Live, Records};
    let arena = Arena::new(MIB, 4096);
    let mut heap = heap_over::<4096>(&arena, MIB);
    let blocks: Vec<_> = (0..5).map(|_| heap.alloc(layout(104, 8)).unwrap()).collect();
    for block in &blocks[1..3] {
        free(&mut heap, *block, layout(104, 8)).unwrap();
    }
    // 39 objects, and 40 bytes behind them.
    assert_eq!(
        told(&heap, blocks[0].addr().get(), 4096),
        [
            (0, 104, Live),
            (104, 208, Free),
            (312, 104, Live),
            (416, 104, Live),
            (520, 34 * 104, Free),
            (4056, 40, Records)
        ]
    );
    // 64 objects, and nothing behind them.
    let full: Vec<_> = (0..64).map(|_| heap.alloc(layout(64, 8)).unwrap()).collect();
    let expected: Vec<_> = (0..64).map(|object| (64 * object, 64, Live)).collect();
    assert_eq!(told(&heap, full[0].addr().get(), 4096), expected);
    free(&mut heap, full[63], layout(64, 8)).unwrap();
    assert_eq!(told(&heap, full[0].addr().get() + 62 * 64, 128), [(0, 64, Live), (64, 64, Free)]);
}

#[test]
fn runs_and_pages_are_told_and_a_kept_page_is_free() {
    use BlockKind::{Free, Live};
    let arena = Arena::new(MIB, 4096);
    let mut heap = heap_over::<4096>(&arena, MIB);
    let (run, page) = (layout(40_000, 8), layout(4096, 8));
    let [first, large, second] = [page, run, page].map(|layout| heap.alloc(layout).unwrap());
    assert_eq!(told(&heap, large.addr().get(), 40_960), [(0, 40_960, Live)]);
    free(&mut heap, second, page).unwrap();
    assert_eq!(told(&heap, first.addr().get(), 4096), [(0, 4096, Live)]);
    assert_eq!(told(&heap, second.addr().get(), 4096), [(0, 4096, Free)]);
}
