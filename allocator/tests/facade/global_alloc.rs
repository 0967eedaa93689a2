//! The facade as Rust's global allocator.

use std::{
    alloc::{GlobalAlloc, Layout},
    process::Command,
    ptr,
};

use allocator::{Hooks, InvalidFree};

use crate::support::{Arena, KIB, MIB, ToyHeap, layout, toy_heap};

/// The heap with the methods of the trait alone: its own have the same names.
fn raw(heap: &ToyHeap) -> &dyn GlobalAlloc {
    heap
}

fn alloc(heap: &ToyHeap, layout: Layout) -> *mut u8 {
    // SAFETY: layouts of size 0 are answered too.
    unsafe { raw(heap).alloc(layout) }
}

#[test]
fn exhaustion_is_answered_with_null() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    let count = (0..).take_while(|_| !alloc(&heap, layout(4 * KIB, 8)).is_null()).count();
    assert_eq!(count, 256);
    // SAFETY: the layout is not empty.
    assert!(unsafe { raw(&heap).alloc_zeroed(layout(4 * KIB, 8)) }.is_null());
    assert!(alloc(&heap, layout(isize::MAX as usize, 1)).is_null());
    assert!(alloc(&ToyHeap::new(), layout(1, 1)).is_null());
}

#[test]
fn a_size_of_zero_is_answered_with_null() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    assert!(alloc(&heap, layout(0, 1)).is_null());
    // SAFETY: layouts of size 0 are answered too.
    assert!(unsafe { raw(&heap).alloc_zeroed(layout(0, 64)) }.is_null());
    let block = alloc(&heap, layout(8, 8));
    // SAFETY: the block is live and stays so.
    assert!(unsafe { raw(&heap).realloc(block, layout(8, 8), 0) }.is_null());
    assert_eq!(heap.usage().heap_used_bytes, 8);
}

#[test]
fn null_is_given_back_without_a_word() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    // SAFETY: null is answered too.
    unsafe {
        raw(&heap).dealloc(ptr::null_mut(), layout(8, 8));
        assert!(raw(&heap).realloc(ptr::null_mut(), layout(8, 8), 16).is_null());
    }
    assert_eq!(heap.invalid_frees(), 0);
}

#[test]
fn cleared_blocks_are_clear_on_memory_that_was_used() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    let block = alloc(&heap, layout(5000, 16));
    // SAFETY: the block is live until it is given back; the next one lies in its place, which is asserted.
    unsafe {
        block.write_bytes(0xff, 5000);
        raw(&heap).dealloc(block, layout(5000, 16));
        let cleared = raw(&heap).alloc_zeroed(layout(5000, 16));
        assert_eq!(cleared, block);
        assert!(std::slice::from_raw_parts(cleared, 5000).iter().all(|byte| *byte == 0));
    }
}

#[test]
fn realloc_moves_the_bytes_or_leaves_them() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    let block = alloc(&heap, layout(16, 16));
    // SAFETY: the block is live until it moves.
    unsafe {
        block.write_bytes(0x11, 16);
        assert!(raw(&heap).realloc(block, layout(16, 16), 2 * MIB).is_null());
        let moved = raw(&heap).realloc(block, layout(16, 16), 32);
        assert!(!moved.is_null());
        assert_eq!(moved.cast::<[u8; 16]>().read(), [0x11; 16]);
        assert_eq!(heap.usage().heap_used_bytes, 32);
        raw(&heap).dealloc(moved, layout(32, 16));
    }
    assert_eq!((heap.usage().heap_used_bytes, heap.invalid_frees()), (0, 0));
}

#[test]
fn an_invalid_free_is_counted() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    let block = alloc(&heap, layout(16, 16));
    // SAFETY: the block is live; the second free is a mistake that the toy detects.
    unsafe {
        raw(&heap).dealloc(block, layout(16, 16));
        raw(&heap).dealloc(block, layout(16, 16));
    }
    assert_eq!(heap.invalid_frees(), 1);
}

/// Runs this test's own program again, in which a hook panics.
#[test]
fn a_hook_that_panics_aborts_instead_of_unwinding() {
    const MARK: &str = "ALLOCATOR_TEST_PANICS_IN_A_HOOK";
    fn panic_in_hook(_: &InvalidFree) {
        panic!("hooked");
    }
    static PANICKING: Hooks = Hooks { invalid_free: panic_in_hook, ..Hooks::NONE };

    if std::env::var_os(MARK).is_some() {
        let heap = ToyHeap::new();
        heap.set_hooks(&PANICKING);
        let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            // SAFETY: a mistake that the toy detects.
            unsafe { GlobalAlloc::dealloc(&heap, ptr::dangling_mut(), layout(1, 1)) };
        }));
        assert!(unwound.is_ok(), "the panic was let through");
        return;
    }
    let test = "global_alloc::a_hook_that_panics_aborts_instead_of_unwinding";
    let mut program = Command::new(std::env::current_exe().unwrap());
    let output = program.args([test, "--exact", "--nocapture"]).env(MARK, "1").output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(words.contains("hooked") && words.contains("a hook of the global allocator panicked"), "{words}");
    assert!(!words.contains("the panic was let through"), "{words}");
}
