//! The package's pools in memory: the one file of this crate that makes pointers and reads managed memory.
//!
//! ```text
//!   header, half a granule                      payload
//!   ┌──────────────────┬──────────────────────┬──────────────┄┄
//!   │ size and flags   │ block before this    │
//!   └──────────────────┴──────────────────────┴──────────────┄┄
//!    0                  1 word                 2 words
//! ```
//!
//! - *Size and flags*: bytes of the whole block; bit 0 is set where the block is not free, bit 1 in a sentinel.
//! - *Block before this*: the block that ends where this one starts; null in the first block of a pool.
//! - Where the alignment asked for is a granule or more, the word in front of the payload holds the address of the
//!   header; for smaller alignments the header itself is what lies in front of the payload.
//!
//! All of this is how the version of `rlsf` that the workspace pins writes its records. They are read here for exact
//! statistics, and written in one place: [`Pools::join`].
//!
//! # Invariants
//!
//! - I1. Every pool was put in by [`Pools::insert`], so its memory is the allocator's alone, for good, and its
//!   provenance is exposed.
//! - I2. Records of a pool are written by the package alone, and by `join`, which leaves them as the package would.

use core::{alloc::Layout, num::NonZeroUsize, ptr, ptr::NonNull};

use allocator_api::{AddressRange, ConstEmpty, address::is_aligned};

use super::fit::{
    FIRST_LEVEL_COUNT, GRANULE_BYTES, HEADER_BYTES, SECOND_LEVEL_COUNT, SENTINEL_BYTES, SMALLEST_POOL_BYTES,
    is_one_pool,
};

const WORD_BYTES: usize = size_of::<usize>();

/// Flag of a block that is not free.
const USED: usize = 1;
/// Flag of a block that ends a pool.
const SENTINEL: usize = 2;
/// The bits of the first word that are the size.
const SIZE_MASK: usize = !(GRANULE_BYTES - 1);

const _: () = assert!(HEADER_BYTES == 2 * WORD_BYTES, "a header is two words");

/// The lists of free blocks over all pools.
pub(super) struct Pools {
    lists: rlsf::Tlsf<'static, usize, u32, FIRST_LEVEL_COUNT, SECOND_LEVEL_COUNT>,
}

impl ConstEmpty for Pools {
    const EMPTY: Self = Self { lists: rlsf::Tlsf::new() };
}

impl Pools {
    /// Puts in a pool: one free block, and the sentinel. O(1).
    ///
    /// # Safety
    ///
    /// 1. The pool is memory that may be read and written, and is the allocator's alone from now on; its provenance
    ///    is exposed.
    /// 2. It consists of whole granules, from two up to what [`is_one_pool`] says, without address 0 and without
    ///    the last byte of the address space.
    pub(super) unsafe fn insert(&mut self, pool: AddressRange) {
        debug_assert!(is_aligned(pool.start(), GRANULE_BYTES) && is_one_pool(pool));
        let bytes = pool.last() - pool.start() + 1;
        debug_assert!(is_aligned(bytes, GRANULE_BYTES) && bytes >= SMALLEST_POOL_BYTES);
        let start = ptr::with_exposed_provenance_mut::<u8>(pool.start());
        let Some(memory) = NonNull::new(ptr::slice_from_raw_parts_mut(start, bytes)) else {
            return;
        };
        // SAFETY: the memory is the package's alone for good: 1. Its size fits a slice, and its end is an address: 2.
        let taken = unsafe { self.lists.insert_free_block_ptr(memory) };
        debug_assert_eq!(taken.map(NonZeroUsize::get), Some(bytes), "the whole region is one pool");
    }

    /// Makes one pool of the two that meet at `border`. The sentinel between them becomes free. O(1).
    ///
    /// # Safety
    ///
    /// 1. A pool ends with the byte before `border`, another one starts at it.
    /// 2. Together they are no larger than [`is_one_pool`] says.
    pub(super) unsafe fn join(&mut self, border: usize) {
        let sentinel_pos = border - SENTINEL_BYTES;
        let sentinel = ptr::with_exposed_provenance_mut::<usize>(sentinel_pos);
        // SAFETY: the word is a record of a pool (1., I1), the first one of a sentinel, and aligned: every block starts
        // at a multiple of the granule.
        unsafe {
            debug_assert_eq!(sentinel.read(), SENTINEL_BYTES | USED | SENTINEL);
            // What was the sentinel is now a block of one granule in the middle of one pool, as if handed out. The
            // block that starts at the border does not point to it yet; freeing a block sets that link anew.
            sentinel.write(SENTINEL_BYTES | USED);
        }
        // SAFETY: 1. By that write there is a live block with its header at `sentinel_pos`; nobody uses it.
        // 2. An alignment of 1 is smaller than a granule. (The result is at most one pool: 2.)
        unsafe { self.deallocate(sentinel_pos + HEADER_BYTES, 1) };
    }

