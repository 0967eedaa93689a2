//! Where records lie in the pages managed: at an end of their span, in whatever order its regions came.
#![allow(clippy::unwrap_used, reason = "a test helper that fails is a test that fails")]

use std::alloc::Layout;

use allocator_api::{
    AllocError, AllocResult, BaseAllocator, BlockKind, CheckIntegrity, HeapMap, PageAllocator, RemoveError,
    RemoveMemory,
};
use allocator_bitmap::BitmapPageAllocator;

/// Small pages, so that the records of a span take several: four for up to 512 pages, a page or two for 512 more.
const PAGE: usize = 64;

struct Ground {
    start: usize,
    pages: BitmapPageAllocator<PAGE>,
}

impl Ground {
    /// Memory of its own, for `count` pages from page number `shift` above a multiple of 512 on.
    fn new(shift: usize, count: usize) -> Self {
        let layout = Layout::from_size_align((shift + count) * PAGE, 512 * PAGE).unwrap();
        // SAFETY: the size is not 0. The memory is never freed.
        let start = unsafe { std::alloc::alloc(layout) }.expose_provenance();
        assert_ne!(start, 0);
        Self { start: start + shift * PAGE, pages: BitmapPageAllocator::new() }
    }

    fn at(&self, page: usize) -> usize {
        self.start + page * PAGE
    }

    fn add(&mut self, page: usize, count: usize) -> AllocResult {
        // SAFETY: 1. The ground's memory, each part of which is added once. 2. It is exposed.
        let answer = unsafe { self.pages.add_memory(self.at(page), count * PAGE) };
        self.pages.check_integrity().unwrap();
        answer
    }

    fn remove(&mut self, page: usize, count: usize) {
        self.pages.remove_memory(self.at(page), count * PAGE).unwrap();
        self.pages.check_integrity().unwrap();
    }

    /// Takes `count` pages from page `page` on, and writes their numbers into them.
    fn take(&mut self, page: usize, count: usize) {
        self.pages.alloc_pages_at(self.at(page), count, PAGE).unwrap();
        for page in page..page + count {
            // SAFETY: the page is the test's.
            unsafe { std::ptr::with_exposed_provenance_mut::<usize>(self.at(page)).write(page) }
        }
    }

    fn give_back(&mut self, page: usize, count: usize) {
        // SAFETY: 1. 2. the pages are the test's, which uses them no more.
        unsafe { self.pages.dealloc_pages(self.at(page), count) }.unwrap();
    }

    fn expect_kept(&self, page: usize, count: usize) {
        for page in page..page + count {
            // SAFETY: the page is the test's, which wrote its number there.
            let kept = unsafe { std::ptr::with_exposed_provenance_mut::<usize>(self.at(page)).read() };
            assert_eq!(kept, page, "a page handed out is left alone");
        }
    }

    /// The first page and the count of pages of each block of records.
    fn records(&self) -> Vec<(usize, usize)> {
        let mut records = Vec::new();
        self.pages.for_each_block(&mut |block| {
            if block.kind == BlockKind::Records {
                records.push(((block.start - self.start) / PAGE, block.bytes / PAGE));
            }
        });
        records
    }
}

/// Every order of `count` things.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![vec![]];
    }
    let shorter = orders(count - 1);
    let insert = |at: usize| {
        shorter.iter().map(move |order| {
            let mut order = order.clone();
            order.insert(at, count - 1);
            order
        })
    };
    (0..count).flat_map(insert).collect()
}

#[test]
fn free_regions_that_touch_become_one_free_run_in_every_order() {
    for sizes in [[100, 100, 100, 100], [700, 40, 1300, 90], [12, 512, 512, 12], [30, 3000, 25, 600]] {
        for shift in [0, 1, 500] {
            let total: usize = sizes.iter().sum();
            for order in orders(sizes.len()) {
                let mut ground = Ground::new(shift, total);
                for index in &order {
                    ground.add(sizes[..*index].iter().sum(), sizes[*index]).unwrap();
                }
                let [(first, count)] = ground.records()[..] else { panic!("one span has one block of records") };
                assert!(first == 0 || first + count == total, "{sizes:?} in order {order:?}: records at {first}");
                let free = ground.pages.available_pages();
                assert_eq!((ground.pages.total_pages(), free), (total, total - count));
                assert_eq!(ground.pages.largest_free_run_pages(), free, "{sizes:?} in order {order:?}");
            }
        }
    }
}

