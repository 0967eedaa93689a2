//! Blocks of records in managed pages: the only file that makes pointers.
//!
//! ```text
//!   address       + 32
//!   ├ Head ───────┼ words[0] ┼ words[1] ┼ … ┼ words[count − 1] ┤
//! ```
//!
//! # Invariants
//!
//! - M1: a [`Link`] that [`InRegion`] gave out is the address of a block whose home is used by nobody else until
//!   the block is released (condition 1 of `claim`); links reach the functions here only while that holds
//!   (condition 2).
//! - M2: a block's `Head` is written here alone, and says truly how many words follow.
//! - M3: a [`ChunkPlace`] that [`InRegion`] gave out is the address of words of such a block, and is forgotten before
//!   the block is released, as links are.

use core::{
    num::NonZeroUsize,
    ptr::{self, NonNull},
    slice,
};

use allocator_api::ConstEmpty;

use crate::{
    records::{ChunkPlace, Home, Link, Records, Side, Store},
    summary::CHUNK_WORDS,
};

/// Records in the pages of the span that they describe.
///
/// They are counted in `total` and `used`. A region that touches no other has them in its first pages.
#[derive(Debug)]
pub struct InRegion(());

/// What stands before the words of a block.
#[repr(C)]
struct Head {
    children: [Option<Link>; 2],
    count: usize,
}

/// Bytes from a block's address to its words.
const HEAD_BYTES: usize = 32;
const WORD_BYTES: usize = size_of::<u64>();
const _: () = assert!(size_of::<Head>() <= HEAD_BYTES && HEAD_BYTES.is_multiple_of(align_of::<u64>()));

impl InRegion {
    /// No records yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(())
    }

    fn head(link: Link) -> NonNull<Head> {
        // The address of a block is never 0.
        let address = ptr::with_exposed_provenance_mut(link.number());
        NonNull::new(address).unwrap_or(NonNull::dangling())
    }

    /// Where the words of a block begin.
    fn first_word(link: Link) -> *mut u64 {
        // In the home of the block (M1), which is more than `HEAD_BYTES` long; `wrapping_` only spares a
        // condition.
        Self::head(link).as_ptr().cast::<u8>().wrapping_add(HEAD_BYTES).cast()
    }
}

impl ConstEmpty for InRegion {
    const EMPTY: Self = Self::new();
}

impl Default for InRegion {
    fn default() -> Self {
        Self::new()
    }
}

impl Store for InRegion {
    const IN_REGION: bool = true;
    const OVERHEAD_BYTES: usize = HEAD_BYTES;

    #[inline]
    fn words(&self, link: Link) -> &[u64] {
        // SAFETY: the head and the words after it are a block's (M1) and initialized (M2); `&self` keeps writers
        // out.
        unsafe { slice::from_raw_parts(Self::first_word(link), Self::head(link).as_ref().count) }
    }

    #[inline]
    fn words_mut(&mut self, link: Link) -> &mut [u64] {
        // SAFETY: the head and the words after it are a block's (M1) and initialized (M2); `&mut self` keeps
        // others out.
        unsafe { slice::from_raw_parts_mut(Self::first_word(link), Self::head(link).as_ref().count) }
    }

    fn chunk_place(&self, link: Link, at: usize) -> Option<ChunkPlace> {
        let words = self.words(link).get(at..)?.first_chunk::<CHUNK_WORDS>()?;
        NonZeroUsize::new(words.as_ptr().addr()).map(ChunkPlace::new)
    }

    #[inline]
    fn chunk_mut(&mut self, place: ChunkPlace) -> &mut [u64; CHUNK_WORDS] {
        let words: *mut [u64; CHUNK_WORDS] = ptr::with_exposed_provenance_mut(place.number());
        // SAFETY: eight words of a block (M3), initialized (M2); `&mut self` keeps others out.
        unsafe { &mut *words }
    }

    fn child(&self, link: Link, side: Side) -> Option<Link> {
        // SAFETY: the head of a block (M1), initialized (M2).
        unsafe { Self::head(link).as_ref().children[side as usize] }
    }

    fn set_child(&mut self, link: Link, side: Side, child: Option<Link>) {
        // SAFETY: the head of a block (M1), initialized (M2); `&mut self` keeps others out.
        unsafe { Self::head(link).as_mut().children[side as usize] = child }
    }

    unsafe fn claim(&mut self, home: Home, words: usize) -> Option<Link> {
        debug_assert!(home.address.is_multiple_of(align_of::<Head>().max(align_of::<u64>())));
        let count = home.bytes.checked_sub(HEAD_BYTES)? / WORD_BYTES;
        let link = Link::new(NonZeroUsize::new(home.address)?);
        if count < words {
            return None;
        }
        // SAFETY: `HEAD_BYTES + count · WORD_BYTES` bytes of the home, aligned, which nobody else uses (condition
        // 1).
        unsafe {
            Self::head(link).write(Head { children: [None, None], count });
            Self::first_word(link).write_bytes(0, count);
        }
        Some(link)
    }

    fn extend(&mut self, link: Link, words: usize) -> bool {
        self.words(link).len() >= words
    }

    fn release(&mut self, _link: Link) {}
}

impl Records for InRegion {
    const NAME: &'static str = "bitmap";
}

/// The words of memory that is lent for good, all zero.
///
/// # Safety
///
/// 1. `home` is memory that may be read and written and whose provenance is exposed; nobody else ever uses it. One
///    past its last byte is an address.
pub(crate) unsafe fn words_of(home: Home) -> &'static mut [u64] {
    debug_assert!(home.address.is_multiple_of(align_of::<u64>()) && home.address != 0);
    let (first, count) = (ptr::with_exposed_provenance_mut::<u64>(home.address), home.bytes / WORD_BYTES);
    // SAFETY: 1. `count` words, aligned, lie in the home, which is ours alone; they are written before they are read.
    unsafe {
        first.write_bytes(0, count);
        slice::from_raw_parts_mut(first, count)
    }
}
