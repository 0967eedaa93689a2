//! Long random scripts against a list of pages, over several regions that touch and do not, with every kind of
//! records and pages of 4 KiB to 2 MiB. After each step the records are checked in full.
//!
//! Each script runs on two allocators: one gets every call, the other only those that succeeded on the first. Both
//! must give the same addresses: a refused call changed nothing.
#![allow(clippy::unwrap_used, reason = "a test helper that fails is a test that fails")]

use std::alloc::{Layout, alloc};

use allocator_api::{
    AddressRange, AllocError, BaseAllocator, BlockKind, CheckIntegrity, ConstrainedPageAllocator, HeapMap,
    PageAllocator, Placement, RemoveError, RemoveMemory,
};
use allocator_bitmap::{BitmapPageAllocator, InRegion, Inline, Lent, Records};

/// What a page is, as far as callers know; records are the allocator's business.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Page {
    Absent,
    Free,
    Live,
}

/// What windows of memory begin at a multiple of, in pages: up to here alignments and boundaries are the same in both.
const WINDOW_ALIGN_PAGES: usize = 1 << 10;

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }

    /// Mostly small, at times up to `bound`.
    fn skewed(&mut self, bound: usize) -> usize {
        let limit = [2, 8, 80, bound][self.below(4)];
        1 + self.below(limit.min(bound))
    }
}

struct Model<const PAGE: usize, R: Records> {
    subject: BitmapPageAllocator<PAGE, R>,
    // Gets only what succeeded; its memory, if it is touched, lies `twin_offset` bytes higher.
    twin: BitmapPageAllocator<PAGE, R>,
    twin_offset: usize,
    base: usize,
    pages: Vec<Page>,
    in_region: bool,
    seen: Seen,
}

#[derive(Default, Debug)]
struct Seen {
    taken: usize,
    refused: usize,
    freed: usize,
    bad_frees: usize,
    added: usize,
    not_added: usize,
    removed: usize,
    not_removed: usize,
}

impl<const PAGE: usize, R: Records> Model<PAGE, R> {
    fn address(&self, page: usize) -> usize {
        self.base.wrapping_add(page.wrapping_mul(PAGE))
    }

    fn page_of(&self, address: usize) -> usize {
        assert_eq!(address.wrapping_sub(self.base) % PAGE, 0);
        address.wrapping_sub(self.base) / PAGE
    }

    fn are(&self, first: usize, count: usize, what: Page) -> bool {
        self.pages.get(first..first + count).is_some_and(|pages| pages.iter().all(|p| *p == what))
    }

    /// Free pages without those that hold records, from the map of the allocator; checks the map on the way.
    fn free_pages(&self) -> Vec<bool> {
        let mut free = vec![false; self.pages.len()];
        let (mut counted, mut used, mut next) = (0, 0, 0);
        self.subject.for_each_block(&mut |block| {
            let first = self.page_of(block.start);
            assert!(first >= next, "ascending");
            next = first + block.bytes / PAGE;
            counted += block.bytes / PAGE;
            let kind = match block.kind {
                BlockKind::Live => Page::Live,
                BlockKind::Free => Page::Free,
                BlockKind::Records => {
                    assert!(self.in_region);
                    Page::Free
                }
            };
            assert!(self.are(first, next - first, kind), "{block:?}");
            free[first..next].fill(block.kind == BlockKind::Free);
            used += if block.kind == BlockKind::Free { 0 } else { next - first };
        });
        assert_eq!(counted, self.pages.iter().filter(|p| **p != Page::Absent).count());
        assert_eq!((counted, used), (self.subject.total_pages(), self.subject.used_pages()));
        free
    }

    fn fits(&self, free: &[bool], first: usize, count: usize, placement: &Placement) -> bool {
        placement.admits(self.address(first), count * PAGE) && free[first..].len() >= count && {
            free[first..first + count].iter().all(|f| *f)
        }
    }

