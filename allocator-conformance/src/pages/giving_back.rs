//! Points 13 and 14: frees of every kind, and recovery.
#![forbid(unsafe_code)]

use allocator_api::AllocError;

use super::subject::{Pages, Subject};
use crate::{
    order::Order,
    verdict::{Step, equal},
};

/// One run is given back from its middle, its ends, and in between.
pub(super) fn a_run_can_be_freed_in_pieces<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(96)?;
    s.must_add(0, 96)?;
    let untouched = s.statistics()?;
    for pieces in [&[(8, 8), (0, 8), (24, 8), (16, 8)][..], &[(0, 31), (31, 1)], &[(31, 1), (1, 30), (0, 1)]] {
        let run = s.must_alloc(32, A::PAGE_SIZE)?;
        for (first, pages) in pieces {
            let piece = run.start() + first * A::PAGE_SIZE;
            s.dealloc(piece, *pages)?.map_err(|_| mistake_in_pieces())?;
        }
        s.expect_statistics(untouched)?;
    }
    Ok(())
}

/// Runs that were handed out one by one are given back at once, and over their borders.
pub(super) fn neighbouring_runs_can_be_freed_together<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(96)?;
    s.must_add(0, 96)?;
    let untouched = s.statistics()?;
    let whole = s.must_alloc(32, A::PAGE_SIZE)?;
    s.must_dealloc(whole)?;
    for (first, pages) in [(0, 8), (8, 8), (16, 1), (17, 15)] {
        s.alloc_at(whole.start() + first * A::PAGE_SIZE, pages, A::PAGE_SIZE)?.map_err(|_| mistake_in_pieces())?;
    }
    s.dealloc(whole.start() + 4 * A::PAGE_SIZE, 20)?.map_err(|_| mistake_in_pieces())?;
    s.dealloc(whole.start() + 24 * A::PAGE_SIZE, 8)?.map_err(|_| mistake_in_pieces())?;
    s.dealloc(whole.start(), 4)?.map_err(|_| mistake_in_pieces())?;
    s.expect_statistics(untouched)
}

#[track_caller]
fn mistake_in_pieces() -> crate::verdict::Stop {
    crate::verdict::mistake("pieces: they are live, or free, as the case has it")
}

/// A page, a run, and part of a run a second time.
pub(super) fn a_double_free_is_refused<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(96)?;
    s.must_add(0, 96)?;
    for pages in [1, 2, 7, 32] {
        let below = s.must_alloc(1, A::PAGE_SIZE)?;
        let run = s.must_alloc(pages, A::PAGE_SIZE)?;
        let above = s.must_alloc(1, A::PAGE_SIZE)?;
        s.must_dealloc(run)?;
        s.must_refuse_dealloc(run.start(), pages)?;
        s.must_refuse_dealloc(run.start(), 1)?;
        s.must_refuse_dealloc(run.last() - (A::PAGE_SIZE - 1), 1)?;
        s.must_dealloc(below)?;
        s.must_refuse_dealloc(below.start(), 1)?;
        s.must_dealloc(above)?;
        s.must_refuse_dealloc(above.start(), 1)?;
        s.must_refuse_dealloc(run.start(), pages)?;
    }
    Ok(())
}

/// A run of which some page is free or was never managed is refused whole: none of its pages is given back.
pub(super) fn a_partly_free_run_is_refused_whole<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(96)?;
    let page = A::PAGE_SIZE;
    s.must_add(8, 80)?;
    for hole in [0, 1, 15, 30, 31] {
        let run = s.must_alloc(32, page)?;
        let start = run.start();
        s.dealloc(start + hole * page, 1)?.map_err(|_| mistake_in_pieces())?;
        s.must_refuse_dealloc(start, 32)?;
        s.must_refuse_dealloc(start + hole * page, 32 - hole)?;
        s.must_refuse_dealloc(start, hole + 1)?;
        s.expect_all_contents()?;
        s.give_all_back(Order::Fifo)?;
    }
    Ok(())
}

/// Pages outside the regions, runs that reach out of them, and runs over the hole between two regions.
pub(super) fn foreign_pages_are_refused<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(192)?;
    s.must_add(32, 32)?;
    s.must_add(96, 32)?;
    s.exhaust(1)?;
    for (first, pages) in
        [(0, 1), (31, 1), (31, 2), (63, 2), (64, 1), (60, 40), (80, 4), (128, 1), (127, 2), (0, 160)]
    {
        s.must_refuse_dealloc(s.page(first), pages)?;
    }
    for start in [0, A::PAGE_SIZE, usize::MAX - (A::PAGE_SIZE - 1)] {
        s.must_refuse_dealloc(start, 1)?;
        s.must_refuse_dealloc(start, 2)?;
    }
    s.expect_all_contents()?;
    s.give_all_back(Order::Random)?;
    s.survey()
}

/// An address inside a page, of a live run and of a free one.
pub(super) fn a_misaligned_free_is_refused<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(96)?;
    s.must_add(0, 96)?;
    let run = s.must_alloc(32, A::PAGE_SIZE)?;
    for offset in [1, 8, A::PAGE_SIZE / 2, A::PAGE_SIZE - 1] {
        for pages in [1, 2, 31, 32] {
            s.must_refuse_dealloc(run.start() + offset, pages)?;
            s.must_refuse_dealloc(run.last() + 1 - offset, pages)?;
        }
    }
    s.must_dealloc(run)
}

/// Exhaustion with runs of one length after another, each given back in each order: the statistics are those of the
/// beginning, and the next exhaustion gets as many runs.
pub(super) fn recovery_restores_the_statistics<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(384)?;
    s.must_add(128, 128)?;
    s.must_add(0, 64)?;
    s.must_add(256, 128)?;
    let untouched = s.statistics()?;
    for pages in [1, 2, 5, 16] {
        let mut first = None;
        for order in Order::ALL {
            let count = s.exhaust(pages)?;
            equal("exhaustion: as many runs as the first time", *first.get_or_insert(count), count)?;
            s.give_all_back(order)?;
            s.expect_statistics(untouched)?;
        }
    }
    Ok(())
}

/// After a random life that is given back in each order, the longest run can be had again.
pub(super) fn recovery_restores_the_longest_run<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(256)?;
    s.must_add(0, 256)?;
    s.survey()?;
    let longest = s.longest_free(A::PAGE_SIZE);
    for order in Order::ALL {
        for _ in 0..300 {
            s.random_step(256)?;
        }
        s.give_all_back(order)?;
        let run = s.must_alloc(longest, A::PAGE_SIZE)?;
        s.must_refuse(longest, A::PAGE_SIZE, AllocError::NoMemory)?;
        s.must_dealloc(run)?;
    }
    Ok(())
}
