//! Scripts for id allocators. The books know every free id: they predict every answer.
#![forbid(unsafe_code)]

use allocator_api::{AddressRange, AllocError, ConstEmpty, Declared, IdAllocator};

use super::{Broken, Op, Run, Tally, as_predicted, carry_out, few, smaller};
use crate::{
    bench::Bench,
    ids::Subject,
    order::Order,
    verdict::{Step, With, answers},
};

/// The ids that scripts use: a count.
const IDS: usize = 256;

/// A step of a script for id allocators. Ids are taken modulo 256.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IdOp {
    /// Adds ids.
    Add {
        /// The first.
        first: usize,
        /// How many.
        count: usize,
    },
    /// Asks for a run anywhere.
    Alloc {
        /// How many ids.
        count: usize,
        /// The alignment is 2 to this power.
        align_log2: u32,
    },
    /// Asks for one id by its number.
    AllocFixed {
        /// The id.
        id: usize,
    },
    /// Gives ids back, rightly or wrongly.
    Dealloc {
        /// The first.
        first: usize,
        /// How many.
        count: usize,
    },
    /// Gives back a piece of a live run.
    DeallocPiece {
        /// Which of the live runs.
        run: usize,
        /// The first id of the piece, from the start of the run on.
        first: usize,
        /// How many.
        count: usize,
    },
    /// Gives every id back.
    GiveAllBack,
}

impl Op for IdOp {
    const SUITE: &'static str = "id";
    const NAME: &'static str = "IdOp";

    fn decode(bytes: &mut dyn Iterator<Item = u8>) -> Option<Self> {
        let mut next = || bytes.next().map(usize::from);
        Some(match next()? {
            0..=9 => Self::Add { first: next()?, count: next()? % 97 },
            10..=99 => Self::Alloc { count: few(next()?), align_log2: next()? as u32 % 8 },
            100..=139 => Self::AllocFixed { id: next()? },
            140..=175 => Self::Dealloc { first: next()?, count: few(next()?) },
            176..=247 => Self::DeallocPiece { run: next()?, first: next()?, count: next()? },
            _ => Self::GiveAllBack,
        })
    }

    fn decode_first(bytes: &mut dyn Iterator<Item = u8>) -> Option<Self> {
        let (first, count) = (usize::from(bytes.next()?), usize::from(bytes.next()?));
        Some(Self::Add { first: first % 64, count: 4 + count % 93 })
    }

    fn simpler(self, attempt: usize) -> Option<Self> {
        let way = attempt % 3;
        Some(match (self, attempt / 3) {
            (Self::Add { first, count }, 0) => Self::Add { first: smaller(first, way)?, count },
            (Self::Add { first, count }, 1) => Self::Add { first, count: smaller(count, way)? },
            (Self::Alloc { count, align_log2 }, 0) => Self::Alloc { count: smaller(count, way)?, align_log2 },
            (Self::Alloc { count, align_log2 }, 1) => {
                Self::Alloc { count, align_log2: smaller(align_log2 as usize, way)? as u32 }
            }
            (Self::AllocFixed { id }, 0) => Self::AllocFixed { id: smaller(id, way)? },
            (Self::Dealloc { first, count }, 0) => Self::Dealloc { first: smaller(first, way)?, count },
            (Self::Dealloc { first, count }, 1) => Self::Dealloc { first, count: smaller(count, way)? },
            (Self::DeallocPiece { run, first, count }, 0) => {
                Self::DeallocPiece { run: smaller(run, way)?, first, count }
            }
            (Self::DeallocPiece { run, first, count }, 1) => {
                Self::DeallocPiece { run, first: smaller(first, way)?, count }
            }
            (Self::DeallocPiece { run, first, count }, 2) => {
                Self::DeallocPiece { run, first, count: smaller(count, way)? }
            }
            _ => return None,
        })
    }
}

/// A script under way.
struct Script<'s, 'b, A: 'static> {
    subject: &'s mut Subject<'b, A>,
    tally: Tally,
}

impl<A: IdAllocator + ConstEmpty + Declared> Script<'_, '_, A> {
    fn add(&mut self, first: usize, count: usize) -> Step {
        let predicted = match AddressRange::new(first, count) {
            None => Err(AllocError::InvalidParam),
            Some(range) if self.subject.ranges().overlapping(range).is_some() => Err(AllocError::MemoryOverlap),
            Some(_) => Ok(()),
        };
        let answer = self.subject.add(first, count)?;
        let is_full = A::DECLARATION.max_regions.is_some_and(|most| self.subject.ranges().groups() >= most);
        if (predicted, answer) == (Ok(()), Err(AllocError::NoMemory)) && is_full {
            return Ok(());
        }
        answers("add_ids: the answer", predicted, answer).with(count)
    }

    fn alloc(&mut self, count: usize, align: usize) -> Step {
        let must = self.subject.longest_free(align) >= count;
        let answer = self.subject.alloc(count, align)?;
        if count == 0 {
            return answers("alloc_id: no ids", Err(AllocError::InvalidParam), answer);
        }
        self.tally.predicted += usize::from(must);
        self.tally.refused += usize::from(answer.is_err());
        as_predicted(must, answer.map(|_| ()), count)
    }

    fn dealloc_piece(&mut self, run: usize, first: usize, count: usize) -> Step {
        let live = self.subject.live();
        let Some(entry) = run.checked_rem(live.len()).and_then(|index| live.get(index)) else {
            return Ok(());
        };
        let first = first % entry.size();
        let count = 1 + count % (entry.size() - first);
        self.subject.dealloc(entry.range.start() + first, count).map(|_| ())
    }
}

impl<A: IdAllocator + ConstEmpty + Declared> Run for Script<'_, '_, A> {
    type Op = IdOp;

    fn step(&mut self, op: IdOp) -> Step {
        self.tally.done += 1;
        match op {
            IdOp::Add { first, count } => self.add(first % IDS, count),
            IdOp::Alloc { count, align_log2 } => self.alloc(count, 1 << (align_log2 % 8)),
            IdOp::AllocFixed { id } => self.subject.alloc_fixed(id % IDS),
            IdOp::Dealloc { first, count } => self.subject.dealloc(first % IDS, count).map(|_| ()),
            IdOp::DeallocPiece { run, first, count } => self.dealloc_piece(run, first, count),
            IdOp::GiveAllBack => self.subject.give_all_back(Order::EvenOdd),
        }
    }

    fn finish(&mut self) -> Step {
        self.subject.expect_flags(0, IDS)?;
        self.subject.give_all_back(Order::Lifo)
    }

    fn tally(&self) -> Tally {
        self.tally
    }
}

/// Carries a script out; it ends with everything given back.
pub(crate) fn run_on<A: IdAllocator + ConstEmpty + Declared>(
    subject: &mut Subject<'_, A>,
    script: impl IntoIterator<Item = IdOp>,
) -> Result<Tally, Broken> {
    subject.fresh();
    carry_out(Script { subject, tally: Tally::default() }, script)
}

/// Carries a script out on a fresh allocator, compares every answer with the model, and gives everything back.
///
/// # Errors
///
/// The step at which an answer was not the predicted one.
///
/// # Examples
///
/// See [`id_script!`](crate::id_script).
pub fn run_id_script<A: IdAllocator + ConstEmpty + Declared>(
    bench: &mut Bench<A>,
    script: impl IntoIterator<Item = IdOp>,
) -> Result<Tally, Broken> {
    run_on(&mut Subject::on(bench), script)
}
