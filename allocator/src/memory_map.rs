//! The memory map of a machine, and what of it can be used.
//!
//! ```text
//!   map        ▐ usable      ▌   ▐ usable         ▌
//!                     ▐ usable      ▌
//!                ▐ reserved ▌
//!   runs       ▐▌            ▐█████████████████████▌      usable, not reserved, each byte once
//!   pages        ▕    |    |    |████|████|████|██        whole pages, moved by the linear offset
//! ```
//!
//! Maps come in *physical* numbers, the allocator works on *addresses*: address = physical number + linear offset.
//! The page at address 0 and the last page of the address space are never used: no pointer may be null, nor may a
//! block end where no address is.
//!
//! Maps are short (firmware gives tens of entries), unsorted, and there is no memory yet to sort them in: each
//! run is found by looking through the whole map. With n entries this takes O(n²) in all.
#![forbid(unsafe_code)]

use allocator_api::AddressRange;

/// Whether a region may be used.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RegionKind {
    /// Memory that nobody uses.
    Usable,
    /// Anything that must be left alone: firmware, devices, the kernel's own image, boot modules.
    Reserved,
}

/// One entry of a memory map, in physical numbers.
///
/// Entries may have any size, stand in any order and overlap. Reserved wins over usable.
///
/// # Examples
///
/// ```
/// use allocator::{MemoryRegion, RegionKind};
///
/// let map = [MemoryRegion::usable(0, 64 << 20), MemoryRegion::reserved(0, 1 << 20)];
/// assert_eq!(map[1], MemoryRegion { start: 0, size: 1 << 20, kind: RegionKind::Reserved });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MemoryRegion {
    /// The physical number of the first byte.
    pub start: usize,
    /// Bytes; an empty region says nothing. A usable region that reaches beyond the last number is ignored
    /// whole, a reserved one reserves up to the last number.
    pub size: usize,
    /// Whether it may be used.
    pub kind: RegionKind,
}

impl MemoryRegion {
    /// A usable region.
    #[must_use]
    pub const fn usable(start: usize, size: usize) -> Self {
        Self { start, size, kind: RegionKind::Usable }
    }

    /// A reserved region.
    #[must_use]
    pub const fn reserved(start: usize, size: usize) -> Self {
        Self { start, size, kind: RegionKind::Reserved }
    }

    /// The numbers that the entry speaks of.
    fn range(&self) -> Option<AddressRange> {
        match (AddressRange::new(self.start, self.size), self.kind) {
            (None, RegionKind::Reserved) if self.size != 0 => AddressRange::from_bounds(self.start, usize::MAX),
            (range, _) => range,
        }
    }
}

/// What became of a memory map. `usable_bytes = accepted_bytes + skipped_bytes`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct MapReport {
    /// Runs of usable memory of which something was accepted.
    pub regions: usize,
    /// Bytes that are usable and not reserved, each counted once; saturates.
    pub usable_bytes: usize,
    /// Bytes that the page level holds now.
    pub accepted_bytes: usize,
    /// Bytes left out: parts of pages, the pages at both ends of the address space, what the linear map does not
    /// reach, what the page level refused, and what it took for its records.
    pub skipped_bytes: usize,
    /// Bytes of these that hold the page level's records, where they lie outside the pages that it manages.
    pub record_bytes: usize,
}

/// The runs of usable memory in a map: disjoint, not touching, in ascending order.
#[derive(Clone, Debug)]
pub(crate) struct UsableRuns<'a> {
    map: &'a [MemoryRegion],
    /// The first number not looked at yet; `None` once the last number was.
    next: Option<usize>,
}

impl<'a> UsableRuns<'a> {
    pub(crate) const fn new(map: &'a [MemoryRegion]) -> Self {
        Self { map, next: Some(0) }
    }

    fn is_usable(&self, number: usize) -> bool {
        let lies_in = |kind| {
            let of_kind = self.map.iter().filter(move |region| region.kind == kind);
            of_kind.filter_map(MemoryRegion::range).any(|range| range.contains(number))
        };
        lies_in(RegionKind::Usable) && !lies_in(RegionKind::Reserved)
    }

    /// The first number above `number` where an entry begins or has just ended.
    fn border_above(&self, number: usize) -> Option<usize> {
        let ranges = self.map.iter().filter_map(MemoryRegion::range);
        let borders = ranges.flat_map(|range| [Some(range.start()), range.last().checked_add(1)]);
        borders.flatten().filter(|border| *border > number).min()
    }
}

impl Iterator for UsableRuns<'_> {
    type Item = AddressRange;

    fn next(&mut self) -> Option<AddressRange> {
        let mut start = self.next.take()?;
        while !self.is_usable(start) {
            start = self.border_above(start)?;
        }
        let mut inside = start;
        while let Some(border) = self.border_above(inside) {
            if !self.is_usable(border) {
                self.next = Some(border);
                return AddressRange::from_bounds(start, border - 1);
            }
            inside = border;
        }
        AddressRange::from_bounds(start, usize::MAX)
    }
}

