//! The byte suite on an allocator that was never written for it, through an adapter.
//!
//! The adapter says what the allocator cannot do, and the suite checks that this is so.

mod bump;

use allocator_conformance::{Arena, Bench, Slot, api::Declared, run_bytes};
use bump::Adapter;

static SLOT: Slot<Adapter> = Slot::new();
static ARENA: Arena = Arena::new();

fn main() {
    let mut bench = Bench::on(&SLOT, &ARENA).expect("nobody else takes these two");
    let summary = run_bytes(&mut bench, &mut |report| println!("{report}"));
    println!("{}: {summary}", Adapter::DECLARATION.name);
    std::process::exit(i32::from(!summary.is_success()));
}
