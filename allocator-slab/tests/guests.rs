//! Blocks that live in an object of a larger class, because there are no pages left.
#![allow(clippy::unwrap_used, reason = "a test helper that fails is a test that fails")]

use std::{alloc::Layout, ptr::NonNull};

use allocator_api::{AllocError, BaseAllocator, ByteAllocator, CheckIntegrity, UsableSize};
use allocator_slab::SlabByteAllocator;

const MIB: usize = 1 << 20;

/// A page is mostly a run of its own; as a guest it is an object, and stays one when its size stays the same.
#[test]
fn a_guest_of_the_size_of_a_page_is_resized_where_it_is() {
    let memory = vec![0_u8; MIB].leak();
    let mut slabs = Box::new(SlabByteAllocator::<allocator_bitmap::BitmapPageAllocator<4096>>::new());
    // SAFETY: 1. The memory is leaked, and this allocator's alone. 2. It is exposed here.
    unsafe { slabs.init(memory.as_mut_ptr().expose_provenance(), MIB) }.unwrap();
    let [page, larger] = [4096, 5120].map(|size| Layout::from_size_align(size, 8).unwrap());
    slabs.alloc(larger).unwrap();
    let mut blocks: Vec<_> = std::iter::from_fn(|| slabs.alloc(page).ok()).collect();
    let is_guest = |block: &NonNull<u8>| !block.addr().get().is_multiple_of(4096);
    assert!(!is_guest(&blocks[0]) && blocks.iter().any(is_guest));
    // A page that is free again tempts nobody to move.
    // SAFETY: 1. The block is live, with this layout. 2. It is forgotten.
    unsafe { slabs.dealloc(blocks.remove(0), page) }.unwrap();
    for block in blocks {
        // SAFETY: 1. The block is live, with this layout. 2. It stays where it is.
        let resized = unsafe { slabs.realloc(block, page, 4000) }.unwrap();
        assert_eq!(resized, block);
    }
}

type Heap = SlabByteAllocator<allocator_bitmap::BitmapPageAllocator<4096>>;

/// A heap in which, after one of `first` bytes, blocks of `size` bytes take all the memory that they can, and blocks of smaller classes
/// the rest; with one of `size`.
fn full_heap_after(first: usize, size: usize) -> (Box<Heap>, NonNull<u8>, Layout) {
    let memory = vec![0_u8; MIB].leak();
    let mut heap = Box::new(Heap::new());
    // SAFETY: 1. The memory is leaked, and this allocator's alone. 2. It is exposed here.
    unsafe { heap.init(memory.as_mut_ptr().expose_provenance(), MIB) }.unwrap();
    heap.alloc(Layout::from_size_align(first, 8).unwrap()).unwrap();
    let block_layout = Layout::from_size_align(size, 8).unwrap();
    let block = heap.alloc(block_layout).unwrap();
    let mut filler = size;
    while filler > 0 {
        while heap.alloc(Layout::from_size_align(filler, 8).unwrap()).is_ok() {}
        filler = if filler > 64 { filler - filler / 16 } else { filler - 8.min(filler) };
    }
    (heap, block, block_layout)
}

fn full_heap(size: usize) -> (Box<Heap>, NonNull<u8>, Layout) {
    full_heap_after(size, size)
}

/// Objects, runs, and runs that become an object's size; each to sizes of every kind below.
#[test]
fn on_a_full_heap_a_block_becomes_smaller_where_it_is() {
    for size in [32, 64, 200, 1000, 3000, 4608, 5120, 9000, 20_480, 33_000, 70_000] {
        for new_size in [1, 16, 30, 48, 150, 900, 2048, 4096, 8192, 12_288, 17_000, 33_000] {
            if new_size >= size {
                continue;
            }
            let (mut heap, block, layout) = full_heap(size);
            let usable = heap.usable_size(layout);
            // SAFETY: the block is live, of `size` bytes.
            unsafe { block.write_bytes(0xA5, size) };
            // SAFETY: 1. The block is live, with this layout. 2. Only what is returned is used.
            assert_eq!(unsafe { heap.realloc(block, layout, new_size) }, Ok(block), "{size} to {new_size}");
            heap.check_integrity().unwrap();
            // SAFETY: the block is live, of `new_size` bytes.
            let contents = unsafe { std::slice::from_raw_parts(block.as_ptr(), new_size) };
            assert!(contents.iter().all(|&byte| byte == 0xA5), "{size} to {new_size}");
            let new_layout = Layout::from_size_align(new_size, 8).unwrap();
            if heap.usable_size(new_layout) != usable {
                // SAFETY: 1. The mistake is detected. 2. It is refused.
                let wrong = unsafe { heap.dealloc(block, layout) };
                assert_eq!(wrong, Err(AllocError::NotAllocated), "{size} to {new_size}");
            }
            // SAFETY: 1. The block is live, with this layout the first time; a double free is detected. 2. It is forgotten.
            let answers = unsafe { [heap.dealloc(block, new_layout), heap.dealloc(block, new_layout)] };
            assert_eq!(answers, [Ok(()), Err(AllocError::NotAllocated)], "{size} to {new_size}");
            heap.check_integrity().unwrap();
        }
    }
}

