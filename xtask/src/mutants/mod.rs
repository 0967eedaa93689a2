//! `cargo xtask mutants`: whether the tests notice when a line of the code is another.
//!
//! ```text
//!   cargo mutants --list ──► keys ───────────────────────────────┐
//!   every mutant ──► quick tests ──► missed ones ──► all tests ──┴─► survivors ── explained? ──► complaints
//! ```
//!
//! Most mutants fail the first tests that come, and what they cost is to be built: so the first round builds few tests, and
//! does not optimize them.

mod explained;
mod trial;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use clap::Args;

use self::explained::Explained;
use self::trial::{Fate, Keys, Listed};
use crate::setup::tools::{MUTANTS, NEXTEST};
use crate::steps::{Log, Outcome, Steps};
use crate::workspace::Workspace;

/// The file of survivors with their reasons, below the root.
const EXPLAINED: &str = "xtask/mutants.txt";

/// Characters that mean something in an expression.
const MEANINGFUL: &str = "\\.+*?()|[]{}^$#&-~";

/// A member whose mutants are tried.
struct Subject {
    member: &'static str,
    /// Arguments of every build of it.
    build: &'static [&'static str],
    /// Which tests are built and run first: those that notice most for their price.
    first: &'static [&'static str],
    /// Of how many parts a longer check takes one; another one each day.
    parts: u64,
}

/// Those whose mutants are tried. The wrappers of packages (feature `package`) are not: what is wrong with them may be the
/// package.
const SUBJECTS: [Subject; 4] = [
    Subject { member: "allocator-api", build: &[], first: &[], parts: 1 },
    Subject { member: "allocator-primitives", build: &[], first: &["--lib"], parts: 1 },
    Subject {
        member: "allocator-bitmap",
        build: &["--no-default-features"],
        first: &["--lib", "--test=engine", "--test=home", "--test=kept", "--test=placement"],
        parts: 12,
    },
    Subject {
        member: "allocator-slab",
        build: &["--no-default-features"],
        first: &["--lib", "--test=engine", "--test=guests"],
        parts: 12,
    },
];

/// Changes one thing in the code, again and again, and asks each time whether a test fails.
///
/// A change that no test notices is a survivor. Each must be explained in xtask/mutants.txt, a line with its reason (the changed
/// program does the same; it differs in speed alone; the change is in an assertion that never fires); one that is not, and
/// an explanation that no survivor needs, make the command end with status 1. Survivors are printed with the key that such a
/// line begins with. A mutant whose tests do not end within their time counts as noticed.
///
/// Needs: cargo-mutants, which `--setup` installs by cargo.
///
/// Takes: two to four seconds a mutant, less if cargo-nextest is there: three minutes for allocator-api, one for
/// allocator-primitives, more than an hour for each of allocator-bitmap (2400 mutants) and allocator-slab (1600). `--since`
/// takes only what a change touched, `--part` a part.
#[derive(Args, Debug)]
#[command(after_long_help = "Examples:
  cargo xtask mutants --setup                             every crate whose mutants are tried
  cargo xtask mutants -p allocator-slab --since main      what this branch changed in one crate
  cargo xtask mutants -p allocator-bitmap --only search.rs
  cargo xtask mutants -p allocator-bitmap --part 3/12

What became of each mutant stays under target/xtask/mutants/, with the change and the tests' output.")]
pub(crate) struct Options {
    /// Only the mutants of these members
    #[arg(short, long, value_name = "MEMBER", value_parser = SUBJECTS.map(|subject| subject.member))]
    package: Vec<String>,
    /// Only mutants in lines that differ from this commit's
    #[arg(long, value_name = "COMMIT")]
    since: Option<String>,
    /// Only mutants whose names match this expression
    #[arg(long, value_name = "REGEX")]
    only: Option<String>,
    /// Only every N-th mutant, beginning with the K-th; K from 1 to N
    #[arg(long, value_name = "K/N", value_parser = part)]
    part: Option<Part>,
    /// How many mutants are tried at once
    #[arg(long, default_value_t = 1, value_name = "N")]
    jobs: usize,
    /// Install cargo-mutants if it is missing
    #[arg(long)]
    setup: bool,
}

