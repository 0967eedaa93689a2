//! `cargo xtask advise`: which backends to switch on for a kernel whose allocations were recorded.

mod judge;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use self::judge::{Candidate, Prefer, against, ranked};
use crate::measure::figures;
use crate::measure::program::{Kind, Program, Subject};
use crate::measure::table::Table;
use crate::replay::{Row, Trace, about, rows};
use crate::setup::valgrind;
use crate::workspace::Workspace;

/// Recommends a byte backend and a page backend for a recorded trace, in words and as a line for Cargo.toml.
///
/// Replays the trace on every backend that is a feature of `allocator`, and weighs the instructions of the mean operation,
/// the memory in which nothing is refused, and the instructions of the worst operation. A trace of blocks chooses the byte
/// backend, a trace of pages the page backend; to `NAME.bytes` belongs `NAME.pages`, if it lies beside it.
///
/// Needs: Valgrind (`--setup` installs it by the system's package manager).
/// Takes: one minute for a trace of 300 000 records on two processors.
#[derive(Args, Debug)]
#[command(after_long_help = "Examples:
  cargo xtask advise --setup traces/kernel-boot.bytes.zst          with the pages of the same boot
  cargo xtask advise --prefer worst my-kernel.bytes                deadlines matter more than speed

traces/README.md tells how to record a kernel or a program.

The rule: cost = (instructions ÷ least)^1 · (memory ÷ least)^2 · (worst ÷ least)^¼; what --prefer names gets four times its
exponent. The lowest cost wins.")]
pub(crate) struct Options {
    /// Files with traces: one of blocks, one of pages, or both
    #[arg(value_name = "TRACE", required = true, num_args = 1..=2)]
    traces: Vec<PathBuf>,
    /// What matters most
    #[arg(long, value_enum)]
    prefer: Option<Prefer>,
    /// Seconds that one process may take
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    limit: u64,
    /// Install Valgrind if it is missing
    #[arg(long)]
    setup: bool,
}

impl Options {
    /// Runs the command. `false`: no backend can replay a trace.
    ///
    /// # Errors
    ///
    /// Valgrind is missing, the measuring program cannot be built, or a file is no trace.
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<bool> {
        valgrind::require(self.setup)?;
        let program = Program::build(workspace, false, Duration::from_secs(self.limit))?;
        let traces = with_other_level(&self.traces);
        let traces: Vec<Trace> = traces.iter().map(|path| about(&program, path)).collect::<Result<_>>()?;
        if let [one, other] = traces.as_slice() {
            ensure!(one.level != other.level, "both traces are of {}", one.level);
        }
        let features = workspace.features("allocator");
        let is_feature = |subject: &Subject| subject.kind == Kind::Ours && features.contains(&subject.name);
        let backends: Vec<Subject> = program.list()?.subjects.into_iter().filter(is_feature).collect();
        let overhead = figures::overhead(&program)?;
        let mut chosen = Vec::new();
        for trace in &traces {
            let backends: Vec<&Subject> = backends.iter().filter(|backend| backend.level == trace.level).collect();
            match advise(trace, &rows(&program, trace, &backends, overhead), self.prefer) {
                Some(best) => chosen.push((trace.level.as_str(), best)),
                None => return Ok(false),
            }
        }
        println!("{}", conclusion(&chosen, &Facade::of(workspace)?));
        Ok(true)
    }
}

/// The traces, and beside a single one that of the other level of the same recording, if there is one.
fn with_other_level(traces: &[PathBuf]) -> Vec<PathBuf> {
    let mut all = traces.to_vec();
    if let [only] = traces
        && let Some(other) = other_level(only).filter(|path| path.is_file())
    {
        all.push(other);
    }
    all
}

/// `x.pages` of `x.bytes` and the other way round, compressed or not.
fn other_level(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let (stem, packed) = name.strip_suffix(".zst").map_or((name, ""), |stem| (stem, ".zst"));
    let (base, other) = match stem.rsplit_once('.')? {
        (base, "bytes") => (base, "pages"),
        (base, "pages") => (base, "bytes"),
        _ => return None,
    };
    Some(path.with_file_name(format!("{base}.{other}{packed}")))
}

/// Prints what the backends did with a trace, and which is best for it; `None` if none could replay it.
fn advise(trace: &Trace, rows: &[Row], prefer: Option<Prefer>) -> Option<String> {
    let (mut candidates, mut out) = (Vec::new(), Vec::new());
    for row in rows {
        match candidate(row) {
            Ok(candidate) => candidates.push(candidate),
            Err(why) => out.push(format!("out: {}: {why}", row.subject.name)),
        }
    }
    let ranked = ranked(&candidates, prefer);
    println!("{}", table(trace, &ranked, out).markdown());
    let Some(&(_, best)) = ranked.first() else {
        println!("No backend replays {} in 128 MiB.", trace.name);
        return None;
    };
    println!("{}\n", reasons(trace, best, ranked.get(1).copied()));
    Some(best.name.clone())
}

/// The figures of a backend, or why it cannot be recommended.
fn candidate(row: &Row) -> Result<Candidate, String> {
    let mean = row.mean.as_ref().map_err(Clone::clone)?;
    if mean.refused > 0 {
        return Err(format!("refuses {} requests in 128 MiB", mean.refused));
    }
    let worst = *row.worst.as_ref().map_err(Clone::clone)?;
    let needed = *row.needed.as_ref().map_err(Clone::clone)?;
    Ok(Candidate { name: row.subject.name.clone(), mean: mean.per_operation(), worst: worst as f64, needed })
}

