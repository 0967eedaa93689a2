//! `cargo xtask evidence`: which promise each backend keeps, and where that was seen.
//!
//! ```text
//!   the suites' runner ── this machine, 32-bit, big-endian ──┐
//!   (an example of `allocator`, a line a case)                ├─► Matrix ─► evidence.md, .csv, .json
//!   booted kernels ───── their lines of cases ────────────────┘
//! ```

mod kept;
mod kernel;
pub(crate) mod matrix;
mod places;
pub(crate) mod report;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use self::kept::Kept;
use self::matrix::{Matrix, Place, Seen};
use crate::boot::protocol::Outcome;
use crate::setup::{self, foreign};
use crate::steps::{self, Steps};
use crate::workspace::Workspace;

/// Runs the conformance suites on every backend wherever they can run here, and writes one table of what is proven.
///
/// The places are this machine, its 32-bit programs, a big-endian machine (s390x, in QEMU's user mode), and kernels in QEMU.
/// Each cell is proven, declared missing by the backend and shown to be, or skipped; every reason is in target/evidence/evidence.md. A promise that
/// is broken, or of which a place tells nothing, makes the command end with status 1.
///
/// Needs: the Rust toolchain alone for this machine; for the others what `--setup` installs: the targets
/// i686-unknown-linux-gnu and s390x-unknown-linux-gnu, compilers that link for them, and QEMU.
///
/// Takes: four minutes on two processors from clean.
#[derive(Args, Debug)]
#[command(after_long_help = "Examples:
  cargo xtask evidence --setup            every place
  cargo xtask evidence --place host       this machine alone

The table stays as target/evidence/evidence.md, all cells as evidence.csv beside it.")]
pub(crate) struct Options {
    /// Only these places, and this machine itself; the others are skipped
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PLACE")]
    place: Vec<Place>,
    /// Install what is missing
    #[arg(long)]
    setup: bool,
}

impl Options {
    /// Runs the command. `false`: a promise is broken.
    ///
    /// # Errors
    ///
    /// The suites do not run on this machine, or a file cannot be written.
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<bool> {
        if self.setup {
            try_set_up();
        }
        let wanted = if self.place.is_empty() { &Place::ALL } else { self.place.as_slice() };
        let matrix = made(workspace, wanted)?;
        println!("{}\n\n{}", report::legend(&matrix), report::summary(&matrix).markdown());
        let tell = |title, outcome| {
            for reason in report::reasons(&matrix, outcome) {
                println!("{title}: {reason}");
            }
        };
        tell("declared", Outcome::Declared);
        tell("BROKEN", Outcome::Failed);
        println!("written to {}", directory(workspace).join(report::TABLES).display());
        Ok(!is_broken(&matrix))
    }
}

/// Installs what the places need, where it can be done; a place that lacks something is skipped and says what.
pub(crate) fn try_set_up() {
    if let Err(error) = setup::install_qemu() {
        eprintln!("{error:#}");
    }
    foreign::try_install_narrow();
    foreign::try_install_big_endian();
}

/// The matrix of every place: the one that lies there, if it is whole and of this code; else one made now.
///
/// # Errors
///
/// The suites do not run on this machine, or a file cannot be read or written.
pub(crate) fn current(workspace: &Workspace) -> Result<Matrix> {
    match Kept::read(&directory(workspace), kept::fingerprint(workspace)?) {
        Some(matrix) => Ok(matrix),
        None => made(workspace, &Place::ALL),
    }
}

/// Where the tables lie.
fn directory(workspace: &Workspace) -> PathBuf {
    workspace.target().join("evidence")
}

/// Whether a promise is broken, or nothing is told of it.
pub(crate) fn is_broken(matrix: &Matrix) -> bool {
    matrix.all().iter().any(|(_, report)| report.outcome == Outcome::Failed)
}

/// The whole matrix as a step of a longer check: skipped if a place was.
pub(crate) fn step(workspace: &Workspace) -> steps::Outcome {
    made(workspace, &Place::ALL)
        .map_or_else(|error| steps::Outcome::Failed(format!("{error:#}")), |matrix| in_one(&matrix))
}

fn in_one(matrix: &Matrix) -> steps::Outcome {
    let skipped = matrix.places().iter().find_map(|(place, seen)| match seen {
        Seen::Skipped(why) => Some(format!("{}: {why}", place.name())),
        Seen::Ran(_) | Seen::Failed(_) => None,
    });
    let ended = matrix.places().iter().find_map(|(place, seen)| match seen {
        Seen::Failed(why) => Some(format!("{}: {why}", place.name())),
        Seen::Ran(_) | Seen::Skipped(_) => None,
    });
    match report::reasons(matrix, Outcome::Failed).into_iter().chain(ended).next() {
        Some(why) => steps::Outcome::Failed(why),
        None => skipped.map_or(steps::Outcome::Passed, steps::Outcome::Skipped),
    }
}

/// The matrix of `wanted` places, made and written; the host is always one.
///
/// # Errors
///
/// The suites do not run on this machine, or a file cannot be written.
fn made(workspace: &Workspace, wanted: &[Place]) -> Result<Matrix> {
    let fingerprint = kept::fingerprint(workspace)?;
    let mut steps = Steps::new(workspace, "evidence")?;
    let host = match places::seen(&mut steps, workspace, Place::Host, &[]) {
        Seen::Ran(reports) => reports,
        Seen::Skipped(why) | Seen::Failed(why) => bail!("the suites do not run here: {why}"),
    };
    let others = Place::ALL.into_iter().filter(|place| *place != Place::Host).map(|place| {
        let is_wanted = wanted.contains(&place);
        let skipped = || Seen::Skipped("not asked for (--place)".to_owned());
        (place, if is_wanted { places::seen(&mut steps, workspace, place, &host) } else { skipped() })
    });
    let others = others.collect();
    let matrix = Matrix::new(host, others);
    report::write(&directory(workspace), &matrix)?;
    Kept::new(fingerprint, matrix.clone()).write(&directory(workspace))?;
    Ok(matrix)
}

#[cfg(test)]
mod tests {
    use super::in_one;
    use super::matrix::tests::{matrix, report};
    use super::matrix::{Matrix, Place, Seen};
    use crate::boot::protocol;
    use crate::steps::Outcome;

    #[test]
    fn a_broken_promise_fails_the_step_and_a_skipped_place_skips_it() {
        assert_eq!(in_one(&matrix()), Outcome::Failed("a: bytes/two: nothing is told of it [kernel]".into()));
        let host = || vec![report("a", "one", protocol::Outcome::Passed, "")];
        let with = |seen| in_one(&Matrix::new(host(), vec![(Place::Kernel, seen)]));
        assert_eq!(with(Seen::Ran(host())), Outcome::Passed);
        assert_eq!(with(Seen::Skipped("no emulator".into())), Outcome::Skipped("kernel: no emulator".into()));
        assert_eq!(with(Seen::Failed("reset".into())), Outcome::Failed("kernel: reset".into()));
    }
}
