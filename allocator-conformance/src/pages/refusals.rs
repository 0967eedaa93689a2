//! Points 6, 9 and 16: requests that no memory can serve.
#![forbid(unsafe_code)]

use allocator_api::AllocError;

use super::subject::{Pages, Subject};
use crate::{
    order::Order,
    verdict::{Step, With, answers},
};

/// Through every operation that takes a number of pages, before memory and after.
pub(super) fn a_run_of_no_pages_is_refused<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(64)?;
    for later in [false, true] {
        if later {
            s.must_add(0, 64)?;
            s.must_alloc(40, A::PAGE_SIZE)?;
        }
        for align_log2 in 0..5 {
            s.must_refuse(0, A::PAGE_SIZE << align_log2, AllocError::InvalidParam)?;
        }
        for index in [0, 8, 48, 100] {
            s.expect_alloc_at(Err(AllocError::InvalidParam), index, 0)?;
            s.must_refuse_dealloc(s.page(index), 0)?;
        }
    }
    Ok(())
}

/// Numbers of pages whose bytes overflow, or whose end does, at small and huge alignments.
pub(super) fn a_huge_run_is_refused_at_once<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(64)?;
    let page = A::PAGE_SIZE;
    s.must_add(0, 64)?;
    let held = s.must_alloc(2, page)?;
    let most = usize::MAX / page;
    let powers = (7..usize::BITS).map(|log2| 1 << log2);
    for pages in [65, most - 1, most, most.saturating_add(1), usize::MAX - 1, usize::MAX].into_iter().chain(powers)
    {
        for align in [page, page * 16, 1 << (usize::BITS - 1)] {
            s.must_refuse(pages, align, AllocError::NoMemory)?;
        }
        for start in [s.page(0), s.page(32)] {
            let answer = s.alloc_at(start, pages, page)?;
            answers("alloc_pages_at: a huge run", Err(AllocError::NoMemory), answer).with(pages)?;
            s.must_refuse_dealloc(start, pages)?;
        }
        s.must_refuse_dealloc(held.start(), pages)?;
    }
    s.must_dealloc(held)
}

/// Runs and places of any kind that can be written down: each is answered, with a good run or an error.
pub(super) fn odd_requests_are_answered<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(128)?;
    s.must_add(0, 96)?;
    for _ in 0..2000 {
        let mut any = || {
            let width = s.random.below(usize::BITS as usize);
            s.random.next() as usize & ((1 << width) | ((1 << width) - 1))
        };
        let (start, pages) = (any() & !(A::PAGE_SIZE - 1), any().max(1));
        let near = s.random.below(120);
        let start = if s.random.below(2) == 0 { s.page(near) } else { start };
        match s.random.below(4) {
            0 => s.alloc(pages, A::PAGE_SIZE).map(|_| ())?,
            1 => s.alloc_at(start, pages, A::PAGE_SIZE).map(|_| ())?,
            2 => s.dealloc(start.wrapping_add(s.random.clone().below(3)), pages).map(|_| ())?,
            _ => s.dealloc(start, pages % 64).map(|_| ())?,
        }
    }
    s.give_all_back(Order::Random)
}
