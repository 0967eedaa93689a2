//! Page tables of a 64-bit x86 machine, as numbers.
//!
//! A linear address is taken apart into four indices of 9 bits and an offset; each index picks an entry of a table,
//! which names the table of the next level, or, one or two levels early, a large page.
//!
//! ```text
//!   47      39 38      30 29      21 20      12 11        0
//!  ┌──────────┬──────────┬──────────┬──────────┬───────────┐
//!  │ level 4  │ level 3  │ level 2  │ level 1  │  offset   │
//!  └────┬─────┴────┬─────┴────┬─────┴────┬─────┴───────────┘
//!       table      │          │          └ 4 KiB page
//!                  │          └ table, or 2 MiB page
//!                  └ table, or 1 GiB page
//! ```
//!
//! Every mapping here is the identity: a linear address is its physical address. Nothing here is a pointer; whoever
//! owns a value of this type loads the address of its first table into the machine.
//!
//! # Invariants
//!
//! - Table 0 is the root. Each of the `below_root` tables after it is linked by one entry of one other.
//! - The tables after those are all zeros.
//!
//! Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 3, "4-level paging".

use core::fmt;

use allocator_api::{AddressRange, address::is_aligned};

/// The bytes of the smallest page.
pub const PAGE_BYTES: usize = 1 << PAGE_LOG2;

const PAGE_LOG2: usize = 12;
const INDEX_LOG2: usize = 9;
const ENTRIES: usize = 1 << INDEX_LOG2;
const ROOT_LEVEL: usize = 4;

/// The highest address that can be mapped: the lower half of the linear addresses.
const MAX_ADDRESS: usize = (1 << 47) - 1;

const PRESENT: u64 = 1;
const WRITABLE: u64 = 1 << 1;
const LARGE: u64 = 1 << 7;
const NOT_EXECUTABLE: u64 = 1 << 63;
const ADDRESS_BITS: u64 = 0x000f_ffff_ffff_f000;

/// What may be done with a page besides reading it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rights {
    /// Nothing.
    Read,
    /// Writing.
    Write,
    /// Executing.
    Execute,
}

/// Why a range cannot be mapped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MapError {
    /// Its borders are no page borders.
    Misaligned,
    /// It reaches beyond the addresses that four levels can map.
    TooHigh,
    /// A page of it is mapped already, at this address.
    Mapped(usize),
    /// All tables are in use.
    NoTables,
}

#[derive(Clone)]
#[repr(C, align(4096))]
struct Table([u64; ENTRIES]);

/// At most `COUNT` tables. All zeros when new, so that a static one stays in `.bss`.
///
/// # Complexity
///
/// Mapping is O(pages mapped), where large pages count once.
///
/// # Examples
///
/// ```
/// use allocator_api::AddressRange;
/// use kernel::paging::{PageTables, Rights};
///
/// let mut tables = PageTables::<4>::new();
/// tables.set_address(0x20_0000);
/// let ram = AddressRange::new(0x20_0000, 0x3f_f000).unwrap();
/// tables.map_identity(ram, Rights::Write)?;
/// assert_eq!(tables.rights_at(0x5f_efff), Some(Rights::Write));
/// assert_eq!(tables.rights_at(0x5f_f000), None);
/// # Ok::<(), kernel::paging::MapError>(())
/// ```
#[derive(Clone)]
#[repr(C, align(4096))]
pub struct PageTables<const COUNT: usize> {
    tables: [Table; COUNT],
    below_root: usize,
    address: usize,
    gigantic_pages: bool,
}

