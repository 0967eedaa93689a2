//! What an allocator says of what it holds: of bytes, or of pages.
#![forbid(unsafe_code)]

use crate::verdict::{Step, at_least, at_most, equal};

/// The two figures from which the third follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Statistics {
    /// What is held.
    pub(crate) total: usize,
    /// What of it cannot be handed out.
    pub(crate) used: usize,
}

impl Statistics {
    /// The figures, if they agree with one another and `used` covers the `live` bytes or pages.
    #[track_caller]
    pub(crate) fn checked(
        total: usize,
        used: usize,
        available: impl FnOnce() -> usize,
        live: usize,
    ) -> Step<Self> {
        // `available` is asked last: an allocator that uses more than it has may not be able to answer.
        at_most("statistics: used is at most total", total, used)?;
        equal("statistics: available is total less used", total - used, available())?;
        at_least("statistics: used covers what is live", live, used)?;
        Ok(Self { total, used })
    }

    /// What can be handed out.
    pub(crate) const fn available(self) -> usize {
        self.total - self.used
    }
}
