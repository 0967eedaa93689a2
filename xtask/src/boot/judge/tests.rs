//! Tests of the verdict: a good log passes, and no part of it can be left out, cut off or changed for the worse.

use std::time::Duration;

use super::complaints;
use crate::boot::Plan;
use crate::boot::backend::{Backends, ByteBackend, PageBackend};
use crate::boot::memory::MachineMemory;
use crate::boot::qemu::Ending;
use crate::boot::record::Record;
use crate::boot::scenario::{Provocation, Scenario};

/// A serial log in which all is well: the packages of slab and bitmap at 512 MiB, with two cases a suite.
const GOOD: &str = include_str!("../../../testdata/short.log");

/// The serial log of such a boot, as the kernel printed it.
const RECORDED: &str = include_str!("../../../testdata/recorded.log");

fn plan(scenario: Scenario, memory: &str) -> Plan {
    let backends = Backends { byte: ByteBackend::SlabPackage, page: PageBackend::BitmapPackage };
    Plan { backends, memory: memory.parse().unwrap(), scenario }
}

fn judged(log: &str) -> Vec<String> {
    complaints(&plan(Scenario::Normal, "512M"), &Ending::Exited(33), &Record::of_log(log))
}

/// Asserts that one complaint contains `part` when `from` becomes `to` in the good log.
fn assert_found(from: &str, to: &str, part: &str) {
    assert!(GOOD.contains(from), "the good log has no `{from}`");
    let found = judged(&GOOD.replacen(from, to, 1));
    assert!(found.iter().any(|complaint| complaint.contains(part)), "`{to}`: {found:?}");
}

#[test]
fn a_good_log_passes() {
    assert_eq!(judged(GOOD), Vec::<String>::new());
}

#[test]
fn a_recorded_log_passes() {
    assert_eq!(judged(RECORDED), Vec::<String>::new());
}

#[test]
fn no_machine_readable_line_can_be_left_out() {
    let lines: Vec<&str> = RECORDED.lines().collect();
    let marked = |line: &&str| line.starts_with("#> ");
    assert!(lines.iter().filter(|line| marked(line)).count() > 40);
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| marked(line)) {
        let mut rest = lines.clone();
        rest.remove(at);
        assert!(!judged(&rest.join("\n")).is_empty(), "passes without `{line}`");
    }
}

#[test]
fn no_log_that_ends_early_passes() {
    let whole = GOOD.trim_end().len();
    for end in 0..whole {
        assert!(!judged(&GOOD[..end]).is_empty(), "passes when cut at byte {end} of {whole}");
    }
}

#[test]
fn a_mark_that_is_damaged_is_found() {
    for at in GOOD.match_indices("#> ").map(|(at, _)| at) {
        let damaged = format!("{}{}", &GOOD[..at], &GOOD[at + "#> ".len()..]);
        assert!(!judged(&damaged).is_empty(), "passes without the mark at {at}");
    }
}

#[test]
fn every_wrong_figure_is_named() {
    assert_found(
        "byte=slab-",
        "byte=tlsf-",
        "booted tlsf-package+bitmap-package, not slab-package+bitmap-package",
    );
    assert_found("accepted_bytes=533721088", "accepted_bytes=1000", "were handed in");
    assert_found("skipped_bytes=4096", "skipped_bytes=0", "do not add up");
    assert_found("memory_bytes=536346624", "memory_bytes=5", "do not add up");
    assert_found("record_bytes=0", "record_bytes=4096", "4.0 KiB were lent");
    assert_found("limits count=1", "limits count=2", "1 limits told");
    assert_found("regions=2", "regions=0", "no region");
    assert_found("passed=1 declared=1", "passed=2 declared=1", "not those of their lines");
    assert_found("collections outcome=passed", "collections outcome=failed", "collections");
    assert_found("checks=1000", "checks=0", "collections");
    assert_found("round=2 operations=60000", "round=2 operations=59999", "replay 2 did 59999");
    assert_found("round=1 operations=60000 failures=0", "round=1 operations=60000 failures=1", "1 failures");
    assert_found("peak_used_bytes=300000", "peak_used_bytes=100000", "not possible");
    assert_found("peak_held_bytes=400000", "peak_held_bytes=299999", "not possible");
    assert_found("peak_requested_bytes=200000", "peak_requested_bytes=0", "not possible");
    assert_found("ticks=4000000", "ticks=0", "not possible");
    assert_found("round=2", "round=3", "no line of replay 2");
    assert_found("growth_bytes_second_replay=0", "growth_bytes_second_replay=4096", "recovery");
    assert_found("outcome=declared why=\"the package", "outcome=passed why=\"the package", "recovery");
    assert_found("had_pages=120000", "had_pages=119999", "after the burst 119999 of 120000");
    assert_found("had_pages=120000", "had_pages=120002", "burst are not possible");
    assert_found(" held_bytes=40000", " held_bytes=20000", "burst are not possible");
    assert_found("status=ok", "status=failed", "status failed, not ok");
}

#[test]
fn a_kernel_that_lends_records_says_how_much() {
    let log = GOOD.replace("page=bitmap-package", "page=bitmap-lent");
    let backends = Backends { byte: ByteBackend::SlabPackage, page: PageBackend::BitmapLent };
    let plan = Plan { backends, ..plan(Scenario::Normal, "512M") };
    let judged = |log: &str| complaints(&plan, &Ending::Exited(33), &Record::of_log(log));
    assert_eq!(judged(&log).len(), 1, "no bytes were lent");
    assert_eq!(judged(&log.replace("record_bytes=0", "record_bytes=4096")), [""; 0]);
    assert_eq!(judged(&log.replace("record_bytes=0", "record_bytes=4097")).len(), 1, "more than was skipped");
}

