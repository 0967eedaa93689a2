//! What is known of each promise: a backend, a place, a case, and how it ended there.
//!
//! - **Place**: a kind of machine that the suite ran on.
//! - **Point**: of the contract; each case belongs to one.
//!
//! Whatever no place tells is a failure, never a blank: a cell is blank only where the promise is not asked of the backend.

use serde::{Deserialize, Serialize};

use crate::boot::protocol::{Outcome, Totals};

/// A kind of machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub(crate) enum Place {
    /// This machine.
    Host,
    /// It, with addresses of 32 bits.
    Narrow,
    /// One that stores the high byte first.
    BigEndian,
    /// A kernel on a bare machine.
    Kernel,
}

impl Place {
    /// Every place, in the order of the marks in a cell.
    pub(crate) const ALL: [Self; 4] = [Self::Host, Self::Narrow, Self::BigEndian, Self::Kernel];

    /// What it is called in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Narrow => "32-bit",
            Self::BigEndian => "big-endian",
            Self::Kernel => "kernel",
        }
    }
}

/// How a case ended with a backend at a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The feature that switches the backend on.
    pub(crate) backend: String,
    /// `bytes`, `pages` or `ids`.
    pub(crate) suite: String,
    /// The point of the contract.
    pub(crate) point: u8,
    /// The case's name.
    pub(crate) case: String,
    /// What it tries, in one sentence.
    pub(crate) promise: String,
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// Why it did not pass; empty if it did.
    pub(crate) why: String,
}

impl Report {
    /// Whether both are of the same case with the same backend.
    pub(crate) fn is_of(&self, other: &Self) -> bool {
        (&self.backend, &self.suite, &self.case) == (&other.backend, &other.suite, &other.case)
    }
}

/// What came of a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Seen {
    /// The suite ran.
    Ran(Vec<Report>),
    /// It did not: why.
    Skipped(String),
    /// It did not run to its end: why.
    Failed(String),
}

/// Every promise, with every backend, at every place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Matrix {
    /// What is asked of which backend: how each case ended on the host.
    asked: Vec<Report>,
    places: Vec<(Place, Seen)>,
}

impl Matrix {
    /// The matrix of what the host told, and what came of the other places.
    pub(crate) fn new(host: Vec<Report>, others: Vec<(Place, Seen)>) -> Self {
        let places = [(Place::Host, Seen::Ran(host.clone()))].into_iter().chain(others).collect();
        Self { asked: host, places }
    }

    /// What came of each place.
    pub(crate) fn places(&self) -> &[(Place, Seen)] {
        &self.places
    }

    /// The backends, in order.
    pub(crate) fn backends(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for report in &self.asked {
            if !names.contains(&report.backend.as_str()) {
                names.push(&report.backend);
            }
        }
        names
    }

    /// Each case once, in the order of suites and points.
    pub(crate) fn cases(&self) -> Vec<&Report> {
        let mut cases: Vec<&Report> = Vec::new();
        for report in &self.asked {
            if !cases.iter().any(|known| (&known.suite, &known.case) == (&report.suite, &report.case)) {
                cases.push(report);
            }
        }
        cases
    }

    /// How a case ended with a backend, at each place; empty if it is not asked of the backend.
    pub(crate) fn cell(&self, backend: &str, case: &Report) -> Vec<(Place, Report)> {
        let wanted = Report { backend: backend.to_owned(), ..case.clone() };
        if !self.asked.iter().any(|asked| asked.is_of(&wanted)) {
            return Vec::new();
        }
        self.places.iter().map(|(place, seen)| (*place, ended(seen, &wanted))).collect()
    }

    /// How the cases of a point ended with a backend, counted for each place; empty if none is asked of the backend.
    pub(crate) fn point(&self, backend: &str, point: u8) -> Vec<(Place, Totals)> {
        let cases: Vec<&Report> = self.cases().into_iter().filter(|case| case.point == point).collect();
        let ended: Vec<_> = cases.into_iter().flat_map(|case| self.cell(backend, case)).collect();
        let counted = |place: Place| {
            let here = ended.iter().filter(|(at, _)| *at == place);
            (place, Totals::of(here.map(|(_, report)| report.outcome)))
        };
        if ended.is_empty() { Vec::new() } else { self.places.iter().map(|(place, _)| counted(*place)).collect() }
    }

    /// How every case ended with every backend at every place.
    pub(crate) fn all(&self) -> Vec<(Place, Report)> {
        let cases = self.cases();
        let pairs = self.backends().into_iter().flat_map(|backend| cases.iter().map(move |case| (backend, *case)));
        pairs.flat_map(|(backend, case)| self.cell(backend, case)).collect()
    }
}

