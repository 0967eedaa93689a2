//! Random scripts, and what is left of one that failed.
#![forbid(unsafe_code)]

use core::fmt;

use allocator_api::{ByteAllocator, ConstEmpty, Declared, IdAllocator, PageAllocator};

use super::{Broken, ByteOp, IdOp, Op, PageOp, bytes, ids, of_seed, pages, shrink};
use crate::{Bench, Fit, memory::Spare};

/// A script that fails, as small as it could be made. It prints as a test.
#[derive(Debug)]
pub struct Found<'m, O> {
    /// The seed that it came from.
    pub seed: u64,
    /// The steps; each is needed.
    pub script: &'m [O],
    /// Where it fails, and how.
    pub broken: Broken,
    /// The allocator's type, and how it is said to fit blocks.
    allocator: (&'static str, Fit),
}

impl<O: Op> fmt::Display for Found<'_, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (suite, ops, (allocator, fit)) = (O::SUITE, O::NAME, self.allocator);
        writeln!(f, "// Seed {}, {}", self.seed, self.broken)?;
        writeln!(f, "#[test]\nfn a_script_that_once_failed() {{")?;
        writeln!(f, "    use allocator_conformance::{{Fit, {ops}::*}};")?;
        writeln!(f, "    allocator_conformance::{suite}_script!({allocator}, Fit::{fit:?}, [")?;
        for op in self.script {
            writeln!(f, "        {op:?},")?;
        }
        writeln!(f, "    ]);\n}}")
    }
}

/// Carries out the first `steps` steps of the script of each seed on a byte allocator. Returns the first failing script, made small.
pub fn hunt_bytes<A: ByteAllocator + ConstEmpty + Declared>(
    bench: &mut Bench<A>,
    seeds: core::ops::Range<u64>,
    steps: usize,
) -> Option<Found<'_, ByteOp>> {
    let allocator = (core::any::type_name::<A>(), bench.fit);
    let mut subject = crate::bytes::Subject::on(bench);
    let room = Rooms::new(&mut subject.spare, ByteOp::GiveAllBack, steps);
    room.hunt(seeds, allocator, |script| bytes::run_on(&mut subject, script.iter().copied()).err())
}

/// As [`hunt_bytes`], on a page allocator.
pub fn hunt_pages<A: PageAllocator + ConstEmpty + Declared>(
    bench: &mut Bench<A>,
    seeds: core::ops::Range<u64>,
    steps: usize,
) -> Option<Found<'_, PageOp>> {
    let allocator = (core::any::type_name::<A>(), bench.fit);
    let mut subject = crate::pages::Subject::on(bench);
    let room = Rooms::new(&mut subject.spare, PageOp::GiveAllBack, steps);
    room.hunt(seeds, allocator, |script| pages::run_on(&mut subject, script.iter().copied()).err())
}

/// As [`hunt_bytes`], on an id allocator.
pub fn hunt_ids<A: IdAllocator + ConstEmpty + Declared>(
    bench: &mut Bench<A>,
    seeds: core::ops::Range<u64>,
    steps: usize,
) -> Option<Found<'_, IdOp>> {
    let allocator = (core::any::type_name::<A>(), bench.fit);
    let mut subject = crate::ids::Subject::on(bench);
    let room = Rooms::new(&mut subject.spare, IdOp::GiveAllBack, steps);
    room.hunt(seeds, allocator, |script| ids::run_on(&mut subject, script.iter().copied()).err())
}

/// Room for a script and for trials to make it smaller.
struct Rooms<'m, O> {
    script: &'m mut [O],
    scratch: &'m mut [O],
}

impl<'m, O: Op> Rooms<'m, O> {
    fn new(spare: &mut Spare<'m>, op: O, steps: usize) -> Self {
        Self { script: spare.table(op, steps), scratch: spare.table(op, steps) }
    }

    fn hunt(
        self,
        seeds: core::ops::Range<u64>,
        allocator: (&'static str, Fit),
        mut run: impl FnMut(&[O]) -> Option<Broken>,
    ) -> Option<Found<'m, O>> {
        for seed in seeds {
            self.script.iter_mut().zip(of_seed(seed)).for_each(|(place, op)| *place = op);
            let Some(broken) = run(self.script) else { continue };
            // What comes after the failing step is not needed.
            let needed = (broken.step + 1).min(self.script.len());
            let script = shrink(&mut self.script[..needed], self.scratch, |script| run(script).is_some());
            let broken = run(script).unwrap_or(broken);
            return Some(Found { seed, script, broken, allocator });
        }
        None
    }
}
