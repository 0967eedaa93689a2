//! What a series of boots is reported as: one table, what was declared or skipped, and the log ends of failed boots.

use std::fmt::Write as _;

use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};

use super::memory::Bytes;
use super::protocol::{Outcome, Suite, Totals};
use super::{Boot, Verdict};

/// Lines of a failed boot's log that are printed.
const LOG_LINES_SHOWN: usize = 20;

/// Prints the whole report to the output.
pub(crate) fn print(boots: &[Boot]) {
    print!("{}", text(boots));
}

/// The whole report: the figures, and what is declared or skipped.
pub(crate) fn text(boots: &[Boot]) -> String {
    figures(boots) + &reasons(boots)
}

/// What failed, and the tables.
pub(crate) fn figures(boots: &[Boot]) -> String {
    let mut out = String::new();
    for boot in boots {
        out.push_str(&failure(boot));
    }
    let (normal, provoked): (Vec<_>, Vec<_>) = boots.iter().partition(|boot| !boot.plan.scenario.is_provoked());
    if !normal.is_empty() {
        let _ = writeln!(out, "{}", normal_table(&normal));
        out.push_str("cases: passed/declared/failed/skipped · ticks: instructions of the first replay, roughly\n");
    }
    if !provoked.is_empty() {
        let _ = writeln!(out, "{}", provoked_table(&provoked));
    }
    out
}

/// One boot in one line.
pub(crate) fn one_line(boot: &Boot) -> String {
    let plan = &boot.plan;
    match &boot.verdict {
        Verdict::Passed => format!("boot {plan}: passed in {:.1} s", boot.took.as_secs_f64()),
        Verdict::Failed(complaints) => format!("boot {plan}: FAILED: {}", summary(complaints)),
        Verdict::Skipped(why) => format!("boot {plan}: skipped: {why}"),
    }
}

/// The first line of the first complaint, and how many more there are.
fn summary(complaints: &[String]) -> String {
    let first = complaints.first().and_then(|complaint| complaint.lines().next()).unwrap_or_default();
    match complaints.len() {
        0 | 1 => first.to_owned(),
        many => format!("{first} (and {} more)", many - 1),
    }
}

/// Everything about a boot that failed; nothing about another.
fn failure(boot: &Boot) -> String {
    let Verdict::Failed(complaints) = &boot.verdict else {
        return String::new();
    };
    let mut out = format!("\nboot {} failed:\n", boot.plan);
    for complaint in complaints {
        let _ = writeln!(out, "  - {complaint}");
    }
    let Some(path) = &boot.log_path else {
        return out;
    };
    let log = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    let shown = &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..];
    let _ = writeln!(out, "the last {} of {} lines of {}:", shown.len(), lines.len(), path.display());
    for line in shown {
        let _ = writeln!(out, "  | {line}");
    }
    out
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(header.to_vec());
    table
}

fn verdict(boot: &Boot) -> &'static str {
    match boot.verdict {
        Verdict::Passed => "passed",
        Verdict::Failed(_) => "FAILED",
        Verdict::Skipped(_) => "skipped",
    }
}

fn normal_table(boots: &[&Boot]) -> Table {
    let mut table = table(&[
        "backend",
        "memory",
        "boot",
        "byte cases",
        "page cases",
        "id cases",
        "operations",
        "failures",
        "peak requested",
        "peak used",
        "peak held",
        "ticks",
        "kept",
        "pages after a burst",
    ]);
    for boot in boots {
        let record = &boot.record;
        let mut row = vec![boot.plan.backends.to_string(), boot.plan.memory.to_string(), verdict(boot).to_owned()];
        for suite in Suite::ALL {
            row.push(record.totals(suite).map_or_else(absent, cases));
        }
        let replay = |figure: fn(&super::protocol::Replay) -> String| record.replay(1).map_or_else(absent, figure);
        row.push(replay(|replay| replay.operations.to_string()));
        row.push(failures(boot));
        row.push(replay(|replay| Bytes(replay.peak_requested_bytes).to_string()));
        row.push(replay(|replay| Bytes(replay.peak_used_bytes).to_string()));
        row.push(replay(|replay| Bytes(replay.peak_held_bytes).to_string()));
        row.push(replay(|replay| replay.ticks.to_string()));
        row.push(record.recovery.as_ref().map_or_else(absent, |recovery| Bytes(recovery.kept_bytes).to_string()));
        let burst = record.burst.as_ref();
        row.push(burst.map_or_else(absent, |burst| format!("{} of {}", burst.had_pages, burst.free_pages)));
        table.add_row(row);
    }
    table
}

/// What stands for a result that is not there.
fn absent() -> String {
    "–".to_owned()
}

fn cases(totals: Totals) -> String {
    format!("{}/{}/{}/{}", totals.passed, totals.declared, totals.failed, totals.skipped)
}