#[test]
fn records_move_out_of_the_middle_and_pages_handed_out_do_not() {
    for (order, live, expected) in [
        // The region below has a free end, wherever pages are in use.
        ([1, 0], [(110, 3), (190, 10)], 0),
        // The same from the other side: the records lie at the low end and stay.
        ([0, 1], [(10, 3), (90, 10)], 0),
    ] {
        let mut ground = Ground::new(3, 200);
        ground.add(order[0] * 100, 100).unwrap();
        for (page, count) in live {
            ground.take(page, count);
        }
        ground.add(order[1] * 100, 100).unwrap();
        assert_eq!(ground.records(), [(expected, 4)], "{order:?}");
        for (page, count) in live {
            ground.expect_kept(page, count);
        }
        assert_eq!(ground.pages.used_pages(), 4 + 13);
    }
}

#[test]
fn records_at_a_high_end_give_way_to_a_region_above_and_stay_for_one_below() {
    let mut ground = Ground::new(512, 900);
    ground.add(100, 412).unwrap();
    // With another chunk, the records are too long for the low end.
    ground.take(104, 1);
    for (page, total) in [(512, 612), (612, 712), (712, 900)] {
        ground.add(page, total - page).unwrap();
        let [(first, count)] = ground.records()[..] else { panic!("one span has one block of records") };
        assert!(count > 4);
        assert_eq!(first + count, total);
        assert_eq!(ground.pages.largest_free_run_pages(), first - 105);
    }
    let records = ground.records();
    ground.add(0, 100).unwrap();
    assert_eq!(ground.records(), records);
    ground.expect_kept(104, 1);
}

#[test]
fn records_move_by_less_than_their_length() {
    for shift in 1..4 {
        let mut ground = Ground::new(0, 100);
        ground.add(shift, 100 - shift).unwrap();
        // The other end is in use, as is the page behind the records: a run of free pages is left for the detour.
        ground.take(99, 1);
        ground.take(shift + 4, 1);
        ground.add(0, shift).unwrap();
        assert_eq!(ground.records(), [(0, 4)]);
        ground.expect_kept(99, 1);
        ground.expect_kept(shift + 4, 1);
        assert_eq!(ground.pages.available_pages(), 100 - 4 - 2);
        ground.pages.alloc_pages_at(ground.at(4), shift, PAGE).unwrap();
    }
}

#[test]
fn records_stay_where_they_are_when_both_ends_are_in_use() {
    let mut ground = Ground::new(0, 300);
    ground.add(2, 98).unwrap();
    ground.add(200, 100).unwrap();
    for (page, count) in [(6, 94), (204, 96)] {
        ground.take(page, count);
    }
    // No free pages for a detour.
    ground.add(0, 2).unwrap();
    assert_eq!(ground.records(), [(2, 4), (200, 4)]);
    ground.pages.alloc_pages_at(ground.at(0), 2, PAGE).unwrap();
    // The region fills the gap, and the records are where they were: the block of one span, while the other's is free.
    ground.add(100, 100).unwrap();
    let [(first, 4)] = ground.records()[..] else { panic!("one span has one block of records") };
    assert!(first == 2 || first == 200, "records at {first}");
    ground.expect_kept(6, 94);
    ground.expect_kept(204, 96);
    assert_eq!(ground.pages.largest_free_run_pages(), if first == 2 { 104 } else { 100 });
}

#[test]
fn records_of_what_remains_move_to_its_ends_when_memory_is_taken_out() {
    let mut ground = Ground::new(0, 512);
    ground.add(0, 512).unwrap();
    for (page, count) in [(4, 2), (300, 1), (511, 1)] {
        ground.take(page, count);
    }
    ground.remove(0, 4);
    assert_eq!(ground.records(), [(6, 4)], "both ends are in use");
    ground.give_back(511, 1);
    // The part below keeps its records, the part above gets some. Each has a high end that is free, and the low one in use.
    ground.remove(200, 100);
    assert_eq!(ground.records(), [(196, 4), (508, 4)]);
    ground.expect_kept(4, 2);
    ground.expect_kept(300, 1);
    assert_eq!((ground.pages.total_pages(), ground.pages.used_pages()), (408, 4 + 4 + 3));
    assert_eq!(ground.pages.largest_free_run_pages(), 207);
    for (page, count) in [(6, 190), (301, 207)] {
        ground.pages.alloc_pages_at(ground.at(page), count, PAGE).unwrap();
    }
}

#[test]
fn a_region_of_its_own_has_a_page_more_than_its_records() {
    let mut ground = Ground::new(0, 512);
    assert_eq!(ground.add(0, 4), Err(AllocError::InvalidParam));
    assert_eq!((ground.pages.total_pages(), ground.pages.used_pages()), (0, 0));
    ground.add(0, 5).unwrap();
    assert_eq!((ground.records(), ground.pages.available_pages()), (vec![(0, 4)], 1));
}

