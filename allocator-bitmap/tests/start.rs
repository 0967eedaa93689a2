//! The start from a memory map with records lent from it.
#![allow(clippy::unwrap_used, reason = "a test helper that fails is a test that fails")]

use std::alloc::{Layout, alloc};

use allocator_api::{AddressRange, AllocError, BaseAllocator, CheckIntegrity, PageAllocator};
use allocator_bitmap::{BitmapPageAllocator, InRegion, Inline, Lent, StartError};

/// Small pages, so that small memory has many.
const PAGE: usize = 64;
const PAINT: u8 = 0x5a;

type Pages = BitmapPageAllocator<PAGE, Lent>;

/// Painted memory that is never freed, at a multiple of 4096.
struct Ground {
    start: usize,
    size: usize,
}

impl Ground {
    fn new(size: usize) -> Self {
        // SAFETY: the size is not 0.
        let start = unsafe { alloc(Layout::from_size_align(size, 4096).unwrap()) };
        let ground = Self { start: start.expose_provenance(), size };
        ground.paint();
        ground
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: the memory is the ground's, and the tests look at it while no allocator is at work.
        unsafe { std::slice::from_raw_parts(std::ptr::with_exposed_provenance(self.start), self.size) }
    }

    fn paint(&self) {
        // SAFETY: as in `bytes`; the memory is written before it is read.
        unsafe { std::ptr::with_exposed_provenance_mut::<u8>(self.start).write_bytes(PAINT, self.size) };
    }

    /// The bytes from offset `from` to offset `to`, exclusive.
    fn range(&self, from: usize, to: usize) -> AddressRange {
        AddressRange::new(self.start + from, to - from).unwrap()
    }
}

fn start(pages: &mut Pages, map: &[AddressRange]) -> Result<Option<AddressRange>, StartError> {
    // SAFETY: 1. The tests' maps lie in a ground, or are refused before anything is touched. 2. Grounds are exposed.
    unsafe { pages.init_from_map(map) }
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }
}

/// Entries in random order that do not overlap; some touch, some hold no page.
fn random_map(ground: &Ground, random: &mut Random) -> Vec<AddressRange> {
    let (mut map, mut at) = (vec![], 0);
    let longest = [400, 3000, 60_000][random.below(3)];
    while at < ground.size - 1 {
        let end = (at + 1 + random.below(longest)).min(ground.size);
        if random.below(4) != 0 {
            let place = random.below(map.len() + 1);
            map.insert(place, ground.range(at, end));
        }
        at = end + random.below(2) * random.below(500);
    }
    map
}

#[test]
fn any_map_is_used_to_its_last_page_but_for_the_records() {
    let ground = Ground::new(128 << 10);
    let mut random = Random(1);
    let (mut started, mut refused) = (0, 0);
    for _ in 0..400 {
        let mut map = random_map(&ground, &mut random);
        let mut pages = Pages::new();
        ground.paint();
        let answer = start(&mut pages, &map);
        map.reverse();
        let mut again = Pages::new();
        let reserve: Vec<u8> = ground.bytes().to_vec();
        ground.paint();
        assert_eq!(start(&mut again, &map), answer, "the order does not matter: {map:x?}");
        assert_eq!(ground.bytes(), reserve);
        let whole: Vec<AddressRange> = map.iter().filter_map(|entry| entry.trimmed(PAGE)).collect();
        let room = match answer {
            Ok(room) => room.unwrap(),
            Err(error) => {
                assert!(matches!(error, StartError::NoRoom { .. } | StartError::NoPages), "{error}");
                assert_eq!(again.total_pages(), 0);
                refused += 1;
                continue;
            }
        };
        started += 1;
        assert!(whole.iter().any(|entry| entry.contains_range(room) && entry.last() == room.last()));
        let count = |range: &AddressRange| range.size().unwrap() / PAGE;
        assert_eq!(again.total_pages(), whole.iter().map(count).sum::<usize>() - count(&room), "{map:x?}");
        again.check_integrity().unwrap();
        while let Ok(page) = again.alloc_pages(1, PAGE) {
            let page = AddressRange::new(page, PAGE).unwrap();
            assert!(whole.iter().any(|entry| entry.contains_range(page)) && !room.overlaps(page));
        }
        assert_eq!(again.used_pages(), again.total_pages());
        let inside = |offset: usize| room.contains(ground.start + offset);
        assert!(ground.bytes().iter().enumerate().all(|(i, byte)| inside(i) || *byte == PAINT), "{room:?}");
    }
    assert!(started > 100 && refused > 10, "{started} {refused}");
}

