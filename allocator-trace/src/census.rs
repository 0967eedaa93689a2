//! What the records of a trace add up to.

use crate::{Flags, Kind, Operation, Record, TraceError};

/// What the records of a trace add up to.
///
/// # Complexity
///
/// Counting is O(records).
///
/// # Examples
///
/// ```
/// use allocator_trace::{Census, Flags, Kind, Operation, Record};
///
/// let record = |operation| Record { operation, cpu: 0, id: 5, after_us: 0 };
/// let records = [
///     record(Operation::Alloc { size: 100, align_log2: 3, flags: Flags::NONE }),
///     record(Operation::Realloc { size: 40 }),
/// ];
/// let census = Census::of(Kind::Bytes, records, &mut [None; 6])?;
/// assert_eq!((census.peak_units, census.end_units, census.slots), (100, 40, 6));
/// # Ok::<(), allocator_trace::TraceError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Census {
    /// The number of records.
    pub records: u64,
    /// The highest processor or thread, plus one.
    pub cpus: u16,
    /// The highest id, plus one.
    pub slots: u32,
    /// Frees that were not seen.
    pub inferred: u32,
    /// Objects born.
    pub allocs: u64,
    /// The most bytes or pages live together; requested, not rounded.
    pub peak_units: u64,
    /// Bytes or pages live after the last record.
    pub end_units: u64,
    /// The most objects live together.
    pub peak_objects: u32,
    /// Objects live after the last record.
    pub end_objects: u32,
}

impl Census {
    /// Counts the records; `live` is room for the sizes of live objects, one for each id.
    ///
    /// # Errors
    ///
    /// - [`TraceError::AllocOfLive`], [`TraceError::NotLive`], [`TraceError::Size`]: the records break a rule of traces.
    pub fn of(
        kind: Kind,
        records: impl IntoIterator<Item = Record>,
        live: &mut [Option<u32>],
    ) -> Result<Self, TraceError> {
        live.fill(None);
        let mut census = Self::default();
        for record in records {
            census.records += 1;
            census.cpus = census.cpus.max(u16::from(record.cpu) + 1);
            census.slots = census.slots.max(record.id.saturating_add(1));
            census.count(kind, &record, live)?;
            census.peak_units = census.peak_units.max(census.end_units);
            census.peak_objects = census.peak_objects.max(census.end_objects);
        }
        Ok(census)
    }

    fn count(&mut self, kind: Kind, record: &Record, live: &mut [Option<u32>]) -> Result<(), TraceError> {
        let slot = live.get_mut(record.id as usize).ok_or(TraceError::AllocOfLive(record.id))?;
        match (record.operation, slot.take()) {
            (Operation::Alloc { .. }, Some(_)) => return Err(TraceError::AllocOfLive(record.id)),
            (Operation::Free { .. } | Operation::Realloc { .. }, None) => {
                return Err(TraceError::NotLive(record.id));
            }
            (Operation::Alloc { size, .. }, None) => {
                let size = kind.units(size)?;
                *slot = Some(size);
                self.allocs += 1;
                self.end_objects += 1;
                self.end_units += u64::from(size);
            }
            (Operation::Realloc { size }, Some(before)) => {
                let size = kind.units(size)?;
                *slot = Some(size);
                self.end_units = self.end_units - u64::from(before) + u64::from(size);
            }
            (Operation::Free { flags }, Some(before)) => {
                self.inferred += u32::from(flags.contains(Flags::INFERRED));
                self.end_objects -= 1;
                self.end_units -= u64::from(before);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alloc(id: u32, size: u32) -> Record {
        Record { operation: Operation::Alloc { size, align_log2: 3, flags: Flags::NONE }, cpu: 0, id, after_us: 1 }
    }

    fn free(id: u32, cpu: u8, flags: Flags) -> Record {
        Record { operation: Operation::Free { flags }, cpu, id, after_us: 1 }
    }

    #[test]
    fn everything_is_counted() {
        let realloc = Record { operation: Operation::Realloc { size: 1000 }, cpu: 0, id: 2, after_us: 0 };
        let records = [
            alloc(2, 100),
            alloc(0, 10),
            realloc,
            free(2, 4, Flags::INFERRED),
            alloc(2, 7),
            free(0, 0, Flags::NONE),
        ];
        let census = Census::of(Kind::Bytes, records, &mut [Some(1); 3]).unwrap();
        let expected = Census {
            records: 6,
            cpus: 5,
            slots: 3,
            inferred: 1,
            allocs: 3,
            peak_units: 1010,
            end_units: 7,
            peak_objects: 2,
            end_objects: 1,
        };
        assert_eq!(census, expected);
    }

    #[test]
    fn pages_are_counted_in_pages() {
        let records = [alloc(0, 3), alloc(1, 0)];
        let peak = |kind| Census::of(kind, records, &mut [None; 2]).map(|census| census.peak_units);
        assert_eq!(peak(Kind::PageOrders { page_log2: 12 }), Ok(9));
        assert_eq!(peak(Kind::PageRuns { page_log2: 12 }), Err(TraceError::Size(0)));
    }

    #[test]
    fn records_that_break_a_rule_are_refused() {
        let mut live = [None; 2];
        assert_eq!(
            Census::of(Kind::Bytes, [alloc(1, 1), alloc(1, 1)], &mut live),
            Err(TraceError::AllocOfLive(1))
        );
        assert_eq!(Census::of(Kind::Bytes, [alloc(2, 1)], &mut live), Err(TraceError::AllocOfLive(2)));
        assert_eq!(Census::of(Kind::Bytes, [free(1, 0, Flags::NONE)], &mut live), Err(TraceError::NotLive(1)));
        let realloc = Record { operation: Operation::Realloc { size: 1 }, cpu: 0, id: 0, after_us: 0 };
        assert_eq!(Census::of(Kind::Bytes, [realloc], &mut live), Err(TraceError::NotLive(0)));
    }
}
