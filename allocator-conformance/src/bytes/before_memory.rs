//! Points 1 and 2: an allocator that has no memory yet, and its first region.
#![forbid(unsafe_code)]

use allocator_api::{AllocError, InvalidFrees};

use super::subject::{Bytes, Subject, layout};
use crate::verdict::{Step, With, answers, equal};

const REGION: usize = 1 << 20;

/// Small, aligned and huge requests, which may differ in the path that they take.
pub(super) fn requests_before_any_memory_are_refused<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    let huge = isize::MAX as usize;
    for (size, align) in [(1, 1), (8, 8), (64, 8192), (4096, 4096), (1 << 20, 1), (huge, 1), (huge - 4095, 4096)] {
        s.must_refuse(layout(size, align)?, AllocError::NoMemory)?;
    }
    let statistics = s.statistics()?;
    equal("before memory: total bytes", 0, statistics.total)?;
    equal("before memory: used bytes", 0, statistics.used)
}

/// Addresses low, high and in the middle, with layouts of several size classes.
pub(super) fn frees_before_any_memory_are_refused<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    for address in [8, 4096, s.at(0), s.at(4096), usize::MAX - 65535] {
        for size in [1, 64, 4096, 40_000] {
            s.must_refuse_free(InvalidFrees::FOREIGN, address, layout(size, 8)?)?;
        }
    }
    s.must_refuse(layout(64, 8)?, AllocError::NoMemory)
}

/// A second `init` with the same region, one inside, one beside, one far away, and one of nothing.
pub(super) fn init_works_once<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    answers("init: the first one", Ok(()), s.init(s.at(REGION), REGION)?)?;
    let block = s.must_alloc(layout(1000, 8)?)?;
    for (offset, size) in [(1, 1), (1, 2), (2, 1), (0, 1), (5, 1), (5, 0)] {
        let answer = s.init(s.at(offset * REGION), size * REGION)?;
        answers("init: a later one", Err(AllocError::InvalidParam), answer).with(offset)?;
    }
    s.dealloc(block)?;
    s.exhaust_all()
}

/// The other way round: after `add_memory`, `init` comes too late.
pub(super) fn add_memory_serves_as_the_first_call<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    s.take_memory(REGION)?;
    s.must_alloc(layout(1000, 8)?)?;
    let answer = s.init(s.at(2 * REGION), REGION)?;
    answers("init: after add_memory", Err(AllocError::InvalidParam), answer)?;
    s.must_add(s.at(2 * REGION), REGION)
}

/// What was refused leaves the allocator as empty as before, and `init` still to be called.
pub(super) fn a_refused_init_can_be_repeated<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    for size in [0, usize::MAX] {
        answers("init: a region of no use", Err(AllocError::InvalidParam), s.init(s.at(0), size)?).with(size)?;
        s.must_refuse(layout(1, 1)?, AllocError::NoMemory)?;
    }
    answers("init: again", Ok(()), s.init(s.at(0), REGION)?)?;
    s.must_alloc(layout(1000, 8)?).map(|_| ())
}
