//! The pictures: each is one SVG text, in colours that a style sheet replaces where the page is dark.
//!
//! A picture is [`WIDTH`] units wide and its text so large that it is legible on a screen of 390 pixels.

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;

use crate::measure::program::Kind;

/// Width of every picture.
const WIDTH: u32 = 560;

/// Height of text, line and all: the letters are drawn four fifths as large.
const TEXT: i32 = 22;

/// Height of a row of text or of a bar.
const ROW: i32 = 30;

/// Height of the lower part of a row in a map, which shows what is lost.
const LOST_ROW: i32 = 9;

/// Where names end and bars begin.
const NAMES: i32 = 236;

/// Text and axes.
const INK: RGBColor = RGBColor(0x11, 0x11, 0x11);
/// Lines that help to read a value.
const GRID: RGBColor = RGBColor(0xD8, 0xD8, 0xD8);
/// A backend of this project.
const OURS: RGBColor = RGBColor(0x00, 0x72, 0xB2);
/// Another allocator.
const OTHER: RGBColor = RGBColor(0x9A, 0x9A, 0x9A);
/// How many shades of a colour there are in a map.
const SHADES: f64 = 5.0;
/// Memory that is used and was not asked for.
const LOST: RGBColor = RGBColor(0xD5, 0x5E, 0x00);

/// Lines, told apart also by who sees few colours.
const LINES: [RGBColor; 7] = [
    OURS,
    RGBColor(0xE6, 0x9F, 0x00),
    RGBColor(0x00, 0x9E, 0x73),
    RGBColor(0xCC, 0x79, 0xA7),
    RGBColor(0x56, 0xB4, 0xE9),
    LOST,
    OTHER,
];

/// What makes a picture dark where the page is: ink and grid change, the colours that mean something stay.
pub(super) const DARK: &str = "@media (prefers-color-scheme: dark) { svg [fill=\"#111111\"] { fill: #f0f0f0 } \
    svg [stroke=\"#111111\"] { stroke: #f0f0f0 } svg [stroke=\"#D8D8D8\"] { stroke: #444444 } \
    svg [fill=\"#D8D8D8\"] { fill: #444444 } }";

/// One bar.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bar {
    /// Whose.
    pub(super) name: String,
    /// How long.
    pub(super) value: f64,
    /// Whether it is a backend of this project.
    pub(super) ours: bool,
}

/// One line, from left to right.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    /// Whose.
    pub(super) name: String,
    /// Its points.
    pub(super) points: Vec<(f64, f64)>,
}

