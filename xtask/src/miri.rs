//! `cargo xtask miri`: tests in an interpreter that knows what is undefined.
//!
//! Miri belongs to nightly toolchains, and an interpreter is some hundred times slower than a processor: so this is a
//! check for those who have it, of the tests that say most in the shortest time.

use anyhow::Result;
use clap::Args;

use crate::setup;
use crate::steps::{Log, Outcome, Steps};
use crate::workspace::{Workspace, find_program};

/// Tests, and how strictly pointers are looked at.
struct Part {
    name: &'static str,
    /// What is tested, in cargo's words.
    selected: &'static str,
    /// Miri's own switches.
    switches: &'static str,
}

/// Modules that only calculate make no pointer at all: whatever would lose its provenance is an error. Engines make theirs
/// from addresses, which has to be permitted, and some regressions leak on purpose what a kernel would keep for ever.
const PARTS: [Part; 2] = [
    Part {
        name: "calculations, strict provenance",
        selected: "--lib --package allocator-api --package allocator-primitives",
        switches: "-Zmiri-strict-provenance",
    },
    Part {
        name: "regressions of the backends, permissive provenance",
        selected: "--test regressions --all-features --package allocator-slab --package allocator-buddy \
             --package allocator-tlsf --package allocator-bitmap",
        switches: "-Zmiri-permissive-provenance -Zmiri-ignore-leaks",
    },
];

/// Runs tests in Miri, which finds undefined behaviour: those of the modules that only calculate, under strict
/// provenance, and the regressions of the backends.
///
/// Optional: no other command needs it, and `deep` skips it where it is missing. A part that cannot run is skipped and says
/// why, and a run in which every part was skipped ends with status 1.
///
/// Needs: a nightly toolchain with Miri (rustup toolchain install nightly --component miri,rust-src).
///
/// Takes: some minutes.
#[derive(Args, Debug)]
#[command(after_long_help = "Examples:
  cargo xtask miri

The output of each part stays under target/xtask/miri/.")]
pub(crate) struct Options {}

impl Options {
    /// Runs the command. `false`: a part failed, or none could run.
    ///
    /// # Errors
    ///
    /// No step could be begun.
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<bool> {
        let mut steps = Steps::new(workspace, "miri")?;
        add(&mut steps, workspace);
        Ok(steps.finish())
    }
}

/// Adds a step for each part.
pub(crate) fn add(steps: &mut Steps, workspace: &Workspace) {
    for part in &PARTS {
        steps.step(&format!("Miri: {}", part.name), |log| interpret(workspace, log, part));
    }
}

fn interpret(workspace: &Workspace, log: &mut Log, part: &Part) -> Outcome {
    let is_there = || setup::answers("rustup", &["run", "nightly", "cargo", "miri", "--version"]);
    if find_program("rustup").is_none() || !is_there() {
        return Outcome::Skipped("no nightly toolchain with Miri is installed".to_owned());
    }
    let mut command = workspace.program("rustup", ["run", "nightly", "cargo", "miri", "test"]);
    command.args(part.selected.split_ascii_whitespace());
    command.env("MIRIFLAGS", part.switches).env("CARGO_TARGET_DIR", workspace.target().join("miri"));
    // The toolchain of this run would otherwise be that of the inner one.
    command.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
    Outcome::of(log.run(command))
}

#[cfg(test)]
mod tests {
    use super::PARTS;
    use crate::workspace::Workspace;

    #[test]
    fn every_part_names_members_and_tests_that_there_are() {
        let workspace = Workspace::open().unwrap();
        for part in &PARTS {
            let words: Vec<&str> = part.selected.split_ascii_whitespace().collect();
            let members: Vec<&str> =
                words.windows(2).filter(|pair| pair[0] == "--package").map(|pair| pair[1]).collect();
            assert!(members.len() >= 2, "{}", part.selected);
            for name in members {
                let member = workspace.members().iter().find(|member| member.name.as_str() == name).unwrap();
                let wanted = if words.contains(&"--test") { "regressions" } else { &name.replace('-', "_") };
                assert!(member.targets.iter().any(|target| target.name == wanted), "{name}: {wanted}");
            }
        }
    }
}
