//! Points 1 to 9: ranges of ids, and runs of them.
#![forbid(unsafe_code)]

use allocator_api::AllocError;

use super::subject::{Ids, Subject};
use crate::verdict::{Step, Stop, With, answers, equal};

/// Nothing is there: no run, no id, and nothing to give back.
pub(super) fn requests_before_any_ids_are_refused<A: Ids>(s: &mut Subject<'_, A>) -> Step {
    for count in [1, 2, 1000, usize::MAX] {
        answers("alloc_id: no ids", Err(AllocError::NoMemory), s.alloc(count, 1)?)?;
        s.dealloc(0, count)?;
    }
    s.alloc_fixed(0)?;
    s.alloc_fixed(usize::MAX)?;
    s.expect_flags(0, 10)
}

/// Ranges of no ids, ranges beyond the last number, and ranges that are there already, in whole or in part.
pub(super) fn ids_that_are_none_or_there_already_are_refused<A: Ids>(s: &mut Subject<'_, A>) -> Step {
    s.need_ids(300)?;
    let invalid = Err(AllocError::InvalidParam);
    for later in [false, true] {
        if later {
            s.must_add(64, 64)?;
        }
        for (first, count) in [(0, 0), (64, 0), (usize::MAX, 2), (2, usize::MAX), (usize::MAX, usize::MAX)] {
            answers("add_ids: none, or beyond the last", invalid, s.add(first, count)?).with(first)?;
        }
    }
    s.must_alloc(5, 1)?;
    for (first, count) in [(64, 64), (80, 8), (60, 100), (0, 65), (127, 1), (127, 100), (64, 1)] {
        answers("add_ids: there already", Err(AllocError::MemoryOverlap), s.add(first, count)?).with(first)?;
    }
    s.must_add(128, 32)?;
    s.must_add(0, 64)?;
    s.expect_flags(0, 170)
}

/// Ranges below, above and between; every id is handed out once, and a run may lie across a border where they touch.
pub(super) fn ranges_of_ids_in_any_order_are_all_used<A: Ids>(s: &mut Subject<'_, A>) -> Step {
    s.need_ids(512)?;
    for (first, count) in [(200, 50), (300, 7), (100, 50), (0, 3), (150, 50), (400, 1)] {
        s.must_add(first, count)?;
    }
    let across = s.must_alloc(150, 1)?;
    equal("alloc_id: the run across the borders", 100, across)?;
    s.dealloc(across, 150)?;
    for _ in 0..50 + 7 + 50 + 3 + 50 + 1 {
        s.must_alloc(1, 1)?;
    }
    answers("alloc_id: nothing is left", Err(AllocError::NoMemory), s.alloc(1, 1)?)?;
    s.expect_flags(0, 420)
}

/// Single ids with one id between them. A declared limit is tried out, and is then the outcome.
pub(super) fn hundreds_of_ranges_are_taken<A: Ids>(s: &mut Subject<'_, A>) -> Step {
    const RANGES: usize = 224;
    s.need_ids(2 * RANGES)?;
    let limit = A::DECLARATION.max_regions.unwrap_or(usize::MAX);
    for index in 0..RANGES {
        let answer = s.add(2 * index, 1)?;
        if index >= limit {
            answers("add_ids: beyond the limit", Err(AllocError::NoMemory), answer).with(index)?;
            return Err(Stop::Declared("takes a limited number of ranges that do not touch"));
        }
        answers("add_ids: one more range", Ok(()), answer).with(index)?;
    }
    for _ in 0..RANGES {
        s.must_alloc(1, 1)?;
    }
    Ok(())
}

/// A run of no ids, before ids come and after; giving back no ids.
pub(super) fn a_run_of_no_ids_is_refused<A: Ids>(s: &mut Subject<'_, A>) -> Step {
    s.need_ids(64)?;
    for later in [false, true] {
        if later {
            s.must_add(0, 64)?;
            s.must_alloc(8, 1)?;
        }
        for align in [1, 2, 64] {
            answers("alloc_id: no ids", Err(AllocError::InvalidParam), s.alloc(0, align)?).with(align)?;
        }
        for first in [0, 4, 8, 63, 100] {
            s.dealloc(first, 0)?;
        }
    }
    Ok(())
}

/// What is no power of two, before ids come and after.
pub(super) fn an_invalid_alignment_is_refused<A: Ids>(s: &mut Subject<'_, A>) -> Step {
    s.need_ids(64)?;
    for later in [false, true] {
        if later {
            s.must_add(0, 64)?;
        }
        for align in [0, 3, 5, 6, 7, 12, 63, usize::MAX] {
            for count in [1, 2, 1000] {
                answers("alloc_id: alignment", Err(AllocError::InvalidParam), s.alloc(count, align)?)
                    .with(align)?;
            }
        }
    }
    Ok(())
}

/// The ids start just after a power of two: an alignment of the index would be wrong everywhere.
pub(super) fn every_alignment_is_honoured<A: Ids>(s: &mut Subject<'_, A>) -> Step {
    s.need_ids(1024)?;
    s.must_add(1, 1023)?;
    for count in [1, 2, 3, 7, 33] {
        for align_log2 in 0..=7 {
            for _ in 0..3 {
                s.must_alloc(count, 1 << align_log2)?;
            }
            s.give_all_back(crate::order::Order::Fifo)?;
        }
    }
    Ok(())
}

/// Counts and alignments at which an end, or a rounding, would overflow.
pub(super) fn a_huge_run_of_ids_is_refused<A: Ids>(s: &mut Subject<'_, A>) -> Step {
    s.need_ids(64)?;
    s.must_add(0, 64)?;
    s.must_alloc(2, 1)?;
    for log2 in 7..usize::BITS {
        for count in [1 << log2, usize::MAX >> (log2 - 7), usize::MAX - log2 as usize] {
            for align in [1, 1 << log2] {
                answers("alloc_id: a huge run", Err(AllocError::NoMemory), s.alloc(count, align)?).with(count)?;
            }
            s.dealloc(0, count)?;
            s.dealloc(1, count)?;
        }
    }
    Ok(())
}
