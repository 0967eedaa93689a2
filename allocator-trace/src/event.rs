//! One call of an allocator, as a recorder sees it.
//!
//! ```text
//!   0        8         16      24      32          bytes
//!   ┌────────┬─────────┬───────┬───────┐
//!   │ what   │ address │ from  │ ticks │           four stores of eight bytes: half a cache line
//!   └────────┴─────────┴───────┴───────┘
//!    └─ size in the upper half; flags, alignment, cpu and operation in the bytes of the lower one
//! ```
//!
//! A recorder knows addresses; which of them are the same object is found out later, when the events become records
//! ([`records`](crate::records)), so that recording looks nothing up.

use crate::{Flags, Operation};

/// One call of an allocator that succeeded.
///
/// Sizes are in bytes or in pages; one above [`u32::MAX`] is recorded as that.
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
    from: u64,
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

const ALLOC: u64 = 0;
const FREE: u64 = 1;
const REALLOC: u64 = 2;

/// A size as an event holds it.
#[inline]
const fn limited(size: usize) -> u64 {
    if size as u64 > u32::MAX as u64 { u32::MAX as u64 } else { size as u64 }
}

impl Event {
    /// An event that nothing has been written to: what fresh memory for events is made of.
    pub const BLANK: Self = Self { what: 0, address: 0, from: 0, ticks: 0 };

    /// An allocation; `align` is in bytes and a power of two.
    #[inline]
    #[must_use]
    pub const fn alloc(at: Moment, address: usize, size: usize, align: usize) -> Self {
        let align_log2 = align.trailing_zeros() as u64;
        Self::new(at, ALLOC | align_log2 << 16, address, size, 0)
    }

    /// The same allocation, with every byte 0.
    #[inline]
    #[must_use]
    pub const fn zeroed(self) -> Self {
        Self { what: self.what | (Flags::ZEROED.bits() as u64) << 24, ..self }
    }

    /// A free of `size`: of pages, the part of a run that was given back.
    #[inline]
    #[must_use]
    pub const fn free(at: Moment, address: usize, size: usize) -> Self {
        Self::new(at, FREE, address, size, 0)
    }

    /// A change of size; the object was at `from`.
    #[inline]
    #[must_use]
    pub const fn realloc(at: Moment, from: usize, address: usize, size: usize) -> Self {
        Self::new(at, REALLOC, address, size, from)
    }

    #[inline]
    const fn new(at: Moment, operation: u64, address: usize, size: usize, from: usize) -> Self {
        let what = operation | (at.cpu as u64) << 8 | limited(size) << 32;
        Self { what, address: address as u64, from: from as u64, ticks: at.ticks }
    }

    /// What it was, as a record says it; of a free the size is lost.
    pub(crate) fn operation(&self) -> Operation {
        let [operation, _, align_log2, flags, ..] = self.what.to_le_bytes();
        let flags = Flags::from_bits(flags);
        match u64::from(operation) {
            FREE => Operation::Free { flags },
            REALLOC => Operation::Realloc { size: self.size() },
            _ => Operation::Alloc { size: self.size(), align_log2, flags },
        }
    }

    pub(crate) const fn size(&self) -> u32 {
        (self.what >> 32) as u32
    }

    pub(crate) const fn address(&self) -> u64 {
        self.address
    }

    pub(crate) const fn from(&self) -> u64 {
        self.from
    }

    pub(crate) const fn at(&self) -> Moment {
        Moment { cpu: (self.what >> 8) as u8, ticks: self.ticks }
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
        assert_eq!((alloc.address(), alloc.at()), (0x1000, NOW));
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
}
