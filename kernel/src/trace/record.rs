//! One thing that happened, in 16 bytes.

use core::ops::BitOr;

use super::TraceError;
use crate::bytes::u32_at;

/// The bytes of a record.
pub const RECORD_BYTES: usize = 16;

/// The highest alignment that a layout can have, as a power of two.
const MAX_ALIGN_LOG2: u8 = (isize::BITS - 2) as u8;

const ALLOC: u8 = 0;
const FREE: u8 = 1;
const REALLOC: u8 = 2;

/// What is said of an alloc or a free besides its numbers: a set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flags(u8);

impl Flags {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Of an alloc: every byte is to be 0.
    pub const ZEROED: Self = Self(0x02);
    /// Of a free: it was not seen, but the address was handed out again.
    pub const INFERRED: Self = Self(0x80);

    /// Whether every flag in `other` is in `self`.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What happened to an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    /// It was born.
    Alloc {
        /// Requested bytes.
        size: u32,
        /// Its alignment, as a power of two.
        align_log2: u8,
        /// What else is said.
        flags: Flags,
    },
    /// It ended.
    Free {
        /// What else is said.
        flags: Flags,
    },
    /// It changed its size; it may have moved.
    Realloc {
        /// The new size, bytes.
        size: u32,
    },
}

/// One record.
///
/// # Complexity
///
/// Every method is O(1).
///
/// # Examples
///
/// ```
/// use kernel::trace::{Operation, Record};
///
/// let record = Record { operation: Operation::Realloc { size: 4096 }, cpu: 1, id: 77, after_us: 5 };
/// assert_eq!(Record::from_bytes(&record.to_bytes()), Ok(record));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record {
    /// What happened.
    pub operation: Operation,
    /// The processor or thread that did it.
    pub cpu: u8,
    /// The object.
    pub id: u32,
    /// Microseconds since the record before.
    pub after_us: u32,
}

impl Record {
    /// Reads a record.
    ///
    /// # Errors
    ///
    /// - [`TraceError::Record`]: the operation is unknown, or the alignment is larger than any layout's.
    pub fn from_bytes(bytes: &[u8; RECORD_BYTES]) -> Result<Self, TraceError> {
        let [operation, cpu, align_log2, flags, ..] = *bytes;
        let (size, flags) = (u32_at(bytes, 4), Flags(flags));
        let operation = match operation {
            ALLOC if align_log2 <= MAX_ALIGN_LOG2 => Operation::Alloc { size, align_log2, flags },
            ALLOC => return Err(TraceError::Record(align_log2)),
            FREE => Operation::Free { flags },
            REALLOC => Operation::Realloc { size },
            other => return Err(TraceError::Record(other)),
        };
        Ok(Self { operation, cpu, id: u32_at(bytes, 8), after_us: u32_at(bytes, 12) })
    }

    /// The record as bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; RECORD_BYTES] {
        let (operation, align_log2, flags, size) = match self.operation {
            Operation::Alloc { size, align_log2, flags } => (ALLOC, align_log2, flags, size),
            Operation::Free { flags } => (FREE, 0, flags, 0),
            Operation::Realloc { size } => (REALLOC, 0, Flags::NONE, size),
        };
        let mut bytes = [0; RECORD_BYTES];
        bytes[..4].copy_from_slice(&[operation, self.cpu, align_log2, flags.0]);
        bytes[4..8].copy_from_slice(&size.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.id.to_le_bytes());
        bytes[12..].copy_from_slice(&self.after_us.to_le_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_survives_the_way_to_bytes_and_back() {
        let alloc = Operation::Alloc { size: 0x0102_0304, align_log2: 12, flags: Flags::ZEROED };
        let free = Operation::Free { flags: Flags::INFERRED };
        for operation in [alloc, free, Operation::Realloc { size: 9 }] {
            let record = Record { operation, cpu: 7, id: 0x0506_0708, after_us: 0x090a_0b0c };
            assert_eq!(Record::from_bytes(&record.to_bytes()), Ok(record));
        }
    }

    #[test]
    fn the_fields_stand_where_the_format_says() {
        let operation = Operation::Alloc { size: 0x0102_0304, align_log2: 3, flags: Flags::ZEROED };
        let bytes = Record { operation, cpu: 7, id: 0x0506_0708, after_us: 0x090a_0b0c }.to_bytes();
        assert_eq!(bytes, [0, 7, 3, 2, 4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9]);
    }

    #[test]
    fn unknown_operations_and_alignments_are_refused() {
        let mut bytes = [0; RECORD_BYTES];
        bytes[0] = 3;
        assert_eq!(Record::from_bytes(&bytes), Err(TraceError::Record(3)));
        bytes[..3].copy_from_slice(&[0, 0, 63]);
        assert_eq!(Record::from_bytes(&bytes), Err(TraceError::Record(63)));
        bytes[2] = 62;
        assert!(Record::from_bytes(&bytes).is_ok());
    }

    #[test]
    fn a_set_of_flags_contains_its_members_only() {
        let both = Flags::ZEROED | Flags::INFERRED;
        assert!(both.contains(Flags::ZEROED) && both.contains(Flags::NONE));
        assert!(!Flags::ZEROED.contains(both));
    }
}
