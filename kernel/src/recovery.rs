//! Judging what an allocator still holds once everything was given back.
//!
//! ```text
//!   at start ─► first load ─► all given back ─► second load ─► all given back ─► trimmed
//!      │                            │                              │               │
//!      └──────────── kept ──────────┼──────────────────────────────┼───────────────┘
//!                                   └─────────── growth ───────────┘
//! ```
//!
//! What is kept may be a store for the next request. A byte level that gives the store back when it is asked to is then as at the
//! start. One that does not must take no page more for the second load, the same as the first: if it does take more, it is a leak.
//! (A store may well be larger after the second load: where its blocks lie, and so how many records they need, depends on what
//! came before.)

/// What an allocator holds at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Holdings {
    /// Pages that the page level has.
    pub total_pages: usize,
    /// Pages of these that cannot be handed out.
    pub used_pages: usize,
    /// Pages of these that the byte level holds.
    pub heap_pages: usize,
    /// Bytes that the byte level can use of its pages.
    pub heap_held_bytes: usize,
    /// Bytes of these that cannot be handed out.
    pub heap_used_bytes: usize,
}

/// The moments that are compared.
#[derive(Clone, Copy, Debug)]
pub struct Moments {
    /// Before anything was allocated.
    pub at_start: Holdings,
    /// After the first load was given back.
    pub after_first: Holdings,
    /// After the second load was given back.
    pub after_second: Holdings,
    /// After the byte level gave back what it can.
    pub trimmed: Holdings,
}

/// What the comparison shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Everything is as at the start.
    Recovered,
    /// The byte level keeps pages, and nothing but.
    KeepsPages,
    /// The second load took more pages than the first, and not all were given back.
    Grows,
    /// Bytes stay in use.
    StaysInUse,
    /// Pages are used that the byte level does not hold, or are gone.
    LosesPages,
}

/// The judgement.
///
/// # Complexity
///
/// O(1).
///
/// # Examples
///
/// ```
/// use kernel::recovery::{Holdings, Moments, Recovery, Verdict};
///
/// let start = Holdings { total_pages: 100, ..Holdings::default() };
/// let kept = Holdings { used_pages: 2, heap_pages: 2, heap_held_bytes: 8192, ..start };
/// let moments = Moments { at_start: start, after_first: kept, after_second: kept, trimmed: kept };
/// let recovery = Recovery::judge(&moments);
/// assert_eq!((recovery.kept_bytes, recovery.verdict), (8192, Verdict::KeepsPages));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recovery {
    /// Bytes that the byte level holds at the end, and did not at the start.
    pub kept_bytes: usize,
    /// Bytes that the second load made it hold more.
    pub growth_bytes: usize,
    /// What that means.
    pub verdict: Verdict,
}

/// What the records of a byte level may take of the bytes it holds: one in so many.
const RECORDS_SHARE: usize = 64;

impl Recovery {
    /// Compares the moments.
    #[must_use]
    pub fn judge(moments: &Moments) -> Self {
        let Moments { at_start, after_first, after_second, trimmed } = moments;
        let kept_bytes = trimmed.heap_held_bytes.saturating_sub(at_start.heap_held_bytes);
        let growth_bytes = after_second.heap_held_bytes.saturating_sub(after_first.heap_held_bytes);
        let newly_used = trimmed.heap_used_bytes.saturating_sub(at_start.heap_used_bytes);
        let verdict = if trimmed == at_start {
            Verdict::Recovered
        } else if growth_bytes > 0 {
            Verdict::Grows
        } else if after_second.heap_used_bytes > after_first.heap_used_bytes
            || newly_used > kept_bytes / RECORDS_SHARE
        {
            Verdict::StaysInUse
        } else if !pages_add_up(at_start, trimmed) {
            Verdict::LosesPages
        } else {
            Verdict::KeepsPages
        };
        Self { kept_bytes, growth_bytes, verdict }
    }
}