    fn alloc(&mut self, random: &mut Random) {
        let align_pow2 = PAGE << [0, 0, 0, 1, 3, 7, 9, 10][random.below(8)];
        // Now and then a block: as many pages as it is aligned to.
        let count = if random.below(4) == 0 { align_pow2 / PAGE } else { random.skewed(self.pages.len() + 3) };
        let mut placement = Placement::aligned(align_pow2);
        let constrained = random.below(3) == 0;
        if constrained {
            let (a, b) = (random.below(self.pages.len()), random.below(self.pages.len()));
            let (low, high) = (self.address(a.min(b)), self.address(a.max(b)) + (PAGE - 1));
            placement.within = AddressRange::from_bounds(low, high).unwrap();
            let boundary_pages = count.next_power_of_two() << random.below(3);
            placement.boundary_pow2 = (random.below(2) == 0).then(|| PAGE.checked_mul(boundary_pages)).flatten();
            // Further apart, boundaries lie elsewhere in the twin's window.
            let are_alike = !self.in_region || boundary_pages <= WINDOW_ALIGN_PAGES;
            placement.boundary_pow2 = placement.boundary_pow2.filter(|_| are_alike);
        }
        let free = self.free_pages();
        let result = if constrained {
            self.subject.alloc_pages_in(count, placement)
        } else {
            self.subject.alloc_pages(count, align_pow2)
        };
        match result {
            Ok(address) => {
                let first = self.page_of(address);
                assert!(self.fits(&free, first, count, &placement), "{count} pages at {first}: {placement:?}");
                let again = if constrained {
                    placement.within = AddressRange::from_bounds(
                        placement.within.start() + self.twin_offset,
                        placement.within.last() + self.twin_offset,
                    )
                    .unwrap();
                    self.twin.alloc_pages_in(count, placement)
                } else {
                    self.twin.alloc_pages(count, align_pow2)
                };
                assert_eq!(again, Ok(address + self.twin_offset), "a refused call changed something");
                self.pages[first..first + count].fill(Page::Live);
                self.seen.taken += 1;
            }
            Err(error) => {
                assert_eq!(error, AllocError::NoMemory);
                let fit = (0..self.pages.len()).find(|first| self.fits(&free, *first, count, &placement));
                assert_eq!(fit, None, "{count} pages were refused: {placement:?}");
                self.seen.refused += 1;
            }
        }
    }

    fn alloc_at(&mut self, random: &mut Random) {
        let (first, count) = (random.below(self.pages.len()), random.skewed(self.pages.len()));
        let free = self.free_pages();
        let expected = self.fits(&free, first, count, &Placement::aligned(PAGE));
        let address = self.address(first);
        if expected {
            assert_eq!(self.subject.alloc_pages_at(address, count, PAGE), Ok(address));
            let twin = address + self.twin_offset;
            assert_eq!(self.twin.alloc_pages_at(twin, count, PAGE), Ok(twin));
            self.pages[first..first + count].fill(Page::Live);
        } else {
            assert_eq!(self.subject.alloc_pages_at(address, count, PAGE), Err(AllocError::NoMemory));
        }
    }

    /// `count` pages anywhere. Returns the first one, if they are there.
    fn take(&mut self, count: usize) -> Option<usize> {
        let address = self.subject.alloc_pages(count, PAGE).ok()?;
        let first = self.page_of(address);
        assert!(self.are(first, count, Page::Free), "{count} pages at {first}");
        assert_eq!(self.twin.alloc_pages(count, PAGE), Ok(address + self.twin_offset));
        self.pages[first..first + count].fill(Page::Live);
        Some(first)
    }

    fn free(&mut self, random: &mut Random) {
        let start = random.below(self.pages.len());
        let mut first = start;
        if random.below(5) != 0 {
            first =
                (start..self.pages.len()).chain(0..start).find(|p| self.pages[*p] == Page::Live).unwrap_or(start);
        }
        let count = random.skewed(self.pages.len());
        self.give_back(first, count);
    }

