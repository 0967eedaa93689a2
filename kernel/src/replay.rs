//! A trace, done again on another heap, with every block's contents checked.
//!
//! ```text
//!   alloc    ─► block from the heap ─► zero, if asked for? ─► fill with the object's pattern ─► live[id]
//!   realloc  ─► live[id] ─► contents right? ─► resized by the heap ─► contents kept? ─► fill ─► live[id]
//!   free     ─► live[id] ─► contents right? ─► back to the heap
//! ```
//!
//! An object whose alloc was refused is not there for its free. The clock runs only while the heap works, so that
//! filling and checking cost no ticks.
//!
//! Costs: O(records) calls of the heap, and O(bytes of the objects) for filling and checking.

use core::{alloc::Layout, fmt};

use allocator_trace::{Flags, Operation, Record, TraceError};

use crate::pattern::Pattern;

/// What a trace is replayed on.
pub trait Heap {
    /// A block: all its bytes, as many as were requested. Dropping it does nothing.
    type Block: AsRef<[u8]> + AsMut<[u8]>;

    /// A block of that layout, `zeroed` if asked; `None` if the heap refuses.
    fn alloc(&mut self, layout: Layout, zeroed: bool) -> Option<Self::Block>;

    /// Takes a block back; whether the heap accepts it.
    fn free(&mut self, block: Self::Block) -> bool;

    /// Gives a block another size, at the same alignment and with the contents kept.
    ///
    /// # Errors
    ///
    /// - The block, unchanged: the heap refuses.
    fn resize(&mut self, block: Self::Block, new_size: usize) -> Result<Self::Block, Self::Block>;

    /// The bytes that the heap has in use.
    fn used_bytes(&self) -> usize;

    /// The bytes that the heap has taken from where its memory comes from, in use or not.
    fn held_bytes(&self) -> usize;

    /// The clock.
    fn ticks(&self) -> u64;
}

/// An object that is live.
#[derive(Debug)]
pub struct Live<B> {
    block: B,
    pattern: Pattern,
}

/// What came of a replay.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Figures {
    /// Records done.
    pub operations: u64,
    /// Requests that the heap refused.
    pub refused: u64,
    /// Blocks whose contents were not what they should be.
    pub corrupt: u64,
    /// Frees that the heap did not accept.
    pub rejected: u64,
    /// The most bytes live together, as requested.
    pub peak_requested_bytes: usize,
    /// The most bytes that the heap had in use.
    pub peak_used_bytes: usize,
    /// The most bytes that the heap held, in use or not.
    pub peak_held_bytes: usize,
    /// Ticks in which the heap worked.
    pub ticks: u64,
}

impl Figures {
    /// Everything that went wrong.
    #[must_use]
    pub const fn failures(&self) -> u64 {
        self.refused + self.corrupt + self.rejected
    }
}

/// A replay under way: `live` has a place for each id of the trace.
///
/// # Complexity
///
/// Each record takes one call of the heap and O(bytes of the object).
///
/// # Examples
///
/// The tests of this module replay on a heap of vectors.
///
/// ```
/// use kernel::replay::Figures;
///
/// let figures = Figures { refused: 2, corrupt: 1, ..Figures::default() };
/// assert_eq!(figures.failures(), 3);
/// ```
pub struct Replay<'a, H: Heap> {
    heap: &'a mut H,
    live: &'a mut [Option<Live<H::Block>>],
    requested_bytes: usize,
    figures: Figures,
}

impl<'a, H: Heap> Replay<'a, H> {
    /// A replay that has not begun. What is in `live` is forgotten, not given back.
    pub fn new(heap: &'a mut H, live: &'a mut [Option<Live<H::Block>>]) -> Self {
        live.fill_with(|| None);
        Self { heap, live, requested_bytes: 0, figures: Figures::default() }
    }

