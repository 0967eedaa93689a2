//! A recorded trace of allocations: a header, then records, in the order of time.
//!
//! ```text
//!   0            136          152          168                136 + 16 · records
//!   ┌────────────┬────────────┬────────────┬───── … ──────────┐
//!   │   header   │  record 0  │  record 1  │                  │
//!   └────────────┴────────────┴────────────┴───── … ──────────┘
//! ```
//!
//! The format, with every field, is described in `traces/README.md` at the root of this project. A trace speaks of
//! *objects*: an object is born with an alloc, may change its size, and ends with a free; objects that are live at the
//! end stay. Its *id* is a slot number: no two live objects share one.
//!
//! Opening a trace is O(1) and may happen in a constant; a record is decoded in O(1).

mod census;
mod header;
mod record;

pub use census::Census;
pub use header::{HEADER_BYTES, Header};
pub use record::{Flags, Operation, RECORD_BYTES, Record};

use core::fmt;

/// Why bytes are not a trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TraceError {
    /// The magic number, the version or the length of the header is another one.
    NotATrace,
    /// The length of the whole is not what the header says.
    Length,
    /// A record's operation is unknown, or its alignment is no alignment.
    Record(u8),
    /// An alloc of an id that is live, or not below the number of slots.
    AllocOfLive(u32),
    /// A free or realloc of an id that is not live.
    NotLive(u32),
}

/// A whole trace in memory.
///
/// # Complexity
///
/// O(1) to open; O(1) for each record.
///
/// # Examples
///
/// ```
/// use kernel::trace::{Census, Flags, Header, Operation, Record, Trace};
///
/// let record = |operation, id| Record { operation, cpu: 0, id, after_us: 1 };
/// let records = [record(Operation::Alloc { size: 24, align_log2: 3, flags: Flags::NONE }, 0)];
/// let census = Census::of(records, &mut [None; 8])?;
/// let mut bytes = Header::new(&census, "an example").to_bytes().to_vec();
/// records.iter().for_each(|record| bytes.extend(record.to_bytes()));
///
/// let trace = Trace::open(&bytes)?;
/// assert_eq!(trace.header().source(), "an example");
/// assert_eq!(trace.records().collect::<Result<Vec<_>, _>>()?, records);
/// # Ok::<(), kernel::trace::TraceError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Trace<'a> {
    header: Header,
    body: &'a [u8],
}

impl<'a> Trace<'a> {
    /// Opens a trace of bytes (not of pages).
    ///
    /// # Errors
    ///
    /// - [`TraceError::NotATrace`]: it is none, or one of another version or kind.
    /// - [`TraceError::Length`]: there are more or fewer bytes than the header says.
    pub const fn open(bytes: &'a [u8]) -> Result<Self, TraceError> {
        let header = match Header::from_bytes(bytes) {
            Ok(header) => header,
            Err(error) => return Err(error),
        };
        let (_, body) = bytes.split_at(HEADER_BYTES);
        if !body.len().is_multiple_of(RECORD_BYTES) || (body.len() / RECORD_BYTES) as u64 != header.census.records
        {
            return Err(TraceError::Length);
        }
        Ok(Self { header, body })
    }

    /// What the trace says of itself.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The records, in the order of time.
    pub fn records(&self) -> impl Iterator<Item = Result<Record, TraceError>> + 'a {
        let (records, _) = self.body.as_chunks();
        records.iter().map(Record::from_bytes)
    }
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotATrace => f.write_str("not an allocation trace of bytes, version 1"),
            Self::Length => f.write_str("the length is not what the header says"),
            Self::Record(byte) => write!(f, "a record with {byte} for an operation or an alignment"),
            Self::AllocOfLive(id) => write!(f, "an alloc of id {id}, which is live or beyond the slots"),
            Self::NotLive(id) => write!(f, "a free or realloc of id {id}, which is not live"),
        }
    }
}

impl core::error::Error for TraceError {}
