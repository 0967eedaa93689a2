//! Judging whether the memory of a burst of small blocks is memory for pages again.
//!
//! ```text
//!   before ─► blocks, many and small ─► all given back ─► every page that can be had is taken
//!      │               │                       │                        │
//!      │              held                    kept                      │
//!      └── free pages ──────────────── as many? ── pages had ───────────┘
//! ```
//!
//! The pages that are missing then are those of a byte level that keeps what it grew by, or they are lost.

use crate::recovery::Holdings;

/// What a burst took, and what came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Burst {
    /// Bytes of the blocks, as requested.
    pub requested_bytes: usize,
    /// Bytes that the byte level held when all were live; what it had kept from before may be among them.
    pub held_bytes: usize,
    /// Bytes that it still held when all were given back.
    pub kept_bytes: usize,
    /// Pages that were free before.
    pub free_pages: usize,
    /// Pages that could be had afterwards, by asking for pages alone.
    pub had_pages: usize,
    /// What that means.
    pub verdict: Verdict,
}

/// What the comparison shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Every page that was free before was had again.
    Returned,
    /// The byte level holds the pages that were not, and nothing else is missing.
    KeepsPages,
    /// Pages are missing, or the burst took nothing.
    LosesPages,
}

/// What the heap holds at the moments of a burst.
#[derive(Clone, Copy, Debug)]
pub struct Moments {
    /// Before it.
    pub before: Holdings,
    /// With all blocks live.
    pub full: Holdings,
    /// With all given back.
    pub freed: Holdings,
    /// With every page taken that could be had.
    pub taken: Holdings,
}

impl Burst {
    /// Compares the moments of a burst of `requested_bytes`, after which `had_pages` were had.
    ///
    /// # Complexity
    ///
    /// O(1).
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{burst::{Burst, Moments, Verdict}, recovery::Holdings};
    ///
    /// let before = Holdings { total_pages: 100, used_pages: 2, ..Holdings::default() };
    /// let full = Holdings { used_pages: 12, heap_pages: 10, heap_held_bytes: 40960, ..before };
    /// let taken = Holdings { used_pages: 100, ..before };
    /// let moments = Moments { before, full, freed: full, taken };
    /// assert_eq!(Burst::judge(30_000, &moments, 98).verdict, Verdict::Returned);
    /// ```
    #[must_use]
    pub const fn judge(requested_bytes: usize, moments: &Moments, had_pages: usize) -> Self {
        let Moments { before, full, freed, taken } = moments;
        let free_pages = before.total_pages.saturating_sub(before.used_pages);
        let newly_kept_pages = taken.heap_pages.saturating_sub(before.heap_pages);
        let held_bytes = full.heap_held_bytes;
        let verdict = if requested_bytes == 0 || held_bytes <= before.heap_held_bytes {
            Verdict::LosesPages
        } else if had_pages == free_pages {
            Verdict::Returned
        } else if had_pages + newly_kept_pages == free_pages {
            Verdict::KeepsPages
        } else {
            Verdict::LosesPages
        };
        Self { requested_bytes, held_bytes, kept_bytes: freed.heap_held_bytes, free_pages, had_pages, verdict }
    }
}

impl Verdict {
    /// One word: `passed`, `declared` or `failed`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Returned => "passed",
            Self::KeepsPages => "declared",
            Self::LosesPages => "failed",
        }
    }

    /// One sentence.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::Returned => "all of it can be had as pages",
            Self::KeepsPages => "the byte level keeps the pages that it grew by",
            Self::LosesPages => "pages are missing that the byte level does not hold",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: Holdings =
        Holdings { total_pages: 1000, used_pages: 7, heap_pages: 2, heap_held_bytes: 8192, heap_used_bytes: 100 };
    const FULL: Holdings = Holdings { used_pages: 107, heap_pages: 102, heap_held_bytes: 102 * 4096, ..BEFORE };

    fn judged(taken: Holdings, had_pages: usize) -> Burst {
        Burst::judge(300_000, &Moments { before: BEFORE, full: FULL, freed: FULL, taken }, had_pages)
    }

    #[test]
    fn as_many_pages_as_before_are_all() {
        let burst = judged(Holdings { used_pages: 1000, ..BEFORE }, 993);
        assert_eq!((burst.verdict, burst.verdict.word()), (Verdict::Returned, "passed"));
        assert_eq!((burst.free_pages, burst.held_bytes, burst.kept_bytes), (993, 102 * 4096, 102 * 4096));
    }

    #[test]
    fn pages_that_the_byte_level_still_holds_are_kept() {
        let burst = judged(FULL, 893);
        assert_eq!((burst.verdict, burst.verdict.word()), (Verdict::KeepsPages, "declared"));
    }

    #[test]
    fn pages_that_nobody_holds_are_lost() {
        for had_pages in [0, 892, 894, 992, 994] {
            let burst = judged(FULL, had_pages);
            assert_eq!((burst.verdict, burst.verdict.word()), (Verdict::LosesPages, "failed"), "{had_pages}");
        }
    }

    #[test]
    fn a_burst_that_took_nothing_shows_nothing() {
        let moments = Moments { before: BEFORE, full: BEFORE, freed: BEFORE, taken: BEFORE };
        assert_eq!(Burst::judge(300_000, &moments, 993).verdict, Verdict::LosesPages);
        let moments = Moments { full: FULL, ..moments };
        assert_eq!(Burst::judge(0, &moments, 993).verdict, Verdict::LosesPages);
    }
}
