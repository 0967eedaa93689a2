//! Decides whether a boot showed what it was to show.
//!
//! A boot passes only by evidence: the exit code, the last line and every result that the scenario asks for have to be
//! there and right. What is missing counts as wrong.

use super::backend::PageBackend;
use super::protocol::{Burst, Outcome, Recovery, Replay, Suite};
use super::qemu::Ending;
use super::record::Record;
use super::{Plan, memory::Bytes, scenario::Scenario};

/// From this much memory on, no request of the trace may be refused.
const NEVER_REFUSES_BYTES: u64 = 512 << 20;

/// Everything that is missing or wrong. Empty: the boot passed.
pub(crate) fn complaints(plan: &Plan, ending: &Ending, record: &Record) -> Vec<String> {
    let mut found = record.faults.clone();
    let scenario = plan.scenario;
    if let Some(wrong) = ending.complaint(scenario.exit_code()) {
        found.push(wrong);
    }
    match record.end.as_deref() {
        None => found.push("the log has no end line".to_owned()),
        Some(status) if status == scenario.end_status() => {}
        Some(other) => found.push(format!("ended with status {other}, not {}", scenario.end_status())),
    }
    if !record.tells(scenario.told()) {
        found.push(format!("the log does not tell `{}`", scenario.told()));
    }
    memory(plan, record, &mut found);
    if matches!(scenario, Scenario::Normal | Scenario::Recorded | Scenario::InvalidFree) {
        for suite in Suite::ALL {
            cases(suite, record, &mut found);
        }
        collections(record, &mut found);
        replays(plan, record, &mut found);
        let gives_back = plan.backends.byte.gives_back();
        recovery(gives_back, record.recovery.as_ref(), &mut found);
        burst(gives_back, record.burst.as_ref(), &mut found);
        if record.detects.is_none() {
            found.push("no detects line".to_owned());
        }
        if record.limit_count != Some(record.limits.len() as u64) {
            found.push(format!("{} limits told, not {:?}", record.limits.len(), record.limit_count));
        }
    }
    if scenario == Scenario::Recorded {
        recordings(record, &mut found);
    }
    let expected_invalid_frees = u64::from(scenario == Scenario::InvalidFree);
    if record.invalid_frees != expected_invalid_frees {
        found.push(format!("{} invalid frees reported, not {expected_invalid_frees}", record.invalid_frees));
    }
    found
}

fn memory(plan: &Plan, record: &Record, found: &mut Vec<String>) {
    let Some(memory) = &record.memory else {
        found.push("no boot line".to_owned());
        return;
    };
    if memory.byte != plan.backends.byte.declares() || memory.page != plan.backends.page.name() {
        found.push(format!("booted {}+{}, not {}", memory.byte, memory.page, plan.backends));
    }
    // Half: at 64 MiB the kernel and its records take a good part; at 4 GiB and above, no half fits below the hole
    // under 4 GiB, so a kernel that leaves the memory above it unused is found.
    if memory.accepted_bytes < plan.memory.bytes() / 2 {
        found.push(format!("only {} of {} were handed in", Bytes(memory.accepted_bytes), plan.memory));
    }
    let accounted = memory.accepted_bytes.checked_add(memory.skipped_bytes);
    if accounted != Some(memory.usable_bytes) || memory.usable_bytes > memory.memory_bytes {
        found.push("the figures of the boot line do not add up".to_owned());
    }
    let lends = plan.backends.page == PageBackend::BitmapLent;
    if lends != (memory.record_bytes != 0) || memory.record_bytes > memory.skipped_bytes {
        found.push(format!("{} were lent for the records of pages", Bytes(memory.record_bytes)));
    }
    if memory.regions == 0 {
        found.push("no region was handed in".to_owned());
    }
}

fn cases(suite: Suite, record: &Record, found: &mut Vec<String>) {
    let name = suite.name();
    let counted = record.counted(suite);
    match record.totals(suite) {
        None => found.push(format!("no totals of the {name} cases")),
        Some(totals) if totals == counted => {}
        Some(_) => found.push(format!("the totals of the {name} cases are not those of their lines")),
    }
    if counted.passed == 0 {
        found.push(format!("no {name} case passed"));
    }
    for case in record.cases.iter().filter(|case| case.suite == suite && case.outcome == Outcome::Failed) {
        found.push(format!("{name} case {} failed: {}", case.name, case.why));
    }
}

