//! Numbers of pages, as ranges with both ends in them.
//!
//! A page's number is its address divided by the page size. As with addresses, a range keeps its first and its
//! *last* number: with pages of one byte (ids), one past the last may not exist.
#![forbid(unsafe_code)]

/// A range of page numbers with at least one page in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PageRange {
    first: usize,
    // Invariant: first <= last
    last: usize,
}

impl PageRange {
    /// The pages from `first` to `last`, both in it; `None` if that is no page.
    #[inline]
    pub(crate) const fn new(first: usize, last: usize) -> Option<Self> {
        if first <= last { Some(Self { first, last }) } else { None }
    }

    /// The `count` pages from `first` on; `None` if that is no page, or the numbers end before.
    #[inline]
    pub(crate) const fn counted(first: usize, count: usize) -> Option<Self> {
        if count == 0 {
            return None;
        }
        match first.checked_add(count - 1) {
            Some(last) => Some(Self { first, last }),
            None => None,
        }
    }

    /// The first page's number.
    #[inline]
    pub(crate) const fn first(self) -> usize {
        self.first
    }

    /// The last page's number; it is in the range.
    #[inline]
    pub(crate) const fn last(self) -> usize {
        self.last
    }

    /// How many pages; `usize::MAX` also for one more than that, which no records can be for.
    #[inline]
    pub(crate) const fn count(self) -> usize {
        (self.last - self.first).saturating_add(1)
    }

    /// Whether every page of `other` is in the range.
    #[inline]
    pub(crate) const fn contains(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }

    /// The smallest range that both lie in.
    #[inline]
    pub(crate) const fn hull(self, other: Self) -> Self {
        Self {
            first: if self.first < other.first { self.first } else { other.first },
            last: if self.last > other.last { self.last } else { other.last },
        }
    }

    /// The pages that are in both ranges.
    #[inline]
    pub(crate) const fn common(self, other: Self) -> Option<Self> {
        Self::new(
            if self.first > other.first { self.first } else { other.first },
            if self.last < other.last { self.last } else { other.last },
        )
    }

    /// What is left below and above when `hole`, which lies in the range, is taken out.
    pub(crate) fn without(self, hole: Self) -> [Option<Self>; 2] {
        debug_assert!(self.contains(hole));
        let below = hole.first.checked_sub(1).and_then(|last| Self::new(self.first, last));
        let above = hole.last.checked_add(1).and_then(|first| Self::new(first, self.last));
        [below, above]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(base: usize) -> impl Iterator<Item = PageRange> {
        (0..6).flat_map(move |f| (f..6).map(move |l| PageRange::new(base + f, base + l).unwrap()))
    }

    fn pages(range: Option<PageRange>) -> usize {
        range.map_or(0, PageRange::count)
    }

    #[test]
    fn ranges_agree_with_their_pages_at_both_ends_of_the_numbers() {
        for base in [0, usize::MAX - 5] {
            for (a, b) in all(base).flat_map(|a| all(base).map(move |b| (a, b))) {
                let numbers = |r: PageRange| r.first()..=r.last();
                let common = numbers(a).filter(|n| numbers(b).contains(n)).count();
                assert_eq!(pages(a.common(b)), common);
                assert_eq!(a.contains(b), common == b.count());
                assert_eq!(a.hull(b).first(), a.first().min(b.first()));
                assert_eq!(a.hull(b).last(), a.last().max(b.last()));
                assert_eq!(PageRange::counted(a.first(), a.count()), Some(a));
                if a.contains(b) {
                    let [below, above] = a.without(b);
                    assert_eq!(pages(below) + b.count() + pages(above), a.count());
                    assert!(below.is_none_or(|r| a.contains(r) && r.last() + 1 == b.first()));
                    assert!(above.is_none_or(|r| a.contains(r) && b.last() + 1 == r.first()));
                }
            }
        }
    }

    #[test]
    fn no_range_is_empty_or_reaches_beyond_the_last_number() {
        assert_eq!(PageRange::counted(5, 0), None);
        assert_eq!(PageRange::counted(usize::MAX, 2), None);
        assert_eq!(PageRange::new(5, 4), None);
        assert_eq!(PageRange::new(0, usize::MAX).unwrap().count(), usize::MAX);
    }
}
