//! Points 3 and 4: single regions, of any size and alignment, and those that are refused.
#![forbid(unsafe_code)]

use allocator_api::{AddressRange, AllocError};

use super::subject::{Bytes, Subject, layout};
use crate::{
    order::Order,
    verdict::{Step, With, answers, at_least},
};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// What trimming may cost at most, bytes: less than a page at either end.
const TRIMMED: usize = 8 * KIB;

/// Sizes around the granules, pages and records that an engine may have.
const TINY: [usize; 24] =
    [1, 2, 7, 8, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 96, 128, 255, 500, 1024, 4095, 4096, 5000, 12_288];

/// A region of size 0, first and later.
pub(super) fn an_empty_region_is_refused<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    let refused = Err(AllocError::InvalidParam);
    answers("init: size 0", refused, s.init(s.at(0), 0)?)?;
    answers("add_memory: size 0, first", refused, s.add(s.at(0), 0)?)?;
    s.take_memory(MIB)?;
    for offset in [0, KIB, MIB, 2 * MIB] {
        answers("add_memory: size 0, later", refused, s.add(s.at(offset), 0)?).with(offset)?;
    }
    Ok(())
}

/// Borders at every distance from a multiple of 16, and some from one of a page. What lies beside the region keeps its
/// bytes while every block that can be had is written.
pub(super) fn an_unaligned_region_stays_within_its_borders<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    const SIZE: usize = 192 * KIB;
    for (front, back) in (0..16).map(|i| (i, 16 - i)).chain([(1, 4095), (4095, 1), (2048, 17), (100, 3)]) {
        s.fresh();
        let (start, end) = (MIB + front, MIB + SIZE - back);
        let below = AddressRange::from_bounds(s.at(MIB - 4 * KIB), s.at(start - 1));
        let above = AddressRange::from_bounds(s.at(end), s.at(MIB + SIZE + 4 * KIB));
        for margin in [below, above].into_iter().flatten() {
            s.paint(margin, 0x5a)?;
        }
        s.must_add(s.at(start), end - start).with(front)?;
        let total = s.statistics()?.total;
        at_least("add_memory: less than a page is lost at either end", end - start - TRIMMED, total)?;
        s.exhaust_all()?;
        s.give_all_back(Order::Lifo)?;
        for margin in [below, above].into_iter().flatten() {
            s.expect_painted(margin, 0x5a).with(front)?;
        }
    }
    Ok(())
}

/// As the first region, and as a further one when nothing else is left: one byte at least can be had from what was
/// accepted.
pub(super) fn a_tiny_region_is_usable_or_refused<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    let smallest_first = A::DECLARATION.smallest_first_region_bytes;
    let one = layout(1, 1)?;
    for size in TINY {
        for front in [0, 1, 8, 4095] {
            s.fresh();
            match s.init(s.at(front), size)? {
                Ok(()) => at_least("init: the declared limit is kept", smallest_first, size)?,
                refused => answers("init: nothing usable", Err(AllocError::InvalidParam), refused).with(size)?,
            }
            if s.regions().len() > 0 {
                s.must_alloc(one).with(size)?;
            }
        }
    }
    s.fresh();
    s.take_memory(smallest_first.max(32 * KIB))?;
    for (place, size) in TINY.into_iter().enumerate() {
        s.exhaust_all()?;
        match s.add_within_limit(s.at((place + 1) * 64 * KIB + place * 5), size)? {
            Ok(()) => s.must_alloc(one).map(|_| ()).with(size)?,
            refused => answers("add_memory: nothing usable", Err(AllocError::InvalidParam), refused).with(size)?,
        }
    }
    Ok(())
}

/// Ranges whose last byte would lie beyond the last address, first and later, through either function.
pub(super) fn a_region_beyond_the_address_space_is_refused<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    let refused = Err(AllocError::InvalidParam);
    for later in [false, true] {
        if later {
            s.take_memory(MIB)?;
        }
        let middle = s.at(4 * MIB);
        for start in [usize::MAX, usize::MAX - 4095, usize::MAX - 65_535, middle, 2] {
            let most = usize::MAX - start + 1;
            for size in [most.saturating_add(1), most.saturating_add(4096), usize::MAX] {
                if AddressRange::new(start, size).is_none() {
                    answers("add_memory: beyond the address space", refused, s.add(start, size)?).with(start)?;
                    answers("init: beyond the address space", refused, s.init(start, size)?).with(start)?;
                }
            }
        }
    }
    s.must_alloc(layout(1000, 8)?).map(|_| ())
}

/// A region of which nothing but the byte at address 0 is left has nothing usable.
pub(super) fn the_byte_at_address_zero_is_not_usable<A: Bytes>(s: &mut Subject<'_, A>) -> Step {
    answers("init: the byte at 0", Err(AllocError::InvalidParam), s.init(0, 1)?)?;
    s.take_memory(MIB)?;
    answers("add_memory: the byte at 0", Err(AllocError::InvalidParam), s.add(0, 1)?)
}
