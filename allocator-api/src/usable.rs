//! How much of a block may be used.

use core::alloc::Layout;

use crate::ByteAllocator;

/// Tells how many bytes a block really has: a container may grow into them without a call.
///
/// # Safety
///
/// An implementation promises that whoever is handed a block for `layout` may use `usable_size(layout)` bytes of it, as
/// if he had asked for so many, and may give it back, or resize it, with any size from `layout.size()` up to that.
///
/// # Complexity
///
/// Constant.
pub unsafe trait UsableSize: ByteAllocator {
    /// Bytes of a block that was allocated with `layout`: `layout.size()` at least, and 0 if that is 0. Of a
    /// layout that nothing can serve it says nothing.
    fn usable_size(&self, layout: Layout) -> usize;
}
