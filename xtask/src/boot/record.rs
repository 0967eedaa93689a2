//! The results of one boot, collected from the lines of its serial log.

use super::protocol::{Burst, Case, Line, Memory, Outcome, Recording, Recovery, Replay, Suite, Totals, parse};

/// All results that a log holds, and everything about it that is not as the protocol says.
///
/// # Complexity
///
/// Linear in the length of the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    /// The backends and their memory.
    pub(crate) memory: Option<Memory>,
    /// Every case, in order.
    pub(crate) cases: Vec<Case>,
    /// The kernel's own totals.
    totals: Vec<(Suite, Totals)>,
    /// The collections under load: outcome and checks.
    pub(crate) collections: Option<(Outcome, u64)>,
    /// Every replay, in order.
    pub(crate) replays: Vec<Replay>,
    /// What was left at the end.
    pub(crate) recovery: Option<Recovery>,
    /// What became of a burst of small blocks.
    pub(crate) burst: Option<Burst>,
    /// The kinds of invalid frees that are answered.
    pub(crate) detects: Option<String>,
    /// How many limits the kernel says there are.
    pub(crate) limit_count: Option<u64>,
    /// Declared costs and limits that no case shows: backend and what it is.
    pub(crate) limits: Vec<(String, String)>,
    /// The last count of invalid frees reported.
    pub(crate) invalid_frees: u64,
    /// What of the kernel's own allocations was recorded, level by level.
    pub(crate) recordings: Vec<Recording>,
    /// The status of the last line.
    pub(crate) end: Option<String>,
    /// The lines for people.
    told: Vec<String>,
    /// Lines that do not read, come twice or come behind the end.
    pub(crate) faults: Vec<String>,
}

impl Record {
    /// The results of a whole log.
    #[cfg(test)]
    pub(crate) fn of_log(log: &str) -> Self {
        let mut record = Self::default();
        for line in log.lines() {
            record.take(line);
        }
        record
    }

    /// Adds a line of the log.
    pub(crate) fn take(&mut self, line: &str) {
        let line = line.trim_end();
        match parse(line) {
            Ok(None) => self.told.push(line.to_owned()),
            Ok(Some(_)) if self.end.is_some() => self.faults.push(format!("behind the end: {line}")),
            Ok(Some(parsed)) => {
                if !self.add(parsed) {
                    self.faults.push(format!("a second time: {line}"));
                }
            }
            Err(why) => self.faults.push(format!("unreadable: {line} ({why})")),
        }
    }

    /// Adds a result. `false`: there is one already.
    fn add(&mut self, line: Line) -> bool {
        match line {
            Line::Boot(memory) => self.memory.replace(memory).is_none(),
            Line::Case(case) => {
                let first = !self.cases.iter().any(|known| known.suite == case.suite && known.name == case.name);
                self.cases.push(case);
                first
            }
            Line::Cases(suite, totals) => {
                let first = self.totals(suite).is_none();
                self.totals.push((suite, totals));
                first
            }
            Line::Collections { outcome, checks } => self.collections.replace((outcome, checks)).is_none(),
            Line::Replay(replay) => {
                let first = self.replay(replay.round).is_none();
                self.replays.push(replay);
                first
            }
            Line::Recovery(recovery) => self.recovery.replace(recovery).is_none(),
            Line::Burst(burst) => self.burst.replace(burst).is_none(),
            Line::Detects(kinds) => self.detects.replace(kinds).is_none(),
            Line::Limits(count) => self.limit_count.replace(count).is_none(),
            Line::Limit { backend, why } => {
                let limit = (backend, why);
                let first = !self.limits.contains(&limit);
                self.limits.push(limit);
                first
            }
            Line::InvalidFree { count } => std::mem::replace(&mut self.invalid_frees, count) < count,
            Line::Recorded(recording) => {
                let first = self.recordings.iter().all(|known| known.what != recording.what);
                self.recordings.push(recording);
                first
            }
            Line::End(status) => self.end.replace(status).is_none(),
        }
    }

