//! What a run must be like, and the search for one in a span.
//!
//! The search asks for the lowest free run that is aligned. If a boundary lies inside, it moves to the first place that
//! alignment and boundary admit, and asks again from there.
#![forbid(unsafe_code)]

use core::ops::Deref;

use crate::{
    directory::Want,
    pages::PageRange,
    search::{Wanted, find},
    span::Span,
};

/// A run that is asked for, in pages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    /// How many pages, at least one.
    pub(crate) count: usize,
    /// What the first page's number is a multiple of, a power of two.
    pub(crate) align: usize,
    /// A power of two, at least `count`, no multiple of which lies inside the run.
    pub(crate) boundary: Option<usize>,
    /// Where the run lies.
    pub(crate) within: PageRange,
}

impl Request {
    /// The first page at or above `page` where a run may begin.
    pub(crate) fn admitted(&self, page: usize) -> Option<usize> {
        let start = page.checked_add(self.align - 1)? & !(self.align - 1);
        let Some(boundary) = self.boundary else {
            return Some(start);
        };
        let last = start.checked_add(self.count - 1)?;
        if (start ^ last) & !(boundary - 1) == 0 {
            return Some(start);
        }
        // A boundary is a multiple of the alignment or, if that is the larger, the run begins at one and cannot
        // cross it.
        (last & !(boundary - 1)).checked_add(self.align - 1).map(|next| next & !(self.align - 1))
    }

    /// What a span must have, so that it may have the run.
    pub(crate) const fn want(&self) -> Want {
        if self.is_block() { Want::Block(self.count) } else { Want::Run(self.count) }
    }

    /// What is wanted of a span that covers the pages from `cover` on, without the boundary.
    const fn wanted(&self, cover: usize, patience: usize) -> Wanted {
        Wanted { count: self.count, align: self.align, skew: cover, patience }
    }

    /// Whether a [buddy block](crate::offer) is asked for, which the records tell of.
    pub(crate) const fn is_block(&self) -> bool {
        self.wanted(0, 0).is_block()
    }

    /// Pages of a free run that surely has room for this one, if there is no boundary; `None` if there are no such
    /// numbers.
    pub(crate) const fn ample(&self) -> Option<usize> {
        self.count.checked_add(self.align - 1)
    }

    /// The lowest index in `span` of a run as asked for. The search may be given up after `patience` chunks in which one
    /// was looked for in vain.
    pub(crate) fn find_in<W: Deref<Target = [u64]>>(&self, span: &Span<W>, patience: usize) -> Option<usize> {
        let (first, last) = span.indices(span.pages().common(self.within)?);
        let cover = span.cover();
        let wanted = self.wanted(cover, patience);
        let mut from = first;
        loop {
            let found =
                find(&span.0, wanted, from).filter(|index| *index <= last && self.count - 1 <= last - *index)?;
            let index = self.admitted(cover + found)?.checked_sub(cover).filter(|index| *index <= last)?;
            if index == found {
                return Some(index);
            }
            from = index;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: PageRange = match PageRange::new(0, usize::MAX) {
        Some(range) => range,
        None => panic!("all numbers"),
    };

    #[test]
    fn the_first_admitted_page_is_the_first_that_keeps_alignment_and_boundary() {
        for (align, boundary) in (0..4).flat_map(|a| (0..5).map(move |b| (1 << a, 1 << b))) {
            for (count, bounded) in (1..=boundary).flat_map(|c| [(c, true), (c, false)]) {
                let request = Request { count, align, boundary: bounded.then_some(boundary), within: ALL };
                let fits = |p: &usize| {
                    p.is_multiple_of(align) && (!bounded || p / boundary == (p + count - 1) / boundary)
                };
                for page in 0..40 {
                    let expected = (page..200).find(fits);
                    assert_eq!(request.admitted(page), expected, "{request:?} from {page}");
                    let ample = request.ample().unwrap();
                    assert!(
                        bounded || expected.unwrap() + count <= page + ample,
                        "an ample run has room: {request:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn of_a_span_is_wanted_that_it_has_the_block_or_a_run_as_long() {
        let want = |count, align| Request { count, align, boundary: None, within: ALL }.want();
        for (count, align) in [(1, 1), (2, 2), (64, 64), (512, 512)] {
            assert_eq!(want(count, align), Want::Block(count));
        }
        for (count, align) in [(1, 2), (2, 1), (3, 4), (512, 1024), (1024, 1024)] {
            assert_eq!(want(count, align), Want::Run(count));
        }
    }

    #[test]
    fn numbers_that_do_not_exist_are_not_admitted() {
        let request = Request { count: 2, align: 4, boundary: None, within: ALL };
        assert_eq!(request.admitted(usize::MAX - 2), None);
        assert_eq!(request.admitted(usize::MAX - 3), Some(usize::MAX - 3));
        let bounded = Request { boundary: Some(4), ..request };
        assert_eq!(bounded.admitted(usize::MAX - 3), Some(usize::MAX - 3));
        assert_eq!(Request { align: 1, ..bounded }.admitted(usize::MAX), None);
        assert_eq!(Request { align: 1 << (usize::BITS - 1), count: usize::MAX, ..request }.ample(), None);
    }
}
