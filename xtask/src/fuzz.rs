//! `cargo xtask fuzz`: fuzz targets, with the address sanitizer watching each access.
//!
//! The targets are a workspace of their own (`fuzz/`), in the form that cargo-fuzz knows too. This command needs no more
//! than the compiler: it switches on the sanitizer and the coverage counters of the compiler in use, which a stable one
//! has as well, and hides.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::Result;
use clap::Args;

use crate::setup;
use crate::steps::{Log, Outcome, Steps};
use crate::workspace::Workspace;

/// The fuzz targets: programs of `fuzz/`.
pub(crate) const TARGETS: [&str; 4] = ["bytes", "pages", "ids", "facade"];

/// What makes a fuzz target of a program: the sanitizer, and counters at every edge. Comparisons are not traced: those of
/// the suite's own books would be most of them.
const RUSTFLAGS: &str = "-Zsanitizer=address -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=3 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
     -Ccodegen-units=1 --cfg fuzzing";

/// How long each target runs, and whether it finds its way anew.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Hunt {
    /// For these seconds, from a random number on, with all that earlier hunts found to be interesting.
    Afresh(u32),
    /// For these seconds, from the committed inputs alone and in the same order each time: what then differs is the code.
    Repeatable(u32),
}

impl Hunt {
    fn seconds(self) -> u32 {
        match self {
            Self::Afresh(seconds) | Self::Repeatable(seconds) => seconds,
        }
    }

    /// The directory for inputs that are found to be interesting, below the target directory; emptied if need be.
    fn corpus(self, scratch: &Path, target: &str) -> std::io::Result<PathBuf> {
        let corpus = match self {
            Self::Afresh(_) => scratch.join("corpus").join(target),
            Self::Repeatable(_) => scratch.join("repeated").join(target),
        };
        if matches!(self, Self::Repeatable(_)) && corpus.exists() {
            fs::remove_dir_all(&corpus)?;
        }
        fs::create_dir_all(&corpus)?;
        Ok(corpus)
    }
}

/// Bytes of the longest input.
const MOST_INPUT_BYTES: usize = 4096;

/// Runs the fuzz targets: random scripts of operations, steered by coverage, on every backend.
///
/// `bytes` tries the byte backends, `pages` the page backends, `ids` the id allocators, `facade` both levels of the facade.
/// Every answer is compared with a model; memory that an allocator may not touch is closed to it, so that an access to it is seen at once. A script
/// that fails is made smaller and printed as a test; the input stays under target/xtask/fuzz/. Debug assertions and
/// overflow checks are on. The first inputs come from fuzz/corpus/.
///
/// Needs: the Rust toolchain with the sanitizer's library, as rustup installs it for Linux, and a C++ compiler. With
/// `--setup` the compiler is installed by the system's package manager if it is missing.
///
/// Takes: a minute to build, then the given time for each target, as many at a time as there are processors.
#[derive(Args, Debug)]
#[command(after_long_help = "Examples:
  cargo xtask fuzz                         30 seconds for each target
  cargo xtask fuzz --seconds 1800 bytes    half an hour for one

The output stays under target/xtask/fuzz/, and so do the inputs that were found to be interesting.")]
pub(crate) struct Options {
    /// The targets to run; all if none is given
    #[arg(value_name = "TARGET", value_parser = TARGETS)]
    targets: Vec<String>,
    /// Seconds for each target
    #[arg(long, value_name = "N", default_value_t = 30)]
    seconds: u32,
    /// Install what is missing
    #[arg(long)]
    setup: bool,
}

impl Options {
    /// Runs the command. `false`: something was found.
    ///
    /// # Errors
    ///
    /// No step could be begun, or what is missing could not be installed.
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<bool> {
        if self.setup {
            setup::install_cpp()?;
        }
        let mut steps = Steps::new(workspace, "fuzz")?;
        let chosen = |target: &&str| self.targets.is_empty() || self.targets.iter().any(|name| name == target);
        let targets: Vec<&str> = TARGETS.into_iter().filter(chosen).collect();
        add(&mut steps, workspace, &targets, Hunt::Afresh(self.seconds));
        Ok(steps.finish())
    }
}

