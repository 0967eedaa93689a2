//! The sizes of blocks, lists and pools, as pure arithmetic.
//!
//! ```text
//!   pool                                                              a multiple of the granule
//!   ┌────────┬──────────────────┬────────┬─────────────┬──────────┐
//!   │ header │ payload          │ header │ free        │ sentinel │
//!   └────────┴──────────────────┴────────┴─────────────┴──────────┘
//!   │◄────────── block ────────►│◄────── block ───────►│◄ granule ►│
//! ```
//!
//! Every block starts at a multiple of the granule, and its size is one. The header takes half a granule, so that
//! payloads lie at multiples of half a granule, and at any larger alignment by way of padding after the header.

#![forbid(unsafe_code)]

use core::alloc::Layout;

use allocator_api::{
    AddressRange, AllocError, AllocResult,
    address::{align_down, align_up, is_aligned},
};
use allocator_primitives::{Edges, usable_part};

/// Bytes that every block is a multiple of, and starts at a multiple of: four words.
pub(super) const GRANULE_BYTES: usize = rlsf::GRANULARITY;

/// Bytes of a block in front of its payload, but for the padding of a large alignment.
pub(super) const HEADER_BYTES: usize = GRANULE_BYTES / 2;

/// Bytes of the block that is never free and ends a pool.
pub(super) const SENTINEL_BYTES: usize = GRANULE_BYTES;

/// Bytes of the smallest pool: a free block of one granule, and the sentinel.
pub(super) const SMALLEST_POOL_BYTES: usize = GRANULE_BYTES + SENTINEL_BYTES;

/// Bytes of the largest pool: pointers are moved over whole blocks, which they may be by no more than this.
const LARGEST_POOL_BYTES: usize = isize::MAX as usize;

/// First-level lists: one for each power of two from the granule to the top bit of an address. With fewer, the
/// package would have a largest block, and would cut larger pools into several.
pub(super) const FIRST_LEVEL_COUNT: usize = (usize::BITS - GRANULE_BYTES.trailing_zeros()) as usize;

/// Second-level lists of each first-level list.
pub(super) const SECOND_LEVEL_COUNT: usize = 32;

/// The part of the region of `size` bytes from `start` that can be a pool.
///
/// # Errors
///
/// - [`InvalidParam`](AllocError::InvalidParam): there is none.
pub(super) fn usable_region(start: usize, size: usize) -> AllocResult<AddressRange> {
    let region = usable_part(start, size, GRANULE_BYTES, Edges::UNUSABLE)?;
    match region.without_first(SMALLEST_POOL_BYTES - 1) {
        Some(_) => Ok(region),
        None => Err(AllocError::InvalidParam),
    }
}

/// Whether a region can be one pool.
pub(super) fn is_one_pool(region: AddressRange) -> bool {
    region.size().is_some_and(|bytes| bytes <= LARGEST_POOL_BYTES)
}

/// The pools that a usable region is put in as: one, or two halves where it is too large for one.
pub(super) fn pools_of(region: AddressRange) -> impl Iterator<Item = AddressRange> {
    let half_bytes = align_down((region.last() - region.start()) / 2 + 1, GRANULE_BYTES);
    let middle = region.start() + half_bytes;
    let halves = if is_one_pool(region) {
        [Some(region), None]
    } else {
        [
            AddressRange::from_bounds(region.start(), middle.saturating_sub(1)),
            AddressRange::from_bounds(middle, region.last()),
        ]
    };
    halves.into_iter().flatten()
}

/// Whether a payload for `layout` could lie at `pos` in `region`, whatever the blocks in it are.
pub(super) fn may_hold_payload(region: AddressRange, pos: usize, layout: Layout) -> bool {
    let payloads = region.without_first(HEADER_BYTES).and_then(|rest| rest.without_last(SENTINEL_BYTES));
    match (AddressRange::new(pos, layout.size()), payloads) {
        (Some(payload), Some(payloads)) => {
            payloads.contains_range(payload) && is_aligned(pos, layout.align().max(HEADER_BYTES))
        }
        _ => false,
    }
}

/// Bytes of the block that is searched for `layout`: payload, header, and padding for an address that is as far
/// from aligned as a block can be. `None` where that is no `usize`.
fn searched_block_bytes(layout: Layout) -> Option<usize> {
    let padding_bytes = layout.align().saturating_sub(HEADER_BYTES);
    let bytes = layout.size().checked_add(padding_bytes)?.checked_add(HEADER_BYTES)?;
    align_up(bytes, GRANULE_BYTES)
}

/// Bytes of the smallest block in the list that a search for `block_bytes` starts with. `None` where that is no
/// `usize`. A free block at least this large is always found.
fn list_start_bytes(block_bytes: usize) -> Option<usize> {
    let power = 1_usize << block_bytes.ilog2();
    // Below `GRANULE_BYTES · SECOND_LEVEL_COUNT` bytes the step is less than a granule, and each list has one size.
    let step_bytes = power / SECOND_LEVEL_COUNT;
    align_up(block_bytes, step_bytes.max(GRANULE_BYTES))
}

