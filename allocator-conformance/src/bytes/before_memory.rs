//! Point 1: an allocator that has no memory yet.
#![forbid(unsafe_code)]

use allocator_api::{AllocError, ByteAllocator, ConstEmpty, InvalidFrees};

use super::subject::{Subject, layout};
use crate::verdict::{Step, equal};

/// Small, aligned and huge requests, which may differ in the path that they take.
pub(super) fn requests_before_any_memory_are_refused<A: ByteAllocator + ConstEmpty>(
    s: &mut Subject<'_, A>,
) -> Step {
    let huge = isize::MAX as usize;
    for (size, align) in [(1, 1), (8, 8), (64, 8192), (4096, 4096), (1 << 20, 1), (huge, 1), (huge - 4095, 4096)] {
        s.must_refuse(layout(size, align)?, AllocError::NoMemory)?;
    }
    let statistics = s.statistics()?;
    equal("before memory: total bytes", 0, statistics.total)?;
    equal("before memory: used bytes", 0, statistics.used)
}

/// Addresses low, high and in the middle, with layouts of every size class there may be.
pub(super) fn frees_before_any_memory_are_refused<A: ByteAllocator + ConstEmpty>(s: &mut Subject<'_, A>) -> Step {
    for address in [8, 4096, s.at(0), s.at(4096), usize::MAX - 65535] {
        for size in [1, 64, 4096, 40_000] {
            s.must_refuse_free(InvalidFrees::FOREIGN, address, layout(size, 8)?)?;
        }
    }
    s.must_refuse(layout(64, 8)?, AllocError::NoMemory)
}