    /// Does one record.
    ///
    /// # Errors
    ///
    /// - [`TraceError::AllocOfLive`]: an alloc of an id that is live, or that `live` has no place for.
    pub fn step(&mut self, record: &Record) -> Result<(), TraceError> {
        let index = record.id as usize;
        let slot = self.live.get_mut(index).ok_or(TraceError::AllocOfLive(record.id))?;
        let before = slot.take();
        let after = match (record.operation, before) {
            (Operation::Alloc { .. }, Some(_)) => return Err(TraceError::AllocOfLive(record.id)),
            (Operation::Alloc { size, align_log2, flags }, None) => {
                let birth = self.figures.operations as u32;
                self.alloc(size as usize, align_log2, flags, Pattern::new(record.id, birth))
            }
            (Operation::Realloc { size }, Some(live)) => Some(self.resize(live, size as usize)),
            (Operation::Free { .. }, Some(live)) => {
                self.free(live);
                None
            }
            // Its alloc was refused.
            (Operation::Realloc { .. } | Operation::Free { .. }, None) => None,
        };
        self.live[index] = after;
        self.figures.operations += 1;
        self.figures.peak_requested_bytes = self.figures.peak_requested_bytes.max(self.requested_bytes);
        self.figures.peak_used_bytes = self.figures.peak_used_bytes.max(self.heap.used_bytes());
        self.figures.peak_held_bytes = self.figures.peak_held_bytes.max(self.heap.held_bytes());
        Ok(())
    }

    /// Gives back what is live, and tells what came of it all.
    pub fn finish(mut self) -> Figures {
        for index in 0..self.live.len() {
            if let Some(live) = self.live[index].take() {
                self.free(live);
            }
        }
        self.figures
    }

    fn alloc(&mut self, size: usize, align_log2: u8, flags: Flags, pattern: Pattern) -> Option<Live<H::Block>> {
        let zeroed = flags.contains(Flags::ZEROED);
        let block = match Layout::from_size_align(size, 1 << align_log2) {
            Ok(layout) => self.timed(|heap| heap.alloc(layout, zeroed)),
            Err(_) => None,
        };
        let Some(mut block) = block else {
            self.figures.refused += 1;
            return None;
        };
        if zeroed && block.as_ref().iter().any(|byte| *byte != 0) {
            self.figures.corrupt += 1;
        }
        pattern.fill(block.as_mut());
        self.requested_bytes += size;
        Some(Live { block, pattern })
    }

    fn resize(&mut self, live: Live<H::Block>, new_size: usize) -> Live<H::Block> {
        let Live { block, pattern } = live;
        let old_size = block.as_ref().len();
        let was_right = self.check(pattern, block.as_ref());
        let mut block = match self.timed(|heap| heap.resize(block, new_size)) {
            Ok(block) => {
                self.requested_bytes = self.requested_bytes - old_size + new_size;
                block
            }
            Err(block) => {
                self.figures.refused += 1;
                block
            }
        };
        if was_right {
            let kept = old_size.min(block.as_ref().len());
            self.check(pattern, &block.as_ref()[..kept]);
        }
        pattern.fill(block.as_mut());
        Live { block, pattern }
    }

    fn free(&mut self, live: Live<H::Block>) {
        let bytes = live.block.as_ref();
        self.requested_bytes -= bytes.len();
        self.check(live.pattern, bytes);
        let accepted = self.timed(|heap| heap.free(live.block));
        self.figures.rejected += u64::from(!accepted);
    }

    /// Whether the bytes are what they should be; counts them if not.
    fn check(&mut self, pattern: Pattern, bytes: &[u8]) -> bool {
        let is_right = pattern.matches(bytes);
        self.figures.corrupt += u64::from(!is_right);
        is_right
    }

    fn timed<T>(&mut self, work: impl FnOnce(&mut H) -> T) -> T {
        let start = self.heap.ticks();
        let result = work(self.heap);
        self.figures.ticks += self.heap.ticks().wrapping_sub(start);
        result
    }
}

impl<H: Heap> fmt::Debug for Replay<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay").field("figures", &self.figures).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
