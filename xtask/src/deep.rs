//! `cargo xtask deep`: checks that are too slow for every change.

use anyhow::Result;
use clap::Args;

use crate::boot::backend::Backends;
use crate::boot::scenario::{Provocation, Scenario};
use crate::ci::features::{power_set, selection};
use crate::ci::{boot_step, plans};
use crate::fuzz::Hunt;
use crate::setup::{foreign, tools};
use crate::steps::{Log, Outcome, Steps};
use crate::test;
use crate::workspace::Workspace;
use crate::{checkers, coverage, evidence, fuzz, miri, mutants, proofs, report, setup};

/// Memory of the machines that every backend boots on, in MiB.
const MACHINES_MIB: [u64; 5] = [64, 512, 1 << 10, 4 << 10, 8 << 10];

/// Seconds for each fuzz target.
const FUZZ_SECONDS: u32 = 300;

/// How much more the tests by machine try than in every run of the tests.
const EFFORT: &str = "20";

/// Runs the checks that are too slow for every change.
///
/// Boots of every backend with 64M, 512M, 1G, 4G and 8G of memory, boots with every provoked failure on every backend,
/// every subset of the features of `allocator`, the tests as 32-bit programs, `evidence` of every promise at every place, the page
/// of `report` in a browser, what `miri` runs, proofs of arithmetic for
/// all values by z3, release tests with the compiler's checks for undefined behaviour, provenance lints, scripts under
/// Valgrind, more random scripts and larger heaps, lines that the tests run (`coverage`), changes to the code that they should
/// notice (`mutants`: all of the small crates, of the two engines a twelfth, another one each day), and five minutes of each
/// fuzz target. What this machine cannot do is skipped and says why.
///
/// Needs: QEMU, Valgrind, a C++ compiler; for the proofs z3; for the page Chromium; cargo-mutants, and cargo-llvm-cov with the
/// component llvm-tools; for the 32-bit tests the target i686-unknown-linux-gnu and a
/// C compiler that links 32-bit programs (Debian, Ubuntu: gcc-multilib); for the big-endian suites the target
/// s390x-unknown-linux-gnu, a linker and an emulator (qemu-user, gcc-s390x-linux-gnu, libc6-dev-s390x-cross); for Miri a nightly toolchain with it. With
/// `--setup`, what is missing is installed, but for the nightly toolchain.
///
/// Takes: one to two hours on two processors.
#[derive(Args, Debug)]
#[command(after_long_help = "Examples:
  cargo xtask deep --setup     on a fresh machine
  cargo xtask deep             afterwards

The output of each step stays under target/xtask/deep/, the serial logs under target/xtask/boot/.")]
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
    /// Nothing can be installed or begun.
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<bool> {
        if self.setup {
            evidence::try_set_up();
            setup::valgrind::require(true)?;
            setup::install_cpp()?;
            setup::try_install(proofs::SOLVER);
            report::try_install_browser();
            tools::MUTANTS.try_install();
            coverage::try_install();
        }
        println!(
            "Runs every subset of the features of allocator; the tests as 32-bit programs; evidence at every place; the page \
             of report in a browser; Miri; proofs; checks for undefined behaviour and of provenance; scripts under Valgrind; \
             more scripts and larger heaps; coverage; mutants; each fuzz target for {FUZZ_SECONDS} s; boots of every backend \
             with {MACHINES_MIB:?} MiB and with every provoked failure."
        );
        let mut steps = Steps::new(workspace, "deep")?;
        steps.step("feature subsets of allocator", |log| feature_subsets(workspace, log));
        steps.step("tests as 32-bit programs", |log| narrow_tests(workspace, log));
        steps.step("evidence: every promise at every place", |_| evidence::step(workspace));
        steps.step("the page of the report in a browser", |_| report::step(workspace));
        miri::add(&mut steps, workspace);
        steps.step("proofs by a solver", |log| proofs::run(workspace, log));
        steps.step("release tests with UB checks", |log| checkers::undefined_behaviour(workspace, log));
        steps.step("provenance lints", |log| checkers::provenance(workspace, log));
        steps.step("scripts under Valgrind", |log| checkers::under_valgrind(workspace, log));
        steps.step("more scripts, larger heaps", |log| more_scripts(workspace, log));
        coverage::add(&mut steps, workspace);
        mutants::add(&mut steps, workspace);
        fuzz::add(&mut steps, workspace, &fuzz::TARGETS, Hunt::Afresh(FUZZ_SECONDS));
        for mib in MACHINES_MIB {
            let plans = plans(mib, &Backends::all(), &[Scenario::Normal]);
            boot_step(&mut steps, workspace, &format!("boots with {mib} MiB"), plans);
        }
        let provoked = plans(512, &Backends::all(), &Scenario::provoked(Provocation::All));
        boot_step(&mut steps, workspace, "boots with provoked failures", provoked);
        Ok(steps.finish())
    }
}

/// The facade's own tests with every set. The suite of each pair of backends runs with all of them on: no other changes it.
fn feature_subsets(workspace: &Workspace, log: &mut Log) -> Outcome {
    let sets = power_set(&workspace.features("allocator"));
    let test =
        |set: &Vec<String>| workspace.cargo(&format!("test {} --lib --test facade", selection("allocator", set)));
    let commands = sets.iter().map(test);
    Outcome::of(log.run_all(commands.collect()))
}

/// The tests by machine of every suite, with more scripts and larger heaps.
fn more_scripts(workspace: &Workspace, log: &mut Log) -> Outcome {
    let features = test::host_features(workspace);
    let mut command = workspace.cargo(&format!("test --release --workspace{features} --test conformance"));
    command.args(["--", "random_scripts", "every_state"]).env("CONFORMANCE_EFFORT", EFFORT);
    Outcome::of(log.run(command))
}

fn narrow_tests(workspace: &Workspace, log: &mut Log) -> Outcome {
    if let Some(why) = foreign::narrow_lack() {
        return Outcome::Skipped(why);
    }
    let libraries = test::host_libraries(workspace);
    let command = format!("test --no-fail-fast{libraries} --target {}", foreign::NARROW_TARGET);
    Outcome::of(log.run(workspace.cargo(&command)))
}
