//! A real kernel's allocations, replayed on this kernel's heap, twice.
//!
//! After each round everything is given back. The second round must take no page more than the first: then what the
//! heap still holds is a store for the next request, and not a leak.
#![forbid(unsafe_code)]

use allocator::Usage;
use kernel::{
    replay::{Figures, Live, Replay},
    trace::{Trace, TraceError},
};
use spin::Mutex;

use crate::{
    console,
    heap::{self, Block, HEAP, TimedHeap},
};

static TRACE_BYTES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/trace.bytes"));

/// Checked when the kernel is compiled.
const TRACE: Trace<'static> = match Trace::open(TRACE_BYTES) {
    Ok(trace) => trace,
    Err(_) => panic!("the trace is one, of version 1"),
};

const SLOTS: usize = TRACE.header().census.slots as usize;

static LIVE: Mutex<[Option<Live<Block>>; SLOTS]> = Mutex::new([const { None }; SLOTS]);

/// Replays twice, then looks at what is left; `at_start` is the usage when the heap was new. Whether nothing failed.
pub(crate) fn run(at_start: &Usage) -> bool {
    let census = &TRACE.header().census;
    crate::println!("trace: {}", TRACE.header().source());
    crate::println!(
        "  {} records, at most {} objects and {} bytes live together",
        census.records,
        census.peak_objects,
        census.peak_bytes
    );
    let first = round(1);
    let after_first = HEAP.usage();
    let second = round(2);
    let after_second = HEAP.usage();
    let is_recovered = report_recovery(at_start, &after_first, &after_second);
    first && second && is_recovered
}

fn round(number: usize) -> bool {
    let free_before = heap::largest_free_run_pages();
    let result = replay();
    let free_after = heap::largest_free_run_pages();
    let figures = match result {
        Ok(figures) => figures,
        Err(error) => {
            crate::println!("round {number}: {error}");
            return false;
        }
    };
    print(number, &figures);
    console::report("replay", |line| {
        let line = line.value("round", number)?.value("operations", figures.operations)?;
        let line = line.value("failures", figures.failures())?;
        let line = line.value("peak_requested_bytes", figures.peak_requested_bytes)?;
        let line = line.value("peak_used_bytes", figures.peak_used_bytes)?;
        let line = line.value("largest_free_before_pages", free_before)?;
        line.value("largest_free_after_pages", free_after)?.value("ticks", figures.ticks)
    });
    figures.operations == TRACE.header().census.records && figures.failures() == 0
}

fn replay() -> Result<Figures, TraceError> {
    let mut heap = TimedHeap::default();
    let mut live = LIVE.lock();
    let mut replay = Replay::new(&mut heap, &mut *live);
    for record in TRACE.records() {
        replay.step(&record?)?;
    }
    Ok(replay.finish())
}

fn print(number: usize, figures: &Figures) {
    crate::println!(
        "round {number}: {} operations; {} refused, {} corrupt, {} rejected",
        figures.operations,
        figures.refused,
        figures.corrupt,
        figures.rejected
    );
    crate::println!(
        "  at most {} bytes requested and {} bytes used; {} ticks, {} an operation",
        figures.peak_requested_bytes,
        figures.peak_used_bytes,
        figures.ticks,
        figures.ticks / figures.operations.max(1)
    );
}

/// Prints what the heap still holds now that everything was given back; whether that can be.
fn report_recovery(at_start: &Usage, after_first: &Usage, after_second: &Usage) -> bool {
    HEAP.trim();
    let now = HEAP.usage();
    let kept_bytes = now.heap_held_bytes.saturating_sub(at_start.heap_held_bytes);
    let growth_bytes = after_second.heap_held_bytes.saturating_sub(after_first.heap_held_bytes);
    let (outcome, why) = if growth_bytes > 0 {
        ("failed", "the second replay took more pages than the first")
    } else if after_second.heap_used_bytes != after_first.heap_used_bytes {
        ("failed", "bytes stay in use that the first replay did not leave in use")
    } else if now == *at_start {
        ("passed", "statistics are as after init")
    } else if kept_bytes > 0 && is_only_kept(at_start, &now) {
        ("declared", "the backend cannot give pages back; a second replay takes no more")
    } else {
        ("failed", "statistics differ from those after init by more than the pages kept")
    };
    crate::println!("recovery: {kept_bytes} bytes kept, {growth_bytes} more after the second round: {why}");
    console::report("recovery", |line| {
        let line = line.value("kept_bytes", kept_bytes)?;
        let line = line.value("growth_bytes_second_replay", growth_bytes)?;
        line.value("outcome", outcome)?.text("why", why)
    });
    outcome != "failed"
}

/// Whether the two differ only in pages that the byte level holds, of which next to nothing is in use.
fn is_only_kept(at_start: &Usage, now: &Usage) -> bool {
    /// What a backend may need for its own records: one byte in 64 of what it holds.
    const RECORDS_SHARE: usize = 64;
    let kept_bytes = now.heap_held_bytes - at_start.heap_held_bytes;
    let kept_pages = now.used_pages - at_start.used_pages;
    now.total_pages == at_start.total_pages
        && kept_pages >= kept_bytes.div_ceil(heap::PAGE_BYTES)
        && now.pages(allocator::UsageKind::Heap) == kept_pages
        && now.heap_used_bytes <= kept_bytes / RECORDS_SHARE
}
