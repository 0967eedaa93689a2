//! Checks for which the compiler, or another program, watches the tests: undefined behaviour, provenance, memory.
//!
//! The compiler's switches are unstable; a stable compiler takes them when told that it may. Each build has a target
//! directory of its own, so that it does not undo what the others have built.

use std::process::Command;

use crate::setup::valgrind;
use crate::steps::{Log, Outcome};
use crate::test;
use crate::workspace::Workspace;

/// A cargo command with unstable switches for the compiler.
fn unstable(workspace: &Workspace, name: &str, args: &str, flags: &str) -> Command {
    let mut command = workspace.cargo(args);
    command.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", flags);
    command.env("CARGO_TARGET_DIR", workspace.target().join(name));
    command
}

/// Runs the tests in release, with the checks for undefined behaviour that otherwise only debug builds have.
pub(crate) fn undefined_behaviour(workspace: &Workspace, log: &mut Log) -> Outcome {
    // Not `--tests` alone: a test loads an example before another program, and cargo builds examples as programs only here.
    let args = format!("test --release{}", test::host_libraries(workspace));
    Outcome::of(log.run(unstable(workspace, "ub-checks", &args, "-Zub-checks=yes")))
}

/// Has every conversion between pointers and integers that loses provenance reported.
pub(crate) fn provenance(workspace: &Workspace, log: &mut Log) -> Outcome {
    let flags = "-Zcrate-attr=feature(strict_provenance_lints) -Dfuzzy_provenance_casts -Dlossy_provenance_casts";
    let args = format!("check --lib{}", test::host_libraries(workspace));
    Outcome::of(log.run(unstable(workspace, "provenance", &args, flags)))
}

/// Runs scripts under Valgrind, which is told byte by byte what an allocator may not touch.
pub(crate) fn under_valgrind(workspace: &Workspace, log: &mut Log) -> Outcome {
    if let Some(why) = valgrind::lack() {
        return Outcome::Skipped(why);
    }
    if !cfg!(target_arch = "x86_64") {
        return Outcome::Skipped("the requests to Valgrind are written for x86_64".to_owned());
    }
    let directory = workspace.target().join("valgrind");
    let mut build =
        workspace.cargo("build --release --locked --manifest-path fuzz/Cargo.toml --no-default-features");
    build.args(["--features", "valgrind", "--example", "watched"]).env("CARGO_TARGET_DIR", &directory);
    let mut run = Command::new(valgrind::VALGRIND);
    run.current_dir(workspace.root()).args(["--quiet", "--error-exitcode=9"]);
    run.arg(directory.join("release/examples/watched"));
    Outcome::of(log.run(build).and_then(|()| log.run(run)))
}
