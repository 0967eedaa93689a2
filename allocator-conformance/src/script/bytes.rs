//! Scripts for byte allocators.
#![forbid(unsafe_code)]

use core::alloc::Layout;

use allocator_api::{AddressRange, AllocError, ByteAllocator, ConstEmpty, Declared, InvalidFrees};

use super::{Broken, Op, Overlap, Run, Tally, carry_out, overlap, small_mostly, smaller, two};
use crate::{
    bench::Bench,
    bytes::Subject,
    order::Order,
    statistics::Statistics,
    verdict::{Step, With, answers, broken, mistake},
};

/// The most blocks that a script keeps live; further requests are left out.
const MOST_BLOCKS: usize = 256;
/// The most regions that a script hands in.
const MOST_REGIONS: usize = 12;
/// Regions of this many bytes must be accepted, whatever is trimmed from them.
const LARGE_REGION_BYTES: usize = 16 << 10;
/// Bytes of the largest unit that byte allocators trim regions to.
const PAGE_BYTES: usize = 4096;
/// Widths of the sizes in scripts, bits.
const MOST_SIZE_LOG2: u8 = 16;

/// A step of a script for byte allocators.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ByteOp {
    /// Hands in `size` bytes, `offset` bytes into the ground.
    Add {
        /// Bytes into the ground, modulo its size.
        offset: usize,
        /// Bytes, as far as the ground reaches.
        size: usize,
    },
    /// Hands in a region that reaches beyond the address space.
    AddBeyond {
        /// Bytes into the ground.
        offset: usize,
    },
    /// Asks for a block.
    Alloc {
        /// Bytes.
        size: usize,
        /// The alignment is 2 to this power.
        align_log2: u32,
    },
    /// Asks for a block like the one that was given back last.
    AllocAgain,
    /// Asks for a block of zeros.
    AllocZeroed {
        /// Bytes.
        size: usize,
        /// The alignment is 2 to this power.
        align_log2: u32,
    },
    /// Gives a block back.
    Dealloc {
        /// Which of the live blocks, in the order of their birth.
        block: usize,
    },
    /// Changes the size of a block.
    Realloc {
        /// Which of the live blocks.
        block: usize,
        /// Bytes.
        size: usize,
    },
    /// Gives the block that was given back last back again.
    FreeAgain,
    /// Gives back a part of a block.
    FreeInside {
        /// Which of the live blocks.
        block: usize,
        /// Bytes into it.
        offset: usize,
    },
    /// Gives back an address of the ground, if it lies in no region.
    FreeForeign {
        /// Bytes into the ground.
        offset: usize,
        /// Bytes of the block that it is said to be.
        size: usize,
    },
    /// Gives a block back with a size of quite another class.
    FreeWrong {
        /// Which of the live blocks.
        block: usize,
    },
    /// Gives every block back; the statistics return to what they were.
    GiveAllBack,
}

impl Op for ByteOp {
    const SUITE: &'static str = "byte";
    const NAME: &'static str = "ByteOp";

    fn decode(bytes: &mut dyn Iterator<Item = u8>) -> Option<Self> {
        Some(match bytes.next()? {
            0..=3 => add(bytes, 0)?,
            4..=6 => add(bytes, LARGE_REGION_BYTES)?,
            7 => Self::AddBeyond { offset: two(bytes)? },
            8..=99 => {
                let (size, align_log2) = size_and_align(bytes)?;
                Self::Alloc { size, align_log2 }
            }
            100..=107 => {
                let (size, align_log2) = size_and_align(bytes)?;
                Self::AllocZeroed { size, align_log2 }
            }
            108..=179 => Self::Dealloc { block: usize::from(bytes.next()?) },
            180..=189 => Self::AllocAgain,
            190..=225 => {
                let block = usize::from(bytes.next()?);
                Self::Realloc { block, size: small_mostly(bytes, MOST_SIZE_LOG2)? - 1 }
            }
            226..=231 => Self::FreeAgain,
            232..=237 => Self::FreeInside { block: usize::from(bytes.next()?), offset: two(bytes)? },
            238..=243 => {
                Self::FreeForeign { offset: two(bytes)? * 32, size: small_mostly(bytes, MOST_SIZE_LOG2)? }
            }
            244..=249 => Self::FreeWrong { block: usize::from(bytes.next()?) },
            250..=255 => Self::GiveAllBack,
        })
    }

