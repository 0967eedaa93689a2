//! The pool of records: units of pages, each with a bit for every free record in it.
//!
//! ```text
//!   unit    ┌────────┬────────┬────────┬─── ───┬────────┐
//!           │ header │ record │ record │   …   │ record │   63 records after the header
//!           └───┬────┴────────┴────────┴─── ───┴────────┘
//!               └─▶ next, previous: the units that have a free record
//! ```
//!
//! A unit whose last record comes back goes back to the page level. Taking and giving touch one header, or three; nothing is
//! done for the records that were never used.

use core::{mem, ptr};

use allocator_api::{AllocResult, PageAllocator};

mod inspect;

use super::{
    record::{RECORD_BYTES, RecordRef},
    source::Source,
};
use crate::size_class::FRAME_BYTES;

/// What stands at the start of a unit: in the place of one record.
#[repr(C)]
struct Header {
    /// A bit for each free record; bit 0, the header's own, is never set.
    free: u64,
    /// The address of the next unit with a free record; 0 if there is none.
    next: usize,
    /// The address of the previous one.
    previous: usize,
}

/// All records of a unit that holds none.
const ALL_FREE: u64 = !1;
const _: () =
    assert!(mem::size_of::<Header>() <= RECORD_BYTES && FRAME_BYTES / RECORD_BYTES == u64::BITS as usize);

/// The pool.
#[derive(Debug)]
pub(crate) struct Records {
    /// The address of a unit with a free record; 0 if there is none.
    head: usize,
    /// Units held.
    units: usize,
    /// Records taken.
    taken: usize,
}

impl Records {
    pub(crate) const EMPTY: Self = Self { head: 0, units: 0, taken: 0 };

    /// Records taken.
    pub(crate) const fn taken(&self) -> usize {
        self.taken
    }

    /// Takes a record of nothing.
    ///
    /// # Errors
    ///
    /// `NoMemory`: every record is taken, and there is no page for more.
    pub(crate) fn take<P: PageAllocator>(&mut self, source: &mut Source<'_, P>) -> AllocResult<RecordRef> {
        if self.head == 0 {
            let unit = source.take_unit()?;
            write(unit, Header { free: ALL_FREE, next: 0, previous: 0 });
            self.head = unit;
            self.units += 1;
        }
        let unit = self.head;
        let header = header(unit);
        // SAFETY: `header` points to the header of a unit that is held; its fields are plain numbers.
        let free = unsafe { (*header).free };
        let rest = free & (free - 1);
        // SAFETY: as above.
        unsafe { (*header).free = rest };
        if rest == 0 {
            self.unlink(unit);
        }
        self.taken += 1;
        // SAFETY: 1. A free record of a unit: nobody else's, in pages taken from a page allocator, whose memory has
        // exposed provenance.
        Ok(unsafe { RecordRef::at(unit + free.trailing_zeros() as usize * RECORD_BYTES) })
    }

    /// Takes a record back. Nothing refers to it any more.
    pub(crate) fn give<P: PageAllocator>(&mut self, source: &mut Source<'_, P>, record: RecordRef) {
        let unit = record.address() & !(FRAME_BYTES - 1);
        let bit = 1 << ((record.address() - unit) / RECORD_BYTES);
        let header = header(unit);
        self.taken -= 1;
        // SAFETY: `header` points to the header of a unit that is held, since a record of it was taken.
        let before = unsafe { (*header).free };
        debug_assert!(before & bit == 0);
        // SAFETY: as above.
        unsafe { (*header).free = before | bit };
        if before == 0 {
            self.link(unit);
        }
        if before | bit == ALL_FREE {
            self.unlink(unit);
            self.units -= 1;
            source.give(unit, Source::<P>::UNIT_BYTES);
        }
    }

    /// Puts a unit in front of the list.
    fn link(&mut self, unit: usize) {
        let next = self.head;
        // SAFETY: both are units that are held.
        unsafe {
            (*header(unit)).next = next;
            (*header(unit)).previous = 0;
            if next != 0 {
                (*header(next)).previous = unit;
            }
        }
        self.head = unit;
    }

    /// Takes a unit out of the list.
    fn unlink(&mut self, unit: usize) {
        // SAFETY: a unit that is held, and in the list, so that its neighbours are held too.
        unsafe {
            let (next, previous) = ((*header(unit)).next, (*header(unit)).previous);
            if next != 0 {
                (*header(next)).previous = previous;
            }
            if previous == 0 {
                self.head = next;
            } else {
                (*header(previous)).next = next;
            }
        }
    }
}

fn header(unit: usize) -> *mut Header {
    ptr::with_exposed_provenance_mut(unit)
}

/// Begins a unit that was taken just now.
fn write(unit: usize, begin: Header) {
    // SAFETY: `unit` is the start of pages that are this pool's alone; they are aligned.
    unsafe { header(unit).write(begin) }
}