/// Each level has a recording. That it is cut off where its memory was full is no fault: who asked for it is told.
fn recordings(record: &Record, found: &mut Vec<String>) {
    for what in ["blocks", "pages"] {
        match record.recordings.iter().find(|recording| recording.what == what) {
            None => found.push(format!("no line of the recording of {what}")),
            Some(recording) if recording.events == 0 => found.push(format!("no event of {what} was recorded")),
            Some(_) => {}
        }
    }
}

fn collections(record: &Record, found: &mut Vec<String>) {
    match record.collections {
        None => found.push("no collections line".to_owned()),
        Some((Outcome::Passed, checks)) if checks > 0 => {}
        Some(_) => found.push("the collections did not pass".to_owned()),
    }
}

fn replays(plan: &Plan, record: &Record, found: &mut Vec<String>) {
    let operations = record.replay(1).map(|first| first.operations);
    for round in [1, 2] {
        match record.replay(round) {
            None => found.push(format!("no line of replay {round}")),
            Some(replay) => one_replay(plan, replay, operations, found),
        }
    }
    if record.replays.len() > 2 {
        found.push("more than two replays".to_owned());
    }
}

fn one_replay(plan: &Plan, replay: &Replay, operations: Option<u64>, found: &mut Vec<String>) {
    let round = replay.round;
    if replay.operations == 0 || Some(replay.operations) != operations {
        found.push(format!("replay {round} did {} operations", replay.operations));
    }
    if replay.failures > 0 && plan.memory.bytes() >= NEVER_REFUSES_BYTES {
        found.push(format!("replay {round} had {} failures", replay.failures));
    }
    let peaks_possible = replay.failures > 0
        || replay.peak_used_bytes >= replay.peak_requested_bytes
            && replay.peak_held_bytes >= replay.peak_used_bytes;
    if replay.peak_requested_bytes == 0 || !peaks_possible || replay.ticks == 0 {
        found.push(format!("the figures of replay {round} are not possible"));
    }
}

/// What is left when everything was given back; nothing is, if the backend `gives_back`.
fn recovery(gives_back: bool, recovery: Option<&Recovery>, found: &mut Vec<String>) {
    match recovery {
        None => found.push("no recovery line".to_owned()),
        // What was given back in the end was a store, whatever its size.
        Some(Recovery { outcome: Outcome::Passed, kept_bytes: 0, .. }) => {}
        Some(Recovery { outcome: Outcome::Declared, growth_bytes_second_replay: 0, why, .. })
            if !why.is_empty() && !gives_back => {}
        Some(other) => found.push(format!(
            "recovery: {} kept, {} more after the second replay{}{}",
            Bytes(other.kept_bytes),
            Bytes(other.growth_bytes_second_replay),
            if other.why.is_empty() { "" } else { ": " },
            other.why
        )),
    }
}

/// What became of a burst of small blocks: pages again, all of them if the backend `gives_back`.
fn burst(gives_back: bool, burst: Option<&Burst>, found: &mut Vec<String>) {
    let Some(burst) = burst else {
        found.push("no burst line".to_owned());
        return;
    };
    if burst.requested_bytes == 0 || burst.held_bytes < burst.requested_bytes || burst.had_pages > burst.free_pages
    {
        found.push("the figures of the burst are not possible".to_owned());
    }
    let is_good = match burst.outcome {
        Outcome::Passed => burst.had_pages == burst.free_pages,
        Outcome::Declared => !burst.why.is_empty() && !gives_back,
        Outcome::Failed | Outcome::Skipped => false,
    };
    if !is_good {
        let (had, free) = (burst.had_pages, burst.free_pages);
        found.push(format!("after the burst {had} of {free} pages could be had: {}", burst.why));
    }
}

#[cfg(test)]
mod tests;
