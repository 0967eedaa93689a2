//! Point 15: the statistics. That they agree with one another is checked at every step of every case.
#![forbid(unsafe_code)]

use super::subject::{Bytes, Subject, layout};
use crate::{
    order::Order,
    verdict::{Step, With, at_least, at_most, equal},
};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Regions of whole pages, apart and touching: each adds what it is, less what trimming may take.
pub(super) fn total_is_what_was_handed_in<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    let mut sum = 0;
    for (offset, size) in [(MIB, MIB), (3 * MIB, 2 * MIB), (5 * MIB, MIB), (0, 512 * KIB), (2 * MIB, MIB)] {
        s.must_add(s.at(offset), size)?;
        sum += size;
        let total = s.statistics()?.total;
        at_most("total: not more than was handed in", sum, total).with(offset)?;
        at_least("total: not much less", sum - s.regions().len() * 8 * KIB, total).with(offset)?;
    }
    let statistics = s.statistics()?;
    at_most("used: records are a small part", statistics.total / 8, statistics.used)
}

/// Blocks of sizes that need no rounding: `used` rises by about that, not by twice that, and returns.
pub(super) fn used_counts_each_block_once<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    s.take_memory(8 * MIB)?;
    let untouched = s.statistics()?;
    for size in [64, 1024, 4096, 65_536] {
        for count in 1..=32 {
            s.must_alloc(layout(size, 8)?)?;
            let rise = s.statistics()?.used - untouched.used;
            at_least("used: covers the blocks", count * size, rise).with(size)?;
            at_most("used: does not count them twice", count * (size + size / 2 + 64) + 16 * KIB, rise)
                .with(size)?;
        }
        while s.live().len() > 0 {
            let rise = s.statistics()?.used - untouched.used;
            let size_of_all = s.live().bytes();
            at_most("used: falls with each block", size_of_all * 3 / 2 + 64 * 32 + 16 * KIB, rise).with(size)?;
            s.dealloc(0)?;
        }
        equal("used: returns", untouched.used, s.statistics()?.used).with(size)?;
    }
    Ok(())
}

/// The room that `available` tells of is there: what one block takes from it, the same block gives back.
pub(super) fn available_returns_with_each_block<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    s.take_memory(8 * MIB)?;
    let untouched = s.statistics()?;
    for size in [1, 17, 100, 1025, 5000, 70_000, MIB] {
        for align in [1, 64, 4096, 65_536] {
            for _ in 0..3 {
                s.must_alloc(layout(size, align)?)?;
                let used = s.statistics()?.used - untouched.used;
                at_least("used: covers the blocks", s.live().bytes(), used).with(size)?;
                s.give_all_back(Order::Fifo)?;
                s.expect_statistics(untouched).with(size)?;
            }
        }
    }
    Ok(())
}
