//! Every reachable state of a small map under every operation.
//!
//! The map: pages 62 to 69, which lie in two words, and pages 71 and 72 apart from them. From each state of the
//! pages, each call is made on an allocator brought into that state, and the answer compared with what the pages
//! say. That the same state can be reached with another chunk open is covered by two ways to bring it about.
#![allow(clippy::unwrap_used, reason = "a test helper that fails is a test that fails")]

use allocator_api::{
    AddressRange, AllocError, BaseAllocator, CheckIntegrity, ConstrainedPageAllocator, PageAllocator, Placement,
    RemoveError, RemoveMemory,
};
use allocator_bitmap::{BitmapPageAllocator, Inline};

const PAGE: usize = 4096;
const FIRST: usize = 62;
const WINDOW: usize = 12;
/// The bits of the pages managed, counted from `FIRST`.
const MANAGED: u32 = 0b0110_1111_1111;

type Pages = BitmapPageAllocator<PAGE, Inline<160>>;

fn address(page: usize) -> usize {
    (FIRST + page) * PAGE
}

fn run(page: usize, count: usize) -> u32 {
    ((1_u64 << (page + count)) - (1 << page)) as u32
}

fn free(pages: &mut Pages, page: usize, count: usize) -> Result<(), AllocError> {
    // SAFETY: 1. The test owns all pages. 2. They are numbers.
    unsafe { pages.dealloc_pages(address(page), count) }
}

/// An allocator whose pages `live` are handed out: one by one from the first on, or all and the rest given back.
fn in_state(live: u32, by_giving_back: bool) -> Pages {
    let mut pages = Pages::new();
    // SAFETY: 1. and 2. Mere numbers.
    unsafe {
        pages.add_memory(address(9), 2 * PAGE).unwrap();
        pages.add_memory(address(0), 8 * PAGE).unwrap();
    }
    if by_giving_back {
        while pages.alloc_pages(1, PAGE).is_ok() {}
        for page in (0..WINDOW).filter(|page| (MANAGED & !live) >> page & 1 == 1) {
            free(&mut pages, page, 1).unwrap();
        }
    } else {
        for page in (0..WINDOW).filter(|page| live >> page & 1 == 1) {
            pages.alloc_pages_at(address(page), 1, PAGE).unwrap();
        }
    }
    pages
}

/// Compares all that can be seen with `live` and `managed`.
fn expect(pages: &mut Pages, live: u32, managed: u32, what: &str) {
    pages.check_integrity().unwrap_or_else(|rule| panic!("{what}: {rule}"));
    assert_eq!(pages.total_pages(), managed.count_ones() as usize, "{what}");
    assert_eq!(pages.used_pages(), live.count_ones() as usize, "{what}");
    for page in 0..WINDOW {
        assert_eq!(pages.is_allocated(address(page)), live >> page & 1 == 1, "{what}: page {page}");
    }
    let free = managed & !live;
    let longest = (0..=WINDOW).rev().find(|n| *n == 0 || (0..WINDOW).any(|p| free & run(p, *n) == run(p, *n)));
    assert_eq!(pages.largest_free_run_pages(), longest.unwrap(), "{what}");
}

/// Calls `check` for each state with an allocator in it.
fn each_state(mut check: impl FnMut(u32, &mut dyn FnMut() -> Pages)) {
    for live in (0..1 << WINDOW).filter(|live| live & !MANAGED == 0) {
        for by_giving_back in [false, true] {
            check(live, &mut || in_state(live, by_giving_back));
        }
    }
}

#[test]
fn every_run_is_handed_out_exactly_if_it_is_free() {
    each_state(|live, make| {
        let free = MANAGED & !live;
        for (count, align) in (1..=9).flat_map(|count| [1, 2, 4, 64].map(|align| (count, align))) {
            let fits = |page: &usize| {
                (FIRST + page).is_multiple_of(align)
                    && page + count <= WINDOW
                    && free & run(*page, count) == run(*page, count)
            };
            let mut pages = make();
            match pages.alloc_pages(count, align * PAGE) {
                Ok(at) => {
                    let page = at / PAGE - FIRST;
                    assert!(fits(&page), "{count} at {align} from {live:#b}: {page}");
                    expect(&mut pages, live | run(page, count), MANAGED, "handed out");
                }
                Err(error) => {
                    assert_eq!(error, AllocError::NoMemory);
                    assert_eq!((0..WINDOW).find(fits), None, "{count} at {align} from {live:#b}");
                    expect(&mut pages, live, MANAGED, "refused");
                }
            }
        }
    });
}

