//! Point 3: several regions.
#![forbid(unsafe_code)]

use allocator_api::AllocError;

use super::subject::{Bytes, Subject, layout};
use crate::{
    order::Order,
    verdict::{Step, With, answers, at_least},
};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// The regions held are the second and third, and the fifth MiB; each form overlaps them in another way.
pub(super) fn overlap_is_refused_in_every_form<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    s.must_add(s.at(MIB), 2 * MIB)?;
    s.must_add(s.at(4 * MIB), MIB)?;
    let block = s.must_alloc(layout(100_000, 8)?)?;
    let forms = [
        ("identical", MIB, 2 * MIB),
        ("inside", 3 * MIB / 2, 64 * KIB),
        ("inside, at the start", MIB, 64 * KIB),
        ("inside, at the end", 3 * MIB - 64 * KIB, 64 * KIB),
        ("containing", MIB - 64 * KIB, 2 * MIB + 128 * KIB),
        ("containing both", 0, 6 * MIB),
        ("over the start", MIB / 2, MIB),
        ("over the start by a page", MIB / 2, MIB / 2 + 4 * KIB),
        ("over the start by a byte", MIB / 2, MIB / 2 + 1),
        ("over the end", 5 * MIB / 2, MIB),
        ("over the end by a page", 3 * MIB - 4 * KIB, MIB),
        ("over the end by a byte", 3 * MIB - 1, MIB),
        ("over the hole, from end to start", 3 * MIB - 4 * KIB, MIB + 8 * KIB),
        ("over the hole and a byte", 3 * MIB, MIB + 1),
        ("from one start to the other's end", MIB, 4 * MIB),
    ];
    for (form, offset, size) in forms {
        let answer = s.add(s.at(offset), size)?;
        answers("add_memory: overlap", Err(AllocError::MemoryOverlap), answer).with(form)?;
    }
    s.must_add(s.at(3 * MIB), MIB)?;
    s.dealloc(block)?;
    s.exhaust(layout(60_000, 8)?, 100).map(|_| ())
}

/// Above, below and between those there are, with borders of all kinds. When nothing is left, blocks stand in each.
pub(super) fn regions_in_any_order_are_all_used<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    let mut least = 0;
    for (offset, size) in [
        (6 * MIB, MIB),
        (8 * MIB + 7, MIB - 100),
        (2 * MIB + 4095, 700 * KIB + 1),
        (4 * MIB + 16, 513 * KIB),
        (3 * MIB, 256 * KIB),
        (10 * MIB, 3 * MIB),
        (64, 300 * KIB),
    ] {
        s.must_add(s.at(offset), size).with(offset)?;
        least += size - 8 * KIB;
    }
    at_least("add_memory: total is the sum of the regions", least, s.statistics()?.total)?;
    s.exhaust(layout(60_000, 1)?, 1000)?;
    s.exhaust(layout(9000, 1)?, 2000)?;
    for region in s.regions().entries() {
        let inside = s.live().entries().iter().filter(|block| region.range.contains(block.range.start())).count();
        at_least("exhaustion: blocks stand in every region", 1, inside).with(region.size())?;
    }
    s.give_all_back(Order::Random)
}

/// Two regions of 1 MiB side by side, together aligned to 2 MiB; added upwards, downwards, and with the last one
/// between two others.
pub(super) fn adjacent_regions_serve_one_request<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    // The first even MiB of the ground, as an address.
    let base = s.at(0).next_multiple_of(4 * MIB) - s.at(0);
    let both = layout(3 * MIB / 2, 8)?;
    for order in [&[0, 1][..], &[1, 0]] {
        s.fresh();
        for index in order {
            s.must_add(s.at(base + index * MIB), MIB)?;
        }
        let block = s.must_alloc(both).with("two regions")?;
        s.dealloc(block)?;
        s.must_alloc(both).with("two regions, once more")?;
    }
    s.fresh();
    for index in [0, 3, 2, 1] {
        s.must_add(s.at(base + index * MIB), MIB)?;
    }
    s.must_alloc(layout(5 * MIB / 2, 8)?).with("four regions").map(|_| ())
}

/// Small regions with holes between them. Where a declared limit comes in between, it is the outcome.
pub(super) fn hundreds_of_regions_are_taken<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    const REGIONS: usize = 224;
    for index in 0..REGIONS {
        // The regions come from both ends, so that each stands between others.
        let place = if index % 2 == 0 { index / 2 } else { REGIONS - 1 - index / 2 };
        let answer = s.add_within_limit(s.at(place * 64 * KIB), 32 * KIB)?;
        answers("add_memory: one more region", Ok(()), answer).with(index)?;
    }
    at_least("exhaustion: every region serves a block", REGIONS, s.exhaust(layout(9000, 8)?, 2 * REGIONS)?)
}
