//! Point 12: blocks that change their size, and blocks of zeros.
#![forbid(unsafe_code)]

use allocator_api::{AddressRange, AllocError};

use super::subject::{Bytes, Subject, layout};
use crate::{
    order::Order,
    verdict::{Step, With, answers, mistake},
};

const MIB: usize = 1 << 20;

const SIZES: [usize; 11] = [1, 8, 50, 64, 65, 200, 1000, 4096, 4097, 10_000, 100_000];

/// From every size to every size, at several alignments, with a live block behind it so that growth must move.
pub(super) fn realloc_keeps_the_bytes<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    s.take_memory(8 * MIB)?;
    for align in [1, 16, 4096] {
        for (old, new) in SIZES.iter().flat_map(|old| SIZES.map(|new| (*old, new))) {
            let block = s.must_alloc(layout(old, align)?)?;
            s.must_alloc(layout(old, align)?)?;
            s.must_realloc(block, new)?;
            s.expect_all_contents().with(new)?;
            s.give_all_back(Order::Lifo)?;
        }
    }
    Ok(())
}

/// A block that grows step by step to 512 KiB and shrinks again, beside a neighbour, is always whole.
pub(super) fn realloc_grows_and_shrinks_step_by_step<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    s.take_memory(8 * MIB)?;
    let untouched = s.statistics()?;
    s.must_alloc(layout(100, 8)?)?;
    s.must_alloc(layout(33, 32)?)?;
    let sizes = (6..=19).chain((5..19).rev()).map(|size_log2| 1 << size_log2);
    for size in sizes {
        s.must_realloc(1, size - 3)?;
        s.must_realloc(1, size)?;
        s.must_realloc(1, size + 1)?;
    }
    s.give_all_back(Order::Fifo)?;
    s.expect_statistics(untouched)
}

/// With nothing left, every growth is refused, and every block is still there with its bytes.
pub(super) fn a_refused_realloc_leaves_the_block<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    s.take_memory(MIB)?;
    let untouched = s.statistics()?;
    let count = s.exhaust(layout(10_000, 8)?, 200)?;
    let refused = Err(AllocError::NoMemory);
    for index in [0, count / 2, count - 1] {
        for size in [MIB, 2 * MIB, isize::MAX as usize, usize::MAX] {
            answers("realloc: there is no room", refused, s.realloc(index, size)?).with(size)?;
        }
    }
    s.expect_all_contents()?;
    s.give_all_back(Order::Random)?;
    s.expect_statistics(untouched)
}

/// All memory has been written to, and all of it has been handed out and given back once.
pub(super) fn alloc_zeroed_clears_memory_that_was_used<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    const USED: [usize; 6] = [24, 100, 500, 3000, 20_000, 300_000];
    let region = AddressRange::new(s.at(0), 4 * MIB).ok_or_else(|| mistake("the region is in the ground"))?;
    s.paint(region, 0xa5)?;
    s.take_memory(4 * MIB)?;
    for size in USED {
        for _ in 0..4 {
            s.must_alloc(layout(size, 8)?)?;
        }
    }
    s.give_all_back(Order::EvenOdd)?;
    for size in USED.into_iter().chain([1, 7, 65, 1025, 4096, 50_000]) {
        for align in [1, 8, 256] {
            s.must_alloc_zeroed(layout(size, align)?)?;
        }
    }
    s.expect_all_contents()
}
