//! What the facade says of itself.

use allocator::{BACKENDS, Hooks, UsageKind};

use crate::support::{Arena, KIB, MIB, layout, toy_heap};

#[test]
fn the_summary_says_what_is_used() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    heap.alloc(layout(100, 1)).unwrap();
    heap.alloc_pages(4, 4096, UsageKind::PageTable).unwrap();
    // SAFETY: 1. A mistake that pages detect. 2. It is refused.
    unsafe { heap.dealloc_pages(0, 1, UsageKind::PageTable) }.unwrap_err();
    let figures = "heap: 100 of 65536 bytes used, pages: 20 of 256 used, page_size: 4096, invalid_frees: 1";
    assert_eq!(format!("{heap:?}"), format!("GlobalAllocator {{ {figures} }}"));
}

#[test]
fn usage_is_one_moment_of_both_levels() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    for size in [1, 10 * KIB, 100 * KIB, 3] {
        heap.alloc(layout(size, 8)).unwrap();
        let usage = heap.usage();
        assert_eq!(usage.heap_held_bytes, usage.pages(UsageKind::Heap) * 4 * KIB);
        assert_eq!(usage.used_pages, usage.pages(UsageKind::Heap));
        assert_eq!(usage.total_pages, usage.used_pages + usage.available_pages);
    }
}

#[test]
fn every_kind_has_a_name_of_its_own() {
    let names = UsageKind::ALL.map(|kind| kind.to_string());
    assert_eq!(names, ["heap", "page table", "page cache", "DMA", "user memory", "other"]);
}

#[test]
fn hooks_that_do_nothing_ask_for_no_retry() {
    assert!(!(Hooks::NONE.out_of_memory)(layout(1, 1)));
}

#[test]
fn the_backends_that_are_on_are_named_by_rank() {
    let expected: Vec<&str> = [
        ("buddy", cfg!(feature = "buddy")),
        ("tlsf", cfg!(feature = "tlsf")),
        ("slab-package", cfg!(feature = "slab-package")),
        ("slab", cfg!(feature = "slab")),
        ("bitmap-package", cfg!(feature = "bitmap-package")),
        ("bitmap", cfg!(feature = "bitmap")),
    ]
    .into_iter()
    .filter_map(|(name, is_on)| is_on.then_some(name))
    .collect();
    assert_eq!(BACKENDS, expected);
}
