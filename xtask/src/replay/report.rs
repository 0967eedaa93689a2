//! The table of a trace: an allocator a row.

use super::{Row, Trace};
use crate::measure::program::Kind;
use crate::measure::table::Table;

/// What every reader should know.
pub(super) fn head() -> String {
    "Replayed on 128 MiB, unlocked, one thread. Instructions: counted by callgrind from the call of the allocator to its \
     return; they repeat exactly. Worst: the most of any of the 2000 \
     allocations and frees that take longest by the clock (a realloc is mostly its copy). Time: as a \
     multiple of the best peer's. Needed: the smallest region in which nothing is refused ÷ the most asked for at one \
     time. Whole: of the free memory, the share in large pieces after 10, 50 and 100 % of the trace: for bytes the \
     largest block that would be granted, for pages the free pages in free aligned 2 MiB. mimalloc, jemalloc and glibc take their memory from the \
     operating system."
        .to_owned()
}

const COLUMNS: [&str; 11] = [
    "allocator",
    "instr/op",
    "alloc",
    "free",
    "worst",
    "time ÷ best peer",
    "refused",
    "peak used",
    "used ÷ requested",
    "needed",
    "whole, %",
];

/// The table of `trace`.
pub(super) fn table(trace: &Trace, rows: &[Row]) -> Table {
    let units = if trace.level == "pages" { "pages" } else { "bytes" };
    let title =
        format!("{}: {} operations, at most {} {units} live", trace.name, trace.operations, trace.peak_requested);
    let mut table = Table::new(&title, COLUMNS.map(str::to_owned).to_vec());
    let peers = rows.iter().filter(|row| row.subject.kind == Kind::Peer);
    let best = peers.filter_map(|row| Some(row.time?.median)).min_by(f64::total_cmp);
    for row in rows {
        table.rows.push(cells(row, best));
        let reasons = [row.mean.as_ref().err(), row.worst.as_ref().err(), row.needed.as_ref().err()];
        let mut reasons: Vec<&String> = reasons.into_iter().flatten().collect();
        reasons.dedup();
        // That a hosted allocator takes its memory elsewhere is said once, above the tables.
        let is_told = |why: &&String| {
            row.subject.kind != Kind::Hosted || row.needed.as_ref().err() != Some(*why) || row.mean.is_err()
        };
        table.notes.extend(reasons.into_iter().filter(is_told).map(|why| format!("{}: {why}", row.subject.name)));
    }
    table
}

/// A figure, or `·`.
fn or_dot(cell: Option<String>) -> String {
    cell.unwrap_or_else(|| "·".to_owned())
}

fn cells(row: &Row, best: Option<f64>) -> Vec<String> {
    let mean = row.mean.as_ref().ok();
    let part = |kind| or_dot(mean.and_then(|mean| mean.of(kind)).map(|value| format!("{value:.0}")));
    let time = row.time.zip(best);
    let profile = row.profile.as_ref();
    let used = profile.and_then(|profile| profile.peak_used.map(|used| (used, profile.peak_requested)));
    let name = &row.subject.name;
    vec![
        if row.subject.kind == Kind::Ours { format!("**{name}**") } else { name.clone() },
        or_dot(mean.map(|mean| format!("{:.1}", mean.per_operation()))),
        part(0),
        part(1),
        or_dot(row.worst.as_ref().ok().map(u64::to_string)),
        or_dot(time.map(|(time, best)| format!("{:.2} ±{:.0}%", time.median / best, time.spread * 100.0))),
        or_dot(profile.map(|profile| profile.refused.to_string())),
        or_dot(used.map(|(used, _)| used.to_string())),
        or_dot(used.map(|(used, requested)| format!("{:.3}", used as f64 / requested.max(1) as f64))),
        or_dot(row.needed.as_ref().ok().map(|needed| format!("{needed:.3}"))),
        or_dot(profile.filter(|_| row.subject.kind != Kind::Hosted).and_then(|profile| whole(&profile.whole))),
    ]
}

/// The first, the middle and the last of the looks.
fn whole(looks: &[f64]) -> Option<String> {
    let chosen = [looks.first()?, looks.get(looks.len() / 2)?, looks.last()?];
    Some(chosen.map(|share| format!("{:.0}", share * 100.0)).join(" "))
}

#[cfg(test)]
mod tests {
    use super::table;
    use crate::replay::tests::{row, trace};

    #[test]
    fn a_row_holds_every_figure() {
        let table = table(&trace(), &[row("mine", "ours"), row("peer", "peer")]);
        let expected =
            ["**mine**", "20.0", "30", "10", "77", "1.00 ±2%", "0", "125", "1.250", "1.234", "90 80 70"];
        assert_eq!(table.rows[0], expected);
        assert!(table.title.contains("boot.bytes: 20 operations, at most 100 bytes live"));
    }

    #[test]
    fn a_missing_figure_is_a_dot_with_its_reason_once() {
        let mut missing = row("peer", "peer");
        (missing.mean, missing.worst) = (Err("too slow".into()), Err("too slow".into()));
        let table = table(&trace(), &[missing]);
        assert_eq!(table.rows[0][1..5], ["·", "·", "·", "·"]);
        assert_eq!(table.notes, ["peer: too slow"]);
    }
}
