//! Arithmetic on addresses that is right up to the last byte of the address space.
//!
//! ```text
//!          start                         last
//!            ▼                             ▼
//!   ─────────┬─────────────────────────────┬─────────
//!            │◄──── last − start + 1 ─────►│
//! ```
//!
//! A range is kept as its first and its *last* byte, both inclusive: the end of a range that reaches the top of the
//! address space would be 2^64, which is no address. An empty range cannot be written down.
//!
//! Every function takes O(1).
#![forbid(unsafe_code)]

use core::fmt;

/// The largest multiple of `align` that is not above `address`.
///
/// `align` is a power of two.
///
/// # Examples
///
/// ```
/// assert_eq!(allocator_api::address::align_down(0x1fff, 0x1000), 0x1000);
/// ```
#[inline]
#[must_use]
pub const fn align_down(address: usize, align: usize) -> usize {
    debug_assert!(align.is_power_of_two());
    address & !(align - 1)
}

/// The smallest multiple of `align` that is not below `address`, or `None` if there is none in the address space.
///
/// `align` is a power of two.
///
/// # Examples
///
/// ```
/// use allocator_api::address::align_up;
///
/// assert_eq!(align_up(0x1001, 0x1000), Some(0x2000));
/// assert_eq!(align_up(usize::MAX, 0x1000), None);
/// ```
#[inline]
#[must_use]
pub const fn align_up(address: usize, align: usize) -> Option<usize> {
    debug_assert!(align.is_power_of_two());
    match address.checked_add(align - 1) {
        Some(above) => Some(above & !(align - 1)),
        None => None,
    }
}

/// Whether `address` is a multiple of `align`, which is a power of two.
///
/// # Examples
///
/// ```
/// assert!(allocator_api::address::is_aligned(0x3000, 0x1000));
/// assert!(!allocator_api::address::is_aligned(0x3008, 0x1000));
/// ```
#[inline]
#[must_use]
pub const fn is_aligned(address: usize, align: usize) -> bool {
    debug_assert!(align.is_power_of_two());
    address & (align - 1) == 0
}

/// A range of addresses with at least one byte in it.
///
/// # Examples
///
/// ```
/// use allocator_api::AddressRange;
///
/// let bank = AddressRange::new(0x1010, 0x3000).unwrap();
/// let pages = bank.trimmed(0x1000).unwrap();
/// assert_eq!((pages.start(), pages.last()), (0x2000, 0x3fff));
/// assert_eq!(AddressRange::new(usize::MAX, 1).unwrap().last(), usize::MAX);
/// assert_eq!(AddressRange::new(usize::MAX, 2), None);
/// assert_eq!(format!("{bank:?}"), "0x1010..=0x400f");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AddressRange {
    start: usize,
    // Invariant: start <= last
    last: usize,
}

impl AddressRange {
    /// The `size` bytes from `start` on; `None` if that is no byte, or the last one lies beyond the address space.
    #[inline]
    #[must_use]
    pub const fn new(start: usize, size: usize) -> Option<Self> {
        if size == 0 {
            return None;
        }
        match start.checked_add(size - 1) {
            Some(last) => Some(Self { start, last }),
            None => None,
        }
    }

    /// The bytes from `start` to `last`, both in it; `None` if `last` is below `start`.
    #[inline]
    #[must_use]
    pub const fn from_bounds(start: usize, last: usize) -> Option<Self> {
        if start <= last { Some(Self { start, last }) } else { None }
    }

    /// The first byte's address.
    #[inline]
    #[must_use]
    pub const fn start(self) -> usize {
        self.start
    }

    /// The last byte's address; it is in the range.
    #[inline]
    #[must_use]
    pub const fn last(self) -> usize {
        self.last
    }

    /// The number of bytes; `None` for the whole address space, whose size no `usize` can hold.
    #[inline]
    #[must_use]
    pub const fn size(self) -> Option<usize> {
        (self.last - self.start).checked_add(1)
    }

    /// Whether the byte at `address` is in the range.
    #[inline]
    #[must_use]
    pub const fn contains(self, address: usize) -> bool {
        self.start <= address && address <= self.last
    }

    /// Whether every byte of `other` is in the range.
    #[inline]
    #[must_use]
    pub const fn contains_range(self, other: Self) -> bool {
        self.start <= other.start && other.last <= self.last
    }

    /// Whether some byte is in both ranges.
    #[inline]
    #[must_use]
    pub const fn overlaps(self, other: Self) -> bool {
        self.start <= other.last && other.start <= self.last
    }

    /// Whether `other` starts with the byte after the last of `self`.
    #[inline]
    #[must_use]
    pub const fn precedes(self, other: Self) -> bool {
        self.last != usize::MAX && self.last + 1 == other.start
    }

    /// The smallest range that both ranges lie in.
    #[inline]
    #[must_use]
    pub const fn hull(self, other: Self) -> Self {
        Self {
            start: if self.start < other.start { self.start } else { other.start },
            last: if self.last > other.last { self.last } else { other.last },
        }
    }