    fn decode_first(bytes: &mut dyn Iterator<Item = u8>) -> Option<Self> {
        add(bytes, LARGE_REGION_BYTES)
    }

    fn simpler(self, attempt: usize) -> Option<Self> {
        let way = attempt % 3;
        Some(match (self, attempt / 3) {
            (Self::Add { offset, size }, 0) => Self::Add { offset: smaller(offset, way)?, size },
            (Self::Add { offset, size }, 1) => Self::Add { offset, size: smaller(size, way)? },
            (Self::AllocZeroed { size, align_log2 }, 0) => Self::Alloc { size, align_log2 },
            (Self::Alloc { size, align_log2 }, 0) => Self::Alloc { size: smaller(size, way)?, align_log2 },
            (Self::Alloc { size, align_log2 }, 1) => {
                Self::Alloc { size, align_log2: smaller(align_log2 as usize, way)? as u32 }
            }
            (Self::Dealloc { block }, 0) => Self::Dealloc { block: smaller(block, way)? },
            (Self::Realloc { block, size }, 0) => Self::Realloc { block: smaller(block, way)?, size },
            (Self::Realloc { block, size }, 1) => Self::Realloc { block, size: smaller(size, way)? },
            (Self::FreeInside { block, offset }, 0) => Self::FreeInside { block: smaller(block, way)?, offset },
            (Self::FreeInside { block, offset }, 1) => Self::FreeInside { block, offset: smaller(offset, way)? },
            (Self::FreeWrong { block }, 0) => Self::FreeWrong { block: smaller(block, way)? },
            _ => return None,
        })
    }
}

/// A region of `least` bytes or more.
fn add(bytes: &mut dyn Iterator<Item = u8>, least: usize) -> Option<ByteOp> {
    let offset = two(bytes)? * 32 + two(bytes)? % 33;
    Some(ByteOp::Add { offset, size: least + small_mostly(bytes, 17)? * 2 })
}

/// A size, often near a power of two, and an alignment, mostly a usual one.
fn size_and_align(bytes: &mut dyn Iterator<Item = u8>) -> Option<(usize, u32)> {
    let size = small_mostly(bytes, MOST_SIZE_LOG2)?;
    let form = bytes.next()?;
    let size = match form % 16 {
        0 => size.next_power_of_two(),
        1 => size.next_power_of_two() + 1,
        2 => size - 1,
        3 if form > 240 => isize::MAX as usize - (size - 1),
        _ => size,
    };
    let align_log2 = match form / 16 {
        width @ 0..=12 => u32::from(width),
        13 => 16,
        _ => 3,
    };
    Some((size, align_log2))
}

/// A script under way.
struct Script<'s, 'b, A: 'static> {
    subject: &'s mut Subject<'b, A>,
    // The statistics with nothing live, once they are known.
    untouched: Option<Statistics>,
    // Layouts of blocks given back since the last one was handed out: each fits, alone.
    fits: [Option<Layout>; 4],
    // What the allocator declares not to do is not asked of it.
    serves_again: bool,
    recovers: bool,
    tally: Tally,
}

impl<'s, 'b, A: ByteAllocator + ConstEmpty + Declared> Script<'s, 'b, A> {
    /// Begins a script on a fresh allocator.
    fn new(subject: &'s mut Subject<'b, A>) -> Self {
        subject.fresh();
        Self {
            subject,
            untouched: None,
            fits: [None; 4],
            serves_again: A::DECLARATION.gap("a_largest_free_block_is_not_refused").is_none(),
            recovers: A::DECLARATION.gap("recovery_restores_the_statistics").is_none(),
            tally: Tally::default(),
        }
    }

