//! Points 3 and 4: single regions, of any size and alignment, and those that are refused.
#![forbid(unsafe_code)]

use allocator_api::{AddressRange, AllocError, Declared};

use super::subject::{Pages, Subject};
use crate::{
    order::Order,
    verdict::{Step, Stop, With, answers, equal},
};

/// A region of size 0, first and later.
pub(super) fn an_empty_region_is_refused<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(192)?;
    let refused = Err(AllocError::InvalidParam);
    answers("init: size 0", refused, s.init(s.page(0), 0)?)?;
    answers("add_memory: size 0, first", refused, s.add(s.page(0), 0)?)?;
    s.must_add(64, 64)?;
    for first in [0, 64, 80, 128] {
        answers("add_memory: size 0, later", refused, s.add(s.page(first), 0)?).with(first)?;
    }
    Ok(())
}

/// Up to two bytes less than two pages, between the borders.
pub(super) fn a_region_without_a_whole_page_is_refused<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(192)?;
    let page = A::PAGE_SIZE;
    let forms =
        [(0, 1), (0, page - 1), (1, page - 1), (1, page), (1, 2 * page - 2), (page - 1, page), (page - 1, 1)];
    for later in [false, true] {
        if later {
            s.must_add(64, 64)?;
        }
        for (front, size) in forms {
            let answer = s.add(s.page(0) + front, size)?;
            answers("add_memory: no whole page", Err(AllocError::InvalidParam), answer).with(size)?;
        }
    }
    Ok(())
}

/// Borders at many distances from those of pages. What is beside the whole pages is neither handed out nor written.
pub(super) fn an_unaligned_region_is_trimmed_to_whole_pages<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(64)?;
    let page = A::PAGE_SIZE;
    for (front, back) in [(0, 0), (1, 0), (0, 1), (1, 1), (page - 1, page - 1), (page / 2, 7), (64, page - 64)] {
        s.fresh();
        let start = s.page(1) + front;
        let beside = [(s.page(0), start - 1), (s.page(33) - back, s.page(34) - 1)];
        let margins = beside.map(|(first, last)| AddressRange::from_bounds(first, last));
        let in_memory =
            margins.into_iter().flatten().filter(|margin| s.memory().contains_range(*margin)).count() == 2;
        if in_memory {
            margins.into_iter().flatten().try_for_each(|margin| s.paint(margin, 0x3c))?;
        }
        let answer = s.add(start, s.page(33) - back - start)?;
        answers("add_memory: an odd region", Ok(()), answer).with(front)?;
        s.survey()?;
        if in_memory {
            margins.into_iter().flatten().try_for_each(|margin| s.expect_painted(margin, 0x3c))?;
        }
    }
    Ok(())
}

/// As the first region and as a further one: what was accepted serves a page.
pub(super) fn a_region_of_one_page_is_usable_or_refused<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(192)?;
    for first_region in [0, 64] {
        for pages in [1, 2, 3] {
            s.fresh();
            if first_region > 0 {
                s.must_add(0, first_region)?;
                s.exhaust(1)?;
            }
            match s.add_within_limit(s.page(100), pages * A::PAGE_SIZE)? {
                Ok(()) => s.must_alloc(1, A::PAGE_SIZE).map(|_| ()).with(pages)?,
                refused => {
                    answers("add_memory: nothing usable", Err(AllocError::InvalidParam), refused).with(pages)?;
                }
            }
        }
    }
    Ok(())
}

/// Ranges whose last byte would lie beyond the last address, first and later, through either function.
pub(super) fn a_region_beyond_the_address_space_is_refused<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(64)?;
    let refused = Err(AllocError::InvalidParam);
    for later in [false, true] {
        if later {
            s.must_add(0, 32)?;
        }
        let middle = s.page(48);
        for start in [usize::MAX, usize::MAX - (A::PAGE_SIZE - 1), usize::MAX - (64 * A::PAGE_SIZE - 1), middle, 2]
        {
            let most = usize::MAX - start + 1;
            for size in [most.saturating_add(1), most.saturating_add(A::PAGE_SIZE), usize::MAX] {
                if AddressRange::new(start, size).is_none() {
                    answers("add_memory: beyond the address space", refused, s.add(start, size)?).with(start)?;
                    answers("init: beyond the address space", refused, s.init(start, size)?).with(start)?;
                }
            }
        }
    }
    s.must_alloc(3, A::PAGE_SIZE).map(|_| ())
}

/// Skips the case unless pages may be mere numbers.
pub(super) fn need_numbers<A: Declared>() -> Step {
    if A::DECLARATION.touches_memory { Err(Stop::Skipped("the allocator touches its pages")) } else { Ok(()) }
}

/// The last sixteen pages there are, handed out one by one and as one run.
pub(super) fn the_end_of_the_address_space_can_be_managed<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    need_numbers::<A>()?;
    let page = A::PAGE_SIZE;
    let start = usize::MAX - (16 * page - 1);
    answers("init: up to the last byte", Ok(()), s.init(start, 16 * page)?)?;
    equal("init: all pages are held", 16, s.statistics()?.total)?;
    s.survey()?;
    let run = s.must_alloc(16, page)?;
    equal("alloc_pages: the run ends with the last byte", usize::MAX, run.last())?;
    s.must_refuse_dealloc(start, 17)?;
    s.must_dealloc(run)?;
    answers("alloc_pages_at: the last page", Ok(()), s.alloc_at(usize::MAX - (page - 1), 1, page)?)?;
    let beyond = s.alloc_at(usize::MAX - (page - 1), 2, page)?;
    answers("alloc_pages_at: beyond the last page", Err(AllocError::NoMemory), beyond)?;
    s.give_all_back(Order::Fifo)
}

/// The first sixteen pages there are. Page 0 may be left out; every other one can be had.
pub(super) fn the_start_of_the_address_space_can_be_managed<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    need_numbers::<A>()?;
    let page = A::PAGE_SIZE;
    answers("init: from address 0", Ok(()), s.init(0, 16 * page)?)?;
    let total = s.statistics()?.total;
    let run = s.must_alloc(total, page)?;
    equal("alloc_pages: the run ends where the region does", 16 * page - 1, run.last())?;
    s.must_dealloc(run)?;
    answers("alloc_pages_at: page 1", Ok(()), s.alloc_at(page, 15, page)?)?;
    s.must_refuse_dealloc(0, 1)?;
    s.give_all_back(Order::Fifo)
}