/// Why a member is skipped of which no mutant is selected.
const NONE_SELECTED: &str = "no mutant of it is among those selected";

/// One part of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    /// From 0 to `of`, exclusive.
    number: u64,
    of: u64,
}

impl Part {
    /// The part of today, so that all have had their turn after `of` days.
    fn of_today(of: u64) -> Self {
        let days = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs() / (24 * 60 * 60));
        Self { number: days % of, of }
    }
}

fn part(text: &str) -> Result<Part, String> {
    let numbers = text.split_once('/').and_then(|(k, n)| Some((k.parse::<u64>().ok()?, n.parse::<u64>().ok()?)));
    match numbers {
        Some((k, n)) if (1..=n).contains(&k) => Ok(Part { number: k - 1, of: n }),
        _ => Err("two numbers, the first not above the second: 3/12".to_owned()),
    }
}

impl Options {
    /// Runs the command. `false`: a survivor is not explained, an explanation is not needed, or nothing could be tried.
    ///
    /// # Errors
    ///
    /// No step could be begun.
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<bool> {
        if self.setup {
            MUTANTS.try_install();
        }
        let mut steps = Steps::new(workspace, "mutants")?;
        let wanted =
            |subject: &&Subject| self.package.is_empty() || self.package.iter().any(|name| name == subject.member);
        let mut is_untouched = self.since.is_some();
        for subject in SUBJECTS.iter().filter(wanted) {
            steps.step(&format!("mutants of {}", subject.member), |log| {
                let selected =
                    Selected { since: self.since.as_deref(), only: self.only.as_deref(), part: self.part };
                let outcome = try_all(workspace, log, subject, &selected, self.jobs);
                is_untouched &= outcome == Outcome::Skipped(NONE_SELECTED.to_owned());
                outcome
            });
        }
        // Where nothing was changed, nothing is to be tried.
        Ok(steps.finish() || is_untouched)
    }
}

/// Adds a step for each member: all mutants of the small ones, today's part of those of the others.
pub(crate) fn add(steps: &mut Steps, workspace: &Workspace) {
    for subject in &SUBJECTS {
        let part = (subject.parts > 1).then(|| Part::of_today(subject.parts));
        let words = part.map_or_else(String::new, |part| format!(", part {} of {}", part.number + 1, part.of));
        steps.step(&format!("mutants of {}{words}", subject.member), |log| {
            try_all(workspace, log, subject, &Selected { since: None, only: None, part }, 1)
        });
    }
}

/// What became of mutants, by their names.
type Fates = BTreeMap<String, Fate>;

/// Which mutants are tried.
struct Selected<'o> {
    since: Option<&'o str>,
    only: Option<&'o str>,
    part: Option<Part>,
}

impl Selected<'_> {
    /// The arguments that say so.
    fn args(&self, workspace: &Workspace, scratch: &Path) -> Result<Vec<String>, String> {
        let mut args = Vec::new();
        args.extend(self.only.map(|only| format!("--re={only}")));
        args.extend(self.part.map(|part| format!("--shard={}/{}", part.number, part.of)));
        args.extend(self.part.map(|_| "--sharding=round-robin".to_owned()));
        if let Some(commit) = self.since {
            let mut command = workspace.program("git", ["diff", commit, "--", "*.rs"]);
            let output = command.output().map_err(|error| format!("git: {error}"))?;
            if !output.status.success() {
                return Err(format!("git diff: {}", String::from_utf8_lossy(&output.stderr).trim()));
            }
            let file = scratch.join("since.diff");
            std::fs::write(&file, output.stdout).map_err(|error| format!("{}: {error}", file.display()))?;
            args.push(format!("--in-diff={}", file.display()));
        }
        Ok(args)
    }
}

fn try_all(
    workspace: &Workspace,
    log: &mut Log,
    subject: &Subject,
    selected: &Selected<'_>,
    jobs: usize,
) -> Outcome {
    if let Some(why) = MUTANTS.lack() {
        return Outcome::Skipped(why);
    }
    match tried(workspace, log, subject, selected, jobs) {
        Ok(None) => Outcome::Skipped(NONE_SELECTED.to_owned()),
        Ok(Some((keys, fates))) => Outcome::of(judge(workspace, log, subject, &keys, &fates)),
        Err(why) => Outcome::Failed(why),
    }
}

