//! The advice for one trace: the backends in order, the best of them, and why in words.

use super::judge::{Candidate, Prefer, against, ranked};
use crate::measure::program::{Kind, Subject};
use crate::measure::table::Table;
use crate::replay::{Row, Trace};
use crate::workspace::Workspace;

/// Which backend suits a trace.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Advice {
    /// The trace.
    pub(crate) trace: String,
    /// `bytes` or `pages`.
    pub(crate) level: String,
    /// The features of the backends that replayed the trace, with what the rule says they cost; the best first.
    pub(crate) costs: Vec<(String, f64)>,
    /// What the best one takes, and what the second best would take instead.
    pub(crate) why: String,
    /// Who could not replay the trace, and why.
    pub(crate) out: Vec<String>,
}

/// The backends that a feature of `allocator` switches on: those that can be recommended.
#[derive(Debug)]
pub(crate) struct Switchable(Vec<String>);

impl Switchable {
    /// Those of this workspace.
    pub(crate) fn of(workspace: &Workspace) -> Self {
        Self(workspace.features("allocator"))
    }

    /// Whether `subject` is one.
    pub(crate) fn has(&self, subject: &Subject) -> bool {
        subject.kind == Kind::Ours && self.0.contains(&subject.name)
    }
}

/// What the backends of `rows` did with a trace, in order, and which is the best.
pub(crate) fn advise<'r>(
    trace: &Trace,
    rows: impl IntoIterator<Item = &'r Row>,
    prefer: Option<Prefer>,
) -> (Table, Advice) {
    let (mut candidates, mut out) = (Vec::new(), Vec::new());
    for row in rows {
        match candidate(row) {
            Ok(candidate) => candidates.push(candidate),
            Err(why) => out.push(format!("{}: {why}", row.subject.name)),
        }
    }
    let ranked = ranked(&candidates, prefer);
    let why = match ranked.first() {
        Some(&(_, best)) => reasons(trace, best, ranked.get(1).copied()),
        None => format!("For {}: no backend could replay it.", trace.level),
    };
    let costs = ranked.iter().map(|(cost, one)| (one.name.clone(), *cost)).collect();
    let table = table(trace, &ranked, out.iter().map(|why| format!("out: {why}")).collect());
    (table, Advice { trace: trace.name.clone(), level: trace.level.clone(), costs, why, out })
}

/// The figures of a backend, or why it cannot be recommended.
fn candidate(row: &Row) -> Result<Candidate, String> {
    if let Some(why) = row.lack() {
        return Err(why);
    }
    let mean = row.mean.as_ref().map_err(Clone::clone)?;
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
    let live_mib = trace.peak_bytes() as f64 / f64::from(1 << 20);
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

#[cfg(test)]
mod tests {
    use super::{Candidate, advise, reasons};
    use crate::replay::Trace;
    use crate::replay::tests::{row, trace};

    #[test]
    fn the_best_is_advised_and_who_has_no_figures_is_out() {
        let (mut slow, mut broken) = (row("slow", "ours"), row("broken", "ours"));
        slow.needed = Ok(3.0);
        broken.mean = Err("spoils a block".to_owned());
        let (table, advice) = advise(&trace(), [&broken, &slow, &row("good", "ours")], None);
        let names: Vec<&str> = advice.costs.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            (advice.trace.as_str(), advice.level.as_str(), names),
            ("boot.bytes", "bytes", vec!["good", "slow"])
        );
        assert_eq!(table.rows.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), ["good", "slow"]);
        assert_eq!(
            (table.notes.as_slice(), advice.out.as_slice()),
            (&["out: broken: spoils a block".to_owned()][..], &["broken: spoils a block".to_owned()][..])
        );
        let (_, nobody) = advise(&trace(), [&broken], None);
        assert!(nobody.costs.is_empty() && nobody.why.contains("no backend could replay it"), "{nobody:?}");
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
