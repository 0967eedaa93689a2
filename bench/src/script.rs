//! What is replayed: a list of operations on numbered slots, made by a workload or read from a trace.
//!
//! One representation serves every measurement, so that a mean, a worst case, a time and a check all speak of the same
//! work. Sizes are bytes for byte subjects and pages for page subjects; alignments are always bytes.
//!
//! ```text
//!   prepare  not measured: brings the subject into the state that the workload is about
//!   ops      measured
//! ```
#![forbid(unsafe_code)]

use crate::random::Random;

/// What an operation does with its slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Action {
    /// Allocates into the slot.
    Alloc,
    /// Gives the slot's block back.
    Free,
    /// Changes the size of the slot's block.
    Realloc,
}

/// One operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op {
    /// What to do.
    pub(crate) action: Action,
    /// Alignment in bytes, as a power of two; of an `Alloc` only.
    pub align_log2: u8,
    /// Index of the slot.
    pub(crate) slot: u32,
    /// Bytes or pages of an `Alloc`, new size of a `Realloc`, else 0.
    pub(crate) size: u32,
}

/// Bytes or pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// Sizes are bytes.
    Bytes,
    /// Sizes are pages of [`PAGE_BYTES`].
    Pages,
}

impl Level {
    /// Bytes of one unit of size.
    #[must_use]
    pub(crate) const fn unit_bytes(self) -> usize {
        match self {
            Self::Bytes => 1,
            Self::Pages => PAGE_BYTES,
        }
    }
}

/// Bytes of a page.
pub(crate) const PAGE_BYTES: usize = 4096;

/// Preparation that a list of operations cannot express.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pattern {
    /// Nothing.
    None,
    /// Every page is taken, one by one, and every page with an odd number is given back.
    EveryOtherPage,
    /// Every page is taken, one by one, and the middle two of every four are given back.
    MiddleTwoOfFour,
}

/// Operations and what they need.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    /// What sizes mean.
    pub(crate) level: Level,
    /// Memory that the subject gets, in bytes.
    pub(crate) region_bytes: usize,
    /// Done before `prepare`.
    pub(crate) pattern: Pattern,
    /// Not measured.
    pub(crate) prepare: Vec<Op>,
    /// Measured.
    pub(crate) ops: Vec<Op>,
    /// Count of slots.
    pub(crate) slots: usize,
    /// Stop at the first refusal: a script that fills the memory.
    pub(crate) fills: bool,
}

impl Script {
    /// An empty script for a region of `region_bytes`.
    #[must_use]
    pub(crate) const fn new(level: Level, region_bytes: usize) -> Self {
        Self {
            level,
            region_bytes,
            pattern: Pattern::None,
            prepare: Vec::new(),
            ops: Vec::new(),
            slots: 0,
            fills: false,
        }
    }

    /// Largest sum of sizes of live slots at any time, in units, if nothing is refused.
    #[must_use]
    pub(crate) fn peak_units(&self) -> u64 {
        let mut sizes = vec![0_u64; self.slots];
        let (mut live, mut peak) = (0_u64, 0);
        for op in self.prepare.iter().chain(&self.ops) {
            let held = &mut sizes[op.slot as usize];
            let size = u64::from(op.size);
            live = live - *held + size;
            *held = size;
            peak = peak.max(live);
        }
        peak
    }
}

/// Writes a script: hands out slots and remembers which are live.
#[derive(Debug)]
pub(crate) struct Writer {
    ops: Vec<Op>,
    live: Vec<u32>,
    vacant: Vec<u32>,
    slots: u32,
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

impl Writer {
    /// Nothing written, nothing live.
    #[must_use]
    pub(crate) const fn new() -> Self {
        Self { ops: Vec::new(), live: Vec::new(), vacant: Vec::new(), slots: 0 }
    }

    /// Writes an allocation; gives its slot.
    pub(crate) fn alloc(&mut self, size: u32, align_log2: u8) -> u32 {
        let slot = self.vacant.pop().unwrap_or_else(|| {
            self.slots += 1;
            self.slots - 1
        });
        self.ops.push(Op { action: Action::Alloc, align_log2, slot, size });
        self.live.push(slot);
        slot
    }

    /// Count of live slots.
    #[must_use]
    pub(crate) fn live(&self) -> usize {
        self.live.len()
    }

    /// Frees the `index`-th of the live slots; the last takes its place.
    pub(crate) fn free_at(&mut self, index: usize) {
        let slot = self.live.swap_remove(index);
        self.ops.push(Op { action: Action::Free, align_log2: 0, slot, size: 0 });
        self.vacant.push(slot);
    }

    /// Frees a live slot chosen by `random`.
    pub(crate) fn free_any(&mut self, random: &mut Random) {
        self.free_at(random.below(self.live.len()));
    }

    /// Changes the size of the `index`-th of the live slots.
    pub(crate) fn realloc_at(&mut self, index: usize, size: u32) {
        self.ops.push(Op { action: Action::Realloc, align_log2: 0, slot: self.live[index], size });
    }

    /// Frees everything that is live, the newest first.
    pub(crate) fn free_all(&mut self) {
        while !self.live.is_empty() {
            self.free_at(self.live.len() - 1);
        }
    }

    /// Frees everything that is live, the oldest first.
    pub(crate) fn free_oldest_first(&mut self) {
        self.live.reverse();
        self.free_all();
    }

    /// Takes what was written so far; slots stay live for what follows.
    pub(crate) fn take(&mut self) -> Vec<Op> {
        std::mem::take(&mut self.ops)
    }

    /// Count of slots used.
    #[must_use]
    pub(crate) const fn slots(&self) -> usize {
        self.slots as usize
    }
}
