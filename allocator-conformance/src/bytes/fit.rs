//! Point 11: what fits is not refused.
#![forbid(unsafe_code)]

use core::alloc::Layout;

use allocator_api::{AddressRange, AllocError, address::align_up};

use super::subject::{Bytes, Subject, layout};
use crate::{
    order::Order,
    verdict::{Step, With, at_least, at_most, broken},
};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Sizes and alignments around those at which engines change their mind.
const SIZES: [usize; 34] = [
    1,
    2,
    7,
    8,
    9,
    16,
    17,
    24,
    31,
    32,
    33,
    48,
    63,
    64,
    65,
    100,
    127,
    128,
    129,
    257,
    1000,
    2047,
    2049,
    4095,
    4096,
    4097,
    5000,
    8193,
    40_000,
    65_535,
    65_537,
    262_145,
    MIB + 1,
    3 * MIB,
];
const ALIGNS: [usize; 8] = [1, 8, 16, 64, 512, 4096, 65_536, MIB];

/// An empty allocator gets a region of exactly the size and alignment that it asks for, at an address that is not more
/// aligned than that.
pub(super) fn region_for_makes_the_request_succeed<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    let mut tried = 0;
    for (size, align) in SIZES.iter().flat_map(|size| ALIGNS.map(|align| (*size, align))) {
        s.fresh();
        let request = layout(size, align)?;
        let Some(region) = place_for(s, request, 0)? else { continue };
        s.must_add(region.start(), region.size().unwrap_or(0)).with(request)?;
        s.must_alloc(request)?;
        tried += 1;
    }
    at_least("region_for: regions of reasonable size", SIZES.len() * ALIGNS.len() / 2, tried)
}

/// An allocator that has nothing left gets such a region, and serves the request.
pub(super) fn region_for_helps_a_full_allocator<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    let first = A::DECLARATION.smallest_first_region_bytes.max(64 * KIB);
    for (size, align) in SIZES.iter().zip(ALIGNS.into_iter().cycle()) {
        s.fresh();
        s.take_memory(first)?;
        let request = layout(*size, align)?;
        s.exhaust(request, 100)?;
        s.exhaust(layout(1000, 8)?, 1000)?;
        let Some(region) = place_for(s, request, first)? else { continue };
        s.must_add(region.start(), region.size().unwrap_or(0)).with(request)?;
        s.must_alloc(request)?;
    }
    Ok(())
}

/// The place in the ground, `from` bytes and more into it, for the region that the request needs; `None` if the ground is
/// too small for it.
fn place_for<A: Bytes>(s: &mut Subject<'_, A>, request: Layout, from: usize) -> Step<Option<AddressRange>> {
    let needed =
        s.region_for(request).map_err(|error| broken("region_for: a region", "a region", error)).with(request)?;
    at_most("region_for: not out of all proportion", 16 * (request.size() + request.align()) + MIB, needed.size())
        .with(request)?;
    let start = align_up(s.at(from), needed.align()).map(|start| {
        let is_even = (start / needed.align()).is_multiple_of(2);
        if is_even { start.saturating_add(needed.align()) } else { start }
    });
    let region = start.and_then(|start| AddressRange::new(start, needed.size()));
    Ok(region.filter(|region| s.ground().contains_range(*region)))
}

/// A model that takes any refusal for an answer would praise an allocator that always refuses. Half of a region can be
/// handed out in blocks of each of these sizes, and then little is left.
pub(super) fn most_of_a_region_can_be_handed_out<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    for (size, region) in [(64, 64 * KIB), (256, 256 * KIB), (1024, MIB), (4096, 2 * MIB), (65_536, 8 * MIB)] {
        s.fresh();
        s.take_memory(region)?;
        let count = s.exhaust(layout(size, 8)?, region / size)?;
        at_least("exhaustion: half of the region at least", region / 2, count * size).with(size)?;
        let left = s.statistics()?;
        at_most("exhaustion: little is left over", region / 8, left.total - left.used).with(size)?;
    }
    Ok(())
}

/// When nothing is left for a size, one block of it is given back; then one can be had.
pub(super) fn a_block_given_back_can_be_had_again<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    s.take_memory(256 * KIB)?;
    let request = layout(512, 8)?;
    let count = s.exhaust(request, 600)?;
    for _ in 0..50 {
        let index = s.random.below(count);
        s.dealloc(index)?;
        s.must_alloc(request)?;
        s.must_refuse(request, AllocError::NoMemory)?;
    }
    s.give_all_back(Order::Fifo)
}

/// The hole that one block leaves among live ones takes another of its size, and of three quarters of its size. And what
/// a fresh region serves at most, it serves in any smaller size.
pub(super) fn a_largest_free_block_is_not_refused<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    for size in [48, 700, 3000, 5000, 10_000, 100_032, 150_000] {
        s.fresh();
        s.take_memory(768 * KIB)?;
        let request = layout(size, 8)?;
        let count = s.exhaust(request, 1000)?;
        s.dealloc(count / 2)?;
        let again = s.must_alloc(request)?;
        s.dealloc(again)?;
        s.must_alloc(layout(size / 4 * 3, 8)?)?;
    }
    s.fresh();
    s.take_memory(1_491_008)?;
    let largest = s.largest(8)?;
    for size in [largest, largest - 1, largest - 8, largest - 1000, largest / 2 + 1, largest / 3, 1000, 1] {
        let block = s.must_alloc(layout(size, 8)?)?;
        s.dealloc(block)?;
    }
    Ok(())
}
