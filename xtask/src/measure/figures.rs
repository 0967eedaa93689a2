//! One figure of one allocator on one load, from one or two processes.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::callgrind;
use super::program::Program;

/// The subject that does nothing: what it costs is the cost of counting.
const NOTHING: &str = "nothing";
/// The workload on which the cost of counting single operations is found.
const SHORT_LOAD: &str = "cascade";
/// Operations that are counted singly: the slowest by the clock, or all of a script that has no more.
const SINGLES: usize = 2000;

/// Instructions, and the operations that they were spent in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mean {
    /// Of allocations, frees and reallocs.
    pub(crate) instructions: [u64; 3],
    /// How many of each.
    pub(crate) operations: [u64; 3],
    /// Requests that were refused.
    pub(crate) refused: u64,
}

impl Mean {
    /// All instructions.
    pub(crate) fn total(&self) -> u64 {
        self.instructions.iter().sum()
    }

    /// Instructions of the mean operation.
    pub(crate) fn per_operation(&self) -> f64 {
        self.total() as f64 / self.operations.iter().sum::<u64>().max(1) as f64
    }

    /// Instructions of the mean allocation, free or realloc; `None` if there was none.
    pub(crate) fn of(&self, kind: usize) -> Option<f64> {
        let operations = self.operations[kind];
        (operations > 0).then(|| self.instructions[kind] as f64 / operations as f64)
    }
}

/// Counts the operations of a load: from the call of the allocator to its return.
///
/// # Errors
///
/// The process fails or takes too long, or its output is not understood.
pub(crate) fn mean(program: &Program, subject: &str, load: &str) -> Result<Mean> {
    let out = program.file(&["mean", subject, load, "callgrind"]);
    let played = program.count(&["mean", "--subject", subject, "--load", load], &out)?;
    let number = |field: &str| played[field].as_u64().with_context(|| format!("no count of {field} in {played}"));
    let operations = [number("allocs")?, number("frees")?, number("reallocs")?];
    let text = std::fs::read_to_string(&out).with_context(|| format!("reading {}", out.display()))?;
    Ok(Mean { instructions: callgrind::counted(&text)?, operations, refused: number("refused")? })
}

/// The most instructions of a single operation, among the slowest by the clock; each of those is counted.
///
/// # Errors
///
/// As for [`mean`].
pub(crate) fn worst(program: &Program, subject: &str, load: &str, overhead: u64) -> Result<u64> {
    let count = SINGLES.to_string();
    let chosen = program.file(&["worst", subject, load, "chosen"]);
    let chosen_text = chosen.to_string_lossy().into_owned();
    let pair = ["--subject", subject, "--load", load, "--chosen", &chosen_text];
    program.ask(&[&["slowest"], &pair[..], &["--count", &count]].concat())?;
    let out = program.file(&["worst", subject, load, "callgrind"]);
    let expected = program.count(&[&["single"], &pair[..]].concat(), &out)?;
    let text = std::fs::read_to_string(&out).with_context(|| format!("reading {}", out.display()))?;
    let parts = callgrind::parts(&text)?;
    // The last part is what came after the last chosen operation.
    let single = expected.as_u64().and_then(|count| parts.get(..usize::try_from(count).ok()?));
    let worst =
        single.and_then(|parts| parts.iter().max()).context("fewer operations were counted than chosen")?;
    std::fs::remove_file(&out)?;
    Ok(worst.saturating_sub(overhead))
}

/// Instructions that counting one operation adds to it.
///
/// # Errors
///
/// As for [`mean`].
pub(crate) fn overhead(program: &Program) -> Result<u64> {
    worst(program, NOTHING, SHORT_LOAD, 0)
}

/// A number that the program answers.
///
/// # Errors
///
/// The process fails or takes too long, or the answer is no number.
pub(crate) fn number(program: &Program, what: &str, subject: &str, load: &str) -> Result<f64> {
    let answer = program.ask(&[what, "--subject", subject, "--load", load])?;
    answer.as_f64().with_context(|| format!("{answer} is no number"))
}

/// Nanoseconds per operation of one subject.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Time {
    /// Median of the rounds.
    pub(crate) median: f64,
    /// Half the distance between the quartiles, as a share of the median.
    pub(crate) spread: f64,
}

/// Times of several subjects in turns, in their order; `None` for one that failed.
///
/// # Errors
///
/// As for [`mean`].
pub(crate) fn times(
    program: &Program,
    subjects: &[String],
    load: &str,
    rounds: usize,
) -> Result<Vec<Option<Time>>> {
    let (names, rounds) = (subjects.join(","), rounds.to_string());
    let processes = u32::try_from(subjects.len()).unwrap_or(u32::MAX);
    let answer =
        program.ask_for(processes, &["time", "--subjects", &names, "--load", load, "--rounds", &rounds])?;
    Ok(subjects.iter().map(|subject| time_of(&answer[subject])).collect())
}

fn time_of(rounds: &Value) -> Option<Time> {
    let mut rounds: Vec<f64> = rounds.as_array()?.iter().filter_map(Value::as_f64).collect();
    rounds.sort_by(f64::total_cmp);
    let at = |quarter: usize| rounds.get((rounds.len().checked_sub(1)?) * quarter / 4).copied();
    let median = at(2)?;
    Some(Time { median, spread: (at(3)? - at(1)?) / 2.0 / median })
}

/// Checks every block of a load.
///
/// # Errors
///
/// What was wrong, or why it could not be checked.
pub(crate) fn check(program: &Program, subject: &str, load: &str) -> Result<()> {
    let answer = program.ask(&["check", "--subject", subject, "--load", load])?;
    ensure!(answer == "whole", "{answer}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Mean, Time, time_of};

    #[test]
    fn the_median_and_half_the_distance_of_the_quartiles_describe_the_rounds() {
        let time = time_of(&json!([9.0, 1.0, 4.0, 5.0, 6.0])).unwrap();
        assert_eq!(time, Time { median: 5.0, spread: 0.2 });
        assert_eq!(time_of(&json!([])), None);
        assert_eq!(time_of(&json!(null)), None);
    }

    #[test]
    fn a_mean_divides_by_the_operations_of_its_kind() {
        let mean = Mean { instructions: [30, 10, 0], operations: [2, 2, 0], refused: 0 };
        assert_eq!((mean.per_operation(), mean.of(0), mean.of(2)), (10.0, Some(15.0), None));
    }
}
