//! A place to run cases: a slot for the allocator, and memory.
#![forbid(unsafe_code)]

use core::fmt;

use allocator_api::ConstEmpty;

use crate::{
    Fit,
    memory::{Arena, Memory},
    slot::{Slot, SlotLoan},
};

/// A slot and memory, together all that a case needs.
///
/// # Examples
///
/// See the [crate's front page](crate).
pub struct Bench<A: 'static> {
    pub(crate) slot: SlotLoan<A>,
    pub(crate) memory: Memory,
    pub(crate) fit: Fit,
}

impl<A: ConstEmpty> Bench<A> {
    /// A bench; `None` while another one uses the slot.
    #[must_use]
    pub fn new(slot: &'static Slot<A>, memory: Memory) -> Option<Self> {
        Some(Self { slot: slot.take()?, memory, fit: Fit::Unknown })
    }

    /// A bench on static memory; `None` if the slot or the memory is in use.
    #[must_use]
    pub fn on(slot: &'static Slot<A>, arena: &'static Arena) -> Option<Self> {
        let slot = slot.take()?;
        Some(Self { slot, memory: arena.take()?, fit: Fit::Unknown })
    }

    /// The same bench, for an allocator that fits blocks in this way.
    #[must_use]
    pub fn with_fit(self, fit: Fit) -> Self {
        Self { fit, ..self }
    }

    /// The same bench, for an allocator that needs something before it takes memory, such as room for its records:
    /// `setup` is called with each one that is made, and what it gave to the last one is free again.
    #[must_use]
    pub fn with_setup(mut self, setup: fn(&mut A)) -> Self {
        self.slot.set_up_by(setup);
        self
    }
}

impl<A> fmt::Debug for Bench<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench").field("memory", &self.memory).finish_non_exhaustive()
    }
}
