//! Runs of pages at places that the caller constrains.

use crate::{AddressRange, AllocResult, PageAllocator};

/// The whole address space.
const EVERYWHERE: AddressRange = match AddressRange::from_bounds(0, usize::MAX) {
    Some(range) => range,
    None => panic!("0 is below the last address"),
};

/// Where a run may lie.
///
/// # Examples
///
/// ```
/// use allocator_api::{AddressRange, Placement};
///
/// // A buffer for a device that sees 24 address bits and whose counter wraps every 64 KiB.
/// let isa_dma = Placement {
///     within: AddressRange::from_bounds(0, 0xff_ffff).unwrap(),
///     boundary_pow2: Some(0x1_0000),
///     ..Placement::aligned(0x1000)
/// };
/// assert!(isa_dma.admits(0x3_0000, 0x1_0000));
/// assert!(!isa_dma.admits(0x3_8000, 0x1_0000));
/// assert!(!isa_dma.admits(0x100_0000, 0x1000));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Placement {
    /// What the address of the first page is a multiple of: bytes, a power of two, at least a page.
    pub align_pow2: usize,
    /// Every byte of the run lies in this range.
    pub within: AddressRange,
    /// No run crosses a multiple of this many bytes, a power of two, at least a page; `None`: no such boundary.
    pub boundary_pow2: Option<usize>,
}

impl Placement {
    /// Anywhere, at a multiple of `align_pow2` bytes.
    #[must_use]
    pub const fn aligned(align_pow2: usize) -> Self {
        Self { align_pow2, within: EVERYWHERE, boundary_pow2: None }
    }

    /// Whether the `size_bytes` bytes from address `start` may be a run. O(1).
    #[must_use]
    pub const fn admits(&self, start: usize, size_bytes: usize) -> bool {
        let Some(run) = AddressRange::new(start, size_bytes) else {
            return false;
        };
        let crosses = match self.boundary_pow2 {
            // The bits above the boundary's differ between first and last byte.
            Some(boundary) => (run.start() ^ run.last()) & !boundary.wrapping_sub(1) != 0,
            None => false,
        };
        start & self.align_pow2.wrapping_sub(1) == 0 && self.within.contains_range(run) && !crosses
    }
}

/// Hands out runs of pages inside a range of addresses, and clear of boundaries: what devices with few address
/// bits ask for.
///
/// # Safety
///
/// As for [`PageAllocator`]: the runs are disjoint, in the regions handed in, and nobody else's.
///
/// # Complexity
///
/// Each implementation states the worst case.
pub unsafe trait ConstrainedPageAllocator: PageAllocator {
    /// Hands out `num_pages` pages where `placement` admits them; low places are preferred. Returns their address.
    ///
    /// # Errors
    ///
    /// - [`InvalidParam`](crate::AllocError::InvalidParam): `num_pages` is 0; the alignment or the boundary is not
    ///   a power of two or smaller than [`PAGE_SIZE`](PageAllocator::PAGE_SIZE); the run is longer than the
    ///   boundary.
    /// - [`NoMemory`](crate::AllocError::NoMemory): there is no such free run.
    fn alloc_pages_in(&mut self, num_pages: usize, placement: Placement) -> AllocResult<usize>;
}
