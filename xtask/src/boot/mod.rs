//! `cargo xtask boot`: kernels built, booted, judged and reported.
//!
//! ```text
//! image ─ builds one kernel a pair of backends
//!   └ qemu ─ boots it under a time limit ── lines ──> record (protocol, fields)
//!                                                       └ judge ── complaints ──> report
//! ```

pub(crate) mod backend;
mod fields;
pub(crate) mod image;
mod judge;
pub(crate) mod memory;
mod options;
mod progress;
pub(crate) mod protocol;
mod qemu;
mod record;
mod recorded;
pub(crate) mod report;
pub(crate) mod scenario;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use self::backend::Backends;
use self::memory::MachineMemory;
pub(crate) use self::options::Options;
use self::progress::Progress;
pub(crate) use self::qemu::PROGRAM as QEMU;
use self::record::Record;
use self::scenario::Scenario;
use crate::setup;
use crate::workspace::Workspace;

/// The longest that a boot may take; a good one takes a small part of it.
const TIME_LIMIT: Duration = Duration::from_secs(240);

/// One boot to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// What the kernel is built with.
    pub(crate) backends: Backends,
    /// Memory of the machine.
    pub(crate) memory: MachineMemory,
    /// What the boot is to show.
    pub(crate) scenario: Scenario,
}

impl fmt::Display for Plan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.backends, self.memory)?;
        if self.scenario == Scenario::Normal { Ok(()) } else { write!(out, "-{}", self.scenario) }
    }
}

/// One boot that was done, or was to be.
#[derive(Clone, Debug)]
pub(crate) struct Boot {
    /// What was to be done.
    pub(crate) plan: Plan,
    /// What the log holds.
    pub(crate) record: Record,
    /// The log, if there was a boot.
    pub(crate) log_path: Option<PathBuf>,
    /// How it did.
    pub(crate) verdict: Verdict,
    /// How long it took.
    pub(crate) took: Duration,
}

/// How a boot did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It showed all that it was to show.
    Passed,
    /// What was missing or wrong; never empty.
    Failed(Vec<String>),
    /// It was not done: why.
    Skipped(String),
}

impl Boot {
    fn without_run(plan: Plan, verdict: Verdict) -> Self {
        Self { plan, record: Record::default(), log_path: None, verdict, took: Duration::ZERO }
    }

    /// A boot that left this log.
    #[cfg(test)]
    pub(crate) fn of_log(plan: Plan, verdict: Verdict, log: &str) -> Self {
        Self { record: Record::of_log(log), ..Self::without_run(plan, verdict) }
    }
}

/// Does all boots, as many at once as this machine has processors, and answers them in the order of `plans`. `echo`: the
/// serial logs go to the output as they come, one boot after the other.
///
/// # Errors
///
/// The emulator is not installed. A kernel that does not build is a failed boot, not an error.
pub(crate) fn boot_all(workspace: &Workspace, plans: &[Plan], echo: bool) -> Result<Vec<Boot>> {
    setup::require_qemu()?;
    let progress = Progress::default();
    let images = build_images(workspace, plans, &progress);
    let image_of = |plan: &Plan| images.iter().find(|(build, _)| *build == build_of(plan));
    let jobs = if echo { 1 } else { thread::available_parallelism().map_or(1, usize::from) };
    let queue = Mutex::new(plans.iter().copied().enumerate());
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..jobs.min(plans.len()) {
            scope.spawn(|| {
                while let Some((at, plan)) = lock(&queue).next() {
                    let boot = boot_one(workspace, plan, image_of(&plan).map(|(_, image)| image), &progress, echo);
                    progress.say(&report::one_line(&boot));
                    lock(&done).push((at, boot));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    done.sort_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, boot)| boot).collect())
}

/// Locks, also behind a thread that panicked: the scope passes its panic on.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// An image, or why there is none.
type Image = Result<PathBuf, String>;

/// What an image is built for: its backends, and whether it records.
type Build = (Backends, bool);

/// What `plan` needs.
fn build_of(plan: &Plan) -> Build {
    (plan.backends, plan.scenario == Scenario::Recorded)
}

/// Builds each kernel that the plans need, once.
fn build_images(workspace: &Workspace, plans: &[Plan], progress: &Progress) -> Vec<(Build, Image)> {
    let mut images: Vec<(Build, Image)> = Vec::new();
    for plan in plans {
        let build = build_of(plan);
        if images.iter().all(|(known, _)| *known != build) {
            let line = progress.line(format!("{} kernel", plan.backends));
            line.show("building".to_owned());
            let image = image::build(workspace, plan.backends, build.1).map_err(|error| format!("{error:#}"));
            images.push((build, image));
        }
    }
    images
}

fn boot_one(workspace: &Workspace, plan: Plan, image: Option<&Image>, progress: &Progress, echo: bool) -> Boot {
    let image = match image {
        Some(Ok(image)) => image,
        Some(Err(why)) => return Boot::without_run(plan, Verdict::Failed(vec![why.clone()])),
        None => return Boot::without_run(plan, Verdict::Failed(vec!["no kernel was built".to_owned()])),
    };
    if let Some(why) = plan.memory.refusal() {
        return Boot::without_run(plan, Verdict::Skipped(why));
    }
    let begin = Instant::now();
    match run_one(workspace, plan, image, progress, echo) {
        Ok(boot) => Boot { took: begin.elapsed(), ..boot },
        Err(error) => Boot::without_run(plan, Verdict::Failed(vec![format!("{error:#}")])),
    }
}

fn run_one(workspace: &Workspace, plan: Plan, image: &Path, progress: &Progress, echo: bool) -> Result<Boot> {
    let log_path = workspace.scratch("boot")?.join(format!("{plan}.log"));
    let line = progress.line(format!("boot {plan}"));
    let mut record = Record::default();
    let traces =
        if plan.scenario == Scenario::Recorded { recorded::paths(workspace, &plan)?.to_vec() } else { vec![] };
    let ending = qemu::run(qemu::command(image, &plan, &traces), TIME_LIMIT, &log_path, &mut |text| {
        record.take(text);
        line.show(record.phase());
        if echo {
            progress.print(text);
        }
    })?;
    let mut complaints = judge::complaints(&plan, &ending, &record);
    complaints.extend(recorded::complaints(&traces));
    let verdict = if complaints.is_empty() { Verdict::Passed } else { Verdict::Failed(complaints) };
    Ok(Boot { plan, record, log_path: Some(log_path), verdict, took: Duration::ZERO })
}
