//! The matrix as text: a summary by the points of the contract, every case, and every reason.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

use super::matrix::{Mark, Matrix, Place, Report, Seen};
use crate::boot::protocol::{Outcome, Totals};
use crate::measure::table::Table;

/// The file that people read.
pub(super) const TABLES: &str = "evidence.md";

/// The points of the contract, from 1 on; a test compares them with its text.
pub(crate) const POINTS: [&str; 16] = [
    "Before any memory",
    "`init`",
    "Regions",
    "The ends of the address space",
    "No fixed capacity",
    "Size 0",
    "Alignment",
    "Blocks",
    "Huge requests",
    "`alloc_pages_at`",
    "A refusal is honest",
    "`realloc`",
    "Invalid frees",
    "Recovery",
    "Statistics",
    "No panic, no endless loop",
];

/// What the signs and their order mean, for the places of `matrix`.
pub(crate) fn legend(matrix: &Matrix) -> String {
    let places: Vec<&str> = matrix.places().iter().map(|(place, _)| place.name()).collect();
    format!(
        "In each cell: {}. ✓ every case passed · ○ every case that could be tried there passed, and some could not · d \
         declared missing, in part at least, and a case shows it · – none could be tried · ✗ broken · blank: not asked \
         of this backend.",
        places.join(", ")
    )
}

/// A row for each point of the contract, a column for each backend.
pub(crate) fn summary(matrix: &Matrix) -> Table {
    let columns = ["promise"].into_iter().chain(matrix.backends()).map(str::to_owned).collect();
    let mut table = Table::new("The contract, backend by backend", columns);
    for (point, title) in (1..).zip(POINTS) {
        let cells = matrix.backends().into_iter().map(|backend| {
            matrix.point(backend, point).into_iter().map(|(_, totals)| Mark::of(totals).sign()).collect()
        });
        table.rows.push([format!("{title} ({point})")].into_iter().chain(cells).collect());
    }
    table.notes = totals(matrix);
    table
}

/// How many cases ended in which way, place by place; or why none was tried there.
fn totals(matrix: &Matrix) -> Vec<String> {
    let all = matrix.all();
    let line = |(place, seen): &(Place, Seen)| {
        let here = all.iter().filter(|(at, _)| at == place).map(|(_, report)| report.outcome);
        let Totals { passed, declared, failed, skipped } = Totals::of(here);
        let name = place.name();
        match seen {
            Seen::Ran(_) => {
                format!("{name}: {passed} passed, {declared} declared, {failed} failed, {skipped} skipped")
            }
            Seen::Skipped(why) => format!("{name}: skipped: {why}"),
            Seen::Failed(why) => format!("{name}: FAILED: {why}"),
        }
    };
    matrix.places().iter().map(line).collect()
}

/// A row for each case of a suite, a column for each backend that has some.
fn cases(matrix: &Matrix, suite: &str) -> Table {
    let cases: Vec<&Report> = matrix.cases().into_iter().filter(|case| case.suite == suite).collect();
    let is_asked = |backend: &&str| cases.iter().any(|case| !matrix.cell(backend, case).is_empty());
    let backends: Vec<&str> = matrix.backends().into_iter().filter(is_asked).collect();
    let columns = ["case", "promise"].into_iter().chain(backends.iter().copied()).map(str::to_owned).collect();
    let mut table = Table::new(&format!("Cases of {suite}"), columns);
    for case in cases {
        let cell = |backend: &&str| {
            let cell = matrix.cell(backend, case).into_iter();
            cell.map(|(_, report)| Mark::of(Totals::of([report.outcome])).sign()).collect::<String>()
        };
        let words = [format!("{} ({})", case.case, case.point), case.promise.clone()];
        table.rows.push(words.into_iter().chain(backends.iter().map(cell)).collect());
    }
    table
}

/// Every reason why a case did not pass, with where: one line for each. Where a whole place was skipped or failed is among
/// the totals.
pub(crate) fn reasons(matrix: &Matrix, outcome: Outcome) -> Vec<String> {
    let ran = |place: Place| matrix.places().iter().any(|(at, seen)| *at == place && matches!(seen, Seen::Ran(_)));
    let mut found: Vec<(String, Vec<&str>)> = Vec::new();
    for (place, report) in matrix.all() {
        if report.outcome != outcome || !ran(place) {
            continue;
        }
        let reason = format!("{}: {}/{}: {}", report.backend, report.suite, report.case, report.why);
        match found.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, places)) => places.push(place.name()),
            None => found.push((reason, vec![place.name()])),
        }
    }
    found.into_iter().map(|(reason, places)| format!("{reason} [{}]", places.join(", "))).collect()
}

