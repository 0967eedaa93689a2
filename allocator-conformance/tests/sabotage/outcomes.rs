//! What the suite makes of declarations: true ones, false ones, misspelt ones.

use core::{alloc::Layout, ptr::NonNull};
use std::sync::LazyLock;

use allocator_api::{
    AllocResult, BaseAllocator, ByteAllocator, ConstEmpty, Declaration, Declared, Gap, InvalidFrees,
};
use allocator_conformance::{Outcome, Report, Summary, byte_cases, run_bytes};

use crate::{byte_toy::ToyBytes, fault, verdicts};

/// A toy that detects foreign pointers only, panics if asked about any other mistake, and declares three gaps: one that a
/// fault opens, one that is not there, and one that no case is named for.
struct Claiming(ToyBytes);

const OPEN: &str = "size_zero_is_refused";
const STALE: &str = "init_works_once";
const MISSPELT: &str = "init_worked_once";

impl ConstEmpty for Claiming {
    const EMPTY: Self = Self(ToyBytes::EMPTY);
}

impl Declared for Claiming {
    const DECLARATION: Declaration = Declaration {
        gaps: &[
            Gap { case: OPEN, why: "a fault" },
            Gap { case: STALE, why: "was one once" },
            Gap { case: MISSPELT, why: "a slip" },
        ],
        max_regions: Some(7),
        ..Declaration::without_gaps("claiming")
    };
}

impl BaseAllocator for Claiming {
    unsafe fn init(&mut self, start: usize, size: usize) -> AllocResult {
        // SAFETY: 1., 2. The caller's.
        unsafe { self.0.init(start, size) }
    }

    unsafe fn add_memory(&mut self, start: usize, size: usize) -> AllocResult {
        // SAFETY: 1., 2. The caller's.
        unsafe { self.0.add_memory(start, size) }
    }
}

// SAFETY: the toy's promises.
unsafe impl ByteAllocator for Claiming {
    fn detects(&self) -> InvalidFrees {
        InvalidFrees::FOREIGN
    }

    fn alloc(&mut self, layout: Layout) -> AllocResult<NonNull<u8>> {
        self.0.alloc(layout)
    }

    unsafe fn check_block(&self, pos: NonNull<u8>, layout: Layout) -> AllocResult {
        // SAFETY: the toy takes any address.
        let answer = unsafe { self.0.check_block(pos, layout) };
        let foreign = !self.0.holds(pos.addr().get(), layout.size());
        assert!(answer.is_ok() || foreign, "asked about a mistake that is not detected");
        answer
    }

    unsafe fn dealloc(&mut self, pos: NonNull<u8>, layout: Layout) -> AllocResult {
        // SAFETY: as in `check_block`.
        unsafe { self.check_block(pos, layout) }?;
        // SAFETY: 1., 2. The caller's.
        unsafe { self.0.dealloc(pos, layout) }
    }

    fn region_for(&self, layout: Layout) -> AllocResult<Layout> {
        self.0.region_for(layout)
    }

    fn total_bytes(&self) -> usize {
        self.0.total_bytes()
    }

    fn used_bytes(&self) -> usize {
        self.0.used_bytes()
    }
}

/// All reports on the toy as it is.
static REPORTS: LazyLock<(Vec<Report>, Summary)> = LazyLock::new(|| {
    let mut reports = Vec::new();
    let summary = run_bytes(&mut verdicts::bench::<Claiming>(), &mut |report| reports.push(*report));
    (reports, summary)
});

/// The outcome of one case on the toy with a fault.
fn outcome_with(fault: &'static str, name: &str) -> Outcome {
    let case = byte_cases::<Claiming>().iter().find(|case| case.name == name).expect("it is a case");
    fault::with(fault, || case.run(&mut verdicts::bench())).outcome
}

fn outcome_of(reports: &[Report], name: &str) -> Outcome {
    reports.iter().find(|report| report.name == name).expect("each case has a report").outcome
}

