//! The regions that an allocator holds.
//!
//! ```text
//!   ranges[0]        ranges[1]                      ranges[len − 1]
//!   ▐███████▌   ▐█████████████▌        …            ▐███████▌
//!   └ sorted by address; none overlap; two that touch are one ┘
//! ```
//!
//! # Invariants
//!
//! - `len <= CAPACITY`; the entries from `len` on are all zero.
//! - `ranges[i].last + 1 < ranges[i + 1].start`: sorted, disjoint, and never touching, since neighbours coalesce.
//! - `bytes` = the sum of all sizes, saturating at `usize::MAX` (only the whole address space exceeds it).
//!
//! The list is all zeros when empty, so that a static that holds one stays in `.bss`.

use core::fmt;

use allocator_api::{AddressRange, AllocError, AllocResult, ConstEmpty};

/// A sorted, coalescing list of at most `CAPACITY` regions that do not touch one another.
///
/// It takes `16 · CAPACITY` bytes and a few words on 64-bit machines, and it never allocates.
///
/// # Complexity
///
/// With n regions: looking up is O(log n), inserting O(n), everything else O(1).
///
/// # Examples
///
/// ```
/// use allocator_api::{AddressRange, AllocError};
/// use allocator_primitives::RegionList;
///
/// let mut regions = RegionList::<8>::new();
/// regions.insert(AddressRange::new(0x1000, 0x1000).unwrap())?;
/// regions.insert(AddressRange::new(0x2000, 0x1000).unwrap())?;
/// assert_eq!(regions.iter().count(), 1);
/// assert_eq!(regions.total_bytes(), 0x2000);
/// let again = AddressRange::new(0x1800, 1).unwrap();
/// assert_eq!(regions.insert(again), Err(AllocError::MemoryOverlap));
/// # Ok::<(), AllocError>(())
/// ```
#[derive(Clone)]
pub struct RegionList<const CAPACITY: usize> {
    ranges: [AddressRange; CAPACITY],
    len: usize,
    bytes: usize,
}

/// What stands where there is no entry: the byte at address 0, whose bounds are all zeros.
const NO_ENTRY: AddressRange = match AddressRange::new(0, 1) {
    Some(range) => range,
    None => panic!("one byte is a range"),
};

impl<const CAPACITY: usize> ConstEmpty for RegionList<CAPACITY> {
    const EMPTY: Self = Self { ranges: [NO_ENTRY; CAPACITY], len: 0, bytes: 0 };
}

impl<const CAPACITY: usize> RegionList<CAPACITY> {
    /// The most regions that do not touch one another; a count, inclusive.
    pub const CAPACITY: usize = CAPACITY;

    /// An empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self::EMPTY
    }

    /// Whether there is no region.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes in all regions together; `usize::MAX` if that is the whole address space.
    #[must_use]
    pub const fn total_bytes(&self) -> usize {
        self.bytes
    }

    /// The regions in ascending order of address.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = AddressRange> + ExactSizeIterator + '_ {
        self.ranges[..self.len].iter().copied()
    }

    /// The region that the byte at `address` is in.
    #[inline]
    #[must_use]
    pub fn region_of(&self, address: usize) -> Option<AddressRange> {
        let after = self.first_above(address);
        self.ranges[..after].last().copied().filter(|region| region.contains(address))
    }

    /// Whether every byte of `range` is in the list.
    #[inline]
    #[must_use]
    pub fn contains_range(&self, range: AddressRange) -> bool {
        self.region_of(range.start()).is_some_and(|region| region.contains_range(range))
    }

    /// Whether some byte of `range` is in the list.
    #[must_use]
    pub fn overlaps(&self, range: AddressRange) -> bool {
        // The last region that starts at or below the last byte of the range is the only candidate: any region
        // before it ends below that one's start.
        let after = self.first_above(range.last());
        self.ranges[..after].last().is_some_and(|region| region.overlaps(range))
    }

    /// Puts in `part`, what is left of the region `given` once it is trimmed. That trimmed edges lie in the list is an
    /// error as well: whoever gave the region meant other memory.
    ///
    /// # Errors
    ///
    /// The list is unchanged.
    ///
    /// - [`MemoryOverlap`](AllocError::MemoryOverlap): a byte of `given` is in the list.
    /// - [`NoMemory`](AllocError::NoMemory): as [`insert`](Self::insert).
    pub fn insert_part(&mut self, part: AddressRange, given: AddressRange) -> AllocResult {
        debug_assert!(given.contains_range(part));
        if self.overlaps(given) {
            return Err(AllocError::MemoryOverlap);
        }
        self.insert(part)
    }

    /// Puts a region in; where it touches others, they become one.
    ///
    /// # Errors
    ///
    /// The list is unchanged.
    ///
    /// - [`MemoryOverlap`](AllocError::MemoryOverlap): a byte of it is in the list.
    /// - [`NoMemory`](AllocError::NoMemory): it touches no region, and there are `CAPACITY` already.
    pub fn insert(&mut self, range: AddressRange) -> AllocResult {
        if self.overlaps(range) {
            return Err(AllocError::MemoryOverlap);
        }
        let at = self.first_above(range.start());
        let touches_below = at > 0 && self.ranges[at - 1].precedes(range);
        let touches_above = at < self.len && range.precedes(self.ranges[at]);
        match (touches_below, touches_above) {
            (true, true) => {
                self.ranges[at - 1] = self.ranges[at - 1].hull(self.ranges[at]);
                self.remove_entry(at);
            }
            (true, false) => self.ranges[at - 1] = self.ranges[at - 1].hull(range),
            (false, true) => self.ranges[at] = range.hull(self.ranges[at]),
            (false, false) => self.insert_entry(at, range)?,
        }
        self.bytes = self.bytes.saturating_add(range.size().unwrap_or(usize::MAX));
        Ok(())
    }

    /// The number of regions that start at or below `address`, and so the index of the first that starts above.
    #[inline]
    fn first_above(&self, address: usize) -> usize {
        self.ranges[..self.len].partition_point(|region| region.start() <= address)
    }

    fn insert_entry(&mut self, at: usize, range: AddressRange) -> AllocResult {
        if self.len == CAPACITY {
            return Err(AllocError::NoMemory);
        }
        self.ranges.copy_within(at..self.len, at + 1);
        self.ranges[at] = range;
        self.len += 1;
        Ok(())
    }

    fn remove_entry(&mut self, at: usize) {
        self.ranges.copy_within(at + 1..self.len, at);
        self.len -= 1;
        self.ranges[self.len] = NO_ENTRY;
    }
}