#[test]
fn a_backend_that_gives_back_may_keep_nothing() {
    let kept = "kept_bytes=262144 growth_bytes_second_replay=0 outcome=declared";
    let nothing = "kept_bytes=0 growth_bytes_second_replay=0 outcome=passed";
    let log = GOOD.replace("byte=slab-package", "byte=slab").replace(kept, nothing);
    let backends = Backends { byte: ByteBackend::Slab, page: PageBackend::BitmapPackage };
    let plan = Plan { backends, ..plan(Scenario::Normal, "512M") };
    let judged = |log: &str| complaints(&plan, &Ending::Exited(33), &Record::of_log(log));
    assert_eq!(judged(&log), [""; 0]);
    assert_eq!(judged(&log.replace(nothing, kept)).len(), 1);
    let more = "growth_bytes_second_replay=4096";
    assert_eq!(judged(&log.replace("growth_bytes_second_replay=0", more)), [""; 0], "a store that was given back");
    let burst = "had_pages=120000 outcome=passed";
    let short = "had_pages=110000 outcome=declared";
    assert_eq!(judged(&log.replace(burst, short)).len(), 1);
    assert_eq!(self::judged(&GOOD.replace(burst, short)), [""; 0], "the package keeps what it grew by");
}

#[test]
fn a_failed_case_is_named_with_its_reason() {
    let failed = "name=zero_size_is_refused outcome=failed why=\"step 2\"";
    assert_found("name=zero_size_is_refused outcome=passed", failed, "zero_size_is_refused failed: step 2");
}

#[test]
fn a_suite_in_which_nothing_passed_does_not_pass() {
    let all_skipped = GOOD
        .replace("name=runs_are_aligned outcome=passed", "name=runs_are_aligned outcome=skipped why=\"x\"")
        .replace(
            "suite=pages passed=1 declared=0 failed=0 skipped=1",
            "suite=pages passed=0 declared=0 failed=0 skipped=2",
        );
    assert_eq!(judged(&all_skipped), ["no pages case passed"]);
}

#[test]
fn a_recording_is_asked_of_each_level_and_may_be_cut_off() {
    let lines =
        "#> recorded what=blocks events=9 lost=0\n#> recorded what=pages events=9 lost=3\n#> end status=ok";
    let log = GOOD.replace("#> end status=ok", lines);
    let judged =
        |log: &str| complaints(&plan(Scenario::Recorded, "512M"), &Ending::Exited(33), &Record::of_log(log));
    assert_eq!(judged(&log), [""; 0]);
    assert_eq!(judged(&log.replace("blocks events=9", "blocks events=0")), ["no event of blocks was recorded"]);
    assert_eq!(judged(&log.replace("what=pages", "what=words")), ["no line of the recording of pages"]);
}

#[test]
fn the_exit_code_counts_whatever_the_log_says() {
    let record = Record::of_log(GOOD);
    let plan = plan(Scenario::Normal, "512M");
    for ending in [Ending::Exited(0), Ending::Exited(35), Ending::Killed, Ending::TimedOut(Duration::from_secs(1))]
    {
        assert_eq!(complaints(&plan, &ending, &record).len(), 1, "{ending:?}");
    }
}

#[test]
fn a_refused_request_is_a_failure_from_512_mib_on() {
    let log = GOOD.replace("failures=0 peak", "failures=7 peak").replace("bytes=53", "bytes=13");
    let ok = Ending::Exited(33);
    let small = MachineMemory::from_mib(128).unwrap();
    assert_eq!(
        complaints(&Plan { memory: small, ..plan(Scenario::Normal, "512M") }, &ok, &Record::of_log(&log)),
        [""; 0]
    );
    assert_found("round=1 operations=60000 failures=0", "round=1 operations=60000 failures=7", "7 failures");
}

#[test]
fn a_provoked_failure_needs_its_own_status_and_exit_code() {
    let boot = GOOD.lines().nth(1).unwrap();
    for scenario in Scenario::provoked(Provocation::All) {
        if scenario.end_status() == "ok" {
            continue;
        }
        let plan = plan(scenario, "512M");
        let judge = |log: &str, code| complaints(&plan, &Ending::Exited(code), &Record::of_log(log));
        let code = scenario.exit_code();
        let told = format!("{boot}\n{}\n", scenario.told());
        let end = format!("#> end status={}\n", scenario.end_status());
        assert_eq!(judge(&format!("{told}{end}"), code), [""; 0]);
        assert_eq!(judge(&format!("{told}{end}"), 33).len(), 1, "the code of a good end");
        assert_eq!(judge(&told, code), ["the log has no end line"]);
        assert_eq!(judge(&format!("{boot}\n{end}"), code).len(), 1, "nothing told");
        assert_eq!(judge(GOOD, code).len(), 2, "a good end, nothing told");
    }
}

#[test]
fn an_invalid_free_has_to_be_reported_once_and_only_when_provoked() {
    let report = "invalid free of a block of 8 bytes\n#> invalid-free address=0x1000 count=1\n#> end";
    let reported = GOOD.replace("#> end", report);
    let ok = Ending::Exited(33);
    let provoked = plan(Scenario::InvalidFree, "512M");
    assert_eq!(complaints(&provoked, &ok, &Record::of_log(&reported)), [""; 0]);
    assert_eq!(complaints(&provoked, &ok, &Record::of_log(GOOD)).len(), 2);
    assert_eq!(judged(&reported), ["1 invalid frees reported, not 0"]);
    let without_end = reported.lines().filter(|line| !line.contains("end")).collect::<Vec<_>>().join("\n");
    assert!(!complaints(&provoked, &ok, &Record::of_log(&without_end)).is_empty());
}
