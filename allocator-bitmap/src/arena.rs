//! Blocks of records packed into one slice of words.
//!
//! ```text
//!   0        3                          end                    len − 4·slots        len
//!   ├ end,   ┼ block ┼ block ┼ … ┼ block ┼ … room …            ┼ slot ┼ … ┼ slot ───┤
//!   │ slots, │                                                    n          1
//!   └ vacant ┘
//! ```
//!
//! A slot says where its block is; a link is a slot's number, so that a block can move and its link stays. Blocks
//! are always packed: what one gives up is closed at once.
//!
//! # Invariants
//!
//! - Blocks lie between word 3 and `end`, do not overlap and leave no gap; a vacant slot has offset 0.
//! - The last slot is not vacant; `vacant` counts those that are.
//!
//! # Costs
//!
//! Reading is O(1), and so is making a block, its words aside, while no slot is vacant. Else making one looks for the
//! slot; extending and releasing a block moves words and adjusts slots: linear in the arena.
#![forbid(unsafe_code)]

use core::num::NonZeroUsize;

use crate::{
    records::{ChunkPlace, Link, Side},
    summary::CHUNK_WORDS,
};

/// Words at the front: end of the blocks, number of slots, how many of them are vacant.
pub(crate) const FRONT_WORDS: usize = 3;
/// Words in a slot: offset, count, left, right.
pub(crate) const SLOT_WORDS: usize = 4;

const END: usize = 0;
const SLOTS: usize = 1;
const VACANT: usize = 2;

const OFFSET: usize = 0;
const COUNT: usize = 1;
const CHILDREN: usize = 2;

/// Makes the arena empty. It has at least [`FRONT_WORDS`] words.
pub(crate) fn clear(arena: &mut [u64]) {
    arena[..FRONT_WORDS].fill(0);
}

fn end(arena: &[u64]) -> usize {
    (arena[END] as usize).max(FRONT_WORDS)
}

fn slot(arena: &[u64], number: usize) -> usize {
    arena.len() - SLOT_WORDS * number
}

/// Offset and count of a block.
#[inline]
fn place(arena: &[u64], link: Link) -> (usize, usize) {
    let slot = slot(arena, link.number());
    (arena[slot + OFFSET] as usize, arena[slot + COUNT] as usize)
}

/// The words of a block.
#[inline]
pub(crate) fn words(arena: &[u64], link: Link) -> &[u64] {
    let (offset, count) = place(arena, link);
    &arena[offset..offset + count]
}

/// The words of a block, to change.
#[inline]
pub(crate) fn words_mut(arena: &mut [u64], link: Link) -> &mut [u64] {
    let (offset, count) = place(arena, link);
    &mut arena[offset..offset + count]
}

/// Names the words of a block from word `at` on as those of a chunk; `None` if the block has fewer.
pub(crate) fn chunk_place(arena: &[u64], link: Link, at: usize) -> Option<ChunkPlace> {
    words(arena, link).get(at..)?.first_chunk::<CHUNK_WORDS>()?;
    NonZeroUsize::new(place(arena, link).0 + at).map(ChunkPlace::new)
}

/// The words of a chunk, to change.
#[inline]
pub(crate) fn chunk_mut(arena: &mut [u64], place: ChunkPlace) -> &mut [u64; CHUNK_WORDS] {
    arena[place.number()..].first_chunk_mut().expect("a place is given out for words that are there")
}

/// A child of a block.
pub(crate) fn child(arena: &[u64], link: Link, side: Side) -> Option<Link> {
    NonZeroUsize::new(arena[slot(arena, link.number()) + CHILDREN + side as usize] as usize).map(Link::new)
}

/// Sets a child of a block.
pub(crate) fn set_child(arena: &mut [u64], link: Link, side: Side, child: Option<Link>) {
    let at = slot(arena, link.number()) + CHILDREN + side as usize;
    arena[at] = child.map_or(0, Link::number) as u64;
}

/// Words that blocks could still take if there were `slots` slots.
fn room(arena: &[u64], slots: usize) -> usize {
    arena.len().saturating_sub(end(arena) + SLOT_WORDS * slots)
}

/// Makes a block of `words` zeros. `None`: no room.
pub(crate) fn claim(arena: &mut [u64], words: usize) -> Option<Link> {
    if arena.len() < FRONT_WORDS {
        return None;
    }
    let slots = arena[SLOTS] as usize;
    let is_vacant = |number: &usize| arena[slot(arena, *number) + OFFSET] == 0;
    let vacant = if arena[VACANT] == 0 { None } else { (1..=slots).find(is_vacant) };
    let number = vacant.unwrap_or(slots + 1);
    let slots = slots.max(number);
    if room(arena, slots) < words {
        return None;
    }
    let offset = end(arena);
    arena[offset..offset + words].fill(0);
    let at = slot(arena, number);
    arena[at..at + SLOT_WORDS].copy_from_slice(&[offset as u64, words as u64, 0, 0]);
    arena[END] = (offset + words) as u64;
    arena[SLOTS] = slots as u64;
    arena[VACANT] -= u64::from(vacant.is_some());
    NonZeroUsize::new(number).map(Link::new)
}