impl<const COUNT: usize> PageTables<COUNT> {
    /// Tables that map nothing.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(COUNT >= ROOT_LEVEL, "one page takes a table of each level") };
        Self { tables: [const { Table([0; ENTRIES]) }; COUNT], below_root: 0, address: 0, gigantic_pages: false }
    }

    /// Says at which physical address the first table lies. Must come before anything is mapped.
    pub fn set_address(&mut self, address: usize) {
        debug_assert!(is_aligned(address, PAGE_BYTES) && self.below_root == 0);
        self.address = address;
    }

    /// Says that the machine has pages of 1 GiB.
    pub fn allow_gigantic_pages(&mut self) {
        self.gigantic_pages = true;
    }

    /// The physical address of the first table.
    #[must_use]
    pub const fn root_address(&self) -> usize {
        self.address
    }

    /// The number of tables in use.
    #[must_use]
    pub const fn used_tables(&self) -> usize {
        self.below_root + 1
    }

    /// Maps every page of `range` to itself, by the largest pages that fit.
    ///
    /// # Errors
    ///
    /// On any but the first two, part of the range is mapped.
    ///
    /// - [`MapError::Misaligned`], [`MapError::TooHigh`]: the range cannot be mapped at all.
    /// - [`MapError::Mapped`]: a page of it is mapped already.
    /// - [`MapError::NoTables`]: it takes more than `COUNT` tables.
    pub fn map_identity(&mut self, range: AddressRange, rights: Rights) -> Result<(), MapError> {
        if range.last() > MAX_ADDRESS {
            return Err(MapError::TooHigh);
        }
        if range.trimmed(PAGE_BYTES) != Some(range) {
            return Err(MapError::Misaligned);
        }
        let mut left = Some(range);
        while let Some(rest) = left {
            let level = self.largest_level(rest);
            self.map_page(rest.start(), level, rights)?;
            left = rest.without_first(span_bytes(level));
        }
        Ok(())
    }

    /// What may be done at `address`; `None` if it is not mapped.
    #[must_use]
    pub fn rights_at(&self, address: usize) -> Option<Rights> {
        let (mut table, mut level) = (0, ROOT_LEVEL);
        loop {
            let entry = self.tables[table].0[index_at(address, level)];
            if entry & PRESENT == 0 || address > MAX_ADDRESS {
                return None;
            }
            if level == 1 || entry & LARGE != 0 {
                return Some(rights_of(entry));
            }
            table = self.table_at(entry);
            level -= 1;
        }
    }

    /// The level whose page is the largest that fits at the start of `range`.
    fn largest_level(&self, range: AddressRange) -> usize {
        let highest = if self.gigantic_pages { 3 } else { 2 };
        let fits = |level: &usize| {
            is_aligned(range.start(), span_bytes(*level)) && range.last() - range.start() >= span_bytes(*level) - 1
        };
        (2..=highest).rev().find(fits).unwrap_or(1)
    }

    fn map_page(&mut self, address: usize, page_level: usize, rights: Rights) -> Result<(), MapError> {
        let mut table = 0;
        for level in (page_level + 1..=ROOT_LEVEL).rev() {
            table = self.next_table(table, address, level)?;
        }
        let entry = &mut self.tables[table].0[index_at(address, page_level)];
        if *entry != 0 {
            return Err(MapError::Mapped(address));
        }
        let large = if page_level == 1 { 0 } else { LARGE };
        *entry = address as u64 | PRESENT | large | bits_of(rights);
        Ok(())
    }

    /// The table below `table` for `address`; takes a new one if there is none yet.
    fn next_table(&mut self, table: usize, address: usize, level: usize) -> Result<usize, MapError> {
        let index = index_at(address, level);
        let entry = self.tables[table].0[index];
        if entry & LARGE != 0 {
            return Err(MapError::Mapped(address));
        }
        if entry != 0 {
            return Ok(self.table_at(entry));
        }
        let next = self.used_tables();
        if next == COUNT {
            return Err(MapError::NoTables);
        }
        self.below_root += 1;
        // Rights are those of the page alone: the tables above it forbid nothing.
        self.tables[table].0[index] = (self.address + next * PAGE_BYTES) as u64 | PRESENT | WRITABLE;
        Ok(next)
    }

    fn table_at(&self, entry: u64) -> usize {
        ((entry & ADDRESS_BITS) as usize - self.address) / PAGE_BYTES
    }
}

impl<const COUNT: usize> Default for PageTables<COUNT> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const COUNT: usize> fmt::Debug for PageTables<COUNT> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PageTables({} of {COUNT} tables in use, from {:#x})", self.used_tables(), self.address)
    }
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Misaligned => f.write_str("not a range of whole pages"),
            Self::TooHigh => write!(f, "reaches beyond {MAX_ADDRESS:#x}"),
            Self::Mapped(address) => write!(f, "{address:#x} is mapped already"),
            Self::NoTables => f.write_str("no page table is left"),
        }
    }
}

/// The bytes that one entry of a table of this level maps.
const fn span_bytes(level: usize) -> usize {
    1 << (PAGE_LOG2 + (level - 1) * INDEX_LOG2)
}

const fn index_at(address: usize, level: usize) -> usize {
    address / span_bytes(level) % ENTRIES
}

const fn bits_of(rights: Rights) -> u64 {
    match rights {
        Rights::Read => NOT_EXECUTABLE,
        Rights::Write => NOT_EXECUTABLE | WRITABLE,
        Rights::Execute => 0,
    }
}

const fn rights_of(entry: u64) -> Rights {
    if entry & WRITABLE != 0 {
        Rights::Write
    } else if entry & NOT_EXECUTABLE != 0 {
        Rights::Read
    } else {
        Rights::Execute
    }
}

#[cfg(test)]
mod tests;
