//! What the virtual machine left in memory for the kernel: the start record, the memory map, the command line.
//!
//! All of it is copied, so that nothing points there once the page tables change.

use core::{fmt, ptr, slice};

use allocator_api::AddressRange;
use kernel::{
    memory_map::{ENTRY_BYTES, MemoryMap, TooManyEntries},
    start_info::{START_INFO_BYTES, StartInfo, StartInfoError},
};

/// The bytes that the first page tables map, from address 0 on.
const MAPPED_BYTES: usize = 1 << 30;

/// The longest command line; an inclusive maximum. What is longer is cut off.
const MAX_COMMAND_LINE_BYTES: usize = 512;

/// The copy.
pub(crate) struct BootRecord {
    /// The firmware's memory map.
    pub(crate) memory_map: MemoryMap,
    /// Where the machine left what was copied: start record, memory map, command line.
    pub(crate) left_at: [Option<AddressRange>; 3],
    command_line: [u8; MAX_COMMAND_LINE_BYTES],
    command_line_bytes: usize,
}

/// Why there is nothing to copy.
pub(crate) enum BootRecordError {
    /// An address beyond what is mapped, or null.
    OutOfReach(u64),
    /// The start record cannot be used.
    StartInfo(StartInfoError),
    /// The memory map is too long.
    TooManyEntries,
}

impl BootRecord {
    /// Copies what the start record at `address` tells.
    ///
    /// # Errors
    ///
    /// - [`BootRecordError`]: the machine left no usable record.
    ///
    /// # Safety
    ///
    /// 1. The first page tables are in place: the lowest GiB is mapped to itself.
    /// 2. `address` is what the machine passed at the start, and nothing has been written there since.
    pub(crate) unsafe fn copy_from(address: usize) -> Result<Self, BootRecordError> {
        // SAFETY: 1. and 2. are the caller's.
        let (record, record_at) = unsafe { bytes_at(address as u64, START_INFO_BYTES) }?;
        let record = record.first_chunk().ok_or(BootRecordError::OutOfReach(address as u64))?;
        let info = StartInfo::from_bytes(record).map_err(BootRecordError::StartInfo)?;

        let map_bytes = info.memory_map_count as usize * ENTRY_BYTES;
        // SAFETY: 1. is the caller's. 2. The record, the machine's own, says that the map is there.
        let (map, map_at) = unsafe { bytes_at(info.memory_map, map_bytes) }?;
        let memory_map = MemoryMap::from_bytes(map).map_err(|TooManyEntries| BootRecordError::TooManyEntries)?;

        let mut copy = Self {
            memory_map,
            left_at: [Some(record_at), Some(map_at), None],
            command_line: [0; MAX_COMMAND_LINE_BYTES],
            command_line_bytes: 0,
        };
        if info.command_line != 0 {
            // SAFETY: 1. is the caller's. 2. The record says that the command line starts there; whatever follows its
            // end is ordinary memory, and is not kept.
            let (line, line_at) = unsafe { bytes_at(info.command_line, MAX_COMMAND_LINE_BYTES) }?;
            copy.command_line.copy_from_slice(line);
            copy.command_line_bytes = line.iter().position(|&byte| byte == 0).unwrap_or(line.len());
            copy.left_at[2] = Some(line_at);
        }
        Ok(copy)
    }

    /// The command line, up to the first byte that is no UTF-8.
    pub(crate) fn command_line(&self) -> &str {
        let bytes = &self.command_line[..self.command_line_bytes];
        bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid())
    }
}

/// The `count` bytes from a physical address on, and where they are.
///
/// # Safety
///
/// 1. The lowest GiB is mapped to itself.
/// 2. Nobody writes there as long as the bytes are used.
unsafe fn bytes_at<'a>(address: u64, count: usize) -> Result<(&'a [u8], AddressRange), BootRecordError> {
    let out_of_reach = BootRecordError::OutOfReach(address);
    let mapped = |range: &AddressRange| range.start() != 0 && range.last() < MAPPED_BYTES;
    let Some(range) = AddressRange::new(address as usize, count).filter(mapped) else {
        return Err(out_of_reach);
    };
    let start = ptr::with_exposed_provenance(range.start());
    // SAFETY: the range is not null and lies in the lowest GiB, which is mapped (1.); no Rust object is there, since the
    // machine put it outside of the program; nobody writes (2.); a byte has no alignment and no invalid value.
    let bytes = unsafe { slice::from_raw_parts(start, count) };
    Ok((bytes, range))
}

impl fmt::Display for BootRecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfReach(address) => {
                write!(f, "the start record points to {address:#x}, which is out of reach")
            }
            Self::StartInfo(error) => error.fmt(f),
            Self::TooManyEntries => f.write_str("the memory map has too many entries"),
        }
    }
}
