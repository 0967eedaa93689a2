//! The map from an address to the record of its frame: a page table in software, with a translation cache.
//!
//! ```text
//!                         ┌── index of a level ──┬─ index of a leaf ─┬─ in the frame ─┐
//!   address   … prefix …  │       9 bits         │      9 bits       │    12 bits     │
//!                         └──────────────────────┴───────────────────┴────────────────┘
//!
//!   root ──▶ node ──▶ … ──▶ leaf ──▶ record          exact: grows by a level when an address lies outside
//!   near[index of the lowest level] ──▶ leaf ──▶ …   a guess: the leaf that was last found under that index
//! ```
//!
//! A node is one page: 512 entries of 8 bytes (32 bit: 1024 of 4). The tree has as many levels as the addresses held
//! need: within 1 GiB two, within 512 GiB three. An entry of an inner node is the address of its child, and in the bits
//! below a page's alignment the number of entries which that child uses; a child without any is given back.
//!
//! The guess takes no comparison. Where the heap spans more than 512 leaves (1 GiB), it may be the leaf of another
//! address with the same index; the record found there has another base, and so the caller's check of the offset
//! fails. Then [`find`](PageMap::find) compares, tells the truth, and mends the guess.
//!
//! # Costs
//!
//! With L levels: `near` takes two loads; `get` L; `set` and `clear` L for each leaf that they touch, and twice that again where
//! nodes come or go. For a leaf at most L nodes go, and 2 L come: as many as the tree has to grow by, and those below.

use core::{mem, ptr};

use allocator_api::{AllocResult, PageAllocator};

mod inspect;
mod nodes;

use super::{
    record::{NONE, Record, RecordRef},
    source::Source,
};
use crate::size_class::FRAME_BYTES;

/// Bytes of an entry.
pub(crate) const ENTRY_BYTES: usize = mem::size_of::<usize>();
/// Entries of a node, as a power of two.
const ENTRIES_LOG2: u32 = FRAME_BYTES.ilog2() - mem::size_of::<usize>().ilog2();
const ENTRIES: usize = 1 << ENTRIES_LOG2;
const FRAME_LOG2: u32 = FRAME_BYTES.ilog2();
/// The most levels: those that cover every address.
const MAX_LEVELS: usize = (usize::BITS - FRAME_LOG2).div_ceil(ENTRIES_LOG2) as usize;
/// The part of an entry that counts.
const COUNT_MASK: usize = FRAME_BYTES - 1;
const _: () = assert!(ENTRIES <= COUNT_MASK);

/// The leaf of what is not held. Never written.
static NO_LEAF: [&Record; ENTRIES] = [&NONE; ENTRIES];

/// An entry of the translation cache.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Near {
    /// A leaf, as its distance from [`NO_LEAF`].
    leaf: usize,
    /// What is above the index in the addresses of that leaf, plus one: 0 tells that there is none.
    tag: usize,
}

/// The map. All zero when empty.
#[derive(Debug)]
pub(crate) struct PageMap {
    /// For each index of the lowest inner level the leaf that was last found under it.
    near: [Near; ENTRIES],
    /// The root node with its count, as in an entry; 0 if the map is empty.
    root: usize,
    /// Levels of nodes, leaves included; 0 if the map is empty.
    levels: u32,
    /// The bits of every address held above those that the root tells apart.
    prefix: usize,
    /// Nodes held.
    nodes: usize,
    /// Frames that have a record.
    frames: usize,
}

impl PageMap {
    pub(crate) const EMPTY: Self =
        Self { near: [Near { leaf: 0, tag: 0 }; ENTRIES], root: 0, levels: 0, prefix: 0, nodes: 0, frames: 0 };

    /// Frames that have a record.
    pub(crate) const fn frames(&self) -> usize {
        self.frames
    }

    /// A guess at the record of the frame with `address`: right, or that of another frame.
    #[inline(always)]
    pub(crate) fn near(&self, address: usize) -> RecordRef {
        // `NO_LEAF` holds references; this makes what they say good as an address. It costs nothing.
        let _exposed = RecordRef::none();
        let leaf = self.near[index(address, 1)].leaf.wrapping_add(no_leaf());
        RecordRef::from_address(read(leaf, index(address, 0)))
    }

