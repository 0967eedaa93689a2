//! Blocks as pointers.

use core::ptr::{self, NonNull};

/// The pointer to a block. `None` for address 0, where no block is.
#[inline(always)]
pub(crate) fn at_address(address: usize) -> Option<NonNull<u8>> {
    NonNull::new(ptr::with_exposed_provenance_mut(address))
}

/// Copies the first `bytes` bytes of a block to another.
///
/// # Safety
///
/// 1. Both blocks are live and have at least `bytes` bytes.
/// 2. They are not the same block.
pub(crate) unsafe fn copy(from: NonNull<u8>, to: NonNull<u8>, bytes: usize) {
    // SAFETY: both are live (1), and live blocks do not overlap (2).
    unsafe { to.copy_from_nonoverlapping(from, bytes) }
}

/// Constructs an object.
///
/// # Safety
///
/// 1. The object is live, at a place that is large and aligned enough for a `T`, and nobody else uses it.
#[inline(always)]
pub(crate) unsafe fn construct<T>(object: NonNull<T>, value: T) {
    // SAFETY: nobody else's, large and aligned enough (1).
    unsafe { object.write(value) }
}

/// Writes one byte at `address`.
///
/// # Safety
///
/// 1. The byte lies in a slab of this engine, in the part of an object that its owner does not know.
pub(crate) unsafe fn write_mark(address: usize, mark: u8) {
    // SAFETY: memory of this engine, which nobody else uses (1).
    unsafe { ptr::with_exposed_provenance_mut::<u8>(address).write(mark) }
}

/// Reads what [`write_mark`] wrote.
///
/// # Safety
///
/// 1. As for [`write_mark`], and it was written.
pub(crate) unsafe fn read_mark(address: usize) -> u8 {
    // SAFETY: as in `write_mark`.
    unsafe { ptr::with_exposed_provenance::<u8>(address).read() }
}
