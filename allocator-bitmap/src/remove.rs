//! Taking memory out.
//!
//! What remains of the span below and above the range taken out are its *parts*. A part that holds the span's
//! block keeps it; a part that does not gets one of its own, in a free run of its own pages where blocks lie in
//! pages. So records in the range move out of it where there is room, and then to an end of their part as
//! [`home`](crate::home) says.
#![forbid(unsafe_code)]

use allocator_api::{AddressRange, RemoveError};

use crate::{
    directory,
    page_allocator::BitmapPageAllocator,
    pages::PageRange,
    records::{Link, Records},
};

/// What a part is recorded in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Plan {
    /// There is no part.
    Nothing,
    /// The block that the span has.
    Keep(PageRange),
    /// A new one, which lies in the pages `home` if blocks lie in pages.
    Anew {
        /// The part.
        part: PageRange,
        /// Where its block goes.
        home: Option<PageRange>,
    },
}

impl<const PAGE_SIZE: usize, R: Records> BitmapPageAllocator<PAGE_SIZE, R> {
    /// The span that `size` bytes from `start` on lie in, and the pages that they are.
    pub(crate) fn range_to_remove(&self, start: usize, size: usize) -> Result<(Link, PageRange), RemoveError> {
        let range = AddressRange::new(start, size).filter(|range| range.trimmed(PAGE_SIZE) == Some(*range));
        let pages = range
            .and_then(|range| PageRange::new(range.start() >> Self::PAGE_LOG2, range.last() >> Self::PAGE_LOG2));
        let pages = pages.ok_or(RemoveError::NotManaged)?;
        Ok((self.span_of(pages).ok_or(RemoveError::NotManaged)?, pages))
    }

    /// Refuses if a page of `range` is handed out.
    pub(crate) fn check_unused(&self, link: Link, range: PageRange) -> Result<(), RemoveError> {
        let span = self.span(link);
        let rest = match span.records().and_then(|records| records.common(range)) {
            Some(records) => range.without(records),
            None => [Some(range), None],
        };
        for pages in rest.into_iter().flatten() {
            let (first, last) = span.indices(pages);
            if let Some((from, to)) = span.first_used(first, last) {
                let first = (span.cover() + from) << Self::PAGE_LOG2;
                return Err(RemoveError::InUse { first, bytes: (to - from + 1) << Self::PAGE_LOG2 });
            }
        }
        Ok(())
    }

    /// How the parts that `range` leaves of a span are recorded.
    pub(crate) fn plan_parts(&self, link: Link, range: PageRange) -> Result<[Plan; 2], RemoveError> {
        let span = self.span(link);
        let parts = span.pages().without(range);
        let size = |part: Option<PageRange>| part.map_or(0, PageRange::count);
        let keeper = match span.records() {
            Some(records) => parts.map(|part| part.is_some_and(|part| part.contains(records))),
            None => [size(parts[0]) >= size(parts[1]), size(parts[0]) < size(parts[1])],
        };
        let mut plans = [Plan::Nothing; 2];
        for ((plan, part), keeps) in plans.iter_mut().zip(parts).zip(keeper) {
            let Some(part) = part else { continue };
            *plan = if keeps {
                Plan::Keep(part)
            } else if R::IN_REGION {
                let (_, count) = Self::block_size(part);
                let home = self.free_home(link, part, count).ok_or_else(|| self.no_room(link, range))?;
                Plan::Anew { part, home: Some(home) }
            } else {
                Plan::Anew { part, home: None }
            };
        }
        Ok(plans)
    }

    fn no_room(&self, link: Link, range: PageRange) -> RemoveError {
        match self.span(link).records().and_then(|records| records.common(range)) {
            Some(records) => RemoveError::Records {
                first: records.first() << Self::PAGE_LOG2,
                bytes: records.count() << Self::PAGE_LOG2,
            },
            None => RemoveError::NoRoom,
        }
    }

    /// Records `part` in the empty block `anew`, from what the block `old` says of it.
    pub(crate) fn record_part(
        &mut self,
        old: Link,
        anew: Link,
        part: PageRange,
        home: Option<PageRange>,
        moved: bool,
    ) {
        let old_records = self.span(old).records();
        self.span_mut(anew).write_header(part, home);
        self.copy_bits(anew, old);
        let mut span = self.span_mut(anew);
        span.clear_unmanaged();
        if let Some(freed) = old_records.filter(|_| moved).and_then(|records| records.common(part)) {
            span.fill(freed, true);
        }
        if let Some(home) = home {
            span.fill(home, false);
            self.hold_records(home);
        }
        self.span_mut(anew).rebuild();
        self.root = Some(directory::insert(&mut self.records, self.root, anew));
    }

    /// Lets the span of `link` have the pages `part` only.
    pub(crate) fn shrink(&mut self, link: Link, part: PageRange) {
        let mut span = self.span_mut(link);
        span.set_pages(part);
        span.clear_unmanaged();
        span.rebuild();
        self.root = Some(directory::insert(&mut self.records, self.root, link));
    }

    /// Gives the block `link` up, whose pages are recorded elsewhere or gone.
    pub(crate) fn give_up(&mut self, link: Link) {
        if let Some(records) = self.span(link).records() {
            self.release_records(records);
        }
        self.records.release(link);
    }
}
