//! Scripts for page allocators.
#![forbid(unsafe_code)]

use allocator_api::{AddressRange, AllocError, AllocResult, ConstEmpty, Declared, PageAllocator};

use super::{Broken, Op, Overlap, Run, Tally, as_predicted, carry_out, few, overlap, smaller};
use crate::{
    bench::Bench,
    order::Order,
    pages::Subject,
    runs::pages_in,
    statistics::Statistics,
    verdict::{Step, With, answers, broken},
};

/// The pages of the ground that scripts use: a count.
const PAGES: usize = 160;
/// The most regions that a script hands in.
const MOST_REGIONS: usize = 12;

/// A step of a script for page allocators. Pages are numbered from the start of the ground, modulo 160.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PageOp {
    /// Hands in pages, with some bytes more or less.
    Add {
        /// The first page.
        page: usize,
        /// How many.
        pages: usize,
        /// Bytes of the first page that are left out, modulo the size of a page.
        front_bytes: usize,
    },
    /// Asks for a run anywhere.
    Alloc {
        /// How many pages.
        pages: usize,
        /// The alignment is a page times 2 to this power.
        align_log2: u32,
    },
    /// Asks for a run at its place.
    AllocAt {
        /// The first page.
        page: usize,
        /// How many.
        pages: usize,
        /// The alignment is a page times 2 to this power.
        align_log2: u32,
    },
    /// Gives pages back, rightly or wrongly.
    Dealloc {
        /// The first page.
        page: usize,
        /// How many.
        pages: usize,
    },
    /// Gives back a piece of a live run.
    DeallocPiece {
        /// Which of the live runs.
        run: usize,
        /// The first page of the piece.
        first: usize,
        /// How many pages.
        pages: usize,
    },
    /// Gives every page back; the statistics return to what they were.
    GiveAllBack,
}

impl Op for PageOp {
    const SUITE: &'static str = "page";
    const NAME: &'static str = "PageOp";

    fn decode(bytes: &mut dyn Iterator<Item = u8>) -> Option<Self> {
        let mut next = || bytes.next().map(usize::from);
        Some(match next()? {
            0..=7 => {
                let front_bytes = next()?;
                let front_bytes = if front_bytes < 128 { 0 } else { front_bytes * 29 };
                Self::Add { page: next()?, pages: next()? % 97, front_bytes }
            }
            8..=99 => Self::Alloc { pages: few(next()?), align_log2: next()? as u32 % 8 },
            100..=127 => Self::AllocAt { page: next()?, pages: few(next()?), align_log2: next()? as u32 % 8 / 3 },
            128..=175 => Self::Dealloc { page: next()?, pages: few(next()?) },
            176..=247 => Self::DeallocPiece { run: next()?, first: next()?, pages: next()? },
            _ => Self::GiveAllBack,
        })
    }

    fn decode_first(bytes: &mut dyn Iterator<Item = u8>) -> Option<Self> {
        let (page, pages) = (usize::from(bytes.next()?), usize::from(bytes.next()?));
        Some(Self::Add { page: page % 64, pages: 4 + pages % 93, front_bytes: 0 })
    }