/// Memory at one moment: shares from 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Moment {
    /// Of each cell of addresses, what is live.
    pub(super) cells: Vec<f64>,
    /// Of each cell, what is held and not live, where that is known.
    pub(super) lost_cells: Option<Vec<f64>>,
    /// Of the most that is ever used, what is live and what is used beyond that.
    pub(super) live: f64,
    /// See `live`.
    pub(super) lost: f64,
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws a picture of `rows` rows.
fn picture(rows: i32, draw: impl FnOnce(&Area<'_>) -> Result<()>) -> Result<String> {
    let mut out = String::new();
    {
        let root = SVGBackend::with_string(&mut out, (WIDTH, (rows * ROW).unsigned_abs())).into_drawing_area();
        draw(&root)?;
        root.present().map_err(failed)?;
    }
    Ok(out)
}

fn failed(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("drawing: {error}")
}

fn text(area: &Area<'_>, words: &str, at: (i32, i32)) -> Result<()> {
    area.draw(&Text::new(words.to_owned(), at, ("sans-serif", TEXT).into_font().color(&INK))).map_err(failed)
}

fn rectangle(area: &Area<'_>, from: (i32, i32), to: (i32, i32), colour: RGBAColor) -> Result<()> {
    area.draw(&Rectangle::new([from, to], colour.filled())).map_err(failed)
}

/// A share of `length`, to a whole unit.
fn part(length: i32, share: f64) -> i32 {
    (f64::from(length) * share.clamp(0.0, 1.0)).round() as i32
}

/// Bars, the shortest at the top. One longer than `most` is cut off there, and an arrow says so.
pub(super) fn bars(bars: &[Bar], most: f64) -> Result<String> {
    let mut bars = bars.to_vec();
    bars.sort_by(|one, other| one.value.total_cmp(&other.value));
    let longest = bars.iter().map(|bar| bar.value).fold(0.0, f64::max).min(most);
    let room = WIDTH as i32 - NAMES - 90;
    picture(bars.len() as i32, |area| {
        for (top, bar) in (0..).step_by(ROW as usize).zip(&bars) {
            let colour = if bar.ours { OURS } else { OTHER };
            let end = NAMES + part(room, bar.value / longest).max(1);
            text(area, &bar.name, (4, top + 5))?;
            rectangle(area, (NAMES, top + 3), (end, top + ROW - 4), colour.mix(1.0))?;
            let arrow = if bar.value > most { "→ " } else { "" };
            text(area, &format!("{arrow}{}", figure(bar.value)), (end + 8, top + 5))?;
        }
        Ok(())
    })
}

/// Bars of values as multiples of the best peer's, or of the least where there is no peer; and of what they are multiples, in words.
pub(super) fn over_best(values: impl Iterator<Item = (String, Kind, f64)> + Clone) -> (Vec<Bar>, String) {
    let least = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value.max(1.0)).min_by(f64::total_cmp);
    let peers = values.clone().filter(|(_, kind, _)| *kind == Kind::Peer);
    let best = least(&mut peers.map(|(_, _, value)| value));
    let unit = best.or_else(|| least(&mut values.clone().map(|(_, _, value)| value))).unwrap_or(1.0);
    let bar = |(name, kind, value): (String, Kind, f64)| Bar {
        name,
        value: value / unit,
        ours: kind.is_of_this_project(),
    };
    let whose = if best.is_some() { "the best other allocator's, which takes" } else { "the least, which is" };
    (values.map(bar).collect(), format!("as a multiple of {whose} {unit:.0}"))
}

/// A figure in three or four characters.
fn figure(value: f64) -> String {
    if value < 10.0 { format!("{value:.2}") } else { format!("{value:.0}") }
}

/// Axes of a picture of lines.
pub(super) struct Axes {
    /// What goes to the right.
    pub(super) x: &'static str,
    /// What goes up.
    pub(super) y: &'static str,
    /// Words for a place on the x axis.
    pub(super) x_words: fn(f64) -> String,
    /// Words for a place on the y axis.
    pub(super) y_words: fn(f64) -> String,
    /// The lowest value shown.
    pub(super) y_from: f64,
}

/// Lines, with their names above them.
pub(super) fn lines(lines: &[Line], axes: &Axes) -> Result<String> {
    let points = || lines.iter().flat_map(|line| &line.points);
    let (x, y) = (points().map(|(x, _)| *x).fold(0.0, f64::max), points().map(|(_, y)| *y).fold(0.0, f64::max));
    let legend_rows = (lines.len() as i32 + 1) / 2;
    let (x_words, y_words) = (|x: &f64| (axes.x_words)(*x), |y: &f64| (axes.y_words)(*y));
    picture(13 + legend_rows, |area| {
        legend(area, lines)?;
        let (_, plot) = area.split_vertically(legend_rows * ROW);
        let style = ("sans-serif", TEXT).into_font().color(&INK);
        let mut chart = ChartBuilder::on(&plot)
            .margin(12)
            .margin_right(40)
            .x_label_area_size(62)
            .y_label_area_size(84)
            .build_cartesian_2d(0.0..x, axes.y_from..y * 1.05)
            .map_err(failed)?;
        let mut mesh = chart.configure_mesh();
        mesh.x_desc(axes.x).y_desc(axes.y).x_labels(5).y_labels(6).axis_style(INK).light_line_style(TRANSPARENT);
        mesh.bold_line_style(GRID).label_style(style.clone()).axis_desc_style(style);
        mesh.x_label_formatter(&x_words).y_label_formatter(&y_words);
        mesh.draw().map_err(failed)?;
        for (line, colour) in lines.iter().zip(LINES.iter().cycle()) {
            let series = LineSeries::new(line.points.iter().copied(), colour.stroke_width(3));
            chart.draw_series(series).map_err(failed)?;
        }
        Ok(())
    })
}

