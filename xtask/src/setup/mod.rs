//! What the runner needs on a machine: whether it is there, how to get it, and how to install it.
//!
//! Nothing is installed without `--setup`. With it, every command is printed before it runs.

pub(crate) mod foreign;
mod manager;
pub(crate) mod tools;
pub(crate) mod valgrind;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use self::manager::Manager;
use crate::boot::QEMU;
use crate::workspace::find_program;

/// Components of the Rust toolchain that the checks use: the component, and the program that comes with it.
const COMPONENTS: [(&str, &str); 2] = [("rustfmt", "rustfmt"), ("clippy", "clippy-driver")];

/// Answers whether QEMU is there.
///
/// # Errors
///
/// It is not; the text says how to get it.
pub(crate) fn require_qemu() -> Result<()> {
    if find_program(QEMU).is_some() {
        return Ok(());
    }
    let here = Manager::find().map_or_else(String::new, |manager| {
        format!("\nOn this machine: {}", manager.install_line(manager.qemu_package()))
    });
    bail!(
        "{QEMU} is not installed.\n\
         Run the same command with `--setup`, or install the package that holds it:\n{}{here}",
        manager::table()
    )
}

/// Why nothing can be booted, in one line that names the package; `None`: it can.
pub(crate) fn qemu_lack() -> Option<String> {
    let package = Manager::find()
        .map_or_else(String::new, |manager| format!(" ({})", manager.install_line(manager.qemu_package())));
    find_program(QEMU).is_none().then(|| format!("{QEMU} is not installed{package}"))
}

/// Installs QEMU if it is missing.
///
/// # Errors
///
/// No package manager is known here, or the installation failed.
pub(crate) fn install_qemu() -> Result<()> {
    if find_program(QEMU).is_some() {
        return Ok(());
    }
    let Some(manager) = Manager::find() else {
        bail!("{QEMU} is missing and no package manager known to this program is here:\n{}", manager::table());
    };
    manager.install(manager.qemu_package())?;
    require_qemu()
}

/// Answers whether a C++ compiler is there.
///
/// # Errors
///
/// It is not; the text says how to get it.
pub(crate) fn require_cpp() -> Result<()> {
    if find_program("c++").is_some() {
        return Ok(());
    }
    let line = Manager::find()
        .map_or_else(String::new, |manager| format!(", or: {}", manager.install_line(manager.cpp_package())));
    bail!("c++ is not installed: run with `--setup`{line}")
}

/// Installs a C++ compiler if there is none.
///
/// # Errors
///
/// No package manager is known here, or the installation failed.
pub(crate) fn install_cpp() -> Result<()> {
    if let (Err(_), Some(manager)) = (require_cpp(), Manager::find()) {
        manager.install(manager.cpp_package())?;
    }
    require_cpp()
}

/// The target triple of this machine.
pub(crate) fn host_target() -> Option<String> {
    let output = Command::new("rustc").arg("-vV").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned)
}

/// The directory of the precompiled libraries of a target, which need not exist.
pub(crate) fn target_libraries(target: &str) -> Option<PathBuf> {
    let output = Command::new("rustc").args(["--print", "target-libdir", "--target", target]).output().ok()?;
    output.status.success().then(|| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

/// Answers whether the components of the toolchain are there.
///
/// # Errors
///
/// One is not; the text says how to get it.
pub(crate) fn require_components() -> Result<()> {
    if let Some(component) = missing_components().next() {
        bail!("{component} is not installed: run with `--setup`, or `rustup component add {component}`");
    }
    Ok(())
}

/// Installs the components of the toolchain that are missing.
///
/// # Errors
///
/// `rustup` is not there or fails.
pub(crate) fn install_components() -> Result<()> {
    for component in missing_components() {
        run("rustup", &["component", "add", component])?;
    }
    require_components()
}

fn missing_components() -> impl Iterator<Item = &'static str> {
    let missing = COMPONENTS.into_iter().filter(|(_, program)| !answers(program, &["--version"]));
    missing.map(|(component, _)| component)
}

/// Whether the precompiled libraries of a target are installed.
pub(crate) fn has_target(target: &str) -> bool {
    target_libraries(target).is_some_and(|directory| directory.is_dir())
}

/// Installs the precompiled libraries of a target, if it can be done. What failed is printed; the step that needs the
/// target says that it was skipped.
pub(crate) fn try_install_target(target: &str) {
    if !has_target(target)
        && let Err(error) = run("rustup", &["target", "add", target])
    {
        eprintln!("{error:#}");
    }
}

/// How to get a program whose package has its name, in brackets; nothing where no package manager is known.
pub(crate) fn advice(program: &'static str) -> String {
    Manager::find().map_or_else(String::new, |manager| format!(" ({})", manager.install_line(program)))
}

/// Installs a program whose package has its name, if it is missing and it can be done. What failed is printed; the step
/// that needs it says that it was skipped.
pub(crate) fn try_install(program: &'static str) {
    if find_program(program).is_none() {
        try_install_package(program);
    }
}

/// Installs a package, if it can be done. What failed is printed.
fn try_install_package(package: &'static str) {
    if let Some(manager) = Manager::find()
        && let Err(error) = manager.install(package)
    {
        eprintln!("{error:#}");
    }
}

/// Whether a program starts with these arguments and succeeds.
pub(crate) fn answers(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Prints a command and runs it.
fn run(program: &str, args: &[&str]) -> Result<()> {
    eprintln!("setup: {program} {}", args.join(" "));
    let status = Command::new(program).args(args).status().with_context(|| format!("cannot start {program}"))?;
    if !status.success() {
        bail!("{program} {}: {status}", args.join(" "));
    }
    Ok(())
}
