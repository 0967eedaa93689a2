//! What the kernel prints for machines: one line a result, behind the mark `#> `.
//!
//! ```text
//! #> boot byte=slab page=bitmap memory_bytes=N usable_bytes=N accepted_bytes=N skipped_bytes=N record_bytes=N regions=N
//! #> case suite=bytes name=zero_size_is_refused outcome=passed
//! #> cases suite=bytes passed=N declared=N failed=N skipped=N
//! #> collections outcome=passed checks=N
//! #> replay round=1 operations=N failures=N peak_requested_bytes=N …
//! #> recovery kept_bytes=N growth_bytes_second_replay=N outcome=passed
//! #> burst requested_bytes=N held_bytes=N kept_bytes=N free_pages=N had_pages=N outcome=passed
//! #> detects kinds="foreign double"
//! #> limits count=N
//! #> limit backend=buddy-package why="…"
//! #> invalid-free address=0x… count=N
//! #> recorded what=blocks events=N lost=N
//! #> end status=ok
//! ```
//!
//! Every other line is for people and is not read. A marked line that does not read is an error, never ignored.

use serde::{Deserialize, Serialize};

use super::fields::Fields;

/// What a machine-readable line begins with.
const MARK: &str = "#> ";

/// One result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// The backends, and the memory that they were given.
    Boot(Memory),
    /// One case of the conformance suite.
    Case(Case),
    /// The totals of one suite, as the kernel counted them.
    Cases(Suite, Totals),
    /// Collections of `alloc` under load.
    Collections {
        /// How they did.
        outcome: Outcome,
        /// Values compared.
        checks: u64,
    },
    /// One replay of the trace.
    Replay(Replay),
    /// What was left when everything was given back.
    Recovery(Recovery),
    /// What became of a burst of small blocks.
    Burst(Burst),
    /// The kinds of invalid frees that the byte backend answers.
    Detects(String),
    /// How many lines of limits there are.
    Limits(u64),
    /// A cost or limit that a backend declares and no case shows.
    Limit {
        /// Name of the backend.
        backend: String,
        /// What it is.
        why: String,
    },
    /// An invalid free, reported by the hook.
    InvalidFree {
        /// Invalid frees so far.
        count: u64,
    },
    /// What of the kernel's own allocations was recorded.
    Recorded(Recording),
    /// The last line: how the kernel itself says that it ended.
    End(String),
}

/// The backends, and the memory that they were given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Name of the byte backend.
    pub(crate) byte: String,
    /// Name of the page backend.
    pub(crate) page: String,
    /// All memory that the firmware reported.
    pub(crate) memory_bytes: u64,
    /// The usable part of it.
    pub(crate) usable_bytes: u64,
    /// What the allocator took of the usable part.
    pub(crate) accepted_bytes: u64,
    /// What it did not take.
    pub(crate) skipped_bytes: u64,
    /// The part of that which holds the page level's records.
    pub(crate) record_bytes: u64,
    /// Regions taken.
    pub(crate) regions: u64,
}

/// A suite of the conformance cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suite {
    /// Cases of `ByteAllocator`.
    Bytes,
    /// Cases of `PageAllocator`.
    Pages,
    /// Cases of `IdAllocator`.
    Ids,
}

impl Suite {
    /// Every suite.
    pub(crate) const ALL: [Self; 3] = [Self::Bytes, Self::Pages, Self::Ids];

    /// Its name in a line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Pages => "pages",
            Self::Ids => "ids",
        }
    }

    fn take(fields: &mut Fields) -> Result<Self, String> {
        let name = fields.text("suite")?;
        Self::ALL.into_iter().find(|suite| suite.name() == name).ok_or_else(|| format!("unknown suite `{name}`"))
    }
}

/// How a check did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// As promised.
    Passed,
    /// Not as promised, and declared by the backend.
    Declared,
    /// Not as promised.
    Failed,
    /// Not run.
    Skipped,
}

impl Outcome {
    fn take(fields: &mut Fields) -> Result<Self, String> {
        match fields.text("outcome")?.as_str() {
            "passed" => Ok(Self::Passed),
            "declared" => Ok(Self::Declared),
            "failed" => Ok(Self::Failed),
            "skipped" => Ok(Self::Skipped),
            other => Err(format!("unknown outcome `{other}`")),
        }
    }
}

/// One case of the conformance suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    /// The suite it belongs to.
    pub(crate) suite: Suite,
    /// Its name.
    pub(crate) name: String,
    /// How it did.
    pub(crate) outcome: Outcome,
    /// Why it did not pass; empty if it did.
    pub(crate) why: String,
}

/// Cases, counted by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// As promised.
    pub(crate) passed: u64,
    /// Not as promised, and declared.
    pub(crate) declared: u64,
    /// Not as promised.
    pub(crate) failed: u64,
    /// Not run.
    pub(crate) skipped: u64,
}