#[test]
fn a_gap_that_is_there_is_declared_and_one_that_is_not_fails() {
    let (reports, _) = &*REPORTS;
    assert_eq!(outcome_with("size zero accepted", OPEN), Outcome::Declared("a fault"));
    for stale in [outcome_of(reports, OPEN), outcome_of(reports, STALE)] {
        let Outcome::Failed(failure) = stale else { panic!("not a failure: {stale:?}") };
        assert_eq!(failure.step, "declared gap no longer there");
    }
}

#[test]
fn a_gap_that_no_case_is_named_for_fails() {
    let (reports, _) = &*REPORTS;
    assert_eq!(reports[0].to_string().split(':').next(), Some("failed    declared/init_worked_once (point 0)"));
    assert_eq!(reports.len(), byte_cases::<Claiming>().len() + 1);
}

#[test]
fn mistakes_that_are_not_detected_are_declared_and_never_made() {
    let (reports, _) = &*REPORTS;
    let declared = |name| match outcome_of(reports, name) {
        Outcome::Declared(why) => why,
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(declared("a_double_free_is_refused"), "does not detect double frees");
    assert_eq!(declared("an_interior_pointer_is_refused"), "does not detect interior pointers");
    assert_eq!(declared("a_wrong_layout_is_refused"), "does not detect wrong layouts");
    assert_eq!(outcome_of(reports, "a_foreign_pointer_is_refused"), Outcome::Passed);
}

#[test]
fn a_declared_limit_that_is_lower_than_the_real_one_changes_nothing() {
    let (reports, _) = &*REPORTS;
    assert_eq!(outcome_of(reports, "hundreds_of_regions_are_taken"), Outcome::Passed);
}

#[test]
fn a_limit_is_declared_and_must_be_the_one_that_was_declared() {
    let seven = outcome_with("seven regions", "hundreds_of_regions_are_taken");
    assert_eq!(seven, Outcome::Declared("takes a limited number of regions that do not touch"));
    let six = outcome_with("six regions", "hundreds_of_regions_are_taken");
    assert!(six.is_failure(), "{six:?}");
}

#[test]
fn the_summary_counts_what_was_reported() {
    let (reports, summary) = &*REPORTS;
    let count = |word| reports.iter().filter(|report| report.outcome.word() == word).count();
    let counted = [count("passed"), count("declared"), count("failed"), count("skipped")];
    assert_eq!(counted, [summary.passed, summary.declared, summary.failed, summary.skipped]);
    assert_eq!(counted[1..], [3, 3, 0]);
    assert!(!summary.is_success());
    assert_eq!(summary.to_string(), format!("{} passed, 3 declared, 3 failed, 0 skipped", counted[0]));
}

#[test]
fn the_readme_shows_a_failure_as_it_is_printed() {
    let case = byte_cases::<ToyBytes>().iter().find(|case| case.name == "every_alignment_is_honoured");
    let case = case.expect("it is a case");
    let report = fault::with("alignment ignored", || case.run(&mut verdicts::bench())).to_string();
    // Not the line's number, which changes with the suite.
    let (text, _) = report.rsplit_once(':').expect("a line's number is last");
    assert!(text.ends_with("src/bytes/placement.rs"), "{text}");
    assert!(include_str!("../../README.md").contains(text), "README.md does not contain: {text}");
}

#[test]
fn a_slot_serves_one_bench_at_a_time() {
    use allocator_conformance::{Arena, Bench, Slot};
    static SLOT: Slot<Claiming> = Slot::new();
    static ARENAS: [Arena; 3] = [Arena::new(), Arena::new(), Arena::new()];
    let first = Bench::on(&SLOT, &ARENAS[0]);
    assert!(first.is_some());
    assert!(Bench::on(&SLOT, &ARENAS[1]).is_none());
    drop(first);
    assert!(Bench::on(&SLOT, &ARENAS[0]).is_none(), "the arena is taken for good");
    assert!(Bench::on(&SLOT, &ARENAS[2]).is_some());
}