/// What became of the mutants selected; none if there are none.
fn tried(
    workspace: &Workspace,
    log: &mut Log,
    subject: &Subject,
    selected: &Selected<'_>,
    jobs: usize,
) -> Result<Option<(Keys, Fates)>, String> {
    let said = |error: anyhow::Error| format!("{error:#}");
    let scratch = workspace.scratch("mutants").map_err(said)?;
    let all = list(workspace, subject, &[]).map_err(said)?;
    if all.is_empty() {
        return Err("cargo mutants finds nothing to change".to_owned());
    }
    let args = selected.args(workspace, &scratch)?;
    if list(workspace, subject, &args).map_err(said)?.is_empty() {
        return Ok(None);
    }
    let trial = Trial { workspace, subject, jobs, keys: Keys::of(&all), scratch };
    let fates = trial.both_rounds(log, args)?;
    Ok(Some((trial.keys, fates)))
}

/// The mutants of a member that `args` select, in the order of its files.
fn list(workspace: &Workspace, subject: &Subject, args: &[String]) -> Result<Vec<Listed>> {
    let mut command = cargo_mutants(workspace, subject);
    let output = command.args(["--list", "--json"]).args(args).output().context("cargo mutants does not start")?;
    let said = || format!("cargo mutants lists nothing: {}", String::from_utf8_lossy(&output.stderr).trim());
    ensure!(output.status.success(), said());
    listed(&output.stdout).with_context(said)
}

/// The mutants that it lists. It says nothing at all where a difference touches nothing that can be changed.
fn listed(stdout: &[u8]) -> Result<Vec<Listed>> {
    if stdout.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    Ok(serde_json::from_slice(stdout)?)
}

fn cargo_mutants(workspace: &Workspace, subject: &Subject) -> Command {
    let mut command = workspace.cargo("mutants --no-times --colors=never --build-timeout=120 --package");
    // Each copy of the workspace is built in a directory of its own.
    command.arg(subject.member).args(subject.build).env_remove("CARGO_TARGET_DIR");
    command
}

/// The trial of a member's mutants.
struct Trial<'w> {
    workspace: &'w Workspace,
    subject: &'w Subject,
    jobs: usize,
    keys: Keys,
    scratch: PathBuf,
}

impl Trial<'_> {
    /// What becomes of the mutants that `args` select, by their names.
    fn both_rounds(&self, log: &mut Log, mut args: Vec<String>) -> Result<Fates, String> {
        args.extend(self.subject.first.iter().map(|test| format!("--cargo-arg={test}")));
        if !self.subject.first.is_empty() && NEXTEST.lack().is_none() {
            // It ends with the first test that fails, and runs no examples of the documentation.
            args.push("--test-tool=nextest".to_owned());
        }
        // What a mutant costs is to be built, and it is built most quickly as it stands.
        let mut fates = self.round(log, "first", &args, &[("CARGO_PROFILE_CHECKED_OPT_LEVEL", "0")])?;
        let missed: Vec<&String> =
            fates.iter().filter(|(_, fate)| **fate == Fate::Missed).map(|(name, _)| name).collect();
        if !missed.is_empty() && !self.subject.first.is_empty() {
            let again: Vec<String> = missed.into_iter().map(|name| format!("--re=^{}$", escaped(name))).collect();
            fates.extend(self.round(log, "all", &again, &[])?);
        }
        Ok(fates)
    }

    /// One run of the program over some mutants.
    fn round(
        &self,
        log: &mut Log,
        name: &str,
        args: &[String],
        settings: &[(&str, &str)],
    ) -> Result<Fates, String> {
        let directory = self.scratch.join(format!("{}-{name}", self.subject.member));
        // What an earlier run left must not be taken for this one's.
        let _ = std::fs::remove_dir_all(directory.join("mutants.out"));
        let mut command = cargo_mutants(self.workspace, self.subject);
        command.arg(format!("--jobs={}", self.jobs)).arg(format!("--output={}", directory.display())).args(args);
        command.envs(settings.iter().copied());
        let of = self.keys.len();
        let tell = || {
            let (tried, missed) = trial::so_far(&directory);
            format!("{tried} tried (the crate has {of}), {missed} missed by the tests of this round ({name})")
        };
        let status = log.watch(command, tell)?;
        match status.code() {
            // All noticed; some missed; some did not end.
            Some(0 | 2 | 3) => trial::fates(&directory).map_err(|error| format!("{error:#}")),
            _ => Err(format!("cargo mutants: {status}; do the tests of {} pass?", self.subject.member)),
        }
    }
}