impl Totals {
    /// Counts cases.
    pub(crate) fn of(outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        let mut totals = Self::default();
        outcomes.into_iter().for_each(|outcome| totals.count(outcome));
        totals
    }

    /// Counts one more case.
    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Declared => self.declared += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Skipped => self.skipped += 1,
        }
    }
}

/// One replay of the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replay {
    /// 1 for the first, 2 for the second.
    pub(crate) round: u64,
    /// Operations done.
    pub(crate) operations: u64,
    /// Requests refused and blocks with damaged content.
    pub(crate) failures: u64,
    /// Most bytes requested and live at one time.
    pub(crate) peak_requested_bytes: u64,
    /// Most bytes that the allocator called used.
    pub(crate) peak_used_bytes: u64,
    /// Most bytes that the byte level had taken from the page level.
    pub(crate) peak_held_bytes: u64,
    /// Largest free run of pages before.
    pub(crate) largest_free_before_pages: u64,
    /// Largest free run of pages after.
    pub(crate) largest_free_after_pages: u64,
    /// Time-stamp counter, from begin to end.
    pub(crate) ticks: u64,
}

/// What was left when everything was given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recovery {
    /// Bytes that the byte level did not give back to the page level.
    pub(crate) kept_bytes: u64,
    /// Bytes by which these grew in the second replay.
    pub(crate) growth_bytes_second_replay: u64,
    /// How that compares with what the backend promises.
    pub(crate) outcome: Outcome,
    /// Why it did not pass; empty if it did.
    pub(crate) why: String,
}

/// A burst of small blocks, and how much of its memory was memory for pages again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Burst {
    /// Bytes of its blocks.
    pub(crate) requested_bytes: u64,
    /// Bytes that the byte level held with them.
    pub(crate) held_bytes: u64,
    /// Bytes that it still held when they were given back.
    pub(crate) kept_bytes: u64,
    /// Pages free before.
    pub(crate) free_pages: u64,
    /// Pages that could be had afterwards.
    pub(crate) had_pages: u64,
    /// How that compares.
    pub(crate) outcome: Outcome,
    /// Why it did not pass, or that it did.
    pub(crate) why: String,
}

/// A recording of what the kernel itself allocated at one level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recording {
    /// `blocks` or `pages`.
    pub(crate) what: String,
    /// Events in it: the first ones.
    pub(crate) events: u64,
    /// Events for which there was no room any more.
    pub(crate) lost: u64,
}

/// Reads a line of the serial log. `Ok(None)`: a line for people.
///
/// # Errors
///
/// The line is marked as machine-readable and does not read; the text says where.
pub(crate) fn parse(line: &str) -> Result<Option<Line>, String> {
    let Some(marked) = line.strip_prefix(MARK) else {
        return if line.contains(MARK) { Err("the mark is not at the beginning".to_owned()) } else { Ok(None) };
    };
    let (kind, rest) = marked.split_once(' ').ok_or("the line ends behind its kind")?;
    let mut fields = Fields::parse(rest)?;
    let parsed = parse_fields(kind, &mut fields)?;
    fields.finish()?;
    Ok(Some(parsed))
}

fn parse_fields(kind: &str, fields: &mut Fields) -> Result<Line, String> {
    Ok(match kind {
        "boot" => Line::Boot(memory(fields)?),
        "case" => Line::Case(case(fields)?),
        "cases" => Line::Cases(Suite::take(fields)?, totals(fields)?),
        "collections" => Line::Collections { outcome: Outcome::take(fields)?, checks: fields.number("checks")? },
        "replay" => Line::Replay(replay(fields)?),
        "recovery" => Line::Recovery(recovery(fields)?),
        "burst" => Line::Burst(burst(fields)?),
        "detects" => Line::Detects(fields.text("kinds")?),
        "limits" => Line::Limits(fields.number("count")?),
        "limit" => Line::Limit { backend: fields.text("backend")?, why: fields.text("why")? },
        "invalid-free" => {
            fields.number("address")?;
            Line::InvalidFree { count: fields.number("count")? }
        }
        "recorded" => Line::Recorded(Recording {
            what: fields.text("what")?,
            events: fields.number("events")?,
            lost: fields.number("lost")?,
        }),
        "end" => Line::End(fields.text("status")?),
        other => return Err(format!("unknown kind `{other}`")),
    })
}

fn memory(fields: &mut Fields) -> Result<Memory, String> {
    Ok(Memory {
        byte: fields.text("byte")?,
        page: fields.text("page")?,
        memory_bytes: fields.number("memory_bytes")?,
        usable_bytes: fields.number("usable_bytes")?,
        accepted_bytes: fields.number("accepted_bytes")?,
        skipped_bytes: fields.number("skipped_bytes")?,
        record_bytes: fields.number("record_bytes")?,
        regions: fields.number("regions")?,
    })
}

