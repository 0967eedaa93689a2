//! Kernel images: one for each pair of backends, built by the stable compiler of this machine.
//!
//! The kernel is linked against the precompiled `core` and `alloc` of the Linux target. Its flags go with it alone and it
//! has a target directory of its own, so that it never makes cargo rebuild anything for the host.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::backend::Backends;
use crate::workspace::Workspace;

/// The target whose precompiled libraries the kernel uses.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Not position-independent: it runs where it is linked. No red zone: exceptions may use the stack below it.
const FLAGS: [&str; 3] = ["-Crelocation-model=static", "-Cno-redzone=yes", "-Cforce-frame-pointers=yes"];

/// The command that runs a cargo subcommand on the kernel itself, as it boots with `backends`; `recording`, it records what it
/// allocates.
pub(crate) fn kernel_cargo(
    workspace: &Workspace,
    subcommand: &str,
    backends: Backends,
    recording: bool,
) -> Command {
    let (byte, page) = (backends.byte.name(), backends.page.name());
    let record = if recording { ",record" } else { "" };
    let mut command = workspace.cargo(&format!(
        "{subcommand} --package kernel --bin kernel --profile kernel --target {TARGET} \
         --no-default-features --features boot,{byte},{page}{record}"
    ));
    command.arg("--target-dir").arg(target_directory(workspace));
    command.env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\x1f"));
    command
}

/// Builds the kernel as [`kernel_cargo`] does and answers the path of its image.
///
/// # Errors
///
/// It does not build; the text holds what the compiler said.
pub(crate) fn build(workspace: &Workspace, backends: Backends, recording: bool) -> Result<PathBuf> {
    let output = kernel_cargo(workspace, "build", backends, recording).output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!(
            "the kernel with {backends} does not build:\n{}",
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    let built = target_directory(workspace).join(TARGET).join("kernel/kernel");
    let suffix = if recording { "-record" } else { "" };
    let image = workspace.scratch("kernels")?.join(format!("{backends}{suffix}.elf"));
    copy(&built, &image)?;
    Ok(image)
}

fn target_directory(workspace: &Workspace) -> PathBuf {
    workspace.target().join("kernel")
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}