fn table(trace: &Trace, ranked: &[(f64, &Candidate)], notes: Vec<String>) -> Table {
    let title = format!("{}: {} operations", trace.name, trace.operations);
    let columns = ["backend", "cost", "instr/op", "needed", "worst"];
    let mut table = Table::new(&title, columns.map(str::to_owned).to_vec());
    for (cost, one) in ranked {
        let (mean, needed, worst) = (one.mean, one.needed, one.worst);
        table.rows.push(vec![
            one.name.clone(),
            format!("{cost:.2}"),
            format!("{mean:.1}"),
            format!("{needed:.3}"),
            format!("{worst:.0}"),
        ]);
    }
    table.notes = notes;
    table
}

/// Why the best is recommended, and what the second best would cost instead.
fn reasons(trace: &Trace, best: &Candidate, second: Option<(f64, &Candidate)>) -> String {
    let unit_bytes = if trace.level == "pages" { 4096.0 } else { 1.0 };
    let live_mib = trace.peak_requested as f64 * unit_bytes / f64::from(1 << 20);
    let first = format!(
        "For {}: {}. Its mean operation takes {:.0} instructions and the worst seen {:.0}; where at most {live_mib:.1} MiB \
         are live it needs {:.1} MiB.",
        trace.level,
        best.name,
        best.mean,
        best.worst,
        live_mib * best.needed,
    );
    match second {
        Some((_, second)) => format!("{first}\nSecond best: {}.", against(best, second)),
        None => format!("{first}\nThere is no second one to compare it with."),
    }
}

/// What a kernel's Cargo.toml says of `allocator`.
#[derive(Debug)]
struct Facade {
    version: String,
    /// Backends that are on unless they are switched off.
    defaults: Vec<String>,
}

impl Facade {
    fn of(workspace: &Workspace) -> Result<Self> {
        let package = workspace.members().iter().find(|package| package.name.as_str() == "allocator");
        let package = package.context("`allocator` is no member")?;
        let version = format!("{}.{}", package.version.major, package.version.minor);
        let Some(defaults) = package.features.get("default") else { bail!("`allocator` has no default features") };
        Ok(Self { version, defaults: defaults.clone() })
    }

    /// The line that makes `backends` the default types. A backend outranks those that are on anyway.
    fn line(&self, backends: &[&str]) -> String {
        let words: Vec<String> = backends
            .iter()
            .filter(|name| !self.defaults.iter().any(|default| default == *name))
            .map(|name| format!("\"{name}\""))
            .collect();
        match words.is_empty() {
            true => format!("allocator = \"{}\"", self.version),
            false => {
                format!("allocator = {{ version = \"{}\", features = [{}] }}", self.version, words.join(", "))
            }
        }
    }
}

/// The recommendation: a line for each level, and the one for Cargo.toml.
fn conclusion(chosen: &[(&str, String)], facade: &Facade) -> String {
    let of = |level: &str| match chosen.iter().find(|(of, _)| *of == level) {
        Some((_, name)) => format!("`{name}` for {level}"),
        None => format!("the default for {level}, of which there is no trace"),
    };
    let names: Vec<&str> = chosen.iter().map(|(_, name)| name.as_str()).collect();
    format!("Recommended: {}, {}.\n\n  [dependencies]\n  {}", of("bytes"), of("pages"), facade.line(&names))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{Candidate, Facade, conclusion, other_level, reasons};
    use crate::replay::Trace;
    use crate::workspace::Workspace;

    fn facade() -> Facade {
        Facade { version: "0.1".to_owned(), defaults: ["slab", "bitmap"].map(str::to_owned).to_vec() }
    }

    #[test]
    fn the_line_names_what_is_not_on_anyway() {
        let chosen = |name: &str| name.to_owned();
        let text = conclusion(&[("bytes", chosen("tlsf")), ("pages", chosen("bitmap"))], &facade());
        assert!(text.contains("`tlsf` for bytes, `bitmap` for pages"), "{text}");
        assert!(text.ends_with("allocator = { version = \"0.1\", features = [\"tlsf\"] }"), "{text}");
        let text = conclusion(&[("bytes", chosen("slab"))], &facade());
        assert!(text.contains("the default for pages") && text.ends_with("allocator = \"0.1\""), "{text}");
    }

    #[test]
    fn the_facade_of_this_workspace_is_what_the_line_speaks_of() {
        let facade = Facade::of(&Workspace::open().unwrap()).unwrap();
        assert!(facade.defaults.contains(&"bitmap".to_owned()) && facade.version.starts_with("0."), "{facade:?}");
    }

    #[test]
    fn the_other_level_of_a_recording_has_the_other_ending() {
        let other = |name: &str| other_level(Path::new(name));
        assert_eq!(other("a/x.bytes.zst"), Some(PathBuf::from("a/x.pages.zst")));
        assert_eq!(other("x.pages"), Some(PathBuf::from("x.bytes")));
        assert_eq!(other("x.trace"), None);
    }

    #[test]
    fn reasons_are_in_words_and_in_bytes() {
        let candidate = |name: &str, mean, worst, needed| Candidate { name: name.to_owned(), mean, worst, needed };
        let (path, name, level) = (String::new(), "boot.pages".to_owned(), "pages".to_owned());
        let trace = Trace { path, name, level, operations: 20, peak_requested: 512 };
        let (best, second) = (candidate("bitmap", 60.4, 900.0, 1.5), candidate("other", 90.6, 900.0, 1.5));
        let text = reasons(&trace, &best, Some((1.5, &second)));
        assert!(
            text.contains("takes 60 instructions") && text.contains("2.0 MiB are live it needs 3.0 MiB"),
            "{text}"
        );
        assert!(text.contains("Second best: other takes 50 % more instructions"), "{text}");
        assert!(reasons(&trace, &best, None).contains("no second one"));
    }
}