    fn give_back(&mut self, first: usize, count: usize) {
        let address = self.address(first);
        // SAFETY: 1. The test owns all pages handed out. 2. It never uses them.
        let result = unsafe { self.subject.dealloc_pages(address, count) };
        if self.are(first, count, Page::Live) {
            assert_eq!(result, Ok(()), "{count} live pages from {first}");
            // SAFETY: as above, for the twin's.
            assert_eq!(unsafe { self.twin.dealloc_pages(address + self.twin_offset, count) }, Ok(()));
            self.pages[first..first + count].fill(Page::Free);
            self.seen.freed += 1;
        } else {
            assert_eq!(result, Err(AllocError::NotAllocated), "{count} pages from {first}");
            self.seen.bad_frees += 1;
        }
        // SAFETY: an address inside a page is answered.
        assert_eq!(unsafe { self.subject.dealloc_pages(address + 1, count) }, Err(AllocError::NotAllocated));
    }

    fn add(&mut self, random: &mut Random) {
        let mut first = random.below(self.pages.len());
        if random.below(2) == 0 {
            // Right above what is held, or at the bottom.
            first = self.pages[..first].iter().rposition(|p| *p != Page::Absent).map_or(0, |below| below + 1);
        }
        let gap = self.pages[first..].iter().take_while(|p| **p == Page::Absent).count();
        let fill = gap > 0 && gap < self.pages.len() / 4 && random.below(2) == 0;
        let count = if fill { gap } else { random.skewed(self.pages.len() / 8) };
        let count = count.min(self.pages.len() - first);
        // Not aligned to pages: trimmed inward.
        let (skew, start) = (random.below(2), self.address(first));
        // SAFETY: 1. and 2. The window is memory of the test, or numbers if it is not touched.
        let mut add = |start, size| unsafe { self.subject.add_memory(start, size) };
        let result = add(start + skew, count * PAGE - skew);
        // A page of which a byte is held is overlapped, also where the rest of it is trimmed off.
        let span = self.pages.get(first..first + count).unwrap();
        let (first, count) = (first + skew, count - skew);
        let expected = if count == 0 {
            Err(AllocError::InvalidParam)
        } else if span.iter().any(|p| *p != Page::Absent) {
            Err(AllocError::MemoryOverlap)
        } else {
            Ok(())
        };
        if self.in_region && expected.is_ok() && result.is_err() {
            // No room for the records: only of a region that is hardly larger than they are.
            assert!(count <= 3, "{count} pages refused: {result:?}");
            let touches = [first.wrapping_sub(1), first + count]
                .map(|p| self.pages.get(p).is_some_and(|p| *p != Page::Absent));
            let error = if touches == [false; 2] { AllocError::InvalidParam } else { AllocError::NoMemory };
            assert_eq!(result, Err(error));
        } else {
            assert_eq!(result, expected);
        }
        if result.is_ok() {
            // SAFETY: as above.
            let twin =
                unsafe { self.twin.add_memory(start + self.twin_offset + skew, (count + skew) * PAGE - skew) };
            assert_eq!(twin, Ok(()));
            self.pages[first..first + count].fill(Page::Free);
            self.seen.added += 1;
        } else {
            self.seen.not_added += 1;
        }
    }

    fn remove(&mut self, random: &mut Random) {
        let start = random.below(self.pages.len());
        let first =
            (start..self.pages.len()).chain(0..start).find(|p| self.pages[*p] == Page::Free).unwrap_or(start);
        let run = self.pages[first..].iter().take_while(|p| **p == Page::Free).count();
        let count = if random.below(2) == 0 { run.max(1) } else { random.skewed(self.pages.len() - first) };
        let address = self.address(first);
        match self.subject.remove_memory(address, count * PAGE) {
            Ok(()) => {
                assert!(self.are(first, count, Page::Free));
                assert_eq!(self.twin.remove_memory(address + self.twin_offset, count * PAGE), Ok(()));
                self.pages[first..first + count].fill(Page::Absent);
                self.seen.removed += 1;
            }
            Err(error) => {
                self.check_refusal(first, count, error);
                self.seen.not_removed += 1;
            }
        }
    }

