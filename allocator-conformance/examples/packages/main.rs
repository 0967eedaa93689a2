//! The suite on allocators from elsewhere, as they are: what each keeps, and what it breaks.
//!
//! The adapter adds what the packages do not have (statistics, and the answers to requests of size 0), and nothing that would
//! mend them. A case in which a package panics is told as such.
//!
//! ```text
//! cargo run --release -p allocator-conformance --example packages
//! ```

mod raw;

use std::panic::{AssertUnwindSafe, catch_unwind};

use allocator_conformance::{Arena, Bench, Outcome, Slot, byte_cases};
use raw::{Adapter, LinkedList, RawHeap, Talc};

fn show<H: RawHeap>(slot: &'static Slot<Adapter<H>>, arena: &'static Arena) {
    let mut bench = Bench::on(slot, arena).expect("each slot and arena is used once");
    let (mut kept, mut declared, mut broken) = (0, 0, 0);
    println!("{}:", H::NAME);
    for case in byte_cases::<Adapter<H>>() {
        match catch_unwind(AssertUnwindSafe(|| case.run(&mut bench))) {
            Ok(report) if report.outcome.is_failure() => {
                broken += 1;
                println!("  {report}");
            }
            Ok(report) if matches!(report.outcome, Outcome::Passed) => kept += 1,
            Ok(_) => declared += 1,
            Err(_) => {
                broken += 1;
                println!("  failed    bytes/{} (point {}): it panics", case.name, case.point);
            }
        }
    }
    println!("  {kept} kept, {broken} broken, {declared} not asked of it");
}

fn main() {
    // What a panic has to say is the package's own affair.
    std::panic::set_hook(Box::new(|_| {}));
    static LINKED_LIST: Slot<Adapter<LinkedList>> = Slot::new();
    static TALC: Slot<Adapter<Talc>> = Slot::new();
    static ARENAS: [Arena; 2] = [const { Arena::new() }; 2];
    show(&LINKED_LIST, &ARENAS[0]);
    show(&TALC, &ARENAS[1]);
}
