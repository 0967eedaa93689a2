//! The check of the map: counts, and the guesses against the tree.

use super::{COUNT_MASK, ENTRIES, ENTRIES_LOG2, FRAME_LOG2, MAX_LEVELS, PageMap, index, no_leaf, read};
use crate::memory::record::RecordRef;

/// What is called for each frame that has a record.
type Visit<'a> = &'a mut dyn FnMut(usize, RecordRef) -> Result<(), &'static str>;

/// What a walk has counted.
#[derive(Default)]
struct Sum {
    nodes: usize,
    frames: usize,
}

impl PageMap {
    /// Nodes held.
    pub(crate) const fn nodes(&self) -> usize {
        self.nodes
    }

    /// Checks the tree and the guesses, and calls `visit` for each frame that has a record, in ascending order of address.
    ///
    /// # Errors
    ///
    /// The name of the first rule found broken, here or by `visit`.
    pub(crate) fn check(&self, visit: Visit<'_>) -> Result<(), &'static str> {
        let mut sum = Sum::default();
        if self.root == 0 {
            if (self.levels, self.prefix) != (0, 0) {
                return Err("a map without a root has no levels");
            }
        } else {
            if !(1..=MAX_LEVELS).contains(&(self.levels as usize)) {
                return Err("a map has as many levels as an address needs, at most");
            }
            let lowest = self.prefix.checked_shl(FRAME_LOG2 + self.levels * ENTRIES_LOG2).unwrap_or(0);
            check_node(self.root, self.levels - 1, lowest, &mut sum, visit)?;
        }
        if self.nodes != sum.nodes {
            return Err("the map counts its nodes");
        }
        if self.frames != sum.frames {
            return Err("the map counts the frames that have a record");
        }
        self.check_near()
    }

    /// Checks that a guess which has a tag is the leaf of the addresses with that tag.
    fn check_near(&self) -> Result<(), &'static str> {
        for (number, near) in self.near.iter().enumerate() {
            let is_right = match near.tag.checked_sub(1) {
                None => near.leaf == 0,
                Some(above) => {
                    let address = above << (FRAME_LOG2 + ENTRIES_LOG2);
                    index(address, 1) == number && self.walk(address) == Some(near.leaf.wrapping_add(no_leaf()))
                }
            };
            if !is_right {
                return Err("a guess is the leaf that its tag tells");
            }
        }
        Ok(())
    }
}

/// Checks the node that `entry` leads to, of which the lowest address is `lowest`, and those below it.
fn check_node(
    entry: usize,
    level: u32,
    lowest: usize,
    sum: &mut Sum,
    visit: Visit<'_>,
) -> Result<(), &'static str> {
    let node = entry & !COUNT_MASK;
    if node == 0 {
        return Err("an entry of the map that counts leads to a node");
    }
    sum.nodes += 1;
    let unused = if level == 0 { RecordRef::none().address() } else { 0 };
    let mut used = 0;
    for number in 0..ENTRIES {
        let below = read(node, number);
        if below == unused {
            continue;
        }
        used += 1;
        let address = lowest + (number << (FRAME_LOG2 + level * ENTRIES_LOG2));
        if level > 0 {
            check_node(below, level - 1, address, sum, visit)?;
        } else if below == 0 || !below.is_multiple_of(align_of::<super::Record>()) {
            return Err("the map leads to records");
        } else {
            sum.frames += 1;
            visit(address, RecordRef::from_address(below))?;
        }
    }
    if used == 0 || used != entry & COUNT_MASK {
        return Err("an entry of the map counts the entries in use below it");
    }
    Ok(())
}

#[cfg(test)]
#[path = "../../../tests/unit/page_map.rs"]
mod tests;
