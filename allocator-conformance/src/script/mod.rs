//! Scripts: sequences of operations as data.
//!
//! A script has one form for every use: random tests make it from a seed, a fuzzer from its input, a person writes it down;
//! a runner carries it out on an allocator under test and compares each answer with the model. A script that fails
//! is [made smaller](shrink) until every part of it is needed, and printed as a test that can be pasted.
//!
//! ```text
//!   seed ──┐
//!   bytes ─┼─► [ByteOp] ─► runner ─► answer ≠ prediction ─► shrink ─► #[test] fn …
//!   text ──┘                 │
//!                            ▼
//!              allocator under test, books, Fit
//! ```
//!
//! Numbers in an operation are taken modulo what there is (blocks that are live, bytes of the ground), so that every
//! script means something, and a script from which steps were taken out still does.
//!
//! # The model
//!
//! The books know what is live and where the gaps between are. From that follows
//! - what must be refused: what no gap can hold, for a block there would not lie in free memory;
//! - what must succeed: for pages and ids, whatever a free run holds; for blocks, what the allocator's [`Fit`] says, and a
//!   request of the size and alignment of a block that was given back since the last one was handed out.
#![forbid(unsafe_code)]

pub(crate) mod bytes;
mod fit;
pub(crate) mod hunt;
pub(crate) mod ids;
pub(crate) mod pages;
mod shrink;

use core::fmt;

use allocator_api::{AddressRange, AllocError, AllocResult};

pub use self::{bytes::ByteOp, fit::Fit, hunt::Found, ids::IdOp, pages::PageOp, shrink::shrink};
use crate::{
    book::{Book, Entry},
    random::Random,
    verdict::{Failure, Step, Stop, Value, With, broken},
};

/// A step of a script.
pub trait Op: Copy + PartialEq + fmt::Debug {
    /// The suite whose allocators it is for: `byte`, `page` or `id`.
    const SUITE: &'static str;
    /// The type's own name.
    const NAME: &'static str;

    /// Reads an operation from bytes; any bytes will do. `None` if there are too few.
    fn decode(bytes: &mut dyn Iterator<Item = u8>) -> Option<Self>;

    /// Reads the operation that a random script begins with: one that hands in memory.
    fn decode_first(bytes: &mut dyn Iterator<Item = u8>) -> Option<Self>;

    /// The operation with one of its numbers smaller; `None` when `attempt` is beyond the last way to do that.
    #[must_use]
    fn simpler(self, attempt: usize) -> Option<Self>;
}

/// What a script came to that found nothing.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Tally {
    /// Operations that were carried out.
    pub done: usize,
    /// Requests that were refused for lack of memory.
    pub refused: usize,
    /// Refusals that the model would have called wrong had they come: requests known to fit.
    pub predicted: usize,
}

/// The step of a script at which an allocator broke its promise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Broken {
    /// The index of the step; the number of steps if it was the giving back of everything at the end.
    pub step: usize,
    /// What was expected, and what came.
    pub failure: Failure,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {}: {}", self.step, self.failure)
    }
}

/// The operations that the bytes stand for.
pub fn decode<O: Op>(bytes: impl IntoIterator<Item = u8>) -> impl Iterator<Item = O> {
    let mut bytes = bytes.into_iter();
    core::iter::from_fn(move || O::decode(&mut bytes))
}

/// The endless script of a seed.
pub(crate) fn of_seed<O: Op>(seed: u64) -> impl Iterator<Item = O> {
    let mut random = Random::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let mut bytes = core::iter::from_fn(move || Some((random.next() >> 56) as u8));
    let first = O::decode_first(&mut bytes);
    first.into_iter().chain(decode(bytes))
}

/// The end of a case that a script of this seed broke.
pub(crate) fn stop_at(seed: u64, broken: Broken) -> Stop {
    Stop::Broken(Failure { input: Value::Count(seed as usize), ..broken.failure })
}

/// Takes the outcome of a step for a failure, if it is one. A mistake that the allocator does not detect, and that was
/// therefore not tried, is none.
fn failure_of(step: Step) -> Option<Failure> {
    match step {
        Ok(()) | Err(Stop::Declared(_) | Stop::Skipped(_)) => None,
        Err(Stop::Broken(failure) | Stop::Mistake(failure)) => Some(failure),
    }
}

/// Whether a region overlaps those held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Overlap {
    /// It does not.
    None,
    /// It does, in what may have been trimmed from a region held: it may be accepted or refused.
    OfMargins,
    /// It does, and must be refused.
    Sure,
}

/// How a region overlaps those held, of which the allocator may have kept only the whole units.
fn overlap(regions: &Book<'_>, region: AddressRange, unit: usize) -> Overlap {
    let kept = |entry: &Entry| entry.range.trimmed(unit).is_some_and(|kept| kept.overlaps(region));
    match regions.overlapping(region) {
        None => Overlap::None,
        Some(_) if regions.entries().iter().any(kept) => Overlap::Sure,
        Some(_) => Overlap::OfMargins,
    }
}

/// A script under way on an allocator.
trait Run {
    type Op: Op;

    /// Carries out one step.
    fn step(&mut self, op: Self::Op) -> Step;

    /// What every script ends with: everything is given back.
    fn finish(&mut self) -> Step;

    /// What it has come to.
    fn tally(&self) -> Tally;
}

/// Carries a script out to its end.
fn carry_out<R: Run>(mut run: R, script: impl IntoIterator<Item = R::Op>) -> Result<Tally, Broken> {
    let mut steps = 0;
    for op in script {
        if let Some(failure) = failure_of(run.step(op)) {
            return Err(Broken { step: steps, failure });
        }
        steps += 1;
    }
    failure_of(run.finish()).map_or(Ok(run.tally()), |failure| Err(Broken { step: steps, failure }))
}

/// A request for a run of `count` pages or ids is answered as the model says.
pub(crate) fn as_predicted(must: bool, answer: AllocResult, count: usize) -> Step {
    match (must, answer) {
        (true, Ok(())) | (false, Err(AllocError::NoMemory)) => Ok(()),
        (true, _) => Err(broken("model: the run is free", "a run", answer)).with(count),
        (false, _) => Err(broken("model: the run is not free", AllocError::NoMemory, answer)).with(count),
    }
}

/// A number of pages or ids: mostly few, sometimes none, sometimes more than there are.
fn few(byte: usize) -> usize {
    match byte {
        0..=191 => byte % 6,
        192..=247 => byte % 40,
        _ => 1 << (byte - 240),
    }
}

/// Two bytes as a number.
fn two(bytes: &mut dyn Iterator<Item = u8>) -> Option<usize> {
    Some(usize::from(bytes.next()?) << 8 | usize::from(bytes.next()?))
}

/// A number of at most `most_log2 + 1` bits; small ones as often as large ones.
fn small_mostly(bytes: &mut dyn Iterator<Item = u8>, most_log2: u8) -> Option<usize> {
    let width = bytes.next()? % (most_log2 + 1);
    let value = two(bytes)?;
    Some((1 << width) | (value & ((1 << width) - 1)))
}

/// Smaller numbers to try in the place of `number`: 0, its half, one less.
fn smaller(number: usize, attempt: usize) -> Option<usize> {
    [0, number / 2, number.saturating_sub(1)].get(attempt).copied()
}