/// Makes a block `words` words long, or leaves it longer; what is added is zero. Returns whether there was room.
pub(crate) fn extend(arena: &mut [u64], link: Link, words: usize) -> bool {
    let (offset, count) = place(arena, link);
    if words <= count {
        return true;
    }
    let (end, more) = (end(arena), words - count);
    if room(arena, arena[SLOTS] as usize) < more {
        return false;
    }
    arena[offset..end].rotate_left(count);
    close(arena, offset, count);
    let at = slot(arena, link.number());
    arena[at + OFFSET] = (end - count) as u64;
    arena[at + COUNT] = words as u64;
    arena[end..end + more].fill(0);
    arena[END] = (end + more) as u64;
    true
}

/// Gives the room of a block up.
pub(crate) fn release(arena: &mut [u64], link: Link) {
    let (offset, count) = place(arena, link);
    let end = end(arena);
    arena.copy_within(offset + count..end, offset);
    close(arena, offset, count);
    let at = slot(arena, link.number());
    arena[at..at + SLOT_WORDS].fill(0);
    arena[END] = (end - count) as u64;
    arena[VACANT] += 1;
    while arena[SLOTS] > 0 && arena[slot(arena, arena[SLOTS] as usize) + OFFSET] == 0 {
        arena[SLOTS] -= 1;
        arena[VACANT] -= 1;
    }
}

/// Moves the offsets of all blocks behind the one at `offset` down by its `count` words.
fn close(arena: &mut [u64], offset: usize, count: usize) {
    for number in 1..=arena[SLOTS] as usize {
        let at = slot(arena, number) + OFFSET;
        if arena[at] as usize > offset {
            arena[at] -= count as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{vec, vec::Vec};

    use super::*;

    #[test]
    fn blocks_keep_their_contents_whatever_is_made_extended_and_released() {
        let mut arena = vec![0xdead_u64; 400];
        clear(&mut arena);
        let mut model: Vec<(Link, Vec<u64>)> = Vec::new();
        let (mut state, mut refused, mut extended) = (7_u64, 0, 0);
        for step in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let size = (state >> 40) as usize % 40 + 1;
            let pick = (state >> 20) as usize % model.len().max(1);
            match state >> 60 {
                0..6 => match claim(&mut arena, size) {
                    Some(link) => {
                        assert!(model.iter().all(|(other, _)| *other != link));
                        assert!(
                            words(&arena, link).iter().all(|w| *w == 0)
                                && child(&arena, link, Side::Left).is_none()
                        );
                        let contents = vec![step; size];
                        words_mut(&mut arena, link).copy_from_slice(&contents);
                        set_child(&mut arena, link, Side::Right, Some(link));
                        model.push((link, contents));
                    }
                    None => refused += 1,
                },
                6..10 if !model.is_empty() => {
                    let (link, contents) = &mut model[pick];
                    let size = contents.len() + size % 7;
                    if extend(&mut arena, *link, size) {
                        contents.resize(size, 0);
                        extended += 1;
                    }
                }
                _ if !model.is_empty() => release(&mut arena, model.swap_remove(pick).0),
                _ => {}
            }
            for (link, contents) in &model {
                assert_eq!(words(&arena, *link), contents.as_slice(), "step {step}");
                assert_eq!(child(&arena, *link, Side::Right), Some(*link));
            }
            let held: usize = model.iter().map(|(_, contents)| contents.len()).sum();
            assert_eq!(end(&arena), FRONT_WORDS + held, "blocks are packed");
            assert_eq!(arena[SLOTS] - arena[VACANT], model.len() as u64, "vacant slots are counted");
        }
        assert!(refused > 100 && extended > 100);
    }

    #[test]
    fn a_vacant_slot_is_taken_again_before_a_new_one() {
        let mut arena = vec![0_u64; 100];
        let links: Vec<Link> = (0..3).map(|_| claim(&mut arena, 5).unwrap()).collect();
        release(&mut arena, links[0]);
        release(&mut arena, links[1]);
        assert_eq!([claim(&mut arena, 5), claim(&mut arena, 5)], [Some(links[0]), Some(links[1])]);
        assert_eq!((arena[SLOTS], arena[VACANT]), (3, 0));
        assert_ne!(claim(&mut arena, 5), Some(links[2]));
    }

    #[test]
    fn an_arena_is_used_to_its_last_word() {
        let mut arena = vec![0_u64; FRONT_WORDS + 2 * SLOT_WORDS + 30];
        let first = claim(&mut arena, 10).unwrap();
        assert!(claim(&mut arena, 21).is_none());
        let second = claim(&mut arena, 20).unwrap();
        assert!(!extend(&mut arena, first, 11));
        release(&mut arena, second);
        assert!(extend(&mut arena, first, 30 + SLOT_WORDS));
        assert!(claim(&mut [0], 0).is_none());
    }
}
