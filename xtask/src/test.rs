//! `cargo xtask test`: the tests on this machine, in debug and release.

use anyhow::Result;
use clap::Args;

use crate::steps::{Outcome, Steps};
use crate::workspace::Workspace;

/// Runs the tests in debug and release, with every backend on.
///
/// Debug builds check arithmetic, internal preconditions and the language's own rules; release builds run what kernels
/// run.
///
/// Needs: the Rust toolchain alone.
///
/// Takes: two minutes from clean, seconds when nothing changed.
#[derive(Args, Debug)]
#[command(after_long_help = "Examples:
  cargo xtask test                      every member
  cargo xtask test -p allocator-tlsf    one member

The output of each run stays under target/xtask/test/.")]
pub(crate) struct Options {
    /// Test one member alone
    #[arg(short, long, value_name = "MEMBER")]
    package: Option<String>,
}

impl Options {
    /// Runs the command. `false`: a test failed.
    ///
    /// # Errors
    ///
    /// No step could be begun.
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<bool> {
        let mut steps = Steps::new(workspace, "test")?;
        for release in [false, true] {
            add(&mut steps, workspace, self.package.as_deref(), release);
        }
        Ok(steps.finish())
    }
}

/// Adds the step that runs the tests of `member`, or of all, in one profile.
pub(crate) fn add(steps: &mut Steps, workspace: &Workspace, member: Option<&str>, release: bool) {
    let (profile, flag) = if release { ("release", " --release") } else { ("debug", "") };
    // The runner itself is a debug build, and its dependencies and the allocators in C that `bench` measures are most of what a
    // release run would compile.
    let all = || {
        if !release {
            return format!("--workspace{}", host_features(workspace));
        }
        let names: Vec<_> = workspace.libraries();
        let features = features_of(workspace, names.iter().map(|name| name.as_ref()));
        format!("--workspace --exclude xtask --exclude bench{features}")
    };
    let selected = member.map_or_else(all, |member| {
        let features = if member == "kernel" { "" } else { " --all-features" };
        format!("--package {member}{features}")
    });
    let command = workspace.cargo(&format!("test --no-fail-fast {selected}{flag}"));
    steps.step(&format!("tests in {profile}"), |log| Outcome::of(log.run(command)));
}

/// ` --features …`: every feature of every member that builds for this machine. The kernel's own features select what it
/// boots with and stay off.
pub(crate) fn host_features(workspace: &Workspace) -> String {
    features_of(workspace, workspace.members().iter().map(|package| package.name.as_str()))
}

/// ` --package … --features …`: every library that runs on this machine, with every feature.
pub(crate) fn host_libraries(workspace: &Workspace) -> String {
    let names: Vec<String> = workspace.libraries().into_iter().filter(|name| name != "kernel").collect();
    let packages: String = names.iter().map(|name| format!(" --package {name}")).collect();
    packages + &features_of(workspace, names.iter().map(String::as_str))
}

/// ` --features …`: every feature of `members`, but for the kernel's.
pub(crate) fn features_of<'a>(workspace: &Workspace, members: impl Iterator<Item = &'a str>) -> String {
    let members = members.filter(|name| *name != "kernel");
    let features: Vec<String> = members
        .flat_map(|member| {
            workspace.features(member).into_iter().map(move |feature| format!("{member}/{feature}"))
        })
        .collect();
    if features.is_empty() { String::new() } else { format!(" --features {}", features.join(",")) }
}

#[cfg(test)]
mod tests {
    use super::{host_features, host_libraries};
    use crate::workspace::Workspace;

    #[test]
    fn every_backend_is_on_in_the_tests_and_the_kernel_is_not_booted() {
        let features = host_features(&Workspace::open().unwrap());
        for backend in ["slab", "slab-package", "tlsf", "buddy", "bitmap", "bitmap-package"] {
            assert!(features.contains(&format!("allocator/{backend}")), "{features}");
        }
        assert!(!features.contains("kernel/"), "{features}");
    }

    #[test]
    fn only_features_of_the_libraries_chosen_are_named() {
        let chosen = host_libraries(&Workspace::open().unwrap());
        let (packages, features) = chosen.split_once(" --features ").unwrap();
        assert!(!packages.contains("kernel") && packages.contains(" --package allocator-tlsf "), "{chosen}");
        for feature in features.split(',') {
            let owner = feature.split_once('/').unwrap().0;
            assert!(packages.split_ascii_whitespace().any(|word| word == owner), "{feature}: {packages}");
        }
    }
}
