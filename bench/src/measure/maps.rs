//! Where memory is live, and where it is lost, as a script goes on: for pictures.
//!
//! ```text
//!   held by the subject   ├── rounded ──┤├ records ┤├─── rounded ────┤        what cannot be handed out
//!   asked for and live    ├─────────┤               ├────────────┤
//!   lost                             ├─┤├──────────┤              ├──┤        the difference
//! ```
//!
//! The addresses from the lowest to the highest that a block has at any look are cut into cells of one size. What is held
//! outside of them, records mostly, is in no cell.
#![forbid(unsafe_code)]

use anyhow::Result;
use serde::Serialize;

use super::create;
use crate::{
    play::{Nobody, Player},
    region::Region,
    script::Script,
    subject::{Subject, registry::Visitor},
};

/// Count of looks at the memory.
const LOOKS: usize = 12;

/// Count of cells.
const CELLS: usize = 96;

/// Plays the script with looks at the blocks in between.
pub(crate) struct Maps<'s> {
    /// What is played.
    pub(crate) script: &'s Script,
    /// The subject's memory.
    pub(crate) region: Region,
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Map {
    /// Size of a cell.
    pub(crate) cell_bytes: f64,
    /// One after each twelfth of the script.
    pub(crate) looks: Vec<Look>,
}

/// One look.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Look {
    /// Bytes asked for and live.
    pub(crate) live_bytes: usize,
    /// Bytes that cannot be handed out, by the subject's own account, if it keeps one.
    pub(crate) used_bytes: Option<usize>,
    /// Of each cell, the share that is live.
    pub(crate) cells: Vec<f64>,
    /// Of each cell, the share that is held and not live, if the subject tells where that is.
    pub(crate) lost_cells: Option<Vec<f64>>,
}

/// First byte and size of each of several blocks.
type Blocks = Vec<(usize, usize)>;

/// What one look finds.
#[derive(Default)]
struct Seen {
    live: Blocks,
    held: Option<Blocks>,
    used_bytes: Option<usize>,
}

impl Visitor for Maps<'_> {
    type Output = Result<Map>;

    fn visit<S: Subject>(self) -> Result<Map> {
        let mut subject = create::<S>(self.region)?;
        let mut player = Player::new(self.script);
        let unit_bytes = self.script.level.unit_bytes();
        let mut seen = Vec::new();
        for ops in self.script.ops.chunks(self.script.ops.len().div_ceil(LOOKS)) {
            player.play(&mut *subject, ops, &mut Nobody);
            let live =
                player.live().map(|(block, request)| (block.addr().get(), request.size as usize * unit_bytes));
            let used_bytes = subject.used().map(|used| used * unit_bytes);
            seen.push(Seen { live: live.collect(), held: subject.held(), used_bytes });
        }
        Ok(map(&seen))
    }
}

fn map(seen: &[Seen]) -> Map {
    let all = || seen.iter().flat_map(|seen| &seen.live);
    let from = all().map(|(start, _)| *start).min().unwrap_or(0);
    let to = all().map(|(start, bytes)| start + bytes).max().unwrap_or(0);
    let cell_bytes = ((to - from) as f64 / CELLS as f64).max(1.0);
    let cells = |blocks: &Blocks| {
        let mut cells = vec![0.0; CELLS];
        for (start, bytes) in blocks {
            let place = |address: usize| address.clamp(from, to) - from;
            add(&mut cells, place(*start) as f64 / cell_bytes, place(start + bytes) as f64 / cell_bytes);
        }
        cells
    };
    let looks = seen.iter().map(|Seen { live, held, used_bytes }| {
        let live_cells = cells(live);
        let lost = |held| cells(held).iter().zip(&live_cells).map(|(held, live)| (held - live).max(0.0)).collect();
        let lost_cells = held.as_ref().map(lost);
        let live_bytes = live.iter().map(|(_, bytes)| bytes).sum();
        Look { live_bytes, used_bytes: *used_bytes, cells: live_cells, lost_cells }
    });
    Map { cell_bytes, looks: looks.collect() }
}

