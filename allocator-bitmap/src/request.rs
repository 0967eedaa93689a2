//! What a run must be like, and the search for one in a span.
//!
//! The search asks for the lowest free run, moves to the first place at or above it that alignment and boundary
//! admit, and asks again from there; the run fits when both are the same place. Each misfit costs two searches.
//! After a few of them it asks for a run so long that a fitting part must be in it, and only if there is none goes
//! on through the rest.
#![forbid(unsafe_code)]

use core::ops::Deref;

use crate::{pages::PageRange, search::find, span::Span};

/// How many misfits are tried before a longer run is asked for.
const MISFITS: usize = 8;

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
    fn admitted(&self, page: usize) -> Option<usize> {
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

    /// Pages of a free run that surely has room for this one; `None` if there are no such numbers.
    fn ample(&self) -> Option<usize> {
        let slack = if self.boundary.is_some() { self.count - 1 } else { 0 };
        self.count.checked_add(self.align - 1)?.checked_add(slack)
    }

    /// The index in `span` of a run as asked for: the lowest one or, after many misfits, one that is easily found.
    pub(crate) fn find_in<W: Deref<Target = [u64]>>(&self, span: &Span<W>) -> Option<usize> {
        let (first, last) = span.indices(span.pages().common(self.within)?);
        let cover = span.cover();
        let index_of = |index: usize| self.admitted(cover + index)?.checked_sub(cover);
        let ends_within = |index: usize| index <= last && self.count - 1 <= last - index;
        let (mut from, mut misfits) = (first, 0);
        loop {
            let found = find(&span.0, self.count, from)?;
            let index = index_of(found)?;
            if !ends_within(index) {
                return None;
            }
            if index == found {
                return Some(index);
            }
            from = index;
            misfits += 1;
            if misfits == MISFITS {
                let ample = self.ample().and_then(|pages| find(&span.0, pages, from)).and_then(index_of);
                if let Some(index) = ample.filter(|index| ends_within(*index)) {
                    return Some(index);
                }
            }
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
                    assert!(expected.unwrap() + count <= page + ample, "an ample run has room: {request:?}");
                }
            }
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