    fn simpler(self, attempt: usize) -> Option<Self> {
        let way = attempt % 3;
        Some(match (self, attempt / 3) {
            (Self::Add { page, pages, front_bytes }, 0) => {
                Self::Add { page: smaller(page, way)?, pages, front_bytes }
            }
            (Self::Add { page, pages, front_bytes }, 1) => {
                Self::Add { page, pages: smaller(pages, way)?, front_bytes }
            }
            (Self::Add { page, pages, front_bytes }, 2) => {
                Self::Add { page, pages, front_bytes: smaller(front_bytes, way)? }
            }
            (Self::Alloc { pages, align_log2 }, 0) => Self::Alloc { pages: smaller(pages, way)?, align_log2 },
            (Self::Alloc { pages, align_log2 }, 1) => {
                Self::Alloc { pages, align_log2: smaller(align_log2 as usize, way)? as u32 }
            }
            (Self::AllocAt { page, pages, align_log2 }, 0) => {
                Self::AllocAt { page: smaller(page, way)?, pages, align_log2 }
            }
            (Self::AllocAt { page, pages, align_log2 }, 1) => {
                Self::AllocAt { page, pages: smaller(pages, way)?, align_log2 }
            }
            (Self::Dealloc { page, pages }, 0) => Self::Dealloc { page: smaller(page, way)?, pages },
            (Self::Dealloc { page, pages }, 1) => Self::Dealloc { page, pages: smaller(pages, way)? },
            (Self::DeallocPiece { run, first, pages }, 0) => {
                Self::DeallocPiece { run: smaller(run, way)?, first, pages }
            }
            (Self::DeallocPiece { run, first, pages }, 1) => {
                Self::DeallocPiece { run, first: smaller(first, way)?, pages }
            }
            (Self::DeallocPiece { run, first, pages }, 2) => {
                Self::DeallocPiece { run, first, pages: smaller(pages, way)? }
            }
            _ => return None,
        })
    }
}

/// A script under way.
struct Script<'s, 'b, A: 'static> {
    subject: &'s mut Subject<'b, A>,
    // The statistics with nothing live, once they are known; then the subject knows the free runs too.
    untouched: Option<Statistics>,
    tally: Tally,
}

impl<'s, 'b, A: PageAllocator + ConstEmpty + Declared> Script<'s, 'b, A> {
    /// Begins a script on a fresh allocator.
    fn new(subject: &'s mut Subject<'b, A>) -> Self {
        subject.fresh();
        Self { subject, untouched: None, tally: Tally::default() }
    }

    /// The alignment of this many pages, or of one where the address space has no such multiple.
    fn align(pages_log2: u32) -> usize {
        A::PAGE_SIZE.checked_mul(1 << (pages_log2 % 32)).unwrap_or(A::PAGE_SIZE)
    }

    fn add(&mut self, page: usize, pages: usize, front_bytes: usize) -> Step {
        let pages = pages.min(PAGES - page);
        if self.subject.regions().len() >= MOST_REGIONS {
            return Ok(());
        }
        let start = self.subject.page(page) + front_bytes;
        let size = (pages * A::PAGE_SIZE).saturating_sub(front_bytes);
        let region = AddressRange::new(start, size);
        let overlaps =
            match region.map_or(Overlap::None, |region| overlap(self.subject.regions(), region, A::PAGE_SIZE)) {
                Overlap::OfMargins => return Ok(()),
                overlap => overlap == Overlap::Sure,
            };
        let most_regions = A::DECLARATION.max_regions.unwrap_or(usize::MAX);
        match self.subject.add(start, size)? {
            Ok(()) => self.look_at_free_pages(),
            Err(AllocError::MemoryOverlap) if overlaps => Ok(()),
            // Records need a page or two where they stand in the region.
            Err(AllocError::InvalidParam) if size < 4 * A::PAGE_SIZE => Ok(()),
            Err(AllocError::NoMemory) if self.subject.regions().len() >= most_regions => Ok(()),
            Err(error) if overlaps => {
                Err(broken("add_memory: overlap", AllocError::MemoryOverlap, error)).with(pages)
            }
            Err(error) => Err(broken("add_memory: a usable region is accepted", Ok(()), error)).with(pages),
        }
    }

    /// After memory came: the free runs are looked up as soon as nothing is live.
    fn look_at_free_pages(&mut self) -> Step {
        self.untouched = None;
        if self.subject.live().len() == 0 {
            self.subject.survey_quickly()?;
            self.untouched = Some(self.subject.statistics()?);
        }
        Ok(())
    }

    fn alloc(&mut self, pages: usize, align: usize) -> Step {
        if pages == 0 {
            return self.subject.must_refuse(0, align, AllocError::InvalidParam);
        }
        let longest = self.untouched.map(|_| self.subject.longest_free(align));
        let run = self.subject.alloc(pages, align).with(pages)?;
        let answer = run.map(|_| ()).ok_or(AllocError::NoMemory);
        self.note(longest.map(|longest| longest >= pages), answer, pages)
    }