    /// The kernel's totals of a suite.
    pub(crate) fn totals(&self, suite: Suite) -> Option<Totals> {
        self.totals.iter().find(|(known, _)| *known == suite).map(|(_, totals)| *totals)
    }

    /// The totals of a suite, counted here from its cases.
    pub(crate) fn counted(&self, suite: Suite) -> Totals {
        Totals::of(self.cases.iter().filter(|case| case.suite == suite).map(|case| case.outcome))
    }

    /// The replay of a round.
    pub(crate) fn replay(&self, round: u64) -> Option<&Replay> {
        self.replays.iter().find(|replay| replay.round == round)
    }

    /// Whether a line for people contains `part`.
    pub(crate) fn tells(&self, part: &str) -> bool {
        self.told.iter().any(|line| line.contains(part))
    }

    /// What the kernel is at, for a progress line.
    pub(crate) fn phase(&self) -> String {
        match self {
            Self { end: Some(status), .. } => format!("ended: {status}"),
            Self { burst: Some(_), .. } => "burst of blocks done".to_owned(),
            Self { recovery: Some(_), .. } => "everything given back".to_owned(),
            Self { replays, .. } if !replays.is_empty() => format!("replay {} done", replays.len()),
            Self { collections: Some(_), .. } => "replaying the trace".to_owned(),
            Self { cases, .. } if !cases.is_empty() => format!("{} cases done", cases.len()),
            Self { memory: Some(_), .. } => "memory handed in".to_owned(),
            _ => "starting".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Record;
    use crate::boot::protocol::{Suite, Totals};

    #[test]
    fn a_line_that_comes_twice_is_a_fault() {
        for line in [
            "#> boot byte=slab page=bitmap memory_bytes=4 usable_bytes=3 accepted_bytes=2 skipped_bytes=1 record_bytes=0 regions=1",
            "#> case suite=bytes name=a outcome=passed",
            "#> cases suite=bytes passed=1 declared=0 failed=0 skipped=0",
            "#> recorded what=blocks events=1 lost=0",
            "#> collections outcome=passed checks=1",
            "#> recovery kept_bytes=0 growth_bytes_second_replay=0 outcome=passed",
            "#> burst requested_bytes=1 held_bytes=1 kept_bytes=0 free_pages=1 had_pages=1 outcome=passed",
            "#> detects kinds=\"foreign\"",
            "#> invalid-free address=0x10 count=1",
            "#> end status=ok",
        ] {
            assert_eq!(Record::of_log(line).faults, Vec::<String>::new(), "{line}");
            assert_eq!(Record::of_log(&format!("{line}\r\nfor people\r\n{line}\r\n")).faults.len(), 1, "{line}");
        }
    }

    #[test]
    fn the_same_name_in_another_suite_is_another_case() {
        let log =
            "#> case suite=bytes name=a outcome=passed\n#> case suite=pages name=a outcome=failed why=\"x\"\n";
        let record = Record::of_log(log);
        assert!(record.faults.is_empty());
        assert_eq!(record.counted(Suite::Bytes), Totals { passed: 1, ..Totals::default() });
        assert_eq!(record.counted(Suite::Pages), Totals { failed: 1, ..Totals::default() });
    }

    #[test]
    fn results_behind_the_end_and_unreadable_lines_are_faults() {
        let record = Record::of_log("#> end status=ok\n#> detects kinds=\"x\"\n#> nonsense\ntext\n");
        assert_eq!(record.faults.len(), 2, "{:?}", record.faults);
        assert!(record.detects.is_none());
    }

    #[test]
    fn the_phase_follows_the_log() {
        let mut record = Record::default();
        let mut phases = vec![record.phase()];
        for line in ["#> case suite=bytes name=a outcome=passed", "#> end status=panic"] {
            record.take(line);
            phases.push(record.phase());
        }
        assert_eq!(phases, ["starting", "1 cases done", "ended: panic"]);
    }
}