/// The names of the lines, in two columns.
fn legend(area: &Area<'_>, lines: &[Line]) -> Result<()> {
    for (n, (line, colour)) in lines.iter().zip(LINES.iter().cycle()).enumerate() {
        let (left, top) = ((n % 2) as i32 * WIDTH as i32 / 2, (n / 2) as i32 * ROW);
        rectangle(area, (left + 4, top + 11), (left + 30, top + 16), colour.mix(1.0))?;
        text(area, &line.name, (left + 38, top + 5))?;
    }
    Ok(())
}

/// A heap as time goes down: addresses to the right, and beside them how much is live, lost and free.
pub(super) fn heap_map(moments: &[Moment]) -> Result<String> {
    let (map_end, bar_start) = (390, 410);
    picture(moments.len() as i32 + 2, |area| {
        text(area, "addresses →", (4, 5))?;
        text(area, "live, lost, free", (bar_start, 5))?;
        for (top, moment) in (ROW..).step_by(ROW as usize).zip(moments) {
            rectangle(area, (4, top), (map_end, top + ROW - 3), GRID.mix(1.0))?;
            let (middle, bottom) = (top + ROW - 3 - LOST_ROW, top + ROW - 3);
            match &moment.lost_cells {
                Some(lost) => {
                    cells(area, &moment.cells, OURS, (4, top), (map_end, middle))?;
                    cells(area, lost, LOST, (4, middle), (map_end, bottom))?;
                }
                None => cells(area, &moment.cells, OURS, (4, top), (map_end, bottom))?,
            }
            let room = WIDTH as i32 - bar_start - 4;
            let (live, lost) =
                (bar_start + part(room, moment.live), bar_start + part(room, moment.live + moment.lost));
            rectangle(area, (bar_start, top), (WIDTH as i32 - 4, top + ROW - 3), GRID.mix(1.0))?;
            rectangle(area, (bar_start, top), (live, top + ROW - 3), OURS.mix(1.0))?;
            rectangle(area, (live, top), (lost, top + ROW - 3), LOST.mix(1.0))?;
        }
        text(area, "time ↓", (4, (moments.len() as i32 + 1) * ROW + 5))
    })
}

