//! A burst of small blocks, after which every page of the machine is wanted as a page.
//!
//! First a part of the memory becomes blocks. They are given back, every second one first, as objects die in a kernel:
//! not in the order in which they came. Then pages are asked for until there are none.
#![forbid(unsafe_code)]

use alloc::vec::Vec;
use core::alloc::Layout;

use allocator::UsageKind;
use kernel::{
    burst::{Burst, Moments, Verdict},
    recovery::Holdings,
    replay::Heap,
};

use crate::{
    console,
    heap::{self, Block, HEAP, PAGE_BYTES, TimedHeap},
};

/// The most that a burst requests.
const MOST_BYTES: usize = 32 << 20;

/// The part of the free memory that it requests at most, one in so many: buddies round up to twice the size.
const PART: usize = 4;

/// The sizes of its blocks, in turn.
const SIZES_BYTES: [usize; 8] = [24, 64, 96, 200, 512, 700, 1500, 3000];

/// The most runs that the free memory may lie in afterwards.
const MOST_RUNS: usize = 256;

/// Runs the burst; whether no page was lost.
pub(crate) fn run() -> bool {
    HEAP.trim();
    let before = heap::holdings();
    let Some((requested_bytes, full)) = fill_and_free((free_bytes(&before) / PART).min(MOST_BYTES)) else {
        crate::println!("burst: there is no memory for the blocks");
        return false;
    };
    let freed = heap::holdings();
    let (had_pages, taken) = take_all_pages();
    let burst = Burst::judge(requested_bytes, &Moments { before, full, freed, taken }, had_pages);
    report(&burst);
    burst.verdict != Verdict::LosesPages
}

fn free_bytes(holdings: &Holdings) -> usize {
    (holdings.total_pages - holdings.used_pages) * PAGE_BYTES
}

/// Takes blocks of `bytes` bytes in all, or a little less, and gives them back. Returns how many bytes were requested, and
/// what the heap held; `None` if a block was refused, or was not taken back.
fn fill_and_free(bytes: usize) -> Option<(usize, Holdings)> {
    let turn_bytes: usize = SIZES_BYTES.iter().sum();
    let count = bytes / turn_bytes * SIZES_BYTES.len();
    let mut heap = TimedHeap::default();
    let mut blocks: Vec<Block> = Vec::new();
    blocks.try_reserve_exact(count).ok()?;
    for &size in SIZES_BYTES.iter().cycle().take(count) {
        blocks.push(heap.alloc(Layout::from_size_align(size, 8).ok()?, false)?);
    }
    let full = heap::holdings();
    let (first, second): (Vec<_>, Vec<_>) =
        blocks.into_iter().enumerate().partition(|(number, _)| number % 2 == 0);
    let all_taken_back = first.into_iter().chain(second).all(|(_, block)| heap.free(block));
    all_taken_back.then_some((bytes / turn_bytes * turn_bytes, full))
}

/// Takes pages, in runs as long as there are, until there are none; gives them back. Returns how many there were, and what
/// the heap held at the last.
fn take_all_pages() -> (usize, Holdings) {
    let mut runs = [const { None }; MOST_RUNS];
    let mut had_pages = 0;
    for place in &mut runs {
        // Where no page is free, one is asked for all the same: the byte level may have some to give back.
        let num_pages = heap::largest_free_run_pages().max(1);
        let Ok(run) = HEAP.try_page_run(num_pages, PAGE_BYTES, UsageKind::UserMemory) else { break };
        *place = Some(run);
        had_pages += num_pages;
    }
    (had_pages, heap::holdings())
}

fn report(burst: &Burst) {
    let Burst { requested_bytes, held_bytes, kept_bytes, free_pages, had_pages, verdict } = *burst;
    crate::println!(
        "burst: {requested_bytes} bytes of small blocks; {held_bytes} bytes held with them, {kept_bytes} when they were given back"
    );
    crate::println!("  {free_pages} pages free before, {had_pages} had after: {}", verdict.why());
    console::report("burst", |line| {
        let line = line.value("requested_bytes", requested_bytes)?.value("held_bytes", held_bytes)?;
        let line = line.value("kept_bytes", kept_bytes)?.value("free_pages", free_pages)?;
        line.value("had_pages", had_pages)?.value("outcome", verdict.word())?.text("why", verdict.why())
    });
}
