//! Point 14: once everything is given back, the allocator is as it was.
#![forbid(unsafe_code)]

use super::subject::{Bytes, Subject, layout};
use crate::{
    order::Order,
    verdict::{Step, With, equal},
};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Exhaustion with one size after another, each given back in each order: the statistics are those of the beginning, and
/// the next exhaustion gets as many blocks.
pub(super) fn recovery_restores_the_statistics<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    for (size, region) in [(40, 32 * KIB), (700, 128 * KIB), (5000, MIB), (70_000, 2 * MIB)] {
        s.fresh();
        s.must_add(s.at(0), region)?;
        s.add_if_allowed(s.at(8 * MIB), region)?;
        let untouched = s.statistics()?;
        let mut first = None;
        for order in Order::ALL {
            let count = s.exhaust(layout(size, 8)?, 2000)?;
            equal("exhaustion: as many blocks as the first time", *first.get_or_insert(count), count)
                .with(size)?;
            s.give_all_back(order)?;
            s.expect_statistics(untouched).with(size)?;
        }
    }
    Ok(())
}

/// The largest block that could be had at first can be had again after blocks of many sizes filled the memory and were
/// given back, in each order.
pub(super) fn recovery_restores_the_largest_block<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    s.take_memory(MIB)?;
    let untouched = s.statistics()?;
    let largest = s.largest(8)?;
    for order in Order::ALL {
        for size in [40, 300, 1500, 6000, 30_000] {
            s.exhaust(layout(size, 8)?, 60)?;
        }
        s.give_all_back(order)?;
        let block = s.must_alloc(layout(largest, 8)?)?;
        s.dealloc(block)?;
        s.expect_statistics(untouched)?;
    }
    Ok(())
}

/// A long random life in little memory, again and again: nothing leaks.
pub(super) fn a_long_life_leaks_nothing<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    s.take_memory(4 * MIB)?;
    let untouched = s.statistics()?;
    for _ in 0..8 {
        for _ in 0..250 {
            s.random_step(8000, 256 * KIB)?;
        }
        s.give_all_back(Order::Random)?;
        s.expect_statistics(untouched)?;
    }
    Ok(())
}
