//! A real kernel's allocations, replayed on this kernel's heap, twice.
//!
//! After each round everything is given back. The second round must take no page more than the first: then what the
//! heap still holds is a store for the next request, and not a leak.
#![forbid(unsafe_code)]

use allocator_trace::{Kind, Trace, TraceError};
use kernel::{
    recovery::{Holdings, Moments, Recovery},
    replay::{Figures, Live, Replay},
};
use spin::Mutex;

use crate::{
    console,
    heap::{self, Block, HEAP, TimedHeap},
};

static TRACE_BYTES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/trace.bytes"));

/// Checked when the kernel is compiled.
const TRACE: Trace<'static> = match Trace::open(TRACE_BYTES) {
    Ok(trace) => match trace.header().kind {
        Kind::Bytes => trace,
        _ => panic!("the trace is one of bytes"),
    },
    Err(_) => panic!("the trace is one, of version 1"),
};

const SLOTS: usize = TRACE.header().census.slots as usize;

static LIVE: Mutex<[Option<Live<Block>>; SLOTS]> = Mutex::new([const { None }; SLOTS]);

/// Replays twice, then looks at what is left; `at_start` is what the heap held when it was new. Whether nothing failed.
pub(crate) fn run(at_start: Holdings) -> bool {
    let census = &TRACE.header().census;
    crate::println!("trace: {}", TRACE.header().source());
    crate::println!(
        "  {} records, at most {} objects and {} bytes live together",
        census.records,
        census.peak_objects,
        census.peak_units
    );
    let first = round(1);
    let after_first = heap::holdings();
    let second = round(2);
    let after_second = heap::holdings();
    HEAP.trim();
    let trimmed = heap::holdings();
    let is_recovered = report_recovery(&Moments { at_start, after_first, after_second, trimmed });
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
        let line = line.value("peak_held_bytes", figures.peak_held_bytes)?;
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
        "  at most {} bytes requested, {} bytes used and {} bytes held; {} ticks, {} an operation",
        figures.peak_requested_bytes,
        figures.peak_used_bytes,
        figures.peak_held_bytes,
        figures.ticks,
        figures.ticks / figures.operations.max(1)
    );
}

/// Prints what the heap still holds now that everything was given back; whether that can be.
fn report_recovery(moments: &Moments) -> bool {
    let Recovery { kept_bytes, growth_bytes, verdict } = Recovery::judge(moments);
    crate::println!(
        "recovery: {kept_bytes} bytes kept, {growth_bytes} more after the second round: {}",
        verdict.why()
    );
    console::report("recovery", |line| {
        let line = line.value("kept_bytes", kept_bytes)?;
        let line = line.value("growth_bytes_second_replay", growth_bytes)?;
        line.value("outcome", verdict.word())?.text("why", verdict.why())
    });
    !verdict.is_failure()
}