/// The cells of one moment between two corners; neighbours that are as dark as each other are drawn as one.
fn cells(area: &Area<'_>, cells: &[f64], colour: RGBColor, from: (i32, i32), to: (i32, i32)) -> Result<()> {
    let edge = |n: usize| from.0 + part(to.0 - from.0, n as f64 / cells.len() as f64);
    let shade = |share: f64| (share.clamp(0.0, 1.0) * SHADES).ceil() / SHADES;
    let mut first = 0;
    for alike in cells.chunk_by(|one, other| shade(*one) == shade(*other)) {
        let next = first + alike.len();
        if shade(cells[first]) > 0.0 {
            rectangle(area, (edge(first), from.1), (edge(next), to.1), colour.mix(shade(cells[first])))?;
        }
        first = next;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Axes, Bar, DARK, Line, Moment, bars, heap_map, lines, over_best};
    use crate::measure::program::Kind;

    fn widths(svg: &str) -> Vec<u32> {
        let numbers =
            svg.split("<rect ").skip(1).filter_map(|rest| rest.split_once(" width=\"")?.1.split('"').next());
        numbers.filter_map(|width| width.parse().ok()).collect()
    }

    #[test]
    fn bars_stand_in_order_with_their_values_and_what_is_cut_off_has_an_arrow() {
        let bar = |name: &str, value| Bar { name: name.into(), value, ours: name == "mine" };
        let svg = bars(&[bar("slow", 40.0), bar("mine", 1.0), bar("peer", 2.0)], 4.0).unwrap();
        assert_eq!(widths(&svg), [59, 117, 234], "{svg}");
        assert!(svg.find("mine").unwrap() < svg.find("peer").unwrap() && svg.contains("→ 40"), "{svg}");
        assert_eq!(svg.matches("#0072B2").count(), 1, "{svg}");
    }

    #[test]
    fn values_are_multiples_of_the_best_peers_or_of_the_least() {
        let of = |kinds: [Kind; 2]| {
            let values = kinds.into_iter().zip([30.0, 20.0]).map(|(kind, value)| ("one".to_owned(), kind, value));
            let (bars, words) = over_best(values.clone());
            (bars.iter().map(|bar| (bar.value, bar.ours)).collect::<Vec<_>>(), words)
        };
        let (bars, words) = of([Kind::Peer, Kind::Layer]);
        assert_eq!(bars, [(1.0, false), (20.0 / 30.0, true)]);
        assert!(words.ends_with("other allocator's, which takes 30"), "{words}");
        let (bars, words) = of([Kind::Ours, Kind::Hosted]);
        assert_eq!(
            (bars, words.as_str()),
            (vec![(1.5, true), (1.0, false)], "as a multiple of the least, which is 20")
        );
    }

    #[test]
    fn every_line_is_drawn_and_named() {
        let line = |name: &str| Line { name: name.into(), points: vec![(0.0, 1.0), (1.0, 3.0)] };
        let plain = |value: f64| format!("{value:.1}");
        let axes = Axes { x: "right", y: "up", x_words: plain, y_words: plain, y_from: 0.0 };
        let svg = lines(&[line("one"), line("two")], &axes).unwrap();
        for word in ["one", "two", "right", "up"] {
            assert!(svg.contains(&format!("\n{word}\n")), "{word}: {svg}");
        }
        assert!(svg.matches("stroke-width=\"3\"").count() == 2, "{svg}");
    }

    #[test]
    fn a_heap_map_has_a_cell_for_each_share_and_a_bar_for_live_and_lost() {
        let moment = |live, lost| Moment { cells: vec![0.0, 1.0, 0.95, 0.1], lost_cells: None, live, lost };
        let svg = heap_map(&[moment(0.5, 0.25), moment(1.0, 0.0)]).unwrap();
        // The whole, two live cells as one, one that is hardly live, and the bar's three parts, for each moment.
        assert_eq!(widths(&svg).len(), 12, "{svg}");
        assert_eq!(widths(&svg)[..6], [386, 193, 96, 146, 73, 37], "{svg}");
    }

    #[test]
    fn what_is_lost_is_drawn_below_what_is_live_at_the_same_addresses() {
        let moment = Moment { cells: vec![1.0, 0.5], lost_cells: Some(vec![0.0, 0.5]), live: 0.0, lost: 0.0 };
        let svg = heap_map(&[moment]).unwrap();
        let cell = |x, y, width, height, colour| {
            format!(
                "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" opacity=\"0.6\" fill=\"{colour}\""
            )
        };
        assert!(svg.contains(&cell(197, 30, 193, 18, "#0072B2")), "{svg}");
        assert!(svg.contains(&cell(197, 48, 193, 9, "#D55E00")), "{svg}");
        assert!(!svg.contains(&cell(4, 48, 193, 9, "#D55E00")), "{svg}");
    }

    #[test]
    fn the_dark_style_replaces_the_colours_that_are_drawn_with() {
        let svg = heap_map(&[Moment { cells: vec![0.0], lost_cells: None, live: 0.0, lost: 0.0 }]).unwrap();
        for part in ["fill=\"#111111\"", "fill=\"#D8D8D8\""] {
            assert!(svg.contains(part) && DARK.contains(part), "{part}: {svg}");
        }
    }
}
