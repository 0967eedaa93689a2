//! The measuring program: built, started under a time limit, its answers read.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::process;
use crate::setup::valgrind::VALGRIND;
use crate::workspace::Workspace;

/// Whose a subject is, as the program says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A backend of this workspace.
    Ours,
    /// One of these under a layer of the facade.
    Layer,
    /// A `no_std` package.
    Peer,
    /// One that takes its memory from the operating system.
    Hosted,
    /// The least that can be done.
    Limit,
}

impl Kind {
    /// Whether it is this project's work.
    pub(crate) fn is_of_this_project(self) -> bool {
        matches!(self, Self::Ours | Self::Layer)
    }
}

/// An allocator that can be measured.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Subject {
    /// Its name.
    pub(crate) name: String,
    /// Whose it is.
    pub(crate) kind: Kind,
    /// `bytes` or `pages`.
    pub(crate) level: String,
    /// What a reader should know.
    pub(crate) note: String,
}

/// A workload.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Load {
    /// Its name.
    pub(crate) name: String,
    /// `bytes` or `pages`.
    pub(crate) level: String,
    /// What it is measured for: `mean`, `worst` or `efficiency`.
    pub(crate) figure: String,
    /// What it does.
    pub(crate) about: String,
}

/// What the program can measure.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct List {
    /// Allocators.
    pub(crate) subjects: Vec<Subject>,
    /// Workloads.
    pub(crate) loads: Vec<Load>,
}

/// The measuring program.
#[derive(Debug)]
pub(crate) struct Program {
    binary: PathBuf,
    scratch: PathBuf,
    limit: Duration,
    /// Processes started so far.
    started: AtomicUsize,
    /// Held while this lives: measurements of one target directory share their files, and take turns.
    _turn: File,
}

/// Waits until no other measurement uses the files in `scratch`; none does until the lock is dropped.
fn take_turn(scratch: &Path) -> Result<File> {
    let path = scratch.join("lock");
    let turn = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
    if turn.try_lock().is_err() {
        eprintln!("waiting for another measurement to end");
        turn.lock().context("waiting for another measurement to end")?;
    }
    Ok(turn)
}

impl Program {
    /// Builds it; with `hosted`, the allocators written in C too. A measurement may take `limit`.
    ///
    /// # Errors
    ///
    /// It cannot be built.
    pub(crate) fn build(workspace: &Workspace, hosted: bool, limit: Duration) -> Result<Self> {
        let features = if hosted { " --features hosted" } else { "" };
        eprintln!(
            "building the measuring program{}",
            if hosted { " (about two minutes the first time)" } else { "" }
        );
        let status = workspace.cargo(&format!("build --quiet --release --package bench{features}")).status()?;
        ensure!(status.success(), "the measuring program cannot be built: {status}");
        let scratch = workspace.scratch("measure")?;
        let turn = take_turn(&scratch)?;
        // A copy: a build with other features in between must not change what is measured.
        let binary = scratch.join(if hosted { "bench-hosted" } else { "bench" });
        std::fs::copy(workspace.target().join("release/bench"), &binary)
            .context("copying the measuring program")?;
        Ok(Self { binary, scratch, limit, started: AtomicUsize::new(0), _turn: turn })
    }

    /// What it can measure.
    ///
    /// # Errors
    ///
    /// It fails, or says what this runner does not understand.
    pub(crate) fn list(&self) -> Result<List> {
        Ok(serde_json::from_value(self.ask(&["list"])?)?)
    }

    /// A file for one process's output; the name is made of `parts`, of paths only the last one's.
    pub(crate) fn file(&self, parts: &[&str]) -> PathBuf {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '.' };
        let last = |part: &&str| Path::new(part).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = parts.iter().map(last).collect::<Vec<_>>().join("--");
        self.scratch.join(name.chars().map(plain).collect::<String>())
    }

    /// Runs it and gives its answer.
    ///
    /// # Errors
    ///
    /// It failed, with its reason; or it took longer than the limit.
    pub(crate) fn ask(&self, args: &[&str]) -> Result<Value> {
        self.ask_for(1, args)
    }

    /// Runs it and gives its answer; it may take `times` as long as a single measurement.
    ///
    /// # Errors
    ///
    /// As for [`Program::ask`].
    pub(crate) fn ask_for(&self, times: u32, args: &[&str]) -> Result<Value> {
        let mut command = Command::new(&self.binary);
        command.args(args);
        self.answer(command, self.limit * times)
    }

    /// Runs it under callgrind, whose output goes to `out`; counting begins when the program asks for it.
    ///
    /// # Errors
    ///
    /// As for [`Program::ask`].
    pub(crate) fn count(&self, args: &[&str], out: &Path) -> Result<Value> {
        let mut command = Command::new(VALGRIND);
        command.args([
            "--quiet",
            "--tool=callgrind",
            "--instr-atstart=no",
            "--demangle=no",
            "--combine-dumps=yes",
        ]);
        command.arg(format!("--callgrind-out-file={}", out.display())).arg(&self.binary).args(args);
        self.answer(command, self.limit)
    }

    fn answer(&self, mut command: Command, limit: Duration) -> Result<Value> {
        let number = self.started.fetch_add(1, Ordering::Relaxed).to_string();
        let (out, err) = (self.file(&["answer", &number, "out"]), self.file(&["answer", &number, "err"]));
        command.stdin(Stdio::null()).stdout(File::create(&out)?).stderr(File::create(&err)?);
        let status = process::within(limit, &mut command)?;
        if !status.success() {
            return Err(anyhow!(reason(&std::fs::read_to_string(&err)?)));
        }
        let text = std::fs::read_to_string(&out)?;
        serde_json::from_str(&text).with_context(|| format!("the measuring program answered {text:?}"))
    }
}

/// The last thing that a failed program said that is meant for people.
fn reason(log: &str) -> String {
    let mut lines = log.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("=="));
    let panicked = log.lines().find(|line| line.contains("panicked at"));
    let said = log.lines().find_map(|line| line.strip_prefix("Error: "));
    said.filter(|said| !said.contains("panicked"))
        .or(panicked)
        .or_else(|| lines.next_back())
        .unwrap_or("no reason given")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::{reason, take_turn};

    #[test]
    fn measurements_take_turns() {
        let scratch = std::env::temp_dir().join(format!("measurement-turns-{}", std::process::id()));
        std::fs::create_dir_all(&scratch).unwrap();
        let turn = take_turn(&scratch).unwrap();
        let other = File::open(scratch.join("lock")).unwrap();
        assert!(other.try_lock().is_err());
        drop(turn);
        assert!(other.try_lock().is_ok());
        std::fs::remove_dir_all(&scratch).unwrap();
    }

    #[test]
    fn the_reason_is_what_the_program_said() {
        assert_eq!(reason("==1== noise\nError: cannot manage 5 bytes\n"), "cannot manage 5 bytes");
        assert_eq!(
            reason("thread 'x' panicked at a.rs:1:\nError: the measurement panicked"),
            "thread 'x' panicked at a.rs:1:"
        );
        assert_eq!(reason(""), "no reason given");
    }
}