    fn add(&mut self, offset: usize, size: usize) -> Step {
        let Some(ground) = self.subject.ground().size().filter(|_| self.subject.regions().len() < MOST_REGIONS)
        else {
            return Ok(());
        };
        let offset = offset % ground;
        let size = size.min(ground - offset);
        let region = AddressRange::new(self.subject.at(offset), size);
        let overlaps =
            match region.map_or(Overlap::None, |region| overlap(self.subject.regions(), region, PAGE_BYTES)) {
                Overlap::OfMargins => return Ok(()),
                overlap => overlap == Overlap::Sure,
            };
        let large = size >= LARGE_REGION_BYTES + A::DECLARATION.smallest_first_region_bytes;
        let most_regions = A::DECLARATION.max_regions.unwrap_or(usize::MAX);
        match self.subject.add(self.subject.at(offset), size)? {
            Ok(()) => {
                let empty = self.subject.live().len() == 0;
                self.untouched = if empty { Some(self.subject.statistics()?) } else { None };
                Ok(())
            }
            Err(AllocError::MemoryOverlap) if overlaps => Ok(()),
            Err(AllocError::InvalidParam) if !large => Ok(()),
            Err(AllocError::NoMemory) if self.subject.regions().len() >= most_regions => Ok(()),
            Err(error) if overlaps => {
                Err(broken("add_memory: overlap", AllocError::MemoryOverlap, error)).with(size)
            }
            Err(error) => Err(broken("add_memory: a usable region is accepted", Ok(()), error)).with(size),
        }
    }

    fn add_beyond(&mut self, offset: usize) -> Step {
        let answer = self.subject.add(self.subject.at(offset), usize::MAX - offset / 2)?;
        answers("add_memory: beyond the address space", Err(AllocError::InvalidParam), answer)
    }

    fn alloc(&mut self, size: usize, align_log2: u32, zeroed: bool) -> Step {
        let align = 1_usize.checked_shl(align_log2).unwrap_or(1);
        let Ok(layout) = Layout::from_size_align(size, align) else {
            return Ok(());
        };
        if size == 0 {
            return self.subject.must_refuse(layout, AllocError::InvalidParam);
        }
        if self.subject.live().len() >= MOST_BLOCKS {
            return Ok(());
        }
        let must = self.must_serve(layout);
        let index =
            if zeroed { self.subject.alloc_zeroed(layout) } else { self.subject.alloc(layout) }.with(layout)?;
        self.note(must, index.is_some(), layout)
    }

    fn alloc_again(&mut self) -> Step {
        let freed = self.subject.freed();
        freed.map_or(Ok(()), |freed| self.alloc(freed.size(), freed.align.trailing_zeros(), false))
    }

    /// Whether the model says that the request succeeds.
    fn must_serve(&self, layout: Layout) -> bool {
        let again = self.serves_again && self.fits.contains(&Some(layout));
        again || self.subject.fit().holds(layout, self.subject.regions(), self.subject.live())
    }

    fn note(&mut self, must: bool, served: bool, layout: Layout) -> Step {
        self.tally.predicted += usize::from(must);
        if served {
            self.fits = [None; 4];
            return Ok(());
        }
        self.tally.refused += 1;
        if must {
            return Err(broken("model: there is room for it", "a block", AllocError::NoMemory)).with(layout);
        }
        Ok(())
    }

    fn dealloc(&mut self, block: usize) -> Step {
        let Some(index) = block.checked_rem(self.subject.live().len()) else {
            return Ok(());
        };
        let layout = self.subject.block(index)?.layout();
        self.subject.dealloc(index)?;
        self.fits.rotate_right(1);
        self.fits[0] = layout;
        Ok(())
    }

    fn realloc(&mut self, block: usize, size: usize) -> Step {
        let Some(index) = block.checked_rem(self.subject.live().len()) else {
            return Ok(());
        };
        let align = self.subject.block(index)?.align;
        let layout = Layout::from_size_align(size, align).map_err(|_| mistake("realloc: sizes are possible"))?;
        if size == 0 {
            let refused = Err(AllocError::InvalidParam);
            return answers("realloc: to size 0", refused, self.subject.realloc(index, 0)?);
        }
        let must = self.subject.fit().holds(layout, self.subject.regions(), self.subject.live());
        match self.subject.realloc(index, size)? {
            Ok(()) => self.note(must, true, layout),
            Err(AllocError::NoMemory) => self.note(must, false, layout),
            Err(error) => Err(broken("realloc: a block or NoMemory", AllocError::NoMemory, error)).with(layout),
        }
    }

