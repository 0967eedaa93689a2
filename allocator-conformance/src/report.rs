//! What comes out of a case, as a line.
#![forbid(unsafe_code)]

use core::fmt;

use allocator_api::Gap;

use crate::verdict::{Failure, Step, Stop, Value};

/// How a case ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The promise is kept, as far as the case can see.
    Passed,
    /// The promise is not kept, and the allocator says so; here is why.
    Declared(&'static str),
    /// The promise is broken, or a gap was declared that is not there.
    Failed(Failure),
    /// The case could not be tried; here is why.
    Skipped(&'static str),
}

impl Outcome {
    /// The outcome of a case that ended like this, for an allocator with this gap declared for it.
    #[track_caller]
    pub(crate) fn of(verdict: Step, gap: Option<Gap>) -> Self {
        match (verdict, gap) {
            (Ok(()), None) => Self::Passed,
            (Ok(()), Some(gap)) => Self::Failed(Failure {
                input: Value::Text(gap.why),
                ..Failure::new("declared gap no longer there", Value::Text("a failure"), Value::Text("a pass"))
            }),
            (Err(Stop::Broken(failure)), None) => Self::Failed(failure),
            (Err(Stop::Broken(_) | Stop::Declared(_)), Some(gap)) => Self::Declared(gap.why),
            (Err(Stop::Mistake(failure)), _) => Self::Failed(failure),
            (Err(Stop::Declared(why)), None) => Self::Declared(why),
            (Err(Stop::Skipped(why)), _) => Self::Skipped(why),
        }
    }

    /// One word: `passed`, `declared`, `failed` or `skipped`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Declared(_) => "declared",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
        }
    }

    /// Whether the case shows a broken promise or a stale declaration.
    #[must_use]
    pub const fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

/// One case's line in the report.
///
/// # Examples
///
/// ```
/// use allocator_conformance::{Outcome, Report};
///
/// let report = Report {
///     suite: "bytes",
///     name: "every_alignment_is_honoured",
///     promise: "Every power of two is an alignment that is kept.",
///     point: 7,
///     outcome: Outcome::Passed,
/// };
/// assert_eq!(report.to_string(), "passed    bytes/every_alignment_is_honoured");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// `bytes`, `pages` or `ids`.
    pub suite: &'static str,
    /// The case's name.
    pub name: &'static str,
    /// What the case tries, in one sentence.
    pub promise: &'static str,
    /// The point of the contract that it belongs to.
    pub point: u8,
    /// How it ended.
    pub outcome: Outcome,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<9} {}/{}", self.outcome.word(), self.suite, self.name)?;
        match &self.outcome {
            Outcome::Passed => Ok(()),
            Outcome::Declared(why) | Outcome::Skipped(why) => write!(f, ": {why}"),
            Outcome::Failed(failure) => write!(f, " (point {}): {failure}", self.point),
        }
    }
}

/// How many cases ended in which way.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Summary {
    /// Cases passed.
    pub passed: usize,
    /// Cases that show a declared gap.
    pub declared: usize,
    /// Cases that show a broken promise or a stale declaration.
    pub failed: usize,
    /// Cases that could not be tried.
    pub skipped: usize,
}

impl Summary {
    /// Whether no case failed.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.failed == 0
    }

    /// Counts one more case.
    pub(crate) fn count(&mut self, outcome: &Outcome) {
        let counter = match outcome {
            Outcome::Passed => &mut self.passed,
            Outcome::Declared(_) => &mut self.declared,
            Outcome::Failed(_) => &mut self.failed,
            Outcome::Skipped(_) => &mut self.skipped,
        };
        *counter += 1;
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { passed, declared, failed, skipped } = self;
        write!(f, "{passed} passed, {declared} declared, {failed} failed, {skipped} skipped")
    }
}
