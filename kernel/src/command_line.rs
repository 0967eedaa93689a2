//! What the kernel's command line asks for.
//!
//! The words are separated by spaces. `provoke=WORD` makes the kernel commit one mistake, so that whoever runs it
//! can see that the mistake is told apart from all others; the last one given counts. Words that are no assignment
//! to `provoke` are left alone: boot loaders add words of their own.
//!
//! Reading is O(length of the line).

use core::fmt;

/// A mistake to commit on purpose.
///
/// # Examples
///
/// ```
/// use kernel::command_line::{Mistake, UnknownMistake};
///
/// assert_eq!(Mistake::asked_for("console=ttyS0 provoke=page-fault"), Ok(Some(Mistake::PageFault)));
/// assert_eq!(Mistake::asked_for(""), Ok(None));
/// assert_eq!(Mistake::asked_for("provoke=rain"), Err(UnknownMistake("rain")));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mistake {
    /// Panic.
    Panic,
    /// Read memory that is not mapped.
    PageFault,
    /// Call without end.
    StackOverflow,
    /// Allocate without end.
    OutOfMemory,
    /// Give back what the allocator never handed out.
    InvalidFree,
}

/// A word that names no mistake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnknownMistake<'a>(pub &'a str);

impl Mistake {
    /// Every mistake with its word.
    pub const NAMED: [(Self, &'static str); 5] = [
        (Self::Panic, "panic"),
        (Self::PageFault, "page-fault"),
        (Self::StackOverflow, "stack-overflow"),
        (Self::OutOfMemory, "out-of-memory"),
        (Self::InvalidFree, "invalid-free"),
    ];

    /// The mistake that the command line asks for, if any.
    ///
    /// # Errors
    ///
    /// - [`UnknownMistake`]: the last `provoke=` is followed by a word that names none.
    pub fn asked_for(command_line: &str) -> Result<Option<Self>, UnknownMistake<'_>> {
        let words = command_line.split_ascii_whitespace();
        let Some(asked) = words.filter_map(|word| word.strip_prefix("provoke=")).next_back() else {
            return Ok(None);
        };
        let named = Self::NAMED.iter().find(|(_, word)| *word == asked);
        named.map(|(mistake, _)| Some(*mistake)).ok_or(UnknownMistake(asked))
    }
}

impl fmt::Display for UnknownMistake<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "provoke={}: no such mistake; there are", self.0)?;
        Mistake::NAMED.iter().try_for_each(|(_, word)| write!(f, " {word}"))
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{format, string::ToString};

    use super::*;

    #[test]
    fn each_word_asks_for_its_own_mistake() {
        for (mistake, word) in Mistake::NAMED {
            assert_eq!(Mistake::asked_for(&format!("a=b provoke={word} quiet")), Ok(Some(mistake)));
        }
    }

    #[test]
    fn the_last_word_counts_and_other_words_are_left_alone() {
        assert_eq!(Mistake::asked_for("provoke=rain provoke=panic"), Ok(Some(Mistake::Panic)));
        assert_eq!(Mistake::asked_for("panic xprovoke=panic"), Ok(None));
    }

    #[test]
    fn an_unknown_word_is_named_with_those_that_exist() {
        let text = Mistake::asked_for("provoke=").unwrap_err().to_string();
        assert_eq!(
            text,
            "provoke=: no such mistake; there are panic page-fault stack-overflow out-of-memory invalid-free"
        );
    }
}
