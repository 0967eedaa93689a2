//! The start from a memory map: where the records go.
//!
//! ```text
//!   map        ▐ usable    ▌      ▐ usable             ▌   ▐ usable▌
//!   needed                                      ├──────┤               bytes of records, in whole pages
//!   taken      ▐ pages     ▌      ▐ pages       ▌records   ▐ pages ▌   the end of the highest that is long enough
//! ```
//!
//! What the records of all regions need is at least what the rest needs: a region without its end has no more chunks,
//! and a region the less is a block the less.
#![forbid(unsafe_code)]

use core::fmt;

use allocator_api::{AddressRange, AllocError};

/// Why a page allocator cannot start from a memory map; it is unchanged.
///
/// # Examples
///
/// ```
/// use allocator_bitmap::StartError;
///
/// let lacking = StartError::NoRoom { needed_bytes: 8192, longest_bytes: 4096 };
/// assert_eq!(lacking.to_string(), "records need 8192 bytes in one piece and a page beside them; the longest has 4096");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StartError {
    /// It has memory already.
    HasMemory,
    /// No entry of the map has a whole page.
    NoPages,
    /// Two entries of the map have bytes in common.
    Overlap {
        /// One of them.
        one: AddressRange,
        /// The other.
        other: AddressRange,
    },
    /// No entry is long enough for the records and leaves a page, or too little was lent.
    NoRoom {
        /// Bytes that the records need.
        needed_bytes: usize,
        /// Bytes of the longest entry that could hold them, or those that were lent.
        longest_bytes: usize,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::HasMemory => f.write_str("there is memory already"),
            Self::NoPages => f.write_str("no entry of the map has a whole page"),
            Self::Overlap { one, other } => write!(f, "the entries {one:?} and {other:?} of the map overlap"),
            Self::NoRoom { needed_bytes, longest_bytes } => write!(
                f,
                "records need {needed_bytes} bytes in one piece and a page beside them; the longest has {longest_bytes}"
            ),
        }
    }
}

impl core::error::Error for StartError {}

impl From<StartError> for AllocError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::HasMemory | StartError::NoPages => Self::InvalidParam,
            StartError::Overlap { .. } => Self::MemoryOverlap,
            StartError::NoRoom { .. } => Self::NoMemory,
        }
    }
}

/// The last bytes of the highest of `regions`, whole pages, that has room for `needed_bytes` of records. Some page is
/// left.
///
/// # Errors
///
/// [`NoRoom`](StartError::NoRoom).
pub(crate) fn room_in(
    regions: impl Iterator<Item = AddressRange> + Clone,
    needed_bytes: usize,
    page_size: usize,
) -> Result<AddressRange, StartError> {
    // Pages may be smaller than the words that records consist of.
    let granule = page_size.max(size_of::<u64>());
    let is_only = regions.clone().nth(1).is_none();
    let room_of = |region: AddressRange| {
        let size = needed_bytes.checked_next_multiple_of(granule)?;
        let room = AddressRange::new(region.last().checked_sub(size - 1)?, size)?;
        let leaves_a_page = !is_only || room.start() > region.start();
        (usable_part(region, granule)?.contains_range(room) && leaves_a_page).then_some(room)
    };
    let highest = regions.clone().filter_map(room_of).max_by_key(|room| room.start());
    highest.ok_or_else(|| StartError::NoRoom {
        needed_bytes,
        longest_bytes: regions.filter_map(|region| usable_part(region, granule)?.size()).max().unwrap_or(0),
    })
}

/// The part of `region` whose end can be room: without the first bytes of the address space, and with an address after
/// its last byte. `None` too if it does not end with a granule.
fn usable_part(region: AddressRange, granule: usize) -> Option<AddressRange> {
    let end = region.last().checked_add(1)?;
    let part = AddressRange::from_bounds(region.start().max(granule), region.last())?;
    part.trimmed(granule).filter(|_| end.is_multiple_of(granule))
}

/// Whether a map can be started from: no two of its entries overlap.
///
/// # Errors
///
/// [`Overlap`](StartError::Overlap).
pub(crate) fn check_map(map: &[AddressRange]) -> Result<(), StartError> {
    for (i, one) in map.iter().enumerate() {
        if let Some(other) = map[i + 1..].iter().find(|other| one.overlaps(**other)) {
            return Err(StartError::Overlap { one: *one, other: *other });
        }
    }
    Ok(())
}

/// The whole pages of each entry of a map without overlaps, from below to above.
pub(crate) fn from_below(map: &[AddressRange], page_size: usize) -> impl Iterator<Item = AddressRange> + Clone {
    let above = |start: Option<usize>| {
        let entries = map.iter().filter(move |entry| start.is_none_or(|start| entry.start() > start));
        entries.min_by_key(|entry| entry.start())
    };
    let entries = core::iter::successors(above(None), move |entry| above(Some(entry.start())));
    entries.filter_map(move |entry| entry.trimmed(page_size))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOP: usize = usize::MAX;

    fn room(regions: &[(usize, usize)], needed: usize, page: usize) -> Result<(usize, usize), usize> {
        let regions = regions.iter().map(|(first, last)| AddressRange::from_bounds(*first, *last).unwrap());
        match room_in(regions, needed, page) {
            Ok(room) => Ok((room.start(), room.last())),
            Err(StartError::NoRoom { needed_bytes, longest_bytes }) if needed_bytes == needed => {
                Err(longest_bytes)
            }
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn room_is_the_end_of_the_highest_region_that_is_long_enough() {
        let regions = [(0x1000, 0x7fff), (0x9000, 0xbfff), (0xd000, 0xdfff)];
        assert_eq!(room(&regions, 1, 0x1000), Ok((0xd000, 0xdfff)));
        assert_eq!(room(&regions, 0x1000, 0x1000), Ok((0xd000, 0xdfff)));
        assert_eq!(room(&regions, 0x1001, 0x1000), Ok((0xa000, 0xbfff)));
        assert_eq!(room(&regions, 0x3001, 0x1000), Ok((0x4000, 0x7fff)));
        assert_eq!(room(&regions, 0x7001, 0x1000), Err(0x7000));
        assert_eq!(room(&regions, TOP, 0x1000), Err(0x7000));
        assert_eq!(room(&[], 16, 0x1000), Err(0));
    }

    #[test]
    fn neither_end_of_the_address_space_is_room() {
        assert_eq!(room(&[(0, 0x1fff)], 0x1000, 0x1000), Ok((0x1000, 0x1fff)));
        assert_eq!(room(&[(0, 0x1fff)], 0x1001, 0x1000), Err(0x1000));
        assert_eq!(room(&[(TOP - 0x3fff, TOP)], 0x1000, 0x1000), Err(0));
        assert_eq!(room(&[(0x1000, 0x3fff), (TOP - 0x3fff, TOP)], 16, 0x1000), Ok((0x3000, 0x3fff)));
        assert_eq!(room(&[(0, TOP)], 16, 0x1000), Err(0));
    }

    #[test]
    fn room_for_records_of_small_pages_consists_of_whole_words() {
        assert_eq!(room(&[(0x103, 0x1ff)], 17, 1), Ok((0x1e8, 0x1ff)));
        assert_eq!(room(&[(0x100, 0x1fe)], 17, 1), Err(0));
        assert_eq!(room(&[(0x103, 0x117)], 17, 1), Err(16));
    }
}
