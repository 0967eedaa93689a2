//! The firmware's map of physical memory.
//!
//! A map is a list of entries in any order; an entry is a range of addresses and what it is for. Only
//! [`EntryKind::Usable`] memory is a kernel's to use.
//!
//! The list has a fixed capacity, because it is read before there is an allocator. Every function is
//! O(entries).

use core::fmt;

use allocator_api::AddressRange;

use crate::bytes::{u32_at, u64_at};

/// The most entries that are read; an inclusive maximum. Firmware in use lists some ten to some sixty.
pub const MAX_ENTRIES: usize = 128;

/// The bytes of an entry as the boot protocol writes it.
pub const ENTRY_BYTES: usize = 24;

/// What a range of memory is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntryKind {
    /// Free for the kernel.
    Usable,
    /// Anything else, by the number that the firmware gives.
    Other(u32),
}

/// One range of the map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The addresses.
    pub range: AddressRange,
    /// What they are for.
    pub kind: EntryKind,
}

/// The map, in the order of the firmware.
///
/// # Complexity
///
/// Every method is O(entries).
///
/// # Examples
///
/// ```
/// use kernel::memory_map::{EntryKind, MemoryMap};
///
/// let mut entry = [0; 24];
/// entry[..8].copy_from_slice(&0x10_0000_u64.to_le_bytes());
/// entry[8..16].copy_from_slice(&0x8000_u64.to_le_bytes());
/// entry[16] = 1;
/// let map = MemoryMap::from_bytes(&entry).unwrap();
/// assert_eq!(map.entries()[0].kind, EntryKind::Usable);
/// assert_eq!(map.usable_bytes(), 0x8000);
/// ```
#[derive(Clone, Debug)]
pub struct MemoryMap {
    entries: [Entry; MAX_ENTRIES],
    count: usize,
}

/// There are more than [`MAX_ENTRIES`] entries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooManyEntries;

/// Stands where there is no entry.
const NO_ENTRY: Entry = match AddressRange::new(0, 1) {
    Some(range) => Entry { range, kind: EntryKind::Other(0) },
    None => panic!("one byte is a range"),
};

impl MemoryMap {
    /// Reads the entries as the boot protocol writes them: address, size (8 bytes each), kind, and 4 bytes that
    /// mean nothing. Entries without a byte, or beyond the address space, are left out.
    ///
    /// # Errors
    ///
    /// - [`TooManyEntries`]: more than [`MAX_ENTRIES`] are left.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TooManyEntries> {
        let mut map = Self { entries: [NO_ENTRY; MAX_ENTRIES], count: 0 };
        for entry in bytes.chunks_exact(ENTRY_BYTES) {
            let (start, size) = (usize::try_from(u64_at(entry, 0)), usize::try_from(u64_at(entry, 8)));
            let (Ok(start), Ok(size)) = (start, size) else { continue };
            let Some(range) = AddressRange::new(start, size) else { continue };
            let kind = match u32_at(entry, 16) {
                1 => EntryKind::Usable,
                other => EntryKind::Other(other),
            };
            *map.entries.get_mut(map.count).ok_or(TooManyEntries)? = Entry { range, kind };
            map.count += 1;
        }
        Ok(map)
    }

    /// The entries, in the order of the firmware.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries[..self.count]
    }

    /// The usable ranges, in the order of the firmware.
    pub fn usable(&self) -> impl Iterator<Item = AddressRange> + '_ {
        self.entries().iter().filter(|entry| entry.kind == EntryKind::Usable).map(|entry| entry.range)
    }

    /// The bytes in all usable ranges together; saturates at `usize::MAX`.
    #[must_use]
    pub fn usable_bytes(&self) -> usize {
        self.usable().fold(0, |sum, range| sum.saturating_add(range.size().unwrap_or(usize::MAX)))
    }
}

