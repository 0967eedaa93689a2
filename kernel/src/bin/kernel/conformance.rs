//! The conformance suite, on the backends that the features choose.
#![forbid(unsafe_code)]

use allocator_conformance::{Outcome, Report, Summary};

use crate::{console, heap::suite};

/// Runs every suite; whether some case passed in each, and none failed.
pub(crate) fn run() -> bool {
    let passed = [
        sum_up("bytes", suite::bytes(tell)),
        sum_up("pages", suite::pages(tell)),
        sum_up("ids", suite::ids(tell)),
    ];
    passed.into_iter().all(|passed| passed)
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
