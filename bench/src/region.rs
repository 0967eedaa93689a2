//! The memory that every subject manages: one mapping at one fixed address.
//!
//! An allocator's work depends on addresses (which bits are set decides how a buddy splits). The same address in every
//! process makes instruction counts repeat exactly. Byte regions are faulted in before anything is measured; page regions
//! are only reserved, because a page allocator touches no more than its own records there.

use std::{
    io,
    ptr::{self, NonNull},
};

use anyhow::{Context, Result, ensure};

/// Where the mapping begins: 2 TiB, aligned to every size that is measured, far from what a process or Valgrind uses.
const START: usize = 2 << 40;

/// Memory handed to a subject: `bytes` from `start`, exclusively its own while it lives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Region {
    /// First byte.
    pub(crate) start: NonNull<u8>,
    /// Size in bytes.
    pub(crate) bytes: usize,
}

impl Region {
    /// First address, with its provenance exposed: subjects take addresses.
    #[must_use]
    pub(crate) fn address(self) -> usize {
        self.start.expose_provenance().get()
    }

    /// The first `bytes` of it, all of it if `bytes` is more.
    #[must_use]
    pub(crate) fn first(self, bytes: usize) -> Self {
        Self { start: self.start, bytes: self.bytes.min(bytes) }
    }
}

/// A mapping of `bytes` at the fixed address; it stays until the process ends.
///
/// # Errors
/// The system refuses the mapping, or something else lies there.
pub(crate) fn map(bytes: usize, faulted_in: bool) -> Result<Region> {
    let wanted = ptr::without_provenance_mut::<libc::c_void>(START);
    let populate = if faulted_in { libc::MAP_POPULATE } else { 0 };
    let flags =
        libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED_NOREPLACE | populate;
    // SAFETY: a new anonymous mapping replaces nothing (MAP_FIXED_NOREPLACE), so no memory of ours is affected.
    let mapped = unsafe { libc::mmap(wanted, bytes, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
    ensure!(mapped != libc::MAP_FAILED, "mapping {bytes} bytes: {}", io::Error::last_os_error());
    ensure!(mapped.addr() == START, "the system mapped {bytes} bytes at {mapped:p} instead of {START:#x}");
    let start = NonNull::new(mapped.cast::<u8>()).context("the mapping is at address 0")?;
    Ok(Region { start, bytes })
}

/// Memory of a test, aligned to 2 MiB; it stays.
#[cfg(test)]
pub(crate) fn memory(bytes: usize) -> Region {
    const ALIGN: usize = 2 << 20;
    let whole = Box::leak(vec![0_u8; bytes + ALIGN].into_boxed_slice());
    let start = whole.as_mut_ptr();
    let start = start.wrapping_add(start.align_offset(ALIGN));
    Region { start: NonNull::new(start).unwrap(), bytes }
}
