//! The conformance suite, on the backends that the features choose.
//!
//! The suite makes allocators of its own, of the types of the heap's two levels, in static memory: they are megabytes.
#![forbid(unsafe_code)]

use allocator::{DefaultByteAllocator, DefaultPageAllocator};
use allocator_conformance::{Bench, Outcome, Report, Slot, Summary, run_bytes, run_pages};

use crate::{console, heap};

static BYTES: Slot<DefaultByteAllocator> = Slot::new();
static PAGES: Slot<DefaultPageAllocator> = Slot::new();

/// Runs both suites; whether some case passed in each, and none failed.
pub(crate) fn run() -> bool {
    let bytes = heap::with_suite_memory(|memory| {
        Bench::new(&BYTES, memory).map(|mut bench| run_bytes(&mut bench, &mut tell))
    });
    let pages = heap::with_suite_memory(|memory| {
        Bench::new(&PAGES, memory).map(|mut bench| run_pages(&mut bench, &mut tell))
    });
    let bytes_passed = sum_up("bytes", bytes.ok().flatten());
    sum_up("pages", pages.ok().flatten()) && bytes_passed
}

fn tell(report: &Report) {
    crate::println!("{report}");
    console::report("case", |line| {
        let line = line.value("suite", report.suite)?.value("name", report.name)?;
        let line = line.value("outcome", report.outcome.word())?;
        match &report.outcome {
            Outcome::Passed => line.text("why", ""),
            Outcome::Declared(why) | Outcome::Skipped(why) => line.text("why", why),
            Outcome::Failed(failure) => line.text("why", failure),
        }
    });
}

fn sum_up(suite: &str, summary: Option<Summary>) -> bool {
    let Some(summary) = summary else {
        crate::println!("{suite}: there is no memory for the suite");
        return false;
    };
    crate::println!("{suite}: {summary}");
    console::report("cases", |line| {
        let line = line.value("suite", suite)?.value("passed", summary.passed)?;
        let line = line.value("declared", summary.declared)?.value("failed", summary.failed)?;
        line.value("skipped", summary.skipped)
    });
    summary.passed > 0 && summary.is_success()
}
