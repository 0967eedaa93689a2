//! Many slabs of one class, partial ones in every order.

use allocator_api::{AllocError, ByteAllocator, CheckIntegrity};

use crate::{
    arena::Arena,
    blocks::{Filled, MIB, Random, free, heap_over, layout},
};

/// Grows and shrinks the number of live blocks of one size, again and again, and frees at random.
fn swell(size: usize, most: usize) {
    let arena = Arena::new(4 * MIB, 4096);
    let mut heap = heap_over::<4096>(&arena, 4 * MIB);
    let (request, begin, mut random) = (layout(size, 8), heap.used_bytes(), Random(size as u64));
    let mut live: Vec<Filled> = Vec::new();
    for target in [most, most / 2, most, most / 8, most / 2, 0, most / 3, 0] {
        while live.len() != target {
            // One step in three goes the other way.
            if (live.len() < target) == (random.below(3) > 0) || live.is_empty() {
                live.push(Filled::new(heap.alloc(request).unwrap(), request, size, live.len() as u8));
            } else {
                let given = live.swap_remove(random.below(live.len()));
                assert!(given.is_intact(size));
                free(&mut heap, given.block, request).unwrap();
                given.write(0xee);
            }
            heap.check_integrity().unwrap();
        }
    }
    assert_eq!(heap.used_bytes(), begin);
    let slabs: usize = heap.slabs().size_classes().map(|class| class.slabs).sum();
    assert_eq!(slabs, 1, "the active slab alone is kept");
}

#[test]
fn slabs_of_two_and_of_four_objects_come_and_go_in_any_order() {
    swell(1024, 100);
    swell(6144, 60);
}

#[test]
fn slabs_of_one_and_of_several_words_come_and_go_in_any_order() {
    swell(96, 400);
    swell(16, 1200);
}

#[test]
fn an_object_at_hand_changes_its_size_only_while_it_is_live() {
    let arena = Arena::new(MIB, 4096);
    let mut heap = heap_over::<4096>(&arena, MIB);
    let request = layout(48, 8);
    let blocks = [(); 3].map(|()| heap.alloc(request).unwrap());
    free(&mut heap, blocks[1], request).unwrap();
    // SAFETY: 1. The engine detects a block that is not live. 2. The sizes are of one class: no block moves.
    let answers = blocks.map(|block| unsafe { heap.realloc(block, request, 41) });
    assert_eq!(answers, [Ok(blocks[0]), Err(AllocError::NotAllocated), Ok(blocks[2])]);
    heap.check_integrity().unwrap();
}

#[test]
fn what_lies_inside_an_object_changes_no_size_at_hand_or_not() {
    let arena = Arena::new(MIB, 4096);
    let mut heap = heap_over::<4096>(&arena, MIB);
    let request = layout(48, 8);
    // More than a slab of them: the first is not at hand, the last is.
    let blocks: Vec<_> = (0..300).map(|_| heap.alloc(request).unwrap()).collect();
    for (block, inside) in [blocks[0], blocks[299]].into_iter().flat_map(|block| [(block, 8), (block, 24)]) {
        let interior = block.map_addr(|address| address.saturating_add(inside));
        // SAFETY: 1. The engine detects that no block begins there. 2. Nothing does.
        let answer = unsafe { heap.realloc(interior, request, 41) };
        assert_eq!(answer, Err(AllocError::NotAllocated), "{inside} bytes inside");
    }
    heap.check_integrity().unwrap();
}