    fn invalid_free(&mut self, op: ByteOp) -> Step {
        let live = self.subject.live();
        let block = |block: usize| block.checked_rem(live.len()).and_then(|index| live.get(index));
        let wrong = match op {
            ByteOp::FreeAgain => {
                self.subject.freed().and_then(|entry| Some((entry.range.start(), entry.layout()?)))
            }
            ByteOp::FreeInside { block: index, offset } => block(index).and_then(|entry| {
                let offset = offset % entry.size();
                let rest = Layout::from_size_align(entry.size() - offset, 1).ok()?;
                Some((entry.range.start() + offset, rest))
            }),
            ByteOp::FreeForeign { offset, size } => {
                Layout::from_size_align(size, 8).ok().map(|layout| (self.subject.at(offset), layout))
            }
            ByteOp::FreeWrong { block: index } => block(index).and_then(|entry| {
                let size = entry.size().checked_mul(4)?.checked_add(40_000)?;
                Some((entry.range.start(), Layout::from_size_align(size, entry.align).ok()?))
            }),
            _ => None,
        };
        let wanted = match op {
            ByteOp::FreeAgain => InvalidFrees::DOUBLE,
            ByteOp::FreeInside { .. } => InvalidFrees::INTERIOR,
            ByteOp::FreeForeign { .. } => InvalidFrees::FOREIGN,
            _ => InvalidFrees::WRONG_LAYOUT,
        };
        match wrong {
            Some((address, layout)) if self.subject.kind_of(address, layout) == Some(wanted) => {
                self.subject.must_refuse_free(wanted, address, layout)
            }
            _ => Ok(()),
        }
    }

    /// Gives everything back; then the statistics are those of the beginning.
    fn give_all_back(&mut self, order: Order) -> Step {
        self.fits = [None; 4];
        self.subject.give_all_back(order)?;
        let now = self.subject.statistics()?;
        let untouched = self.untouched.replace(now);
        untouched.filter(|_| self.recovers).map_or(Ok(()), |untouched| self.subject.expect_statistics(untouched))
    }
}

impl<A: ByteAllocator + ConstEmpty + Declared> Run for Script<'_, '_, A> {
    type Op = ByteOp;

    fn step(&mut self, op: ByteOp) -> Step {
        self.tally.done += 1;
        match op {
            ByteOp::Add { offset, size } => self.add(offset, size),
            ByteOp::AddBeyond { offset } => self.add_beyond(offset),
            ByteOp::Alloc { size, align_log2 } => self.alloc(size, align_log2, false),
            ByteOp::AllocAgain => self.alloc_again(),
            ByteOp::AllocZeroed { size, align_log2 } => self.alloc(size, align_log2, true),
            ByteOp::Dealloc { block } => self.dealloc(block),
            ByteOp::Realloc { block, size } => self.realloc(block, size),
            ByteOp::GiveAllBack => self.give_all_back(Order::EvenOdd),
            mistake => self.invalid_free(mistake),
        }
    }

    fn finish(&mut self) -> Step {
        self.give_all_back(Order::Lifo)
    }

    fn tally(&self) -> Tally {
        self.tally
    }
}

/// Carries a script out; it ends with everything given back.
pub(crate) fn run_on<A: ByteAllocator + ConstEmpty + Declared>(
    subject: &mut Subject<'_, A>,
    script: impl IntoIterator<Item = ByteOp>,
) -> Result<Tally, Broken> {
    carry_out(Script::new(subject), script)
}

/// Carries a script out on a fresh allocator, compares every answer with the model, and gives everything back.
///
/// # Errors
///
/// The step at which an answer was not the predicted one.
///
/// # Examples
///
/// See [`byte_script!`](crate::byte_script).
pub fn run_byte_script<A: ByteAllocator + ConstEmpty + Declared>(
    bench: &mut Bench<A>,
    script: impl IntoIterator<Item = ByteOp>,
) -> Result<Tally, Broken> {
    run_on(&mut Subject::on(bench), script)
}
