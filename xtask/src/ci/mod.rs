//! `cargo xtask ci`: every check that a change has to pass, in one run.
//!
//! All host builds share one target directory, and only two cost much: what clippy and the debug tests need. Kernels
//! have another; their clippy run and the images share it.

pub(crate) mod features;

use std::process::Command;

use anyhow::Result;
use clap::Args;

use self::features::{libraries_with_features, selection, small_sets};
use crate::boot::backend::{Backends, ByteBackend, PageBackend};
use crate::boot::image::kernel_cargo;
use crate::boot::memory::MachineMemory;
use crate::boot::scenario::{Provocation, Scenario};
use crate::boot::{Plan, Verdict, boot_all, report};
use crate::fuzz::Hunt;
use crate::setup;
use crate::steps::{Log, Outcome, Steps};
use crate::workspace::Workspace;
use crate::{bench, fuzz, test, tidy};

/// The target on which the libraries prove that they need no `std`.
const BARE_TARGET: &str = "x86_64-unknown-none";

/// Memory of the machines that every backend boots on, in MiB: little, and above the hole below 4 GiB.
const MACHINES_MIB: [u64; 2] = [64, 6 << 10];

/// Seconds for each fuzz target.
const FUZZ_SECONDS: u32 = 30;

/// Runs every check that a change has to pass.
///
/// Lockfile, format, house rules (tidy), clippy with warnings denied without features, with each and with all, documentation with broken
/// links denied, tests in debug and release, builds without `std`, instruction counts against the baseline, half a minute of
/// each fuzz target, the kernel's own lints, boots of every backend with 64M and 6G of memory, and boots with a
/// provoked failure. A step that fails does not stop the others. The last line is `N passed, N failed, N skipped`; the
/// status is 1 if a step failed.
///
/// Needs: the Rust toolchain with rustfmt and clippy, QEMU, Valgrind, a C++ compiler (without it the fuzz targets are
/// skipped), and the target x86_64-unknown-none (without it the build for it is skipped). With `--setup`, what is missing
/// is installed: QEMU, Valgrind and the compiler by the system's package manager, the rest by rustup.
///
/// Takes: a good quarter of an hour from clean on two processors.
#[derive(Args, Debug)]
#[command(after_long_help = "Examples:
  cargo xtask ci --setup     on a fresh machine
  cargo xtask ci             afterwards

The output of each step stays under target/xtask/ci/, the serial logs under target/xtask/boot/.")]
pub(crate) struct Options {
    /// Install what is missing
    #[arg(long)]
    setup: bool,
}

impl Options {
    /// Runs the command. `false`: a step failed.
    ///
    /// # Errors
    ///
    /// No step could be begun.
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<bool> {
        let mut steps = Steps::new(workspace, "ci")?;
        if self.setup {
            steps.step("setup", |_| Outcome::of(set_up()));
        }
        texts(&mut steps, workspace);
        lints(&mut steps, workspace);
        builds_and_tests(&mut steps, workspace);
        fuzz::add(&mut steps, workspace, &fuzz::TARGETS, Hunt::Repeatable(FUZZ_SECONDS));
        boots(&mut steps, workspace);
        Ok(steps.finish())
    }
}

/// Installs what the steps need. A target that cannot be had is no failure: its step says that it was skipped.
fn set_up() -> Result<(), String> {
    let installed = setup::install_components()
        .and_then(|()| setup::install_qemu())
        .and_then(|()| setup::valgrind::require(true))
        .and_then(|()| setup::install_cpp());
    setup::try_install_target(BARE_TARGET);
    installed.map_err(|error| format!("{error:#}"))
}

fn texts(steps: &mut Steps, workspace: &Workspace) {
    steps.step("lockfile", |log| Outcome::of(log.run(workspace.cargo("fetch --locked"))));
    steps.step("format", |log| {
        let formats = ["fmt --all --check", "fmt --check --manifest-path fuzz/Cargo.toml"];
        with_components(log, formats.map(|args| workspace.cargo(args)).into())
    });
    steps.step("tidy", |log| Outcome::of(tidy::check_into(workspace, log)));
}

