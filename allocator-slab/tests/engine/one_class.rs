//! Many slabs of one class, partial ones in every order.

use allocator_api::{ByteAllocator, CheckIntegrity};

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