#[test]
fn every_run_at_a_place_is_handed_out_and_given_back_exactly_if_it_can_be() {
    each_state(|live, make| {
        for (page, count) in (0..WINDOW).flat_map(|page| (1..=4).map(move |count| (page, count))) {
            let bits = run(page, count);
            let mut pages = make();
            let (expected, after) = match MANAGED & !live & bits == bits {
                true => (Ok(address(page)), live | bits),
                false => (Err(AllocError::NoMemory), live),
            };
            assert_eq!(pages.alloc_pages_at(address(page), count, PAGE), expected);
            expect(&mut pages, after, MANAGED, "handed out at a place");

            let mut pages = make();
            let (expected, after) = match live & bits == bits {
                true => (Ok(()), live & !bits),
                false => (Err(AllocError::NotAllocated), live),
            };
            assert_eq!(free(&mut pages, page, count), expected, "{count} from {page} in {live:#b}");
            expect(&mut pages, after, MANAGED, "given back");
        }
    });
}

#[test]
fn every_constrained_run_keeps_range_and_boundary() {
    each_state(|live, make| {
        let free = MANAGED & !live;
        for (low, high, count) in [(0, 11, 2), (1, 6, 2), (2, 4, 3), (5, 9, 1), (3, 11, 4), (7, 10, 2)] {
            for boundary in [2, 4, 64].iter().filter(|boundary| **boundary >= count) {
                let placement = Placement {
                    within: AddressRange::from_bounds(address(low), address(high) + (PAGE - 1)).unwrap(),
                    boundary_pow2: Some(boundary * PAGE),
                    ..Placement::aligned(PAGE)
                };
                let fits = |page: &usize| {
                    placement.admits(address(*page), count * PAGE) && free & run(*page, count) == run(*page, count)
                };
                let mut pages = make();
                let expected = (0..WINDOW).find(fits).map(address).ok_or(AllocError::NoMemory);
                let got = pages.alloc_pages_in(count, placement);
                assert_eq!(got.is_ok(), expected.is_ok(), "{placement:?} in {live:#b}");
                if let Ok(at) = got {
                    assert!(fits(&(at / PAGE - FIRST)), "{at:#x}: {placement:?} in {live:#b}");
                }
                pages.check_integrity().unwrap();
            }
        }
    });
}

#[test]
fn every_range_is_removed_exactly_if_it_is_held_and_free() {
    each_state(|live, make| {
        for (page, count) in (0..WINDOW).flat_map(|page| [1, 2, 3, 8].map(|count| (page, count))) {
            let bits = run(page, count);
            let mut pages = make();
            let result = pages.remove_memory(address(page), count * PAGE);
            let in_use = (page..page + count).find(|p| live >> p & 1 == 1);
            match in_use {
                _ if MANAGED & bits != bits => assert_eq!(result, Err(RemoveError::NotManaged)),
                Some(first) => {
                    let used = (first..page + count).take_while(|p| live >> p & 1 == 1).count();
                    let first = address(first);
                    assert_eq!(result, Err(RemoveError::InUse { first, bytes: used * PAGE }));
                }
                None => assert_eq!(result, Ok(()), "{count} from {page} in {live:#b}"),
            }
            let managed = if result.is_ok() { MANAGED & !bits } else { MANAGED };
            expect(&mut pages, live, managed, "removed");
            if result.is_ok() {
                // SAFETY: 1. and 2. Mere numbers.
                unsafe { pages.add_memory(address(page), count * PAGE) }.unwrap();
                expect(&mut pages, live, MANAGED, "added again");
            }
        }
    });
}
