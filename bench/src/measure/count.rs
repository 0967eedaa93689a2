//! Plays a script under callgrind.
//!
//! Means are read from callgrind's output, which knows what was spent in each of the `counted_*` functions and below. For
//! single operations the counts are written out after each chosen one, in the order in which they are played.
#![forbid(unsafe_code)]

use anyhow::Result;
use serde::Serialize;

use super::create;
use crate::{
    play::{Nobody, Player, Watch},
    region::Region,
    script::{Action, Script},
    subject::{Subject, registry::Visitor},
    valgrind,
};

/// What was played, so that counts can be divided by it.
#[derive(Clone, Copy, Default, Debug, Serialize)]
pub(crate) struct Played {
    /// Allocations, refused ones among them.
    pub(crate) allocs: usize,
    /// Frees.
    pub(crate) frees: usize,
    /// Changes of size.
    pub(crate) reallocs: usize,
    /// Requests that were refused while it was counted.
    pub(crate) refused: usize,
}

impl Watch for Played {
    fn allocated(&mut self, _: std::ptr::NonNull<u8>, _: crate::subject::Request) {
        self.allocs += 1;
    }

    fn freeing(&mut self, _: std::ptr::NonNull<u8>, _: crate::subject::Request) {
        self.frees += 1;
    }

    fn resizing(&mut self, _: std::ptr::NonNull<u8>, _: crate::subject::Request, _: crate::subject::Request) {
        self.reallocs += 1;
    }

    fn refused(&mut self, _: usize, _: crate::subject::Request) {
        self.refused += 1;
    }
}

/// Counts the measured part of the script.
pub(crate) struct Mean<'s> {
    /// What is played.
    pub(crate) script: &'s Script,
    /// The subject's memory.
    pub(crate) region: Region,
}

impl Visitor for Mean<'_> {
    type Output = Result<Played>;

    fn visit<S: Subject>(self) -> Result<Played> {
        let mut subject = create::<S>(self.region)?;
        let mut player = Player::new(self.script);
        player.prepare(&mut *subject, &mut Nobody);
        let mut played = Played::default();
        valgrind::start();
        player.run(&mut *subject, &mut played);
        valgrind::stop();
        let refused_allocs = played
            .refused
            .saturating_sub(self.script.ops.iter().filter(|op| op.action == Action::Realloc).count());
        played.allocs += refused_allocs;
        Ok(played)
    }
}

/// Counts chosen operations of the script, each by itself.
pub(crate) struct Single<'s> {
    /// What is played.
    pub(crate) script: &'s Script,
    /// The subject's memory.
    pub(crate) region: Region,
    /// Indexes of the chosen operations.
    pub(crate) chosen: &'s [usize],
}

/// Writes the counts out after each chosen operation.
struct Dumps {
    chosen: Vec<bool>,
}

impl Watch for Dumps {
    #[inline(always)]
    fn before(&mut self, n: usize) {
        if self.chosen[n] {
            valgrind::zero();
        }
    }

    #[inline(always)]
    fn after(&mut self, n: usize) {
        if self.chosen[n] {
            valgrind::dump();
        }
    }
}

impl Visitor for Single<'_> {
    type Output = Result<()>;

    fn visit<S: Subject>(self) -> Result<()> {
        let mut chosen = vec![false; self.script.ops.len()];
        self.chosen.iter().for_each(|&n| chosen[n] = true);
        let mut subject = create::<S>(self.region)?;
        let mut player = Player::new(self.script);
        player.prepare(&mut *subject, &mut Nobody);
        let mut dumps = Dumps { chosen };
        valgrind::start();
        player.run(&mut *subject, &mut dumps);
        valgrind::stop();
        Ok(())
    }
}
