//! Running cases on toys, and what must come out.

use std::{boxed::Box, string::String, vec::Vec};

use allocator_api::{ConstEmpty, Declared};
use allocator_conformance::{Arena, Bench, Case, Outcome, Report, Slot};

use crate::fault;

/// A bench that lasts as long as the process.
pub(crate) fn bench<A: ConstEmpty>() -> Bench<A> {
    let slot: &'static Slot<A> = Box::leak(Box::new(Slot::new()));
    // An arena is too large for a stack: it is made where it will stay. All its bytes may be 0.
    let arena = Box::leak(Box::<Arena>::new_zeroed());
    // SAFETY: an arena is an atomic flag, of which 0 is a value, and an array of bytes.
    let arena: &'static Arena = unsafe { arena.assume_init_ref() };
    Bench::on(slot, arena).expect("both are new")
}

fn run<A: ConstEmpty + Declared>(bench: &mut Bench<A>, case: &Case<A>, fault: &'static str) -> Report {
    fault::with(fault, || case.run(bench))
}

/// Without a fault every case passes.
pub(crate) fn assert_all_pass<A: ConstEmpty + Declared>(cases: &[Case<A>]) {
    let mut bench = bench();
    let failures: Vec<Report> = cases
        .iter()
        .map(|case| run(&mut bench, case, ""))
        .filter(|report| report.outcome.word() != "passed")
        .collect();
    assert!(failures.is_empty(), "{}", lines(&failures));
}

/// Without a fault no case fails, and half of them at least can be tried.
pub(crate) fn assert_none_fails<A: ConstEmpty + Declared>(cases: &[Case<A>]) {
    let mut bench = bench();
    let reports: Vec<Report> = cases.iter().map(|case| run(&mut bench, case, "")).collect();
    let passed = reports.iter().filter(|report| report.outcome.word() == "passed").count();
    assert!(passed >= cases.len() / 2, "{}", lines(&reports));
    assert!(!reports.iter().any(|report| report.outcome.is_failure()), "{}", lines(&reports));
}

/// A fault, the case that must fail, and how the step begins at which it must.
pub(crate) type Sabotage = (&'static str, &'static str, &'static str);

/// With each fault the case beside it fails, at the step beside it.
pub(crate) fn assert_each_fails<A: ConstEmpty + Declared>(cases: &[Case<A>], sabotages: &[Sabotage]) {
    let mut bench = bench();
    let unnoticed: Vec<String> = sabotages
        .iter()
        .filter_map(|(fault, name, step)| {
            let case = cases.iter().find(|case| case.name == *name).expect("sabotages name cases");
            let report = run(&mut bench, case, fault);
            let noticed = matches!(report.outcome, Outcome::Failed(failure) if failure.step.starts_with(step));
            (!noticed).then(|| format!("{fault}, at the step \"{step}\": {report}\n"))
        })
        .collect();
    assert!(unnoticed.is_empty(), "not noticed:\n{}", unnoticed.concat());
}

/// Every case stands beside a fault.
pub(crate) fn assert_each_is_named<A: ConstEmpty>(cases: &[Case<A>], sabotages: &[Sabotage]) {
    let is_named = |name: &&str| sabotages.iter().any(|(_, case, _)| case == name);
    let never_failed: Vec<&str> = cases.iter().map(|case| case.name).filter(|name| !is_named(name)).collect();
    assert!(never_failed.is_empty(), "never seen to fail: {never_failed:?}");
}

fn lines(reports: &[Report]) -> String {
    reports.iter().map(|report| format!("{report}\n")).collect()
}
