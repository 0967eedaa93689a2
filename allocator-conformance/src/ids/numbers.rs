//! All cases for ids.
#![forbid(unsafe_code)]

use allocator_api::{AllocError, ConstEmpty, Declared, IdAllocator};

use super::subject::Subject;
use crate::verdict::{Step, answers};

/// Nothing is there: no run, no id, and nothing to give back.
pub(super) fn requests_before_any_ids_are_refused<A>(s: &mut Subject<'_, A>) -> Step
where
    A: IdAllocator + ConstEmpty + Declared,
{
    for count in [1, 2, 1000, usize::MAX] {
        answers("alloc_id: no ids", Err(AllocError::NoMemory), s.alloc(count, 1)?)?;
        s.dealloc(0, count)?;
    }
    s.alloc_fixed(0)?;
    s.alloc_fixed(usize::MAX)?;
    s.expect_flags(0, 10)
}

/// The ids start just after a power of two: an alignment of the index would be wrong everywhere.
pub(super) fn every_alignment_of_an_id_is_honoured<A>(s: &mut Subject<'_, A>) -> Step
where
    A: IdAllocator + ConstEmpty + Declared,
{
    s.need_ids(1024)?;
    s.must_add(1, 1023)?;
    for count in [1, 2, 3, 7, 33] {
        for align_log2 in 0..=7 {
            for _ in 0..3 {
                s.must_alloc(count, 1 << align_log2)?;
            }
            while let Some(entry) = s.live().get(0) {
                s.dealloc(entry.range.start(), entry.size())?;
            }
        }
    }
    Ok(())
}
