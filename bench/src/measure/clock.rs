//! Times on the processor: good for ratios within one run, and for finding the operations worth counting.

use std::time::Instant;

use anyhow::Result;

use super::create;
use crate::{
    play::{Nobody, Player, Watch},
    region::Region,
    script::Script,
    subject::{Subject, registry::Visitor},
};

/// Nanoseconds per operation of the measured part, played once.
pub(crate) struct Whole<'s> {
    /// What is played.
    pub(crate) script: &'s Script,
    /// The subject's memory.
    pub(crate) region: Region,
}

impl Visitor for Whole<'_> {
    type Output = Result<f64>;

    fn visit<S: Subject>(self) -> Result<f64> {
        let mut subject = create::<S>(self.region)?;
        let mut player = Player::new(self.script);
        player.prepare(&mut *subject, &mut Nobody);
        let start = Instant::now();
        player.run(&mut *subject, &mut Nobody);
        let nanoseconds = start.elapsed().as_nanos() as f64 / self.script.ops.len() as f64;
        // A hosted allocator has one heap for all rounds: what is live goes back to it.
        let live: Vec<_> = player.live().collect();
        for (block, request) in live {
            // SAFETY: 1. the slot holds the block. 2. The player ends here.
            unsafe { subject.dealloc(block, request) };
        }
        Ok(nanoseconds)
    }
}

/// The shortest time of each operation over several rounds, in nanoseconds.
pub(crate) struct Each<'s> {
    /// What is played.
    pub(crate) script: &'s Script,
    /// The subject's memory.
    pub(crate) region: Region,
    /// Times of the rounds before; this one lowers them.
    pub(crate) shortest: &'s mut [u64],
}

/// Takes the time of every operation.
struct Stamps<'t> {
    begun: Instant,
    shortest: &'t mut [u64],
}

impl Watch for Stamps<'_> {
    #[inline(always)]
    fn before(&mut self, _: usize) {
        self.begun = Instant::now();
    }

    #[inline(always)]
    fn after(&mut self, n: usize) {
        let shortest = &mut self.shortest[n];
        *shortest = (*shortest).min(self.begun.elapsed().as_nanos() as u64);
    }
}

impl Visitor for Each<'_> {
    type Output = Result<()>;

    fn visit<S: Subject>(self) -> Result<()> {
        let mut subject = create::<S>(self.region)?;
        let mut player = Player::new(self.script);
        player.prepare(&mut *subject, &mut Nobody);
        player.run(&mut *subject, &mut Stamps { begun: Instant::now(), shortest: self.shortest });
        Ok(())
    }
}
