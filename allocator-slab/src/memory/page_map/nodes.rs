//! The nodes of the map: which are missing on the way to an address, and which are empty once a leaf is.

use allocator_api::{AllocResult, PageAllocator};

use super::{
    COUNT_MASK, ENTRIES, ENTRIES_LOG2, MAX_LEVELS, Near, PageMap, above, entry_mut, index, no_leaf, read, write,
};
use crate::memory::{record::RecordRef, source::Source};

impl PageMap {
    /// Adds the nodes that are missing on the way to `address`. Returns the entry that has the leaf, which is new.
    ///
    /// # Errors
    ///
    /// `NoMemory`: there are no pages for the nodes; unchanged.
    #[cold]
    #[inline(never)]
    pub(super) fn add_leaf<P: PageAllocator>(
        &mut self,
        source: &mut Source<'_, P>,
        address: usize,
    ) -> AllocResult<*mut usize> {
        let mut spare = self.take_nodes(source, address)?;
        self.grow(address, &mut spare);
        let mut slot: *mut usize = &raw mut self.root;
        for level in (1..self.levels).rev() {
            // SAFETY: `slot` is `root` or an entry of a node that is held, and nobody else refers to either.
            let node = unsafe { *slot } & !COUNT_MASK;
            let child = entry_mut(node, index(address, level));
            // SAFETY: an entry of a node that is held.
            if unsafe { *child } == 0 {
                // SAFETY: as above, for both.
                unsafe {
                    *child = spare.pop();
                    *slot += 1;
                }
            }
            slot = child;
        }
        debug_assert_eq!(spare.count, 0, "as many nodes as were taken");
        Ok(slot)
    }

    /// Takes the leaf of `address`, which has no record any more, out of the tree, and every node that is empty then.
    #[cold]
    #[inline(never)]
    pub(super) fn prune<P: PageAllocator>(&mut self, source: &mut Source<'_, P>, address: usize) {
        let mut path = [&raw mut self.root; MAX_LEVELS];
        for level in (1..self.levels).rev() {
            let depth = (self.levels - level) as usize;
            // SAFETY: `path` has `root` and entries of nodes that are held; nobody else refers to them.
            let node = unsafe { *path[depth - 1] } & !COUNT_MASK;
            path[depth] = entry_mut(node, index(address, level));
        }
        let (mut unused, mut gone) = (Spare::NONE, 0);
        for &slot in path[..self.levels as usize].iter().rev() {
            // SAFETY: as above. The count is that of the entries in use, one of which was the node below.
            let rest = unsafe {
                *slot -= gone;
                *slot
            };
            if rest & COUNT_MASK != 0 {
                break;
            }
            // SAFETY: as above.
            unsafe { *slot = 0 };
            unused.push(rest);
            gone = 1;
        }
        self.give_nodes(source, unused, address);
    }

    /// Takes the nodes that are missing on the way to `address`, all 0.
    ///
    /// # Errors
    ///
    /// `NoMemory`: there are no pages for them; unchanged.
    fn take_nodes<P: PageAllocator>(&mut self, source: &mut Source<'_, P>, address: usize) -> AllocResult<Spare> {
        let mut spare = Spare::NONE;
        for _ in 0..self.missing_nodes(address) {
            match source.take_unit() {
                Ok(node) => spare.push(node),
                Err(error) => {
                    while spare.count > 0 {
                        source.give(spare.pop(), Source::<P>::UNIT_BYTES);
                    }
                    return Err(error);
                }
            }
        }
        self.nodes += spare.count;
        for (number, &node) in spare.nodes[..spare.count].iter().enumerate() {
            // The first one becomes the leaf.
            let entry = if number == 0 { RecordRef::none().address() } else { 0 };
            // One by one: a node in a variable would be a page of the stack.
            for index in 0..ENTRIES {
                write(node, index, entry);
            }
        }
        Ok(spare)
    }

    /// How many nodes the way to `address` lacks.
    pub(crate) fn missing_nodes(&self, address: usize) -> usize {
        if self.root == 0 {
            return 1;
        }
        let (levels, _) = self.grown(address);
        let higher = levels - self.levels;
        if higher > 0 {
            // One node for each new level, and the way down from the root to the leaf beside the old root.
            return higher as usize + levels as usize - 1;
        }
        let mut node = self.root;
        for level in (1..self.levels).rev() {
            node = read(node & !COUNT_MASK, index(address, level));
            if node == 0 {
                return level as usize;
            }
        }
        0
    }

    /// The levels and the prefix with which the tree covers `address` and what it covers now. It is not empty.
    fn grown(&self, address: usize) -> (u32, usize) {
        let (mut levels, mut prefix) = (self.levels, self.prefix);
        while above(address, levels) != prefix {
            levels += 1;
            prefix >>= ENTRIES_LOG2;
        }
        (levels, prefix)
    }

    /// Puts levels on top until the tree covers `address`.
    fn grow(&mut self, address: usize, spare: &mut Spare) {
        if self.root == 0 {
            (self.root, self.levels, self.prefix) = (spare.pop(), 1, above(address, 1));
        }
        while above(address, self.levels) != self.prefix {
            let node = spare.pop();
            write(node, self.prefix & (ENTRIES - 1), self.root);
            self.root = node + 1;
            self.levels += 1;
            self.prefix >>= ENTRIES_LOG2;
        }
    }

    /// Gives nodes back that were on the way to `address` and are out of the tree now.
    fn give_nodes<P: PageAllocator>(&mut self, source: &mut Source<'_, P>, mut unused: Spare, address: usize) {
        if self.root == 0 {
            (self.levels, self.prefix) = (0, 0);
        }
        self.nodes -= unused.count;
        while unused.count > 0 {
            let node = unused.pop();
            let near = &mut self.near[index(address, 1)];
            if near.leaf.wrapping_add(no_leaf()) == node {
                *near = Near { leaf: 0, tag: 0 };
            }
            source.give(node, Source::<P>::UNIT_BYTES);
        }
    }
}

/// Nodes that are held and not in the tree.
struct Spare {
    nodes: [usize; 2 * MAX_LEVELS],
    count: usize,
}

impl Spare {
    const NONE: Self = Self { nodes: [0; 2 * MAX_LEVELS], count: 0 };

    fn push(&mut self, node: usize) {
        self.nodes[self.count] = node;
        self.count += 1;
    }

    fn pop(&mut self) -> usize {
        self.count -= 1;
        self.nodes[self.count]
    }
}
