//! What a trace says of itself, in its first 136 bytes.

use crate::{Census, Kind, TraceError};

/// The bytes of a header.
pub const HEADER_BYTES: usize = 136;

const MAGIC: u64 = u64::from_le_bytes(*b"ALLOCTRC");
const VERSION: u16 = 1;
const SOURCE_AT: usize = 72;
const SOURCE_BYTES: usize = HEADER_BYTES - SOURCE_AT;

/// What a trace says of itself.
///
/// # Complexity
///
/// Every method is O(1).
///
/// # Examples
///
/// ```
/// use allocator_trace::{Header, TraceError};
///
/// assert_eq!(Header::from_bytes(&[0; 200]).unwrap_err(), TraceError::Magic);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// What the objects are.
    pub kind: Kind,
    /// What the records add up to.
    pub census: Census,
    /// Frees left out, because the object was born before the trace or out of its sight.
    pub dropped: u32,
    source: [u8; SOURCE_BYTES],
}

impl Header {
    /// A header for records that add up to `census`; of `source`, the first 64 bytes are kept, up to a whole
    /// character.
    #[must_use]
    pub fn new(kind: Kind, census: &Census, source: &str) -> Self {
        let mut kept = [0; SOURCE_BYTES];
        let bytes = &source.as_bytes()[..source.floor_char_boundary(SOURCE_BYTES)];
        kept[..bytes.len()].copy_from_slice(bytes);
        Self { kind, census: *census, dropped: 0, source: kept }
    }

    /// Reads a header.
    ///
    /// # Errors
    ///
    /// - [`TraceError::Short`]: there are fewer than [`HEADER_BYTES`].
    /// - [`TraceError::Magic`], [`TraceError::Version`], [`TraceError::HeaderLength`]: they are not the header of a
    ///   trace of version 1.
    /// - [`TraceError::Kind`], [`TraceError::Shift`]: what its objects are is not known.
    pub const fn from_bytes(bytes: &[u8]) -> Result<Self, TraceError> {
        let Some(bytes) = bytes.first_chunk::<HEADER_BYTES>() else { return Err(TraceError::Short) };
        if u64::from_le_bytes(field(bytes, 0)) != MAGIC {
            return Err(TraceError::Magic);
        }
        let version = u16::from_le_bytes(field(bytes, 8));
        if version != VERSION {
            return Err(TraceError::Version(version));
        }
        let header_bytes = u16::from_le_bytes(field(bytes, 12));
        if header_bytes as usize != HEADER_BYTES {
            return Err(TraceError::HeaderLength(header_bytes));
        }
        let (kind, shift) = (u16::from_le_bytes(field(bytes, 10)), u32::from_le_bytes(field(bytes, 36)));
        let kind = match Kind::from_fields(kind, shift) {
            Ok(kind) => kind,
            Err(error) => return Err(error),
        };
        Ok(Self {
            kind,
            census: census(bytes),
            dropped: u32::from_le_bytes(field(bytes, 28)),
            source: field(bytes, SOURCE_AT),
        })
    }

    /// The header as bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let (kind, shift) = self.kind.fields();
        let mut bytes = [0; HEADER_BYTES];
        let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
        put(0, &MAGIC.to_le_bytes());
        put(8, &VERSION.to_le_bytes());
        put(10, &kind.to_le_bytes());
        put(12, &(HEADER_BYTES as u16).to_le_bytes());
        put(14, &self.census.cpus.to_le_bytes());
        put(16, &self.census.records.to_le_bytes());
        put(24, &self.census.slots.to_le_bytes());
        put(28, &self.dropped.to_le_bytes());
        put(32, &self.census.inferred.to_le_bytes());
        put(36, &shift.to_le_bytes());
        put(40, &self.census.allocs.to_le_bytes());
        put(48, &self.census.peak_units.to_le_bytes());
        put(56, &self.census.end_units.to_le_bytes());
        put(64, &self.census.peak_objects.to_le_bytes());
        put(68, &self.census.end_objects.to_le_bytes());
        put(SOURCE_AT, &self.source);
        bytes
    }

    /// Program or kernel, version and workload that the trace comes from, up to the first byte that is no UTF-8.
    #[must_use]
    pub fn source(&self) -> &str {
        let text = self.source.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        text.trim_end_matches('\0')
    }
}

