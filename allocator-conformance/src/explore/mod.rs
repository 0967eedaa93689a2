//! Exhaustion at small scope: every state that a tiny heap can reach, under every operation.
//!
//! Most mistakes of an allocator show in a heap of a few blocks, if only the right few operations come in the right order.
//! So all orders are tried. A *state* is what the books know: where which blocks live, and what is used; and, for
//! allocators in which the order of the past matters (lists of free blocks), the last few operations with their answers.
//!
//! ```text
//!   state 0 (fresh) ──alloc a──► 1 ──alloc a──► 3 …
//!           │                    └──free 0───► 0 (seen before)
//!           └────────alloc b──► 2 …
//! ```
//!
//! An allocator can be neither copied nor told to go back: a state is reached by doing on a fresh one what led to it. States
//! are visited in the order in which they were found, so that the path to a failure is among the shortest.
//!
//! # Costs
//!
//! With s states, o operations in each and paths of d steps: O(s · o · d) operations, s · o copies of an empty allocator, and
//! 24 bytes a state.
#![forbid(unsafe_code)]

pub(crate) mod bytes;
pub(crate) mod ids;
pub(crate) mod pages;
mod runs;

use crate::{
    memory::Spare,
    verdict::{Step, mistake},
};

/// The most states that there is room for.
const MOST_STATES: usize = 32_000;
/// The longest path.
const MOST_STEPS: usize = 48;
/// The most operations that can be part of a state.
const MOST_RECENT: usize = 4;

/// What was visited.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Explored {
    /// Different states, the fresh one among them.
    pub states: usize,
    /// Operations tried, one for each state and each operation possible in it.
    pub operations: usize,
    /// Whether these are all states of the scope, and not only those that there was room for.
    pub is_complete: bool,
}

impl core::fmt::Display for Explored {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let all = if self.is_complete { "all" } else { "the first" };
        write!(f, "{all} {} states, {} operations", self.states, self.operations)
    }
}

/// What happens to the state when an operation is tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Effect {
    /// It was refused, and nothing has changed.
    Refused,
    /// Another state, perhaps.
    Changed,
}

/// An allocator of which every state is to be visited.
trait World {
    /// Begins again with a fresh allocator.
    fn reset(&mut self) -> Step;

    /// Operations that can be tried in this state.
    fn operations(&self) -> usize;

    /// Tries an operation; the answer is compared with what the model predicts.
    fn apply(&mut self, operation: usize) -> Step<Effect>;

    /// A number that differs between different states.
    fn key(&mut self) -> Step<u64>;

    /// Checks what must hold in every state. The state may be lost.
    fn look(&mut self) -> Step;
}

/// A state that was found.
#[derive(Clone, Copy)]
struct Node {
    key: u64,
    parent: u32,
    operation: u16,
    depth: u16,
}

impl Node {
    const NONE: Self = Self { key: 0, parent: 0, operation: 0, depth: 0 };
}

/// The states found so far, in the order of finding, and where each key stands.
struct Found<'m> {
    nodes: &'m mut [Node],
    len: usize,
    // Open addressing with linear probing: 0 is an empty place, else an index into `nodes` plus one.
    places: &'m mut [u32],
}

impl<'m> Found<'m> {
    fn new(spare: &mut Spare<'m>, most: usize) -> Self {
        let most = most.min(MOST_STATES);
        Self {
            nodes: spare.table(Node::NONE, most),
            len: 0,
            places: spare.table(0, (2 * most).next_power_of_two()),
        }
    }

    /// Enters a state unless it is known. `false`: there is no room.
    fn enter(&mut self, node: Node) -> bool {
        let mask = self.places.len() - 1;
        let mut at = node.key as usize & mask;
        while self.places[at] != 0 {
            if self.nodes[self.places[at] as usize - 1].key == node.key {
                return true;
            }
            at = (at + 1) & mask;
        }
        if self.len == self.nodes.len() {
            return false;
        }
        self.nodes[self.len] = node;
        self.len += 1;
        self.places[at] = self.len as u32;
        true
    }

    /// Brings the world into a state.
    fn reach(&self, world: &mut impl World, index: usize) -> Step {
        let mut path = [0; MOST_STEPS];
        let depth = usize::from(self.nodes[index].depth);
        let mut at = index;
        for step in path[..depth].iter_mut().rev() {
            *step = self.nodes[at].operation;
            at = self.nodes[at].parent as usize;
        }
        world.reset()?;
        path[..depth].iter().try_for_each(|step| world.apply(usize::from(*step)).map(|_| ()))
    }
}

/// Visits every state, at most `most_states` of them.
fn explore(world: &mut impl World, spare: &mut Spare<'_>, most_states: usize) -> Step<Explored> {
    let mut found = Found::new(spare, most_states);
    world.reset()?;
    found.enter(Node { key: world.key()?, ..Node::NONE });
    let mut explored = Explored { is_complete: true, ..Explored::default() };
    while explored.states < found.len {
        let index = explored.states;
        found.reach(world, index)?;
        let mut is_there = true;
        for operation in 0..world.operations() {
            if !is_there {
                found.reach(world, index)?;
            }
            explored.operations += 1;
            is_there = world.apply(operation)? == Effect::Refused;
            if !is_there {
                let depth = found.nodes[index].depth + 1;
                let (parent, operation) = (index as u32, operation as u16);
                let node = Node { key: world.key()?, parent, operation, depth };
                explored.is_complete &= usize::from(depth) < MOST_STEPS && found.enter(node);
            }
        }
        found.reach(world, index)?;
        world.look()?;
        explored.states += 1;
    }
    if explored.states == 0 { Err(mistake("explore: there is room for a state")) } else { Ok(explored) }
}

/// The states that can be visited in reasonable time: a fresh allocator is a copy, many times for each state.
const fn affordable_states<A>() -> usize {
    let most = (1 << 30) / (size_of::<A>() + 1);
    if most < MOST_STATES { most } else { MOST_STATES }
}

/// The last operations and their answers, as a number.
struct Recent {
    keys: [u64; MOST_RECENT],
    count: usize,
}

impl Recent {
    /// Remembers `count` operations, at most four.
    fn new(count: usize) -> Self {
        Self { keys: [0; MOST_RECENT], count: count.min(MOST_RECENT) }
    }

    fn clear(&mut self) {
        self.keys = [0; MOST_RECENT];
    }

    fn note(&mut self, key: u64) {
        self.keys.rotate_right(1);
        self.keys[0] = key;
    }

    fn key(&self) -> u64 {
        self.keys[..self.count].iter().fold(0, |sum, key| mix(sum ^ *key))
    }
}

/// A number that looks random and is different for different numbers (the finalizer of SplitMix64, Steele et al. 2014).
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
