//! Points 6, 9 and 16: requests that no memory can serve.
#![forbid(unsafe_code)]

use allocator_api::AllocError;

use super::subject::{Bytes, Subject, layout};
use crate::{
    order::Order,
    verdict::{Step, With, answers, at_least, broken},
};

const MIB: usize = 1 << 20;
const LARGEST: usize = isize::MAX as usize;

/// Through every operation that takes a size, before memory and after.
pub(super) fn size_zero_is_refused<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    let refused = Err(AllocError::InvalidParam);
    for later in [false, true] {
        if later {
            s.take_memory(MIB)?;
        }
        for align_log2 in [0, 3, 4, 12, 13, 30] {
            let nothing = layout(0, 1 << align_log2)?;
            s.must_refuse(nothing, AllocError::InvalidParam)?;
            answers("region_for: size 0", refused, s.region_for(nothing)).with(nothing)?;
        }
    }
    let block = s.must_alloc(layout(100, 8)?)?;
    answers("realloc: to size 0", refused, s.realloc(block, 0)?)?;
    s.dealloc(block)
}

/// Sizes at which adding a header, rounding up or aligning would overflow, and powers of two that a table of orders may
/// not reach.
pub(super) fn a_huge_size_is_refused_at_once<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    s.take_memory(MIB)?;
    let block = s.must_alloc(layout(1000, 8)?)?;
    for less in [0, 1, 7, 8, 15, 16, 31, 32, 63, 64, 4095, 4096, 65_536] {
        for align in [1, 8, 64, 4096] {
            let size = (LARGEST - less) & !(align - 1);
            s.must_refuse(layout(size, align)?, AllocError::NoMemory)?;
            expect_honest_region(s, size, align)?;
        }
        answers("realloc: huge", Err(AllocError::NoMemory), s.realloc(block, LARGEST - less)?).with(less)?;
        answers("realloc: huger", Err(AllocError::NoMemory), s.realloc(block, usize::MAX - less)?).with(less)?;
    }
    for size_log2 in 24..usize::BITS - 1 {
        for size in [(1 << size_log2) - 1, 1 << size_log2, (1 << size_log2) + 1] {
            s.must_refuse(layout(size, 1)?, AllocError::NoMemory)?;
            expect_honest_region(s, size, 1)?;
        }
    }
    s.dealloc(block)
}

/// Alignments up to the largest there is; the memory has no multiple of most of them.
pub(super) fn a_huge_alignment_is_honoured_or_refused<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    s.take_memory(4 * MIB)?;
    for align_log2 in 20..usize::BITS - 1 {
        for size in [1, 64, 4096, 5000] {
            let request = layout(size, 1 << align_log2)?;
            if let Some(index) = s.alloc(request)? {
                s.dealloc(index)?;
            }
            expect_honest_region(s, size, 1 << align_log2)?;
        }
    }
    s.must_alloc(layout(MIB, 8)?).map(|_| ())
}

/// Requests of any size and alignment that can be written down: each is answered, with a good block or an error.
pub(super) fn odd_requests_are_answered<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    s.take_memory(4 * MIB)?;
    for _ in 0..3000 {
        let align_log2 = s.random.below(usize::BITS as usize - 1);
        let align = 1 << if s.random.below(4) == 0 { align_log2 } else { align_log2 % 14 };
        let width = s.random.below(usize::BITS as usize - 1);
        let size = ((s.random.next() as usize & ((2 << width) - 1)).max(1)).min(LARGEST - (align - 1));
        if s.live().len() > 60 {
            s.give_all_back(Order::Random)?;
        }
        s.alloc(layout(size, align)?)?;
    }
    s.give_all_back(Order::Random)
}

/// `region_for` either names a region that could hold the block, or says that none could.
fn expect_honest_region<A: Bytes>(s: &mut Subject<'_, A>, size: usize, align: usize) -> Step {
    match s.region_for(layout(size, align)?) {
        Ok(region) => at_least("region_for: the region is as large as the block", size, region.size()).with(size),
        Err(AllocError::NoMemory) => Ok(()),
        Err(error) => Err(broken("region_for: a region or NoMemory", AllocError::NoMemory, error)).with(size),
    }
}
