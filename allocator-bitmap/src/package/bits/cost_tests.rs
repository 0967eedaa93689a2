//! The bounds on the search, counted by a map that counts what it is asked.

extern crate std;

use core::{cell::Cell, ops::Range};

use bitmap_allocator::BitAlloc;

use super::{
    super::{BitAlloc256, sealed::Sealed},
    *,
};

/// A map that counts the indices tested and the searches for a free one.
#[derive(Default)]
struct Counting {
    map: BitAlloc256,
    tests: Cell<usize>,
    searches: Cell<usize>,
}

impl Sealed for Counting {}
impl Map for Counting {}

impl BitAlloc for Counting {
    const CAP: usize = BitAlloc256::CAP;
    const DEFAULT: Self = Self { map: BitAlloc256::DEFAULT, tests: Cell::new(0), searches: Cell::new(0) };

    fn alloc(&mut self) -> Option<usize> {
        self.map.alloc()
    }

    fn alloc_contiguous(&mut self, base: Option<usize>, size: usize, align_log2: usize) -> Option<usize> {
        self.map.alloc_contiguous(base, size, align_log2)
    }

    fn next(&self, key: usize) -> Option<usize> {
        self.searches.set(self.searches.get() + 1);
        self.map.next(key)
    }

    fn dealloc(&mut self, key: usize) -> bool {
        self.map.dealloc(key)
    }

    fn dealloc_contiguous(&mut self, base: usize, size: usize) -> bool {
        self.map.dealloc_contiguous(base, size)
    }

    fn insert(&mut self, range: Range<usize>) {
        self.map.insert(range);
    }

    fn remove(&mut self, range: Range<usize>) {
        self.map.remove(range);
    }

    fn any(&self) -> bool {
        !self.map.is_empty()
    }

    fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    fn test(&self, key: usize) -> bool {
        self.tests.set(self.tests.get() + 1);
        self.map.test(key)
    }
}

type Counted = Bits<Counting, 1>;

/// A full map in which every index is free for which `is_taken` is false.
fn taken_where(is_taken: impl Fn(usize) -> bool) -> Counted {
    let mut bits = Counted::EMPTY;
    bits.insert(AddressRange::new(0, Counting::CAP).unwrap()).unwrap();
    for index in (0..Counting::CAP).filter(|index| is_taken(*index)) {
        bits.alloc_at(AddressRange::new(index, 1).unwrap()).unwrap();
    }
    bits.free.tests.set(0);
    bits.free.searches.set(0);
    bits
}

#[test]
fn a_refused_run_tests_each_index_twice_at_most() {
    for distance in 1..40 {
        for count in [distance, distance + 1, 2 * distance] {
            for align_log2 in 0..5 {
                let mut bits = taken_where(|index| index % distance == distance - 1);
                assert_eq!(bits.alloc(count, 1 << align_log2, 3), None, "{count}, every {distance}th taken");
                let (tests, searches) = (bits.free.tests.get(), bits.free.searches.get());
                assert!(tests <= 2 * Counting::CAP, "{tests} tests for {count}, every {distance}th taken");
                assert!(searches <= tests + 1, "{searches} searches for {count}, every {distance}th taken");
            }
        }
    }
}

#[test]
fn one_taken_index_rules_out_every_start_below_it() {
    let mut bits = taken_where(|index| index % 32 == 31);
    assert_eq!(bits.alloc(33, 1, 0), None);
    let tests = bits.free.tests.get();
    assert!(tests <= 2 * Counting::CAP / 32, "{tests} tests");
}

#[test]
fn more_than_is_free_is_refused_without_a_search() {
    let mut bits = taken_where(|index| index % 2 == 0);
    assert_eq!(bits.alloc(Counting::CAP / 2 + 1, 1, 0), None);
    assert_eq!((bits.free.tests.get(), bits.free.searches.get()), (0, 0));
}

#[test]
fn freeing_a_run_searches_once_whatever_its_length() {
    let mut bits = taken_where(|_| true);
    bits.dealloc(AddressRange::new(3, 200).unwrap()).unwrap();
    assert_eq!((bits.free.tests.get(), bits.free.searches.get()), (0, 1));
}
