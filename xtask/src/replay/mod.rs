//! `cargo xtask replay`: recorded traces on every backend and peer.

mod report;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::Value;

use crate::measure::figures::{self, Mean, Time};
use crate::measure::jobs;
use crate::measure::program::{Kind, Program, Subject};
use crate::measure::table;
use crate::setup::valgrind;
use crate::workspace::Workspace;

/// Replays recorded traces on every backend and peer, and says what each costs and needs.
///
/// A trace says what a kernel or a program allocated, in which order (traces/README.md describes the format and the traces
/// that come with this project). For each allocator the table has the instructions of the mean and of the worst
/// operation, the time, the most memory asked for and used, the smallest region in which nothing is refused (found by
/// search), and how much of the free memory is in large pieces as the trace goes on.
///
/// Needs: Valgrind (`--setup` installs it by the system's package manager) and a C compiler for the hosted allocators.
/// Takes: one to six minutes for a trace of 300 000 records on two processors, half an hour for all of those in traces/.
#[derive(Args, Debug)]
#[command(after_long_help = "Examples:
  cargo xtask replay --setup                                    every trace in traces/
  cargo xtask replay traces/kernel-boot.bytes.zst               one trace
  cargo xtask replay --backend slab,talc my-kernel.bytes        two allocators

A trace's name ends in .bytes or .pages, or in .bytes.zst or .pages.zst if it is compressed.
The tables stay under target/bench/.")]
pub(crate) struct Options {
    /// Files with traces; without any, those in traces/
    #[arg(value_name = "TRACE")]
    traces: Vec<PathBuf>,
    /// Only allocators of these names
    #[arg(long, visible_alias = "subject", value_delimiter = ',', value_name = "NAME")]
    backend: Vec<String>,
    /// Seconds that one process may take
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    limit: u64,
    /// Install Valgrind if it is missing
    #[arg(long)]
    setup: bool,
}

/// Rounds of a timed trace.
const TIME_ROUNDS: usize = 7;

/// What one allocator did with one trace; the reason where a figure is missing.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) subject: Subject,
    pub(crate) mean: Result<Mean, String>,
    pub(crate) worst: Result<u64, String>,
    profile: Option<Profile>,
    /// Memory needed, divided by the most that is asked for.
    pub(crate) needed: Result<f64, String>,
    time: Option<Time>,
}

impl Row {
    /// Why the allocator is not compared with others; `None`: it replayed the whole trace.
    pub(crate) fn lack(&self) -> Option<String> {
        match &self.mean {
            Err(why) => Some(why.clone()),
            Ok(mean) if mean.refused > 0 => Some(format!("refuses {} requests in 128 MiB", mean.refused)),
            Ok(_) => None,
        }
    }
}

/// Memory over the time of a trace.
#[derive(Clone, Debug, serde::Deserialize)]
struct Profile {
    peak_requested: u64,
    peak_used: Option<u64>,
    refused: u64,
    whole: Vec<f64>,
}

/// A trace and what it asks for.
#[derive(Debug)]
pub(crate) struct Trace {
    pub(crate) path: String,
    pub(crate) name: String,
    /// `bytes` or `pages`.
    pub(crate) level: String,
    pub(crate) operations: u64,
    /// The most live at one time, in bytes or pages.
    pub(crate) peak_requested: u64,
}

impl Trace {
    /// The most live at one time, in bytes.
    pub(crate) fn peak_bytes(&self) -> u64 {
        self.peak_requested * if self.level == "pages" { 4096 } else { 1 }
    }
}

impl Options {
    /// Runs the command. `false`: a backend of ours refused a request or spoiled a block.
    ///
    /// # Errors
    ///
    /// Valgrind is missing, the measuring program cannot be built, or a file is no trace.
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<bool> {
        let traces = if self.traces.is_empty() { shipped(workspace)? } else { self.traces.clone() };
        valgrind::require(self.setup)?;
        let program = Program::build(workspace, true, Duration::from_secs(self.limit))?;
        let traces: Vec<Trace> = traces.iter().map(|path| about(&program, path)).collect::<Result<_>>()?;
        let subjects = self.subjects(program.list()?.subjects)?;
        let overhead = figures::overhead(&program)?;
        let (mut tables, mut good) = (Vec::new(), true);
        println!("{}\n", report::head());
        for trace in &traces {
            let subjects: Vec<&Subject> = subjects.iter().filter(|subject| subject.level == trace.level).collect();
            if subjects.is_empty() {
                println!("skipped: {}: none of the allocators asked for serves {}\n", trace.name, trace.level);
                continue;
            }
            let mut rows = rows(&program, trace, &subjects, overhead);
            profile(&program, trace, &mut rows);
            time(&program, trace, &mut rows);
            good &= rows.iter().all(is_good);
            let table = report::table(trace, &rows);
            println!("{}", table.markdown());
            tables.push(table);
        }
        table::write(&workspace.target().join("bench"), "replay", &report::head(), &tables)?;
        Ok(good)
    }

    fn subjects(&self, all: Vec<Subject>) -> Result<Vec<Subject>> {
        for name in &self.backend {
            ensure!(all.iter().any(|subject| subject.name == *name), "no allocator is called {name}");
        }
        let wanted = |subject: &Subject| self.backend.is_empty() || self.backend.contains(&subject.name);
        Ok(all.into_iter().filter(wanted).collect())
    }
}

/// The traces that come with the project.
///
/// # Errors
///
/// There are none.
pub(crate) fn shipped(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let directory = workspace.root().join("traces");
    let entries = std::fs::read_dir(&directory).with_context(|| format!("reading {}", directory.display()))?;
    let files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>>>()?;
    let mut traces: Vec<PathBuf> =
        files.into_iter().filter(|file| file.extension().is_some_and(|e| e == "zst")).collect();
    traces.sort();
    ensure!(!traces.is_empty(), "{} holds no traces", directory.display());
    Ok(traces)
}

