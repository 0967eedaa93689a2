//! Points 3 and 5: several regions, and many, and large ones.
#![forbid(unsafe_code)]

use allocator_api::{AddressRange, AllocError};

use super::{
    regions::need_numbers,
    subject::{Pages, Subject},
};
use crate::{
    order::Order,
    verdict::{Step, Stop, With, answers, at_least, equal, mistake},
};

/// The regions held are 64 pages each, from page 64 and from page 192 on; each form overlaps them in another way.
pub(super) fn overlap_is_refused_in_every_form<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(320)?;
    let page = A::PAGE_SIZE;
    s.must_add(64, 64)?;
    s.must_add(192, 64)?;
    let run = s.must_alloc(5, page)?;
    let forms = [
        ("identical", 64, 64 * page),
        ("inside", 80, 8 * page),
        ("inside, at the start", 64, 8 * page),
        ("inside, at the end", 120, 8 * page),
        ("containing", 60, 72 * page),
        ("containing both", 32, 256 * page),
        ("over the start", 40, 40 * page),
        ("over the start by a page", 40, 25 * page),
        ("over the start by a byte", 40, 24 * page + 1),
        ("over the end", 100, 64 * page),
        ("over the end by a page", 127, 33 * page),
        ("over the hole, from end to start", 127, 66 * page),
        ("over the hole and a byte", 128, 64 * page + 1),
        ("from one start to the other's end", 64, 192 * page),
    ];
    for (form, first, size) in forms {
        let answer = s.add(s.page(first), size)?;
        answers("add_memory: overlap", Err(AllocError::MemoryOverlap), answer).with(form)?;
    }
    let answer = s.add(s.page(128) - 1, 32 * page)?;
    answers("add_memory: overlap", Err(AllocError::MemoryOverlap), answer).with("over the end by a byte")?;
    s.must_add(128, 64)?;
    s.must_dealloc(run)?;
    s.survey()
}

/// Above, below and between those there are, with borders of all kinds. Every page is handed out.
pub(super) fn regions_in_any_order_are_all_used<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(512)?;
    let page = A::PAGE_SIZE;
    for (first, odd, pages) in
        [(128, 0, 32), (320, 0, 64), (32, 1, 48), (200, page - 1, 40), (160, 0, 17), (448, 8, 64), (0, 0, 20)]
    {
        let answer = s.add_within_limit(s.page(first) + odd, pages * page)?;
        answers("add_memory: in any order", Ok(()), answer).with(first)?;
    }
    s.exhaust(1)?;
    for region in s.regions().entries() {
        let inside = s.live().entries().iter().filter(|run| region.range.contains(run.range.start())).count();
        at_least("exhaustion: pages of every region are handed out", 1, inside).with(region.size())?;
    }
    s.give_all_back(Order::Random)?;
    s.survey()
}

/// Two regions side by side, added upwards and downwards, and three of which the middle one comes last.
pub(super) fn adjacent_regions_serve_one_request<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(192)?;
    for order in [&[0, 1][..], &[1, 0], &[0, 2, 1]] {
        s.fresh();
        for index in order {
            s.must_add(index * 64, 64)?;
        }
        s.survey()?;
        // More than fits into all regions but one, wherever the allocator's own records lie.
        let longest = s.longest_free(A::PAGE_SIZE);
        at_least("survey: a run of pages needs every region", 64 * (order.len() - 1) + 1, longest)?;
        s.must_alloc(longest, A::PAGE_SIZE)?;
        s.give_all_back(Order::Fifo)?;
        let across = s.page(60);
        let answer = s.alloc_at(across, 8, A::PAGE_SIZE)?;
        answers("alloc_pages_at: across the border", Ok(()), answer)?;
    }
    Ok(())
}