/// Adds the steps that build the fuzz targets and run each for some seconds, as many at a time as there are processors.
pub(crate) fn add(steps: &mut Steps, workspace: &Workspace, targets: &[&str], hunt: Hunt) {
    let mut cannot = None;
    steps.step("fuzz targets: build", |log| {
        let outcome = build(workspace, log);
        if outcome != Outcome::Passed {
            cannot = Some(outcome.clone());
        }
        outcome
    });
    let at_a_time = thread::available_parallelism().map_or(1, usize::from);
    for targets in targets.chunks(at_a_time) {
        steps.step(&format!("fuzz {}: {} s", targets.join(", "), hunt.seconds()), |log| match &cannot {
            None => Outcome::of(fuzz_together(workspace, log, targets, hunt)),
            Some(_) => Outcome::Skipped("the targets were not built".to_owned()),
        });
    }
}

/// Runs some targets at the same time.
///
/// # Errors
///
/// What each target that failed has to say.
fn fuzz_together(workspace: &Workspace, log: &mut Log, targets: &[&str], hunt: Hunt) -> Result<(), String> {
    let ends: Vec<_> = thread::scope(|scope| {
        let runs: Vec<_> = targets.iter().map(|target| scope.spawn(|| fuzz(workspace, target, hunt))).collect();
        runs.into_iter().map(|run| run.join().unwrap_or_else(|_| Err("the run panicked".to_owned()))).collect()
    });
    let reports = targets.iter().zip(ends).map(|(target, end)| end.and_then(|end| report(log, target, &end)));
    let failures: Vec<String> = reports.filter_map(Result::err).collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("; ")) }
}

/// The target triple of this machine, if the sanitizer's library for it is installed.
fn sanitized_host() -> Option<String> {
    let host = setup::host_target()?;
    let library = setup::target_libraries(&host)?;
    let names = fs::read_dir(library).ok()?.flatten().map(|entry| entry.file_name());
    names.into_iter().any(|name| name.to_string_lossy().contains("rt.asan")).then_some(host)
}

fn build(workspace: &Workspace, log: &mut Log) -> Outcome {
    let Some(host) = sanitized_host() else {
        return Outcome::Skipped("the toolchain has no address sanitizer for this machine".to_owned());
    };
    if let Err(error) = setup::require_cpp() {
        return Outcome::Skipped(format!("{error:#}").lines().next().unwrap_or_default().to_owned());
    }
    let directory = workspace.target().join("fuzz");
    let mut command = workspace.cargo("build --manifest-path fuzz/Cargo.toml --locked --release --target");
    command.arg(&host).env("CARGO_TARGET_DIR", directory);
    // The sanitizer is an unstable switch, which a stable compiler takes only when told that it may.
    command.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", RUSTFLAGS);
    Outcome::of(log.run(command))
}

/// How a target ended.
struct End {
    has_succeeded: bool,
    /// What it printed, and the file that has it.
    text: String,
    printed: PathBuf,
}

/// Runs one target. What it prints goes to a file of its own.
fn fuzz(workspace: &Workspace, target: &str, hunt: Hunt) -> Result<End, String> {
    let host = sanitized_host().ok_or("the toolchain has no address sanitizer for this machine")?;
    let scratch = workspace.scratch("fuzz").map_err(|error| format!("{error:#}"))?;
    let found = hunt.corpus(&scratch, target).map_err(|error| format!("cannot make room for inputs: {error}"))?;
    let printed = scratch.join(format!("{target}.txt"));
    let file = File::create(&printed).map_err(|error| format!("cannot write {}: {error}", printed.display()))?;
    let program = workspace.target().join("fuzz").join(host).join("release").join(target);
    let mut command = Command::new(program);
    // The first corpus takes what is found to be interesting, the second one is only read.
    command.current_dir(workspace.root()).arg(&found).arg(Path::new("fuzz/corpus").join(target));
    command.args([format!("-max_total_time={}", hunt.seconds()), format!("-max_len={MOST_INPUT_BYTES}")]);
    if let Hunt::Repeatable(_) = hunt {
        command.arg("-seed=1");
    }
    command.arg(format!("-artifact_prefix={}/{target}-", scratch.display()));
    command.env("RUST_BACKTRACE", "0").stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
    let status = command.status().map_err(|error| format!("cannot start the target {target}: {error}"))?;
    let text = fs::read_to_string(&printed).unwrap_or_default();
    Ok(End { has_succeeded: status.success(), text, printed })
}

