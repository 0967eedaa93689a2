//! Taking free memory back from a byte level.

use crate::{AddressRange, BaseAllocator};

/// Gives free memory back to whoever handed it in. Which regions it came in does not matter.
///
/// # Safety
///
/// An implementation promises that after `Some(range)` it neither reads, writes nor hands out anything in the range.
///
/// # Complexity
///
/// Each implementation states the worst case.
pub unsafe trait ReclaimMemory: BaseAllocator {
    /// Takes out one free piece that begins at a multiple of `granule_bytes`, a power of two, and is a multiple of it long.
    /// `None` if there is no such piece, or the granule is none.
    ///
    /// Called until it gives `None`, it takes out all that can be had.
    fn reclaim(&mut self, granule_bytes: usize) -> Option<AddressRange>;
}
