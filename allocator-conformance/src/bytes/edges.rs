//! Points 7 and 8 at every edge: each small size, and each alignment that the memory has a multiple of.
#![forbid(unsafe_code)]

use super::subject::{Bytes, Subject, layout};
use crate::{order::Order, verdict::Step};

const MIB: usize = 1 << 20;

/// Every size up to two pages, and three around each power of two above. Two blocks of a size are live together: what is too
/// short for its size shows in its neighbour.
pub(super) fn every_size_is_served<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    s.take_memory(8 * MIB)?;
    let around = (14..=18).flat_map(|size_log2| [(1 << size_log2) - 1, 1 << size_log2, (1 << size_log2) + 1]);
    for size in (1..=8192).chain(around) {
        s.must_alloc(layout(size, 1)?)?;
        s.must_alloc(layout(size, 1)?)?;
        s.expect_all_contents()?;
        s.give_all_back(Order::Fifo)?;
    }
    Ok(())
}

/// Alignments up to 4 MiB, of which all memory has three multiples.
pub(super) fn alignments_as_large_as_the_memory_are_honoured<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    s.take_memory(15 * MIB)?;
    for align_log2 in 18..=22 {
        for size in [1, 4096, 100_000] {
            let block = s.must_alloc(layout(size, 1 << align_log2)?)?;
            s.dealloc(block)?;
        }
    }
    Ok(())
}