/// The regions alone, in ascending order.
impl<const CAPACITY: usize> fmt::Debug for RegionList<CAPACITY> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<const CAPACITY: usize> Default for RegionList<CAPACITY> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{collections::HashSet, vec, vec::Vec};

    use super::*;

    /// Three, so that one moves down when the two below it become one.
    type Small = RegionList<3>;

    const SPAN: usize = 8;

    fn range(start: usize, last: usize) -> AddressRange {
        AddressRange::from_bounds(start, last).unwrap()
    }

    fn held_bytes(list: &Small, base: usize) -> Vec<bool> {
        (0..SPAN).map(|byte| list.region_of(base + byte).is_some()).collect()
    }

    fn runs(held: &[bool]) -> usize {
        (0..SPAN).filter(|&i| held[i] && (i == 0 || !held[i - 1])).count()
    }

    fn assert_invariants(list: &Small) {
        let entries: Vec<_> = list.iter().collect();
        assert!(entries.windows(2).all(|w| w[0].last() + 1 < w[1].start()), "{entries:?}");
        assert_eq!(list.total_bytes(), entries.iter().map(|r| r.size().unwrap()).sum::<usize>());
        assert!(list.ranges[list.len..].iter().all(|b| *b == NO_ENTRY));
    }

    /// Every list that insertions into eight bytes can reach, and every insertion into each, against a plain
    /// array of flags; once at the bottom of the address space and once at its top.
    #[test]
    fn every_insertion_into_every_reachable_list_is_right() {
        for base in [0, usize::MAX - (SPAN - 1)] {
            let mut seen: HashSet<Vec<bool>> = HashSet::from([vec![false; SPAN]]);
            let mut work = vec![Small::new()];
            while let Some(list) = work.pop() {
                assert_eq!(list.is_empty(), !held_bytes(&list, base).contains(&true));
                for (first, last) in (0..SPAN).flat_map(|f| (f..SPAN).map(move |l| (f, l))) {
                    let mut next = list.clone();
                    let before = held_bytes(&list, base);
                    let mut expected = before.clone();
                    expected[first..=last].fill(true);
                    let answer = next.insert(range(base + first, base + last));
                    if before[first..=last].contains(&true) {
                        assert_eq!(answer, Err(AllocError::MemoryOverlap));
                        expected = before;
                    } else if runs(&expected) > Small::CAPACITY {
                        assert_eq!(answer, Err(AllocError::NoMemory));
                        expected = before;
                    } else {
                        assert_eq!(answer, Ok(()));
                    }
                    assert_eq!(held_bytes(&next, base), expected);
                    assert_eq!(next.iter().len(), runs(&expected));
                    assert_invariants(&next);
                    if seen.insert(expected) {
                        work.push(next);
                    }
                }
            }
            assert!(seen.len() > 100, "only {} lists reached", seen.len());
        }
    }

    #[test]
    fn lookups_agree_with_the_bytes() {
        let mut list = Small::new();
        list.insert(range(1, 2)).unwrap();
        list.insert(range(4, 6)).unwrap();
        let held = held_bytes(&list, 0);
        for (first, last) in (0..SPAN).flat_map(|f| (f..SPAN).map(move |l| (f, l))) {
            let bytes = &held[first..=last];
            assert_eq!(list.overlaps(range(first, last)), bytes.contains(&true), "{first}..={last}");
            assert_eq!(list.contains_range(range(first, last)), !bytes.contains(&false), "{first}..={last}");
        }
        assert_eq!(list.region_of(5), Some(range(4, 6)));
    }

    #[test]
    fn a_trimmed_edge_may_not_overlap_but_does_not_come_in() {
        let mut list = Small::new();
        list.insert(range(0x10, 0x1f)).unwrap();
        for given in [range(0x1f, 0x3f), range(0x20, 0x3f)] {
            let expected = if given.start() == 0x1f { Err(AllocError::MemoryOverlap) } else { Ok(()) };
            assert_eq!(list.insert_part(range(0x30, 0x3f), given), expected);
        }
        assert_eq!(std::format!("{list:?}"), "[0x10..=0x1f, 0x30..=0x3f]");
    }

    #[test]
    fn the_whole_address_space_saturates_the_count() {
        let mut list = Small::new();
        list.insert(range(0, usize::MAX / 2)).unwrap();
        list.insert(range(usize::MAX / 2 + 1, usize::MAX)).unwrap();
        assert_eq!(list.total_bytes(), usize::MAX);
        assert_eq!(list.iter().next(), Some(range(0, usize::MAX)));
    }
}
