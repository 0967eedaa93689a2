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

/// Lines that one picture takes, those of this project first.
const MOST_LINES: usize = 7;

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
        let able: Vec<&Subject> = rows.iter().filter(|row| row.mean.is_ok()).map(|row| &row.subject).collect();
        let ours: Vec<&Subject> = able.iter().copied().filter(|subject| subject.kind == Kind::Ours).collect();
        let latency = asked(program, &trace, "latency", &able)?;
        let maps = asked(program, &trace, "maps", &ours)?;
        Ok(Self { trace, rows, latency, maps })
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
        if self.rows.iter().any(|row| row.whole().is_some_and(|looks| !looks.is_empty())) {
            figures.push(self.fragmentation()?);
        }
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
        let lines: Vec<Line> = self.latency.iter().take(MOST_LINES).map(line).collect();
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
        let line = |row: &Row| {
            let looks = row.whole()?;
            let count = looks.len() as f64;
            let points = (1..).zip(looks).map(|(n, share): (i32, &f64)| (f64::from(n) / count, *share)).collect();
            Some(Line { name: row.subject.name.clone(), points })
        };
        let filled = |line: &Line| !line.points.is_empty();
        let lines: Vec<Line> = self.rows.iter().filter_map(line).filter(filled).take(MOST_LINES).collect();
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        let axes =
            Axes { x: "done of the trace", y: "in large pieces", x_words: percent, y_words: percent, y_from: 0.0 };
        let about = "Of the free memory, the share in large pieces: for blocks the largest one that would be granted, for \
                     pages whole aligned 2 MiB. Higher is better.";
        Ok(self.figure("fragmentation", "Fragmentation over time", about, charts::lines(&lines, &axes)?))
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

/// What the program answers to `what` for each of `subjects`.
fn asked<T: for<'d> Deserialize<'d>>(
    program: &Program,
    trace: &Trace,
    what: &str,
    subjects: &[&Subject],
) -> Result<Vec<(Subject, T)>> {
    // Times are taken one after the other.
    let answers = jobs::each(
        what,
        1,
        subjects,
        |subject| subject.name.clone(),
        |subject| program.ask(&[what, "--subject", &subject.name, "--load", &trace.path]),
    );
    let read = |(subject, answer): (&&Subject, Result<serde_json::Value>)| {
        let answer = answer.with_context(|| format!("{what} of {}", subject.name))?;
        Ok(((*subject).clone(), serde_json::from_value(answer)?))
    };
    subjects.iter().zip(answers).map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::{Look, Map, Measured};
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
        let latency = vec![(subject, vec![(0.0, 10.0), (0.9, 20.0), (1.0, 1000.0)])];
        let figures = Measured { trace: trace(), rows, latency, maps }.figures().unwrap();
        let names: Vec<&str> = figures.iter().map(|figure| figure.name.as_str()).collect();
        let kinds = ["speed", "worst", "memory", "latency", "fragmentation", "map-mine"];
        assert_eq!(names, kinds.map(|kind| format!("boot-bytes-{kind}")));
        assert!(
            figures[0].svg.contains("1.00") && figures[0].about.contains("which takes 20"),
            "{:?}",
            figures[0]
        );
        assert!(figures.iter().all(|figure| figure.svg.starts_with("<svg ")));
        assert!(figures[5].about.contains("more orange below"), "{}", figures[5].about);
    }
}
