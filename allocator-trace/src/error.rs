//! Why bytes are not a trace.

use core::fmt;

/// Why bytes are not a trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum TraceError {
    /// The bytes end before the header does.
    Short,
    /// They do not begin as a trace does.
    Magic,
    /// A version of the format that this crate does not know.
    Version(u16),
    /// A length of the header that version 1 does not have.
    HeaderLength(u16),
    /// A kind of objects that is not known.
    Kind(u16),
    /// A size of a unit that is none of its kind.
    Shift(u32),
    /// The length of the whole is not what the header says.
    Length,
    /// A record of an unknown operation.
    Operation(u8),
    /// A record with an alignment that no layout has, as a power of two.
    Alignment(u8),
    /// A size that no object has.
    Size(u32),
    /// An alloc of an id that is live, or not below the number of slots.
    AllocOfLive(u32),
    /// A free or realloc of an id that is not live.
    NotLive(u32),
    /// The header says something else than its records add up to.
    Counts,
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => f.write_str("the trace ends in its header"),
            Self::Magic => f.write_str("no allocation trace: the magic is missing"),
            Self::Version(version) => write!(f, "version {version} of the format, not 1"),
            Self::HeaderLength(bytes) => write!(f, "a header of {bytes} bytes, which version 1 does not have"),
            Self::Kind(kind) => write!(f, "kind {kind}, which is neither bytes nor pages"),
            Self::Shift(shift) => write!(f, "units of 2^{shift} bytes, which its kind does not have"),
            Self::Length => f.write_str("the length is not what the header says"),
            Self::Operation(byte) => write!(f, "a record of the unknown operation {byte}"),
            Self::Alignment(log2) => write!(f, "a record with an alignment of 2^{log2}"),
            Self::Size(size) => write!(f, "a record with a size of {size}"),
            Self::AllocOfLive(id) => write!(f, "an alloc of id {id}, which is live or beyond the slots"),
            Self::NotLive(id) => write!(f, "a free or realloc of id {id}, which is not live"),
            Self::Counts => f.write_str("the header says something else than the records add up to"),
        }
    }
}

impl core::error::Error for TraceError {}
