//! Where live blocks lie as a script goes on: for pictures.
//!
//! The addresses from the lowest to the highest that a block has at any look are cut into cells of one size.
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
}

/// First byte and size of each live block.
type Blocks = Vec<(usize, usize)>;

impl Visitor for Maps<'_> {
    type Output = Result<Map>;

    fn visit<S: Subject>(self) -> Result<Map> {
        let mut subject = create::<S>(self.region)?;
        let mut player = Player::new(self.script);
        let unit_bytes = self.script.level.unit_bytes();
        let mut seen: Vec<(Blocks, Option<usize>)> = Vec::new();
        for ops in self.script.ops.chunks(self.script.ops.len().div_ceil(LOOKS)) {
            player.play(&mut *subject, ops, &mut Nobody);
            let blocks =
                player.live().map(|(block, request)| (block.addr().get(), request.size as usize * unit_bytes));
            seen.push((blocks.collect(), subject.used().map(|used| used * unit_bytes)));
        }
        Ok(map(seen))
    }
}

fn map(seen: Vec<(Blocks, Option<usize>)>) -> Map {
    let all = || seen.iter().flat_map(|(blocks, _)| blocks);
    let from = all().map(|(start, _)| *start).min().unwrap_or(0);
    let to = all().map(|(start, bytes)| start + bytes).max().unwrap_or(0);
    let cell_bytes = ((to - from) as f64 / CELLS as f64).max(1.0);
    let looks = seen.into_iter().map(|(blocks, used_bytes)| {
        let mut cells = vec![0.0; CELLS];
        for (start, bytes) in &blocks {
            add(&mut cells, (start - from) as f64 / cell_bytes, (start + bytes - from) as f64 / cell_bytes);
        }
        Look { live_bytes: blocks.iter().map(|(_, bytes)| bytes).sum(), used_bytes, cells }
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
        let map = map(vec![(vec![(1000, 15), (1950, 10)], Some(40)), (vec![], None)]);
        assert_eq!((map.cell_bytes, map.looks[0].live_bytes, map.looks[0].used_bytes), (10.0, 25, Some(40)));
        assert_eq!(map.looks[0].cells[..3], [1.0, 0.5, 0.0]);
        assert_eq!((map.looks[0].cells[95], map.looks[1].live_bytes), (1.0, 0));
        assert!(map.looks[1].cells.iter().all(|share| *share == 0.0));
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
