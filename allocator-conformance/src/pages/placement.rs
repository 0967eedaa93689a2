//! Points 7 and 8: where runs stand, and whose their bytes are.
#![forbid(unsafe_code)]

use allocator_api::{AddressRange, AllocError};

use super::{
    regions::need_numbers,
    subject::{Pages, Subject},
};
use crate::{
    order::Order,
    verdict::{Step, Stop, With, answers},
};

/// The region starts one page after a large power of two: an alignment of the index would be wrong everywhere.
pub(super) fn every_alignment_is_honoured<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(1024)?;
    s.must_add(1, 1023)?;
    for pages in [1, 2, 3, 7, 16, 33] {
        for align_log2 in 0..=7 {
            for _ in 0..3 {
                s.must_alloc(pages, A::PAGE_SIZE << align_log2)?;
            }
            s.give_all_back(Order::Fifo)?;
        }
    }
    Ok(())
}

/// Every multiple of the alignment that is in the region is handed out, and then no more.
pub(super) fn every_aligned_page_can_be_had<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(256)?;
    let page = A::PAGE_SIZE;
    s.must_add(3, 250)?;
    s.survey()?;
    for align_log2 in 1..=5 {
        let align = page << align_log2;
        while s.longest_free(align) > 0 {
            s.must_alloc(1, align)?;
        }
        s.must_refuse(1, align, AllocError::NoMemory)?;
        s.give_all_back(Order::Lifo)?;
    }
    Ok(())
}

/// What is no power of two, or less than a page, before memory comes and after.
pub(super) fn an_invalid_alignment_is_refused<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(64)?;
    let page = A::PAGE_SIZE;
    let invalid = Err(AllocError::InvalidParam);
    for later in [false, true] {
        if later {
            s.must_add(0, 64)?;
        }
        for align in [0, 1, page / 2, page - 1, page + 1, 3 * page, 5 * page, usize::MAX] {
            if align.is_power_of_two() && align >= page {
                continue;
            }
            for pages in [1, 2, 1000] {
                s.must_refuse(pages, align, AllocError::InvalidParam).with(align)?;
                answers("alloc_pages_at: alignment", invalid, s.alloc_at(s.page(8), pages, align)?).with(align)?;
            }
        }
    }
    Ok(())
}

/// A long random life with runs of all lengths, freed in pieces, in which every page keeps its bytes.
pub(super) fn live_runs_never_overlap<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(640)?;
    s.must_add(0, 256)?;
    s.must_add(384, 128)?;
    s.must_add(512, 128)?;
    for step in 0..3000 {
        s.random_step(640)?;
        if step % 500 == 0 {
            s.expect_all_contents()?;
        }
    }
    s.give_all_back(Order::Random)
}

/// Painted memory before, between and after two regions stays as it is while every page that can be had is written.
pub(super) fn memory_outside_the_regions_is_not_written<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(192)?;
    let margins = [(0, 32), (96, 110), (160, 192)]
        .map(|(first, end)| AddressRange::from_bounds(s.page(first), s.page(end) - 1))
        .into_iter()
        .flatten()
        .filter(|margin| s.memory().contains_range(*margin));
    let mut margins_in_memory = [None; 3];
    margins_in_memory.iter_mut().zip(margins).for_each(|(slot, margin)| *slot = Some(margin));
    if margins_in_memory.contains(&None) {
        return Err(Stop::Skipped("the memory lent has too few pages"));
    }
    let margins = || margins_in_memory.into_iter().flatten();
    margins().try_for_each(|margin| s.paint(margin, 0x96))?;
    s.must_add(110, 50)?;
    s.must_add(32, 64)?;
    for _ in 0..500 {
        s.random_step(192)?;
    }
    s.give_all_back(Order::Fifo)?;
    s.exhaust(1)?;
    s.give_all_back(Order::Lifo)?;
    margins().try_for_each(|margin| s.expect_painted(margin, 0x96))
}

/// Pages on both sides of a multiple of every power of two: whatever part of the address space the allocator's records
/// stand for, it cannot start at a multiple of all alignments.
pub(super) fn alignments_hold_around_a_high_power_of_two<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    need_numbers::<A>()?;
    s.need_pages(128)?;
    let start = (1 << (usize::BITS - 2)) - 41 * A::PAGE_SIZE;
    answers("init: around a power of two", Ok(()), s.init(start, 80 * A::PAGE_SIZE)?)?;
    s.survey()?;
    for align_log2 in 0..=10 {
        let align = A::PAGE_SIZE << align_log2;
        for pages in [1, 2, 3, 16] {
            while s.longest_free(align) >= pages {
                s.must_alloc(pages, align)?;
            }
            s.must_refuse(pages, align, AllocError::NoMemory)?;
            s.give_all_back(Order::EvenOdd)?;
        }
    }
    Ok(())
}