fn lints(steps: &mut Steps, workspace: &Workspace) {
    let all = format!("--workspace{}", test::host_features(workspace));
    steps.step("clippy: the workspace", |log| with_components(log, vec![clippy(workspace, &all)]));
    steps.step("clippy: the fuzz targets", |log| {
        let selected = "--manifest-path fuzz/Cargo.toml --locked --features valgrind";
        let mut command = clippy(workspace, selected);
        command.env("CARGO_TARGET_DIR", workspace.target().join("fuzz"));
        with_components(log, vec![command])
    });
    for member in libraries_with_features(workspace) {
        steps.step(&format!("clippy: feature sets of {member}"), |log| {
            let sets = small_sets(&workspace.features(&member)).into_iter();
            with_components(log, sets.map(|set| clippy(workspace, &selection(&member, &set))).collect())
        });
    }
    steps.step("clippy: kernels as they boot", |log| {
        let recording = Backends::each().into_iter().take(1).map(|backends| (backends, true));
        let builds = Backends::each().into_iter().map(|backends| (backends, false)).chain(recording);
        let commands = builds.map(|(backends, recording)| {
            let mut command = kernel_cargo(workspace, "clippy", backends, recording);
            command.args(["--", "-D", "warnings"]);
            command
        });
        with_components(log, commands.collect())
    });
}

fn builds_and_tests(steps: &mut Steps, workspace: &Workspace) {
    steps.step("documentation", |log| {
        let mut command = workspace.cargo(&format!("doc --workspace --no-deps{}", test::host_features(workspace)));
        command.env("RUSTDOCFLAGS", "-D warnings");
        Outcome::of(log.run(command))
    });
    for release in [false, true] {
        test::add(steps, workspace, None, release);
    }
    steps.step("builds without std", |log| without_std(workspace, log));
    steps.step("instruction counts against the baseline", |log| bench::check_step(workspace, log));
}

/// Builds every library for a target that has no `std`, with no feature and with all.
fn without_std(workspace: &Workspace, log: &mut Log) -> Outcome {
    if !setup::has_target(BARE_TARGET) {
        return Outcome::Skipped(format!(
            "target {BARE_TARGET} is not installed (rustup target add {BARE_TARGET}); the kernels are without std too"
        ));
    }
    let packages: String = workspace.libraries().iter().map(|name| format!(" --package {name}")).collect();
    let build = |rest: &str| workspace.cargo(&format!("build --lib{packages} --target {BARE_TARGET}{rest}"));
    let libraries = workspace.libraries();
    let all = test::features_of(workspace, libraries.iter().map(|name| name.as_ref()));
    Outcome::of(log.run_all(vec![build(" --no-default-features"), build(&all)]))
}

fn boots(steps: &mut Steps, workspace: &Workspace) {
    for mib in MACHINES_MIB {
        let plans = plans(mib, &Backends::each(), &[Scenario::Normal]);
        boot_step(steps, workspace, &format!("boots with {mib} MiB of memory"), plans);
    }
    let one = Backends { byte: ByteBackend::Slab, page: PageBackend::Bitmap };
    boot_step(
        steps,
        workspace,
        "boots with provoked failures",
        plans(512, &[one], &Scenario::provoked(Provocation::All)),
    );
    boot_step(steps, workspace, "boot that records what it allocates", plans(512, &[one], &[Scenario::Recorded]));
}

/// Every scenario with every pair of backends, on a machine with `mib` MiB.
pub(crate) fn plans(mib: u64, backends: &[Backends], scenarios: &[Scenario]) -> Result<Vec<Plan>, String> {
    let memory = MachineMemory::from_mib(mib)?;
    let of = |&backends: &Backends| scenarios.iter().map(move |&scenario| Plan { backends, memory, scenario });
    Ok(backends.iter().flat_map(of).collect())
}