    fn check_refusal(&self, first: usize, count: usize, error: RemoveError) {
        let range = &self.pages[first..first + count];
        let live = range.iter().position(|p| *p == Page::Live);
        match error {
            RemoveError::NotManaged => assert!(range.contains(&Page::Absent)),
            RemoveError::InUse { first: at, bytes } => {
                assert_eq!(at, self.address(first + live.unwrap()));
                let run = range[live.unwrap()..].iter().take_while(|p| **p == Page::Live).count();
                assert_eq!(bytes, run * PAGE);
            }
            RemoveError::Records { first: at, bytes } => {
                assert!(self.in_region && bytes > 0 && live.is_none());
                let at = self.page_of(at);
                assert!(first <= at && at + bytes / PAGE <= first + count);
            }
            RemoveError::NoRoom => assert!(live.is_none()),
        }
    }

    fn step(&mut self, random: &mut Random, moving: bool) {
        match random.below(100) {
            0..4 => self.add(random),
            4..8 if moving => self.remove(random),
            4..45 => self.alloc(random),
            45..55 => self.alloc_at(random),
            _ => self.free(random),
        }
        self.subject.check_integrity().unwrap();
        let free = self.free_pages();
        if random.below(8) == 0 {
            let longest = free.split(|f| !f).map(<[bool]>::len).max().unwrap_or(0);
            assert_eq!(self.subject.largest_free_run_pages(), longest);
            self.subject.check_integrity().unwrap();
        }
    }

    fn give_everything_back(&mut self) {
        for page in 0..self.pages.len() {
            if self.pages[page] == Page::Live {
                // SAFETY: 1. The test owns the page. 2. It never uses it.
                unsafe { self.subject.dealloc_pages(self.address(page), 1) }.unwrap();
                self.pages[page] = Page::Free;
            }
        }
        self.subject.check_integrity().unwrap();
        self.free_pages();
    }

    fn run(&mut self, seed: u64, steps: usize) {
        let mut random = Random(seed);
        for step in 0..steps {
            self.step(&mut random, step / 500 % 2 == 1);
        }
        self.give_everything_back();
        let seen = &self.seen;
        let least = steps / 100;
        assert!(seen.taken.min(seen.refused).min(seen.freed).min(seen.bad_frees) > least, "{seen:?}");
        assert!(seen.added.min(seen.not_added).min(seen.removed).min(seen.not_removed) > 3, "{seen:?}");
    }
}

/// A model over `count` pages of numbers from `base` on.
fn numbers<const PAGE: usize, R: Records>(base: usize, count: usize, records: [R; 2]) -> Model<PAGE, R> {
    let [subject, twin] = records.map(BitmapPageAllocator::with_records);
    let pages = vec![Page::Absent; count];
    Model { subject, twin, twin_offset: 0, base, pages, in_region: false, seen: Seen::default() }
}

/// A model over `count` pages of memory.
fn memory<const PAGE: usize>(count: usize) -> Model<PAGE, InRegion> {
    // Both halves alike as to alignment, so that the twin does the same.
    let align = WINDOW_ALIGN_PAGES * PAGE;
    let half = (count * PAGE).next_multiple_of(align);
    let layout = Layout::from_size_align(2 * half, align).unwrap();
    // SAFETY: the size is not 0.
    let start = unsafe { alloc(layout) };
    assert!(!start.is_null());
    let base = start.expose_provenance();
    let pages = vec![Page::Absent; count];
    let [subject, twin] = [(); 2].map(|()| BitmapPageAllocator::new());
    Model { subject, twin, twin_offset: half, base, pages, in_region: true, seen: Seen::default() }
}

fn add_numbers<const PAGE: usize>(pages: &mut BitmapPageAllocator<PAGE, Lent>, count: usize) {
    // SAFETY: 1. and 2. Records lie elsewhere: mere numbers.
    unsafe { pages.add_memory(0, count * PAGE) }.unwrap();
}

fn lent(words: usize) -> [Lent; 2] {
    [(); 2].map(|()| Lent::in_words(vec![0xfeed; words].leak()))
}

#[test]
fn records_in_the_regions_4k() {
    for seed in 0..4 {
        memory::<0x1000>(1700).run(seed, 3000);
    }
}

