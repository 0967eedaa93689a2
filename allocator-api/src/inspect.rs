//! Looking into an allocator: maps for pictures and dumps, and a check of its records.
#![forbid(unsafe_code)]

/// What a block of memory is to the allocator that holds it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BlockKind {
    /// Handed out.
    Live,
    /// Can be handed out.
    Free,
    /// Holds the allocator's own records.
    Records,
}

/// A stretch of memory of one kind.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Block {
    /// The address of its first byte.
    pub start: usize,
    /// Its size.
    pub bytes: usize,
    /// What it is.
    pub kind: BlockKind,
}

/// Lists what an allocator holds.
pub trait HeapMap {
    /// Calls `visit` for every block held, in ascending order of address; blocks do not overlap, and what is not
    /// held lies between them. Neighbours may be of one kind.
    ///
    /// # Complexity
    ///
    /// Linear in the memory held: meant for pictures and dumps.
    fn for_each_block(&self, visit: &mut dyn FnMut(Block));
}

/// Checks its own records.
pub trait CheckIntegrity {
    /// Compares every record with what it can be computed from, without allocating and without a change.
    ///
    /// # Errors
    ///
    /// The name of the first rule found broken.
    ///
    /// # Complexity
    ///
    /// Linear in the memory held.
    fn check_integrity(&self) -> Result<(), &'static str>;
}