/// Adds a step of boots. One boot that was skipped makes the step a skipped one: it did not show all that it names.
pub(crate) fn boot_step(steps: &mut Steps, workspace: &Workspace, name: &str, plans: Result<Vec<Plan>, String>) {
    steps.step(name, |log| {
        let booted =
            plans.and_then(|plans| boot_all(workspace, &plans, false).map_err(|error| format!("{error:#}")));
        let boots = match booted {
            Ok(boots) => boots,
            Err(why) => return Outcome::Failed(why),
        };
        log.say(&report::text(&boots));
        log.show(&report::figures(&boots));
        outcome(boots.into_iter().map(|boot| (boot.plan.to_string(), boot.verdict)).collect())
    });
}

/// What a series of boots comes to.
fn outcome(verdicts: Vec<(String, Verdict)>) -> Outcome {
    let mut passed = 0;
    let mut failed = Vec::new();
    let mut skipped = Vec::new();
    for (plan, verdict) in verdicts {
        match verdict {
            Verdict::Passed => passed += 1,
            Verdict::Failed(_) => failed.push(plan),
            Verdict::Skipped(why) => skipped.push(format!("{plan}: {why}")),
        }
    }
    match skipped.into_iter().next() {
        _ if !failed.is_empty() => Outcome::Failed(failed.join(", ")),
        Some(why) => Outcome::Skipped(format!("{why} ({passed} passed)")),
        None if passed == 0 => Outcome::Failed("nothing was booted".to_owned()),
        None => Outcome::Passed,
    }
}

fn clippy(workspace: &Workspace, selected: &str) -> Command {
    workspace.cargo(&format!("clippy {selected} --all-targets -- -D warnings"))
}

/// Runs commands that need rustfmt or clippy.
fn with_components(log: &mut Log, commands: Vec<Command>) -> Outcome {
    let there = setup::require_components().map_err(|error| format!("{error:#}"));
    Outcome::of(there.and_then(|()| log.run_all(commands)))
}

#[cfg(test)]
mod tests {
    use super::{MACHINES_MIB, outcome, plans};
    use crate::boot::Verdict;
    use crate::boot::backend::Backends;
    use crate::boot::scenario::{Provocation, Scenario};
    use crate::steps::Outcome;

    fn verdicts(list: &[Verdict]) -> Vec<(String, Verdict)> {
        list.iter().enumerate().map(|(at, verdict)| (format!("boot{at}"), verdict.clone())).collect()
    }

    #[test]
    fn every_machine_boots_every_backend() {
        for mib in MACHINES_MIB {
            assert_eq!(plans(mib, &Backends::each(), &[Scenario::Normal]).unwrap().len(), 6);
        }
        assert_eq!(plans(512, &Backends::each()[..1], &Scenario::provoked(Provocation::All)).unwrap().len(), 5);
        assert!(plans(1, &Backends::each(), &[Scenario::Normal]).is_err());
    }

    #[test]
    fn boots_pass_only_if_some_were_done_and_none_failed_or_was_skipped() {
        let (passed, failed) = (Verdict::Passed, Verdict::Failed(vec!["x".into()]));
        let skipped = Verdict::Skipped("no memory".into());
        assert_eq!(outcome(verdicts(&[passed.clone(), passed.clone()])), Outcome::Passed);
        assert!(matches!(outcome(Vec::new()), Outcome::Failed(_)));
        let mixed = outcome(verdicts(&[passed.clone(), failed, skipped.clone()]));
        assert_eq!(mixed, Outcome::Failed("boot1".to_owned()));
        assert_eq!(
            outcome(verdicts(&[passed, skipped])),
            Outcome::Skipped("boot1: no memory (1 passed)".to_owned())
        );
    }
}
