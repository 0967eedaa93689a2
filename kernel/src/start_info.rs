//! The record with which a virtual machine starts a kernel (PVH boot protocol, `hvm_start_info`, version 1).
//!
//! ```text
//!   at  0  u32 magic            at 16  u64 address of the module list     at 40  u64 address of the memory map
//!       4  u32 version              24  u64 address of the command line        48  u32 entries of the memory map
//!       8  u32 flags                32  u64 address of the ACPI root pointer   52  u32 nothing
//!      12  u32 modules
//! ```
//!
//! Numbers are little-endian, addresses physical. Reading is O(1).

use core::fmt;

use crate::bytes::{u32_at, u64_at};

/// The bytes of the record.
pub const START_INFO_BYTES: usize = 56;

const MAGIC: u32 = 0x336e_c578;

/// What the record says, as far as this kernel needs it.
///
/// # Complexity
///
/// Reading is O(1).
///
/// # Examples
///
/// ```
/// use kernel::start_info::{StartInfo, StartInfoError};
///
/// assert_eq!(StartInfo::from_bytes(&[0; 56]), Err(StartInfoError::Magic(0)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StartInfo {
    /// Address of the command line, which ends with a 0; 0 if there is none.
    pub command_line: u64,
    /// Address of the memory map.
    pub memory_map: u64,
    /// Number of entries in the memory map.
    pub memory_map_count: u32,
}

/// Why the record cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StartInfoError {
    /// It does not begin with the protocol's magic number, but with this.
    Magic(u32),
    /// Its version, this one, has no memory map.
    NoMemoryMap(u32),
}

impl StartInfo {
    /// Reads the record.
    ///
    /// # Errors
    ///
    /// - [`StartInfoError::Magic`]: it is no such record.
    /// - [`StartInfoError::NoMemoryMap`]: version 0, or a map without an entry.
    pub fn from_bytes(bytes: &[u8; START_INFO_BYTES]) -> Result<Self, StartInfoError> {
        let (magic, version, count) = (u32_at(bytes, 0), u32_at(bytes, 4), u32_at(bytes, 48));
        if magic != MAGIC {
            return Err(StartInfoError::Magic(magic));
        }
        if version == 0 || count == 0 {
            return Err(StartInfoError::NoMemoryMap(version));
        }
        Ok(Self { command_line: u64_at(bytes, 24), memory_map: u64_at(bytes, 40), memory_map_count: count })
    }
}

impl fmt::Display for StartInfoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic(magic) => write!(f, "not a start record: it begins with {magic:#x}, not with {MAGIC:#x}"),
            Self::NoMemoryMap(version) => write!(f, "a start record of version {version} without a memory map"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(magic: u32, version: u32, count: u32) -> [u8; START_INFO_BYTES] {
        let mut bytes = [0xee; START_INFO_BYTES];
        bytes[..4].copy_from_slice(&magic.to_le_bytes());
        bytes[4..8].copy_from_slice(&version.to_le_bytes());
        bytes[24..32].copy_from_slice(&0x1234_u64.to_le_bytes());
        bytes[40..48].copy_from_slice(&0x5_6789_u64.to_le_bytes());
        bytes[48..52].copy_from_slice(&count.to_le_bytes());
        bytes
    }

    #[test]
    fn the_record_tells_where_command_line_and_map_are() {
        let info = StartInfo::from_bytes(&record(MAGIC, 1, 9)).unwrap();
        assert_eq!(info, StartInfo { command_line: 0x1234, memory_map: 0x5_6789, memory_map_count: 9 });
    }

    #[test]
    fn records_without_magic_or_map_are_refused() {
        assert_eq!(StartInfo::from_bytes(&record(7, 1, 9)), Err(StartInfoError::Magic(7)));
        assert_eq!(StartInfo::from_bytes(&record(MAGIC, 0, 9)), Err(StartInfoError::NoMemoryMap(0)));
        assert_eq!(StartInfo::from_bytes(&record(MAGIC, 1, 0)), Err(StartInfoError::NoMemoryMap(1)));
    }
}
