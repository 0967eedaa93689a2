//! The trace that the kernel carries: its header tells the truth, and it replays on the host's heap.

use std::{alloc::Layout, fs, io::Read, path::Path};

use allocator_trace::{Record, Trace};
use kernel::replay::{Heap, Replay};
use ruzstd::decoding::StreamingDecoder;

fn shipped_bytes() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../traces/kernel-fork-cut.bytes.zst");
    let packed = fs::read(path).expect("the trace is part of the project");
    let mut bytes = Vec::new();
    let mut decoder = StreamingDecoder::new(packed.as_slice()).expect("it is compressed with zstd");
    decoder.read_to_end(&mut bytes).expect("it is whole");
    bytes
}

fn records(trace: &Trace<'_>) -> Vec<Record> {
    trace.records().collect::<Result<_, _>>().expect("every record is one")
}

/// A heap that trusts the host for its blocks and only counts.
#[derive(Default)]
struct Counting {
    live_bytes: usize,
    live: usize,
}

impl Heap for Counting {
    type Block = Vec<u8>;

    fn alloc(&mut self, layout: Layout, _zeroed: bool) -> Option<Vec<u8>> {
        self.live += 1;
        self.live_bytes += layout.size();
        Some(vec![0; layout.size()])
    }

    fn free(&mut self, block: Vec<u8>) -> bool {
        self.live -= 1;
        self.live_bytes -= block.len();
        true
    }

    fn resize(&mut self, mut block: Vec<u8>, new_size: usize) -> Result<Vec<u8>, Vec<u8>> {
        self.live_bytes = self.live_bytes - block.len() + new_size;
        block.resize(new_size, 0);
        Ok(block)
    }

    fn used_bytes(&self) -> usize {
        self.live_bytes
    }

    fn held_bytes(&self) -> usize {
        self.live_bytes + 1
    }

    fn ticks(&self) -> u64 {
        0
    }
}

#[test]
fn the_header_says_what_the_records_add_up_to() {
    let bytes = shipped_bytes();
    let trace = Trace::open(&bytes).unwrap();
    let mut live = vec![None; trace.header().census.slots as usize];
    assert_eq!(trace.check(&mut live), Ok(()));
    assert!(trace.header().source().starts_with("linux 6.1"), "{}", trace.header().source());
}

#[test]
fn the_whole_trace_replays_and_everything_is_given_back() {
    let bytes = shipped_bytes();
    let trace = Trace::open(&bytes).unwrap();
    let census = trace.header().census;
    let mut heap = Counting::default();
    let mut live: Vec<_> = (0..census.slots).map(|_| None).collect();
    let mut replay = Replay::new(&mut heap, &mut live);
    for record in records(&trace) {
        replay.step(&record).unwrap();
    }
    let figures = replay.finish();
    assert_eq!(figures.operations, census.records);
    assert_eq!(figures.failures(), 0);
    assert_eq!(figures.peak_requested_bytes as u64, census.peak_units);
    assert_eq!(figures.peak_used_bytes as u64, census.peak_units);
    assert_eq!(figures.peak_held_bytes as u64, census.peak_units + 1);
    assert_eq!((heap.live, heap.live_bytes), (0, 0));
}
