//! What is measured: an unlocked allocator on memory that was handed to it.
//!
//! Byte and page allocators share one trait, because the same scripts drive both: a size is in bytes for the one and in
//! pages for the other. [`registry`] names every subject; a new engine is one line there.

pub(crate) mod hosted;
pub(crate) mod limit;
#[cfg(feature = "hosted")]
pub(crate) mod mimalloc;
pub(crate) mod ours;
pub(crate) mod packages;
pub(crate) mod page_peers;
pub(crate) mod peers;
pub(crate) mod registry;

use std::{alloc::Layout, ptr::NonNull};

use crate::region::Region;

/// What is asked for: bytes or pages, and an alignment in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Request {
    /// Bytes or pages; not 0.
    pub(crate) size: u32,
    /// Alignment in bytes, as a power of two.
    pub align_log2: u8,
}

impl Request {
    /// The request as the layout of a byte block.
    #[inline(always)]
    #[must_use]
    pub(crate) const fn layout(self) -> Layout {
        // SAFETY: scripts hold alignments below 2^32, and 2^32 bytes rounded up to one of them do not overflow.
        unsafe { Layout::from_size_align_unchecked(self.size as usize, 1 << self.align_log2) }
    }

    /// Alignment in bytes.
    #[inline(always)]
    #[must_use]
    pub(crate) const fn align_bytes(self) -> usize {
        1 << self.align_log2
    }
}

/// An allocator under measurement.
///
/// # Safety
/// 1. A block that `alloc` or `realloc` gives is the caller's until it is given back: it overlaps no other.
/// 2. It has the size and the alignment asked for.
pub(crate) unsafe trait Subject: Sized {
    /// Whether free blocks become one again, so that a large block may be tried and given back without a trace.
    const MERGES: bool = true;

    /// The allocator over `region`.
    ///
    /// # Errors
    /// Why it cannot manage a region like this.
    fn create(region: Region) -> Result<Box<Self>, String>;

    /// A block, or `None` if it is refused.
    fn alloc(&mut self, request: Request) -> Option<NonNull<u8>>;

    /// Gives a block back.
    ///
    /// # Safety
    /// 1. `block` is live and came from this subject for `request`.
    /// 2. Nobody uses it afterwards.
    unsafe fn dealloc(&mut self, block: NonNull<u8>, request: Request);

    /// Changes the size of a block; the default is a new block, a copy, and the old one given back.
    ///
    /// # Safety
    /// 1. `block` is live and came from this subject for `request`.
    /// 2. After `Some` nobody uses it.
    #[inline(always)]
    unsafe fn realloc(&mut self, block: NonNull<u8>, request: Request, size: u32) -> Option<NonNull<u8>> {
        let new = self.alloc(Request { size, ..request })?;
        // SAFETY: both blocks are live, distinct and at least as long as the smaller size; then 1. and 2. as for the caller.
        unsafe {
            new.copy_from_nonoverlapping(block, request.size.min(size) as usize);
            self.dealloc(block, request);
        }
        Some(new)
    }

    /// Bytes or pages that cannot be handed out now by the subject's own account, if it keeps one.
    fn used(&self) -> Option<usize> {
        None
    }

    /// What cannot be handed out now, with its records, by address: first byte and size of each stretch, if it can tell.
    fn held(&self) -> Option<Vec<(usize, usize)>> {
        None
    }
}
