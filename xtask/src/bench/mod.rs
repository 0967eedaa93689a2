//! `cargo xtask bench`: every backend beside its peers, on workloads that repeat exactly.

mod baseline;
mod report;

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use crate::measure::figures::{self, Mean, Time};
use crate::measure::jobs;
use crate::measure::program::{Kind, List, Load, Program, Subject};
use crate::measure::table;
use crate::setup::valgrind;
use crate::steps::{Log, Outcome};
use crate::workspace::Workspace;

/// Measures every backend beside other allocators, and prints and writes tables.
///
/// Instructions are counted by callgrind, one process for each allocator and workload, and repeat exactly; times are taken
/// in turns and are good for ratios within one run. Every workload is first played with a look at every block. An allocator
/// that cannot do a workload, or takes longer than the limit, is listed with the reason.
///
/// `--check` counts what bench/baseline.csv holds and fails if a count has grown by more than 2 %. Counts depend on the
/// compiler: with another one than the baseline's, the check is skipped and says so.
///
/// Needs: Valgrind (`--setup` installs it by the system's package manager) and, for the hosted allocators, a C compiler.
/// Takes: about 15 minutes for everything on two processors, two minutes with `--subset`, one with `--check`.
#[derive(Args, Debug)]
#[command(after_long_help = "Examples:
  cargo xtask bench --setup                                everything
  cargo xtask bench --subset                               our backends, on the workloads of the baseline
  cargo xtask bench --subject tlsf,rlsf --load ping        two allocators, every workload with `ping` in its name
  cargo xtask bench --figure instructions --level pages    one table
  cargo xtask bench --check                                has anything become slower
  cargo xtask bench --update-baseline                      accept the counts as they are

The tables stay under target/bench/.")]
pub(crate) struct Options {
    /// Compare the counts with bench/baseline.csv; fail if one has grown by more than 2 %
    #[arg(long, conflicts_with_all = ["subject", "load", "figure", "level"])]
    check: bool,
    /// Count, and write bench/baseline.csv
    #[arg(long, conflicts_with_all = ["check", "subject", "load", "figure", "level"])]
    update_baseline: bool,
    /// Only our backends, on the workloads of the baseline
    #[arg(long)]
    subset: bool,
    /// Only allocators of these names
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    subject: Vec<String>,
    /// Only workloads whose names contain one of these
    #[arg(long, value_delimiter = ',', value_name = "PART")]
    load: Vec<String>,
    /// Only these figures
    #[arg(long, value_delimiter = ',')]
    figure: Vec<Figure>,
    /// Only this level: bytes or pages
    #[arg(long, value_name = "LEVEL", value_parser = ["bytes", "pages"])]
    level: Option<String>,
    /// Seconds that one process may take
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    limit: u64,
    /// Install Valgrind if it is missing
    #[arg(long)]
    setup: bool,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Figure {
    /// Place, alignment and content of every block
    Check,
    /// Instructions of the mean operation
    Instructions,
    /// Instructions of the worst single operation
    Worst,
    /// Share of the memory that can be asked for
    Efficiency,
    /// Times, as ratios
    Time,
    /// Bytes that the allocator needs for itself
    Records,
}

/// Rounds of a timed load.
const TIME_ROUNDS: usize = 9;

/// One allocator on one workload.
#[derive(Clone, Debug)]
struct Pair {
    subject: Subject,
    load: Load,
}

impl Pair {
    fn name(&self) -> String {
        format!("{} · {}", self.subject.name, self.load.name)
    }

    fn key(&self) -> Key {
        (self.load.name.clone(), self.subject.name.clone())
    }
}

/// A workload and an allocator.
type Key = (String, String);

/// What was measured, or why not.
type Found<T> = BTreeMap<Key, Result<T, String>>;

/// All figures of one run.
#[derive(Debug, Default)]
struct Figures {
    checks: Found<()>,
    means: Found<Mean>,
    worst: Found<u64>,
    filled: Found<f64>,
    times: Found<Time>,
    records: Found<(u64, Option<u64>)>,
}

impl Figures {
    /// The figure that the pair's workload is there for, unless a block was not whole.
    fn of(&self, pair: &Pair) -> Option<f64> {
        let key = pair.key();
        self.checks.get(&key)?.as_ref().ok()?;
        match pair.load.figure.as_str() {
            "efficiency" => self.filled.get(&key)?.as_ref().ok().copied(),
            "worst" => self.worst.get(&key)?.as_ref().ok().map(|count| *count as f64),
            _ => self.means.get(&key)?.as_ref().ok().map(Mean::per_operation),
        }
    }
}

impl Options {
    /// Runs the command. `false`: a count has grown.
    ///
    /// # Errors
    ///
    /// Valgrind is missing, the measuring program cannot be built, or nothing is left to measure.
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<bool> {
        let baseline = baseline::path(workspace);
        if self.check
            && let Some(why) = baseline::other_compiler(&baseline)?
        {
            println!("skipped: {why}");
            return Ok(true);
        }
        valgrind::require(self.setup)?;
        let small = self.subset || self.check || self.update_baseline;
        let program = Program::build(workspace, !small, Duration::from_secs(self.limit))?;
        let list = program.list()?;
        let pairs = self.pairs(&list, small);
        ensure!(!pairs.is_empty(), "no allocator and workload of these names and level");
        if self.check || self.update_baseline {
            let figures = measure(&program, &pairs, &[Figure::Instructions, Figure::Worst])?;
            return if self.check {
                baseline::compare(&baseline, &figures)
            } else {
                baseline::write(&baseline, &figures)
            };
        }
        let wanted = if self.figure.is_empty() { Figure::value_variants() } else { &self.figure };
        let figures = measure(&program, &pairs, wanted)?;
        let tables = report::tables(&list, &figures);
        println!("{}\n", report::head());
        tables.iter().for_each(|table| println!("{}", table.markdown()));
        table::write(&workspace.target().join("bench"), "bench", &report::head(), &tables)?;
        Ok(true)
    }