#[test]
fn low_memory_is_left_for_those_who_need_it() {
    let ground = Ground::new(64 << 10);
    let map = [ground.range(0x8000, 0xa000), ground.range(0, 0x4000), ground.range(0xf000, 0xf040)];
    let mut pages = Pages::new();
    let room = start(&mut pages, &map).unwrap().unwrap();
    assert_eq!(room.last(), ground.start + 0x9fff, "the highest that is long enough");
    assert!(room.size().unwrap() < 0x1000);
}

#[test]
fn what_is_lacking_is_said_and_nothing_is_taken() {
    let ground = Ground::new(64 << 10);
    let mut pages = Pages::new();
    assert_eq!(start(&mut pages, &[]), Err(StartError::NoPages));
    assert_eq!(start(&mut pages, &[ground.range(1, 127)]), Err(StartError::NoPages));
    let (one, other) = (ground.range(0, 0x2000), ground.range(0x1fff, 0x3000));
    assert_eq!(start(&mut pages, &[one, other]), Err(StartError::Overlap { one, other }));
    let small = [ground.range(0, 0x80), ground.range(0x100, 0x1c0)];
    let needed_bytes = Pages::record_bytes(&small);
    assert!(needed_bytes > 0xc0);
    assert_eq!(start(&mut pages, &small), Err(StartError::NoRoom { needed_bytes, longest_bytes: 0xc0 }));
    assert!(ground.bytes().iter().all(|byte| *byte == PAINT));
    // Nothing was lent, either.
    let page = ground.range(0, PAGE);
    // SAFETY: 1. 2. It is refused.
    assert_eq!(unsafe { pages.add_memory(page.start(), PAGE) }, Err(AllocError::NoMemory));
    start(&mut pages, &[one]).unwrap();
    assert_eq!(start(&mut pages, &[ground.range(0x8000, 0xf000)]), Err(StartError::HasMemory));
}

#[test]
fn one_region_must_have_a_page_beside_its_records() {
    let ground = Ground::new(64 << 10);
    let needed = Pages::record_bytes(&[ground.range(0, 0x400)]).next_multiple_of(PAGE);
    let mut pages = Pages::new();
    let refused = start(&mut pages, &[ground.range(0, needed)]);
    assert!(
        matches!(refused, Err(StartError::NoRoom { longest_bytes, .. }) if longest_bytes == needed),
        "{refused:?}"
    );
    start(&mut pages, &[ground.range(0, needed + PAGE)]).unwrap();
    assert_eq!((pages.total_pages(), pages.alloc_pages(1, PAGE)), (1, Ok(ground.start)));
}

#[test]
fn room_that_was_lent_before_is_used() {
    let ground = Ground::new(64 << 10);
    let map = [ground.range(0, 0x4000), ground.range(0x8000, 0xc000)];
    let needed_bytes = Pages::record_bytes(&map);
    let mut pages = Pages::new();
    pages.lend(vec![1; needed_bytes / 8 - 1].leak()).unwrap();
    let longest_bytes = needed_bytes - 8;
    assert_eq!(start(&mut pages, &map), Err(StartError::NoRoom { needed_bytes, longest_bytes }));
    pages.lend(vec![1; needed_bytes / 8].leak()).unwrap();
    assert_eq!(start(&mut pages, &map), Ok(None));
    assert_eq!(pages.total_pages(), 0x8000 / PAGE);
    assert!(ground.bytes().iter().all(|byte| *byte == PAINT));
}

#[test]
fn records_elsewhere_want_no_room() {
    let ground = Ground::new(64 << 10);
    let regions = [ground.range(0, 0x4000)];
    // SAFETY: 1. The ground is memory. 2. Nothing is returned.
    unsafe {
        assert_eq!(BitmapPageAllocator::<PAGE, InRegion>::new().take_record_room(regions.into_iter()), Ok(None));
        assert_eq!(BitmapPageAllocator::<PAGE, Inline<64>>::new().take_record_room(regions.into_iter()), Ok(None));
    }
}

#[test]
fn errors_are_those_of_the_contract_and_tell_the_rest_in_words() {
    let (one, other) = (AddressRange::new(0, 16).unwrap(), AddressRange::new(8, 16).unwrap());
    for (error, same, words) in [
        (StartError::HasMemory, AllocError::InvalidParam, "memory already"),
        (StartError::NoPages, AllocError::InvalidParam, "whole page"),
        (StartError::Overlap { one, other }, AllocError::MemoryOverlap, "0x0..=0xf and 0x8..=0x17"),
        (StartError::NoRoom { needed_bytes: 7, longest_bytes: 5 }, AllocError::NoMemory, "need 7 bytes"),
    ] {
        assert_eq!(AllocError::from(error), same);
        assert!(error.to_string().contains(words), "{error}");
    }
}
