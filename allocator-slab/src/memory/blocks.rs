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
