//! The tables of a run: an allocator a row, a workload a column.

use std::collections::BTreeSet;

use super::{Figures, Found};
use crate::measure::figures::{Mean, Time};
use crate::measure::program::{Kind, List};
use crate::measure::table::Table;

/// What every reader should know.
pub(super) fn head() -> String {
    "Unlocked, one thread. Instructions are counted by callgrind from the call of the allocator to its return, and \
     repeat exactly; times are medians of rounds taken in turns, and only their ratios mean anything. `·` stands for what \
     was left out; the reasons are below the table. Not here: LLFree and other allocators that the registry does not hold; \
     slabmalloc, which frees nothing back and stops after one page of blocks."
        .to_owned()
}

/// All tables that have a row.
pub(super) fn tables(list: &List, figures: &Figures) -> Vec<Table> {
    let mut tables = Vec::new();
    for level in ["bytes", "pages"] {
        let sheet = Sheet { list, level };
        tables.push(sheet.workloads(figures));
        let each = |mean: &Mean| figure(mean.per_operation());
        let (short, long) = sheet.split(&figures.means);
        tables.push(sheet.table(&format!("{level}: instructions of the mean operation"), &long, each));
        let title = format!("{level}: instructions of the mean operation of adversarial scripts");
        tables.push(sheet.table(&title, &short, each));
        if level == "pages" {
            let split = |mean: &Mean| format!("{} / {}", part(mean, 0), part(mean, 1));
            tables.push(sheet.table("pages: instructions of the mean allocation / free", &figures.means, split));
        }
        let worst = |worst: &u64| worst.to_string();
        tables.push(sheet.table(
            &format!("{level}: instructions of the worst single operation"),
            &figures.worst,
            worst,
        ));
        let percent = |share: &f64| format!("{:.1}", share * 100.0);
        tables.push(sheet.table(
            &format!("{level}: requested ÷ memory at the first refusal, in percent"),
            &figures.filled,
            percent,
        ));
        tables.push(sheet.times(&figures.times));
        tables.push(sheet.records(figures));
    }
    tables.push(checks(&figures.checks));
    tables.retain(|table| !table.rows.is_empty());
    tables
}

/// Three significant digits.
fn figure(value: f64) -> String {
    if value < 100.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}

fn part(mean: &Mean, kind: usize) -> String {
    mean.of(kind).map_or_else(|| "–".to_owned(), figure)
}

/// The allocators and workloads of one level.
struct Sheet<'l> {
    list: &'l List,
    level: &'static str,
}

impl Sheet<'_> {
    /// Workloads of this level for which something was found, in their order.
    fn loads<T>(&self, found: &Found<T>) -> Vec<String> {
        let present: BTreeSet<&String> = found.keys().map(|(load, _)| load).collect();
        let loads = self.list.loads.iter().filter(|load| load.level == self.level && present.contains(&load.name));
        loads.map(|load| load.name.clone()).collect()
    }

    fn table<T>(&self, title: &str, found: &Found<T>, cell: impl Fn(&T) -> String) -> Table {
        let loads = self.loads(found);
        let mut table = Table::new(title, [vec!["allocator".to_owned()], loads.clone()].concat());
        let mut left_out = Vec::new();
        for subject in self.list.subjects.iter().filter(|subject| subject.level == self.level) {
            let cells = loads.iter().map(|load| match found.get(&(load.clone(), subject.name.clone())) {
                Some(Ok(value)) => cell(value),
                Some(Err(why)) => {
                    left_out.push(format!("{} on {load}: {why}", subject.name));
                    "·".to_owned()
                }
                None => String::new(),
            });
            let cells: Vec<String> = cells.collect();
            if cells.iter().any(|cell| !cell.is_empty()) {
                table.rows.push([vec![label(&subject.name, subject.kind)], cells].concat());
            }
        }
        table.notes = left_out;
        table
    }

    /// What the workloads of this level do, as far as one was measured.
    fn workloads(&self, figures: &Figures) -> Table {
        let columns = ["workload", "what it does"].map(str::to_owned).to_vec();
        let mut table = Table::new(&format!("{}: the workloads", self.level), columns);
        let checked = self.loads(&figures.checks);
        let measured =
            [self.loads(&figures.means), self.loads(&figures.filled), self.loads(&figures.times)].concat();
        for load in self.list.loads.iter().filter(|load| load.level == self.level) {
            if checked.contains(&load.name) || measured.contains(&load.name) {
                table.rows.push(vec![load.name.clone(), load.about.clone()]);
            }
        }
        table
    }

    /// The workloads that are after the worst operation, and the others.
    fn split<T: Clone>(&self, found: &Found<T>) -> (Found<T>, Found<T>) {
        let is_worst =
            |name: &String| self.list.loads.iter().any(|load| load.name == *name && load.figure == "worst");
        found.clone().into_iter().partition(|((load, _), _)| is_worst(load))
    }

    /// Times as multiples of the best peer's.
    fn times(&self, found: &Found<Time>) -> Table {
        let best = |load: &str| {
            let peers = self.list.subjects.iter().filter(|subject| subject.kind == Kind::Peer);
            let times = peers.filter_map(|peer| found.get(&(load.to_owned(), peer.name.clone()))?.as_ref().ok());
            times.map(|time| time.median).min_by(f64::total_cmp)
        };
        let ratios: Found<(f64, f64)> =
            found.iter().map(|(key, time)| (key.clone(), ratio(time, best(&key.0)))).collect();
        let title =
            format!("{}: time ÷ that of the best peer, median ± half the distance of the quartiles", self.level);
        self.table(&title, &ratios, |&(ratio, spread)| format!("{ratio:.2} ±{:.0}%", spread * 100.0))
    }

    fn records(&self, figures: &Figures) -> Table {
        let columns = ["allocator", "value, bytes", "used before anything is allocated", "note"];
        let title = format!("{}: what an allocator needs for itself", self.level);
        let mut table = Table::new(&title, columns.map(str::to_owned).to_vec());
        for subject in self.list.subjects.iter().filter(|subject| subject.level == self.level) {
            let mut own = figures.records.iter().filter(|((_, name), _)| *name == subject.name);
            let Some((_, found)) = own.next() else { continue };
            let (value, used) = match found {
                Ok((value, used)) => (
                    value.to_string(),
                    used.map_or_else(|| "keeps no account".to_owned(), |used| used.to_string()),
                ),
                Err(why) => ("·".to_owned(), why.clone()),
            };
            table.rows.push(vec![label(&subject.name, subject.kind), value, used, subject.note.clone()]);
        }
        table
    }
}

