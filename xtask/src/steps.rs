//! Steps of a longer check: each runs whatever became of the others, has a log, and ends in one table.
//!
//! The last line printed is always `N passed, N failed, N skipped`.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use indicatif::{ProgressBar, ProgressStyle};

use crate::workspace::Workspace;

/// Lines of a failed step's log that are printed.
const LOG_LINES_SHOWN: usize = 60;

/// How often a running command is looked at.
const POLL: Duration = Duration::from_millis(20);

/// How a step did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All in order.
    Passed,
    /// What was not in order.
    Failed(String),
    /// Not run: why.
    Skipped(String),
}

impl Outcome {
    /// The outcome of what either went well or did not.
    pub(crate) fn of<T>(result: Result<T, String>) -> Self {
        result.map_or_else(Self::Failed, |_| Self::Passed)
    }
}

/// The steps done so far.
#[derive(Debug)]
pub(crate) struct Steps {
    logs: PathBuf,
    done: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    name: String,
    outcome: Outcome,
    took: Duration,
}

impl Steps {
    /// No steps yet; their logs go to a directory named `group`.
    ///
    /// # Errors
    ///
    /// The directory cannot be created.
    pub(crate) fn new(workspace: &Workspace, group: &str) -> Result<Self> {
        Ok(Self { logs: workspace.scratch(group)?, done: Vec::new() })
    }

    /// Runs a step, shows that it runs, and prints how it did. A failed one prints the end of its log.
    pub(crate) fn step(&mut self, name: &str, body: impl FnOnce(&mut Log) -> Outcome) {
        let number = self.done.len() + 1;
        let path = self.logs.join(format!("{number:02}-{}.log", file_name(name)));
        let spinner = spinner(name);
        let begin = Instant::now();
        let outcome = match Log::create(&path, spinner.clone()) {
            Ok(mut log) => body(&mut log),
            Err(error) => Outcome::Failed(format!("{error:#}")),
        };
        let took = begin.elapsed();
        spinner.finish_and_clear();
        eprintln!("[{number:2}] {name}: {} ({:.1} s)", in_words(&outcome), took.as_secs_f64());
        if matches!(outcome, Outcome::Failed(_)) {
            eprintln!("{}", end_of_log(&path));
        }
        self.done.push(Step { name: name.to_owned(), outcome, took });
    }

    /// Prints the table and, as the last line, the counts. `false`: a step failed, or there was none.
    pub(crate) fn finish(self) -> bool {
        let (text, good) = summary(&self.done);
        print!("{text}");
        good
    }
}

fn summary(done: &[Step]) -> (String, bool) {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(vec!["step", "seconds", "result"]);
    let [mut passed, mut failed, mut skipped] = [0; 3];
    for step in done {
        match step.outcome {
            Outcome::Passed => passed += 1,
            Outcome::Failed(_) => failed += 1,
            Outcome::Skipped(_) => skipped += 1,
        }
        let seconds = format!("{:.1}", step.took.as_secs_f64());
        table.add_row(vec![step.name.clone(), seconds, shortened(&in_words(&step.outcome))]);
    }
    (format!("{table}\n{passed} passed, {failed} failed, {skipped} skipped\n"), failed == 0 && passed > 0)
}

fn in_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Passed => "passed".to_owned(),
        Outcome::Failed(why) => format!("FAILED: {}", why.lines().next().unwrap_or_default()),
        Outcome::Skipped(why) => format!("skipped: {why}"),
    }
}

/// At most 90 characters of `text`: what fits beside the other columns.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(90) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn spinner(name: &str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_prefix(name.to_owned());
    let style = ProgressStyle::with_template("{spinner} {prefix} {elapsed:>4}  {wide_msg}");
    spinner.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner
}

/// `name` in letters, digits and dashes.
fn file_name(name: &str) -> String {
    let dashed: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    dashed.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

fn end_of_log(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let shown = &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..];
    format!("    {}\n    (the whole is in {})", shown.join("\n    "), path.display())
}

/// The log of one step.
#[derive(Debug)]
pub(crate) struct Log {
    file: File,
    spinner: ProgressBar,
}

