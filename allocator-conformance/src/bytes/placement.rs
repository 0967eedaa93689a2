//! Points 7 and 8: where blocks stand, and whose their bytes are.
#![forbid(unsafe_code)]

use allocator_api::AddressRange;

use super::subject::{Bytes, Subject, layout};
use crate::{order::Order, verdict::Step};

const MIB: usize = 1 << 20;

/// Three blocks of each kind are live together, so that one that is aligned by chance is followed by one that is not.
/// The region starts at an odd place: an alignment of the offset is not one of the address.
pub(super) fn every_alignment_is_honoured<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    s.must_add(s.at(3 * 4096 + 16), 14 * MIB)?;
    for size in [1, 8, 24, 64, 100, 1000, 4096, 5000, 70_000] {
        for align_log2 in 0..=20 {
            for _ in 0..3 {
                s.must_alloc(layout(size, 1 << align_log2)?)?;
            }
            s.give_all_back(Order::Fifo)?;
        }
    }
    Ok(())
}

/// Blocks of different alignments are live together: a small one stands in front of each large one.
pub(super) fn mixed_alignments_are_honoured_together<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    s.must_add(s.at(5 * 4096 + 48), 14 * MIB)?;
    for align_log2 in 0..=18 {
        for size in [24, 3000] {
            s.must_alloc(layout(size, 1)?)?;
            s.must_alloc(layout(size, 1 << align_log2)?)?;
        }
    }
    s.give_all_back(Order::EvenOdd)
}

/// Blocks of one size after another stand side by side; each is filled with a byte of its own, and looked at again when
/// all are there.
pub(super) fn every_byte_of_a_block_is_usable<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    s.take_memory(8 * MIB)?;
    for size in 1..=300 {
        s.must_alloc(layout(size, 1)?)?;
    }
    for size_log2 in 9..=17 {
        for size in [(1 << size_log2) - 1, 1 << size_log2, (1 << size_log2) + 1] {
            s.must_alloc(layout(size, 8)?)?;
        }
    }
    s.expect_all_contents()?;
    s.give_all_back(Order::Lifo)
}

/// A long random life with blocks of every kind, in which every block keeps its bytes.
pub(super) fn live_blocks_never_overlap<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    s.take_memory(14 * MIB)?;
    for step in 0..4000 {
        s.random_step(40_000, MIB)?;
        if step % 500 == 0 {
            s.expect_all_contents()?;
        }
    }
    s.give_all_back(Order::Random)
}

/// Two regions with odd borders, and painted memory before, between and after them.
pub(super) fn memory_outside_the_regions_is_not_written<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    let borders = [MIB - 4096, MIB + 13, 3 * MIB + 200, 4 * MIB + 1, 5 * MIB + 77, 5 * MIB + 10_000];
    let [before, first, between, second, after] =
        [0, 1, 2, 3, 4].map(|i| AddressRange::from_bounds(s.at(borders[i]), s.at(borders[i + 1] - 1)));
    let margins = || [before, between, after].into_iter().flatten();
    for margin in margins() {
        s.paint(margin, 0xc3)?;
    }
    for region in [second, first].into_iter().flatten() {
        s.add_if_allowed(region.start(), region.size().unwrap_or(0))?;
    }
    for _ in 0..800 {
        s.random_step(5000, MIB / 4)?;
    }
    s.exhaust_all()?;
    s.give_all_back(Order::Random)?;
    margins().try_for_each(|margin| s.expect_painted(margin, 0xc3))
}
