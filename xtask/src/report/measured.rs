//! What a trace costs every allocator, as pictures.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::charts::{self, Axes, Bar, Line, Moment};
use super::page::{Figure, Group, anchor};
use crate::advise::{Advice, Switchable, advise};
use crate::measure::jobs;
use crate::measure::program::{Kind, Program, Subject};
use crate::replay::{self, Row, Trace};

/// A bar longer than so many times the best is cut off.
pub(super) const MOST_TIMES: f64 = 5.0;

/// Lines that one picture takes: those of this project first, then packages, the fastest first.
const MOST_LINES: usize = 7;

/// The memory in which fragmentation is looked at, as a multiple of the most that is live. In much more, whatever is in
/// pieces is a small part of what is free.
const TIGHT_TIMES: f64 = 2.5;

/// How the free memory of an allocator looked during a trace.
#[derive(Clone, Debug, Deserialize)]
struct Pieces {
    refused: u64,
    /// The share in large pieces, after each tenth; empty if this cannot be told.
    whole: Vec<f64>,
}

/// How the memory of an allocator looked during a trace.
#[derive(Debug, Deserialize)]
struct Map {
    looks: Vec<Look>,
}

/// One look at it.
#[derive(Debug, Deserialize)]
struct Look {
    live_bytes: f64,
    used_bytes: Option<f64>,
    cells: Vec<f64>,
    lost_cells: Option<Vec<f64>>,
}

/// One trace on every allocator.
#[derive(Debug)]
pub(super) struct Measured {
    trace: Trace,
    rows: Vec<Row>,
    latency: Vec<(Subject, Vec<(f64, f64)>)>,
    /// Names of those that were not timed, since one picture does not take more lines.
    untimed: Vec<String>,
    pieces: Vec<(Subject, Result<Pieces>)>,
    maps: Vec<(Subject, Map)>,
    /// Who is in no picture, or not in all of them, and why.
    missing: Vec<String>,
}

impl Measured {
    /// Replays `trace` on those of `subjects` that serve its level.
    ///
    /// # Errors
    ///
    /// A backend of this project replays the trace, and then cannot be timed or drawn.
    pub(super) fn of(program: &Program, trace: Trace, subjects: &[Subject], overhead: u64) -> Result<Self> {
        let able: Vec<&Subject> = subjects.iter().filter(|subject| subject.level == trace.level).collect();
        let rows = replay::rows(program, &trace, &able, overhead);
        let mut missing: Vec<String> = rows.iter().flat_map(lacks).collect();
        let able = in_order(&rows);
        let ours: Vec<&Subject> = able.iter().copied().filter(|subject| subject.kind == Kind::Ours).collect();
        let (lines, rest) = able.split_at(able.len().min(MOST_LINES));
        let untimed = rest.iter().map(|subject| subject.name.clone()).collect();
        // Of what takes its memory from an operating system, nobody knows what is free.
        let own: Vec<&Subject> = able.iter().copied().filter(|subject| subject.kind != Kind::Hosted).collect();
        let tight = format!("--region-bytes={}", tight_bytes(&trace));
        // Times are taken one after the other.
        let latency = told(asked(program, &trace, &["latency"], lines, 1), &mut missing)?;
        let pieces = asked(program, &trace, &["profile", &tight], &own, jobs::workers());
        let maps = told(asked(program, &trace, &["maps"], &ours, jobs::workers()), &mut missing)?;
        Ok(Self { trace, rows, latency, untimed, pieces, maps, missing })
    }

    /// Which of our backends suits it.
    pub(super) fn advice(&self, switchable: &Switchable) -> Advice {
        advise(&self.trace, self.rows.iter().filter(|row| switchable.has(&row.subject)), None).1
    }

    /// The pictures, under what was replayed.
    ///
    /// # Errors
    ///
    /// One cannot be drawn.
    pub(super) fn group(&self) -> Result<Group> {
        let Trace { name, operations, level, .. } = &self.trace;
        let title = format!("{name}: {operations} operations on {level}");
        Ok(Group { title, missing: self.missing.clone(), figures: self.figures()? })
    }