    fn pairs(&self, list: &List, small: bool) -> Vec<Pair> {
        let is_wanted = |name: &String, wanted: &[String]| wanted.is_empty() || wanted.contains(name);
        let mut pairs = Vec::new();
        for load in &list.loads {
            let named = self.load.is_empty() || self.load.iter().any(|part| load.name.contains(part.as_str()));
            let level = self.level.as_ref().is_none_or(|level| *level == load.level);
            if !(named && level && (!small || baseline::LOADS.contains(&load.name.as_str()))) {
                continue;
            }
            for subject in list.subjects.iter().filter(|subject| subject.level == load.level) {
                if is_wanted(&subject.name, &self.subject) && (!small || subject.kind == Kind::Ours) {
                    pairs.push(Pair { subject: subject.clone(), load: load.clone() });
                }
            }
        }
        pairs
    }
}

/// A workload, and for each allocator that can do it the figure it is there for: instructions, or a share of the memory.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    pub(crate) load: Load,
    pub(crate) found: Vec<(Subject, f64)>,
}

/// Every workload on every allocator; nothing is timed. What is not whole, or cannot do a workload, is not among its figures.
///
/// # Errors
///
/// The program does not count.
pub(crate) fn every_workload(program: &Program, list: &List) -> Result<Vec<Workload>> {
    let pairs_of = |load: &Load| -> Vec<Pair> {
        let able = list.subjects.iter().filter(|subject| subject.level == load.level);
        able.map(|subject| Pair { subject: subject.clone(), load: load.clone() }).collect()
    };
    let pairs: Vec<Pair> = list.loads.iter().flat_map(pairs_of).collect();
    let wanted = [Figure::Check, Figure::Instructions, Figure::Worst, Figure::Efficiency];
    let figures = measure(program, &pairs, &wanted)?;
    let found = |load: &Load| {
        let measured = |pair: Pair| Some((figures.of(&pair)?, pair.subject));
        pairs_of(load).into_iter().filter_map(measured).map(|(value, subject)| (subject, value)).collect()
    };
    Ok(list.loads.iter().map(|load| Workload { load: load.clone(), found: found(load) }).collect())
}

/// `cargo xtask bench --check` as a step of a longer run: skipped, not passed, where the counts cannot be compared.
pub(crate) fn check_step(workspace: &Workspace, log: &mut Log) -> Outcome {
    match baseline::other_compiler(&baseline::path(workspace)) {
        Ok(Some(why)) => Outcome::Skipped(why),
        Ok(None) => {
            let program =
                std::env::current_exe().map_err(|error| format!("the runner does not find itself: {error}"));
            Outcome::of(program.and_then(|program| {
                let mut command = Command::new(program);
                command.args(["bench", "--check"]);
                log.run(command)
            }))
        }
        Err(error) => Outcome::Failed(format!("{error:#}")),
    }
}

