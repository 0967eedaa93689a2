//! The suite on the machines that this one can be, or play.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::kernel;
use super::matrix::{Place, Report, Seen};
use crate::boot::backend::Backends;
use crate::boot::scenario::Scenario;
use crate::boot::{Boot, Verdict, boot_all};
use crate::ci::plans;
use crate::process;
use crate::setup::{
    self,
    foreign::{self, BIG_ENDIAN_TARGET, NARROW_TARGET},
};
use crate::steps::{Log, Outcome, Steps};
use crate::workspace::Workspace;

/// The program that runs the suites: an example of the facade.
const RUNNER: &str = "--release --package allocator --all-features --example evidence";

/// The longest that the suites of all backends may take, also in an emulator.
const TIME_LIMIT: Duration = Duration::from_secs(1200);

/// Memory of the machines that kernels boot on, in MiB.
const MACHINE_MIB: u64 = 512;

/// What comes of `place`, as a step. `asked`: what the host told.
pub(super) fn seen(steps: &mut Steps, workspace: &Workspace, place: Place, asked: &[Report]) -> Seen {
    let mut seen = Seen::Failed("it did not begin".to_owned());
    steps.step(place.name(), |log| {
        seen = look(workspace, place, asked, log);
        match &seen {
            Seen::Ran(_) => Outcome::Passed,
            Seen::Skipped(why) => Outcome::Skipped(why.clone()),
            Seen::Failed(why) => Outcome::Failed(why.clone()),
        }
    });
    seen
}

fn look(workspace: &Workspace, place: Place, asked: &[Report], log: &mut Log) -> Seen {
    let lack = match place {
        Place::Host => None,
        Place::Narrow => foreign::narrow_lack(),
        Place::BigEndian => foreign::big_endian_lack(),
        Place::Kernel => setup::qemu_lack(),
    };
    if let Some(why) = lack {
        return Seen::Skipped(why);
    }
    let told = match place {
        Place::Host => run(workspace, log, &|words| workspace.cargo(words)),
        Place::Narrow => {
            run(workspace, log, &|words| workspace.cargo(&format!("{words} --target {NARROW_TARGET}")))
        }
        Place::BigEndian => run(workspace, log, &|words| {
            foreign::for_big_endian(workspace.cargo(&format!("{words} --target {BIG_ENDIAN_TARGET}")))
        }),
        Place::Kernel => return boots(workspace, asked),
    };
    told.map_or_else(Seen::Failed, Seen::Ran)
}

/// Builds the runner and runs it. `cargo`: the command for some words, on the machine in question.
fn run(workspace: &Workspace, log: &mut Log, cargo: &dyn Fn(&str) -> Command) -> Result<Vec<Report>, String> {
    log.run(cargo(&format!("build {RUNNER}")))?;
    let said = |error: anyhow::Error| format!("{error:#}");
    let path = workspace.scratch("evidence").map_err(said)?.join("lines.json");
    let mut command = cargo(&format!("run --quiet {RUNNER}"));
    command.stdout(File::create(&path).map_err(|error| format!("cannot write {}: {error}", path.display()))?);
    command.stderr(log.file()?);
    let ended = process::within(TIME_LIMIT, &mut command).map_err(said);
    let behind = |reports: &[Report]| {
        reports.last().map_or("any case".to_owned(), |last| format!("{} of {}", last.case, last.backend))
    };
    // The last line of a suite that was ended may be a part of one.
    let status =
        ended.map_err(|why| format!("the suite behind {}: {why}", behind(&read(&path).unwrap_or_default())))?;
    let reports = read(&path)?;
    if !status.success() {
        return Err(format!("the suite ended behind {} with {status}", behind(&reports)));
    }
    if reports.is_empty() { Err("the suite told nothing".to_owned()) } else { Ok(reports) }
}

fn read(path: &Path) -> Result<Vec<Report>, String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let line = |line: &str| serde_json::from_str(line).map_err(|error| format!("`{line}` is no report: {error}"));
    text.lines().map(line).collect()
}

fn boots(workspace: &Workspace, asked: &[Report]) -> Seen {
    let plans = plans(MACHINE_MIB, &Backends::each(), &[Scenario::Normal]);
    match plans.and_then(|plans| boot_all(workspace, &plans, false).map_err(|error| format!("{error:#}"))) {
        Ok(boots) => of_boots(asked, &boots),
        Err(why) => Seen::Failed(why),
    }
}

/// What kernels told; a boot that was skipped leaves a gap, and so the place is skipped.
fn of_boots(asked: &[Report], boots: &[Boot]) -> Seen {
    let skipped = boots.iter().find_map(|boot| match &boot.verdict {
        Verdict::Skipped(why) => Some(format!("boot {}: {why}", boot.plan)),
        Verdict::Passed | Verdict::Failed(_) => None,
    });
    skipped.map_or_else(|| Seen::Ran(kernel::reports(asked, boots)), Seen::Skipped)
}

#[cfg(test)]
mod tests {
    use super::{of_boots, read};
    use crate::boot::backend::Backends;
    use crate::boot::protocol::Outcome;
    use crate::boot::scenario::Scenario;
    use crate::boot::{Boot, Plan, Verdict};
    use crate::evidence::matrix::Seen;
    use crate::evidence::matrix::tests::report;

    #[test]
    fn the_lines_of_the_runner_are_read_and_a_damaged_one_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lines");
        let one = report("tlsf", "one", Outcome::Declared, "not here");
        let line = serde_json::to_string(&one).unwrap();
        assert!(line.contains(r#""outcome":"declared""#), "{line}");
        std::fs::write(&path, format!("{line}\n{line}\n")).unwrap();
        assert_eq!(read(&path), Ok(vec![one.clone(), one]));
        std::fs::write(&path, &line[1..]).unwrap();
        assert!(read(&path).unwrap_err().contains("is no report"));
    }

    #[test]
    fn a_boot_that_was_skipped_skips_the_place() {
        let log = "#> case suite=bytes name=one outcome=passed";
        let boot = |verdict| {
            let (backends, memory) = (Backends::each()[0], "512M".parse().unwrap());
            Boot::of_log(Plan { backends, memory, scenario: Scenario::Normal }, verdict, log)
        };
        let asked = [report(Backends::each()[0].byte.name(), "one", Outcome::Passed, "")];
        assert!(matches!(of_boots(&asked, &[boot(Verdict::Passed)]), Seen::Ran(_)));
        let Seen::Skipped(why) = of_boots(&asked, &[boot(Verdict::Skipped("small".into()))]) else {
            panic!("ran")
        };
        assert!(why.ends_with("-512M: small"), "{why}");
    }
}
