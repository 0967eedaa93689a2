//! Pages far apart: the map of pages grows by levels, and its guesses are of other addresses with the same index.

use std::ptr::NonNull;

use allocator_api::{AllocError, PageAllocator, PagedByteAllocator};
use allocator_slab::Slabs;

use crate::{
    blocks::{KIB, MIB, layout},
    pages::Pages,
};

/// Addresses in order of need: neighbours, 2 MiB, 1 GiB, 512 GiB, 256 TiB and half the address space apart.
fn far() -> Vec<usize> {
    let gib = 1 << 30;
    let mut far = vec![512 * gib, 512 * gib + 64 * KIB, 512 * gib + 2 * MIB];
    far.extend([513 * gib, 513 * gib + 64 * KIB, 1024 * gib, 1 << 47, (1 << 47) + gib, 3 << 60]);
    far.push(usize::MAX - 64 * KIB + 1);
    far
}

type Far = Pages<4096>;

/// Objects of a slab for the blocks here, which has 32 KiB.
const OBJECTS: usize = 7;

/// Full slabs at each of the addresses, which nobody touches.
fn fill(slabs: &mut Slabs, pages: &mut Far) -> Vec<NonNull<u8>> {
    (0..far().len() * OBJECTS)
        .map(|_| {
            let block = slabs.alloc_from(pages, layout(4097, 8)).unwrap();
            slabs.check_integrity::<Far>().unwrap();
            block
        })
        .collect()
}

/// Gives a block of [`fill`] back.
fn free(slabs: &mut Slabs, pages: &mut Far, block: NonNull<u8>) -> Result<(), AllocError> {
    // SAFETY: 1. The block is live, with this layout, or the mistake is detected. 2. It is forgotten. 3. There is one page level.
    let answer = unsafe { slabs.dealloc_to(pages, block, layout(4097, 8)) };
    slabs.check_integrity::<Far>().unwrap();
    answer
}

#[test]
fn slabs_far_apart_are_found_whatever_was_looked_for_before() {
    for step in [1, 3, 9, 33] {
        let (mut pages, mut slabs) = (Far::of_host(MIB), Box::new(Slabs::new()));
        let begin = pages.used_pages();
        pages.far = far();
        let blocks = fill(&mut slabs, &mut pages);
        assert!(pages.far.is_empty(), "every address has a slab");
        for number in 0..blocks.len() {
            let block = blocks[number * step % blocks.len()];
            let wrong = block.map_addr(|address| address.checked_add(1).unwrap());
            assert_eq!(free(&mut slabs, &mut pages, wrong), Err(AllocError::NotAllocated));
            assert_eq!(free(&mut slabs, &mut pages, block), Ok(()), "block {number} in steps of {step}");
            assert_eq!(free(&mut slabs, &mut pages, block), Err(AllocError::NotAllocated));
        }
        // SAFETY: 1. There is one page level.
        unsafe { slabs.trim(&mut pages) };
        assert_eq!((slabs.held_bytes(), pages.used_pages()), (0, begin));
    }
}

#[test]
fn an_address_that_only_shares_an_index_with_a_slab_is_not_allocated() {
    let (mut pages, mut slabs) = (Far::of_host(MIB), Box::new(Slabs::new()));
    pages.far = vec![1 << 40];
    let block = slabs.alloc_from(&mut pages, layout(4097, 8)).unwrap();
    for distance in [1 << 12, 1 << 21, 1 << 30, 1 << 39, 1 << 48, 4608 << 30, 4608 << 40] {
        let wrong = block.map_addr(|address| address.checked_add(distance).unwrap());
        for size in [4097, 16, 4096, 100_000] {
            // SAFETY: 1. The mistake is detected. 2. It is refused. 3. There is one page level.
            let answer = unsafe { slabs.dealloc_to(&mut pages, wrong, layout(size, 8)) };
            assert_eq!(answer, Err(AllocError::NotAllocated), "{distance:#x} away");
        }
    }
    assert_eq!(free(&mut slabs, &mut pages, block), Ok(()));
}

#[test]
fn a_refusal_at_any_node_of_the_map_loses_nothing() {
    for patience in 0..60 {
        let (mut pages, mut slabs) = (Far::of_host(MIB), Box::new(Slabs::new()));
        let begin = pages.used_pages();
        pages.far = far();
        pages.patience = patience;
        let mut blocks = Vec::new();
        while let Ok(block) = slabs.alloc_from(&mut pages, layout(4097, 8)) {
            blocks.push(block);
            if blocks.len() == far().len() * OBJECTS {
                break;
            }
        }
        assert_eq!(pages.refused > 0, blocks.len() < far().len() * OBJECTS);
        slabs.check_integrity::<Far>().unwrap();
        for block in blocks {
            assert_eq!(free(&mut slabs, &mut pages, block), Ok(()));
        }
        // SAFETY: 1. There is one page level.
        unsafe { slabs.trim(&mut pages) };
        assert_eq!((slabs.held_bytes(), pages.used_pages()), (0, begin), "after {patience} requests");
    }
}

#[test]
fn a_slab_across_two_leaves_of_the_map_is_found_in_both() {
    let (mut pages, mut slabs) = (Far::of_host(MIB), Box::new(Slabs::new()));
    let begin = pages.used_pages();
    // 8 KiB before a multiple of 2 MiB, where the next leaf begins.
    pages.far = vec![(1 << 40) - 8 * KIB];
    let blocks: Vec<_> = (0..4).map(|_| slabs.alloc_from(&mut pages, layout(4097, 8)).unwrap()).collect();
    slabs.check_integrity::<Far>().unwrap();
    for block in blocks {
        assert_eq!(free(&mut slabs, &mut pages, block), Ok(()));
    }
    // SAFETY: 1. There is one page level.
    unsafe { slabs.trim(&mut pages) };
    assert_eq!(pages.used_pages(), begin);
    for patience in 1..5 {
        pages.far = vec![(1 << 40) - 8 * KIB];
        pages.patience = patience;
        let block = slabs.alloc_from(&mut pages, layout(4097, 8));
        pages.patience = usize::MAX;
        if let Ok(block) = block {
            assert_eq!(free(&mut slabs, &mut pages, block), Ok(()));
        }
        // SAFETY: 1. There is one page level.
        unsafe { slabs.trim(&mut pages) };
        slabs.check_integrity::<Far>().unwrap();
        assert_eq!(pages.used_pages(), begin, "after {patience} requests");
    }
}

#[test]
fn the_page_at_address_zero_is_nobodys() {
    let (mut pages, mut slabs) = (Far::of_host(MIB), Box::new(Slabs::new()));
    let begin = pages.used_pages();
    // The page level offers 0, and after it was given back and its first page taken, another run.
    pages.far = vec![0, 64 * KIB];
    let block = slabs.alloc_from(&mut pages, layout(40_000, 8)).unwrap();
    assert_eq!((block.addr().get(), pages.far.len()), (64 * KIB, 0));
    slabs.check_integrity::<Far>().unwrap();
    // SAFETY: 1. The block is live, with this layout. 2. It is forgotten. 3. There is one page level.
    unsafe { slabs.dealloc_to(&mut pages, block, layout(40_000, 8)) }.unwrap();
    assert_eq!((slabs.held_bytes(), pages.used_pages()), (0, begin));
}
