//! Processes that may take so long and no longer.

use std::process::{Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How often a running process is looked at.
const POLL: Duration = Duration::from_millis(5);

/// Runs a command to its end, or for `limit`.
///
/// # Errors
///
/// It does not start, or takes longer; then it is ended.
pub(crate) fn within(limit: Duration, command: &mut Command) -> Result<ExitStatus> {
    let mut child = command.spawn().with_context(|| format!("starting {command:?}"))?;
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if begin.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            bail!("takes longer than {} s", limit.as_secs());
        }
        thread::sleep(POLL);
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::within;

    #[test]
    fn a_process_is_waited_for_and_one_without_end_is_ended() {
        let shell = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        };
        assert_eq!(within(Duration::from_secs(60), &mut shell("exit 3")).unwrap().code(), Some(3));
        let endless = within(Duration::ZERO, &mut shell("exec sleep 1000")).unwrap_err();
        assert_eq!(endless.to_string(), "takes longer than 0 s");
    }
}
