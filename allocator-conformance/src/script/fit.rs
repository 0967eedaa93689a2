//! Where blocks fit: what an allocator's way of keeping free memory promises about requests.
#![forbid(unsafe_code)]

use core::alloc::Layout;

use allocator_api::{AddressRange, address::align_up};

use crate::book::{Book, Entry};

/// How an allocator fills the gaps between live blocks; from that the model knows which requests must succeed.
///
/// # Examples
///
/// ```
/// use allocator_conformance::Fit;
///
/// // Boundary tags of 16 bytes, granules of 32, and good fit: up to 1/32 more than the request.
/// const GOOD_FIT: Fit = Fit::Gaps { margin_bytes: 48, waste_divisor: 32, keeps_padding: true };
/// // Blocks of 2^k bytes at multiples of 2^k, 8 bytes at least.
/// const BUDDY: Fit = Fit::Buddies { smallest_bytes: 8 };
/// assert_ne!(GOOD_FIT, BUDDY);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fit {
    /// Nothing is known: only what holds for every allocator is predicted.
    Unknown,
    /// A gap between live blocks is one free block, whatever was there before.
    Gaps {
        /// Bytes at either end of a gap that may be taken by records and rounding.
        margin_bytes: usize,
        /// The search may miss a free block that is larger than the request by less than 1/`waste_divisor` of it; 0: it
        /// misses none.
        waste_divisor: usize,
        /// A block keeps what was left out before it for its alignment.
        keeps_padding: bool,
    },
    /// Free blocks are those of 2^k bytes at multiples of 2^k, each as large as can be.
    Buddies {
        /// Bytes of the smallest block.
        smallest_bytes: usize,
    },
}

impl Fit {
    /// Whether a request must succeed while these blocks are live in these regions.
    pub(crate) fn holds(self, layout: Layout, regions: &Book<'_>, live: &Book<'_>) -> bool {
        match self {
            Self::Unknown => false,
            Self::Gaps { margin_bytes, waste_divisor, keeps_padding } => {
                let padded = |block: &Entry| {
                    let padding = if keeps_padding { block.align - 1 } else { 0 };
                    let first = block.range.start().saturating_sub(padding);
                    AddressRange::from_bounds(first, block.range.last()).unwrap_or(block.range)
                };
                let wanted = |gap| gap_holds(gap, layout, margin_bytes, waste_divisor).unwrap_or(false);
                any_gap(regions, 1, live, padded, wanted)
            }
            Self::Buddies { smallest_bytes } => {
                let order =
                    |size: usize, align: usize| size.max(align).max(smallest_bytes).checked_next_power_of_two();
                let rounded = |block: &Entry| {
                    let whole = order(block.size(), block.align);
                    whole.and_then(|size| AddressRange::new(block.range.start(), size)).unwrap_or(block.range)
                };
                order(layout.size(), layout.align()).is_some_and(|order_bytes| {
                    any_gap(regions, smallest_bytes, live, rounded, |gap| {
                        buddy_in(gap, order_bytes, smallest_bytes)
                    })
                })
            }
        }
    }
}

/// Whether `wanted` says so of some gap: bytes of the regions in which no block lies, as many as can be. Each region is
/// trimmed to multiples of `unit`: what two that touch have of one unit is lost. `whole` tells what a block takes up.
fn any_gap(
    regions: &Book<'_>,
    unit: usize,
    live: &Book<'_>,
    whole: impl Fn(&Entry) -> AddressRange,
    wanted: impl Fn(AddressRange) -> bool,
) -> bool {
    let blocks = || live.entries().iter().map(&whole);
    let after_blocks = blocks().filter_map(|block| block.last().checked_add(1));
    let kept = || regions.entries().iter().filter_map(|region| region.range.trimmed(unit));
    let last_from = |start| {
        let next_last = |last: Option<usize>| {
            let next = last.map_or(Some(start), |last: usize| last.checked_add(1))?;
            kept().find(|range| range.contains(next)).map(AddressRange::last)
        };
        core::iter::successors(next_last(None), |last| next_last(Some(*last))).last()
    };
    let mut starts = kept().map(AddressRange::start).chain(after_blocks);
    starts.any(|start| {
        let Some(last) = last_from(start).filter(|_| !blocks().any(|block| block.contains(start))) else {
            return false;
        };
        let next_block = blocks().map(AddressRange::start).filter(|block| *block > start).min();
        let last = next_block.map_or(last, |block| last.min(block - 1));
        AddressRange::from_bounds(start, last).is_some_and(&wanted)
    })
}