    /// Hands out a payload for `layout`, and says how many bytes its block has. O(1).
    pub(super) fn allocate(&mut self, layout: Layout) -> Option<(NonNull<u8>, usize)> {
        let payload = self.lists.allocate(layout)?;
        // SAFETY: 1. and 2. the package has just handed it out for this layout.
        let block_bytes = unsafe { block_bytes(payload.addr().get(), layout.align()) };
        Some((payload, block_bytes))
    }

    /// Takes back the payload at `pos`, and says how many bytes its block had. O(1).
    ///
    /// # Safety
    ///
    /// 1. `pos` is the payload of a live block of this allocator, which nobody uses any more.
    /// 2. It was asked for with alignment `align`.
    pub(super) unsafe fn deallocate(&mut self, pos: usize, align: usize) -> usize {
        let Some(payload) = payload_at(pos) else {
            return 0;
        };
        // SAFETY: 1. and 2. are the caller's.
        let freed_bytes = unsafe { block_bytes(pos, align) };
        // SAFETY: the payload is live and was allocated with `align`: 1., 2.
        unsafe { self.lists.deallocate(payload, align) };
        freed_bytes
    }

    /// Resizes the payload at `pos` to `new_layout`, and says how many bytes its block had and has.
    ///
    /// O(1), and the copy of the old payload where the block moves. `None` leaves the block as it was.
    ///
    /// # Safety
    ///
    /// 1. `pos` is the payload of a live block of this allocator; after `Some`, nobody uses it at its old place.
    /// 2. It was asked for with alignment `new_layout.align()`.
    pub(super) unsafe fn reallocate(&mut self, pos: usize, new_layout: Layout) -> Option<Resized> {
        let payload = payload_at(pos)?;
        // SAFETY: 1. and 2. are the caller's.
        let old_bytes = unsafe { block_bytes(pos, new_layout.align()) };
        // SAFETY: the payload is live and was allocated with this alignment: 1., 2.
        let payload = unsafe { self.lists.reallocate(payload, new_layout) }?;
        // SAFETY: 1. and 2. the package has just handed it out with this alignment.
        let new_bytes = unsafe { block_bytes(payload.addr().get(), new_layout.align()) };
        Some(Resized { payload, old_bytes, new_bytes })
    }
}

/// A block whose size was changed.
pub(super) struct Resized {
    /// Where the payload is now.
    pub(super) payload: NonNull<u8>,
    /// Bytes of the block before.
    pub(super) old_bytes: usize,
    /// Bytes of the block now.
    pub(super) new_bytes: usize,
}

/// A pointer to the payload at `pos`, which is no block if it is 0.
fn payload_at(pos: usize) -> Option<NonNull<u8>> {
    NonNull::new(ptr::with_exposed_provenance_mut(pos))
}

/// Bytes of the block whose payload lies at `pos`, with header and padding. O(1).
///
/// # Safety
///
/// 1. `pos` is the payload of a live block.
/// 2. It was asked for with alignment `align`.
unsafe fn block_bytes(pos: usize, align: usize) -> usize {
    let header = if align < GRANULE_BYTES {
        ptr::with_exposed_provenance::<usize>(pos - HEADER_BYTES)
    } else {
        let in_front = ptr::with_exposed_provenance::<*const usize>(pos - WORD_BYTES);
        // SAFETY: the block is live (1.) and of such an alignment (2.), so the package has put the pointer to its
        // header here (I2), in a pool (I1); payloads are aligned to at least a word.
        unsafe { in_front.read() }
    };
    // SAFETY: a live block (1.) has its header in a pool (I1), written by the package (I2), aligned to a granule.
    let size_and_flags = unsafe { header.read() };
    debug_assert_eq!(size_and_flags & !SIZE_MASK, USED, "the header of a block that is live");
    size_and_flags & SIZE_MASK
}
