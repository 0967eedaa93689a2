//! Point 13: frees that must be answered. A kind that the allocator does not detect would be undefined behaviour; it is
//! not tried, and the outcome says so.
#![forbid(unsafe_code)]

use allocator_api::InvalidFrees;

use super::subject::{Bytes, Subject, layout};
use crate::{order::Order, verdict::Step};

const MIB: usize = 1 << 20;

/// Small, large, huge and aligned blocks.
const KINDS: [(usize, usize); 5] = [(64, 8), (1000, 8), (5000, 8), (100_000, 8), (64, 4096)];

/// Five live blocks of each kind, in the order of [`KINDS`].
fn five_of_each<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    for (size, align) in KINDS {
        for _ in 0..5 {
            s.must_alloc(layout(size, align)?)?;
        }
    }
    Ok(())
}

/// A block between two live ones is given back twice, and so is its neighbour, whose room has joined the block's. Then
/// as many blocks as were given back are had again, and none stands on another.
pub(super) fn a_double_free_is_refused<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    s.take_memory(4 * MIB)?;
    for (size, align) in KINDS {
        let layout = layout(size, align)?;
        for _ in 0..5 {
            s.must_alloc(layout)?;
        }
        for index in [2, 2, 1] {
            let block = s.block(index)?;
            s.dealloc(index)?;
            s.must_refuse_free(InvalidFrees::DOUBLE, block.range.start(), layout)?;
        }
        for _ in 0..5 {
            s.must_alloc(layout)?;
        }
        s.give_all_back(Order::Random)?;
    }
    Ok(())
}

/// Below, above and between the regions, and blocks that would reach out of a region.
pub(super) fn a_foreign_pointer_is_refused<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    s.must_add(s.at(MIB), MIB)?;
    s.add_if_allowed(s.at(3 * MIB), MIB)?;
    five_of_each(s)?;
    let outside = [16, s.at(0), s.at(MIB - 4096), s.at(2 * MIB), s.at(2 * MIB + 65_536), s.at(3 * MIB - 64)];
    let beyond = [s.at(4 * MIB), s.at(5 * MIB), usize::MAX - 0xfff, usize::MAX - 15];
    for (size, align) in [(1, 1), (64, 8), (5000, 8)] {
        for address in outside.into_iter().chain(beyond) {
            s.must_refuse_free(InvalidFrees::FOREIGN, address, layout(size, align)?)?;
        }
    }
    for (before_the_end, size) in [(8, 16), (64, 4096), (4096, 5000), (65_536, MIB)] {
        s.must_refuse_free(InvalidFrees::FOREIGN, s.at(2 * MIB - before_the_end), layout(size, 8)?)?;
    }
    s.give_all_back(Order::Fifo)
}

/// At several distances from the start of live blocks; as the rest of the block, and as a block of the same layout.
pub(super) fn an_interior_pointer_is_refused<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    s.take_memory(4 * MIB)?;
    five_of_each(s)?;
    for index in 0..s.live().len() {
        let block = s.block(index)?;
        for offset in [1, 8, 16, 32, block.size() / 2, block.size() - 1] {
            let address = block.range.start() + offset;
            s.must_refuse_free(InvalidFrees::INTERIOR, address, layout(block.size() - offset, 1)?)?;
            s.must_refuse_free(InvalidFrees::INTERIOR, address, layout(block.size(), block.align)?)?;
        }
    }
    s.give_all_back(Order::EvenOdd)
}

/// Live blocks with a size of quite another class, also after it is rounded up to a multiple of the alignment.
pub(super) fn a_wrong_layout_is_refused<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    s.take_memory(4 * MIB)?;
    five_of_each(s)?;
    for index in 0..s.live().len() {
        let block = s.block(index)?;
        let rounded = block.size().next_multiple_of(block.align);
        let others = [block.size() / 4, block.size() * 4, block.size() + 40_000];
        for size in others.into_iter().filter(|size| size.next_multiple_of(block.align) != rounded) {
            s.must_refuse_free(InvalidFrees::WRONG_LAYOUT, block.range.start(), layout(size, block.align)?)?;
        }
    }
    s.give_all_back(Order::Lifo)
}
