//! The conformance suites on memory lent by the heap.
//!
//! A suite makes allocators of its own, of the types of the heap's two levels and of identifiers, in static memory: they are megabytes.
//! The regions it gives them are pages of the heap, taken before and given back after.

use allocator::{ConstEmpty, DefaultByteAllocator, UsageKind};
use allocator_conformance::{Bench, Memory, Report, Slot, Summary, run_bytes, run_ids, run_pages};

use super::{
    HEAP, PAGE_BYTES,
    page_level::{IdLevel, PageLevel, set_up},
};

static BYTES: Slot<DefaultByteAllocator> = Slot::new();
static PAGES: Slot<PageLevel> = Slot::new();
static IDS: Slot<IdLevel> = Slot::new();

/// What is told of each case.
type Tell = fn(&Report);

/// Runs the byte suite; `None` if there is no memory for it.
pub(crate) fn bytes(mut tell: Tell) -> Option<Summary> {
    // SAFETY: 1. The suite borrows the bench, and its summary borrows nothing.
    unsafe { on_bench(&BYTES, |_| {}, |bench| run_bytes(bench, &mut tell)) }
}

/// Runs the page suite; `None` if there is no memory for it.
pub(crate) fn pages(mut tell: Tell) -> Option<Summary> {
    // SAFETY: 1. The suite borrows the bench, and its summary borrows nothing.
    unsafe { on_bench(&PAGES, set_up, |bench| run_pages(bench, &mut tell)) }
}

/// Runs the suite of identifiers; `None` if there is no memory for it.
pub(crate) fn ids(mut tell: Tell) -> Option<Summary> {
    // SAFETY: 1. The suite borrows the bench, and its summary borrows nothing.
    unsafe { on_bench(&IDS, |_| {}, |bench| run_ids(bench, &mut tell)) }
}

/// Runs a suite on a bench with memory of the heap, each allocator set up by `set_up`; `None` if there is no memory, or
/// the slot is in use.
///
/// # Safety
///
/// 1. The suite leaves the bench where it is: what it returns, and what it keeps, is not made from it.
unsafe fn on_bench<A: ConstEmpty>(
    slot: &'static Slot<A>,
    set_up: fn(&mut A),
    suite: impl FnOnce(&mut Bench<A>) -> Summary,
) -> Option<Summary> {
    const NUM_PAGES: usize = Memory::NEEDED_BYTES / PAGE_BYTES;
    let run = HEAP.zeroed_page_run(NUM_PAGES, Memory::ALIGN, UsageKind::Other).ok()?;
    // SAFETY: 1. The pages are zeros, and the run's until it is dropped, after the bench, which owns this value. 2. The
    // heap was made from exposed memory. 3. As asked for; the heap hands out neither the first nor the last page.
    let memory = unsafe { Memory::new(run.start(), run.size_bytes()) };
    Bench::new(slot, memory).map(|bench| suite(&mut bench.with_setup(set_up)))
}
