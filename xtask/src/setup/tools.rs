//! Cargo's further commands, which are programs of their own: whether they are there, and how to get them.

use super::{answers, run, target_libraries};

/// A further command of cargo.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tool {
    /// What follows `cargo` when it is called.
    command: &'static str,
    /// Its package.
    package: &'static str,
}

/// Builds and tests a program with one thing changed at a time.
pub(crate) const MUTANTS: Tool = Tool { command: "mutants", package: "cargo-mutants" };

/// Runs tests, each by itself, until one fails. Nothing here needs it; mutants are tried faster where it is.
pub(crate) const NEXTEST: Tool = Tool { command: "nextest", package: "cargo-nextest" };

/// Tells which lines the tests run.
pub(crate) const COVERAGE: Tool = Tool { command: "llvm-cov", package: "cargo-llvm-cov" };

/// The component of the toolchain that reads what a run of the tests counted.
const READERS: &str = "llvm-tools";

impl Tool {
    /// Why it cannot be called here; `None`: it can.
    pub(crate) fn lack(self) -> Option<String> {
        let is_there = answers("cargo", &[self.command, "--version"]);
        (!is_there).then(|| format!("{} is not installed (cargo install --locked {})", self.package, self.package))
    }

    /// Installs it, if it is missing and it can be done. What failed is printed; the step that needs it says that it was
    /// skipped.
    pub(crate) fn try_install(self) {
        if self.lack().is_some()
            && let Err(error) = run("cargo", &["install", "--locked", self.package])
        {
            eprintln!("{error:#}");
        }
    }
}

/// Why what a run of the tests counted cannot be read here; `None`: it can.
pub(crate) fn readers_lack() -> Option<String> {
    let named = ["LLVM_COV", "LLVM_PROFDATA"].iter().all(|name| std::env::var_os(name).is_some());
    let installed = super::host_target()
        .and_then(|host| target_libraries(&host))
        .is_some_and(|libraries| libraries.with_file_name("bin").join("llvm-profdata").is_file());
    (!named && !installed).then(|| {
        format!(
            "{READERS} is not installed (rustup component add {READERS}), and LLVM_COV and LLVM_PROFDATA name no \
             others"
        )
    })
}

/// Installs what reads the counts, as [`Tool::try_install`] does.
pub(crate) fn try_install_readers() {
    if readers_lack().is_some()
        && let Err(error) = run("rustup", &["component", "add", READERS])
    {
        eprintln!("{error:#}");
    }
}

#[cfg(test)]
mod tests {
    use super::Tool;

    #[test]
    fn what_is_not_there_is_named_with_what_installs_it() {
        let missing = Tool { command: "no-such-command", package: "cargo-none" };
        assert_eq!(missing.lack().unwrap(), "cargo-none is not installed (cargo install --locked cargo-none)");
        // Every cargo answers this.
        assert_eq!(Tool { command: "--verbose", package: "cargo" }.lack(), None);
    }
}
