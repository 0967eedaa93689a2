//! Points 1 and 2: an allocator that has no pages yet, and its first region.
#![forbid(unsafe_code)]

use allocator_api::AllocError;

use super::subject::{Pages, Subject};
use crate::{
    statistics::Statistics,
    verdict::{Step, With, answers},
};

/// Short, aligned and huge runs, which may differ in the path that they take.
pub(super) fn requests_before_any_memory_are_refused<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    let page = A::PAGE_SIZE;
    for (pages, align) in [(1, page), (2, page), (1, page * 16), (512, page), (usize::MAX, page)] {
        s.must_refuse(pages, align, AllocError::NoMemory)?;
    }
    for index in [0, 1, 100] {
        s.expect_alloc_at(Err(AllocError::NoMemory), index, 1)?;
    }
    s.expect_statistics(Statistics { total: 0, used: 0 })
}

/// One page and many, low, high and in the middle.
pub(super) fn frees_before_any_memory_are_refused<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    for start in [0, A::PAGE_SIZE, s.page(0), s.page(100), usize::MAX - (A::PAGE_SIZE - 1)] {
        for pages in [0, 1, 2, 64, 1000, usize::MAX] {
            s.must_refuse_dealloc(start, pages).with(start)?;
        }
    }
    s.must_refuse(1, A::PAGE_SIZE, AllocError::NoMemory)
}

/// A second `init` with the same region, one inside, one beside, one far away, and one of nothing.
pub(super) fn init_works_once<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(192)?;
    let page = A::PAGE_SIZE;
    answers("init: the first one", Ok(()), s.init(s.page(64), 64 * page)?)?;
    let run = s.must_alloc(3, page)?;
    for (first, pages) in [(64, 64), (80, 8), (128, 32), (0, 32), (160, 32), (160, 0)] {
        let answer = s.init(s.page(first), pages * page)?;
        answers("init: a later one", Err(AllocError::InvalidParam), answer).with(first)?;
    }
    s.must_dealloc(run)
}

/// The other way round: after `add_memory`, `init` comes too late.
pub(super) fn add_memory_serves_as_the_first_call<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(192)?;
    s.must_add(0, 64)?;
    s.must_alloc(3, A::PAGE_SIZE)?;
    let answer = s.init(s.page(128), 64 * A::PAGE_SIZE)?;
    answers("init: after add_memory", Err(AllocError::InvalidParam), answer)?;
    s.must_add(128, 64)
}

/// What was refused leaves the allocator as empty as before, and `init` still to be called.
pub(super) fn a_refused_init_can_be_repeated<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(64)?;
    for size in [0, A::PAGE_SIZE - 1, usize::MAX] {
        // One byte past a page's start, so that there is never a whole page.
        let answer = s.init(s.page(0) + 1, size)?;
        answers("init: a region of no use", Err(AllocError::InvalidParam), answer).with(size)?;
        s.must_refuse(1, A::PAGE_SIZE, AllocError::NoMemory)?;
    }
    answers("init: again", Ok(()), s.init(s.page(0), 64 * A::PAGE_SIZE)?)?;
    s.must_alloc(3, A::PAGE_SIZE).map(|_| ())
}
