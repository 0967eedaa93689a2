//! The kernel's page tables: everything usable, at its physical address, and nothing else.
//!
//! ```text
//!   0        4 KiB         image_start                  image_end
//!   ▐ nothing ▐ RAM, write  ▐ constants ▐ code ▐ statics ▐ nothing ▐ stack ▐ RAM, write … hole … RAM, write
//!                             read        exec   write     guard     write
//! ```
//!
//! Nothing is both writable and executable. Page 0 is left out, so that a null pointer faults. Memory that the
//! firmware's map does not call usable is left out too: the kernel touches no device memory.

use allocator_api::AddressRange;
use kernel::{
    memory_map::{MemoryMap, without},
    paging::{MapError, PAGE_BYTES, PageTables, Rights},
};
use spin::Mutex;
use x86_64::{
    PhysAddr,
    registers::control::{Cr3, Cr3Flags},
    structures::paging::PhysFrame,
};

use super::image::Image;

/// Enough for memory up to 64 GiB without pages of 1 GiB, and for the borders of some dozens of regions.
const TABLES: usize = 128;

static PAGE_TABLES: Mutex<PageTables<TABLES>> = Mutex::new(PageTables::new());

/// What the new page tables look like.
pub(crate) struct Summary {
    /// The number of tables in use.
    pub(crate) tables: usize,
    /// Whether large pages of 1 GiB are in use.
    pub(crate) gigantic_pages: bool,
}

/// Maps all usable memory and the program, and switches to the new tables.
///
/// # Errors
///
/// - [`MapError`]: the map cannot be mapped, for instance because two usable regions overlap. The old tables stay.
pub(crate) fn switch_to(map: &MemoryMap, image: &Image) -> Result<Summary, MapError> {
    let mut tables = PAGE_TABLES.lock();
    let address = (&raw const *tables).addr();
    tables.set_address(address);
    let gigantic_pages = has_gigantic_pages();
    if gigantic_pages {
        tables.allow_gigantic_pages();
    }
    map_image(&mut tables, image)?;
    let null_page = AddressRange::from_bounds(0, PAGE_BYTES - 1).ok_or(MapError::Misaligned)?;
    for pages in map.usable().filter_map(|range| range.trimmed(PAGE_BYTES)) {
        for piece in without(pages, &[null_page, image.whole()]) {
            tables.map_identity(piece, Rights::Write)?;
        }
    }
    load(&tables, image);
    Ok(Summary { tables: tables.used_tables(), gigantic_pages })
}

fn map_image(tables: &mut PageTables<TABLES>, image: &Image) -> Result<(), MapError> {
    tables.map_identity(image.read_only, Rights::Read)?;
    tables.map_identity(image.text, Rights::Execute)?;
    tables.map_identity(image.data, Rights::Write)?;
    tables.map_identity(image.stack, Rights::Write)
}

fn load(tables: &PageTables<TABLES>, image: &Image) {
    debug_assert_eq!(tables.rights_at(image.guard.start()), None);
    let root = PhysFrame::containing_address(PhysAddr::new(tables.root_address() as u64));
    // SAFETY: the tables lie in a static that is never changed again, at the address they were built for; they map
    // the program with the rights each part needs, the stack in use, and all memory reached through pointers so far
    // that is still reached (the start record has been copied). Each linear address is the physical one, as before.
    unsafe { Cr3::write(root, Cr3Flags::empty()) };
}

/// Whether the processor has pages of 1 GiB (leaf 0x8000_0001, bit 26 of EDX).
fn has_gigantic_pages() -> bool {
    use core::arch::x86_64::__cpuid;

    const LEAF: u32 = 0x8000_0001;
    __cpuid(0x8000_0000).eax >= LEAF && __cpuid(LEAF).edx & 1 << 26 != 0
}