/// Whether the gap holds the request, with all that the records may take. `None`: the numbers are too large.
fn gap_holds(gap: AddressRange, layout: Layout, margin_bytes: usize, waste_divisor: usize) -> Option<bool> {
    if waste_divisor == 0 {
        let first = gap.start().checked_add(margin_bytes)?;
        let block = AddressRange::new(align_up(first, layout.align())?, layout.size())?;
        return Some(block.last().checked_add(margin_bytes)? <= gap.last());
    }
    let least = layout.size().checked_add(layout.align())?.checked_add(margin_bytes.checked_mul(2)?)?;
    Some(least.checked_add(least / waste_divisor)?.checked_add(margin_bytes)? <= gap.size()?)
}

/// Whether a block of `order_bytes` at a multiple of that lies in the gap, trimmed to smallest blocks.
fn buddy_in(gap: AddressRange, order_bytes: usize, smallest_bytes: usize) -> bool {
    // The smallest block at either end of the address space is not used.
    let gap = gap.trimmed(smallest_bytes);
    let first = gap.and_then(|gap| align_up(gap.start().max(smallest_bytes), order_bytes));
    let block = first.and_then(|first| AddressRange::new(first, order_bytes));
    block.zip(gap).is_some_and(|(block, gap)| gap.contains_range(block))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(fit: Fit, region: (usize, usize), blocks: &[(usize, usize)], request: (usize, usize)) -> bool {
        holds_in(fit, &[region], blocks, request)
    }

    fn holds_in(fit: Fit, held: &[(usize, usize)], blocks: &[(usize, usize)], request: (usize, usize)) -> bool {
        let range = |(first, last)| Entry::plain(AddressRange::from_bounds(first, last).unwrap());
        let (mut region_room, mut live_room) = ([range((0, 0)); 2], [range((0, 0)); 8]);
        let (mut regions, mut live) = (Book::new(&mut region_room), Book::new(&mut live_room));
        assert!(held.iter().all(|region| regions.push(range(*region)).is_some()));
        assert!(blocks.iter().all(|block| live.push(range(*block)).is_some()));
        fit.holds(Layout::from_size_align(request.0, request.1).unwrap(), &regions, &live)
    }

    #[test]
    fn exact_gaps_hold_what_fits_to_the_byte() {
        let fit = Fit::Gaps { margin_bytes: 0, waste_divisor: 0, keeps_padding: false };
        assert!(holds(fit, (4096, 8191), &[], (4096, 4096)));
        assert!(!holds(fit, (4096, 8191), &[], (4097, 1)));
        assert!(!holds(fit, (4096, 8191), &[(4096, 4096)], (4000, 128)));
        assert!(holds(fit, (4096, 8191), &[(4096, 4096), (8190, 8191)], (4093, 1)));
        assert!(!holds(fit, (4096, 8191), &[(6000, 6000)], (2192, 1)));
        assert!(holds(fit, (4096, 8191), &[(6000, 6000)], (2191, 1)));
    }

    #[test]
    fn margins_and_waste_make_the_model_modest() {
        let fit = Fit::Gaps { margin_bytes: 48, waste_divisor: 32, keeps_padding: true };
        assert!(holds(fit, (4096, 8191), &[], (3700, 8)));
        assert!(!holds(fit, (4096, 8191), &[], (3900, 8)));
        assert!(holds(fit, (4096, 8191), &[(8000, 8191)], (3600, 8)));
    }

    #[test]
    fn buddies_hold_aligned_powers_of_two_and_blocks_count_as_rounded() {
        let fit = Fit::Buddies { smallest_bytes: 8 };
        assert!(holds(fit, (4096, 8191), &[], (4096, 8)));
        assert!(holds(fit, (4096, 8191), &[(4096, 4096)], (2048, 8)));
        assert!(!holds(fit, (4096, 8191), &[(4096, 4096), (6144, 6144)], (2048, 8)));
        assert!(!holds(fit, (4096, 8191), &[(4096, 5130)], (2049, 8)));
        assert!(!holds(fit, (4096, 8191), &[(4096, 6145)], (8, 8)));
        assert!(!holds(fit, (4100, 8191), &[], (4096, 8)));
    }

    #[test]
    fn what_two_regions_have_of_one_smallest_buddy_is_in_no_gap() {
        let fit = Fit::Buddies { smallest_bytes: 8 };
        assert!(!holds_in(fit, &[(4096, 4125), (4126, 4135)], &[], (17, 1)));
        assert!(holds_in(fit, &[(4096, 4125), (4126, 4135)], &[], (16, 1)));
        assert!(holds_in(fit, &[(4096, 4119), (4120, 4135)], &[], (17, 1)));
        let exact = Fit::Gaps { margin_bytes: 0, waste_divisor: 0, keeps_padding: false };
        assert!(holds_in(exact, &[(4096, 4125), (4126, 4135)], &[], (40, 1)));
    }
}