/// Size and alignment of a region that makes a request for `layout` succeed, wherever in the address space it lies.
///
/// # Errors
///
/// - [`InvalidParam`](AllocError::InvalidParam): the size is 0.
/// - [`NoMemory`](AllocError::NoMemory): the region would not fit an address space.
pub(super) fn region_for(layout: Layout) -> AllocResult<Layout> {
    if layout.size() == 0 {
        return Err(AllocError::InvalidParam);
    }
    searched_block_bytes(layout)
        .and_then(list_start_bytes)
        // The last granule is for a region at an edge of the address space, which is trimmed off by usable_region.
        .and_then(|block_bytes| block_bytes.checked_add(SENTINEL_BYTES + GRANULE_BYTES))
        .and_then(|bytes| Layout::from_size_align(bytes, GRANULE_BYTES).ok())
        .ok_or(AllocError::NoMemory)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    const TOP: usize = usize::MAX;

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    fn pools(first: usize, last: usize) -> Vec<(usize, usize)> {
        let region = AddressRange::from_bounds(first, last).unwrap();
        pools_of(region).map(|pool| (pool.start(), pool.last())).collect()
    }

    #[test]
    fn a_region_that_pointers_can_cross_is_one_pool() {
        let granule = GRANULE_BYTES;
        let largest = granule + (LARGEST_POOL_BYTES - 1);
        assert_eq!(pools(granule, 3 * granule - 1), [(granule, 3 * granule - 1)]);
        assert_eq!(pools(granule, largest), [(granule, largest)]);
    }

    #[test]
    fn a_region_that_pointers_cannot_cross_becomes_two_pools_without_a_gap() {
        for last in [GRANULE_BYTES + LARGEST_POOL_BYTES, TOP - GRANULE_BYTES] {
            let [(first, end), (start, end_of_all)] = pools(GRANULE_BYTES, last)[..] else {
                panic!("not two pools");
            };
            assert_eq!((first, end_of_all), (GRANULE_BYTES, last));
            assert_eq!(end + 1, start);
            assert_eq!(start % GRANULE_BYTES, 0);
            for (from, to) in [(first, end), (start, end_of_all)] {
                assert!(is_one_pool(AddressRange::from_bounds(from, to).unwrap()));
            }
        }
    }

    #[test]
    fn only_regions_with_room_for_a_block_and_the_sentinel_are_usable() {
        let granule = GRANULE_BYTES;
        let usable = |start, size| usable_region(start, size).map(|r| (r.start(), r.last()));
        assert_eq!(usable(granule, 2 * granule), Ok((granule, 3 * granule - 1)));
        assert_eq!(usable(granule, 2 * granule - 1), Err(AllocError::InvalidParam));
        assert_eq!(usable(granule + 1, 2 * granule), Err(AllocError::InvalidParam));
        assert_eq!(usable(0, 3 * granule), Ok((granule, 3 * granule - 1)));
        assert_eq!(usable(0, 2 * granule), Err(AllocError::InvalidParam));
        let near_top = TOP - (3 * granule - 1);
        assert_eq!(usable(near_top, 3 * granule), Ok((near_top, TOP - granule)));
        assert_eq!(usable(near_top + granule, 2 * granule), Err(AllocError::InvalidParam));
    }

    #[test]
    fn payloads_keep_clear_of_the_first_header_and_of_the_sentinel() {
        let region = AddressRange::new(0x1000, 0x1000).unwrap();
        let sentinel = 0x2000 - SENTINEL_BYTES;
        assert!(may_hold_payload(region, 0x1000 + HEADER_BYTES, layout(1, 1)));
        assert!(!may_hold_payload(region, 0x1000, layout(1, 1)));
        assert!(may_hold_payload(region, sentinel - HEADER_BYTES, layout(HEADER_BYTES, 1)));
        assert!(!may_hold_payload(region, sentinel - HEADER_BYTES, layout(HEADER_BYTES + 1, 1)));
        assert!(!may_hold_payload(region, 0x1800 + HEADER_BYTES, layout(8, GRANULE_BYTES)));
        assert!(!may_hold_payload(region, 0x1801, layout(8, 1)));
        assert!(!may_hold_payload(region, 0x1800, layout(0, 1)));
        assert!(!may_hold_payload(region, TOP - 15, layout(32, 1)));
    }

    #[test]
    fn the_list_of_a_size_starts_at_the_next_thirty_second_of_its_power_of_two() {
        assert_eq!(list_start_bytes(8 << 20), Some(8 << 20));
        assert_eq!(list_start_bytes((8 << 20) + GRANULE_BYTES), Some((8 << 20) + (256 << 10)));
        assert_eq!(list_start_bytes((16 << 20) - GRANULE_BYTES), Some(16 << 20));
        for granules in 1..=SECOND_LEVEL_COUNT {
            assert_eq!(list_start_bytes(granules * GRANULE_BYTES), Some(granules * GRANULE_BYTES));
        }
        assert_eq!(list_start_bytes(TOP - (GRANULE_BYTES - 1)), None);
    }

    #[test]
    fn a_region_for_a_layout_leaves_a_block_of_its_list_at_the_edges_of_the_address_space_too() {
        for (size, align) in [(1, 1), (16, 16), (17, 8), (4096, 4096), (1 << 20, 64), ((8 << 20) + 1, 1)] {
            let needed = searched_block_bytes(layout(size, align)).and_then(list_start_bytes).unwrap();
            let region = region_for(layout(size, align)).unwrap();
            for start in [0, region.align(), TOP - (region.size() - 1)] {
                let held = usable_region(start, region.size()).unwrap().size().unwrap();
                assert!(held - SENTINEL_BYTES >= needed, "({size}, {align}) at {start:#x}");
            }
        }
    }

    #[test]
    fn a_layout_that_no_region_can_hold_is_refused() {
        let largest = isize::MAX as usize;
        for size in [largest, largest - 4096, largest / 32 * 32, largest - largest / 64] {
            assert_eq!(region_for(layout(size, 1)), Err(AllocError::NoMemory), "{size:#x}");
        }
        let quarter = 1 << (usize::BITS - 2);
        assert_eq!(region_for(layout(quarter, quarter)), Err(AllocError::NoMemory));
        assert_eq!(region_for(layout(0, 1)), Err(AllocError::InvalidParam));
        assert!(region_for(layout(quarter, 1)).is_ok());
        assert!(region_for(layout(1, quarter)).is_ok());
    }
}
