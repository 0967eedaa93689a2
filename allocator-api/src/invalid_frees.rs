//! The kinds of invalid free, as a set.
#![forbid(unsafe_code)]

use core::{fmt, ops::BitOr};

/// A set of kinds of invalid free.
///
/// A byte allocator names with it the mistakes that it answers with
/// [`NotAllocated`](crate::AllocError::NotAllocated); any other mistake is undefined behaviour.
///
/// # Examples
///
/// ```
/// use allocator_api::InvalidFrees;
///
/// let detected = InvalidFrees::DOUBLE | InvalidFrees::FOREIGN;
/// assert!(detected.contains(InvalidFrees::FOREIGN));
/// assert!(!detected.contains(InvalidFrees::ALL));
/// assert_eq!(detected.to_string(), "double, foreign");
/// assert_eq!(InvalidFrees::NONE.to_string(), "none");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct InvalidFrees(u8);

impl InvalidFrees {
    /// Nothing is detected.
    pub const NONE: Self = Self(0);
    /// A block given back again before it was handed out again.
    pub const DOUBLE: Self = Self(1);
    /// An address in no region of this allocator, or a block that would reach out of its region.
    pub const FOREIGN: Self = Self(2);
    /// An address inside a live block.
    pub const INTERIOR: Self = Self(4);
    /// A layout whose size or alignment the block cannot have been allocated with.
    pub const WRONG_LAYOUT: Self = Self(8);
    /// Every kind.
    pub const ALL: Self = Self(15);

    /// Every kind with its name, in a fixed order.
    pub const NAMED: [(Self, &'static str); 4] = [
        (Self::DOUBLE, "double"),
        (Self::FOREIGN, "foreign"),
        (Self::INTERIOR, "interior"),
        (Self::WRONG_LAYOUT, "wrong layout"),
    ];

    /// Whether every kind in `other` is in `self`.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for InvalidFrees {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for InvalidFrees {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (kind, name) in Self::NAMED {
            if self.contains(kind) {
                write!(f, "{separator}{name}")?;
                separator = ", ";
            }
        }
        if separator.is_empty() { f.write_str("none") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::InvalidFrees;

    #[test]
    fn what_is_in_one_of_two_sets_or_in_both_is_in_their_union() {
        let (first, second) =
            (InvalidFrees::DOUBLE | InvalidFrees::FOREIGN, InvalidFrees::FOREIGN | InvalidFrees::INTERIOR);
        let union = first | second;
        assert!(union.contains(first) && union.contains(second) && !union.contains(InvalidFrees::WRONG_LAYOUT));
    }
}
