//! Points 7 and 8: where runs stand.
#![forbid(unsafe_code)]

use allocator_api::{ConstEmpty, Declared, PageAllocator};

use super::subject::Subject;
use crate::verdict::Step;

/// The region starts one page after a large power of two: an alignment of the index would be wrong everywhere.
pub(super) fn every_alignment_is_honoured<A>(s: &mut Subject<'_, A>) -> Step
where
    A: PageAllocator + ConstEmpty + Declared,
{
    s.need_pages(1024)?;
    s.must_add(1, 1023)?;
    for pages in [1, 2, 3, 7, 16, 33] {
        for align_log2 in 0..=7 {
            for _ in 0..3 {
                s.must_alloc(pages, A::PAGE_SIZE << align_log2)?;
            }
            s.give_all_back()?;
        }
    }
    Ok(())
}
