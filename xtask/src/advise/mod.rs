//! `cargo xtask advise`: which backends to switch on for a kernel whose allocations were recorded.

mod advice;
mod judge;
pub(crate) mod recommendation;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;

pub(crate) use self::advice::{Advice, Switchable, advise};
use self::judge::Prefer;
pub(crate) use self::recommendation::{Facade, Recommendation};
use crate::measure::figures;
use crate::measure::program::{Program, Subject};
use crate::replay::{Trace, about, rows};
use crate::setup::valgrind;
use crate::workspace::Workspace;

/// Recommends a byte backend and a page backend for a recorded trace, in words and as a line for Cargo.toml.
///
/// Replays the trace on every backend that is a feature of `allocator`, and weighs the instructions of the mean operation,
/// the memory in which nothing is refused, and the instructions of the worst operation. A trace of blocks chooses the byte
/// backend, a trace of pages the page backend; to `NAME.bytes` belongs `NAME.pages`, if it lies beside it.
///
/// Needs: Valgrind (`--setup` installs it by the system's package manager).
/// Takes: one minute for a trace of 300 000 records on two processors.
#[derive(Args, Debug)]
#[command(after_long_help = "Examples:
  cargo xtask advise --setup traces/kernel-boot.bytes.zst          with the pages of the same boot
  cargo xtask advise --prefer worst my-kernel.bytes                deadlines matter more than speed

traces/README.md tells how to record a kernel or a program.

The rule: cost = (instructions ÷ least)^1 · (memory ÷ least)^2 · (worst ÷ least)^¼; what --prefer names gets four times its
exponent. The lowest cost wins.")]
pub(crate) struct Options {
    /// Files with traces: one of blocks, one of pages, or both
    #[arg(value_name = "TRACE", required = true, num_args = 1..=2)]
    traces: Vec<PathBuf>,
    /// What matters most
    #[arg(long, value_enum)]
    prefer: Option<Prefer>,
    /// Seconds that one process may take
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    limit: u64,
    /// Install Valgrind if it is missing
    #[arg(long)]
    setup: bool,
}

impl Options {
    /// Runs the command. `false`: no backend can replay a trace.
    ///
    /// # Errors
    ///
    /// Valgrind is missing, the measuring program cannot be built, or a file is no trace.
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<bool> {
        valgrind::require(self.setup)?;
        let program = Program::build(workspace, false, Duration::from_secs(self.limit))?;
        let traces = with_other_level(&self.traces);
        let traces: Vec<Trace> = traces.iter().map(|path| about(&program, path)).collect::<Result<_>>()?;
        if let [one, other] = traces.as_slice() {
            ensure!(one.level != other.level, "both traces are of {}", one.level);
        }
        let switchable = Switchable::of(workspace);
        let backends = program.list()?.subjects.into_iter().filter(|subject| switchable.has(subject));
        let backends: Vec<Subject> = backends.collect();
        let overhead = figures::overhead(&program)?;
        let mut advice = Vec::new();
        for trace in &traces {
            let backends: Vec<&Subject> = backends.iter().filter(|backend| backend.level == trace.level).collect();
            let (table, of_trace) = advise(trace, &rows(&program, trace, &backends, overhead), self.prefer);
            println!("{}\n{}\n", table.markdown(), of_trace.why);
            advice.push(of_trace);
        }
        let Recommendation { words, line, .. } = Recommendation::of(&advice, &Facade::of(workspace)?);
        println!("Recommended: {words}.");
        if let Some(line) = &line {
            println!("\n  [dependencies]\n  {line}\n\n{}", recommendation::RELEASES);
        }
        Ok(line.is_some())
    }
}

/// The traces, and beside a single one that of the other level of the same recording, if there is one.
fn with_other_level(traces: &[PathBuf]) -> Vec<PathBuf> {
    let mut all = traces.to_vec();
    if let [only] = traces
        && let Some(other) = other_level(only).filter(|path| path.is_file())
    {
        all.push(other);
    }
    all
}

/// `x.pages` of `x.bytes` and the other way round, compressed or not.
fn other_level(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let (stem, packed) = name.strip_suffix(".zst").map_or((name, ""), |stem| (stem, ".zst"));
    let (base, other) = match stem.rsplit_once('.')? {
        (base, "bytes") => (base, "pages"),
        (base, "pages") => (base, "bytes"),
        _ => return None,
    };
    Some(path.with_file_name(format!("{base}.{other}{packed}")))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::other_level;

    #[test]
    fn the_other_level_of_a_recording_has_the_other_ending() {
        let other = |name: &str| other_level(Path::new(name));
        assert_eq!(other("a/x.bytes.zst"), Some(PathBuf::from("a/x.pages.zst")));
        assert_eq!(other("x.pages"), Some(PathBuf::from("x.bytes")));
        assert_eq!(other("x.trace"), None);
    }
}