/// How the case and backend of `wanted` ended at a place of which `seen` came.
fn ended(seen: &Seen, wanted: &Report) -> Report {
    let with = |outcome, why: &str| Report { outcome, why: why.to_owned(), ..wanted.clone() };
    match seen {
        Seen::Ran(reports) => {
            let found = reports.iter().find(|report| report.is_of(wanted)).cloned();
            found.unwrap_or_else(|| with(Outcome::Failed, "nothing is told of it"))
        }
        Seen::Skipped(why) => with(Outcome::Skipped, why),
        Seen::Failed(why) => with(Outcome::Failed, why),
    }
}

/// What several cases show together: the worst of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Every case passed.
    Kept,
    /// What was tried passed, and some could not be tried.
    KeptInPart,
    /// One shows what the backend declares that it does not keep.
    Declared,
    /// One failed.
    Broken,
    /// Nothing was tried.
    Skipped,
}

impl Mark {
    /// The mark of what was counted.
    pub(crate) fn of(totals: Totals) -> Self {
        match totals {
            Totals { failed: 1.., .. } => Self::Broken,
            Totals { declared: 1.., .. } => Self::Declared,
            Totals { passed: 1.., skipped: 0, .. } => Self::Kept,
            Totals { passed: 1.., .. } => Self::KeptInPart,
            Totals { .. } => Self::Skipped,
        }
    }

    /// Its sign in a table.
    pub(crate) fn sign(self) -> char {
        match self {
            Self::Kept => '✓',
            Self::KeptInPart => '○',
            Self::Declared => 'd',
            Self::Broken => '✗',
            Self::Skipped => '–',
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Mark, Matrix, Place, Report, Seen};
    use crate::boot::protocol::{Outcome, Totals};

    /// A report of a case of point 13.
    pub(crate) fn report(backend: &str, case: &str, outcome: Outcome, why: &str) -> Report {
        let [backend, case, why] = [backend, case, why].map(str::to_owned);
        Report { backend, suite: "bytes".into(), point: 13, case, promise: "It holds.".into(), outcome, why }
    }

    /// Two backends, of which one is asked for less; one place that is skipped and one that tells too little.
    pub(crate) fn matrix() -> Matrix {
        let host = vec![
            report("a", "one", Outcome::Passed, ""),
            report("a", "two", Outcome::Declared, "not, of a"),
            report("b", "one", Outcome::Passed, ""),
        ];
        let kernel = vec![report("a", "one", Outcome::Passed, ""), report("b", "one", Outcome::Passed, "")];
        let narrow = Seen::Skipped("no linker".into());
        Matrix::new(host, vec![(Place::Narrow, narrow), (Place::Kernel, Seen::Ran(kernel))])
    }

    #[test]
    fn what_a_place_does_not_tell_is_a_failure_and_what_is_not_asked_is_blank() {
        let matrix = matrix();
        let cases = matrix.cases();
        let outcomes = |backend: &str, case: usize| -> Vec<Outcome> {
            matrix.cell(backend, cases[case]).into_iter().map(|(_, report)| report.outcome).collect()
        };
        assert_eq!(outcomes("a", 0), [Outcome::Passed, Outcome::Skipped, Outcome::Passed]);
        assert_eq!(outcomes("a", 1), [Outcome::Declared, Outcome::Skipped, Outcome::Failed]);
        assert!(outcomes("b", 1).is_empty());
        assert_eq!(matrix.all().len(), 9);
    }

    #[test]
    fn a_point_counts_its_cases_at_each_place() {
        let marks = |backend, point| -> Vec<Mark> {
            matrix().point(backend, point).into_iter().map(|(_, totals)| Mark::of(totals)).collect()
        };
        assert_eq!(marks("a", 13), [Mark::Declared, Mark::Skipped, Mark::Broken]);
        assert_eq!(marks("b", 13), [Mark::Kept, Mark::Skipped, Mark::Kept]);
        assert!(marks("a", 1).is_empty());
    }

    #[test]
    fn the_worst_of_a_point_is_its_mark_and_a_skip_never_looks_like_a_pass() {
        let mark = |passed, declared, failed, skipped| Mark::of(Totals { passed, declared, failed, skipped });
        assert_eq!(mark(9, 9, 1, 9), Mark::Broken);
        assert_eq!(mark(9, 1, 0, 9), Mark::Declared);
        assert_eq!(mark(9, 0, 0, 1), Mark::KeptInPart);
        assert_eq!(mark(1, 0, 0, 0), Mark::Kept);
        assert_eq!(mark(0, 0, 0, 9), Mark::Skipped);
    }
}
