//! A page level that refuses, at whatever call it does: nothing is lost, and nothing changes that can be seen.

use std::ptr::NonNull;

use allocator_api::{AllocError, ByteAllocator, CheckIntegrity, PageAllocator, PagedByteAllocator};
use allocator_slab::Slabs;

use crate::{
    arena::Arena,
    blocks::{KIB, MIB, free, heap_over, layout},
    pages::Pages,
};

/// What callers can see of the slabs: the bytes in use, and the live blocks by class and as runs.
fn seen(slabs: &Slabs) -> (usize, Vec<usize>, usize, usize) {
    let live = slabs.size_classes().map(|class| class.live).collect();
    (slabs.used_bytes(), live, slabs.runs().live, slabs.runs().bytes)
}

/// Sizes that need a record, a node or pages anew: small and large objects, one page, runs; and what each is resized to.
const SIZES: [(usize, usize); 8] =
    [(16, 40), (64, 64), (1000, 5000), (4096, 9000), (4097, 100), (33_000, 70_000), (70_000, 4096), (200_000, 3)];

/// Plays a script during which every request to the page level after the first `patience` is refused, until one was
/// refused; then it goes on. Returns whether one was.
fn play<const PAGE_SIZE: usize>(patience: usize) -> bool {
    let mut pages = Pages::<PAGE_SIZE>::of_host(16 * MIB);
    let (begin, mut slabs) = (pages.used_pages(), Box::new(Slabs::new()));
    pages.patience = patience;
    let mut live: Vec<(NonNull<u8>, usize)> = Vec::new();
    let mut answers = Vec::new();
    for (size, new_size) in SIZES.into_iter().cycle().take(24) {
        let before = seen(&slabs);
        match slabs.alloc_from(&mut pages, layout(size, 8)) {
            Ok(block) => live.push((block, size)),
            Err(error) => {
                assert_eq!((error, seen(&slabs)), (AllocError::NoMemory, before));
                answers.push("not allocated");
            }
        }
        slabs.check_integrity::<Pages<PAGE_SIZE>>().unwrap();
        let Some(last) = live.last_mut() else { continue };
        let before = seen(&slabs);
        // SAFETY: 1. The block is live, with this layout. 2. Only the new one is used after `Ok`. 3. There is one page level.
        match unsafe { slabs.realloc_in(&mut pages, last.0, layout(last.1, 8), new_size) } {
            Ok(block) => *last = (block, new_size),
            Err(error) => {
                assert_eq!((error, seen(&slabs)), (AllocError::NoMemory, before));
                answers.push("not resized");
            }
        }
        slabs.check_integrity::<Pages<PAGE_SIZE>>().unwrap();
        if !answers.is_empty() {
            pages.patience = usize::MAX;
        }
    }
    let was_refused = pages.refused > 0;
    pages.patience = 0;
    for (block, size) in live {
        // SAFETY: 1. The block is live, with this layout. 2. It is forgotten. 3. There is one page level.
        unsafe { slabs.dealloc_to(&mut pages, block, layout(size, 8)) }.unwrap();
        slabs.check_integrity::<Pages<PAGE_SIZE>>().unwrap();
    }
    assert_eq!(slabs.used_bytes(), 0);
    // SAFETY: 1. There is one page level.
    unsafe { slabs.trim(&mut pages) };
    assert_eq!((slabs.held_bytes(), pages.used_pages()), (0, begin), "after {patience} requests");
    slabs.check_integrity::<Pages<PAGE_SIZE>>().unwrap();
    was_refused
}

/// Plays the script with a refusal at the first request, the second, and so on until there are no more.
fn play_all<const PAGE_SIZE: usize>() {
    let refusals = (0..).take_while(|&patience| play::<PAGE_SIZE>(patience)).count();
    assert!(refusals > 20, "{refusals} requests");
}

#[test]
fn a_refusal_at_any_request_for_pages_of_4_kib_changes_and_loses_nothing() {
    play_all::<4096>();
}

#[test]
fn a_refusal_at_any_request_for_pages_of_16_kib_changes_and_loses_nothing() {
    play_all::<{ 16 * KIB }>();
}

