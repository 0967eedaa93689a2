//! Points 10 to 16: single ids, pieces, wrong frees, and whole lives.
#![forbid(unsafe_code)]

use allocator_api::AllocError;

use super::subject::{Ids, Subject};
use crate::{
    order::Order,
    verdict::{Step, With, answers, equal},
};

/// Each id by its number, out of order; none twice; none that is not there.
pub(super) fn a_fixed_id_is_that_id_or_refused<A: Ids>(s: &mut Subject<'_, A>) -> Step {
    s.need_ids(256)?;
    s.must_add(64, 64)?;
    for id in [64, 127, 100, 65, 126] {
        s.alloc_fixed(id)?;
        s.alloc_fixed(id)?;
    }
    for id in [0, 63, 128, 255, usize::MAX] {
        s.alloc_fixed(id)?;
    }
    s.expect_flags(50, 140)?;
    s.dealloc(100, 1)?;
    s.alloc_fixed(100)?;
    for _ in 0..64 - 5 {
        s.must_alloc(1, 1)?;
    }
    answers("alloc_id: nothing is left", Err(AllocError::NoMemory), s.alloc(1, 1)?)
}

/// The longest run of free ids is served, and no longer one.
pub(super) fn the_longest_free_run_of_ids_is_not_refused<A: Ids>(s: &mut Subject<'_, A>) -> Step {
    s.need_ids(256)?;
    s.must_add(0, 256)?;
    let whole = s.must_alloc(256, 1)?;
    for (first, count) in [(3, 9), (40, 33), (100, 64), (200, 7)] {
        s.dealloc(whole + first, count)?;
    }
    for longest in [64, 33, 9, 7] {
        answers("alloc_id: a longer run", Err(AllocError::NoMemory), s.alloc(longest + 1, 1)?).with(longest)?;
        s.must_alloc(longest, 1)?;
    }
    answers("alloc_id: nothing is left", Err(AllocError::NoMemory), s.alloc(1, 1)?)
}

/// One run in pieces; several runs at once; over their borders.
pub(super) fn ids_can_be_given_back_in_any_pieces<A: Ids>(s: &mut Subject<'_, A>) -> Step {
    s.need_ids(128)?;
    s.must_add(0, 128)?;
    let run = s.must_alloc(32, 32)?;
    for (first, count) in [(8, 8), (0, 8), (24, 8), (16, 8)] {
        s.dealloc(run + first, count)?;
    }
    for id in 0..32 {
        s.alloc_fixed(id)?;
    }
    s.dealloc(4, 20)?;
    s.dealloc(24, 8)?;
    s.dealloc(0, 4)?;
    equal("dealloc_id: nothing is live", 0, s.live().len())
}

/// Free ids, ids given back before, ids that are not there, and runs of which one id is such: nothing is given back.
pub(super) fn wrong_ids_are_refused_whole<A: Ids>(s: &mut Subject<'_, A>) -> Step {
    s.need_ids(256)?;
    s.must_add(32, 64)?;
    let run = s.must_alloc(32, 32)?;
    for hole in [0, 1, 15, 31] {
        s.dealloc(run + hole, 1)?;
        s.dealloc(run + hole, 1)?;
        s.dealloc(run, 32)?;
        s.dealloc(run, hole + 1)?;
        s.alloc_fixed(run + hole)?;
    }
    for (first, count) in [(0, 1), (31, 2), (95, 2), (96, 1), (20, 100), (usize::MAX, 1), (usize::MAX, 2), (64, 1)]
    {
        s.dealloc(first, count)?;
    }
    s.expect_flags(0, 140)
}

/// Exhaustion and recovery in each order: as many runs as the first time, and at the end one run of all.
pub(super) fn recovery_restores_the_ids<A: Ids>(s: &mut Subject<'_, A>) -> Step {
    s.need_ids(256)?;
    s.must_add(0, 200)?;
    for count in [1, 3, 16] {
        for order in Order::ALL {
            for _ in 0..200 / count {
                s.must_alloc(count, 1)?;
            }
            answers("alloc_id: nothing is left", Err(AllocError::NoMemory), s.alloc(count, 1)?).with(count)?;
            s.give_all_back(order)?;
            let whole = s.must_alloc(200, 1)?;
            s.dealloc(whole, 200)?;
        }
    }
    Ok(())
}

/// A long random life: every answer is as the books say.
pub(super) fn a_long_life_of_ids_is_as_the_books_say<A: Ids>(s: &mut Subject<'_, A>) -> Step {
    s.need_ids(512)?;
    s.must_add(10, 200)?;
    s.must_add(300, 150)?;
    for _ in 0..2000 {
        let (id, count) = (s.random.below(512), s.random.small_mostly(1, 40));
        match s.random.below(6) {
            0 | 1 => s.alloc(count, 1 << s.random.clone().below(5)).map(|_| ())?,
            2 => s.alloc_fixed(id)?,
            3 => s.dealloc(id, count).map(|_| ())?,
            _ => s.give_back_any()?,
        }
    }
    s.expect_flags(0, 512)?;
    s.give_all_back(Order::Random)
}
