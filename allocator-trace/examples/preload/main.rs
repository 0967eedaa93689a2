//! Records what any program allocates by the C library's malloc: a library to be loaded before it, by `LD_PRELOAD`.
//!
//! ```text
//!   program ─ malloc, free, … ─▶ this library ─▶ glibc's __libc_malloc, __libc_free, …
//!                                      │
//!                                      └ an Event in memory; when the program ends, a trace in a file
//! ```
//!
//! # In which order
//!
//! Another thread may get an address the moment it is free. So an allocation is recorded after it was made and a free
//! before it is; a realloc, which is both, is made while the recorder is locked. The lock spins; it is held for
//! nanoseconds, but for a realloc that copies.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

mod recorder;

use core::{ffi::c_void, ptr};

use allocator_trace::Event;
use libc::{c_int, size_t};

use recorder::RECORDER;

unsafe extern "C" {
    fn __libc_malloc(size: size_t) -> *mut c_void;
    fn __libc_calloc(count: size_t, size: size_t) -> *mut c_void;
    fn __libc_realloc(block: *mut c_void, size: size_t) -> *mut c_void;
    fn __libc_memalign(align: size_t, size: size_t) -> *mut c_void;
    fn __libc_free(block: *mut c_void);
}

/// What malloc aligns to, in bytes.
const ALIGN: usize = 2 * size_of::<usize>();

/// Bytes of a page, for valloc.
fn page_bytes() -> usize {
    // SAFETY: the question has no conditions.
    let answer = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(answer).unwrap_or(4096)
}

fn born(block: *mut c_void, size: usize, align: usize) -> *mut c_void {
    if !block.is_null() {
        RECORDER.record(|now| Event::alloc(now, block.addr(), size, align));
    }
    block
}

fn aligned(align: usize, size: usize) -> *mut c_void {
    // SAFETY: the C library's own function takes any alignment and size.
    let block = unsafe { __libc_memalign(align, size) };
    // Where there is no next power of two, there is no block either.
    born(block, size, align.checked_next_power_of_two().unwrap_or(ALIGN))
}

/// As the C library's.
#[unsafe(no_mangle)]
extern "C" fn malloc(size: size_t) -> *mut c_void {
    // SAFETY: the C library's own function takes any size.
    born(unsafe { __libc_malloc(size) }, size, ALIGN)
}

/// As the C library's.
#[unsafe(no_mangle)]
extern "C" fn calloc(count: size_t, size: size_t) -> *mut c_void {
    // SAFETY: the C library's own function takes any count and size, and refuses products that overflow.
    let block = unsafe { __libc_calloc(count, size) };
    if !block.is_null() {
        RECORDER.record(|now| Event::alloc(now, block.addr(), count * size, ALIGN).zeroed());
    }
    block
}

/// As the C library's.
///
/// # Safety
///
/// 1. `block` is live or null.
/// 2. Nobody uses it afterwards.
#[unsafe(no_mangle)]
unsafe extern "C" fn free(block: *mut c_void) {
    if !block.is_null() {
        RECORDER.record(|now| Event::free(now, block.addr(), 0));
    }
    // SAFETY: 1. and 2. are the caller's.
    unsafe { __libc_free(block) }
}

/// As the C library's: of null an allocation, to size 0 a free.
///
/// # Safety
///
/// 1. `block` is live or null.
/// 2. Nobody uses it afterwards, unless null comes back.
#[unsafe(no_mangle)]
unsafe extern "C" fn realloc(block: *mut c_void, size: size_t) -> *mut c_void {
    if block.is_null() {
        return malloc(size);
    }
    if size == 0 {
        // SAFETY: 1. and 2. are the caller's.
        unsafe { free(block) };
        return ptr::null_mut();
    }
    let from = block.addr();
    RECORDER.record_made(|now| {
        // SAFETY: 1. and 2. are the caller's.
        let moved = unsafe { __libc_realloc(block, size) };
        let event = (!moved.is_null()).then(|| Event::realloc(now, from, moved.addr(), size));
        (moved, event)
    })
}

/// As the C library's.
///
/// # Safety
///
/// As [`realloc`], conditions 1 and 2.
#[unsafe(no_mangle)]
unsafe extern "C" fn reallocarray(block: *mut c_void, count: size_t, size: size_t) -> *mut c_void {
    match count.checked_mul(size) {
        // SAFETY: 1. and 2. are the caller's.
        Some(bytes) => unsafe { realloc(block, bytes) },
        None => ptr::null_mut(),
    }
}

/// As the C library's.
#[unsafe(no_mangle)]
extern "C" fn memalign(align: size_t, size: size_t) -> *mut c_void {
    aligned(align, size)
}

/// As the C library's.
#[unsafe(no_mangle)]
extern "C" fn aligned_alloc(align: size_t, size: size_t) -> *mut c_void {
    aligned(align, size)
}

/// As the C library's.
#[unsafe(no_mangle)]
extern "C" fn valloc(size: size_t) -> *mut c_void {
    aligned(page_bytes(), size)
}

/// As the C library's: whole pages.
#[unsafe(no_mangle)]
extern "C" fn pvalloc(size: size_t) -> *mut c_void {
    let page = page_bytes();
    size.checked_next_multiple_of(page).map_or(ptr::null_mut(), |size| aligned(page, size))
}

/// As the C library's.
///
/// # Safety
///
/// 1. `place` may be written to.
#[unsafe(no_mangle)]
unsafe extern "C" fn posix_memalign(place: *mut *mut c_void, align: size_t, size: size_t) -> c_int {
    if !align.is_power_of_two() || !align.is_multiple_of(size_of::<usize>()) {
        return libc::EINVAL;
    }
    let block = aligned(align, size);
    if block.is_null() {
        return libc::ENOMEM;
    }
    // SAFETY: 1. is the caller's.
    unsafe { place.write(block) };
    0
}