/// The failures of all replays together.
fn failures(boot: &Boot) -> String {
    let replays = &boot.record.replays;
    if replays.is_empty() {
        absent()
    } else {
        replays.iter().map(|replay| replay.failures).sum::<u64>().to_string()
    }
}

fn provoked_table(boots: &[&Boot]) -> Table {
    let mut table = table(&["backend", "memory", "provoked", "has to end with", "ended with", "result"]);
    for boot in boots {
        let scenario = boot.plan.scenario;
        table.add_row(vec![
            boot.plan.backends.to_string(),
            boot.plan.memory.to_string(),
            scenario.to_string(),
            format!("{}, exit code {}", scenario.end_status(), scenario.exit_code()),
            boot.record.end.clone().unwrap_or_else(absent),
            verdict(boot).to_owned(),
        ]);
    }
    table
}

/// What was declared or skipped, each once, with the machines it was seen on.
fn reasons(boots: &[Boot]) -> String {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for boot in boots {
        for line in reasons_of(boot) {
            let memory = boot.plan.memory.to_string();
            match found.iter_mut().find(|(known, _)| *known == line) {
                Some((_, seen)) => seen.push(memory),
                None => found.push((line, vec![memory])),
            }
        }
    }
    let mut out = String::new();
    for (line, seen) in found {
        let _ = writeln!(out, "  {line} [{}]", seen.join(", "));
    }
    out
}

fn reasons_of(boot: &Boot) -> Vec<String> {
    let backends = boot.plan.backends;
    let mut lines = Vec::new();
    if let Verdict::Skipped(why) = &boot.verdict {
        lines.push(format!("{backends}: skipped: {why}"));
    }
    if boot.plan.scenario.is_provoked() {
        return lines;
    }
    if let Some(kinds) = &boot.record.detects {
        lines.push(format!("{backends}: answers these invalid frees: {kinds}"));
    }
    for (backend, why) in &boot.record.limits {
        lines.push(format!("{backends}: limit of {backend}: {why}"));
    }
    for case in &boot.record.cases {
        let (suite, name, why) = (case.suite.name(), &case.name, &case.why);
        match case.outcome {
            Outcome::Declared => lines.push(format!("{backends}: declared: {suite}: {name}: {why}")),
            Outcome::Skipped => lines.push(format!("{backends}: skipped: {suite}: {name}: {why}")),
            Outcome::Passed | Outcome::Failed => {}
        }
    }
    if let Some(recovery) = boot.record.recovery.as_ref().filter(|recovery| !recovery.why.is_empty()) {
        lines.push(format!("{backends}: memory given back: {}", recovery.why));
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{one_line, text};
    use crate::boot::backend::{Backends, ByteBackend, PageBackend};
    use crate::boot::scenario::Scenario;
    use crate::boot::{Boot, Plan, Verdict};

    fn boot(memory: &str, verdict: Verdict, log: &str) -> Boot {
        let backends = Backends { byte: ByteBackend::SlabPackage, page: PageBackend::BitmapPackage };
        let plan = Plan { backends, memory: memory.parse().unwrap(), scenario: Scenario::Normal };
        Boot { took: Duration::from_millis(1500), ..Boot::of_log(plan, verdict, log) }
    }

    const GOOD: &str = include_str!("../../testdata/short.log");

    #[test]
    fn figures_and_reasons_stand_in_the_report_once() {
        let report = text(&[boot("512M", Verdict::Passed, GOOD), boot("6G", Verdict::Passed, GOOD)]);
        assert_eq!(report.matches("1/1/0/0").count(), 2, "{report}");
        assert_eq!(report.matches("5000000").count(), 2, "{report}");
        assert_eq!(report.matches("limit of slab-package: sizes are rounded up").count(), 1, "{report}");
        let declared = "slab-package+bitmap-package: declared: bytes: double_free_is_answered: does not detect double frees [512M, 6G]";
        assert_eq!(report.matches(declared).count(), 1, "{report}");
        assert!(report.contains("skipped: pages: hundreds_of_regions_are_taken: needs 32 MiB"), "{report}");
    }

    #[test]
    fn what_is_missing_is_shown_as_missing() {
        let failed = boot("64M", Verdict::Failed(vec!["no boot line".into(), "another".into()]), "");
        assert_eq!(one_line(&failed), "boot slab-package+bitmap-package-64M: FAILED: no boot line (and 1 more)");
        let report = text(&[failed]);
        assert!(report.contains("- no boot line\n") && report.contains("- another\n"), "{report}");
        assert_eq!(report.matches('–').count(), 11, "{report}");
    }

    #[test]
    fn a_skipped_boot_says_why() {
        let report = text(&[boot("6G", Verdict::Skipped("too little memory".into()), "")]);
        assert!(report.contains("skipped: too little memory [6G]"), "{report}");
    }
}