    fn figures(&self) -> Result<Vec<Figure>> {
        let mean = |row: &Row| row.mean.as_ref().ok().map(|mean| mean.per_operation());
        let worst = |row: &Row| row.worst.as_ref().ok().map(|worst| *worst as f64);
        let needed = |row: &Row| row.needed.as_ref().ok().copied();
        let mut figures = vec![
            self.ratios("speed", "Instructions of the mean operation", mean)?,
            self.ratios("worst", "Instructions of the worst operation seen", worst)?,
            self.figure(
                "memory",
                "Memory needed",
                "The smallest region in which nothing is refused, divided by the most that is live at one time: 1 is \
                 the least there can be.",
                charts::bars(&self.bars(needed), MOST_TIMES)?,
            ),
            self.latency()?,
        ];
        figures.extend(self.fragmentation()?);
        for (subject, map) in &self.maps {
            figures.push(self.map(subject, map)?);
        }
        Ok(figures)
    }

    fn figure(&self, kind: &str, title: &str, about: &str, svg: String) -> Figure {
        let name = anchor(&format!("{}-{kind}", self.trace.name));
        Figure { name, title: title.to_owned(), about: about.to_owned(), svg }
    }

    fn bars(&self, value: impl Fn(&Row) -> Option<f64>) -> Vec<Bar> {
        let bar = |row: &Row| {
            let (name, ours) = (row.subject.name.clone(), row.subject.kind.is_of_this_project());
            Some(Bar { name, value: value(row)?, ours })
        };
        served(&self.rows).filter_map(bar).collect()
    }

    /// Bars of a value as a multiple of the best peer's.
    fn ratios(&self, kind: &str, title: &str, value: impl Fn(&Row) -> Option<f64>) -> Result<Figure> {
        let values =
            served(&self.rows).filter_map(|row| Some((row.subject.name.clone(), row.subject.kind, value(row)?)));
        let (bars, best) = charts::over_best(values);
        let about =
            format!("Shorter is better; {best}. Counted by callgrind, from the call of the engine to its return.");
        Ok(self.figure(kind, title, &about, charts::bars(&bars, MOST_TIMES)?))
    }

    fn latency(&self) -> Result<Figure> {
        // 0.9 is 1, 0.99 is 2, and so on: the slow ones get the room.
        let nines = |share: f64| -(1.0 - share).max(1e-6).log10();
        let line = |(subject, pairs): &(Subject, Vec<(f64, f64)>)| {
            let points = pairs.iter().filter(|(share, _)| *share <= 0.9999);
            let points = points.map(|(share, time)| (nines(*share), time.max(1.0).log10())).collect();
            Line { name: subject.name.clone(), points }
        };
        let lines: Vec<Line> = self.latency.iter().map(line).collect();
        let axes = Axes {
            x: "of 100 operations, so many stay below",
            y: "nanoseconds",
            x_words: |nines| format!("{}", (100.0 - 100.0 * 10_f64.powf(-nines)).max(0.0) as f32),
            y_words: |log| format!("{:.0}", 10_f64.powf(log)),
            y_from: 1.0,
        };
        let about = format!(
            "The shortest of five times of each operation, sorted, on this machine: to compare lines of one picture. The \
             clock itself is in every time.{}",
            not_drawn(&self.untimed)
        );
        Ok(self.figure("latency", "Latency", &about, charts::lines(&lines, &axes)?))
    }

    /// None if nobody serves the trace in little memory.
    fn fragmentation(&self) -> Result<Option<Figure>> {
        let line = |subject: &Subject, pieces: &Pieces| {
            let count = pieces.whole.len() as f64;
            let points = (1..).zip(&pieces.whole).map(|(n, share)| (f64::from(n) / count, *share)).collect();
            Line { name: subject.name.clone(), points }
        };
        let (mut lines, mut without, mut rest) = (Vec::new(), Vec::new(), Vec::new());
        for (subject, pieces) in &self.pieces {
            match pieces {
                Ok(pieces) if pieces.refused > 0 => {
                    without.push(format!("{} refuses {} requests", subject.name, pieces.refused));
                }
                Ok(pieces) if pieces.whole.is_empty() => without.push(format!("{} never merges", subject.name)),
                Ok(_) if lines.len() == MOST_LINES => rest.push(subject.name.clone()),
                Ok(pieces) => lines.push(line(subject, pieces)),
                Err(error) => without.push(format!("{}: {}", subject.name, error.root_cause())),
            }
        }
        if lines.is_empty() {
            return Ok(None);
        }
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        let axes =
            Axes { x: "done of the trace", y: "in large pieces", x_words: percent, y_words: percent, y_from: 0.0 };
        let mut about = format!(
            "In {TIGHT_TIMES} times the memory that is live at most: of what nobody asked for, the share in large pieces. For \
             blocks this is the largest one that would be granted, for pages whole aligned 2 MiB. Higher is better.{}",
            not_drawn(&rest)
        );
        if !without.is_empty() {
            let _ = write!(about, " In so little memory there is no line for: {}.", without.join("; "));
        }
        Ok(Some(self.figure("fragmentation", "Fragmentation over time", &about, charts::lines(&lines, &axes)?)))
    }