/// Small regions with holes between them. Where a declared limit comes in between, it is the outcome.
pub(super) fn hundreds_of_regions_are_taken<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    const REGIONS: usize = 224;
    s.need_pages(8 * REGIONS)?;
    for index in 0..REGIONS {
        // The regions come from both ends, so that each stands between others.
        let place = if index % 2 == 0 { index / 2 } else { REGIONS - 1 - index / 2 };
        let answer = s.add_within_limit(s.page(place * 8), 4 * A::PAGE_SIZE)?;
        answers("add_memory: one more region", Ok(()), answer).with(index)?;
    }
    at_least("exhaustion: every region serves a page", REGIONS, s.exhaust(1)?)?;
    s.give_all_back(Order::EvenOdd)
}

/// Numbers all over the address space. A declared span is tried out, and is then the outcome.
pub(super) fn regions_far_apart_are_all_used<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    need_numbers::<A>()?;
    let page = A::PAGE_SIZE;
    let middle = 1 << (usize::BITS - 1);
    if let Some(span) = A::DECLARATION.span_bytes {
        s.must_add(0, 16)?;
        let beyond = s.page(0).checked_add(span).ok_or(Stop::Skipped("the span is the whole address space"))?;
        let answer = s.add(beyond, 16 * page)?;
        answers("add_memory: beyond the span", Err(AllocError::InvalidParam), answer)?;
        return Err(Stop::Declared("manages a limited span of addresses"));
    }
    if page > middle / (512 * 32) {
        return Err(Stop::Skipped("the address space has too few pages of this size"));
    }
    let starts = [middle, 16 * page, usize::MAX - (64 * page - 1), middle / 2, middle + middle / 2, middle / 512];
    for start in starts {
        answers("add_memory: far apart", Ok(()), s.add_within_limit(start, 16 * page)?).with(start)?;
    }
    equal("add_memory: all pages are held", 16 * starts.len(), s.statistics()?.total)?;
    for start in starts {
        answers("alloc_pages_at: in each region", Ok(()), s.alloc_at(start, 16, page)?).with(start)?;
    }
    s.must_refuse(1, page, AllocError::NoMemory)?;
    s.give_all_back(Order::Random)
}

/// 64 GiB, or what the declared span allows: no setting must be made for it.
pub(super) fn a_large_region_needs_no_setting<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    need_numbers::<A>()?;
    let large = usize::try_from(64_u64 << 30).unwrap_or(usize::MAX);
    let bytes = A::DECLARATION.span_bytes.unwrap_or(usize::MAX).min(large).min(usize::MAX / 16);
    let pages = bytes / A::PAGE_SIZE;
    s.must_add(0, pages)?;
    equal("add_memory: all pages are held", pages, s.statistics()?.total)?;
    s.expect_alloc_at(Ok(()), pages - 1, 1)?;
    s.expect_alloc_at(Ok(()), pages / 2, 1)?;
    s.must_alloc((pages / 4).min(300), A::PAGE_SIZE)?;
    s.must_refuse(pages, A::PAGE_SIZE, AllocError::NoMemory)?;
    s.give_all_back(Order::Fifo)
}

/// The suite writes to no page here; so any byte that changes was changed by the allocator.
pub(super) fn managed_pages_are_never_touched<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    need_numbers::<A>()?;
    let page = A::PAGE_SIZE;
    let memory = s.memory();
    let pages = (memory.size().unwrap_or(0) / page).min(256);
    if pages < 4 {
        return Err(Stop::Skipped("the memory lent has too few pages"));
    }
    let start = memory.start().next_multiple_of(page);
    let region =
        AddressRange::new(start, pages / 2 * page).ok_or_else(|| mistake("the region is in the memory"))?;
    s.paint(region, 0x69)?;
    s.leave_runs_untouched();
    answers("init: memory", Ok(()), s.init(start, pages / 2 * page)?)?;
    for order in Order::ALL {
        s.exhaust(1)?;
        s.give_all_back(order)?;
    }
    s.expect_painted(region, 0x69)
}