/// The `N` bytes from `at` on.
const fn field<const N: usize>(bytes: &[u8; HEADER_BYTES], at: usize) -> [u8; N] {
    let (_, from) = bytes.split_at(at);
    match from.first_chunk() {
        Some(field) => *field,
        None => panic!("the field lies in the header"),
    }
}

const fn census(bytes: &[u8; HEADER_BYTES]) -> Census {
    Census {
        records: u64::from_le_bytes(field(bytes, 16)),
        cpus: u16::from_le_bytes(field(bytes, 14)),
        slots: u32::from_le_bytes(field(bytes, 24)),
        inferred: u32::from_le_bytes(field(bytes, 32)),
        allocs: u64::from_le_bytes(field(bytes, 40)),
        peak_units: u64::from_le_bytes(field(bytes, 48)),
        end_units: u64::from_le_bytes(field(bytes, 56)),
        peak_objects: u32::from_le_bytes(field(bytes, 64)),
        end_objects: u32::from_le_bytes(field(bytes, 68)),
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::String;

    use super::*;

    const KIND: Kind = Kind::PageOrders { page_log2: 12 };
    const CENSUS: Census = Census {
        records: 0x1122_3344_5566,
        cpus: 3,
        slots: 0x2233_4455,
        inferred: 0x3344_5566,
        allocs: 0x4455_6677_8899,
        peak_units: 0x5566_7788_99aa,
        end_units: 0x6677_8899_aabb,
        peak_objects: 0x7788_99aa,
        end_objects: 0x8899_aabb,
    };

    #[test]
    fn a_header_survives_the_way_to_bytes_and_back() {
        let header = Header { dropped: 17, ..Header::new(KIND, &CENSUS, "wörk") };
        let read = Header::from_bytes(&header.to_bytes()).unwrap();
        assert_eq!(read, header);
        assert_eq!(read.source(), "wörk");
    }

    #[test]
    fn the_fields_stand_where_the_format_says() {
        let bytes = Header { dropped: 17, ..Header::new(KIND, &CENSUS, "s") }.to_bytes();
        assert_eq!(&bytes[..16], b"ALLOCTRC\x01\0\x01\0\x88\0\x03\0");
        assert_eq!(&bytes[24..40], b"\x55\x44\x33\x22\x11\0\0\0\x66\x55\x44\x33\x0c\0\0\0");
        assert_eq!(&bytes[64..74], b"\xaa\x99\x88\x77\xbb\xaa\x99\x88s\0");
    }

    #[test]
    fn other_magic_version_length_kind_or_unit_is_refused() {
        let bytes = Header::new(KIND, &CENSUS, "").to_bytes();
        for (at, error) in [
            (0, TraceError::Magic),
            (7, TraceError::Magic),
            (9, TraceError::Version(0x8001)),
            (11, TraceError::Kind(0x8001)),
            (12, TraceError::HeaderLength(8)),
            (36, TraceError::Shift(0x8c)),
        ] {
            let mut other = bytes;
            other[at] ^= 0x80;
            assert_eq!(Header::from_bytes(&other), Err(error), "byte {at}");
        }
        assert_eq!(Header::from_bytes(&bytes[..HEADER_BYTES - 1]), Err(TraceError::Short));
    }

    #[test]
    fn a_long_source_is_cut_at_a_whole_character() {
        let source: String = "x".repeat(63) + "ö";
        assert_eq!(Header::new(KIND, &CENSUS, &source).source(), "x".repeat(63));
        assert_eq!(Header::new(KIND, &CENSUS, &"y".repeat(99)).source(), "y".repeat(64));
    }
}