/// `text` as an expression that matches it alone. What means nothing by itself may mean something behind a backslash, as `<`
/// does, so that only what must be is escaped.
fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| MEANINGFUL.contains(c).then_some('\\').into_iter().chain([c])).collect()
}

fn judge(
    workspace: &Workspace,
    log: &mut Log,
    subject: &Subject,
    keys: &Keys,
    fates: &Fates,
) -> Result<(), String> {
    let text = std::fs::read_to_string(workspace.root().join(EXPLAINED))
        .map_err(|error| format!("{EXPLAINED}: {error}"))?;
    let count = |wanted: Fate| fates.values().filter(|fate| **fate == wanted).count();
    let told = format!(
        "{}: {} of {} mutants tried: {} noticed, {} did not end, {} do not compile, {} survive\n",
        subject.member,
        fates.len(),
        keys.len(),
        count(Fate::Caught),
        count(Fate::Timeout),
        count(Fate::Unviable),
        count(Fate::Missed)
    );
    log.show(&told);
    log.say(&told);
    let complaints = Explained::read(&text)?.complaints(subject.member, keys, fates);
    for complaint in &complaints {
        log.show(&format!("  {complaint}\n"));
        log.say(complaint);
    }
    match complaints.first() {
        None => Ok(()),
        Some(first) => Err(format!("{} complaints, see {EXPLAINED}; the first: {first}", complaints.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::{EXPLAINED, Part, SUBJECTS, escaped, listed, part};
    use crate::mutants::explained::Explained;
    use crate::workspace::Workspace;

    #[test]
    fn a_list_may_be_empty_but_not_unreadable() {
        assert_eq!([&b""[..], b" \n", b"[]"].map(|text| listed(text).unwrap().len()), [0; 3]);
        assert_eq!(listed(br#"[{"name": "a/src/b.rs:1:2: replace + with -"}]"#).unwrap().len(), 1);
        assert!(listed(b"error: no such package").is_err());
    }

    #[test]
    fn every_explanation_is_of_a_file_of_a_crate_that_is_tried() {
        let workspace = Workspace::open().unwrap();
        let text = std::fs::read_to_string(workspace.root().join(EXPLAINED)).unwrap();
        for file in Explained::read(&text).unwrap().files() {
            assert!(workspace.root().join(file).is_file(), "{file}");
            assert!(SUBJECTS.iter().any(|subject| file.starts_with(&format!("{}/", subject.member))), "{file}");
        }
    }

    #[test]
    fn the_subjects_are_members_with_the_tests_that_come_first() {
        let workspace = Workspace::open().unwrap();
        for subject in &SUBJECTS {
            let member = workspace.members().iter().find(|member| member.name.as_str() == subject.member).unwrap();
            for test in subject.first.iter().filter_map(|arg| arg.strip_prefix("--test=")) {
                assert!(member.targets.iter().any(|target| target.is_test() && target.name == test), "{test}");
            }
        }
    }

    #[test]
    fn parts_are_counted_from_one_by_people_and_have_their_turn() {
        assert_eq!(part("3/12"), Ok(Part { number: 2, of: 12 }));
        for wrong in ["0/3", "4/3", "3", "a/b", "1/0"] {
            assert!(part(wrong).is_err(), "{wrong}");
        }
        assert!(Part::of_today(12).number < 12);
    }

    #[test]
    fn a_name_matches_itself_alone() {
        assert_eq!(escaped("a.rs:1:2: replace - with | in <f>"), "a\\.rs:1:2: replace \\- with \\| in <f>");
    }
}
