//! `cargo xtask coverage`: how much of each library the tests on this machine run.
//!
//! The tests are built so that they count, and the counts are read by LLVM's own programs. What is counted are the lines of
//! a library's `src/` that hold code. Examples in the documentation are not counted.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use clap::Args;
use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};
use serde::Deserialize;

use crate::setup::tools::{self, COVERAGE};
use crate::steps::{Log, Outcome, Steps};
use crate::test;
use crate::workspace::Workspace;

/// The share of the lines of each library that the tests run at least, in percent.
const FLOORS: [(&str, f64); 9] = [
    ("allocator", 96.0),
    ("allocator-api", 89.5),
    ("allocator-bitmap", 97.5),
    ("allocator-buddy", 99.0),
    ("allocator-conformance", 95.5),
    ("allocator-primitives", 98.0),
    ("allocator-slab", 97.0),
    ("allocator-tlsf", 98.0),
    ("allocator-trace", 98.5),
];

/// A test of what an example of `allocator-trace` builds. No example is built here, and none counts.
const OF_AN_EXAMPLE: &str = "what_a_program_allocates_is_a_lawful_trace_of_each_process";

/// Runs the tests of the libraries and tells how many of their lines they ran.
///
/// Each library has a floor, a share of its lines in percent; one that is below it makes the command end with status 1.
/// That a line was run does not say that a test would notice if it were another: for that there is `cargo xtask mutants`.
///
/// Needs: cargo-llvm-cov and the toolchain's component llvm-tools, which `--setup` installs by cargo and rustup. Without
/// rustup, LLVM_COV and LLVM_PROFDATA may name programs of the compiler's own version of LLVM.
///
/// Takes: five minutes on two processors.
#[derive(Args, Debug)]
#[command(after_long_help = "Examples:
  cargo xtask coverage --setup     on a fresh machine
  cargo xtask coverage             afterwards

What was counted, file by file, stays as target/xtask/coverage/coverage.json, the tests' output beside it.")]
pub(crate) struct Options {
    /// Install what is missing
    #[arg(long)]
    setup: bool,
}

impl Options {
    /// Runs the command. `false`: a library is below its floor, a test failed, or nothing could be counted.
    ///
    /// # Errors
    ///
    /// No step could be begun.
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<bool> {
        if self.setup {
            try_install();
        }
        let mut steps = Steps::new(workspace, "coverage")?;
        add(&mut steps, workspace);
        Ok(steps.finish())
    }
}

/// Installs what is needed, if it can be done.
pub(crate) fn try_install() {
    COVERAGE.try_install();
    tools::try_install_readers();
}

/// Adds the step.
pub(crate) fn add(steps: &mut Steps, workspace: &Workspace) {
    steps.step("lines that the tests run", |log| match COVERAGE.lack().or_else(tools::readers_lack) {
        Some(why) => Outcome::Skipped(why),
        None => Outcome::of(count(workspace, log)),
    });
}

/// What the program writes: only what is read here.
#[derive(Debug, Deserialize)]
struct Counted {
    data: Vec<Data>,
}

#[derive(Debug, Deserialize)]
struct Data {
    files: Vec<File>,
}

#[derive(Debug, Deserialize)]
struct File {
    filename: String,
    summary: Summary,
}

#[derive(Debug, Deserialize)]
struct Summary {
    lines: Lines,
}

/// Lines that hold code, and those of them that were run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
struct Lines {
    count: u64,
    covered: u64,
}

impl Lines {
    fn percent(self) -> f64 {
        100.0 * self.covered as f64 / self.count.max(1) as f64
    }
}

fn count(workspace: &Workspace, log: &mut Log) -> Result<(), String> {
    let scratch = workspace.scratch("coverage").map_err(|error| format!("{error:#}"))?;
    let file = scratch.join("coverage.json");
    // What an earlier run left must not be taken for this one's.
    let _ = std::fs::remove_file(&file);
    let libraries = test::host_libraries(workspace);
    let args = format!("llvm-cov --profile checked --json --summary-only{libraries} --output-path");
    let mut command = workspace.cargo(&args);
    command.arg(&file).args(["--", "--skip", OF_AN_EXAMPLE]);
    log.run(command)?;
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let counted: Counted = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let lines = by_library(workspace.root(), &counted);
    let (table, below) = judged(&lines);
    log.show(&format!("{table}\n"));
    log.say(&table.to_string());
    if below.is_empty() { Ok(()) } else { Err(below.join("; ")) }
}