#[test]
fn a_refused_slab_is_replaced_by_a_run_that_only_its_class_frees() {
    let mut pages = Pages::<4096>::of_host(MIB);
    let mut slabs = Box::new(Slabs::new());
    let first = slabs.alloc_from(&mut pages, layout(64, 8)).unwrap();
    // All but two pages are somebody else's: too few for a slab of 3072 bytes, which has three.
    while pages.available_pages() > 2 {
        pages.alloc_pages(1, 4096).unwrap();
    }
    let block = slabs.alloc_from(&mut pages, layout(3000, 8)).unwrap();
    let class = slabs.size_classes().find(|class| class.object_bytes == 3072).unwrap();
    assert_eq!((class.live, class.slabs, slabs.runs().live, slabs.runs().bytes), (0, 0, 1, 4096));
    for (address, size) in [(block, 4096), (block, 2816), (block, 64), (first, 3000)] {
        // SAFETY: 1. The mistake is detected. 2. It is refused. 3. There is one page level.
        let answer = unsafe { slabs.dealloc_to(&mut pages, address, layout(size, 8)) };
        assert_eq!(answer, Err(AllocError::NotAllocated), "{size}");
    }
    // SAFETY: 1. Within the class the run stays. 2. It is the same block. 3. There is one page level.
    assert_eq!(unsafe { slabs.realloc_in(&mut pages, block, layout(3000, 8), 3072) }, Ok(block));
    // SAFETY: 1. The block is live, of this class. 2. It is forgotten. 3. There is one page level.
    unsafe { slabs.dealloc_to(&mut pages, block, layout(3072, 8)) }.unwrap();
    assert_eq!(slabs.runs().live, 0);
}

#[test]
fn beside_a_guest_objects_of_the_second_word_are_handed_out() {
    let mut pages = Pages::<4096>::of_host(MIB);
    let mut slabs = Box::new(Slabs::new());
    let request = layout(48, 8);
    // All of a slab of two words.
    let blocks = [(); 85].map(|()| slabs.alloc_from(&mut pages, request).unwrap());
    while pages.alloc_pages(1, 4096).is_ok() {}
    // SAFETY: 1. The block is live, with this layout. 2. It is forgotten. 3. There is one page level.
    unsafe { slabs.dealloc_to(&mut pages, blocks[3], request) }.unwrap();
    assert_eq!(slabs.alloc_from(&mut pages, layout(16, 8)), Ok(blocks[3]));
    // SAFETY: as above.
    unsafe { slabs.dealloc_to(&mut pages, blocks[70], request) }.unwrap();
    assert_eq!(slabs.alloc_from(&mut pages, request), Ok(blocks[70]));
    slabs.check_integrity::<Pages<4096>>().unwrap();
}

#[test]
fn an_unused_slab_makes_room_for_one_of_another_class() {
    let mut pages = Pages::<4096>::of_host(MIB);
    let mut slabs = Box::new(Slabs::new());
    let block = slabs.alloc_from(&mut pages, layout(3000, 8)).unwrap();
    // SAFETY: 1. The block is live, with this layout. 2. It is forgotten. 3. There is one page level.
    unsafe { slabs.dealloc_to(&mut pages, block, layout(3000, 8)) }.unwrap();
    while pages.alloc_pages(1, 4096).is_ok() {}
    slabs.alloc_from(&mut pages, layout(64, 8)).unwrap();
    let slabs_of = |bytes| slabs.size_classes().find(|class| class.object_bytes == bytes).unwrap().slabs;
    assert_eq!((slabs_of(3072), slabs_of(64), slabs.runs().live), (0, 1, 0));
}