    fn map(&self, subject: &Subject, map: &Map) -> Result<Figure> {
        let used = |look: &Look| look.used_bytes.unwrap_or(look.live_bytes);
        let most = map.looks.iter().map(used).fold(1.0, f64::max);
        let moment = |look: &Look| Moment {
            cells: look.cells.clone(),
            lost_cells: look.lost_cells.clone(),
            live: look.live_bytes / most,
            lost: (used(look) - look.live_bytes).max(0.0) / most,
        };
        let moments: Vec<Moment> = map.looks.iter().map(moment).collect();
        let places = if map.looks.iter().any(|look| look.lost_cells.is_some()) {
            "the bluer, the more of it is live; the more orange below, the more of it is held and was not asked for"
        } else {
            "the bluer, the more of it is live"
        };
        let about = format!(
            "Left, where blocks lie: {places}. Right: blue is what was asked for, orange what is \
             used beyond that (rounding, records), of {:.2} MiB used at most.",
            most / f64::from(1 << 20)
        );
        let (kind, title) = (format!("map-{}", subject.name), format!("The heap of {}", subject.name));
        Ok(self.figure(&kind, &title, &about, charts::heap_map(&moments)?))
    }
}

/// The size of the region in which fragmentation is looked at: whole 2 MiB.
fn tight_bytes(trace: &Trace) -> u64 {
    ((trace.peak_bytes() as f64 * TIGHT_TIMES) as u64).next_multiple_of(2 << 20)
}

/// Why an allocator is in no picture, or not in one of them.
fn lacks(row: &Row) -> Vec<String> {
    let name = &row.subject.name;
    if let Some(why) = row.lack() {
        return vec![format!("{name}: {why}")];
    }
    let worst = row.worst.as_ref().err().map(|why| format!("{name}, worst operation: {why}"));
    let needed = row.needed.as_ref().err().map(|why| format!("{name}, memory needed: {why}"));
    worst.into_iter().chain(needed).collect()
}

/// A sentence that names who is not drawn; none if nobody.
fn not_drawn(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!(" Not drawn: {}.", names.join(", ")) }
}

/// Those who replayed the whole trace.
fn served(rows: &[Row]) -> impl Iterator<Item = &Row> + Clone {
    rows.iter().filter(|row| row.lack().is_none())
}

/// Those who replayed the trace: backends of this project, then packages for kernels, then the others; each the fastest first.
fn in_order(rows: &[Row]) -> Vec<&Subject> {
    let class = |kind| match kind {
        Kind::Ours => 0,
        Kind::Peer => 1,
        Kind::Hosted | Kind::Layer | Kind::Limit => 2,
    };
    let place = |row: &Row| Some((class(row.subject.kind), row.mean.as_ref().ok()?.per_operation()));
    let mut able: Vec<_> = served(rows).filter_map(|row| Some((place(row)?, &row.subject))).collect();
    able.sort_by(|(one, _), (other, _)| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)));
    able.into_iter().map(|(_, subject)| subject).collect()
}

/// What was told; who told nothing is missing.
///
/// # Errors
///
/// A backend of this project told nothing.
fn told<T>(answers: Vec<(Subject, Result<T>)>, missing: &mut Vec<String>) -> Result<Vec<(Subject, T)>> {
    let mut all = Vec::new();
    for (subject, answer) in answers {
        match answer {
            Ok(answer) => all.push((subject, answer)),
            Err(error) if subject.kind == Kind::Ours => return Err(error),
            Err(error) => missing.push(format!("{error:#}")),
        }
    }
    Ok(all)
}