fn case(fields: &mut Fields) -> Result<Case, String> {
    let case = Case {
        suite: Suite::take(fields)?,
        name: fields.text("name")?,
        outcome: Outcome::take(fields)?,
        why: fields.optional_text("why").unwrap_or_default(),
    };
    if case.outcome != Outcome::Passed && case.why.is_empty() {
        return Err("a case that did not pass says no reason".to_owned());
    }
    Ok(case)
}

fn totals(fields: &mut Fields) -> Result<Totals, String> {
    Ok(Totals {
        passed: fields.number("passed")?,
        declared: fields.number("declared")?,
        failed: fields.number("failed")?,
        skipped: fields.number("skipped")?,
    })
}

fn replay(fields: &mut Fields) -> Result<Replay, String> {
    Ok(Replay {
        round: fields.number("round")?,
        operations: fields.number("operations")?,
        failures: fields.number("failures")?,
        peak_requested_bytes: fields.number("peak_requested_bytes")?,
        peak_used_bytes: fields.number("peak_used_bytes")?,
        peak_held_bytes: fields.number("peak_held_bytes")?,
        largest_free_before_pages: fields.number("largest_free_before_pages")?,
        largest_free_after_pages: fields.number("largest_free_after_pages")?,
        ticks: fields.number("ticks")?,
    })
}

fn recovery(fields: &mut Fields) -> Result<Recovery, String> {
    Ok(Recovery {
        kept_bytes: fields.number("kept_bytes")?,
        growth_bytes_second_replay: fields.number("growth_bytes_second_replay")?,
        outcome: Outcome::take(fields)?,
        why: fields.optional_text("why").unwrap_or_default(),
    })
}

fn burst(fields: &mut Fields) -> Result<Burst, String> {
    Ok(Burst {
        requested_bytes: fields.number("requested_bytes")?,
        held_bytes: fields.number("held_bytes")?,
        kept_bytes: fields.number("kept_bytes")?,
        free_pages: fields.number("free_pages")?,
        had_pages: fields.number("had_pages")?,
        outcome: Outcome::take(fields)?,
        why: fields.optional_text("why").unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::{Case, Line, Outcome, Suite, Totals, parse};

    #[test]
    fn lines_for_people_are_not_read() {
        for line in ["", "#", "#>", "memory map: 3 regions", " > x=1"] {
            assert_eq!(parse(line), Ok(None), "{line}");
        }
    }

    #[test]
    fn a_case_line_reads_with_and_without_a_reason() {
        let passed = Case { suite: Suite::Pages, name: "a".into(), outcome: Outcome::Passed, why: String::new() };
        assert_eq!(parse("#> case suite=pages name=a outcome=passed"), Ok(Some(Line::Case(passed.clone()))));
        assert_eq!(parse(r#"#> case suite=pages name=a outcome=passed why="""#), Ok(Some(Line::Case(passed))));
        let declared =
            Case { suite: Suite::Bytes, name: "b".into(), outcome: Outcome::Declared, why: "linear free".into() };
        let line = r#"#> case suite=bytes name=b outcome=declared why="linear free""#;
        assert_eq!(parse(line), Ok(Some(Line::Case(declared))));
    }

    #[test]
    fn a_case_that_did_not_pass_has_to_say_why() {
        assert!(parse("#> case suite=bytes name=b outcome=failed").is_err());
        assert!(parse(r#"#> case suite=bytes name=b outcome=skipped why="""#).is_err());
    }

    #[test]
    fn totals_and_end_read() {
        let totals = Totals { passed: 1, declared: 2, failed: 3, skipped: 4 };
        let line = "#> cases suite=bytes passed=1 declared=2 failed=3 skipped=4";
        assert_eq!(parse(line), Ok(Some(Line::Cases(Suite::Bytes, totals))));
        assert_eq!(parse("#> end status=ok"), Ok(Some(Line::End("ok".into()))));
    }

    #[test]
    fn a_marked_line_that_is_damaged_is_an_error() {
        for line in [
            "#> ",
            "#> end",
            "#> end status=",
            "#> ending status=ok",
            "#> end status=ok more=1",
            "x#> end status=ok",
            "#> cases suite=bytes passed=1 declared=0 failed=0",
            "#> recorded what=blocks events=1",
            "#> cases suite=bytes passed=1 declared=0 failed=0 skipped=",
            "#> cases suite=blocks passed=1 declared=0 failed=0 skipped=0",
            "#> case suite=bytes name=a outcome=passd",
            "#> collections outcome=passed checks=many",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
