//! Recorded calls as traces: what was seen is in the trace, and what was not is counted.
#![cfg(feature = "alloc")]

use std::collections::BTreeMap;

use allocator_trace::{Event, Flags, Kind, Moment, Operation, Record, Records, Trace, records};
use proptest::{collection::vec, prelude::*};

const RUNS: Kind = Kind::PageRuns { page_log2: 12 };
const PAGE: usize = 4096;

fn at(ticks: u64) -> Moment {
    Moment { cpu: 2, ticks }
}

/// Id, size and flags of each record; a size of 0 is a free.
fn told(records: &Records) -> Vec<(u32, u32, Flags)> {
    let told = |record: &Record| match record.operation {
        Operation::Alloc { size, flags, .. } => (record.id, size, flags),
        Operation::Realloc { size } => (record.id, size, Flags::NONE),
        Operation::Free { flags } => (record.id, 0, flags),
    };
    records.records.iter().map(told).collect()
}

fn written(records: &Records) -> Vec<u8> {
    let mut bytes = Vec::new();
    let whole = records.write("a test", |part| {
        bytes.extend(part);
        Ok::<(), ()>(())
    });
    whole.expect("a vector takes all");
    bytes
}

#[test]
fn an_object_keeps_its_id_from_alloc_over_realloc_to_free() {
    let events = [
        Event::alloc(at(500), 0x1000, 24, 8),
        Event::alloc(at(1500), 0x2000, 7, 16).zeroed(),
        Event::realloc(at(1700), 0x1000, 0x3000, 48),
        Event::free(at(9000), 0x2000, 7),
        Event::alloc(at(9001), 0x1000, 1, 1),
        Event::free(at(9900), 0x3000, 48),
    ];
    let records = records(Kind::Bytes, &events, 1000);
    let expected = [(0, 24), (1, 7), (0, 48), (1, 0), (1, 1), (0, 0)];
    assert_eq!(told(&records).iter().map(|&(id, size, _)| (id, size)).collect::<Vec<_>>(), expected);
    let alloc = |size, align_log2, flags| Operation::Alloc { size, align_log2, flags };
    assert_eq!(records.records[0].operation, alloc(24, 3, Flags::NONE));
    assert_eq!(records.records[1].operation, alloc(7, 4, Flags::ZEROED));
    assert_eq!(records.records.iter().map(|record| record.after_us).collect::<Vec<_>>(), [0, 1, 0, 7, 0, 1]);
    assert!(records.records.iter().all(|record| record.cpu == 2) && records.dropped == 0);
}

#[test]
fn what_was_not_seen_is_dropped_or_inferred() {
    let events = [
        Event::free(at(0), 0x9000, 8),
        Event::realloc(at(0), 0x8000, 0x1000, 64),
        Event::alloc(at(0), 0x1020, 8, 8),
        Event::realloc(at(0), 0x1020, 0x5000, 16),
    ];
    let records = records(Kind::Bytes, &events, 1);
    let none = Flags::NONE;
    assert_eq!(told(&records), [(0, 64, none), (0, 0, Flags::INFERRED), (0, 8, none), (0, 16, none)]);
    assert_eq!(records.dropped, 2);
    let bytes = written(&records);
    let header = *Trace::open(&bytes).unwrap().header();
    assert_eq!((header.dropped, header.census.inferred, header.source()), (2, 1, "a test"));
}

#[test]
fn a_block_ends_where_its_last_size_says() {
    let events = [
        Event::alloc(at(0), 0x1000, 16, 8),
        Event::realloc(at(0), 0x1000, 0x1000, 64),
        // Inside the block: no block begins there, so that it is the free of one that was not seen.
        Event::free(at(0), 0x1008, 8),
        // Over its end: it was freed unseen.
        Event::alloc(at(0), 0x1030, 8, 8),
        Event::alloc(at(0), 0x1038, 8, 8),
    ];
    let records = records(Kind::Bytes, &events, 1);
    let none = Flags::NONE;
    let expected = [(0, 16, none), (0, 64, none), (0, 0, Flags::INFERRED), (0, 8, none), (1, 8, none)];
    assert_eq!((told(&records), records.dropped), (expected.to_vec(), 1));
}

#[test]
fn pages_that_stay_of_a_run_are_runs_of_their_own() {
    let events = [
        Event::alloc(at(0), 8 * PAGE, 8, PAGE),
        Event::alloc(at(0), 16 * PAGE, 2, PAGE),
        // From the middle of the first run to the middle of the second.
        Event::free(at(0), 11 * PAGE, 6),
        Event::free(at(0), 8 * PAGE, 1),
        Event::free(at(0), 9 * PAGE, 2),
        Event::free(at(0), 17 * PAGE, 1),
    ];
    let records = records(RUNS, &events, 1);
    let sizes: Vec<u32> = told(&records).iter().map(|&(_, size, _)| size).collect();
    assert_eq!(sizes, [8, 2, 0, 1, 0, 3, 0, 2, 0, 0]);
    let bytes = written(&records);
    let trace = Trace::open(&bytes).unwrap();
    assert_eq!(trace.check(&mut [None; 8]), Ok(()));
    assert_eq!((trace.header().census.peak_units, trace.header().census.end_units), (10, 0));
}

proptest! {
    /// Pages of a small memory, taken and given back in any pieces: the trace has as many live at its end as the memory.
    #[test]
    fn any_life_of_pages_is_a_lawful_trace(steps in vec((0..24_usize, 1..6_usize), 0..80)) {
        let (mut taken, mut events) = ([false; 32], Vec::new());
        for (start, pages) in steps {
            let run = &mut taken[start..start + pages];
            if run.iter().all(|is_taken| *is_taken == run[0]) {
                let address = (start + 1) * PAGE;
                let event = if run[0] { Event::free(at(0), address, pages) } else { Event::alloc(at(0), address, pages, PAGE) };
                events.push(event);
                let after = !run[0];
                run.fill(after);
            }
        }
        let records = records(RUNS, &events, 1);
        let bytes = written(&records);
        let trace = Trace::open(&bytes).expect("it was written whole");
        prop_assert_eq!(trace.check(&mut [None; 32]), Ok(()));
        prop_assert_eq!(trace.header().census.end_units as usize, taken.iter().filter(|&&is_taken| is_taken).count());
        prop_assert_eq!((records.dropped, trace.header().census.inferred), (0, 0));
        prop_assert!(u64::from(trace.header().census.slots) == u64::from(trace.header().census.peak_objects));
    }

    /// Whatever is recorded, also what no allocator would do, becomes a lawful trace.
    #[test]
    fn any_events_are_a_lawful_trace(calls in vec((0..3_u8, 0..40_usize, 0..40_usize, 0..20_usize), 0..80)) {
        for kind in [Kind::Bytes, RUNS] {
            let event = |&(call, address, from, size): &(u8, usize, usize, usize)| match call {
                0 => Event::alloc(at(0), address, size, 1),
                1 => Event::free(at(0), address, size),
                _ => Event::realloc(at(0), from, address, size),
            };
            let records = records(kind, &calls.iter().map(event).collect::<Vec<_>>(), 1);
            let bytes = written(&records);
            let trace = Trace::open(&bytes).expect("it was written whole");
            prop_assert_eq!(trace.check(&mut [None; 128]), Ok(()));
            let mut sizes = BTreeMap::new();
            for (id, size, _) in told(&records) {
                if size == 0 { sizes.remove(&id); } else { sizes.insert(id, size); }
            }
            prop_assert_eq!(sizes.len(), trace.header().census.end_objects as usize);
        }
    }
}
