//! Runs of pages at places that the caller constrains, in physical numbers.
//!
//! ```text
//!   physical      0 ────────────┤ within ├──────────────────
//!                                   │ + linear offset
//!   addresses     0 ─────────────────────────────┤ within ├─
//! ```
//!
//! What a device or a page table demands, it demands of physical numbers; the page level counts in addresses. A power
//! of two that divides the linear offset divides both or neither, so alignment and boundary mean the same on both sides.
#![forbid(unsafe_code)]

use core::alloc::Layout;

use allocator_api::{
    AddressRange, AllocError, AllocResult, ConstrainedPageAllocator, PagedByteAllocator, Placement,
    address::is_aligned,
};
use lock_api::RawMutex;

use crate::{GlobalAllocator, UsageKind};

impl<B: PagedByteAllocator, P: ConstrainedPageAllocator, R: RawMutex> GlobalAllocator<B, P, R> {
    /// Hands out `num_pages` pages where `placement` admits them, and counts them as `kind`; low places are preferred.
    /// Range, alignment and boundary of `placement` are *physical*; the answer is the address of the first page.
    ///
    /// Refused, it lets the byte level give pages back, and calls the out-of-memory hook, as
    /// [`alloc_pages`](Self::alloc_pages) does.
    ///
    /// # Errors
    ///
    /// - [`InvalidParam`](AllocError::InvalidParam): `num_pages` is 0; the alignment or the boundary is not a power
    ///   of two, is smaller than the page size, or does not divide the linear offset; the run is longer than the
    ///   boundary.
    /// - [`NoMemory`](AllocError::NoMemory): there is no such free run.
    pub fn alloc_pages_in(&self, num_pages: usize, placement: Placement, kind: UsageKind) -> AllocResult<usize> {
        let size = num_pages.checked_mul(P::PAGE_SIZE);
        let request = size.and_then(|bytes| Layout::from_size_align(bytes, placement.align_pow2).ok());
        self.ask_again(request, || self.try_alloc_pages_in(num_pages, placement, kind))
    }

    /// As [`alloc_pages_in`](Self::alloc_pages_in), but never calls the out-of-memory hook.
    ///
    /// # Errors
    ///
    /// As [`alloc_pages_in`](Self::alloc_pages_in).
    pub fn try_alloc_pages_in(
        &self,
        num_pages: usize,
        placement: Placement,
        kind: UsageKind,
    ) -> AllocResult<usize> {
        let placement = in_addresses(placement, self.linear_offset()).ok_or(AllocError::InvalidParam)?;
        self.or_after_trim(|| self.pages.lock().alloc_in(num_pages, placement, kind))
    }
}

/// The same placement, with addresses for physical numbers; `None` if its powers of two are none, or do not divide
/// `linear_offset`.
fn in_addresses(placement: Placement, linear_offset: usize) -> Option<Placement> {
    let Placement { align_pow2, within, boundary_pow2 } = placement;
    let keeps = |pow2: usize| pow2.is_power_of_two() && is_aligned(linear_offset, pow2);
    if !keeps(align_pow2) || !boundary_pow2.is_none_or(keeps) {
        return None;
    }
    // Numbers that have no address become the last byte of the address space, where no page is held.
    let address_of = |number: usize| number.saturating_add(linear_offset);
    let within = AddressRange::from_bounds(address_of(within.start()), address_of(within.last()))?;
    Some(Placement { align_pow2, within, boundary_pow2 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_move_by_the_offset_and_end_with_the_address_space() {
        let moved = |start, last, offset| {
            let within = AddressRange::from_bounds(start, last).unwrap();
            let placement = in_addresses(Placement { within, ..Placement::aligned(0x1000) }, offset).unwrap();
            (placement.within.start(), placement.within.last())
        };
        assert_eq!(moved(0, 0xffff, 0), (0, 0xffff));
        assert_eq!(moved(0x1000, 0xffff, 0x5000), (0x6000, 0x1_4fff));
        assert_eq!(moved(0, usize::MAX, 0x5000), (0x5000, usize::MAX));
        assert_eq!(moved(0x2000, 0x3000, usize::MAX - 0xfff), (usize::MAX, usize::MAX));
    }

    #[test]
    fn powers_of_two_that_the_offset_does_not_keep_are_refused() {
        let placed = |align_pow2, boundary_pow2, offset| {
            in_addresses(Placement { boundary_pow2, ..Placement::aligned(align_pow2) }, offset).is_some()
        };
        assert!(placed(0x1000, None, 0x3000) && placed(0x1000, Some(0x1000), 0x3000));
        assert!(!placed(0x2000, None, 0x3000) && !placed(0x1000, Some(0x2000), 0x3000));
        assert!(!placed(0, None, 0) && !placed(0x1800, None, 0) && !placed(0x1000, Some(0), 0));
        assert!(placed(1 << (usize::BITS - 1), None, 0));
    }
}
