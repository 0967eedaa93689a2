//! One thing that happened, in 16 bytes.

use core::ops::BitOr;

use crate::{Kind, TraceError};

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
    /// The set of these bits, as a record holds them.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// The bits, as a record holds them.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

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
        /// Requested bytes; of pages what [`Kind`] says.
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
        /// The new size, as that of an alloc.
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
/// use allocator_trace::{Kind, Operation, Record};
///
/// let record = Record { operation: Operation::Realloc { size: 4096 }, cpu: 1, id: 77, after_us: 5 };
/// assert_eq!(Record::from_bytes(Kind::Bytes, &record.to_bytes()), Ok(record));
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
    /// Reads a record of a trace of `kind`.
    ///
    /// # Errors
    ///
    /// - [`TraceError::Operation`]: the operation is unknown.
    /// - [`TraceError::Alignment`]: the alignment is larger than any layout's.
    /// - [`TraceError::Size`]: no object of that kind has the size.
    pub fn from_bytes(kind: Kind, bytes: &[u8; RECORD_BYTES]) -> Result<Self, TraceError> {
        let (words, _) = bytes.as_chunks();
        let [_, size, id, after_us] = [0, 1, 2, 3].map(|at| u32::from_le_bytes(words[at]));
        let [operation, cpu, align_log2, flags] = words[0];
        let flags = Flags(flags);
        let operation = match operation {
            ALLOC if align_log2 > MAX_ALIGN_LOG2 => return Err(TraceError::Alignment(align_log2)),
            ALLOC => kind.units(size).map(|_| Operation::Alloc { size, align_log2, flags })?,
            FREE => Operation::Free { flags },
            REALLOC => kind.units(size).map(|_| Operation::Realloc { size })?,
            other => return Err(TraceError::Operation(other)),
        };
        Ok(Self { operation, cpu, id, after_us })
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
            assert_eq!(Record::from_bytes(Kind::Bytes, &record.to_bytes()), Ok(record));
        }
    }

    #[test]
    fn the_fields_stand_where_the_format_says() {
        let operation = Operation::Alloc { size: 0x0102_0304, align_log2: 3, flags: Flags::ZEROED };
        let bytes = Record { operation, cpu: 7, id: 0x0506_0708, after_us: 0x090a_0b0c }.to_bytes();
        assert_eq!(bytes, [0, 7, 3, 2, 4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9]);
    }

    #[test]
    fn unknown_operations_alignments_and_sizes_are_refused() {
        let read = |bytes: [u8; 5]| {
            let mut record = [0; RECORD_BYTES];
            record[..5].copy_from_slice(&bytes);
            Record::from_bytes(Kind::Bytes, &record).map(|_| ())
        };
        assert_eq!(read([3, 0, 0, 0, 1]), Err(TraceError::Operation(3)));
        assert_eq!(read([0, 0, 63, 0, 1]), Err(TraceError::Alignment(63)));
        assert_eq!(read([0, 0, 3, 0, 0]), Err(TraceError::Size(0)));
        assert_eq!(read([2, 0, 0, 0, 0]), Err(TraceError::Size(0)));
        assert_eq!([read([0, 0, MAX_ALIGN_LOG2, 0, 1]), read([1, 0, 0, 0, 0])], [Ok(()); 2]);
        assert_eq!(1_usize << MAX_ALIGN_LOG2, isize::MAX as usize / 2 + 1);
    }

    #[test]
    fn a_set_of_flags_contains_its_members_only() {
        let both = Flags::ZEROED | Flags::INFERRED;
        assert!(both.contains(Flags::ZEROED) && both.contains(Flags::NONE));
        assert!(!Flags::ZEROED.contains(both));
        assert_eq!((both.bits(), (both | both).bits()), (0x82, 0x82));
    }
}
