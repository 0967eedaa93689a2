//! Where the records of pages are kept.
//!
//! A span's records are one *block* of words. A [`Link`] names a block; the directory of spans is a binary tree of
//! links. The links of a block, left and right, are kept beside its words, out of reach of the code that
//! calculates with them.
//!
//! | kind | blocks lie in | for |
//! |---|---|---|
//! | [`InRegion`](crate::InRegion) | pages of the span itself | memory, with nothing else at hand |
//! | [`Lent`](crate::Lent) | memory lent for that | memory that must not be touched; mere numbers |
//! | [`Inline`](crate::Inline) | the value | few pages, ids |

use core::num::NonZeroUsize;

use crate::summary::CHUNK_WORDS;

/// Names a block: an address for blocks in regions, a slot number for blocks in an arena.
///
/// Only the kinds of records make links, so that one found in the directory is always one they gave out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Link(NonZeroUsize);

impl Link {
    pub(crate) const fn new(number: NonZeroUsize) -> Self {
        Self(number)
    }

    pub(crate) const fn number(self) -> usize {
        self.0.get()
    }
}

/// Names the words of one chunk in a block: their address for blocks in regions, an index for blocks in an arena.
///
/// It serves where a look at the block first would cost too much. It holds until the block is extended or released,
/// or another one is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChunkPlace(NonZeroUsize);

impl ChunkPlace {
    pub(crate) const fn new(number: NonZeroUsize) -> Self {
        Self(number)
    }

    pub(crate) const fn number(self) -> usize {
        self.0.get()
    }
}

/// Which of a node's two children.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// The child with lower pages.
    Left,
    /// The child with higher pages.
    Right,
}

/// Memory for a block: what [`Store::claim`] makes one in, if blocks lie in managed pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Home {
    /// Address of the first byte, a multiple of 8 and not 0.
    pub(crate) address: usize,
    /// Size in bytes.
    pub(crate) bytes: usize,
}

/// Keeps blocks.
pub trait Store {
    /// Whether blocks lie in managed pages.
    const IN_REGION: bool;
    /// Bytes that a block takes beyond its words.
    const OVERHEAD_BYTES: usize;

    /// The words of a block.
    fn words(&self, link: Link) -> &[u64];

    /// The words of a block, to change.
    fn words_mut(&mut self, link: Link) -> &mut [u64];

    /// Names the words of a block from word `at` on as those of a chunk; `None` if the block has fewer.
    fn chunk_place(&self, link: Link, at: usize) -> Option<ChunkPlace>;

    /// The words of a chunk, to change.
    fn chunk_mut(&mut self, place: ChunkPlace) -> &mut [u64; CHUNK_WORDS];

    /// A child of a block in the directory.
    fn child(&self, link: Link, side: Side) -> Option<Link>;

    /// Sets a child.
    fn set_child(&mut self, link: Link, side: Side, child: Option<Link>);

    /// Makes a block of at least `words` words, all zero, without children. Blocks in an arena ignore `home`;
    /// blocks in regions fill it. `None`: no room.
    ///
    /// # Safety
    ///
    /// Where [`IN_REGION`](Self::IN_REGION):
    /// 1. `home` is memory that may be read and written and whose provenance is exposed, and nobody else uses it
    ///    until the block is released;
    /// 2. the value stays where it is used with the links it gave out: a link is used with its own store only, and
    ///    no more once the block is released.
    unsafe fn claim(&mut self, home: Home, words: usize) -> Option<Link>;

    /// Makes a block at least `words` words long, keeping what is in it; the words added are zero or left from
    /// before. Returns whether there was room.
    fn extend(&mut self, link: Link, words: usize) -> bool;

    /// Gives the room of a block up.
    fn release(&mut self, link: Link);
}

/// Where a page allocator keeps its records: [`InRegion`](crate::InRegion), [`Lent`](crate::Lent) or
/// [`Inline`](crate::Inline). The trait is sealed.
pub trait Records: Store + Send {
    /// What to call a page allocator with such records.
    const NAME: &'static str;

    /// Bytes of the room for records that is there already; `None` if there is none and some has to be lent.
    fn room_bytes(&self) -> Option<usize> {
        Some(usize::MAX)
    }

    /// Keeps records in `home` from now on. Those that take room when they need it do nothing.
    ///
    /// # Safety
    ///
    /// 1. `home` is memory that may be read and written and whose provenance is exposed; nobody else ever uses it.
    unsafe fn take_room(&mut self, home: Home) {
        let _in_regions_or_in_the_value = home;
    }
}
