//! A heap of vectors that keeps its word, and one that breaks it in each way that a replay must see.

extern crate std;

use std::{vec, vec::Vec};

use super::*;

/// What a heap does wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    None,
    /// Refuses every request from this many bytes on.
    Refuses(usize),
    RejectsFrees,
    ForgetsToZero,
    LosesContentsOnResize,
    RefusesToResize,
}

struct Vectors {
    fault: Fault,
    used_bytes: usize,
    live: usize,
    clock: core::cell::Cell<u64>,
}

impl Vectors {
    fn new(fault: Fault) -> Self {
        Self { fault, used_bytes: 0, live: 0, clock: core::cell::Cell::new(0) }
    }
}

impl Heap for Vectors {
    type Block = Vec<u8>;

    fn alloc(&mut self, layout: Layout, zeroed: bool) -> Option<Vec<u8>> {
        self.clock.set(self.clock.get() + 100);
        if matches!(self.fault, Fault::Refuses(from) if layout.size() >= from) {
            return None;
        }
        self.used_bytes += layout.size() * 2;
        self.live += 1;
        let content = if zeroed && self.fault != Fault::ForgetsToZero { 0 } else { 0xa5 };
        Some(vec![content; layout.size()])
    }

    fn free(&mut self, block: Vec<u8>) -> bool {
        self.clock.set(self.clock.get() + 10);
        self.used_bytes -= block.len() * 2;
        self.live -= 1;
        self.fault != Fault::RejectsFrees
    }

    fn resize(&mut self, mut block: Vec<u8>, new_size: usize) -> Result<Vec<u8>, Vec<u8>> {
        if self.fault == Fault::RefusesToResize {
            return Err(block);
        }
        self.used_bytes = self.used_bytes - block.len() * 2 + new_size * 2;
        block.resize(new_size, 0);
        if self.fault == Fault::LosesContentsOnResize {
            block.fill(0);
        }
        Ok(block)
    }

    fn used_bytes(&self) -> usize {
        self.used_bytes
    }

    fn held_bytes(&self) -> usize {
        self.used_bytes * 2
    }

    fn ticks(&self) -> u64 {
        self.clock.get()
    }
}

fn record(operation: Operation, id: u32) -> Record {
    Record { operation, cpu: 0, id, after_us: 0 }
}

fn alloc(id: u32, size: u32) -> Record {
    record(Operation::Alloc { size, align_log2: 3, flags: Flags::ZEROED }, id)
}

fn free(id: u32) -> Record {
    record(Operation::Free { flags: Flags::NONE }, id)
}

fn realloc(id: u32, size: u32) -> Record {
    record(Operation::Realloc { size }, id)
}

/// Two objects; one grows, then shrinks, then ends; the other lives to the end.
const SCRIPT: fn() -> [Record; 5] = || [alloc(0, 30), alloc(1, 50), realloc(0, 100), realloc(0, 7), free(0)];

fn replay(fault: Fault) -> (Figures, usize) {
    let mut heap = Vectors::new(fault);
    let mut live = [const { None }; 2];
    let mut replay = Replay::new(&mut heap, &mut live);
    for record in SCRIPT() {
        replay.step(&record).unwrap();
    }
    (replay.finish(), heap.live)
}

#[test]
fn a_heap_that_keeps_its_word_replays_without_a_failure() {
    let (figures, live) = replay(Fault::None);
    let expected = Figures {
        operations: 5,
        peak_requested_bytes: 150,
        peak_used_bytes: 300,
        peak_held_bytes: 600,
        // Two allocs and two frees; the object that lives to the end is given back.
        ticks: 220,
        ..Figures::default()
    };
    assert_eq!(figures, expected);
    assert_eq!(live, 0);
}

#[test]
fn every_broken_promise_is_counted_as_what_it_is() {
    let refused = |refused| Figures { refused, ..Figures::default() };
    let corrupt = |corrupt| Figures { corrupt, ..Figures::default() };
    let expected = [
        (Fault::Refuses(31), refused(1)),
        (Fault::RefusesToResize, refused(2)),
        (Fault::RejectsFrees, Figures { rejected: 2, ..Figures::default() }),
        (Fault::ForgetsToZero, corrupt(2)),
        (Fault::LosesContentsOnResize, corrupt(2)),
    ];
    for (fault, wrong) in expected {
        let (figures, live) = replay(fault);
        let found = (figures.refused, figures.corrupt, figures.rejected);
        assert_eq!(found, (wrong.refused, wrong.corrupt, wrong.rejected), "{fault:?}");
        assert_eq!(figures.failures(), wrong.failures(), "{fault:?}");
        assert_eq!((figures.operations, live), (5, 0), "{fault:?}");
    }
}

#[test]
fn a_changed_byte_is_found_once_at_the_next_resize_or_free() {
    for (changed, then, corrupt_so_far) in [(0, realloc(0, 100), 1), (0, free(0), 1), (1, free(0), 0)] {
        let mut heap = Vectors::new(Fault::None);
        let mut live = [const { None }; 2];
        let mut replay = Replay::new(&mut heap, &mut live);
        for record in [alloc(0, 30), alloc(1, 50)] {
            replay.step(&record).unwrap();
        }
        replay.live[changed].as_mut().unwrap().block[29] ^= 1;
        replay.step(&then).unwrap();
        assert_eq!(replay.figures.corrupt, corrupt_so_far, "{then:?}");
        assert_eq!(replay.finish().corrupt, 1, "{then:?}");
    }
}

#[test]
fn an_object_whose_alloc_was_refused_ends_without_a_trace() {
    let mut heap = Vectors::new(Fault::Refuses(40));
    let mut live = [const { None }; 1];
    let mut replay = Replay::new(&mut heap, &mut live);
    for record in [alloc(0, 40), realloc(0, 10), free(0), alloc(0, 39), free(0)] {
        replay.step(&record).unwrap();
    }
    let figures = replay.finish();
    assert_eq!((figures.refused, figures.failures(), figures.peak_requested_bytes), (1, 1, 39));
}

#[test]
fn an_id_that_is_live_or_has_no_place_is_an_error_of_the_trace() {
    let mut heap = Vectors::new(Fault::None);
    let mut live = [const { None }; 1];
    let mut replay = Replay::new(&mut heap, &mut live);
    replay.step(&alloc(0, 8)).unwrap();
    assert_eq!(replay.step(&alloc(0, 8)), Err(TraceError::AllocOfLive(0)));
    assert_eq!(replay.step(&alloc(1, 8)), Err(TraceError::AllocOfLive(1)));
}