fn ratio(time: &Result<Time, String>, best: Option<f64>) -> Result<(f64, f64), String> {
    let time = time.as_ref().map_err(Clone::clone)?;
    let best = best.ok_or("no peer was timed")?;
    Ok((time.median / best, time.spread))
}

fn label(name: &str, kind: Kind) -> String {
    match kind {
        Kind::Ours => format!("**{name}**"),
        Kind::Layer | Kind::Peer => name.to_owned(),
        Kind::Hosted => format!("{name} (hosted)"),
        Kind::Limit => format!("{name} (limit)"),
    }
}

/// What was wrong with blocks, a row each; a row with the count of what was whole.
fn checks(found: &Found<()>) -> Table {
    let columns = ["allocator", "workload", "blocks"];
    let mut table = Table::new("Place, alignment and content of every block", columns.map(str::to_owned).to_vec());
    if found.is_empty() {
        return table;
    }
    let whole = found.values().filter(|found| found.is_ok()).count();
    table.rows.push(vec!["all others".into(), format!("{whole} pairs"), "whole".into()]);
    let wrong = found.iter().filter_map(|((load, subject), found)| Some((load, subject, found.as_ref().err()?)));
    table.rows.extend(wrong.map(|(load, subject, why)| vec![subject.clone(), load.clone(), why.clone()]));
    table
}

#[cfg(test)]
mod tests {
    use super::{Table, tables};
    use crate::bench::{Figures, Key};
    use crate::measure::figures::{Mean, Time};
    use crate::measure::program::List;

    fn list() -> List {
        serde_json::from_str(
            r#"{"subjects":[{"name":"mine","kind":"ours","level":"bytes","note":""},
                            {"name":"peer","kind":"peer","level":"bytes","note":""}],
                "loads":[{"name":"ping","level":"bytes","figure":"mean","about":"to and fro"}]}"#,
        )
        .unwrap()
    }

    fn key(subject: &str) -> Key {
        ("ping".to_owned(), subject.to_owned())
    }

    #[test]
    fn a_row_is_an_allocator_and_what_is_left_out_has_its_reason() {
        let mut figures = Figures::default();
        let mean = Mean { instructions: [300, 100, 0], operations: [4, 4, 0], refused: 0 };
        figures.means.insert(key("mine"), Ok(mean));
        figures.means.insert(key("peer"), Err("too slow".to_owned()));
        let text: String = tables(&list(), &figures).iter().map(Table::markdown).collect();
        assert!(text.contains("| **mine**  | 50.0 |") && text.contains("| peer      |    · |"), "{text}");
        assert!(
            text.contains("| ping     | to and fro   |") && text.contains("- peer on ping: too slow"),
            "{text}"
        );
    }

    #[test]
    fn times_are_multiples_of_the_best_peer() {
        let mut figures = Figures::default();
        figures.times.insert(key("mine"), Ok(Time { median: 3.0, spread: 0.1 }));
        figures.times.insert(key("peer"), Ok(Time { median: 2.0, spread: 0.05 }));
        let text: String = tables(&list(), &figures).iter().map(Table::markdown).collect();
        assert!(text.contains("1.50 ±10%") && text.contains("1.00 ±5%"), "{text}");
    }

    #[test]
    fn a_block_that_is_not_whole_has_a_row() {
        let mut figures = Figures::default();
        figures.checks.insert(key("mine"), Ok(()));
        figures.checks.insert(key("peer"), Err("overlaps".to_owned()));
        let text: String = tables(&list(), &figures).iter().map(Table::markdown).collect();
        assert!(text.contains("1 pairs") && text.contains("overlaps"), "{text}");
    }
}
