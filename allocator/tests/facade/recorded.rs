//! Recorded levels: what succeeded is in the recording, in its order, and nothing else; and the trace of it replays.

use std::ptr::NonNull;

use allocator::{
    ConstEmpty, GlobalAllocator, Growing, Placement, Recorded, Stamp, UsageKind,
    trace::{Event, Events, Kind, Operation, Record, Records, Trace, records},
};
use core::alloc::GlobalAlloc;

use crate::support::{Arena, KIB, MIB, Random, ToyBytes, ToyPages, TracingLock, layout};

/// A machine on whose third processor every look at the clock takes a microsecond.
struct Clock;

impl Stamp for Clock {
    fn cpu() -> u8 {
        2
    }

    fn ticks() -> u64 {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NOW: AtomicU64 = AtomicU64::new(0);
        NOW.fetch_add(1, Ordering::Relaxed)
    }
}

type Heap = GlobalAllocator<Recorded<Growing<ToyBytes>, Clock>, Recorded<ToyPages>, TracingLock>;

const RUNS: Kind = Kind::PageRuns { page_log2: 12 };

fn heap(arena: &Arena) -> Heap {
    let heap = Heap::new();
    // SAFETY: 1. The arena outlives every use in a test, and only the heap uses it. 2. It exposes its memory.
    unsafe { heap.init(arena.start(), arena.size()) }.unwrap();
    heap
}

fn memory(count: usize) -> &'static mut [Event] {
    Box::leak(vec![Event::BLANK; count].into_boxed_slice())
}

/// Operation and object of each record.
fn told(kind: Kind, events: Option<Events>) -> Vec<(char, u32, u32)> {
    let told = |record: &Record| match record.operation {
        Operation::Alloc { size, .. } => ('a', record.id, size),
        Operation::Realloc { size } => ('r', record.id, size),
        Operation::Free { .. } => ('f', record.id, 0),
    };
    lawful(kind, events).records.iter().map(told).collect()
}

/// The records; whether they are a trace is checked.
fn lawful(kind: Kind, events: Option<Events>) -> Records {
    let records = records(kind, events.expect("it was started").events(), 1);
    let mut bytes = Vec::new();
    let written = records.write("a test", |part| {
        bytes.extend(part);
        Ok::<(), ()>(())
    });
    written.unwrap();
    Trace::open(&bytes).unwrap().check(&mut [None; 100]).unwrap();
    records
}

#[test]
fn every_call_about_blocks_that_succeeds_is_recorded() {
    let arena = Arena::new(MIB);
    let heap = heap(&arena);
    heap.record_blocks(memory(100));
    let (small, large) = (layout(24, 8), layout(100, 64));
    // SAFETY: each block is live, given back once with its layout, and forgotten; a wrong one is detected.
    unsafe {
        let first = GlobalAlloc::alloc(&heap, small);
        let second = GlobalAlloc::alloc_zeroed(&heap, large);
        assert!(GlobalAlloc::alloc(&heap, layout(2 * MIB, 8)).is_null());
        let first = GlobalAlloc::realloc(&heap, first, small, 48);
        assert!(GlobalAlloc::realloc(&heap, first, layout(48, 8), 2 * MIB).is_null());
        assert!(heap.dealloc(NonNull::dangling(), small).is_err());
        GlobalAlloc::dealloc(&heap, second, large);
        GlobalAlloc::dealloc(&heap, first, layout(48, 8));
    }
    let events = heap.stop_recording_blocks();
    assert_eq!(told(Kind::Bytes, events), [('a', 0, 24), ('a', 1, 100), ('r', 0, 48), ('f', 1, 0), ('f', 0, 0)]);
}

#[test]
fn records_have_alignment_processor_and_time() {
    let arena = Arena::new(MIB);
    let heap = heap(&arena);
    heap.record_blocks(memory(100));
    heap.alloc(layout(24, 8)).unwrap();
    heap.alloc(layout(24, 64)).unwrap();
    let records = lawful(Kind::Bytes, heap.stop_recording_blocks()).records;
    let aligns = records.iter().map(|record| match record.operation {
        Operation::Alloc { align_log2, .. } => align_log2,
        _ => unreachable!(),
    });
    assert_eq!(aligns.collect::<Vec<_>>(), [3, 6]);
    assert!(records.iter().all(|record| record.cpu == 2) && records[1].after_us > 0);
}