    fn alloc_at(&mut self, start: usize, pages: usize, align: usize) -> Step {
        let answer = self.predict_at(start, pages, align);
        let got = self.subject.alloc_at(start, pages, align).with(pages)?;
        if let (Some(Err(AllocError::InvalidParam)), _) | (None, Err(AllocError::InvalidParam)) = (answer, got) {
            return answers("alloc_pages_at: the answer", Err(AllocError::InvalidParam), got).with(pages);
        }
        self.note(answer.map(|answer| answer.is_ok()), got, pages)
    }

    /// The answer that a request for a place must get; `None` if that is not known.
    fn predict_at(&self, start: usize, pages: usize, align: usize) -> Option<Result<(), AllocError>> {
        if pages == 0 || !start.is_multiple_of(align) {
            return Some(Err(AllocError::InvalidParam));
        }
        let range = pages.checked_mul(A::PAGE_SIZE).and_then(|bytes| AddressRange::new(start, bytes));
        let is_free = |range: AddressRange| self.subject.is_free(range);
        self.untouched.map(|_| if range.is_some_and(is_free) { Ok(()) } else { Err(AllocError::NoMemory) })
    }

    fn note(&mut self, must: Option<bool>, answer: AllocResult, pages: usize) -> Step {
        self.tally.refused += usize::from(answer.is_err());
        self.tally.predicted += usize::from(must == Some(true));
        must.map_or(Ok(()), |must| as_predicted(must, answer, pages))
    }

    fn dealloc_piece(&mut self, run: usize, first: usize, pages: usize) -> Step {
        let live = self.subject.live();
        let Some(entry) = run.checked_rem(live.len()).and_then(|index| live.get(index)) else {
            return Ok(());
        };
        let all = pages_in::<A>(entry.range);
        let first = first % all;
        let pages = 1 + pages % (all - first);
        self.subject.dealloc(entry.range.start() + first * A::PAGE_SIZE, pages).map(|_| ()).with(pages)
    }

    /// Gives everything back; then the statistics are those of the beginning.
    fn give_all_back(&mut self, order: Order) -> Step {
        self.subject.give_all_back(order)?;
        match self.untouched {
            Some(untouched) => self.subject.expect_statistics(untouched),
            None => self.look_at_free_pages(),
        }
    }
}

impl<A: PageAllocator + ConstEmpty + Declared> Run for Script<'_, '_, A> {
    type Op = PageOp;

    fn step(&mut self, op: PageOp) -> Step {
        self.tally.done += 1;
        match op {
            PageOp::Add { page, pages, front_bytes } => self.add(page % PAGES, pages, front_bytes % A::PAGE_SIZE),
            PageOp::Alloc { pages, align_log2 } => self.alloc(pages, Self::align(align_log2)),
            PageOp::AllocAt { page, pages, align_log2 } => {
                self.alloc_at(self.subject.page(page % PAGES), pages, Self::align(align_log2))
            }
            PageOp::Dealloc { page, pages } => {
                let start = self.subject.page(page % PAGES);
                self.subject.dealloc(start, pages).map(|_| ()).with(pages)
            }
            PageOp::DeallocPiece { run, first, pages } => self.dealloc_piece(run, first, pages),
            PageOp::GiveAllBack => self.give_all_back(Order::EvenOdd),
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
pub(crate) fn run_on<A: PageAllocator + ConstEmpty + Declared>(
    subject: &mut Subject<'_, A>,
    script: impl IntoIterator<Item = PageOp>,
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
/// See [`page_script!`](crate::page_script).
pub fn run_page_script<A: PageAllocator + ConstEmpty + Declared>(
    bench: &mut Bench<A>,
    script: impl IntoIterator<Item = PageOp>,
) -> Result<Tally, Broken> {
    run_on(&mut Subject::on(bench), script)
}
