//! What a trace costs every allocator, as pictures.

use anyhow::{Context, Result};
use serde::Deserialize;

use super::charts::{self, Axes, Bar, Line, Moment};
use super::page::Figure;
use crate::advise::{Advice, Switchable, advise};
use crate::measure::jobs;
use crate::measure::program::{Kind, Program, Subject};
use crate::replay::{self, Row, Trace};

/// A bar longer than so many times the best is cut off.
pub(super) const MOST_TIMES: f64 = 5.0;

/// Lines that one picture takes: those of this project first, then of the others those whose mean operation is the shortest.
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
    pieces: Vec<(Subject, Pieces)>,
    maps: Vec<(Subject, Map)>,
}

impl Measured {
    /// Replays `trace` on those of `subjects` that serve its level.
    ///
    /// # Errors
    ///
    /// The measuring program answers what this runner does not understand.
    pub(super) fn of(program: &Program, trace: Trace, subjects: &[Subject], overhead: u64) -> Result<Self> {
        let able: Vec<&Subject> = subjects.iter().filter(|subject| subject.level == trace.level).collect();
        let rows = replay::rows(program, &trace, &able, overhead);
        // What cannot replay the trace is in no further picture.
        let able = fastest(&rows);
        let ours: Vec<&Subject> = able.iter().copied().filter(|subject| subject.kind == Kind::Ours).collect();
        let lines: Vec<&Subject> = able.iter().copied().take(MOST_LINES).collect();
        // Of what takes its memory from an operating system, nobody knows what is free.
        let own: Vec<&Subject> = able.iter().copied().filter(|subject| subject.kind != Kind::Hosted).collect();
        let tight = format!("--region-bytes={:.0}", trace.peak_bytes() as f64 * TIGHT_TIMES);
        // Times are taken one after the other.
        let latency = asked(program, &trace, &["latency"], &lines, 1).into_iter().collect::<Result<_>>()?;
        // What cannot even begin in so little memory is left out, as what refuses is.
        let pieces =
            asked(program, &trace, &["profile", &tight], &own, jobs::workers()).into_iter().flatten().collect();
        let maps = asked(program, &trace, &["maps"], &ours, jobs::workers()).into_iter().collect::<Result<_>>()?;
        Ok(Self { trace, rows, latency, pieces, maps })
    }

    /// What was replayed.
    pub(super) fn title(&self) -> String {
        let Trace { name, operations, level, .. } = &self.trace;
        format!("{name}: {operations} operations on {level}")
    }

    /// Which of our backends suits it; none if none could replay it.
    pub(super) fn advice(&self, switchable: &Switchable) -> Option<Advice> {
        advise(&self.trace, self.rows.iter().filter(|row| switchable.has(&row.subject)), None).1
    }

    /// The pictures.
    ///
    /// # Errors
    ///
    /// One cannot be drawn.
    pub(super) fn figures(&self) -> Result<Vec<Figure>> {
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
        figures.push(self.fragmentation()?);
        for (subject, map) in &self.maps {
            figures.push(self.map(subject, map)?);
        }
        Ok(figures)
    }

    fn figure(&self, kind: &str, title: &str, about: &str, svg: String) -> Figure {
        let plain = |text: &str| text.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let name = format!("{}-{}", plain(&self.trace.name), plain(kind));
        Figure { name, title: title.to_owned(), about: about.to_owned(), svg }
    }

    fn bars(&self, value: impl Fn(&Row) -> Option<f64>) -> Vec<Bar> {
        let bar = |row: &Row| {
            let (name, ours) = (row.subject.name.clone(), row.subject.kind == Kind::Ours);
            Some(Bar { name, value: value(row)?, ours })
        };
        self.rows.iter().filter_map(bar).collect()
    }

    /// Bars of a value as a multiple of the best peer's.
    fn ratios(&self, kind: &str, title: &str, value: impl Fn(&Row) -> Option<f64>) -> Result<Figure> {
        let values =
            self.rows.iter().filter_map(|row| Some((row.subject.name.clone(), row.subject.kind, value(row)?)));
        let (bars, best) = charts::over_best(values);
        let about = format!(
            "As a multiple of the best other allocator's, which takes {best:.0}. Counted by callgrind, from the call to \
             its return. Shorter is better."
        );
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
        let about = "The shortest of five times of each operation, sorted, on this machine: to compare lines of one \
                     picture. The clock itself is in every time.";
        Ok(self.figure("latency", "Latency", about, charts::lines(&lines, &axes)?))
    }

