//! Runs of pages or ids, counted and found.
#![forbid(unsafe_code)]

use allocator_api::{AddressRange, PageAllocator, address::align_up};

use crate::book::Book;

/// Calls `found` with every run, as long as can be, of pages that are in the regions and for which `is_in` says so. A
/// run may go on from one region into the next. Ids are pages of one byte.
pub(crate) fn each_run(
    regions: &Book<'_>,
    page: usize,
    is_in: impl Fn(usize) -> bool,
    mut found: impl FnMut(AddressRange),
) {
    for region in regions.entries().iter().filter_map(|region| region.range.trimmed(page)) {
        for index in 0..=(region.last() - region.start()) / page {
            let start = region.start() + index * page;
            let goes_on = start.checked_sub(page).is_some_and(&is_in);
            if !is_in(start) || goes_on {
                continue;
            }
            let mut last_page = start;
            while let Some(next) = last_page.checked_add(page).filter(|next| is_in(*next)) {
                last_page = next;
            }
            if let Some(run) = AddressRange::from_bounds(start, last_page + (page - 1)) {
                found(run);
            }
        }
    }
}

/// The longest run at a multiple of `align` of pages for which `is_in` says so; what is before that multiple does not
/// count. `None`: there is none.
pub(crate) fn longest_run(
    regions: &Book<'_>,
    page: usize,
    align: usize,
    is_in: impl Fn(usize) -> bool,
) -> Option<AddressRange> {
    let mut longest: Option<AddressRange> = None;
    each_run(regions, page, is_in, |run| {
        let start = align_up(run.start(), align);
        let aligned = start.and_then(|start| AddressRange::from_bounds(start, run.last()));
        longest = [longest, aligned].into_iter().flatten().max_by_key(|run| run.last() - run.start());
    });
    longest
}

/// The whole pages in a range.
pub(crate) fn pages_in<A: PageAllocator>(range: AddressRange) -> usize {
    // The range starts and ends on page borders, so that this is right for the whole address space, too.
    ((range.last() - range.start()) / A::PAGE_SIZE) + 1
}
