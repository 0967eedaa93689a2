//! The check of the pool.

use super::{ALL_FREE, Records, header};
use crate::{
    memory::record::{RECORD_BYTES, RecordRef},
    size_class::FRAME_BYTES,
};

impl Records {
    /// Units held.
    pub(crate) const fn units(&self) -> usize {
        self.units
    }

    /// Whether a record of a unit that is held is taken.
    pub(crate) fn is_taken(record: RecordRef) -> bool {
        let unit = record.address() & !(FRAME_BYTES - 1);
        // SAFETY: `header` points to the header of a unit that is held.
        let free = unsafe { (*header(unit)).free };
        free >> ((record.address() - unit) / RECORD_BYTES) & 1 == 0 && record.address() != unit
    }

    /// Checks the list of units with a free record, and the counts.
    ///
    /// # Errors
    ///
    /// The name of the first rule found broken.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let (mut unit, mut previous, mut listed, mut free_records) = (self.head, 0, 0, 0);
        while unit != 0 {
            if listed == self.units {
                return Err("the list of record pages has no more than are held");
            }
            // SAFETY: `header` points to the header of a unit that is held, since the list leads to it.
            let (free, next, back) =
                unsafe { ((*header(unit)).free, (*header(unit)).next, (*header(unit)).previous) };
            if back != previous {
                return Err("record pages are linked in both directions");
            }
            if free == 0 || free == ALL_FREE || free & !ALL_FREE != 0 {
                return Err("a listed record page has a free record and one that is taken");
            }
            free_records += free.count_ones() as usize;
            listed += 1;
            (previous, unit) = (unit, next);
        }
        if self.taken != self.units * ALL_FREE.count_ones() as usize - free_records {
            return Err("the pool counts the records that are taken");
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "../../../tests/unit/records.rs"]
mod tests;