/// Adds what lies between `from` and `to`, measured in cells.
fn add(cells: &mut [f64], from: f64, to: f64) {
    for (n, cell) in cells.iter_mut().enumerate().take(to.ceil() as usize).skip(from as usize) {
        let (begin, end) = (n as f64, (n + 1) as f64);
        *cell += (to.min(end) - from.max(begin)).max(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        region::memory,
        script::{Level, Writer},
        subject::limit::FreeLists,
    };

    #[test]
    fn cells_hold_the_share_that_is_live_and_looks_the_bytes() {
        // 96 cells of 10 bytes: a block over one and a half of them, and one at the end.
        let live = vec![(1000, 15), (1950, 10)];
        let map = map(&[Seen { live, used_bytes: Some(40), held: None }, Seen::default()]);
        assert_eq!((map.cell_bytes, map.looks[0].live_bytes, map.looks[0].used_bytes), (10.0, 25, Some(40)));
        assert_eq!(map.looks[0].cells[..3], [1.0, 0.5, 0.0]);
        assert_eq!((map.looks[0].cells[95], map.looks[1].live_bytes), (1.0, 0));
        assert!(map.looks[1].cells.iter().all(|share| *share == 0.0));
        assert_eq!((&map.looks[0].lost_cells, &map.looks[1].lost_cells), (&None, &None));
    }

    #[test]
    fn what_is_held_and_not_live_is_lost_where_it_lies() {
        // The block over one and a half cells is rounded to two, records lie in the fourth, and outside of all.
        let (live, held) = (vec![(1000, 15), (1950, 10)], vec![(900, 50), (1000, 20), (1030, 4), (1950, 90)]);
        let map = map(&[Seen { live, used_bytes: None, held: Some(held) }]);
        let lost = map.looks[0].lost_cells.as_ref().unwrap();
        let lost: Vec<f64> = lost.iter().map(|share| (share * map.cell_bytes).round()).collect();
        assert_eq!(lost[..5], [0.0, 5.0, 0.0, 4.0, 0.0]);
        assert_eq!((lost.len(), lost[5..].iter().sum::<f64>()), (CELLS, 0.0));
    }

    #[test]
    fn our_engines_tell_what_they_hold_and_hold_no_less_than_is_live() {
        use crate::measure::with_subject;
        let mut writer = Writer::new();
        (0..24).for_each(|_| _ = writer.alloc(34, 3));
        let ops = writer.take();
        for (name, level) in [("slab", Level::Bytes), ("bitmap", Level::Pages)] {
            let script = Script { ops: ops.clone(), slots: writer.slots(), ..Script::new(level, 4 << 20) };
            let maps = Maps { script: &script, region: memory(8 << 20) };
            let map = with_subject(name, &script, maps).unwrap().unwrap();
            let last = map.looks.last().unwrap();
            let lost = last.lost_cells.as_ref().unwrap().iter().sum::<f64>() * map.cell_bytes;
            let live = last.cells.iter().sum::<f64>() * map.cell_bytes;
            assert_eq!(live.round() as usize, last.live_bytes, "{name}");
            assert_eq!(
                lost > 0.0,
                name == "slab",
                "{name}: 34 bytes are in objects of 40, pages as they are: {lost}"
            );
        }
    }

    #[test]
    fn a_script_is_looked_at_to_its_end() {
        let mut writer = Writer::new();
        (0..24).for_each(|_| _ = writer.alloc(64, 6));
        let ops = writer.take();
        let script = Script { ops, slots: writer.slots(), ..Script::new(Level::Bytes, 4 << 12) };
        let map = Maps { script: &script, region: memory(4 << 12) }.visit::<FreeLists>().unwrap();
        let live: Vec<usize> = map.looks.iter().map(|look| look.live_bytes).collect();
        assert_eq!(live, (1..=12).map(|look| look * 128).collect::<Vec<_>>());
    }
}
