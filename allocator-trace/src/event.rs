//! One call of an allocator, as a recorder sees it.
//!
//! ```text
//!   0        8         16      24      32          bytes
//!   ┌────────┬─────────┬───────┬───────┐
//!   │ what   │ address │ other │ ticks │           four stores of eight bytes: half a cache line
//!   └────────┴─────────┴───────┴───────┘
//!    │                  └─ alignment of an alloc, in bytes; of a realloc, where the object was
//!    └─ cpu (8 bits), operation (2 bits), size (54 bits)
//! ```
//!
//! A recorder knows addresses; which of them are the same object is found out later, when the events become records
//! ([`records`](crate::records)), so that recording looks nothing up. Nothing is worked out either, but a sum of bits.

use crate::{Flags, Operation};

/// One call of an allocator that succeeded.
///
/// Sizes are in bytes or in pages; one above [`u32::MAX`] is read as that.
///
/// # Complexity
///
/// Every method is O(1).
///
/// # Examples
///
/// ```
/// use allocator_trace::{Event, Moment};
///
/// let now = Moment { cpu: 3, ticks: 1000 };
/// assert_eq!(size_of::<Event>(), 32);
/// assert_ne!(Event::alloc(now, 0x1000, 24, 8), Event::free(now, 0x1000, 24));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Event {
    what: u64,
    address: u64,
    other: u64,
    ticks: u64,
}

/// Where and when something happened.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Moment {
    /// The processor or thread.
    pub cpu: u8,
    /// A clock that never goes back, in units of its own.
    pub ticks: u64,
}

const SIZE_BITS: u32 = 54;
const CPU_AT: u32 = 56;
const ALLOC: u64 = 0;
const FREE: u64 = 1 << SIZE_BITS;
const REALLOC: u64 = 2 << SIZE_BITS;
const ZEROED: u64 = 3 << SIZE_BITS;

impl Event {
    /// An event that nothing has been written to: what fresh memory for events is made of.
    pub const BLANK: Self = Self { what: 0, address: 0, other: 0, ticks: 0 };

    /// An allocation; `align` is in bytes and a power of two.
    #[inline(always)]
    #[must_use]
    pub const fn alloc(at: Moment, address: usize, size: usize, align: usize) -> Self {
        debug_assert!(align.is_power_of_two(), "an alignment is a power of two");
        Self::new(at, ALLOC, address, size, align)
    }

    /// The same allocation, with every byte 0. Nothing but an allocation can be that.
    #[inline(always)]
    #[must_use]
    pub const fn zeroed(self) -> Self {
        debug_assert!(matches!(self.what & ZEROED, ALLOC | ZEROED), "only an allocation has zeroed bytes");
        Self { what: self.what | ZEROED, ..self }
    }

    /// A free of `size`: of pages, the part of a run that was given back.
    #[inline(always)]
    #[must_use]
    pub const fn free(at: Moment, address: usize, size: usize) -> Self {
        Self::new(at, FREE, address, size, 0)
    }

    /// A change of size; the object was at `from`.
    #[inline(always)]
    #[must_use]
    pub const fn realloc(at: Moment, from: usize, address: usize, size: usize) -> Self {
        Self::new(at, REALLOC, address, size, from)
    }

    #[inline(always)]
    const fn new(at: Moment, operation: u64, address: usize, size: usize, other: usize) -> Self {
        // An object is never as large as a quarter of the addresses that a machine has.
        debug_assert!(size as u64 >> SIZE_BITS == 0);
        let what = size as u64 | operation | (at.cpu as u64) << CPU_AT;
        Self { what, address: address as u64, other: other as u64, ticks: at.ticks }
    }

    /// What it was, as a record says it; the size of a free is told by [`size`](Self::size) alone.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        let (size, align_log2) = (self.size(), self.other.trailing_zeros() as u8);
        match self.what & ZEROED {
            FREE => Operation::Free { flags: Flags::NONE },
            REALLOC => Operation::Realloc { size },
            ZEROED => Operation::Alloc { size, align_log2, flags: Flags::ZEROED },
            _ => Operation::Alloc { size, align_log2, flags: Flags::NONE },
        }
    }

    /// Bytes or pages of it: of a realloc the new ones, of a free what was given back.
    #[must_use]
    pub const fn size(&self) -> u32 {
        let size = self.what & ((1 << SIZE_BITS) - 1);
        if size > u32::MAX as u64 { u32::MAX } else { size as u32 }
    }

    /// Where the object is, or was until its free.
    #[must_use]
    pub const fn address(&self) -> u64 {
        self.address
    }

    /// Where the object was before a realloc; else 0.
    #[must_use]
    pub const fn from(&self) -> u64 {
        if self.what & ZEROED == REALLOC { self.other } else { 0 }
    }

    /// Where and when it happened.
    #[must_use]
    pub const fn at(&self) -> Moment {
        Moment { cpu: (self.what >> CPU_AT) as u8, ticks: self.ticks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment { cpu: 0xfe, ticks: 1 << 40 };

    #[test]
    fn an_event_holds_what_it_was_made_of() {
        let alloc = Event::alloc(NOW, 0x1000, 77, 64).zeroed();
        assert_eq!(alloc.operation(), Operation::Alloc { size: 77, align_log2: 6, flags: Flags::ZEROED });
        assert_eq!((alloc.address(), alloc.at(), alloc.from()), (0x1000, NOW, 0));
        assert_eq!(alloc.zeroed(), alloc);
        let free = Event::free(NOW, 0x2000, 5);
        assert_eq!((free.operation(), free.size()), (Operation::Free { flags: Flags::NONE }, 5));
        let realloc = Event::realloc(NOW, 0x3000, 0x4000, 9);
        assert_eq!((realloc.operation(), realloc.from()), (Operation::Realloc { size: 9 }, 0x3000));
        assert_eq!((realloc.address(), realloc.at()), (0x4000, NOW));
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn a_size_beyond_the_field_stays_in_the_field() {
        let alloc = Event::alloc(NOW, 0, 1 << 40, 1);
        assert_eq!(alloc.operation(), Operation::Alloc { size: u32::MAX, align_log2: 0, flags: Flags::NONE });
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "only an allocation")]
    fn what_is_no_allocation_is_not_zeroed() {
        let _ = Event::free(NOW, 8, 8).zeroed();
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "power of two")]
    fn an_alignment_is_a_power_of_two() {
        let _ = Event::alloc(NOW, 8, 8, 0);
    }
}
