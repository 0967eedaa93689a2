//! Point 15: the statistics. That they agree with the books is checked at every step of every case.
#![forbid(unsafe_code)]

use super::subject::{Pages, Subject};
use crate::{
    order::Order,
    verdict::{Step, With, at_most, equal},
};

/// Regions apart and touching: each adds its whole pages, once, and records are a small part of them.
pub(super) fn total_is_what_was_handed_in<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(512)?;
    let mut sum = 0;
    for (first, pages) in [(128, 64), (320, 128), (192, 64), (0, 64), (64, 64)] {
        s.must_add(first, pages)?;
        sum += pages;
        let statistics = s.statistics()?;
        equal("total: the pages handed in", sum, statistics.total).with(first)?;
        at_most("used: records are a small part", sum / 16, statistics.used).with(first)?;
    }
    Ok(())
}

/// Runs of all lengths and alignments: `used` rises by just the pages of the run, and returns.
pub(super) fn used_counts_each_page_once<A: Pages>(s: &mut Subject<'_, A>) -> Step {
    s.need_pages(512)?;
    s.must_add(0, 512)?;
    let untouched = s.statistics()?;
    let mut live = 0;
    for pages in [1, 1, 2, 3, 9, 33, 64] {
        for align_log2 in [0, 1, 4] {
            s.must_alloc(pages, A::PAGE_SIZE << align_log2)?;
            live += pages;
            equal("used: rises by the pages", untouched.used + live, s.statistics()?.used).with(pages)?;
        }
    }
    s.give_all_back(Order::Random)?;
    s.expect_statistics(untouched)
}
