//! The conformance suites on every backend that a feature switches on: a line of JSON for each case.
//!
//! `cargo xtask evidence` runs it on each kind of machine that it finds, and makes a table of the lines. A backend that is a
//! feature and is not tried here is an error.
//!
//! ```text
//! cargo run --release -p allocator --all-features --example evidence
//! ```

use std::{cell::UnsafeCell, error::Error};

use allocator::{
    BACKENDS, BitmapPageAllocator,
    bitmap::{BitmapIdAllocator, Inline, Lent, package},
};
use allocator_conformance::{Arena, Bench, Outcome, Report, Slot, run_bytes, run_ids, run_pages};
use serde_json::json;

/// Words of lent memory: the records of 64 GiB in pages of 4 KiB.
const ROOM_WORDS: usize = 0x5_8000;

/// Memory that is lent for the records of one allocator at a time.
struct Room(UnsafeCell<[u64; ROOM_WORDS]>);

// SAFETY: this program has one thread.
unsafe impl Sync for Room {}

static ROOM: Room = Room(UnsafeCell::new([0; _]));

fn lend(pages: &mut BitmapPageAllocator<4096, Lent>) {
    // SAFETY: the allocator that had the room before is used no more.
    let words = unsafe { &mut *ROOM.0.get() };
    pages.lend(words).expect("it has no memory yet");
}

/// Prints a case's outcome.
fn tell(backend: &str, report: &Report) {
    let why = match &report.outcome {
        Outcome::Passed => String::new(),
        Outcome::Declared(why) | Outcome::Skipped(why) => (*why).to_owned(),
        Outcome::Failed(failure) => failure.to_string(),
    };
    let (suite, case, point, promise) = (report.suite, report.name, report.point, report.promise);
    let outcome = report.outcome.word();
    let line = json!({
        "backend": backend, "suite": suite, "point": point, "case": case, "promise": promise, "outcome": outcome,
        "why": why,
    });
    println!("{line}");
}

macro_rules! backends {
    ($($name:literal, $run:ident, $type:ty, $setup:expr;)*) => {
        /// The backends that are tried; with several suites, several times.
        const TRIED: &[&str] = &[$($name),*];

        fn try_all() -> Result<(), Box<dyn Error>> {
            $({
                static SLOT: Slot<$type> = Slot::new();
                static ARENA: Arena = Arena::new();
                let bench = Bench::on(&SLOT, &ARENA).ok_or("the slot or the memory is in use")?;
                $run(&mut bench.with_setup($setup), &mut |report| tell($name, report));
            })*
            Ok(())
        }
    };
}

backends! {
    "slab", run_bytes, allocator::SlabByteAllocator, |_| {};
    "slab-package", run_bytes, allocator::slab::package::SlabByteAllocator, |_| {};
    "tlsf", run_bytes, allocator::TlsfByteAllocator, |_| {};
    "buddy", run_bytes, allocator::BuddyByteAllocator, |_| {};
    "bitmap", run_pages, BitmapPageAllocator<4096>, |_| {};
    "bitmap", run_ids, BitmapIdAllocator<Inline<0x1_0000>>, |_| {};
    "bitmap-lent", run_pages, BitmapPageAllocator<4096, Lent>, lend;
    "bitmap-package", run_pages, package::BitmapPageAllocator<4096>, |_| {};
    "bitmap-package", run_ids, package::BitmapIdAllocator<package::BitAlloc4K>, |_| {};
}

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(missing) = BACKENDS.iter().find(|name| !TRIED.contains(name)) {
        return Err(format!("the backend {missing} is tried by no suite here").into());
    }
    try_all()
}