    /// The record of the frame with `address`.
    pub(crate) fn get(&self, address: usize) -> RecordRef {
        match self.leaf(address) {
            Some(leaf) => RecordRef::from_address(read(leaf, index(address, 0))),
            None => RecordRef::none(),
        }
    }

    /// The place of the record of the frame with `address`, if any frame near it has one. From here on
    /// [`near`](Self::near) is right for that frame and its neighbours.
    #[inline]
    pub(crate) fn find(&mut self, address: usize) -> Option<Place> {
        self.find_near(address).or_else(|| {
            let leaf = self.walk(address)?;
            self.remember(address, leaf);
            self.find_near(address)
        })
    }

    /// As [`find`](Self::find), where that needs no walk.
    #[inline]
    pub(crate) fn find_near(&self, address: usize) -> Option<Place> {
        let near = &self.near[index(address, 1)];
        if near.tag != tag(address) {
            return None;
        }
        let leaf = near.leaf.wrapping_add(no_leaf());
        Some(Place(entry_mut(leaf, index(address, 0)).expose_provenance()))
    }

    /// The place of the record of the frame with `address`, as [`find`](Self::find), to look at it.
    pub(crate) fn place(&self, address: usize) -> Option<Place> {
        self.walk(address).map(|leaf| Place(entry_mut(leaf, index(address, 0)).expose_provenance()))
    }

    /// Sets the record of the frames in the `bytes` from `address` on, which have none.
    ///
    /// # Errors
    ///
    /// `NoMemory`: there are no pages for the nodes; unchanged.
    pub(crate) fn set<P: PageAllocator>(
        &mut self,
        source: &mut Source<'_, P>,
        address: usize,
        bytes: usize,
        record: RecordRef,
    ) -> AllocResult {
        let mut done = 0;
        while done < bytes {
            let frames = frames_in_leaf(address + done, bytes - done);
            if let Err(error) = self.set_in_leaf(source, address + done, frames, record) {
                if done > 0 {
                    self.clear(source, address, done);
                }
                return Err(error);
            }
            done += frames * FRAME_BYTES;
        }
        Ok(())
    }

    /// Takes the records of the frames in the `bytes` from `address` on out, all of which have one.
    pub(crate) fn clear<P: PageAllocator>(&mut self, source: &mut Source<'_, P>, address: usize, bytes: usize) {
        let mut done = 0;
        while done < bytes {
            let frames = frames_in_leaf(address + done, bytes - done);
            self.clear_in_leaf(source, address + done, frames);
            done += frames * FRAME_BYTES;
        }
    }

    fn set_in_leaf<P: PageAllocator>(
        &mut self,
        source: &mut Source<'_, P>,
        address: usize,
        frames: usize,
        record: RecordRef,
    ) -> AllocResult {
        let slot = match self.slot(address) {
            Some(slot) => slot,
            None => self.add_leaf(source, address)?,
        };
        // SAFETY: an entry that has a leaf; nobody else refers to it.
        let leaf = unsafe { *slot } & !COUNT_MASK;
        for frame in index(address, 0)..index(address, 0) + frames {
            debug_assert_eq!(read(leaf, frame), RecordRef::none().address());
            write(leaf, frame, record.address());
        }
        // SAFETY: as above.
        unsafe { *slot += frames };
        self.frames += frames;
        self.remember(address, leaf);
        Ok(())
    }

    fn clear_in_leaf<P: PageAllocator>(&mut self, source: &mut Source<'_, P>, address: usize, frames: usize) {
        let Some(slot) = self.slot(address) else {
            debug_assert!(false, "frames that have a record have a leaf");
            return;
        };
        // SAFETY: an entry that has a leaf; nobody else refers to it.
        let leaf = unsafe { *slot } & !COUNT_MASK;
        for frame in index(address, 0)..index(address, 0) + frames {
            debug_assert!(read(leaf, frame) != RecordRef::none().address());
            write(leaf, frame, RecordRef::none().address());
        }
        // SAFETY: as above. The count is that of the entries in use, `frames` of which were.
        let rest = unsafe {
            *slot -= frames;
            *slot
        };
        self.frames -= frames;
        if rest & COUNT_MASK == 0 {
            self.prune(source, address);
        }
    }

