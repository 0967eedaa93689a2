//! Statistics of classes and runs.

use allocator_api::{BaseAllocator, ByteAllocator, CheckIntegrity, HeapMap, PagedByteAllocator};
use allocator_slab::{ClassStatistics, RunStatistics};

use crate::{
    arena::Arena,
    blocks::{Heap, MIB, free, heap_over, layout},
};

fn class_of(heap: &Heap<4096>, object_bytes: usize) -> ClassStatistics {
    heap.slabs().size_classes().find(|class| class.object_bytes == object_bytes).unwrap()
}

#[test]
fn a_class_tells_what_it_holds_and_held_at_most() {
    let arena = Arena::new(MIB, 4096);
    let mut heap = heap_over::<4096>(&arena, MIB);
    assert_eq!(heap.slabs().size_classes().count(), 79);
    let nothing = ClassStatistics {
        name: None,
        object_bytes: 64,
        live: 0,
        capacity: 0,
        slabs: 0,
        most_slabs: 0,
        slab_bytes: 0,
    };
    assert_eq!(class_of(&heap, 64), nothing);
    let blocks: Vec<_> = (0..129).map(|_| heap.alloc(layout(64, 64)).unwrap()).collect();
    let full = ClassStatistics { live: 129, capacity: 192, slabs: 3, most_slabs: 3, slab_bytes: 4096, ..nothing };
    assert_eq!(class_of(&heap, 64), full);
    for block in blocks {
        free(&mut heap, block, layout(64, 64)).unwrap();
    }
    assert_eq!(class_of(&heap, 64), ClassStatistics { live: 0, capacity: 64, slabs: 1, ..full });
    assert_eq!(heap.slabs().size_classes().map(|class| class.live).sum::<usize>(), 0);
    for _ in 0..65 {
        heap.alloc(layout(64, 64)).unwrap();
    }
    assert_eq!((class_of(&heap, 64).slabs, class_of(&heap, 64).most_slabs), (2, 3));
}

#[test]
fn the_value_is_as_large_as_documented() {
    let bytes = size_of::<allocator_slab::Slabs>();
    assert!(bytes < 28 << 10, "{bytes}");
    assert!(usize::BITS < 64 || bytes > 20 << 10, "{bytes}: the documentation exaggerates");
}

#[test]
fn runs_are_counted_and_pages_kept_for_the_next_up_to_sixteen() {
    let arena = Arena::new(MIB, 4096);
    let mut heap = heap_over::<4096>(&arena, MIB);
    heap.alloc(layout(100, 1)).unwrap();
    let large = heap.alloc(layout(40_000, 1)).unwrap();
    let pages: Vec<_> = (0..20).map(|_| heap.alloc(layout(4096, 1)).unwrap()).collect();
    assert_eq!(heap.slabs().runs(), RunStatistics { live: 21, bytes: 40_960 + 20 * 4096, kept_pages: 0 });
    for page in pages {
        free(&mut heap, page, layout(4096, 1)).unwrap();
        heap.check_integrity().unwrap();
    }
    assert_eq!(heap.slabs().runs(), RunStatistics { live: 1, bytes: 40_960, kept_pages: 16 });
    let again = heap.alloc(layout(4090, 2)).unwrap();
    assert_eq!(heap.slabs().runs(), RunStatistics { live: 2, bytes: 40_960 + 4096, kept_pages: 15 });
    free(&mut heap, again, layout(4090, 2)).unwrap();
    free(&mut heap, large, layout(40_000, 1)).unwrap();
    assert_eq!(heap.slabs().runs(), RunStatistics { live: 0, bytes: 0, kept_pages: 16 });
}

#[test]
fn the_page_of_a_slab_of_one_is_kept_for_the_next_slab() {
    let arena = Arena::new(MIB, 4096);
    let mut heap = heap_over::<4096>(&arena, MIB);
    let large: Vec<_> = (0..5).map(|_| heap.alloc(layout(3072, 8)).unwrap()).collect();
    let small: Vec<_> = (0..129).map(|_| heap.alloc(layout(64, 8)).unwrap()).collect();
    assert_eq!((class_of(&heap, 3072).slabs, class_of(&heap, 64).slabs), (2, 3));
    for block in large {
        free(&mut heap, block, layout(3072, 8)).unwrap();
    }
    // A slab of several pages goes back at once.
    assert_eq!((class_of(&heap, 3072).slabs, heap.slabs().runs().kept_pages), (1, 0));
    for block in small {
        free(&mut heap, block, layout(64, 8)).unwrap();
    }
    assert_eq!((class_of(&heap, 64).slabs, heap.slabs().runs().kept_pages), (1, 2));
    let held_bytes = heap.slabs().held_bytes();
    for kept_pages in [2, 1, 0] {
        (0..64).for_each(|_| _ = heap.alloc(layout(64, 8)).unwrap());
        assert_eq!((heap.slabs().runs().kept_pages, heap.slabs().held_bytes()), (kept_pages, held_bytes));
        heap.check_integrity().unwrap();
    }
    heap.alloc(layout(64, 8)).unwrap();
    assert_eq!(heap.slabs().held_bytes(), held_bytes + 4096);
}

#[test]
fn what_is_kept_goes_back_before_a_run_only_while_nothing_is_live() {
    let arena = Arena::new(MIB, 4096);
    for (is_live, kept_pages) in [(true, 1), (false, 0)] {
        let mut heap = heap_over::<4096>(&arena, MIB);
        let small = heap.alloc(layout(100, 1)).unwrap();
        let page = heap.alloc(layout(4096, 1)).unwrap();
        free(&mut heap, page, layout(4096, 1)).unwrap();
        assert_eq!(heap.slabs().runs().kept_pages, 1);
        if !is_live {
            free(&mut heap, small, layout(100, 1)).unwrap();
        }
        heap.alloc(layout(40_000, 1)).unwrap();
        assert_eq!(heap.slabs().runs(), RunStatistics { live: 1, bytes: 40_960, kept_pages });
        heap.check_integrity().unwrap();
    }
}

#[test]
fn a_map_tells_every_bank_in_order_of_address() {
    let arena = Arena::new(4 * MIB, MIB);
    let mut heap = Box::new(Heap::<4096>::new());
    for offset in [2 * MIB, 0, 3 * MIB] {
        // SAFETY: 1. The arena is this heap's alone. 2. `at` exposes the provenance.
        unsafe { heap.add_memory(arena.at(offset), MIB) }.unwrap();
    }
    while heap.alloc(layout(5000, 8)).is_ok() {}
    let (mut next, mut bytes) = (0, 0);
    heap.for_each_block(&mut |block| {
        assert!(block.start >= next && block.start + block.bytes <= arena.at(4 * MIB));
        next = block.start + block.bytes;
        bytes += block.bytes;
    });
    assert_eq!((bytes, heap.total_bytes()), (3 * MIB, 3 * MIB));
    heap.check_integrity().unwrap();
}