/// The whole as Markdown.
fn markdown(matrix: &Matrix) -> String {
    let mut out = format!("{}\n\n{}", legend(matrix), summary(matrix).markdown());
    for suite in ["bytes", "pages", "ids"] {
        let _ = write!(out, "\n{}", cases(matrix, suite).markdown());
    }
    for (title, outcome) in
        [("Broken", Outcome::Failed), ("Declared missing", Outcome::Declared), ("Skipped", Outcome::Skipped)]
    {
        let reasons = reasons(matrix, outcome);
        if !reasons.is_empty() {
            let _ = write!(out, "\n### {title}\n\n- {}\n", reasons.join("\n- "));
        }
    }
    out
}

/// A row for each backend, case and place.
fn all(matrix: &Matrix) -> Table {
    let columns = ["backend", "suite", "point", "case", "place", "outcome", "why"];
    let mut table = Table::new("Evidence", columns.map(str::to_owned).to_vec());
    for (place, report) in matrix.all() {
        let outcome = match report.outcome {
            Outcome::Passed => "passed",
            Outcome::Declared => "declared",
            Outcome::Failed => "failed",
            Outcome::Skipped => "skipped",
        };
        let (point, place) = (report.point.to_string(), place.name().to_owned());
        table.rows.push(vec![
            report.backend,
            report.suite,
            point,
            report.case,
            place,
            outcome.to_owned(),
            report.why,
        ]);
    }
    table
}

/// Writes [`TABLES`] and `evidence.csv` into `directory`.
///
/// # Errors
///
/// A file cannot be written.
pub(super) fn write(directory: &Path, matrix: &Matrix) -> Result<()> {
    std::fs::create_dir_all(directory).with_context(|| format!("creating {}", directory.display()))?;
    for (name, text) in [(TABLES, markdown(matrix)), ("evidence.csv", all(matrix).csv())] {
        let path = directory.join(name);
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{POINTS, reasons, summary, write};
    use crate::boot::protocol::Outcome;
    use crate::evidence::matrix::tests::matrix;

    #[test]
    fn the_points_are_those_of_the_contract() {
        let contract = include_str!("../../../allocator-conformance/src/contract.md");
        // The last two begin without a title of their own, below a heading.
        for (number, title) in (1..).zip(&POINTS[..14]) {
            assert!(contract.contains(&format!("\n{number}. **{title}**")), "{number}: {title}");
        }
        assert!(contract.contains(&format!("# {}\n\n15. ", POINTS[14])) && contract.contains("# Time\n\n16. No "));
        assert!(!contract.contains("\n17. "));
    }

    #[test]
    fn a_row_of_the_summary_shows_the_places_in_order() {
        let table = summary(&matrix());
        assert_eq!(table.columns, ["promise", "a", "b"]);
        assert_eq!(table.rows[12], ["Invalid frees (13)", "d–✗", "✓–✓"]);
        assert_eq!(table.rows[0][1..], ["", ""]);
        assert_eq!(table.notes[0], "host: 2 passed, 1 declared, 0 failed, 0 skipped");
        assert_eq!(table.notes[1], "32-bit: skipped: no linker");
    }

    #[test]
    fn a_reason_stands_once_with_its_places_and_a_skipped_place_is_not_repeated_case_by_case() {
        assert_eq!(reasons(&matrix(), Outcome::Declared), ["a: bytes/two: not, of a [host]"]);
        assert_eq!(reasons(&matrix(), Outcome::Failed), ["a: bytes/two: nothing is told of it [kernel]"]);
        assert!(reasons(&matrix(), Outcome::Skipped).is_empty());
    }

    #[test]
    fn the_files_hold_the_summary_and_every_cell() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &matrix()).unwrap();
        let read = |name| std::fs::read_to_string(directory.path().join(name)).unwrap();
        assert!(read("evidence.md").contains("### Declared missing\n\n- a: bytes/two"), "{}", read("evidence.md"));
        let cells = read("evidence.csv");
        assert!(cells.contains("a,bytes,13,two,host,declared,\"not, of a\"\n"), "{cells}");
        assert_eq!(cells.lines().count(), 10);
    }
}