    fn fragmentation(&self) -> Result<Figure> {
        let line = |(subject, pieces): &(Subject, Pieces)| {
            let count = pieces.whole.len() as f64;
            let points = (1..).zip(&pieces.whole).map(|(n, share)| (f64::from(n) / count, *share)).collect();
            Line { name: subject.name.clone(), points }
        };
        let served = self.pieces.iter().filter(|(_, pieces)| pieces.refused == 0 && !pieces.whole.is_empty());
        let lines: Vec<Line> = served.take(MOST_LINES).map(line).collect();
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        let axes =
            Axes { x: "done of the trace", y: "in large pieces", x_words: percent, y_words: percent, y_from: 0.0 };
        let about = format!(
            "In {TIGHT_TIMES} times the memory that is live at most: of what is free, the share in large pieces. For blocks \
             this is the largest one that would be granted, for pages whole aligned 2 MiB. Higher is better. Who refuses \
             something in so little memory, or never merges, has no line."
        );
        Ok(self.figure("fragmentation", "Fragmentation over time", &about, charts::lines(&lines, &axes)?))
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

/// Those who replayed the trace: of this project first, then the others, those whose mean operation is the shortest first.
fn fastest(rows: &[Row]) -> Vec<&Subject> {
    let place = |row: &Row| match (row.subject.kind, row.mean.as_ref().ok()?.per_operation()) {
        (Kind::Ours, _) => Some(0.0),
        (_, mean) => Some(1.0 + mean),
    };
    let mut able: Vec<(f64, &Subject)> = rows.iter().filter_map(|row| Some((place(row)?, &row.subject))).collect();
    able.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    able.into_iter().map(|(_, subject)| subject).collect()
}

/// What the program answers to `what` for each of `subjects`, of which so many are asked at once.
fn asked<T: for<'d> Deserialize<'d>>(
    program: &Program,
    trace: &Trace,
    what: &[&str],
    subjects: &[&Subject],
    workers: usize,
) -> Vec<Result<(Subject, T)>> {
    let ask =
        |subject: &&Subject| program.ask(&[what, &["--subject", &subject.name, "--load", &trace.path]].concat());
    let answers = jobs::each(what[0], workers, subjects, |subject| subject.name.clone(), ask);
    let read = |(subject, answer): (&&Subject, Result<serde_json::Value>)| {
        let answer = answer.with_context(|| format!("{} of {} with {}", what[0], subject.name, trace.name))?;
        Ok(((*subject).clone(), serde_json::from_value(answer)?))
    };
    subjects.iter().zip(answers).map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::{Look, Map, Measured, Pieces, fastest};
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
            (subject, Pieces { refused, whole: vec![0.5, 0.25] })
        };
        let pieces = vec![pieces("whole-one", 0), pieces("refuser", 3)];
        let latency = vec![(subject, vec![(0.0, 10.0), (0.9, 20.0), (1.0, 1000.0)])];
        let figures = Measured { trace: trace(), rows, latency, pieces, maps }.figures().unwrap();
        let names: Vec<&str> = figures.iter().map(|figure| figure.name.as_str()).collect();
        let kinds = ["speed", "worst", "memory", "latency", "fragmentation", "map-mine"];
        assert_eq!(names, kinds.map(|kind| format!("boot-bytes-{kind}")));
        assert!(
            figures[0].svg.contains("1.00") && figures[0].about.contains("which takes 20"),
            "{:?}",
            figures[0]
        );
        assert!(figures.iter().all(|figure| figure.svg.starts_with("<svg ")));
        assert!(figures[4].svg.contains("whole-one") && !figures[4].svg.contains("refuser"), "{:?}", figures[4]);
        assert!(figures[5].about.contains("more orange below"), "{}", figures[5].about);
    }
    #[test]
    fn our_own_lines_come_first_and_then_the_fastest_others() {
        let mut rows =
            vec![row("slow", "peer"), row("mine", "ours"), row("fast", "hosted"), row("broken", "ours")];
        rows[0].mean.as_mut().unwrap().instructions = [9000, 9000, 0];
        rows[3].mean = Err("spoils a block".to_owned());
        let names: Vec<&str> = fastest(&rows).into_iter().map(|subject| subject.name.as_str()).collect();
        assert_eq!(names, ["mine", "fast", "slow"]);
    }
}