/// The lines of each library that has a floor.
fn by_library(root: &Path, counted: &Counted) -> BTreeMap<&'static str, Lines> {
    let mut sums = BTreeMap::new();
    for (library, _) in FLOORS {
        let source = root.join(library).join("src");
        let files = counted.data.iter().flat_map(|data| &data.files);
        let own = files.filter(|file| Path::new(&file.filename).starts_with(&source));
        let sum = own.map(|file| file.summary.lines).fold(Lines::default(), |sum, lines| Lines {
            count: sum.count + lines.count,
            covered: sum.covered + lines.covered,
        });
        sums.insert(library, sum);
    }
    sums
}

/// The table, and which libraries are below their floors, or were not counted at all.
fn judged(lines: &BTreeMap<&str, Lines>) -> (Table, Vec<String>) {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(vec!["library", "lines", "run", "percent", "floor"]);
    let mut below = Vec::new();
    for (library, floor) in FLOORS {
        let lines = lines.get(library).copied().unwrap_or_default();
        let percent = format!("{:.1}", lines.percent());
        let numbers = [lines.count.to_string(), lines.covered.to_string(), percent, format!("{floor:.1}")];
        table.add_row([library.to_owned()].into_iter().chain(numbers));
        if lines.percent() < floor {
            below.push(format!(
                "{library}: {:.1} % of the lines are run, the floor is {floor:.1} %",
                lines.percent()
            ));
        }
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    (table, below)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::{Counted, FLOORS, Lines, by_library, judged};
    use crate::workspace::Workspace;

    #[test]
    fn every_library_has_a_floor() {
        let mut libraries = Workspace::open().unwrap().libraries();
        libraries.retain(|name| name != "kernel");
        libraries.sort();
        assert_eq!(libraries, FLOORS.map(|(library, _)| library));
        assert!(FLOORS.iter().all(|(_, floor)| (50.0..=100.0).contains(floor)));
    }

    #[test]
    fn lines_are_those_of_the_library_s_own_sources() {
        let file = |name: &str, count: u64, covered: u64| {
            format!(
                r#"{{"filename":"/w/{name}","summary":{{"lines":{{"count":{count},"covered":{covered},"percent":1}}}}}}"#
            )
        };
        let files = [
            file("allocator/src/lib.rs", 10, 5),
            file("allocator/src/a/b.rs", 10, 10),
            file("allocator/tests/facade.rs", 7, 7),
            file("allocator-api/src/lib.rs", 3, 1),
        ];
        let text = format!(r#"{{"data":[{{"files":[{}],"totals":{{}}}}],"type":"x"}}"#, files.join(","));
        let counted: Counted = serde_json::from_str(&text).unwrap();
        let lines = by_library(Path::new("/w"), &counted);
        assert_eq!(lines["allocator"], Lines { count: 20, covered: 15 });
        assert_eq!(lines["allocator-api"], Lines { count: 3, covered: 1 });
    }

    #[test]
    fn a_library_below_its_floor_or_without_lines_is_told() {
        let mut lines: BTreeMap<&str, Lines> =
            FLOORS.iter().map(|(library, _)| (*library, Lines { count: 1000, covered: 1000 })).collect();
        assert_eq!(judged(&lines).1, [""; 0]);
        lines.insert("allocator-tlsf", Lines { count: 1000, covered: 100 });
        lines.remove("allocator-trace");
        let (table, below) = judged(&lines);
        assert!(below.len() == 2 && below[0].starts_with("allocator-tlsf: 10.0 %"), "{below:?}");
        assert!(table.to_string().contains("allocator-tlsf"), "{table}");
    }
}
