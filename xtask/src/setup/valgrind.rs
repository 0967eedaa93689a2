//! Valgrind, which counts instructions: whether it is there, and how to get it. Its package has its name everywhere.

use anyhow::{Result, bail};

use super::advice;
use super::manager::Manager;
use crate::workspace::find_program;

/// The program and the package.
pub(crate) const VALGRIND: &str = "valgrind";

/// Why nothing can be counted, in one line that names the package; `None`: it can.
pub(crate) fn lack() -> Option<String> {
    find_program(VALGRIND).is_none().then(|| format!("{VALGRIND} is not installed{}", advice(VALGRIND)))
}

/// Answers whether Valgrind is there, after an attempt to install it if `install`.
///
/// # Errors
///
/// It is not there, and the text says how to get it; or the installation failed.
pub(crate) fn require(install: bool) -> Result<()> {
    let Some(lack) = lack() else { return Ok(()) };
    match Manager::find() {
        Some(manager) if install => {
            manager.install(VALGRIND)?;
            require(false)
        }
        Some(_) => bail!("{lack}: run the same command with `--setup`"),
        None => bail!("{lack}, and no package manager known to this program is here"),
    }
}
