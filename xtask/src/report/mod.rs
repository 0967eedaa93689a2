//! `cargo xtask report`: what is proven and what it costs, as one page with pictures.
//!
//! ```text
//!   evidence ────────────────────────────────► Matrix ──┐
//!   replay (bench/) ─────────────────► advise ► words ──┼─► page ─► index.html, *.svg ─► browser
//!         └─► latency, maps (bench/) ► charts ─► SVG ───┤
//!   every workload, if asked (bench/) ► charts ─► SVG ──┘
//! ```

mod browser;
mod charts;
mod measured;
mod page;
mod workloads;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;

use self::measured::Measured;
use self::page::{Contents, Figure, Group};
use crate::advise::{Advice, Facade, Recommendation, Switchable};
use crate::measure::figures;
use crate::measure::program::{Kind, Program, Subject};
use crate::setup::{self, valgrind};
use crate::steps::Outcome;
use crate::workspace::Workspace;
use crate::{bench, evidence, replay};

/// Traces that are replayed unless all are: short ones, of blocks and of pages.
const SHORT: [&str; 2] = ["kernel-fork-cut.bytes.zst", "kernel-boot.pages.zst"];

/// How long everything takes, in words.
const FULL_TAKES: &str = "three quarters of an hour on two processors";

/// Seconds that one process may take.
const LIMIT: Duration = Duration::from_secs(120);

/// Writes one page that answers what to switch on, and whether to trust it: advice, proofs, and pictures of the cost.
///
/// The page begins with a recommendation in words and the line for Cargo.toml. Below stand the evidence matrix; bars of
/// instructions as ratios to the best peer, and of the memory needed; curves of latency and of fragmentation; and maps of each
/// of our heaps as a trace proceeds. A matrix that `cargo xtask evidence` left is taken if it is whole and the code is still the
/// same; else it is made here, at every place that this machine can be. With --full the page has every trace in traces/ and
/// every workload of `cargo xtask bench`, on every allocator that can be measured, also those that need an operating
/// system; without it, two short traces on our backends and the packages that a kernel could use. The page needs nothing but
/// itself, and is light or dark as its reader is. Where Chromium is installed, the page is then looked at in it: every picture
/// drawn, legible at 1280 and at 390 pixels, light and dark, and nothing in the console. A fault that it finds there, a broken
/// promise, or a level of which no backend replays every trace makes the command end with status 1.
///
/// Needs: Valgrind; for the look, Chromium; for the places of the matrix what `cargo xtask evidence` needs: `--setup` installs
/// all of it. With --full, a C compiler for the hosted allocators.
///
/// Takes: six minutes on two processors, three quarters of an hour with --full.
#[derive(Args, Debug)]
#[command(after_long_help = "Examples:
  cargo xtask report --setup            on a fresh machine
  cargo xtask report --full             every trace and workload, on every allocator
  cargo xtask report --renew docs       also the pictures that the README shows

The page is target/report/index.html, what the browser saw lies under target/xtask/browser/.")]
pub(crate) struct Options {
    /// Every trace in traces/, every workload, every allocator
    #[arg(long)]
    full: bool,
    /// Renew the pictures that lie in this directory
    #[arg(long, value_name = "DIRECTORY")]
    renew: Option<PathBuf>,
    /// Install what is missing
    #[arg(long)]
    setup: bool,
}

impl Options {
    /// Runs the command. `false`: the browser found something wrong, a promise is broken, or nothing can be recommended.
    ///
    /// # Errors
    ///
    /// Valgrind is missing, something cannot be measured or drawn, or a file cannot be written.
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<bool> {
        valgrind::require(self.setup)?;
        if self.setup {
            try_install_browser();
            evidence::try_set_up();
        }
        let written = self.write(workspace)?;
        println!("written to {}", written.path.display());
        let seen = look(workspace, &written)?;
        match &seen {
            Outcome::Passed => {
                println!("looked at in a browser: {} pictures, wide and narrow, light and dark", written.count);
            }
            Outcome::Skipped(why) => println!("skipped: a look in a browser: {why}"),
            Outcome::Failed(why) => println!("FAILED in a browser: {why}"),
        }
        written.complaints.iter().for_each(|complaint| println!("{complaint}"));
        Ok(is_good(&seen, &written.complaints))
    }

    /// Measures and writes the page.
    fn write(&self, workspace: &Workspace) -> Result<Written> {
        // Before anything is measured: what is wrong here would waste it, and what changes later is not what was measured.
        let origin = origin(workspace);
        let shown =
            self.renew.as_deref().map(|shown| Ok::<_, anyhow::Error>((shown, page::shown_pictures(shown)?)));
        let shown = shown.transpose()?;
        let matrix = evidence::current(workspace)?;
        let program = Program::build(workspace, self.full, LIMIT)?;
        let (advice, groups) = self.measure(workspace, &program)?;
        let recommendation = Recommendation::of(&advice, &Facade::of(workspace)?);
        let contents = Contents { matrix, advice, recommendation, groups, origin };
        let directory = workspace.target().join("report");
        let figures: Vec<&Figure> = contents.groups.iter().flat_map(|group| &group.figures).collect();
        page::write_pictures(&directory, &figures)?;
        let path = directory.join("index.html");
        std::fs::write(&path, page::page(&contents)).with_context(|| format!("writing {}", path.display()))?;
        if let Some((shown, names)) = &shown {
            page::renew_pictures(shown, names, &figures)?;
        }
        Ok(Written { path, count: figures.len(), complaints: complaints(&contents) })
    }

