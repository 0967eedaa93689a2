//! Points 10 and 11: runs at a chosen place, and runs that fit.
#![forbid(unsafe_code)]

use allocator_api::AllocError;

use super::subject::{Pages, Subject};
use crate::{
    order::Order,
    verdict::{Step, With, answers, equal},
};

/// The first, the last and inner pages of a region, runs of all lengths, side by side.
pub(super) fn alloc_pages_at_gives_exactly_that_run<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(128)?;
    s.must_add(32, 64)?;
    s.survey()?;
    // A run of known place, wherever the allocator keeps its records.
    let longest = s.longest_free(A::PAGE_SIZE);
    let run = s.must_alloc(longest, A::PAGE_SIZE)?;
    s.must_dealloc(run)?;
    let mut next = 0;
    for pages in [1, 2, 3, 5, 8, 13] {
        let start = run.start() + next * A::PAGE_SIZE;
        answers("alloc_pages_at: free pages", Ok(()), s.alloc_at(start, pages, A::PAGE_SIZE)?).with(pages)?;
        next += pages;
    }
    let last = run.last() - (A::PAGE_SIZE - 1);
    answers("alloc_pages_at: the last page", Ok(()), s.alloc_at(last, 1, A::PAGE_SIZE)?)?;
    s.give_all_back(Order::EvenOdd)?;
    answers("alloc_pages_at: all of it", Ok(()), s.alloc_at(run.start(), longest, A::PAGE_SIZE)?)
}

/// A run in whole or in part taken, outside the regions, over their borders, over a hole.
pub(super) fn alloc_pages_at_refuses_what_is_not_free<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(192)?;
    s.must_add(32, 32)?;
    s.must_add(96, 32)?;
    s.survey()?;
    let refused = Err(AllocError::NoMemory);
    for (first, pages) in
        [(0, 1), (31, 1), (31, 2), (63, 2), (64, 1), (60, 40), (80, 4), (128, 1), (127, 2), (0, 160)]
    {
        s.expect_alloc_at(refused, first, pages)?;
    }
    let taken = s.must_alloc(4, A::PAGE_SIZE)?;
    let page = |index: usize| taken.start() + index * A::PAGE_SIZE;
    for (first, pages) in [(0, 1), (0, 4), (1, 2), (3, 1), (3, 2), (0, 5), (2, 10)] {
        let answer = s.alloc_at(page(first), pages, A::PAGE_SIZE)?;
        answers("alloc_pages_at: a taken page", refused, answer).with(first)?;
    }
    s.must_dealloc(taken)
}

/// A place that is no multiple of the alignment, free or not, before memory comes and after.
pub(super) fn alloc_pages_at_refuses_a_misaligned_place<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(128)?;
    let page = A::PAGE_SIZE;
    let refused = Err(AllocError::InvalidParam);
    for later in [false, true] {
        if later {
            s.must_add(0, 128)?;
        }
        // The ground starts on a multiple of 16 pages, unless pages are so large that there is no telling.
        let base = s.page(0).next_multiple_of(32 * page);
        for (offset, align) in
            [(1, page), (page - 1, page), (page, 2 * page), (8 * page, 16 * page), (page / 2, page)]
        {
            let answer = s.alloc_at(base + offset, 2, align)?;
            answers("alloc_pages_at: misaligned", refused, answer).with(offset)?;
        }
    }
    Ok(())
}

/// An allocator that always refuses would please a model that takes any refusal: every page that is available is
/// handed out, one by one, and in runs.
pub(super) fn every_available_page_can_be_had<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(512)?;
    s.must_add(0, 512)?;
    s.survey()?;
    let statistics = s.statistics()?;
    let run = s.must_alloc(s.longest_free(A::PAGE_SIZE), A::PAGE_SIZE)?;
    s.must_dealloc(run)?;
    for pages in [3, 8] {
        let count = s.exhaust(pages)?;
        let rest = s.exhaust(1)?;
        equal("exhaustion: nothing is left", statistics.total - statistics.used, count * pages + rest)
            .with(pages)?;
        s.give_all_back(Order::Fifo)?;
    }
    Ok(())
}

/// In many random states, the longest free run that the books know is served, and no longer one; likewise for runs that
/// start at a multiple of an alignment.
pub(super) fn the_longest_free_run_is_not_refused<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(256)?;
    s.must_add(1, 90)?;
    s.must_add(100, 60)?;
    s.must_add(160, 96)?;
    s.survey()?;
    for round in 0..40 {
        for _ in 0..20 {
            s.random_step(256)?;
        }
        for align_log2 in [0, 1, 2, 4] {
            let align = A::PAGE_SIZE << align_log2;
            let longest = s.longest_free(align);
            s.must_refuse(longest + 1, align, AllocError::NoMemory)?;
            if longest > 0 {
                let run = s.must_alloc(longest, align).with(align)?;
                s.must_dealloc(run)?;
            }
        }
        if round % 8 == 7 {
            s.give_all_back(Order::Random)?;
        }
    }
    Ok(())
}
