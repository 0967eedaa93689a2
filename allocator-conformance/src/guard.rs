//! Watchers of memory, such as a sanitizer or an emulator.
//!
//! Tools that watch each access know the memory that the language handed out, and not whose bytes an allocator under
//! test may touch. The suite does know. Through a [`Guard`] it closes what the allocator may not touch before each
//! call (live blocks, and memory in no region), and opens it when it looks at it itself:
//!
//! ```text
//!   during a call:   closed │ open: free blocks, records │ closed: a live block │ open │ closed
//!                    ───────┼────────────────────────────┴──────────────────────┴──────┼───────
//!                    no region                      a region                             no region
//! ```
//!
//! An allocator that writes one byte beyond its record, or reads one beyond the block that it copies, is then stopped at
//! that instruction, not found out by a changed byte much later.
#![forbid(unsafe_code)]

use allocator_api::AddressRange;

/// How to tell a watcher of memory what may not be touched. Each function takes an address and a number of bytes.
#[derive(Clone, Copy, Debug)]
pub struct Guard {
    /// From now on an access is an error.
    pub close: fn(usize, usize),
    /// The memory may be accessed again, and what it holds counts as initialised.
    pub open: fn(usize, usize),
}

impl Guard {
    /// Nobody watches.
    pub const NONE: Self = Self { close: |_, _| {}, open: |_, _| {} };

    /// Closes the range.
    pub(crate) fn close(self, range: AddressRange) {
        (self.close)(range.start(), range.size().unwrap_or(usize::MAX));
    }

    /// Opens the range.
    pub(crate) fn open(self, range: AddressRange) {
        (self.open)(range.start(), range.size().unwrap_or(usize::MAX));
    }
}