/// Whether the pages used besides the byte level's are as many as before.
fn pages_add_up(before: &Holdings, after: &Holdings) -> bool {
    let others = |holdings: &Holdings| holdings.used_pages.checked_sub(holdings.heap_pages);
    before.total_pages == after.total_pages && others(before) == others(after)
}

impl Verdict {
    /// One word: `passed`, `declared` or `failed`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Recovered => "passed",
            Self::KeepsPages => "declared",
            Self::Grows | Self::StaysInUse | Self::LosesPages => "failed",
        }
    }

    /// One sentence.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::Recovered => "statistics are as after init",
            Self::KeepsPages => "the byte level keeps its pages; a second replay takes no more",
            Self::Grows => "the second replay took more pages than the first",
            Self::StaysInUse => "bytes stay in use that were given back",
            Self::LosesPages => "the pages used are not those that the byte level holds",
        }
    }

    /// Whether something is wrong.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Grows | Self::StaysInUse | Self::LosesPages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Holdings =
        Holdings { total_pages: 1000, used_pages: 7, heap_pages: 0, heap_held_bytes: 0, heap_used_bytes: 0 };
    const KEPT: Holdings =
        Holdings { used_pages: 7 + 16, heap_pages: 16, heap_held_bytes: 65536, heap_used_bytes: 32, ..START };

    fn judge(change: impl FnOnce(&mut Moments)) -> (usize, usize, Verdict) {
        let mut moments = Moments { at_start: START, after_first: KEPT, after_second: KEPT, trimmed: KEPT };
        change(&mut moments);
        let Recovery { kept_bytes, growth_bytes, verdict } = Recovery::judge(&moments);
        assert_eq!(verdict.is_failure(), verdict.word() == "failed");
        (kept_bytes, growth_bytes, verdict)
    }

    #[test]
    fn an_allocator_as_at_the_start_has_recovered() {
        assert_eq!(judge(|moments| moments.trimmed = START), (0, 0, Verdict::Recovered));
        let larger = judge(|moments| {
            moments.after_second.heap_held_bytes += 4096;
            moments.trimmed = START;
        });
        assert_eq!(larger, (0, 4096, Verdict::Recovered));
    }

    #[test]
    fn kept_pages_and_their_records_are_no_leak() {
        assert_eq!(judge(|_| ()), (65536, 0, Verdict::KeepsPages));
        assert_eq!(judge(|moments| moments.trimmed.heap_used_bytes = 1024).2, Verdict::KeepsPages);
        assert_eq!(judge(|moments| moments.after_second.heap_held_bytes -= 4096).2, Verdict::KeepsPages);
    }

    #[test]
    fn growth_from_load_to_load_is_a_leak() {
        let grown = judge(|moments| moments.after_second.heap_held_bytes += 4096);
        assert_eq!(grown, (65536, 4096, Verdict::Grows));
    }

    #[test]
    fn bytes_that_stay_in_use_are_a_leak() {
        assert_eq!(judge(|moments| moments.after_second.heap_used_bytes += 1).2, Verdict::StaysInUse);
        assert_eq!(judge(|moments| moments.trimmed.heap_used_bytes = 1025).2, Verdict::StaysInUse);
        let nothing_held = |moments: &mut Moments| moments.trimmed = Holdings { heap_used_bytes: 1, ..START };
        assert_eq!(judge(nothing_held).2, Verdict::StaysInUse);
    }

    #[test]
    fn pages_that_nobody_holds_or_that_are_gone_are_lost() {
        assert_eq!(judge(|moments| moments.trimmed.used_pages += 1).2, Verdict::LosesPages);
        assert_eq!(judge(|moments| moments.trimmed.used_pages -= 1).2, Verdict::LosesPages);
        assert_eq!(judge(|moments| moments.trimmed.total_pages -= 1).2, Verdict::LosesPages);
    }
}
