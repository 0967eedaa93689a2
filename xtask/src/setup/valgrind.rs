//! Valgrind, which counts instructions: whether it is there, and how to get it. Its package has its name everywhere.

use anyhow::{Result, bail};

use super::manager::Manager;
use crate::workspace::find_program;

/// The program and the package.
pub(crate) const VALGRIND: &str = "valgrind";

/// Answers whether Valgrind is there, after an attempt to install it if `install`.
///
/// # Errors
///
/// It is not there, and the text says how to get it; or the installation failed.
pub(crate) fn require(install: bool) -> Result<()> {
    if find_program(VALGRIND).is_some() {
        return Ok(());
    }
    match Manager::find() {
        Some(manager) if install => {
            manager.install(VALGRIND)?;
            require(false)
        }
        Some(manager) => bail!(
            "{VALGRIND} is not installed.\nRun the same command with `--setup`, or: {}",
            manager.install_line(VALGRIND)
        ),
        None => bail!("{VALGRIND} is not installed, and no package manager known to this program is here"),
    }
}