/// Reads what the trace in a file asks for.
///
/// # Errors
///
/// The file is not there, or is no trace.
pub(crate) fn about(program: &Program, path: &Path) -> Result<Trace> {
    let absolute = path.canonicalize().with_context(|| format!("looking for {}", path.display()))?;
    let path = absolute.to_string_lossy().into_owned();
    let about = program.ask(&["about", "--load", &path])?;
    let number = |field: &str| about[field].as_u64().with_context(|| format!("no {field} in {about}"));
    let name = absolute.file_name().unwrap_or_default().to_string_lossy();
    Ok(Trace {
        name: name.trim_end_matches(".zst").to_owned(),
        level: about["level"].as_str().context("no level")?.to_owned(),
        operations: number("operations")?,
        peak_requested: number("peak_requested")?,
        path,
    })
}

/// What each of `subjects` does with `trace`; it is neither timed nor looked at on the way.
pub(crate) fn rows(program: &Program, trace: &Trace, subjects: &[&Subject], overhead: u64) -> Vec<Row> {
    jobs::each(
        &trace.name,
        jobs::workers(),
        subjects,
        |subject| subject.name.clone(),
        |subject| replay(program, subject, trace, overhead),
    )
}

fn replay(program: &Program, subject: &Subject, trace: &Trace, overhead: u64) -> Row {
    let (name, load) = (subject.name.as_str(), trace.path.as_str());
    let said = |error: anyhow::Error| format!("{error:#}");
    // What is not whole is not measured.
    let whole = figures::check(program, name, load).map_err(said);
    let mean = whole.and_then(|()| figures::mean(program, name, load).map_err(said));
    let go_on = || mean.as_ref().map(|_| ()).map_err(Clone::clone);
    let worst = go_on().and_then(|()| figures::worst(program, name, load, overhead).map_err(said));
    let pair = ["--subject", name, "--load", load];
    let ask = |what: &str| go_on().and_then(|()| program.ask(&[&[what], &pair[..]].concat()).map_err(said));
    let needed = if subject.kind == Kind::Hosted {
        Err("takes its memory from the operating system".to_owned())
    } else {
        ask("needed").and_then(|answer| share(&answer).ok_or_else(|| "refuses requests in 128 MiB".to_owned()))
    };
    Row { subject: subject.clone(), mean, worst, needed, profile: None, time: None }
}

/// Memory needed, divided by the most that was asked for.
fn share(answer: &Value) -> Option<f64> {
    Some(answer["bytes"].as_f64()? / answer["peak_requested_bytes"].as_f64()?)
}

/// Looks at the memory of those that can replay the trace, as it goes on.
fn profile(program: &Program, trace: &Trace, rows: &mut [Row]) {
    let able: Vec<&mut Row> = rows.iter_mut().filter(|row| row.mean.is_ok()).collect();
    let names: Vec<String> = able.iter().map(|row| row.subject.name.clone()).collect();
    let look = |name: &String| {
        let answer = program.ask(&["profile", "--subject", name, "--load", &trace.path])?;
        Ok(serde_json::from_value(answer)?)
    };
    let profiles: Vec<Result<Profile>> = jobs::each("looking", jobs::workers(), &names, String::clone, look);
    for (row, profile) in able.into_iter().zip(profiles) {
        match profile {
            Ok(profile) => row.profile = Some(profile),
            Err(error) => eprintln!("{} is not looked at: {error:#}", row.subject.name),
        }
    }
}

/// Times those that can replay the trace.
fn time(program: &Program, trace: &Trace, rows: &mut [Row]) {
    let mut able: Vec<&mut Row> = rows.iter_mut().filter(|row| row.mean.is_ok()).collect();
    let names: Vec<String> = able.iter().map(|row| row.subject.name.clone()).collect();
    let times = jobs::each(
        "timing",
        1,
        &[()],
        |()| trace.name.clone(),
        |()| figures::times(program, &names, &trace.path, TIME_ROUNDS),
    );
    match times.into_iter().next() {
        Some(Ok(times)) => able.iter_mut().zip(times).for_each(|(row, time)| row.time = time),
        Some(Err(error)) => eprintln!("{} is not timed: {error:#}", trace.name),
        None => {}
    }
}

/// Whether a backend of ours replayed the whole trace.
fn is_good(row: &Row) -> bool {
    row.subject.kind != Kind::Ours || row.mean.as_ref().is_ok_and(|mean| mean.refused == 0)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Profile, Row, Trace};
    use crate::measure::figures::{Mean, Time};
    use crate::measure::program::Subject;

    /// What an allocator did, with a figure for each thing.
    pub(crate) fn row(name: &str, kind: &str) -> Row {
        let subject: Subject =
            serde_json::from_str(&format!(r#"{{"name":"{name}","kind":"{kind}","level":"bytes","note":""}}"#))
                .unwrap();
        Row {
            subject,
            mean: Ok(Mean { instructions: [300, 100, 0], operations: [10, 10, 0], refused: 0 }),
            worst: Ok(77),
            profile: Some(Profile {
                peak_requested: 100,
                peak_used: Some(125),
                refused: 0,
                whole: vec![0.9, 0.8, 0.7],
            }),
            needed: Ok(1.2345),
            time: Some(Time { median: 4.0, spread: 0.02 }),
        }
    }

    /// A short trace of blocks.
    pub(crate) fn trace() -> Trace {
        let (path, name, level) = (String::new(), "boot.bytes".to_owned(), "bytes".to_owned());
        Trace { path, name, level, operations: 20, peak_requested: 100 }
    }
}
