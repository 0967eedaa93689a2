//! Trimming a region to what an engine can use.

use allocator_api::{AddressRange, AllocError, AllocResult};

/// Which ends of the address space an engine cannot use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Edges {
    /// The engine dereferences its memory, and address 0 is no place for a pointer.
    pub skip_null: bool,
    /// The engine computes one-past-the-end addresses, which do not exist for the last byte.
    pub skip_top: bool,
}

impl Edges {
    /// Every granule can be used: the engine treats addresses as mere numbers.
    pub const USABLE: Self = Self { skip_null: false, skip_top: false };
    /// Neither the granule at address 0 nor the last one of the address space can be used.
    pub const UNUSABLE: Self = Self { skip_null: true, skip_top: true };
}

/// The part of the region of `size` bytes from `start` that consists of whole granules, without the edges that the
/// engine cannot use. `granule` is a power of two. O(1).
///
/// # Errors
///
/// - [`InvalidParam`](AllocError::InvalidParam): the region is empty or reaches beyond the address space, or
///   nothing usable is left.
///
/// # Examples
///
/// ```
/// use allocator_api::AllocError;
/// use allocator_primitives::{Edges, usable_part};
///
/// let region = usable_part(0, 0x2800, 0x1000, Edges::UNUSABLE)?;
/// assert_eq!((region.start(), region.last()), (0x1000, 0x1fff));
/// assert_eq!(usable_part(0x10, 0x1000, 0x1000, Edges::USABLE), Err(AllocError::InvalidParam));
/// # Ok::<(), AllocError>(())
/// ```
pub const fn usable_part(start: usize, size: usize, granule: usize, edges: Edges) -> AllocResult<AddressRange> {
    let Some(region) = AddressRange::new(start, size) else {
        return Err(AllocError::InvalidParam);
    };
    let mut left = region.trimmed(granule);
    if let Some(part) = left
        && edges.skip_null
        && part.start() == 0
    {
        left = part.without_first(granule);
    }
    if let Some(part) = left
        && edges.skip_top
        && part.last() == usize::MAX
    {
        left = part.without_last(granule);
    }
    match left {
        Some(part) => Ok(part),
        None => Err(AllocError::InvalidParam),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOP: usize = usize::MAX;

    fn bounds(start: usize, size: usize, edges: Edges) -> Option<(usize, usize)> {
        usable_part(start, size, 16, edges).ok().map(|r| (r.start(), r.last()))
    }

    #[test]
    fn edges_cost_one_granule_each_and_only_where_they_lie() {
        assert_eq!(bounds(0, 64, Edges::UNUSABLE), Some((16, 63)));
        assert_eq!(bounds(0, 64, Edges::USABLE), Some((0, 63)));
        assert_eq!(bounds(TOP - 63, 64, Edges::UNUSABLE), Some((TOP - 63, TOP - 16)));
        assert_eq!(bounds(TOP - 63, 64, Edges::USABLE), Some((TOP - 63, TOP)));
        assert_eq!(bounds(16, 64, Edges::UNUSABLE), Some((16, 79)));
        assert_eq!(bounds(3, 64, Edges { skip_null: true, skip_top: false }), Some((16, 63)));
    }

    #[test]
    fn a_region_that_is_only_an_edge_is_refused() {
        assert_eq!(bounds(0, 16, Edges::UNUSABLE), None);
        assert_eq!(bounds(TOP - 15, 16, Edges::UNUSABLE), None);
        assert_eq!(bounds(0, 31, Edges::UNUSABLE), None);
    }

    #[test]
    fn a_region_beyond_the_address_space_is_refused() {
        assert_eq!(bounds(TOP, 2, Edges::USABLE), None);
        assert_eq!(bounds(16, TOP, Edges::USABLE), None);
        assert_eq!(bounds(16, 0, Edges::USABLE), None);
    }
}