    /// Measures; what each trace advises, and the pictures under their titles.
    fn measure(&self, workspace: &Workspace, program: &Program) -> Result<(Vec<Advice>, Vec<Group>)> {
        let list = program.list()?;
        let traces = self.traces(workspace)?;
        if self.full {
            let (workloads, subjects) = (list.loads.len(), list.subjects.len());
            eprintln!("{} traces and {workloads} workloads on {subjects} allocators: {FULL_TAKES}", traces.len());
        }
        let is_shown = |subject: &&Subject| self.full || matches!(subject.kind, Kind::Ours | Kind::Peer);
        let subjects: Vec<Subject> = list.subjects.iter().filter(is_shown).cloned().collect();
        let (overhead, switchable) = (figures::overhead(program)?, Switchable::of(workspace));
        let (mut advice, mut groups) = (Vec::new(), Vec::new());
        for path in traces {
            let trace = replay::about(program, &path)?;
            let measured = Measured::of(program, trace, &subjects, overhead)?;
            advice.push(measured.advice(&switchable));
            groups.push(measured.group()?);
        }
        if self.full {
            groups.extend(workloads::groups(&bench::every_workload(program, &list)?)?);
        }
        Ok((advice, groups))
    }

    fn traces(&self, workspace: &Workspace) -> Result<Vec<PathBuf>> {
        if self.full {
            return replay::shipped(workspace);
        }
        Ok(SHORT.map(|name| workspace.root().join("traces").join(name)).to_vec())
    }
}

/// Installs a browser if there is none and it can be done.
pub(crate) fn try_install_browser() {
    if browser::find().is_none() {
        setup::try_install(browser::PACKAGE);
    }
}

/// The page on disk.
struct Written {
    path: PathBuf,
    /// How many pictures it has.
    count: usize,
    /// What it tells that must not be.
    complaints: Vec<String>,
}

/// What a page tells that must not be.
fn complaints(contents: &Contents) -> Vec<String> {
    let broken = evidence::is_broken(&contents.matrix).then_some("BROKEN promises: the page names them");
    let nobody =
        contents.recommendation.line.is_none().then_some("FAILED: no backend replays every trace of a level");
    broken.into_iter().chain(nobody).map(str::to_owned).collect()
}

/// Whether a page that was looked at is as it should be.
fn is_good(seen: &Outcome, complaints: &[String]) -> bool {
    !matches!(seen, Outcome::Failed(_)) && complaints.is_empty()
}

/// Of which code the page is, and on what it was made.
fn origin(workspace: &Workspace) -> String {
    let told = |program: &str, args: &[&str]| {
        let output = workspace.program(program, args.iter().copied()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let changed = match told("git", &["status", "--porcelain"]) {
        Some(changes) if !changes.is_empty() => ", changed since",
        _ => "",
    };
    let unknown = || "(unknown)".to_owned();
    let commit = told("git", &["rev-parse", "--short", "HEAD"]).unwrap_or_else(unknown);
    let compiler = told("rustc", &["--version"]).unwrap_or_else(|| format!("rustc {}", unknown()));
    format!(
        "Made by cargo xtask report of commit {commit}{changed}, with {compiler}, on {}.",
        std::env::consts::ARCH
    )
}

/// Looks at the page in a browser, if there is one.
fn look(workspace: &Workspace, written: &Written) -> Result<Outcome> {
    let Some(browser) = browser::find() else {
        let advice = setup::advice(browser::PACKAGE);
        return Ok(Outcome::Skipped(format!("no Chromium is installed{advice}")));
    };
    Ok(Outcome::of(browser::check(browser, &written.path, written.count, &workspace.scratch("browser")?)))
}

/// The page, written and looked at, as a step of a longer check. Whether a promise is broken, another step tells.
pub(crate) fn step(workspace: &Workspace) -> Outcome {
    if let Some(why) = valgrind::lack() {
        return Outcome::Skipped(why);
    }
    let options = Options { full: false, renew: None, setup: false };
    let looked = options.write(workspace).and_then(|written| look(workspace, &written));
    looked.unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")))
}

#[cfg(test)]
mod tests {
    use super::{SHORT, is_good};
    use crate::replay;
    use crate::steps::Outcome;
    use crate::workspace::Workspace;

    #[test]
    fn the_short_traces_come_with_the_project_and_are_of_both_levels() {
        let shipped = replay::shipped(&Workspace::open().unwrap()).unwrap();
        for name in SHORT {
            assert!(shipped.iter().any(|path| path.ends_with(name)), "{name}");
        }
        assert!(SHORT[0].contains(".bytes") && SHORT[1].contains(".pages"));
    }

    #[test]
    fn a_page_is_good_only_if_nothing_was_found_on_it_and_in_it() {
        let none: [String; 0] = [];
        assert!(is_good(&Outcome::Passed, &none) && is_good(&Outcome::Skipped("no browser".into()), &none));
        assert!(!is_good(&Outcome::Failed("too wide".into()), &none));
        assert!(!is_good(&Outcome::Passed, &["BROKEN".to_owned()]));
    }
}