    /// The largest part that starts and ends on a multiple of `granule`, a power of two; `None` if that is
    /// nothing.
    #[inline]
    #[must_use]
    pub const fn trimmed(self, granule: usize) -> Option<Self> {
        let Some(start) = align_up(self.start, granule) else {
            return None;
        };
        // The end, one past the last byte, may be 2^64; as a number modulo 2^64 it aligns just the same.
        let end = align_down(self.last.wrapping_add(1), granule);
        match end.checked_sub(1) {
            Some(last) => Self::from_bounds(start, last),
            // An end of 0 means 2^64 only if the range reaches the top; else it was trimmed down to address 0.
            None if self.last == usize::MAX => Some(Self { start, last: usize::MAX }),
            None => None,
        }
    }

    /// The part after the first `bytes` bytes; `None` if that is nothing.
    #[inline]
    #[must_use]
    pub const fn without_first(self, bytes: usize) -> Option<Self> {
        match self.start.checked_add(bytes) {
            Some(start) => Self::from_bounds(start, self.last),
            None => None,
        }
    }

    /// The part below `hole`, if that lies in the range; else all of it. `None` if nothing is below.
    #[inline]
    #[must_use]
    pub const fn before(self, hole: Option<Self>) -> Option<Self> {
        match hole {
            Some(hole) if self.contains_range(hole) => match hole.start.checked_sub(1) {
                Some(last) => Self::from_bounds(self.start, last),
                None => None,
            },
            _ => Some(self),
        }
    }

    /// The part before the last `bytes` bytes; `None` if that is nothing.
    #[inline]
    #[must_use]
    pub const fn without_last(self, bytes: usize) -> Option<Self> {
        match self.last.checked_sub(bytes) {
            Some(last) => Self::from_bounds(self.start, last),
            None => None,
        }
    }
}

/// Both bounds, in hexadecimal.
impl fmt::Debug for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}..={:#x}", self.start, self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOP: usize = usize::MAX;

    #[test]
    fn trimming_agrees_with_counting_the_granules_inside() {
        const GRANULE: usize = 4;
        for base in [0, TOP - 15] {
            for first in 0..16 {
                for last in first..16 {
                    let range = AddressRange::from_bounds(base + first, base + last).unwrap();
                    let whole = |g: &usize| first <= g * GRANULE && g * GRANULE + (GRANULE - 1) <= last;
                    let expected = (0..4)
                        .find(whole)
                        .map(|g| base + g * GRANULE)
                        .zip((0..4).rfind(whole).map(|g| base + (g * GRANULE + (GRANULE - 1))));
                    let got = range.trimmed(GRANULE).map(|r| (r.start(), r.last()));
                    assert_eq!(got, expected, "{first}..={last} from {base:#x}");
                }
            }
        }
    }

    #[test]
    fn aligning_up_fails_only_beyond_the_last_multiple() {
        assert_eq!(align_up(TOP - 4095, 4096), Some(TOP - 4095));
        assert_eq!(align_up(TOP - 4094, 4096), None);
        assert_eq!(align_up(0, 1 << (usize::BITS - 1)), Some(0));
        assert_eq!(align_up(TOP, 1), Some(TOP));
    }

    #[test]
    fn the_whole_address_space_is_a_range_without_a_size() {
        let all = AddressRange::from_bounds(0, TOP).unwrap();
        assert_eq!(all.size(), None);
        assert_eq!(all.trimmed(4096), Some(all));
        assert_eq!(AddressRange::new(1, TOP).unwrap().size(), Some(TOP));
    }

    #[test]
    fn overlap_and_precedence_agree_with_the_bytes() {
        let bytes = |r: AddressRange| r.start()..=r.last();
        let all = || (0..6).flat_map(|s| (s..6).map(move |l| AddressRange::from_bounds(s, l).unwrap()));
        for a in all() {
            for b in all() {
                assert_eq!(a.overlaps(b), bytes(a).any(|x| b.contains(x)));
                assert_eq!(a.contains_range(b), bytes(b).all(|x| a.contains(x)));
                assert_eq!(a.precedes(b), a.last() + 1 == b.start());
                let both = || bytes(a).chain(bytes(b));
                assert_eq!((both().min(), both().max()), (Some(a.hull(b).start()), Some(a.hull(b).last())));
            }
        }
        let top = AddressRange::new(TOP, 1).unwrap();
        assert!(!top.precedes(AddressRange::new(0, 1).unwrap()));
    }

    #[test]
    fn what_is_before_a_hole_ends_where_it_begins() {
        let range = |first, last| AddressRange::from_bounds(first, last);
        let all = range(0, 31).unwrap();
        assert_eq!(all.before(range(16, 31)), range(0, 15));
        assert_eq!(all.before(range(16, 20)), range(0, 15));
        assert_eq!(all.before(range(0, 31)), None);
        assert_eq!(range(16, 31).unwrap().before(range(16, 20)), None);
        assert_eq!(all.before(range(16, 32)), Some(all));
        assert_eq!(all.before(range(40, 41)), Some(all));
        assert_eq!(all.before(None), Some(all));
    }

    #[test]
    fn cutting_bytes_off_leaves_the_rest_or_nothing() {
        let range = AddressRange::new(16, 16).unwrap();
        assert_eq!(range.without_first(4), AddressRange::from_bounds(20, 31));
        assert_eq!(range.without_last(4), AddressRange::from_bounds(16, 27));
        assert_eq!(range.without_first(16), None);
        assert_eq!(range.without_last(16), None);
        assert_eq!(range.without_last(TOP), None);
        assert_eq!(range.without_first(TOP), None);
    }
}
