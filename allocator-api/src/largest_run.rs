//! How large a run there is.
#![forbid(unsafe_code)]

use crate::PageAllocator;

/// Tells the largest free run, the figure that shows how fragmented pages are.
///
/// # Complexity
///
/// Each implementation states it.
pub trait LargestFreeRun: PageAllocator {
    /// Pages of the largest free run: a request for so many at [`PAGE_SIZE`](PageAllocator::PAGE_SIZE) alignment
    /// succeeds, and one for more is refused. 0 if no page is free.
    ///
    /// Nothing that can be seen changes; an implementation may bring summaries up to date.
    fn largest_free_run_pages(&mut self) -> usize;
}
