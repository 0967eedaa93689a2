//! One run of a kernel in QEMU: started, read line by line, and ended at the latest when its time is over.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Plan;

/// The emulator.
pub(crate) const PROGRAM: &str = "qemu-system-x86_64";

/// More than any run prints; what prints more is stuck in a loop that prints.
const MAX_LOG_BYTES: usize = 16 << 20;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// QEMU ended by itself with this code.
    Exited(i32),
    /// A signal ended QEMU.
    Killed,
    /// The run was ended: its time was over.
    TimedOut(Duration),
    /// The run was ended: it printed without end.
    PrintedTooMuch,
}

impl Ending {
    /// What is wrong with this ending, if a run was to exit with `expected`.
    pub(crate) fn complaint(&self, expected: i32) -> Option<String> {
        match self {
            Self::Exited(code) if *code == expected => None,
            Self::Exited(code) => Some(format!("QEMU exited with {code}, not {expected}")),
            Self::Killed => Some("QEMU was ended by a signal".to_owned()),
            Self::TimedOut(limit) => Some(format!("no end within {} s", limit.as_secs())),
            Self::PrintedTooMuch => Some(format!("printed more than {MAX_LOG_BYTES} bytes")),
        }
    }
}

/// The command that boots `image` as `plan` says.
///
/// `-accel tcg -icount` makes a run repeat itself to the instruction, so that its ticks can be compared. `-nic none`
/// does without the network card's firmware, which distributions package apart. A reset ends QEMU instead of
/// starting over. What comes out of the second serial port and those behind it goes to `traces`.
pub(crate) fn command(image: &Path, plan: &Plan, traces: &[PathBuf]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(["-accel", "tcg", "-icount", "shift=0,sleep=off", "-machine", "q35", "-cpu", "max"]);
    command.args(["-nodefaults", "-nic", "none", "-display", "none", "-serial", "stdio", "-no-reboot"]);
    command.args(["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]);
    command.args(["-m", &plan.memory.to_string(), "-kernel"]).arg(image);
    for trace in traces {
        command.arg("-serial").arg(format!("file:{}", trace.display()));
    }
    if let Some(line) = plan.scenario.command_line() {
        command.args(["-append", &line]);
    }
    command
}

/// Runs `command` to its end, but no longer than `limit`. Every line goes into the file at `log_path` and to `on_line`.
///
/// # Errors
///
/// The program does not start, or the log cannot be written.
pub(crate) fn run(
    mut command: Command,
    limit: Duration,
    log_path: &Path,
    on_line: &mut dyn FnMut(&str),
) -> Result<Ending> {
    let mut log = File::create(log_path).with_context(|| format!("cannot write {}", log_path.display()))?;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("cannot start {:?}", command.get_program()))?;
    let lines = read_lines(&mut child);
    let early = follow(&lines, Instant::now() + limit, &mut |line| {
        on_line(line);
        writeln!(log, "{line}").context("cannot write the log")
    });
    if !matches!(early, Ok(Stop::Closed)) {
        child.kill().context("cannot end QEMU")?;
    }
    let status = child.wait().context("cannot wait for QEMU")?;
    Ok(match early? {
        Stop::TimeOver => Ending::TimedOut(limit),
        Stop::TooMuch => Ending::PrintedTooMuch,
        Stop::Closed => status.code().map_or(Ending::Killed, Ending::Exited),
    })
}

/// Why no more lines are read.
enum Stop {
    /// Both outputs were closed.
    Closed,
    /// The time was over first.
    TimeOver,
    /// The output grew beyond its limit first.
    TooMuch,
}

/// Passes lines on until the outputs close, the deadline comes, or they are too many.
fn follow(
    lines: &Receiver<String>,
    deadline: Instant,
    on_line: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<Stop> {
    let mut left_bytes = MAX_LOG_BYTES;
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                let Some(left) = left_bytes.checked_sub(line.len() + 1) else {
                    return Ok(Stop::TooMuch);
                };
                left_bytes = left;
                on_line(&line)?;
            }
            Err(RecvTimeoutError::Timeout) => return Ok(Stop::TimeOver),
            Err(RecvTimeoutError::Disconnected) => return Ok(Stop::Closed),
        }
    }
}

/// Reads both outputs in threads of their own; they end with the outputs.
fn read_lines(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = channel();
    let outputs: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|out| Box::new(out) as Box<dyn Read + Send>),
        child.stderr.take().map(|out| Box::new(out) as Box<dyn Read + Send>),
    ];
    for output in outputs.into_iter().flatten() {
        let sender = sender.clone();
        thread::spawn(move || {
            let mut output = BufReader::new(output.take(2 * MAX_LOG_BYTES as u64));
            let mut bytes = Vec::new();
            while output.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
                let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
                if sender.send(line).is_err() {
                    return;
                }
                bytes.clear();
            }
        });
    }
    receiver
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::{Ending, run};

    fn run_script(script: &str, limit: Duration) -> (Ending, Vec<String>, String) {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let mut lines = Vec::new();
        let ending = run(command, limit, &log, &mut |line| lines.push(line.to_owned())).unwrap();
        (ending, lines, std::fs::read_to_string(log).unwrap())
    }

    const AMPLE: Duration = Duration::from_secs(60);

    #[test]
    fn lines_and_exit_code_come_back_and_the_log_is_kept() {
        let (ending, lines, log) = run_script("printf 'a\\r\\nb\\n\\377c'; exit 33", AMPLE);
        assert_eq!(ending, Ending::Exited(33));
        assert_eq!(lines, ["a", "b", "\u{fffd}c"]);
        assert_eq!(log, "a\nb\n\u{fffd}c\n");
    }

    #[test]
    fn what_the_emulator_complains_about_is_in_the_log() {
        let (ending, lines, _) = run_script("echo trouble >&2; exit 1", AMPLE);
        assert_eq!((ending, lines), (Ending::Exited(1), vec!["trouble".to_owned()]));
    }

    #[test]
    fn a_run_that_does_not_end_is_ended() {
        let limit = Duration::from_millis(200);
        let (ending, lines, _) = run_script("echo begun; exec sleep 60", limit);
        assert_eq!((ending, lines), (Ending::TimedOut(limit), vec!["begun".to_owned()]));
    }

    #[test]
    fn a_run_that_prints_without_end_is_ended() {
        let (ending, ..) = run_script("exec yes 0123456789012345678901234567890123456789", AMPLE);
        assert_eq!(ending, Ending::PrintedTooMuch);
    }

    #[test]
    fn only_the_expected_code_is_no_complaint() {
        assert_eq!(Ending::Exited(33).complaint(33), None);
        for ending in [Ending::Exited(0), Ending::Killed, Ending::TimedOut(AMPLE), Ending::PrintedTooMuch] {
            assert!(ending.complaint(33).is_some(), "{ending:?}");
        }
    }
}
