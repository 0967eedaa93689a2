//! The suite's own record of which bytes are whose.
//!
//! Two books are kept for each allocator under test: one of the regions handed in, one of the blocks or runs that are
//! live. They are the model that the allocator's answers are compared with.
//!
//! # Invariants
//!
//! - `len <= entries.len()`; the entries from `len` on mean nothing.
//! - No two of the first `len` entries share a byte.
//! - Entries stand in the order in which they came.
//!
//! A book looks at every entry for each question: O(len). It is made for some hundreds of entries, where nothing is
//! simpler, and nothing is easier to trust.
#![forbid(unsafe_code)]

use core::{alloc::Layout, ptr::NonNull};

use allocator_api::AddressRange;

/// A range with what the suite knows of it: a live block or run, or a region.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    /// The bytes.
    pub(crate) range: AddressRange,
    /// The alignment asked for, bytes.
    pub(crate) align: usize,
    /// The value that fills every byte.
    pub(crate) seed: u8,
    /// The pointer that the allocator gave; dangling where there is none.
    pub(crate) pos: NonNull<u8>,
}

impl Entry {
    /// A range that nobody asked an allocator for.
    pub(crate) const fn plain(range: AddressRange) -> Self {
        Self { range, align: 1, seed: 0, pos: NonNull::dangling() }
    }

    /// Bytes in the range. Blocks and runs are never the whole address space.
    pub(crate) fn size(&self) -> usize {
        self.range.size().unwrap_or(usize::MAX)
    }

    /// What was asked for: `None` for a range that is no possible block.
    pub(crate) fn layout(&self) -> Option<Layout> {
        Layout::from_size_align(self.size(), self.align).ok()
    }
}

/// A list of ranges that do not overlap.
pub(crate) struct Book<'m> {
    entries: &'m mut [Entry],
    len: usize,
}

impl<'m> Book<'m> {
    /// An empty book with room for as many entries as the slice has.
    pub(crate) fn new(entries: &'m mut [Entry]) -> Self {
        Self { entries, len: 0 }
    }

    /// The number of entries.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether one more entry has no room.
    pub(crate) fn is_full(&self) -> bool {
        self.len == self.entries.len()
    }

