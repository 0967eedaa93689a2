//! The tables are read back the way the machine reads them.

extern crate std;

use std::boxed::Box;

use super::*;

const ROOT: usize = 0x7000_0000;
const GIB: usize = 1 << 30;
const MIB: usize = 1 << 20;

fn tables(gigantic: bool) -> Box<PageTables<8>> {
    let mut tables = Box::new(PageTables::new());
    tables.set_address(ROOT);
    if gigantic {
        tables.allow_gigantic_pages();
    }
    tables
}

fn range(start: usize, size: usize) -> AddressRange {
    AddressRange::new(start, size).unwrap()
}

/// What the machine finds at `address`: physical address, bits of the last entry, bytes of the page.
fn walk(tables: &PageTables<8>, address: usize) -> Option<(usize, u64, usize)> {
    let mut table = ROOT;
    for shift in [39, 30, 21, 12] {
        let entry = tables.tables[(table - ROOT) / 4096].0[(address >> shift) & 511];
        if entry & 1 == 0 {
            return None;
        }
        let next = (entry & 0x000f_ffff_ffff_f000) as usize;
        if shift == 12 || entry & 0x80 != 0 {
            let offset = address & ((1 << shift) - 1);
            return Some((next + offset, entry & !ADDRESS_BITS, 1 << shift));
        }
        assert_eq!(entry & 0x8000_0000_0000_0fff, 3, "tables forbid nothing");
        table = next;
    }
    None
}

#[test]
fn a_range_is_mapped_to_itself_to_the_last_byte_and_no_further() {
    for gigantic in [false, true] {
        let mut tables = tables(gigantic);
        let ram = range(GIB - 2 * MIB - 4096, GIB + 4 * MIB + 8192);
        tables.map_identity(ram, Rights::Write).unwrap();
        for address in [ram.start(), ram.start() + 4096, GIB - 1, GIB, GIB + 7 * MIB, 2 * GIB, ram.last()] {
            assert_eq!(walk(&tables, address).unwrap().0, address, "{address:#x}");
            assert_eq!(tables.rights_at(address), Some(Rights::Write));
        }
        for address in [0, ram.start() - 1, ram.last() + 1, 5 * GIB, 1 << 39] {
            assert_eq!(walk(&tables, address), None, "{address:#x}");
            assert_eq!(tables.rights_at(address), None);
        }
    }
}

#[test]
fn the_largest_page_that_fits_is_taken() {
    let ram = range(GIB - 2 * MIB - 4096, GIB + 4 * MIB + 8192);
    for (gigantic, largest) in [(false, 2 * MIB), (true, GIB)] {
        let mut tables = tables(gigantic);
        tables.map_identity(ram, Rights::Write).unwrap();
        let page_bytes = |address| walk(&tables, address).unwrap().2;
        assert_eq!(page_bytes(ram.start()), 4096);
        assert_eq!(page_bytes(GIB - 1), 2 * MIB);
        assert_eq!(page_bytes(GIB), largest);
        assert_eq!(page_bytes(2 * GIB), 2 * MIB);
        assert_eq!(page_bytes(ram.last()), 4096);
        assert_eq!(tables.used_tables(), if gigantic { 6 } else { 7 });
    }
}

#[test]
fn rights_become_the_bits_of_the_machine() {
    let mut tables = tables(true);
    let expected = [(Rights::Read, 1 | 1 << 63), (Rights::Write, 3 | 1 << 63), (Rights::Execute, 1)];
    for (page, (rights, bits)) in (1..).zip(expected) {
        tables.map_identity(range(page * 4096, 4096), rights).unwrap();
        assert_eq!(walk(&tables, page * 4096).unwrap().1, bits);
        assert_eq!(tables.rights_at(page * 4096), Some(rights));
    }
    tables.map_identity(range(4 * MIB, 2 * MIB), Rights::Read).unwrap();
    assert_eq!(walk(&tables, 4 * MIB).unwrap().1, 1 | 1 << 7 | 1 << 63);
}

#[test]
fn a_page_is_mapped_once() {
    let mut tables = tables(true);
    tables.map_identity(range(4096, 8192), Rights::Read).unwrap();
    assert_eq!(tables.map_identity(range(8192, 4096), Rights::Read), Err(MapError::Mapped(8192)));
    assert_eq!(tables.map_identity(range(0, 2 * MIB), Rights::Read), Err(MapError::Mapped(0)));
    tables.map_identity(range(2 * MIB, 2 * MIB), Rights::Read).unwrap();
    assert_eq!(tables.map_identity(range(3 * MIB, 4096), Rights::Read), Err(MapError::Mapped(3 * MIB)));
}

#[test]
fn what_cannot_be_mapped_is_refused() {
    let mut tables = tables(true);
    assert_eq!(tables.map_identity(range(4095, 4096), Rights::Read), Err(MapError::Misaligned));
    assert_eq!(tables.map_identity(range(4096, 4095), Rights::Read), Err(MapError::Misaligned));
    assert_eq!(tables.map_identity(range(1 << 47, 4096), Rights::Read), Err(MapError::TooHigh));
    assert_eq!(tables.used_tables(), 1);
    tables.map_identity(range((1 << 47) - 4096, 4096), Rights::Read).unwrap();
    tables.map_identity(range(0, 4096), Rights::Read).unwrap();
    assert_eq!(tables.map_identity(range(1 << 40, 4096), Rights::Read), Err(MapError::NoTables));
}