    /// The entry that has the leaf of `address`: `root`, or one of a node. `None` if there is no leaf.
    #[inline]
    fn slot(&mut self, address: usize) -> Option<*mut usize> {
        if self.root == 0 || above(address, self.levels) != self.prefix {
            return None;
        }
        let mut slot: *mut usize = &raw mut self.root;
        for level in (1..self.levels).rev() {
            // SAFETY: `slot` is `root` or an entry of a node that is held, and nobody else refers to either.
            let node = unsafe { *slot } & !COUNT_MASK;
            slot = entry_mut(node, index(address, level));
            // SAFETY: an entry of a node that is held.
            if unsafe { *slot } == 0 {
                return None;
            }
        }
        Some(slot)
    }

    fn remember(&mut self, address: usize, leaf: usize) {
        self.near[index(address, 1)] = Near { leaf: leaf.wrapping_sub(no_leaf()), tag: tag(address) };
    }

    /// The address of the leaf of `address`.
    #[inline]
    fn leaf(&self, address: usize) -> Option<usize> {
        let near = &self.near[index(address, 1)];
        if near.tag == tag(address) { Some(near.leaf.wrapping_add(no_leaf())) } else { self.walk(address) }
    }

    /// As [`leaf`](Self::leaf), by the tree alone.
    fn walk(&self, address: usize) -> Option<usize> {
        if self.root == 0 || above(address, self.levels) != self.prefix {
            return None;
        }
        let mut node = self.root;
        for level in (1..self.levels).rev() {
            node = read(node & !COUNT_MASK, index(address, level));
            if node == 0 {
                return None;
            }
        }
        Some(node & !COUNT_MASK)
    }
}

/// Where the map has the record of a frame that is in it. Good until the frame is taken out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place(usize);

impl Place {
    /// Nowhere: what fills unused room.
    pub(crate) const NOWHERE: Self = Self(0);

    /// The record there.
    #[inline]
    pub(crate) fn get(self) -> RecordRef {
        RecordRef::from_address(read(self.0, 0))
    }

    /// Changes the record there. Both are records of something that is held.
    #[inline]
    pub(crate) fn set(self, record: RecordRef) {
        debug_assert!(record != RecordRef::none() && self.get() != RecordRef::none());
        write(self.0, 0, record.address());
    }
}

/// The index of `address` in a node of `level`; leaves are level 0.
#[inline(always)]
const fn index(address: usize, level: u32) -> usize {
    (address >> (FRAME_LOG2 + level * ENTRIES_LOG2)) % ENTRIES
}

/// The bits of `address` above those that a tree of `levels` levels tells apart.
const fn above(address: usize, levels: u32) -> usize {
    match address.checked_shr(FRAME_LOG2 + levels * ENTRIES_LOG2) {
        Some(prefix) => prefix,
        None => 0,
    }
}

/// How many of the frames of the `bytes` from `address` on lie in the leaf of the first.
fn frames_in_leaf(address: usize, bytes: usize) -> usize {
    (ENTRIES - index(address, 0)).min(bytes / FRAME_BYTES)
}

#[inline(always)]
fn no_leaf() -> usize {
    (&raw const NO_LEAF).expose_provenance()
}

/// What tells the leaves with the same index apart; never 0.
#[inline(always)]
const fn tag(address: usize) -> usize {
    (address >> (FRAME_LOG2 + ENTRIES_LOG2)) + 1
}

/// A pointer to the entry `index`, below [`ENTRIES`], of the node at `node`.
#[inline(always)]
fn entry(node: usize, index: usize) -> *const usize {
    ptr::with_exposed_provenance::<usize>(node).wrapping_add(index)
}

/// As [`entry`], to write it.
fn entry_mut(node: usize, index: usize) -> *mut usize {
    ptr::with_exposed_provenance_mut::<usize>(node).wrapping_add(index)
}

/// The entry of a node that is held, or of [`NO_LEAF`].
#[inline(always)]
fn read(node: usize, index: usize) -> usize {
    // SAFETY: `node` is held, since the tree leads to it, and `index` is below `ENTRIES`.
    unsafe { entry(node, index).read() }
}

/// Writes the entry of a node that is held.
#[inline(always)]
fn write(node: usize, index: usize, value: usize) {
    // SAFETY: `node` is held, in the tree or to come into it, and `index` is below `ENTRIES`.
    unsafe { entry_mut(node, index).write(value) }
}