#[test]
fn a_region_too_small_for_the_records_of_a_full_span_is_refused_unchanged() {
    let mut ground = Ground::new(0, 600);
    ground.add(0, 512).unwrap();
    let [(0, count)] = ground.records()[..] else { panic!("records lie at the low end") };
    ground.take(count, 512 - count);
    // Another chunk needs another page of records, and there are fewer pages than that.
    let before = (ground.pages.total_pages(), ground.pages.used_pages());
    assert_eq!(ground.add(512, count), Err(AllocError::NoMemory));
    assert_eq!(before, (ground.pages.total_pages(), ground.pages.used_pages()));
    ground.add(512, count + 2).unwrap();
    ground.expect_kept(count, 512 - count);
    assert_eq!(ground.pages.available_pages(), 2 * count + 2 - ground.records()[0].1);
}

#[test]
fn records_lie_across_the_border_where_neither_side_has_room_for_them() {
    // With another chunk, the records need five pages: two of the region and three of the span.
    for (region, expected) in [(1024, 1021), (510, 510)] {
        let mut ground = Ground::new(0, 1100);
        ground.add(512, 512).unwrap();
        let mut live = (516, 505);
        if region < 512 {
            // The records move away from the low end, to which their pages come back.
            ground.take(516, 1);
            ground.remove(512, 4);
            ground.add(512, 4).unwrap();
            ground.give_back(516, 1);
            live = (515, 505);
        }
        ground.take(live.0, live.1);
        ground.add(region, 2).unwrap();
        assert_eq!(ground.records(), [(expected, 5)]);
        ground.expect_kept(live.0, live.1);
        assert_eq!((ground.pages.total_pages(), ground.pages.available_pages()), (514, 4));
        assert_eq!(ground.pages.largest_free_run_pages(), 4);
    }
}

#[test]
fn allocated_is_what_was_handed_out_by_the_address_of_its_page_and_no_page_of_records() {
    let mut ground = Ground::new(0, 512);
    ground.add(0, 512).unwrap();
    let records = ground.records();
    assert!(!records.is_empty());
    let taken = ground.pages.alloc_pages(2, PAGE).unwrap();
    for page in 0..512 {
        let address = ground.at(page);
        let is_taken = (taken..taken + 2 * PAGE).contains(&address);
        assert_eq!(ground.pages.is_allocated(address), is_taken, "page {page}, records in {records:?}");
        assert!(!ground.pages.is_allocated(address + 1) && !ground.pages.is_allocated(address + PAGE / 2));
    }
}

#[test]
fn records_that_have_no_other_place_are_told_when_they_are_to_be_taken_out() {
    let mut ground = Ground::new(0, 512);
    ground.add(0, 512).unwrap();
    assert_eq!(ground.records(), [(0, 4)]);
    ground.take(4, 508);
    for (first, count) in [(0, 4), (0, 2), (1, 2), (3, 1)] {
        let answer = ground.pages.remove_memory(ground.at(first), count * PAGE);
        let records = RemoveError::Records { first: ground.at(first), bytes: count * PAGE };
        assert_eq!(answer, Err(records), "{count} pages from {first} on");
    }
    ground.expect_kept(4, 508);
    ground.pages.check_integrity().unwrap();
}

#[test]
fn records_that_are_taken_out_in_part_leave_their_other_pages_free() {
    for count in 1..6 {
        let mut ground = Ground::new(0, 512);
        ground.add(0, 512).unwrap();
        ground.remove(0, count);
        assert_eq!(ground.records().iter().map(|(_, count)| count).sum::<usize>(), 4);
        assert_eq!((ground.pages.total_pages(), ground.pages.used_pages()), (512 - count, 4));
        assert_eq!(ground.pages.largest_free_run_pages(), 512 - count - 4, "without {count} pages");
    }
}

#[test]
fn single_pages_come_from_beside_the_records_and_from_the_chunk_above() {
    for (total, first) in [(512, 4), (1024, 512)] {
        let mut ground = Ground::new(0, total);
        ground.add(0, total).unwrap();
        let [(0, count)] = ground.records()[..] else { panic!("records lie at the low end") };
        if first > count {
            ground.take(count, first - count);
        }
        for page in first..first + 3 {
            assert_eq!(ground.pages.alloc_pages(1, PAGE), Ok(ground.at(page)));
            ground.pages.check_integrity().unwrap();
        }
        ground.give_back(first + 1, 1);
        ground.pages.check_integrity().unwrap();
        assert_eq!(ground.pages.alloc_pages(1, PAGE), Ok(ground.at(first + 1)));
    }
}
