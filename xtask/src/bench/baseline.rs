//! The committed counts: what our backends cost, and whether they have become slower.
//!
//! ```text
//!   # rustc 1.95.0 (59807616e 2026-04-14), x86_64       counts depend on both
//!   figure,load,subject,instructions
//!   mean,ping-64,slab,4180000                           all operations of the workload
//!   worst,cascade,slab,2210                             the worst single one
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::Figures;
use crate::workspace::Workspace;

/// The workloads that are counted for the baseline: one for each kind of work, none that takes long.
pub(super) const LOADS: [&str; 12] = [
    "ping-64",
    "random-64",
    "actions-realloc",
    "kernel-mix",
    "aligned",
    "cascade",
    "misfits",
    "holes",
    "page-ping",
    "run-ping",
    "page-random",
    "runs-pow2",
];

/// A count may grow by this many percent before it is a regression.
const TOLERANCE_PERCENT: u64 = 2;

/// Counts by figure, workload and allocator.
type Counts = BTreeMap<(String, String, String), u64>;

/// Where it lies.
pub(super) fn path(workspace: &Workspace) -> PathBuf {
    workspace.root().join("bench/baseline.csv")
}

/// The compiler that counts depend on, in one line.
fn compiler() -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().context("asking rustc for its version")?;
    Ok(format!("{}, {}", String::from_utf8_lossy(&output.stdout).trim(), std::env::consts::ARCH))
}

/// Why the baseline does not speak of this compiler; `None` if it does.
///
/// # Errors
///
/// It cannot be read, or rustc does not answer.
pub(super) fn other_compiler(path: &Path) -> Result<Option<String>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let (theirs, ours) = (compiler_of(&text)?, compiler()?);
    Ok((theirs != ours).then(|| format!("the baseline was counted with {theirs}, here is {ours}")))
}

fn compiler_of(text: &str) -> Result<&str> {
    text.lines().next().and_then(|line| line.strip_prefix("# ")).context("the baseline does not name its compiler")
}

/// The counts of a run.
///
/// # Errors
///
/// One of them could not be taken.
fn counts(figures: &Figures) -> Result<Counts> {
    let means = figures.means.iter().map(|(key, mean)| ("mean", key, mean.clone().map(|mean| mean.total())));
    let worst = figures.worst.iter().map(|(key, worst)| ("worst", key, worst.clone()));
    let mut counts = Counts::new();
    for (figure, (load, subject), count) in means.chain(worst) {
        match count {
            Ok(count) => counts.insert((figure.to_owned(), load.clone(), subject.clone()), count),
            Err(why) => bail!("{subject} on {load}: {why}"),
        };
    }
    Ok(counts)
}

/// Writes the counts as the new baseline.
///
/// # Errors
///
/// A count is missing, or the file cannot be written.
pub(super) fn write(path: &Path, figures: &Figures) -> Result<bool> {
    let counts = counts(figures)?;
    std::fs::write(path, to_text(&compiler()?, &counts)).with_context(|| format!("writing {}", path.display()))?;
    println!("{} counts written to {}", counts.len(), path.display());
    Ok(true)
}

fn to_text(compiler: &str, counts: &Counts) -> String {
    let lines =
        counts.iter().map(|((figure, load, subject), count)| format!("{figure},{load},{subject},{count}\n"));
    format!("# {compiler}\nfigure,load,subject,instructions\n{}", lines.collect::<String>())
}

fn from_text(text: &str) -> Result<Counts> {
    let mut counts = Counts::new();
    for line in text.lines().skip(2) {
        let fields: Vec<&str> = line.split(',').collect();
        let [figure, load, subject, count] = fields[..] else { bail!("the baseline has a line {line:?}") };
        let count = count.parse().with_context(|| format!("the baseline has a line {line:?}"))?;
        counts.insert((figure.to_owned(), load.to_owned(), subject.to_owned()), count);
    }
    ensure!(!counts.is_empty(), "the baseline is empty");
    Ok(counts)
}

/// Compares with the baseline and prints every difference. `false`: a count has grown, or is missing.
///
/// # Errors
///
/// The baseline cannot be read, or a count could not be taken.
pub(super) fn compare(path: &Path, figures: &Figures) -> Result<bool> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let (then, now) = (from_text(&text)?, counts(figures)?);
    let differences = differences(&then, &now);
    for difference in &differences {
        println!("{}", difference.text);
    }
    let bad = differences.iter().filter(|difference| difference.is_bad).count();
    println!("{} counts compared with the baseline, {bad} grown by more than {TOLERANCE_PERCENT} %", then.len());
    if differences.iter().any(|difference| !difference.is_bad) {
        println!("`cargo xtask bench --update-baseline` accepts the counts as they are");
    }
    Ok(bad == 0)
}

/// A count that is not as it was.
struct Difference {
    text: String,
    is_bad: bool,
}

fn differences(then: &Counts, now: &Counts) -> Vec<Difference> {
    let mut found = Vec::new();
    for (key @ (figure, load, subject), &old) in then {
        let name = format!("{subject} on {load}, {figure}");
        let Some(&new) = now.get(key) else {
            found.push(Difference { text: format!("GONE: {name} was in the baseline"), is_bad: true });
            continue;
        };
        let change = new as f64 / old.max(1) as f64 - 1.0;
        let is_bad = new * 100 > old * (100 + TOLERANCE_PERCENT);
        if is_bad || new * 100 < old * (100 - TOLERANCE_PERCENT) {
            let word = if is_bad { "GROWN" } else { "smaller" };
            let text = format!("{word}: {name}: {old} instructions then, {new} now ({:+.1} %)", change * 100.0);
            found.push(Difference { text, is_bad });
        }
    }
    for (figure, load, subject) in now.keys().filter(|key| !then.contains_key(*key)) {
        let text = format!("new: {subject} on {load}, {figure} is not in the baseline");
        found.push(Difference { text, is_bad: false });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Counts, compiler_of, differences, from_text, to_text};

    fn counts(counts: &[(&str, u64)]) -> Counts {
        counts.iter().map(|&(load, count)| (("mean".into(), load.into(), "slab".into()), count)).collect()
    }

    #[test]
    fn a_baseline_is_read_as_it_was_written() {
        let written = counts(&[("a", 5), ("b", 7)]);
        let text = to_text("rustc 1, x", &written);
        assert_eq!((compiler_of(&text).unwrap(), from_text(&text).unwrap()), ("rustc 1, x", written));
        assert!(from_text("# x\nfigure\nmean,a,slab\n").is_err());
        assert!(from_text("# x\nfigure\n").is_err());
    }

    #[test]
    fn more_than_two_percent_is_a_regression_and_less_is_not() {
        let bad = |old, new| differences(&counts(&[("a", old)]), &counts(&[("a", new)])).iter().any(|d| d.is_bad);
        assert!(bad(1000, 1021) && !bad(1000, 1020) && !bad(1000, 500));
        assert!(differences(&counts(&[("a", 1000)]), &counts(&[("a", 1020)])).is_empty());
    }

    #[test]
    fn a_count_that_is_gone_fails_and_a_new_one_is_told() {
        let found = differences(&counts(&[("a", 1)]), &counts(&[("b", 1)]));
        assert_eq!(found.iter().map(|d| d.is_bad).collect::<Vec<_>>(), [true, false]);
        assert!(found[0].text.contains("GONE: slab on a") && found[1].text.contains("new: slab on b"));
    }
}