/// What the program answers to `what` for each of `subjects`, of which so many are asked at once.
fn asked<T: for<'d> Deserialize<'d>>(
    program: &Program,
    trace: &Trace,
    what: &[&str],
    subjects: &[&Subject],
    workers: usize,
) -> Vec<(Subject, Result<T>)> {
    let ask =
        |subject: &&Subject| program.ask(&[what, &["--subject", &subject.name, "--load", &trace.path]].concat());
    let answers = jobs::each(what[0], workers, subjects, |subject| subject.name.clone(), ask);
    let read = |(subject, answer): (&&Subject, Result<serde_json::Value>)| {
        let read = answer.and_then(|answer| Ok(serde_json::from_value(answer)?));
        ((*subject).clone(), read.with_context(|| format!("{} of {} with {}", what[0], subject.name, trace.name)))
    };
    subjects.iter().zip(answers).map(read).collect()
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::{Look, Map, Measured, Pieces, in_order, lacks, told};
    use crate::replay::tests::{row, trace};

    #[test]
    fn every_picture_is_drawn_and_ratios_are_to_the_best_peer() {
        let rows = vec![row("mine", "ours"), row("peer", "peer")];
        let subject = rows[0].subject.clone();
        let look = |live_bytes| Look {
            live_bytes,
            used_bytes: Some(100.0),
            cells: vec![0.5; 4],
            lost_cells: Some(vec![0.1; 4]),
        };
        let maps = vec![(subject.clone(), Map { looks: vec![look(50.0), look(100.0)] })];
        let pieces = |name: &str, refused| {
            let subject = row(name, "peer").subject;
            (subject, Ok(Pieces { refused, whole: vec![0.5, 0.25] }))
        };
        let pieces = vec![pieces("whole-one", 0), pieces("refuser", 3)];
        let latency = vec![(subject, vec![(0.0, 10.0), (0.9, 20.0), (1.0, 1000.0)])];
        let figures = Measured {
            trace: trace(),
            rows,
            latency,
            untimed: vec!["third".to_owned()],
            pieces,
            maps,
            missing: Vec::new(),
        }
        .figures()
        .unwrap();
        let names: Vec<&str> = figures.iter().map(|figure| figure.name.as_str()).collect();
        let kinds = ["speed", "worst", "memory", "latency", "fragmentation", "map-mine"];
        assert_eq!(names, kinds.map(|kind| format!("boot-bytes-{kind}")));
        assert!(
            figures[0].svg.contains("1.00") && figures[0].about.contains("which takes 20"),
            "{:?}",
            figures[0]
        );
        assert!(figures.iter().all(|figure| figure.svg.starts_with("<svg ")));
        assert!(figures[3].about.ends_with(" Not drawn: third."), "{:?}", figures[3]);
        assert!(figures[4].svg.contains("whole-one") && !figures[4].svg.contains("refuser"), "{:?}", figures[4]);
        assert!(figures[4].about.contains("no line for: refuser refuses 3 requests."), "{:?}", figures[4]);
        assert!(figures[5].about.contains("more orange below"), "{}", figures[5].about);
    }

    #[test]
    fn our_own_lines_come_first_and_then_the_fastest_packages() {
        let mut rows = vec![
            row("slow", "peer"),
            row("host", "hosted"),
            row("mine", "ours"),
            row("fast", "peer"),
            row("broken", "ours"),
            row("refuser", "peer"),
        ];
        rows[0].mean.as_mut().unwrap().instructions = [9000, 9000, 0];
        rows[4].mean = Err("spoils a block".to_owned());
        rows[5].mean.as_mut().unwrap().refused = 1;
        let names: Vec<&str> = in_order(&rows).into_iter().map(|subject| subject.name.as_str()).collect();
        assert_eq!(names, ["mine", "fast", "slow", "host"]);
    }

    #[test]
    fn whoever_is_not_in_every_picture_is_named_with_the_reason() {
        let (whole, mut half, mut none) = (row("whole", "ours"), row("half", "hosted"), row("none", "peer"));
        half.needed = Err("takes its memory elsewhere".to_owned());
        none.mean.as_mut().unwrap().refused = 4;
        assert_eq!(lacks(&whole), [""; 0]);
        assert_eq!(lacks(&half), ["half, memory needed: takes its memory elsewhere"]);
        assert_eq!(lacks(&none), ["none: refuses 4 requests in 128 MiB"]);
    }

    #[test]
    fn an_allocator_that_tells_nothing_is_missing_unless_it_is_ours() {
        let answer = |kind: &str, told: Option<u64>| (row("one", kind).subject, told.context("ended"));
        let mut missing = Vec::new();
        let all = told(vec![answer("ours", Some(5)), answer("peer", None)], &mut missing).unwrap();
        assert_eq!((all.len(), missing.as_slice()), (1, &["ended".to_owned()][..]));
        assert!(told(vec![answer("ours", None)], &mut missing).is_err());
    }
}
