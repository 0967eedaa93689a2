//! `cargo xtask`: builds, boots and checks the workspace; the only place that knows how.
//!
//! - `boot` builds kernels, boots them in QEMU and reports what they did.
//! - `ci` runs every check that a change has to pass; `tidy` and `test` run parts of it; `deep` runs the slow ones, `fuzz`
//!   those that look for what nobody thought of, `miri` those that a nightly toolchain can interpret; `coverage` and
//!   `mutants` check the tests themselves.
//! - `bench` and `replay` measure the backends beside other allocators, on workloads and on recorded traces; `advise`
//!   recommends one.
//! - `evidence` tells which promise each backend keeps, and where that was seen; `report` makes one page of it
//!   and of what each allocator costs, with pictures.
//!
//! What cannot run on a machine is printed as `skipped: why` and counted as skipped. What is missing is never taken for
//! good: every check passes by evidence that it found.
#![forbid(unsafe_code)]

mod advise;
mod bench;
mod boot;
mod checkers;
mod ci;
mod coverage;
mod deep;
mod evidence;
mod fuzz;
mod measure;
mod miri;
mod mutants;
mod process;
mod proofs;
mod replay;
mod report;
mod setup;
mod steps;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// Builds, boots and checks the workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 110)]
#[command(after_help = "A newcomer starts with:  cargo xtask boot --setup
Before a change goes out: cargo xtask ci --setup")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Boot(boot::Options),
    Ci(ci::Options),
    Tidy(tidy::Options),
    Test(test::Options),
    Deep(deep::Options),
    Bench(bench::Options),
    Replay(replay::Options),
    Advise(advise::Options),
    Fuzz(fuzz::Options),
    Miri(miri::Options),
    Mutants(mutants::Options),
    Coverage(coverage::Options),
    Evidence(evidence::Options),
    Report(report::Options),
}

fn main() -> ExitCode {
    match run(&Cli::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a command. `false`: what it checks is not in order.
fn run(command: &Command) -> Result<bool> {
    let workspace = Workspace::open()?;
    match command {
        Command::Boot(options) => options.run(&workspace),
        Command::Ci(options) => options.run(&workspace),
        Command::Tidy(options) => options.run(&workspace),
        Command::Test(options) => options.run(&workspace),
        Command::Deep(options) => options.run(&workspace),
        Command::Bench(options) => options.run(&workspace),
        Command::Replay(options) => options.run(&workspace),
        Command::Advise(options) => options.run(&workspace),
        Command::Fuzz(options) => options.run(&workspace),
        Command::Miri(options) => options.run(&workspace),
        Command::Mutants(options) => options.run(&workspace),
        Command::Coverage(options) => options.run(&workspace),
        Command::Evidence(options) => options.run(&workspace),
        Command::Report(options) => options.run(&workspace),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_command_line_is_consistent_and_every_command_explains_itself() {
        Cli::command().debug_assert();
        for command in Cli::command().get_subcommands_mut() {
            let help = command.render_long_help().to_string();
            assert!(help.lines().count() > 10 && help.contains("Takes:"), "{}: {help}", command.get_name());
        }
    }
}