impl Log {
    fn create(path: &Path, spinner: ProgressBar) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { file, spinner })
    }

    /// Writes a line.
    pub(crate) fn say(&mut self, text: &str) {
        // A log that cannot be written takes nothing from the step: the outcome is told without it.
        let _ = writeln!(self.file, "{text}");
    }

    /// The file, for the output of a process.
    ///
    /// # Errors
    ///
    /// It cannot be shared.
    pub(crate) fn file(&self) -> Result<File, String> {
        self.file.try_clone().map_err(|error| format!("cannot write the log: {error}"))
    }

    /// Prints a text beside the running step.
    pub(crate) fn show(&self, text: &str) {
        self.spinner.suspend(|| eprint!("{text}"));
    }

    /// Runs a command whose output goes to the log.
    ///
    /// # Errors
    ///
    /// It does not start or does not succeed; the text names it.
    pub(crate) fn run(&mut self, command: Command) -> Result<(), String> {
        let name = in_one_line(&command);
        let status = self.watch(command, || name.clone())?;
        if status.success() { Ok(()) } else { Err(format!("{name}: {status}")) }
    }

    /// Runs a command whose output goes to the log, and shows what `tell` says while it runs.
    ///
    /// # Errors
    ///
    /// It does not start; the text names it.
    pub(crate) fn watch(&mut self, mut command: Command, tell: impl Fn() -> String) -> Result<ExitStatus, String> {
        let name = in_one_line(&command);
        self.say(&format!("$ {name}"));
        let (out, err) = (self.file()?, self.file()?);
        let in_words = |error| format!("{name}: {error}");
        let mut child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn().map_err(in_words)?;
        loop {
            self.spinner.set_message(tell());
            match child.try_wait().map_err(in_words)? {
                Some(status) => return Ok(status),
                None => thread::sleep(POLL),
            }
        }
    }

    /// Runs all commands, also behind one that fails.
    ///
    /// # Errors
    ///
    /// The first that failed, and how many did; or there was none to run.
    pub(crate) fn run_all(&mut self, commands: Vec<Command>) -> Result<(), String> {
        let count = commands.len();
        let failures: Vec<String> = commands.into_iter().filter_map(|command| self.run(command).err()).collect();
        match failures.first() {
            None if count == 0 => Err("there was nothing to run".to_owned()),
            None => Ok(()),
            Some(first) => Err(format!("{} of {count}, first {first}", failures.len())),
        }
    }
}

/// A command as it would be typed.
fn in_one_line(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = [program].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use indicatif::ProgressBar;

    use super::{Log, Outcome, Step, end_of_log, file_name, summary};

    fn step(outcome: Outcome) -> Step {
        Step { name: "a step".to_owned(), outcome, took: Duration::from_millis(1200) }
    }

    fn script(text: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", text]);
        command
    }

    #[test]
    fn the_last_line_counts_the_steps_and_a_failure_spoils_the_whole() {
        let (text, good) = summary(&[step(Outcome::Passed), step(Outcome::Skipped("no target".into()))]);
        assert!(
            text.ends_with("\n1 passed, 0 failed, 1 skipped\n") && text.contains("skipped: no target"),
            "{text}"
        );
        assert!(good);
        let (text, good) = summary(&[step(Outcome::Passed), step(Outcome::Failed("broken\nmore".into()))]);
        assert!(text.ends_with("\n1 passed, 1 failed, 0 skipped\n") && text.contains("FAILED: broken"), "{text}");
        assert!(!good);
    }

    #[test]
    fn a_long_reason_is_shortened_in_the_table() {
        let (text, _) = summary(&[step(Outcome::Failed("ä".repeat(200)))]);
        assert!(text.contains("ä…") && !text.contains(&"ä".repeat(91)), "{text}");
    }

    #[test]
    fn steps_of_which_none_ran_are_not_good() {
        assert!(!summary(&[]).1);
        assert!(!summary(&[step(Outcome::Skipped("x".into()))]).1);
    }

    #[test]
    fn a_log_holds_the_commands_and_all_their_output() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut log = Log::create(&path, ProgressBar::hidden()).unwrap();
        assert_eq!(log.run(script("echo out; echo err >&2")), Ok(()));
        assert!(log.run(script("exit 3")).unwrap_err().contains("exit status: 3"));
        assert!(log.run(Command::new("no-such-program-here")).is_err());
        assert_eq!(log.watch(script("exit 4"), String::new).unwrap().code(), Some(4));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("$ sh -c echo out; echo err >&2\nout\nerr\n$ sh -c exit 3\n"), "{text}");
        assert!(end_of_log(&path).contains("    out\n    err\n"));
    }

    #[test]
    fn every_command_runs_and_the_first_failure_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut log = Log::create(&path, ProgressBar::hidden()).unwrap();
        let failed = log.run_all(vec![script("exit 1"), script("echo reached"), script("exit 2")]).unwrap_err();
        assert_eq!(failed, "2 of 3, first sh -c exit 1: exit status: 1");
        assert!(std::fs::read_to_string(&path).unwrap().contains("reached"));
        assert!(log.run_all(Vec::new()).is_err());
    }

    #[test]
    fn a_step_gives_its_log_a_plain_file_name() {
        assert_eq!(file_name("clippy: allocator, each set"), "clippy-allocator-each-set");
    }
}
