//! The output that README.md shows is the output there is.

#[path = "../examples/adapter/bump.rs"]
mod bump;

use allocator_conformance::{Arena, Bench, Slot, run_bytes};

static SLOT: Slot<bump::Adapter> = Slot::new();
static ARENA: Arena = Arena::new();

#[test]
fn the_readme_shows_what_the_example_prints() {
    let readme = include_str!("../README.md");
    let mut bench = Bench::on(&SLOT, &ARENA).expect("nobody else takes these two");
    let mut output = String::new();
    let summary = run_bytes(&mut bench, &mut |report| output.push_str(&format!("{report}\n")));
    output.push_str(&format!("bump: {summary}\n"));
    assert!(readme.contains(&output), "README.md does not contain:\n{output}");
}
