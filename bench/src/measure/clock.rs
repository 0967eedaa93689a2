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

/// Pairs of a share of the operations, from 0 to 1, and the time that they stay within; the steps become finer towards 1,
/// where the slow ones are. Operations that were not timed are left out.
pub(crate) fn quantiles(mut times: Vec<u64>) -> Vec<(f64, u64)> {
    times.retain(|&time| time != u64::MAX);
    times.sort_unstable();
    let above = (0..=40).map(|step| 10_f64.powf(-f64::from(step) / 8.0));
    let shares = above.map(|above| 1.0 - above).chain([1.0]);
    let at = |share: f64| times.get(((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1)));
    shares.filter_map(|share| Some((share, *at(share)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::quantiles;

    #[test]
    fn shares_go_from_the_fastest_to_the_slowest_and_leave_out_what_was_not_timed() {
        let times: Vec<u64> = (1..=1000).rev().chain([u64::MAX]).collect();
        let pairs = quantiles(times);
        assert_eq!((pairs[0], pairs[8], pairs.last()), ((0.0, 1), (0.9, 901), Some(&(1.0, 1000))));
        assert!(pairs.is_sorted_by(|one, next| one.0 < next.0 && one.1 <= next.1));
        assert!(quantiles(Vec::new()).is_empty());
    }
}