#[test]
fn records_in_the_regions_64k() {
    memory::<0x1_0000>(900).run(11, 3000);
}

#[test]
#[cfg_attr(target_pointer_width = "32", ignore = "two windows at multiples of 2 GiB are the whole address space")]
fn records_in_the_regions_2m() {
    memory::<0x20_0000>(60).run(12, 3000);
}

#[test]
fn records_in_the_regions_of_tiny_pages_take_many_pages() {
    for seed in 0..4 {
        let mut model = memory::<64>(3000);
        // A region of few pages is all records: many are refused.
        model.in_region = true;
        let mut random = Random(seed);
        // SAFETY: 1. and 2. The window is memory of the test.
        unsafe {
            model.subject.add_memory(model.base, 1000 * 64).unwrap();
            model.twin.add_memory(model.base + model.twin_offset, 1000 * 64).unwrap();
        }
        model.pages[..1000].fill(Page::Free);
        for _ in 0..2000 {
            match random.below(40) {
                0 => {
                    // Large enough for records over all, wherever it lies.
                    let first = random.below(2000);
                    if model.are(first, 400, Page::Absent) {
                        // SAFETY: as above.
                        unsafe {
                            model.subject.add_memory(model.address(first), 400 * 64).unwrap();
                            model.twin.add_memory(model.address(first) + model.twin_offset, 400 * 64).unwrap();
                        }
                        model.pages[first..first + 400].fill(Page::Free);
                    }
                }
                1 => model.remove(&mut random),
                2..20 => model.alloc(&mut random),
                _ => model.free(&mut random),
            }
            model.subject.check_integrity().unwrap();
            model.free_pages();
        }
        assert!(model.seen.removed > 0 && model.seen.taken > 100);
    }
}

#[test]
fn records_lent() {
    for seed in 20..24 {
        numbers::<0x1000, _>(0, 1700, lent(4000)).run(seed, 3000);
    }
    let top = 0_usize.wrapping_sub(1700 << 21);
    numbers::<0x20_0000, _>(top, 1700, lent(4000)).run(30, 3000);
}

/// Runs of some lengths come and go in a large memory: those that come back are kept.
#[test]
fn of_many_pages_runs_are_kept() {
    for seed in 60..63 {
        let mut model = numbers::<0x1000, _>(0, 21_000, lent(20_000));
        let mut random = Random(seed);
        add_numbers(&mut model.subject, 20_000);
        add_numbers(&mut model.twin, 20_000);
        model.pages[..20_000].fill(Page::Free);
        let mut live: Vec<(usize, usize)> = Vec::new();
        for step in 0..1500 {
            let count = [9, 12, 16, 64, 65, 250, 1, 3][random.below(8)];
            let free = 20_000 - live.iter().map(|(_, count)| count).sum::<usize>();
            match random.below(40) {
                0 => model.alloc(&mut random),
                1 => model.alloc_at(&mut random),
                2 => model.free(&mut random),
                _ if free < 15_000 || random.below(2) == 0 && !live.is_empty() => {
                    let (first, count) = live.swap_remove(random.below(live.len()));
                    // Some came back before, in part or whole, by the calls above.
                    model.give_back(first, count);
                }
                _ => live.extend(model.take(count).map(|first| (first, count))),
            }
            model.subject.check_integrity().unwrap_or_else(|broken| panic!("{broken} at step {step}"));
        }
        assert!(model.seen.refused > 2 && model.seen.freed > 400, "{:?}", model.seen);
    }
}

#[test]
fn records_in_the_value() {
    for seed in 40..44 {
        numbers::<0x4000, _>(7 << (usize::BITS - 4), 1300, [Inline::<4000>::new(), Inline::new()]).run(seed, 3000);
    }
    // The last page ends with the address space; its chunks do not start at the window.
    let top = 0_usize.wrapping_sub(1100 << 12);
    numbers::<0x1000, _>(top, 1100, [Inline::<4000>::new(), Inline::new()]).run(50, 3000);
}