#[test]
fn a_full_page_level_lets_small_blocks_be_guests_that_free_as_their_own_class() {
    let mut pages = Pages::<4096>::of_host(MIB);
    let mut slabs = Box::new(Slabs::new());
    let host = slabs.alloc_from(&mut pages, layout(512, 8)).unwrap();
    while pages.alloc_pages(1, 4096).is_ok() {}
    let guests: Vec<_> = std::iter::from_fn(|| slabs.alloc_from(&mut pages, layout(100, 4)).ok()).collect();
    let class = |slabs: &Slabs| slabs.size_classes().find(|class| class.object_bytes == 512).unwrap();
    assert_eq!((guests.len() + 1, class(&slabs).live), (class(&slabs).capacity, class(&slabs).capacity));
    slabs.check_integrity::<Pages<4096>>().unwrap();
    for &guest in &guests {
        // SAFETY: the block is live and has that many bytes.
        unsafe { guest.write_bytes(0xff, 104) };
        for wrong in [512, 105, 96] {
            // SAFETY: 1. The mistake is detected. 2. It is refused. 3. There is one page level.
            let answer = unsafe { slabs.dealloc_to(&mut pages, guest, layout(wrong, 4)) };
            assert_eq!(answer, Err(AllocError::NotAllocated));
        }
    }
    for (number, &guest) in guests.iter().enumerate() {
        // SAFETY: 1. The block is live, with this layout. 2. It is forgotten. 3. There is one page level.
        unsafe { slabs.dealloc_to(&mut pages, guest, layout(100, 4)) }.unwrap();
        slabs.check_integrity::<Pages<4096>>().unwrap();
        assert_eq!(class(&slabs).live, guests.len() - number);
    }
    // SAFETY: 1. The block is live, with this layout. 2. It is forgotten. 3. There is one page level.
    unsafe { slabs.dealloc_to(&mut pages, host, layout(512, 8)) }.unwrap();
    slabs.check_integrity::<Pages<4096>>().unwrap();
    assert_eq!(slabs.used_bytes(), 0);
}

#[test]
fn the_next_larger_class_is_the_first_that_hosts() {
    let mut pages = Pages::<4096>::of_host(MIB);
    let mut slabs = Box::new(Slabs::new());
    for size in [56, 72, 128] {
        slabs.alloc_from(&mut pages, layout(size, 8)).unwrap();
    }
    while pages.alloc_pages(1, 4096).is_ok() {}
    let live = |slabs: &Slabs, bytes| slabs.size_classes().find(|class| class.object_bytes == bytes).unwrap().live;
    slabs.alloc_from(&mut pages, layout(64, 8)).unwrap();
    assert_eq!((live(&slabs, 72), live(&slabs, 128)), (2, 1));
    // Objects of 72 bytes are at no multiple of 64.
    slabs.alloc_from(&mut pages, layout(64, 64)).unwrap();
    assert_eq!((live(&slabs, 72), live(&slabs, 128)), (2, 2));
    // An object of 56 bytes is too small.
    assert_eq!(live(&slabs, 56), 1);
}

#[test]
fn a_guest_may_be_aligned_to_a_frame_in_an_object_that_is() {
    let mut pages = Pages::<{ 16 * KIB }>::of_host(MIB);
    let mut slabs = Box::new(Slabs::new());
    let live = |slabs: &Slabs| slabs.size_classes().find(|class| class.object_bytes == 8192).unwrap().live;
    slabs.alloc_from(&mut pages, layout(8192, 8)).unwrap();
    while pages.alloc_pages(1, 16 * KIB).is_ok() {}
    let guest = slabs.alloc_from(&mut pages, layout(100, 4096)).unwrap();
    assert!(guest.addr().get().is_multiple_of(4096));
    assert_eq!(live(&slabs), 2);
    // SAFETY: 1. The block is live, with this layout. 2. It is forgotten. 3. There is one page level.
    unsafe { slabs.dealloc_to(&mut pages, guest, layout(100, 4096)) }.unwrap();
    assert_eq!(live(&slabs), 1);
}

#[test]
fn a_slab_with_guests_that_becomes_active_again_still_knows_them() {
    let mut pages = Pages::<4096>::of_host(MIB);
    let mut slabs = Box::new(Slabs::new());
    slabs.alloc_from(&mut pages, layout(512, 8)).unwrap();
    while pages.alloc_pages(1, 4096).is_ok() {}
    // The last refusal finds the slab exhausted; a free makes it partial, and the next request active.
    let guests: Vec<_> = std::iter::from_fn(|| slabs.alloc_from(&mut pages, layout(100, 4)).ok()).collect();
    // SAFETY: 1. The block is live, with this layout. 2. It is forgotten. 3. There is one page level.
    unsafe { slabs.dealloc_to(&mut pages, guests[0], layout(100, 4)) }.unwrap();
    assert_eq!(slabs.alloc_from(&mut pages, layout(512, 8)), Ok(guests[0]));
    slabs.check_integrity::<Pages<4096>>().unwrap();
    for &guest in &guests[1..] {
        // SAFETY: 1. The mistake is detected, and the block is live. 2. It is forgotten. 3. There is one page level.
        let answers = [512, 100].map(|size| unsafe { slabs.dealloc_to(&mut pages, guest, layout(size, 4)) });
        assert_eq!(answers, [Err(AllocError::NotAllocated), Ok(())]);
        slabs.check_integrity::<Pages<4096>>().unwrap();
    }
}