/// The whole pages of a run of physical numbers, as addresses: what the linear map reaches, without the pages
/// at both ends of the address space. `None` if that is nothing.
///
/// `page_size_bytes` is a power of two, and `linear_offset` a multiple of it.
pub(crate) fn pages_of_run(
    run: AddressRange,
    linear_offset: usize,
    page_size_bytes: usize,
) -> Option<AddressRange> {
    let start = run.start().checked_add(linear_offset)?;
    let last = run.last().saturating_add(linear_offset);
    without_edge_pages(AddressRange::from_bounds(start, last)?, page_size_bytes)?.trimmed(page_size_bytes)
}

/// What is left of `range` without the page at address 0 and the last page of the address space.
pub(crate) fn without_edge_pages(range: AddressRange, page_size_bytes: usize) -> Option<AddressRange> {
    let start = range.start().max(page_size_bytes);
    let last = range.last().min(usize::MAX - page_size_bytes);
    AddressRange::from_bounds(start, last)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{vec, vec::Vec};

    use super::*;

    const TOP: usize = usize::MAX;

    fn runs(map: &[MemoryRegion]) -> Vec<(usize, usize)> {
        UsableRuns::new(map).map(|run| (run.start(), run.last())).collect()
    }

    /// The same by looking at each of `count` numbers from `base` on.
    fn runs_by_number(map: &[MemoryRegion], base: usize, count: usize) -> Vec<(usize, usize)> {
        let usable = |number: usize| {
            let lies_in =
                |kind| map.iter().any(|r| r.kind == kind && r.start <= number && number - r.start < r.size);
            lies_in(RegionKind::Usable) && !lies_in(RegionKind::Reserved)
        };
        let mut runs: Vec<(usize, usize)> = vec![];
        for number in (0..count).map(|i| base + i).filter(|number| usable(*number)) {
            match runs.last_mut() {
                Some(run) if run.1 + 1 == number => run.1 = number,
                _ => runs.push((number, number)),
            }
        }
        runs
    }

    /// Every map of three entries in six numbers, at the bottom and at the top.
    #[test]
    fn runs_agree_with_looking_at_each_number() {
        const SPAN: usize = 6;
        for base in [0, TOP - (SPAN - 1)] {
            let entries: Vec<MemoryRegion> = (0..SPAN)
                .flat_map(|start| (0..=SPAN - start).map(move |size| (base + start, size)))
                .flat_map(|(s, n)| [MemoryRegion::usable(s, n), MemoryRegion::reserved(s, n)])
                .collect();
            for a in &entries {
                for b in &entries {
                    for c in &entries {
                        let map = [*a, *b, *c];
                        assert_eq!(runs(&map), runs_by_number(&map, base, SPAN), "{map:x?}");
                    }
                }
            }
        }
    }

    #[test]
    fn an_empty_map_has_no_runs() {
        assert_eq!(runs(&[]), []);
    }

    #[test]
    fn beyond_the_last_number_usable_is_ignored_and_reserved_is_heeded() {
        let all = MemoryRegion::usable(1, TOP);
        assert_eq!(runs(&[MemoryRegion::usable(TOP - 15, 17)]), []);
        assert_eq!(runs(&[all, MemoryRegion::reserved(0x2000, TOP)]), [(1, 0x1fff)]);
        assert_eq!(runs(&[all]), [(1, TOP)]);
    }

    #[test]
    fn pages_are_whole_moved_and_never_at_an_edge() {
        let pages = |start, last, offset| {
            let run = AddressRange::from_bounds(start, last).unwrap();
            pages_of_run(run, offset, 0x1000).map(|part| (part.start(), part.last()))
        };
        assert_eq!(pages(0, 0x2fff, 0), Some((0x1000, 0x2fff)));
        assert_eq!(pages(0, 0x2fff, 0x10_0000), Some((0x10_0000, 0x10_2fff)));
        assert_eq!(pages(0x1001, 0x3ffe, 0), Some((0x2000, 0x2fff)));
        assert_eq!(pages(0x1001, 0x2ffe, 0), None);
        assert_eq!(pages(0, 0xfff, 0), None);
        assert_eq!(pages(TOP - 0xfff, TOP, 0), None);
        assert_eq!(pages(TOP - 0x1fff, TOP, 0), Some((TOP - 0x1fff, TOP - 0x1000)));
        assert_eq!(pages(0, TOP, 0), Some((0x1000, TOP - 0x1000)));
        // Past what the linear map reaches: cut off, or gone.
        assert_eq!(pages(0, 0xffff, TOP - 0x3fff), Some((TOP - 0x3fff, TOP - 0x1000)));
        assert_eq!(pages(0x4000, 0xffff, TOP - 0x3fff), None);
    }
}
