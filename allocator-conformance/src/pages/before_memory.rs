//! Point 1: an allocator that has no pages yet.
#![forbid(unsafe_code)]

use allocator_api::{AllocError, ConstEmpty, Declared, PageAllocator};

use super::subject::{Statistics, Subject};
use crate::verdict::Step;

/// Short, aligned and huge runs, which may differ in the path that they take.
pub(super) fn requests_before_any_memory_are_refused<A>(s: &mut Subject<'_, A>) -> Step
where
    A: PageAllocator + ConstEmpty + Declared,
{
    let page = A::PAGE_SIZE;
    for (pages, align) in [(1, page), (2, page), (1, page * 16), (512, page), (usize::MAX, page)] {
        s.must_refuse(pages, align, AllocError::NoMemory)?;
    }
    for index in [0, 1, 100] {
        s.expect_alloc_at(Err(AllocError::NoMemory), s.page(index), 1, page)?;
    }
    s.expect_statistics(Statistics { total: 0, used: 0 })
}