/// Slabs whose page of records is full: runs of two pages, one record each.
fn without_a_free_record() -> (Box<Slabs>, Pages<4096>) {
    let (mut pages, mut slabs) = (Pages::<4096>::of_host(MIB), Box::new(Slabs::new()));
    for _ in 0..63 {
        slabs.alloc_from(&mut pages, layout(8192, 8)).unwrap();
    }
    (slabs, pages)
}

#[test]
fn a_page_that_gets_no_node_of_the_map_goes_back() {
    let (mut pages, mut slabs) = (Pages::<4096>::of_host(MIB), Box::new(Slabs::new()));
    let begin = pages.used_pages();
    pages.patience = 1;
    assert_eq!(slabs.alloc_from(&mut pages, layout(4096, 8)), Err(AllocError::NoMemory));
    assert_eq!((pages.refused > 0, pages.used_pages(), slabs.held_bytes()), (true, begin, 0));
}

#[test]
fn a_kept_page_that_gets_no_record_is_not_lost() {
    let (mut slabs, mut pages) = without_a_free_record();
    let page = slabs.alloc_from(&mut pages, layout(4096, 8)).unwrap();
    let used = pages.used_pages();
    // SAFETY: 1. The block is live, with this layout. 2. It is forgotten. 3. There is one page level.
    unsafe { slabs.dealloc_to(&mut pages, page, layout(4096, 8)) }.unwrap();
    assert_eq!((slabs.runs().kept_pages, pages.used_pages()), (1, used));
    pages.patience = 0;
    assert_eq!(slabs.alloc_from(&mut pages, layout(64, 8)), Err(AllocError::NoMemory));
    slabs.check_integrity::<Pages<4096>>().unwrap();
    assert_eq!((slabs.runs().kept_pages, pages.used_pages()), (0, used - 1));
}

#[test]
fn a_page_that_grows_and_gets_no_record_stays_as_it_was() {
    let (mut slabs, mut pages) = without_a_free_record();
    let page = slabs.alloc_from(&mut pages, layout(4096, 8)).unwrap();
    let (before, used) = (seen(&slabs), pages.used_pages());
    for patience in 0..2 {
        pages.patience = patience;
        // SAFETY: 1. The block is live, with this layout. 2. It is refused. 3. There is one page level.
        let answer = unsafe { slabs.realloc_in(&mut pages, page, layout(4096, 8), 8192) };
        assert_eq!(
            (answer, seen(&slabs)),
            (Err(AllocError::NoMemory), before.clone()),
            "after {patience} requests"
        );
        assert_eq!(pages.used_pages(), used);
        slabs.check_integrity::<Pages<4096>>().unwrap();
    }
    pages.patience = usize::MAX;
    // SAFETY: as above. 2. The block stays where it is.
    assert_eq!(unsafe { slabs.realloc_in(&mut pages, page, layout(4096, 8), 8192) }, Ok(page));
}

/// What is kept behind a run is given back before it is refused to grow.
#[test]
fn a_run_grows_over_a_kept_page_when_there_is_no_other_place() {
    let arena = Arena::new(MIB, MIB);
    let mut heap = heap_over::<4096>(&arena, MIB);
    let (run, page) = (layout(8192, 8), layout(4096, 8));
    // Behind the first one are pages of records.
    let [first, block] = [heap.alloc(run).unwrap(), heap.alloc(run).unwrap()];
    let mut pages: Vec<_> = std::iter::from_fn(|| heap.alloc(page).ok()).collect();
    let behind = block.addr().get() + run.size();
    let next = pages.iter().position(|page| page.addr().get() == behind).unwrap();
    free(&mut heap, pages.swap_remove(next), page).unwrap();
    // SAFETY: 1. The block is live, with this layout. 2. Only what is returned is used.
    assert_eq!(unsafe { heap.realloc(block, run, 12_288) }, Ok(block));
    heap.check_integrity().unwrap();
    free(&mut heap, first, run).unwrap();
    free(&mut heap, block, layout(12_288, 8)).unwrap();
    for block in pages {
        free(&mut heap, block, page).unwrap();
    }
    heap.check_integrity().unwrap();
}