#[test]
fn every_run_of_pages_is_recorded_whoever_takes_it() {
    let arena = Arena::new(MIB);
    let heap = heap(&arena);
    heap.record_pages(memory(100));
    // SAFETY: the pages are live, given back once, and never used.
    unsafe {
        let run = heap.alloc_pages(8, 4 * KIB, UsageKind::Dma).unwrap();
        heap.dealloc_pages(run + 8 * KIB, 2, UsageKind::Dma).unwrap();
        assert!(heap.alloc_pages(1000, 4 * KIB, UsageKind::Dma).is_err());
        heap.alloc_pages_at(run + 8 * KIB, 1, 4 * KIB, UsageKind::Other).unwrap();
        heap.alloc_pages_in(3, Placement::aligned(16 * KIB), UsageKind::Other).unwrap();
        assert!(heap.dealloc_pages(run + 12 * KIB, 1, UsageKind::Dma).is_err());
    }
    heap.alloc(layout(24, 8)).unwrap();
    let grown = heap.usage().pages(UsageKind::Heap) as u32;
    let parts = [('f', 0, 0), ('a', 0, 4), ('a', 1, 2), ('a', 2, 1), ('a', 3, 3), ('a', 4, grown)];
    assert_eq!(told(RUNS, heap.stop_recording_pages()), [&[('a', 0, 8)], &parts[..]].concat());
}

#[test]
fn recording_stops_when_its_memory_is_full_and_the_heap_goes_on() {
    let arena = Arena::new(MIB);
    let heap = heap(&arena);
    assert!(heap.stop_recording_blocks().is_none() && heap.stop_recording_pages().is_none());
    heap.record_blocks(memory(3));
    (0..5).for_each(|_| _ = heap.alloc(layout(16, 8)).unwrap());
    let again = heap.record_blocks(memory(3)).expect("a recording was under way");
    assert_eq!((again.events().len(), again.lost()), (3, 2));
    let last = heap.alloc(layout(16, 8)).unwrap();
    // SAFETY: 1. It is live. 2. It is forgotten.
    unsafe { heap.dealloc(last, layout(16, 8)) }.unwrap();
    let events = heap.stop_recording_blocks();
    assert_eq!(told(Kind::Bytes, events), [('a', 0, 16), ('f', 0, 0)]);
    heap.alloc(layout(16, 8)).unwrap();
    assert!(heap.stop_recording_blocks().is_none());
}

#[test]
fn a_recorded_life_ends_with_what_is_live() {
    let arena = Arena::new(MIB);
    let heap = heap(&arena);
    heap.record_blocks(memory(4000));
    let (mut random, mut live) = (Random::new(5), Vec::new());
    for _ in 0..2000 {
        if live.len() < 60 && random.below(2) == 0 || live.is_empty() {
            let layout = layout(1 + random.below(500), 8);
            live.push((heap.alloc(layout).unwrap(), layout));
        } else {
            let (block, layout) = live.swap_remove(random.below(live.len()));
            // SAFETY: 1. It is live. 2. It is forgotten.
            unsafe { heap.dealloc(block, layout) }.unwrap();
        }
    }
    let records = lawful(Kind::Bytes, heap.stop_recording_blocks());
    let frees = records.records.iter().filter(|record| matches!(record.operation, Operation::Free { .. }));
    assert_eq!(records.records.len() - 2 * frees.count(), live.len());
    assert_eq!(records.dropped, 0);
}

#[test]
fn an_empty_recorded_level_is_all_zero_and_tells_what_it_is() {
    let recorded = Recorded::<ToyPages>::EMPTY;
    assert!(recorded.level().pages.is_empty());
    assert!(format!("{recorded:?}").contains("recording"));
}