/// A guest has what the object has that it is in: all of it, too.
#[test]
fn on_a_full_heap_a_guest_becomes_smaller_and_grows_again_where_it_is() {
    let (mut heap, block, first) = full_heap(3000);
    let mut layout = first;
    for size in [2000, 100, 20, 1000, 2800, 16, 3072, 1500, 2900] {
        // SAFETY: 1. The block is live, with this layout. 2. Only what is returned is used.
        assert_eq!(unsafe { heap.realloc(block, layout, size) }, Ok(block), "{size}");
        layout = Layout::from_size_align(size, 8).unwrap();
        // SAFETY: 1. The block is live, with this layout. 2. It is refused.
        assert_eq!(unsafe { heap.realloc(block, layout, 3073) }, Err(AllocError::NoMemory), "{size}");
        heap.check_integrity().unwrap();
    }
    // SAFETY: 1. The block is live, with a layout of the same class; then it is a mistake that is detected. 2. It is forgotten.
    let answers = unsafe { [heap.dealloc(block, first), heap.dealloc(block, layout)] };
    assert_eq!(answers, [Ok(()), Err(AllocError::NotAllocated)]);
    heap.check_integrity().unwrap();
}

/// A guest of a class that runs serve is no run, whatever it becomes.
#[test]
fn on_a_full_heap_a_guest_of_the_size_of_pages_changes_its_size_where_it_is() {
    let (mut heap, block, mut layout) = full_heap(9000);
    for size in [8192, 4096, 3000, 4000, 8000, 9200, 4096, 8192] {
        // SAFETY: 1. The block is live, with this layout. 2. Only what is returned is used.
        assert_eq!(unsafe { heap.realloc(block, layout, size) }, Ok(block), "{size}");
        layout = Layout::from_size_align(size, 8).unwrap();
        heap.check_integrity().unwrap();
    }
    // SAFETY: 1. The block is live, with this layout. 2. It is forgotten.
    assert_eq!(unsafe { heap.dealloc(block, layout) }, Ok(()));
    heap.check_integrity().unwrap();
}

/// A page that serves a class has a record, and needs no other to serve a larger class, or to be a page again.
#[test]
fn on_a_full_heap_a_page_becomes_smaller_and_grows_again_where_it_is() {
    let (mut heap, block, mut layout) = full_heap_after(64, 4096);
    for size in [100, 3000, 20, 200, 4096] {
        // SAFETY: 1. The block is live, with this layout. 2. Only what is returned is used.
        assert_eq!(unsafe { heap.realloc(block, layout, size) }, Ok(block), "{size}");
        layout = Layout::from_size_align(size, 8).unwrap();
        // SAFETY: 1. The block is live, with this layout. 2. It is refused.
        assert_eq!(unsafe { heap.realloc(block, layout, 4097) }, Err(AllocError::NoMemory), "{size}");
        heap.check_integrity().unwrap();
    }
    // SAFETY: 1. The block is live, with this layout. 2. It is forgotten.
    assert_eq!(unsafe { heap.dealloc(block, layout) }, Ok(()));
    heap.check_integrity().unwrap();
}

/// A run of one page has no record of its own: it gets one, or stays as it is.
#[test]
fn on_a_full_heap_a_page_becomes_smaller_while_there_is_a_record() {
    let (page, small) = (Layout::from_size_align(4096, 8).unwrap(), Layout::from_size_align(100, 8).unwrap());
    for (first, has_record) in [(64, true), (4096, false)] {
        let (mut heap, block, layout) = full_heap_after(first, 4096);
        // SAFETY: 1. The block is live, with this layout. 2. Only what is returned is used.
        let answer = unsafe { heap.realloc(block, layout, 100) };
        assert_eq!(answer, if has_record { Ok(block) } else { Err(AllocError::NoMemory) });
        heap.check_integrity().unwrap();
        let (wrong, right) = if has_record { (page, small) } else { (small, page) };
        // SAFETY: 1. The mistake is detected the first time; then the block is live, with this layout. 2. It is forgotten.
        let answers = unsafe { [heap.dealloc(block, wrong), heap.dealloc(block, right)] };
        assert_eq!(answers, [Err(AllocError::NotAllocated), Ok(())]);
        heap.check_integrity().unwrap();
    }
}