/// Measures `wanted` of every pair.
fn measure(program: &Program, pairs: &[Pair], wanted: &[Figure]) -> Result<Figures> {
    let mut figures = Figures::default();
    let (fills, others): (Vec<Pair>, Vec<Pair>) =
        pairs.iter().cloned().partition(|pair| pair.load.figure == "efficiency");
    let worst: Vec<Pair> = others.iter().filter(|pair| pair.load.figure == "worst").cloned().collect();
    // A hosted allocator takes its memory elsewhere: no region is filled.
    let fills: Vec<Pair> = fills.into_iter().filter(|pair| pair.subject.kind != Kind::Hosted).collect();
    if wanted.contains(&Figure::Check) {
        figures.checks =
            all("checking", pairs, |pair| figures::check(program, &pair.subject.name, &pair.load.name));
    }
    if wanted.contains(&Figure::Instructions) {
        figures.means =
            all("counting", &others, |pair| figures::mean(program, &pair.subject.name, &pair.load.name));
    }
    if wanted.contains(&Figure::Worst) && !worst.is_empty() {
        let overhead = figures::overhead(program)?;
        figures.worst = all("worst operation", &worst, |pair| {
            figures::worst(program, &pair.subject.name, &pair.load.name, overhead)
        });
    }
    if wanted.contains(&Figure::Efficiency) {
        figures.filled =
            all("filling", &fills, |pair| figures::number(program, "filled", &pair.subject.name, &pair.load.name));
    }
    if wanted.contains(&Figure::Records) {
        figures.records = all("records", &first_loads(pairs), |pair| records(program, pair));
    }
    if wanted.contains(&Figure::Time) {
        // What failed or took too long above is not tried again, in turns with the others.
        let failed = |pair: &&Pair| figures.means.get(&pair.key()).is_some_and(Result::is_err);
        let able: Vec<Pair> = others.iter().filter(|pair| !failed(pair)).cloned().collect();
        figures.times = time(program, &able);
    }
    Ok(figures)
}

/// Does `work` for all pairs in parallel.
fn all<T: Send>(title: &str, pairs: &[Pair], work: impl Fn(&Pair) -> Result<T> + Sync) -> Found<T> {
    let found = jobs::each(title, jobs::workers(), pairs, Pair::name, |pair| {
        work(pair).map_err(|error| format!("{error:#}"))
    });
    pairs.iter().map(Pair::key).zip(found).collect()
}

/// Each allocator once, on its first workload.
fn first_loads(pairs: &[Pair]) -> Vec<Pair> {
    let mut seen = Vec::new();
    let first = pairs.iter().filter(|pair| {
        let new = !seen.contains(&&pair.subject.name);
        seen.push(&pair.subject.name);
        new && pair.subject.kind != Kind::Hosted
    });
    first.cloned().collect()
}

fn records(program: &Program, pair: &Pair) -> Result<(u64, Option<u64>)> {
    let answer = program.ask(&["records", "--subject", &pair.subject.name, "--load", &pair.load.name])?;
    Ok((answer["value_bytes"].as_u64().context("no size of the value")?, answer["used"].as_u64()))
}

/// Times one workload after the other, alone on the machine as far as this program decides.
fn time(program: &Program, pairs: &[Pair]) -> Found<Time> {
    let mut by_load: Vec<(String, Vec<String>)> = Vec::new();
    for pair in pairs {
        match by_load.last_mut() {
            Some((load, subjects)) if *load == pair.load.name => subjects.push(pair.subject.name.clone()),
            _ => by_load.push((pair.load.name.clone(), vec![pair.subject.name.clone()])),
        }
    }
    let times = jobs::each(
        "timing",
        1,
        &by_load,
        |(load, _)| load.clone(),
        |(load, subjects)| {
            figures::times(program, subjects, load, TIME_ROUNDS).map_err(|error| format!("{error:#}"))
        },
    );
    let mut found = Found::new();
    for ((load, subjects), times) in by_load.into_iter().zip(times) {
        for (n, subject) in subjects.into_iter().enumerate() {
            let time = times.clone().and_then(|times| times[n].ok_or_else(|| "cannot do this".to_owned()));
            found.insert((load.clone(), subject), time);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Figures, Load, Mean, Pair, Subject};

    fn pair(figure: &str) -> Pair {
        let subject = Subject {
            name: "mine".to_owned(),
            kind: super::Kind::Ours,
            level: "bytes".to_owned(),
            note: String::new(),
        };
        let load = Load {
            name: "load".to_owned(),
            level: "bytes".to_owned(),
            figure: figure.to_owned(),
            about: String::new(),
        };
        Pair { subject, load }
    }

    #[test]
    fn a_pair_has_the_figure_its_workload_is_for_unless_a_block_was_not_whole() {
        let key = pair("mean").key();
        let mut figures = Figures::default();
        let mean = Mean { instructions: [300, 100, 0], operations: [4, 4, 0], refused: 0 };
        figures.means.insert(key.clone(), Ok(mean));
        figures.worst.insert(key.clone(), Ok(77));
        figures.filled.insert(key.clone(), Ok(0.5));
        let of = |figures: &Figures| ["mean", "worst", "efficiency"].map(|figure| figures.of(&pair(figure)));
        assert_eq!(of(&figures), [None; 3], "nothing says that the blocks were whole");
        figures.checks.insert(key.clone(), Ok(()));
        assert_eq!(of(&figures), [Some(50.0), Some(77.0), Some(0.5)]);
        figures.checks.insert(key, Err("overlaps".to_owned()));
        assert_eq!(of(&figures), [None; 3]);
    }
}