/// What is left of `range` once `holes` are taken out; they are in ascending order and do not overlap.
///
/// # Examples
///
/// ```
/// use allocator_api::AddressRange;
/// use kernel::memory_map::without;
///
/// let range = |start, last| AddressRange::from_bounds(start, last).unwrap();
/// let left: Vec<_> = without(range(10, 99), &[range(0, 19), range(50, 59)]).collect();
/// assert_eq!(left, [range(20, 49), range(60, 99)]);
/// ```
pub fn without(range: AddressRange, holes: &[AddressRange]) -> impl Iterator<Item = AddressRange> + '_ {
    let before_first = range.start();
    let starts = core::iter::once(Some(before_first)).chain(holes.iter().map(|hole| hole.last().checked_add(1)));
    let lasts = holes.iter().map(|hole| hole.start().checked_sub(1)).chain(core::iter::once(Some(range.last())));
    starts.zip(lasts).filter_map(move |(start, last)| {
        AddressRange::from_bounds(start?.max(range.start()), last?.min(range.last()))
    })
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usable => f.write_str("usable"),
            Self::Other(2) => f.write_str("reserved"),
            Self::Other(3) => f.write_str("firmware tables"),
            Self::Other(4) => f.write_str("firmware state"),
            Self::Other(5) => f.write_str("defective"),
            Self::Other(number) => write!(f, "kind {number}"),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#013x} ..= {:#013x}  {}", self.range.start(), self.range.last(), self.kind)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{string::ToString, vec::Vec};

    use super::*;

    fn entry_bytes(start: u64, size: u64, kind: u32) -> Vec<u8> {
        [&start.to_le_bytes()[..], &size.to_le_bytes(), &kind.to_le_bytes(), &[0xff; 4]].concat()
    }

    fn range(start: usize, last: usize) -> AddressRange {
        AddressRange::from_bounds(start, last).unwrap()
    }

    #[test]
    fn entries_keep_their_order_and_only_usable_ones_count() {
        let bytes =
            [entry_bytes(1 << 32, 0x2000, 1), entry_bytes(0x10, 5, 2), entry_bytes(0x1000, 0x1000, 1)].concat();
        let map = MemoryMap::from_bytes(&bytes).unwrap();
        assert_eq!(map.entries().len(), 3);
        assert_eq!(map.usable().collect::<Vec<_>>(), [range(1 << 32, (1 << 32) + 0x1fff), range(0x1000, 0x1fff)]);
        assert_eq!(map.usable_bytes(), 0x3000);
        assert_eq!(map.entries()[1].to_string(), "0x00000000010 ..= 0x00000000014  reserved");
    }

    #[test]
    fn entries_without_bytes_or_beyond_the_address_space_are_left_out() {
        let bytes = [entry_bytes(7, 0, 1), entry_bytes(u64::MAX, 2, 1), entry_bytes(u64::MAX, 1, 1)].concat();
        let map = MemoryMap::from_bytes(&bytes).unwrap();
        assert_eq!(map.usable().collect::<Vec<_>>(), [range(usize::MAX, usize::MAX)]);
    }

    #[test]
    fn one_entry_too_many_is_refused() {
        let most = entry_bytes(0, 1, 1).repeat(MAX_ENTRIES);
        assert_eq!(MemoryMap::from_bytes(&most).unwrap().entries().len(), MAX_ENTRIES);
        let more = entry_bytes(0, 1, 1).repeat(MAX_ENTRIES + 1);
        assert_eq!(MemoryMap::from_bytes(&more).unwrap_err(), TooManyEntries);
    }

    /// Every range and every pair of holes in eight bytes, at both ends of the address space.
    #[test]
    fn taking_holes_out_agrees_with_the_bytes() {
        for base in [0, usize::MAX - 7] {
            let ranges: Vec<_> = (0..8).flat_map(|f| (f..8).map(move |l| range(base + f, base + l))).collect();
            for (outer, first, second) in ranges
                .iter()
                .flat_map(|o| ranges.iter().flat_map(move |f| [*o].into_iter().zip([*f])))
                .flat_map(|(o, f)| ranges.iter().map(move |s| (o, f, *s)))
                .filter(|(_, f, s)| f.last() < s.start())
            {
                let left: Vec<_> = without(outer, &[first, second]).collect();
                for byte in (0..8).map(|offset| base + offset) {
                    let expected = outer.contains(byte) && !first.contains(byte) && !second.contains(byte);
                    assert_eq!(left.iter().filter(|r| r.contains(byte)).count(), usize::from(expected));
                }
            }
        }
    }
}
