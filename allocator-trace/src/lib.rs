//! Recorded traces of allocations: reads and writes them.
//!
//! ```text
//!   0            136          152          168                136 + 16 · records
//!   ┌────────────┬────────────┬────────────┬───── … ──────────┐
//!   │   header   │  record 0  │  record 1  │                  │
//!   └────────────┴────────────┴────────────┴───── … ──────────┘
//! ```
//!
//! The format, with every field, is described in `traces/README.md` at the root of this project. A trace speaks of
//! *objects*, blocks of bytes or runs of pages: an object is born with an alloc, may change its size, and ends with a
//! free; objects that are live at the end stay. Its *id* is a slot number: no two live objects share one.
//!
//! A recorder fills a [`Recording`] with [`Event`]s, at a few instructions each; later `records` makes a trace of them, with
//! the feature `alloc`.
//!
//! Opening a trace is O(1) and may happen in a constant; a record is decoded in O(1). [`Trace::check`] walks all of it
//! and finds whatever breaks a rule of the format.
#![no_std]
#![forbid(unsafe_code)]

mod census;
#[cfg(feature = "alloc")]
mod convert;
mod error;
mod event;
mod header;
mod kind;
mod record;
mod recording;

pub use census::Census;
#[cfg(feature = "alloc")]
pub use convert::{Records, records};
pub use error::TraceError;
pub use event::{Event, Moment};
pub use header::{HEADER_BYTES, Header};
pub use kind::Kind;
pub use record::{Flags, Operation, RECORD_BYTES, Record};
pub use recording::{Events, Recording};

/// A whole trace in memory.
///
/// # Complexity
///
/// O(1) to open; O(1) for each record.
///
/// # Examples
///
/// ```
/// use allocator_trace::{Census, Flags, Header, Kind, Operation, Record, Trace};
///
/// let record = |operation, id| Record { operation, cpu: 0, id, after_us: 1 };
/// let records = [record(Operation::Alloc { size: 24, align_log2: 3, flags: Flags::NONE }, 0)];
/// let census = Census::of(Kind::Bytes, records, &mut [None; 8])?;
/// let mut bytes = Header::new(Kind::Bytes, &census, "an example").to_bytes().to_vec();
/// records.iter().for_each(|record| bytes.extend(record.to_bytes()));
///
/// let trace = Trace::open(&bytes)?;
/// assert_eq!(trace.header().source(), "an example");
/// assert_eq!(trace.records().collect::<Result<Vec<_>, _>>()?, records);
/// assert_eq!(trace.check(&mut [None; 1]), Ok(()));
/// # Ok::<(), allocator_trace::TraceError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Trace<'a> {
    header: Header,
    body: &'a [u8],
}

impl<'a> Trace<'a> {
    /// Opens a trace.
    ///
    /// # Errors
    ///
    /// - What [`Header::from_bytes`] says of the header.
    /// - [`TraceError::Length`]: there are more or fewer bytes than the header says.
    /// - [`TraceError::Counts`]: it speaks of more slots than records.
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
        // Whoever makes room for the slots must not be asked for more than a record each.
        if header.census.slots as u64 > header.census.records {
            return Err(TraceError::Counts);
        }
        Ok(Self { header, body })
    }

    /// What the trace says of itself.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The records, in the order of time.
    pub fn records(&self) -> impl Iterator<Item = Result<Record, TraceError>> + use<'a> {
        let (records, _) = self.body.as_chunks();
        let kind = self.header.kind;
        records.iter().map(move |bytes| Record::from_bytes(kind, bytes))
    }

    /// Checks every rule of the format; `live` is room for the sizes of live objects, one for each slot.
    ///
    /// # Errors
    ///
    /// - What [`Record::from_bytes`] or [`Census::of`] says of the first record that is none.
    /// - [`TraceError::Counts`]: the records add up to something else than the header says.
    ///
    /// # Complexity
    ///
    /// O(records).
    pub fn check(&self, live: &mut [Option<u32>]) -> Result<(), TraceError> {
        let mut wrong = None;
        let records = self.records().map_while(|record| record.map_err(|error| wrong = Some(error)).ok());
        let census = Census::of(self.header.kind, records, live)?;
        match wrong {
            Some(error) => Err(error),
            None if census == self.header.census => Ok(()),
            None => Err(TraceError::Counts),
        }
    }
}