    /// The entries in the order in which they came.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries[..self.len]
    }

    /// The entry at `index` in that order.
    pub(crate) fn get(&self, index: usize) -> Option<Entry> {
        self.entries().get(index).copied()
    }

    /// Takes all entries out.
    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    /// Puts an entry at the end and returns its index; `None` if it overlaps another or has no room.
    pub(crate) fn push(&mut self, entry: Entry) -> Option<usize> {
        if self.is_full() || self.overlapping(entry.range).is_some() {
            return None;
        }
        self.entries[self.len] = entry;
        self.len += 1;
        Some(self.len - 1)
    }

    /// Takes the entry at `index` out; those after it move up.
    pub(crate) fn remove(&mut self, index: usize) -> Option<Entry> {
        let entry = self.get(index)?;
        self.entries.copy_within(index + 1..self.len, index);
        self.len -= 1;
        Some(entry)
    }

    /// Takes a range out, which entries may cover in any way; what they have beyond it stays. `None`, and the book is
    /// of no more use, if that makes more entries than there is room for.
    pub(crate) fn cut(&mut self, range: AddressRange) -> Option<()> {
        while let Some(index) = self.entries().iter().position(|entry| entry.range.overlaps(range)) {
            let entry = self.remove(index)?;
            let (first, last) = (entry.range.start(), entry.range.last());
            let below = range.start().checked_sub(1).and_then(|end| AddressRange::from_bounds(first, end));
            let above = range.last().checked_add(1).and_then(|next| AddressRange::from_bounds(next, last));
            for part in [below, above].into_iter().flatten() {
                self.push(Entry { range: part, ..entry })?;
            }
        }
        Some(())
    }

    /// The first entry that shares a byte with the range.
    pub(crate) fn overlapping(&self, range: AddressRange) -> Option<Entry> {
        self.entries().iter().find(|entry| entry.range.overlaps(range)).copied()
    }

    /// The index of the entry that the byte at `address` is in.
    pub(crate) fn index_of(&self, address: usize) -> Option<usize> {
        self.entries().iter().position(|entry| entry.range.contains(address))
    }

    /// Whether every byte of the range is in some entry.
    pub(crate) fn covers(&self, range: AddressRange) -> bool {
        self.last_from(range.start()).is_some_and(|last| last >= range.last())
    }

    /// The last byte of those that are in some entry without a hole from `address` on; `None` if that is in none.
    fn last_from(&self, address: usize) -> Option<usize> {
        let mut last = None;
        let mut next = Some(address);
        while let Some(entry) = next.and_then(|next| self.index_of(next)).and_then(|index| self.get(index)) {
            last = Some(entry.range.last());
            next = entry.range.last().checked_add(1);
        }
        last
    }

    /// The number of ranges that there would be if those that touch were one.
    pub(crate) fn groups(&self) -> usize {
        let goes_on = |entry: &&Entry| self.entries().iter().any(|other| other.range.precedes(entry.range));
        self.len - self.entries().iter().filter(goes_on).count()
    }

    /// Bytes in all entries together.
    pub(crate) fn bytes(&self) -> usize {
        self.entries().iter().fold(0, |sum: usize, entry| sum.saturating_add(entry.size()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(first: usize, last: usize) -> Entry {
        Entry::plain(AddressRange::from_bounds(first, last).unwrap())
    }

    #[test]
    fn an_overlapping_entry_is_not_taken() {
        let mut room = [entry(0, 0); 4];
        let mut book = Book::new(&mut room);
        assert_eq!(book.push(entry(10, 19)), Some(0));
        for (first, last) in [(10, 19), (12, 13), (5, 30), (5, 10), (19, 20)] {
            assert_eq!(book.push(entry(first, last)), None, "{first}..={last}");
        }
        assert_eq!(book.push(entry(20, 20)), Some(1));
        assert_eq!(book.push(entry(9, 9)), Some(2));
        assert_eq!(book.bytes(), 12);
    }

    #[test]
    fn a_full_book_takes_no_more() {
        let mut room = [entry(0, 0); 1];
        let mut book = Book::new(&mut room);
        assert_eq!(book.push(entry(0, 0)), Some(0));
        assert_eq!(book.push(entry(1, 1)), None);
    }

    #[test]
    fn neighbours_cover_a_range_together_and_a_hole_breaks_it() {
        let mut room = [entry(0, 0); 4];
        let mut book = Book::new(&mut room);
        for part in [entry(20, 29), entry(10, 19), entry(31, usize::MAX)] {
            assert!(book.push(part).is_some());
        }
        assert_eq!(book.groups(), 2);
        let covers = |first, last| book.covers(AddressRange::from_bounds(first, last).unwrap());
        assert!(covers(10, 29) && covers(15, 25) && covers(40, usize::MAX));
        assert!(!covers(9, 12) && !covers(25, 31) && !covers(30, 30));
    }

    #[test]
    fn cutting_leaves_what_is_beyond_the_cut() {
        let mut room = [entry(0, 0); 4];
        let mut book = Book::new(&mut room);
        for part in [entry(0, 9), entry(10, 19), entry(25, 29)] {
            assert!(book.push(part).is_some());
        }
        assert_eq!(book.cut(entry(8, 26).range), Some(()));
        assert_eq!(book.entries(), [entry(0, 7), entry(27, 29)]);
        assert_eq!(book.cut(entry(2, 3).range), Some(()));
        assert_eq!(book.entries(), [entry(27, 29), entry(0, 1), entry(4, 7)]);
    }

    #[test]
    fn entries_keep_their_order_when_one_leaves() {
        let mut room = [entry(0, 0); 4];
        let mut book = Book::new(&mut room);
        for at in 1..=3 {
            assert!(book.push(entry(at, at)).is_some());
        }
        assert_eq!(book.remove(1), Some(entry(2, 2)));
        assert_eq!(book.entries(), [entry(1, 1), entry(3, 3)]);
        assert_eq!(book.remove(2), None);
        assert_eq!(book.index_of(3), Some(1));
    }
}
