//! Taking memory out again.

use core::fmt;

use crate::BaseAllocator;

/// Why a range cannot be taken out; the allocator is unchanged.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RemoveError {
    /// The range is empty, is no range of whole granules of the allocator, or some of it is not held.
    NotManaged,
    /// Memory in the range is handed out.
    InUse {
        /// The address of the first byte in the way.
        first: usize,
        /// The bytes in use from there on, up to the end of the range at most.
        bytes: usize,
    },
    /// The allocator's records lie in the range and there is no room for them elsewhere in the memory that
    /// remains.
    Records {
        /// The address of the first byte in the way.
        first: usize,
        /// The bytes of records from there on, up to the end of the range at most.
        bytes: usize,
    },
    /// What remains would be in more pieces than before, and there is no room for the records of one more.
    NoRoom,
}

impl fmt::Display for RemoveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NotManaged => f.write_str("the range is not held as a whole"),
            Self::InUse { first, bytes } => write!(f, "{bytes} bytes from {first:#x} are in use"),
            Self::Records { first, bytes } => write!(f, "records are in {bytes} bytes from {first:#x}"),
            Self::NoRoom => f.write_str("no room for the records of one more piece"),
        }
    }
}

impl core::error::Error for RemoveError {}

/// Takes free memory out, for good or until it is added again: hot-unplug, balloons.
///
/// The range need not be one that was added: any free part of the memory held will do.
///
/// # Safety
///
/// An implementation promises that after `Ok` it neither reads, writes nor hands out anything in the range.
///
/// # Complexity
///
/// Each implementation states the worst case.
pub unsafe trait RemoveMemory: BaseAllocator {
    /// Takes the `size` bytes from address `start` out.
    ///
    /// # Errors
    ///
    /// [`RemoveError`] says what is in the way.
    fn remove_memory(&mut self, start: usize, size: usize) -> Result<(), RemoveError>;
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::ToString;

    use super::RemoveError;

    #[test]
    fn each_error_says_what_is_in_the_way() {
        let said = [
            RemoveError::NotManaged,
            RemoveError::InUse { first: 0x1000, bytes: 4096 },
            RemoveError::Records { first: 0x2000, bytes: 64 },
            RemoveError::NoRoom,
        ]
        .map(|error| error.to_string());
        let expected = [
            "the range is not held as a whole",
            "4096 bytes from 0x1000 are in use",
            "records are in 64 bytes from 0x2000",
            "no room for the records of one more piece",
        ];
        assert_eq!(said, expected);
    }
}
