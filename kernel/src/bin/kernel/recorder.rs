//! What this kernel itself allocates, recorded and sent as traces: blocks over the second serial port, pages over the
//! third.
//!
//! ```text
//!   heap set up ─► start ─► conformance, collections ─► stop ─► replay ─► send
//! ```
//!
//! The replay of the trace that the kernel carries is left out: that trace is known. The traces are made only after
//! everything has been measured, because making them allocates.
#![forbid(unsafe_code)]

use core::convert::Infallible;

use allocator::trace::{Event, Events, Kind, records};
use allocator::{PageAllocator, Stamp};
use spin::{Mutex, MutexGuard};

use crate::{
    arch::{
        serial::{Port, Serial},
        ticks,
    },
    console,
    heap::{HEAP, PageLevel},
};

/// The machine as a stamp: one processor, and its clock.
pub(crate) struct Machine;

impl Stamp for Machine {
    fn ticks() -> u64 {
        ticks::now()
    }
}

/// Ticks in a microsecond, on an emulator that takes a nanosecond for each instruction.
const TICKS_PER_US: u64 = 1000;

static BLOCK_EVENTS: Mutex<[Event; 1 << 16]> = Mutex::new([Event::BLANK; 1 << 16]);
static PAGE_EVENTS: Mutex<[Event; 1 << 14]> = Mutex::new([Event::BLANK; 1 << 14]);

/// What was recorded at each level.
pub(crate) struct Recordings {
    blocks: Option<Events>,
    pages: Option<Events>,
}

/// Records from now on. The memory is never given back, so that this is called once.
pub(crate) fn start() {
    let (blocks, pages) = (MutexGuard::leak(BLOCK_EVENTS.lock()), MutexGuard::leak(PAGE_EVENTS.lock()));
    HEAP.record_pages(pages);
    HEAP.record_blocks(blocks);
}

/// Records no more.
pub(crate) fn stop() -> Recordings {
    Recordings { blocks: HEAP.stop_recording_blocks(), pages: HEAP.stop_recording_pages() }
}

/// Sends each recording as a trace.
pub(crate) fn send(recordings: &Recordings) {
    let page_log2 = PageLevel::PAGE_SIZE.trailing_zeros() as u8;
    send_one("blocks", Port::Second, Kind::Bytes, recordings.blocks.as_ref());
    send_one("pages", Port::Third, Kind::PageRuns { page_log2 }, recordings.pages.as_ref());
}

fn send_one(what: &str, port: Port, kind: Kind, events: Option<&Events>) {
    let Some(events) = events else { return };
    let mut serial = Serial::new(port);
    serial.set_up();
    let trace = records(kind, events.events(), TICKS_PER_US);
    let Ok(()) = trace.write("the kernel of this project: conformance, collections", |part| {
        serial.send(part);
        Ok::<(), Infallible>(())
    });
    let (count, lost) = (events.events().len(), events.lost());
    crate::println!("recorded {what}: {count} events, {lost} lost");
    console::report("recorded", |line| line.value("what", what)?.value("events", count)?.value("lost", lost));
}