/// Says how a target ended.
///
/// # Errors
///
/// It found something, or ran no operation.
fn report(log: &mut Log, target: &str, end: &End) -> Result<(), String> {
    let End { has_succeeded, text, printed } = end;
    log.say(text);
    match (*has_succeeded, operations(text)) {
        (true, Some(operations)) => {
            log.show(&format!("{target}: {operations} operations, nothing found\n"));
            Ok(())
        }
        (true, None) => Err(format!("the target {target} ran no operation")),
        (false, _) => {
            log.show(finding(text));
            Err(format!("the target {target} found something: {}", printed.display()))
        }
    }
}

/// The number of operations that a target says it carried out.
fn operations(text: &str) -> Option<u64> {
    text.lines().rev().find_map(|line| line.strip_prefix("operations: "))?.trim().parse().ok().filter(|n| *n > 0)
}

/// What a target says that it found: the part of its output from the panic or the sanitizer's report on.
fn finding(text: &str) -> &str {
    let starts = ["panicked at", "ERROR: AddressSanitizer"];
    let start = starts.iter().filter_map(|start| text.find(start)).min().unwrap_or(0);
    let end = text[start..].find("note: run with").map_or(text.len(), |end| start + end);
    &text[start..end]
}

#[cfg(test)]
mod tests {
    use super::{Hunt, TARGETS, finding, operations};
    use crate::workspace::Workspace;

    #[test]
    fn every_target_is_a_program_and_has_a_corpus() {
        let root = Workspace::open().unwrap().root().join("fuzz");
        for target in TARGETS {
            assert!(root.join(format!("fuzz_targets/{target}.rs")).is_file(), "{target}");
            let inputs = std::fs::read_dir(root.join("corpus").join(target)).unwrap().count();
            assert!((1..=200).contains(&inputs), "{target}: {inputs}");
        }
        assert_eq!(std::fs::read_dir(root.join("fuzz_targets")).unwrap().count(), TARGETS.len());
    }

    #[test]
    fn what_a_hunt_found_stays_and_a_repeatable_one_begins_without() {
        let directory = tempfile::tempdir().unwrap();
        for (hunt, left) in [(Hunt::Afresh(1), 1), (Hunt::Repeatable(1), 0)] {
            let first = hunt.corpus(directory.path(), "bytes").unwrap();
            std::fs::write(first.join("input"), "x").unwrap();
            let again = hunt.corpus(directory.path(), "bytes").unwrap();
            assert_eq!(again.read_dir().unwrap().count(), left, "{hunt:?}");
        }
    }

    #[test]
    fn a_run_counts_only_with_operations() {
        assert_eq!(operations("#1 INITED\nDone 12 runs in 3 seconds\noperations: 77\n"), Some(77));
        assert_eq!(operations("operations: 0\n"), None);
        assert_eq!(operations("Done 12 runs\n"), None);
    }

    #[test]
    fn a_finding_is_shown_from_its_first_word_to_its_last() {
        let text = "#2 NEW\nthread panicked at x:\nstep 1: wrong\nnote: run with RUST_BACKTRACE\n#0 0x1\n";
        assert_eq!(finding(text), "panicked at x:\nstep 1: wrong\n");
        assert_eq!(
            finding("==1==ERROR: AddressSanitizer: use-after-poison\n#0"),
            "ERROR: AddressSanitizer: use-after-poison\n#0"
        );
    }
}
