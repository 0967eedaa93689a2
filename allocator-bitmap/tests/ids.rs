//! What the id allocator promises.
#![cfg(feature = "package")]

use allocator_api::{AllocError, Declared, IdAllocator};
use allocator_bitmap::package::{BitAlloc16, BitAlloc256, BitmapIdAllocator, MAX_ID_RANGES};

type Ids = BitmapIdAllocator<BitAlloc256>;

#[test]
fn before_any_ids_nothing_is_given_and_nothing_taken() {
    let mut ids = Ids::new();
    assert_eq!(ids.alloc_id(1, 1), Err(AllocError::NoMemory));
    assert_eq!(ids.alloc_fixed_id(0), Err(AllocError::NoMemory));
    assert_eq!(ids.dealloc_id(0, 1), Err(AllocError::NotAllocated));
    assert!(!ids.is_allocated(0));
    assert_eq!((ids.size(), ids.used(), ids.available()), (0, 0, 0));
}

#[test]
fn the_lowest_ids_at_the_alignment_are_handed_out() {
    let mut ids = Ids::new();
    ids.add_ids(3, 61).unwrap();
    assert_eq!(ids.alloc_id(1, 1), Ok(3));
    assert_eq!(ids.alloc_id(1, 8), Ok(8));
    assert_eq!(ids.alloc_id(5, 1), Ok(9));
    assert_eq!(ids.alloc_id(3, 4), Ok(4));
    assert_eq!(ids.alloc_id(2, 32), Ok(32));
    assert_eq!(ids.alloc_id(1, 64), Err(AllocError::NoMemory));
    assert_eq!((ids.size(), ids.used(), ids.available()), (61, 12, 49));
}

#[test]
fn every_id_of_the_capacity_is_managed_and_the_next_one_invalid() {
    let mut ids = Ids::new();
    assert_eq!(Ids::CAPACITY, 256);
    assert_eq!(Ids::DECLARATION.span_bytes, Some(256));
    for (first, count) in [(0, 257), (256, 1), (255, 2), (1, usize::MAX), (usize::MAX, 2), (0, 0), (9, 0)] {
        assert_eq!(ids.add_ids(first, count), Err(AllocError::InvalidParam), "{count} from {first}");
    }
    ids.add_ids(0, 256).unwrap();
    assert_eq!(ids.alloc_fixed_id(255), Ok(()));
    assert_eq!(ids.alloc_fixed_id(256), Err(AllocError::NoMemory));
    assert_eq!(ids.alloc_fixed_id(usize::MAX), Err(AllocError::NoMemory));
    assert!(ids.is_allocated(255) && !ids.is_allocated(256) && !ids.is_allocated(usize::MAX));
    assert_eq!(ids.alloc_id(255, 1 << (usize::BITS - 1)), Ok(0));
    assert_eq!(ids.available(), 0);
}

#[test]
fn invalid_requests_are_answered_before_anything_else() {
    let mut ids = Ids::new();
    for filled in [false, true] {
        for (count, align) in [(0, 1), (1, 0), (1, 3), (0, 0)] {
            assert_eq!(ids.alloc_id(count, align), Err(AllocError::InvalidParam), "{count} at {align}, {filled}");
        }
        let _first_round_only = ids.add_ids(0, 16);
    }
    assert_eq!(ids.alloc_id(usize::MAX, 1), Err(AllocError::NoMemory));
    assert_eq!(ids.used(), 0);
}

#[test]
fn ids_are_taken_back_in_any_pieces_each_once() {
    let mut ids = Ids::new();
    ids.add_ids(0, 32).unwrap();
    assert_eq!(ids.alloc_id(20, 1), Ok(0));
    assert_eq!(ids.dealloc_id(5, 3), Ok(()));
    for (first, count) in [(5, 1), (4, 2), (7, 2), (19, 2), (0, 20), (0, 0), (31, 2), (40, 1), (4, usize::MAX)] {
        assert_eq!(ids.dealloc_id(first, count), Err(AllocError::NotAllocated), "{count} from {first}");
        assert_eq!(ids.used(), 17);
    }
    assert!(ids.is_allocated(4) && !ids.is_allocated(5));
    assert_eq!(ids.dealloc_id(8, 12), Ok(()));
    assert_eq!(ids.dealloc_id(0, 5), Ok(()));
    assert_eq!(ids.alloc_id(32, 1), Ok(0));
}

#[test]
fn ranges_may_not_overlap_and_only_so_many_may_stand_apart() {
    let mut ids = Ids::new();
    for n in 0..MAX_ID_RANGES {
        assert_eq!(ids.add_ids(4 * n, 2), Ok(()), "range {n}");
    }
    assert_eq!(ids.add_ids(1, 2), Err(AllocError::MemoryOverlap));
    assert_eq!(ids.add_ids(4 * MAX_ID_RANGES, 1), Err(AllocError::NoMemory));
    assert_eq!(ids.size(), 2 * MAX_ID_RANGES);
    assert_eq!(ids.alloc_id(3, 1), Err(AllocError::NoMemory));
    assert_eq!(ids.add_ids(2, 2), Ok(()));
    assert_eq!(ids.alloc_id(6, 1), Ok(0));
}

#[test]
fn a_printed_allocator_shows_its_ranges_and_its_use() {
    let mut ids = BitmapIdAllocator::<BitAlloc16>::new();
    ids.add_ids(2, 3).unwrap();
    ids.alloc_fixed_id(3).unwrap();
    assert_eq!(format!("{ids:?}"), "BitmapIdAllocator { size: 3, used: 1, ranges: [2..=4] }");
}
