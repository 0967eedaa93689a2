//! What a trace says of itself, in its first 136 bytes.

use super::{Census, TraceError};
use crate::bytes::{u16_at, u32_at, u64_at};

/// The bytes of a header.
pub const HEADER_BYTES: usize = 136;

const MAGIC: u64 = u64::from_le_bytes(*b"ALLOCTRC");
const VERSION: u16 = 1;
const KIND_BYTES: u16 = 0;
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
/// use kernel::trace::{Header, TraceError};
///
/// assert_eq!(Header::from_bytes(&[0; 200]).unwrap_err(), TraceError::NotATrace);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
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
    pub fn new(census: &Census, source: &str) -> Self {
        let mut kept = [0; SOURCE_BYTES];
        let bytes = &source.as_bytes()[..source.floor_char_boundary(SOURCE_BYTES)];
        kept[..bytes.len()].copy_from_slice(bytes);
        Self { census: *census, dropped: 0, source: kept }
    }

    /// Reads a header.
    ///
    /// # Errors
    ///
    /// - [`TraceError::NotATrace`]: too short, or not that of a trace of bytes of version 1.
    pub const fn from_bytes(bytes: &[u8]) -> Result<Self, TraceError> {
        if bytes.len() < HEADER_BYTES
            || u64_at(bytes, 0) != MAGIC
            || u16_at(bytes, 8) != VERSION
            || u16_at(bytes, 10) != KIND_BYTES
            || u16_at(bytes, 12) as usize != HEADER_BYTES
        {
            return Err(TraceError::NotATrace);
        }
        let mut source = [0; SOURCE_BYTES];
        let (_, from_source) = bytes.split_at(SOURCE_AT);
        let (text, _) = from_source.split_at(SOURCE_BYTES);
        source.copy_from_slice(text);
        let census = Census {
            records: u64_at(bytes, 16),
            cpus: u16_at(bytes, 14),
            slots: u32_at(bytes, 24),
            inferred: u32_at(bytes, 32),
            allocs: u64_at(bytes, 40),
            peak_bytes: u64_at(bytes, 48),
            end_bytes: u64_at(bytes, 56),
            peak_objects: u32_at(bytes, 64),
            end_objects: u32_at(bytes, 68),
        };
        Ok(Self { census, dropped: u32_at(bytes, 28), source })
    }

    /// The header as bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
        put(0, &MAGIC.to_le_bytes());
        put(8, &VERSION.to_le_bytes());
        put(10, &KIND_BYTES.to_le_bytes());
        put(12, &(HEADER_BYTES as u16).to_le_bytes());
        put(14, &self.census.cpus.to_le_bytes());
        put(16, &self.census.records.to_le_bytes());
        put(24, &self.census.slots.to_le_bytes());
        put(28, &self.dropped.to_le_bytes());
        put(32, &self.census.inferred.to_le_bytes());
        put(40, &self.census.allocs.to_le_bytes());
        put(48, &self.census.peak_bytes.to_le_bytes());
        put(56, &self.census.end_bytes.to_le_bytes());
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

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::String;

    use super::*;

    const CENSUS: Census = Census {
        records: 0x1122_3344_5566,
        cpus: 3,
        slots: 0x2233_4455,
        inferred: 0x3344_5566,
        allocs: 0x4455_6677_8899,
        peak_bytes: 0x5566_7788_99aa,
        end_bytes: 0x6677_8899_aabb,
        peak_objects: 0x7788_99aa,
        end_objects: 0x8899_aabb,
    };

    #[test]
    fn a_header_survives_the_way_to_bytes_and_back() {
        let header = Header { dropped: 17, ..Header::new(&CENSUS, "wörk") };
        let read = Header::from_bytes(&header.to_bytes()).unwrap();
        assert_eq!(read, header);
        assert_eq!(read.source(), "wörk");
    }

    #[test]
    fn the_fields_stand_where_the_format_says() {
        let bytes = Header { dropped: 17, ..Header::new(&CENSUS, "s") }.to_bytes();
        assert_eq!(&bytes[..16], b"ALLOCTRC\x01\0\0\0\x88\0\x03\0");
        assert_eq!(&bytes[24..40], b"\x55\x44\x33\x22\x11\0\0\0\x66\x55\x44\x33\0\0\0\0");
        assert_eq!(&bytes[64..74], b"\xaa\x99\x88\x77\xbb\xaa\x99\x88s\0");
    }

    #[test]
    fn other_magic_version_kind_or_length_is_refused() {
        let bytes = Header::new(&CENSUS, "").to_bytes();
        for at in [0, 7, 8, 10, 12] {
            let mut other = bytes;
            other[at] ^= 1;
            assert_eq!(Header::from_bytes(&other), Err(TraceError::NotATrace), "byte {at}");
        }
        assert_eq!(Header::from_bytes(&bytes[..HEADER_BYTES - 1]), Err(TraceError::NotATrace));
    }

    #[test]
    fn a_long_source_is_cut_at_a_whole_character() {
        let source: String = "x".repeat(63) + "ö";
        assert_eq!(Header::new(&CENSUS, &source).source(), "x".repeat(63));
        assert_eq!(Header::new(&CENSUS, &"y".repeat(99)).source(), "y".repeat(64));
    }
}
