//! Events become records: addresses become objects.
//!
//! ```text
//!   events                      live objects                     records
//!   alloc   0x1000, 24    ──▶   0x1000: id 0, 24 long      ──▶   alloc   id 0, 24
//!   realloc 0x1000 → 0x3000     0x3000: id 0, 48 long            realloc id 0, 48
//!   free    0x3000                                               free    id 0
//! ```
//!
//! What a recorder did not see is dealt with as the format says: a free of an object born before is left out and counted
//! as dropped; an object over which another is born has ended unseen, and its free is inferred. Pages are given back in
//! any pieces: where a part of a run is freed, the run ends, and what is left of it is born as runs of their own.

extern crate alloc;

use alloc::{collections::BTreeMap, vec, vec::Vec};

use crate::{Census, Event, Flags, Header, Kind, Operation, Record, TraceError};

/// The records that events mean.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Records {
    /// What the objects are.
    pub kind: Kind,
    /// The records, in the order of the events.
    pub records: Vec<Record>,
    /// Frees left out, because the object was born before the first event.
    pub dropped: u32,
}

impl Records {
    /// The whole trace, as bytes, piece by piece: to a file, or to a serial port.
    ///
    /// # Errors
    ///
    /// What `sink` answers, at once.
    ///
    /// # Complexity
    ///
    /// O(records).
    ///
    /// # Examples
    ///
    /// ```
    /// use allocator_trace::{Event, Kind, Moment, Trace, records};
    ///
    /// let now = Moment::default();
    /// let events = [Event::alloc(now, 0x1000, 24, 8), Event::free(now, 0x1000, 24)];
    /// let mut bytes = Vec::new();
    /// records(Kind::Bytes, &events, 1).write("an example", |part| {
    ///     bytes.extend(part);
    ///     Ok::<(), ()>(())
    /// })?;
    /// let trace = Trace::open(&bytes).expect("it is one");
    /// assert_eq!((trace.header().census.allocs, trace.header().census.end_objects), (1, 0));
    /// # Ok::<(), ()>(())
    /// ```
    pub fn write<E>(&self, source: &str, mut sink: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        // What `records` makes keeps the rules; counts of anything else are those up to its first fault.
        let mut header = Header::new(self.kind, &self.census().unwrap_or_default(), source);
        header.dropped = self.dropped;
        sink(&header.to_bytes())?;
        self.records.iter().try_for_each(|record| sink(&record.to_bytes()))
    }

    fn census(&self) -> Result<Census, TraceError> {
        let slots = self.records.iter().map(|record| record.id as usize + 1).max().unwrap_or(0);
        Census::of(self.kind, self.records.iter().copied(), &mut vec![None; slots])
    }
}

/// Makes records of the events of a recording; `ticks_per_us` are the ticks of its clock in a microsecond.
///
/// `kind` is [`Kind::Bytes`] or [`Kind::PageRuns`]: an event has no orders.
///
/// # Complexity
///
/// O(events · log live objects).
///
/// # Examples
///
/// See [`Records::write`].
#[must_use]
pub fn records(kind: Kind, events: &[Event], ticks_per_us: u64) -> Records {
    let (first, per_us) = (events.first().map_or(0, |event| event.at().ticks), ticks_per_us.max(1));
    let mut objects = Objects { kind, ..Objects::default() };
    let (mut records, mut told_us) = (Vec::new(), 0);
    for event in events {
        objects.take(event);
        let at = event.at();
        for (id, operation) in objects.out.drain(..) {
            let now_us = at.ticks.saturating_sub(first) / per_us;
            let after_us = u32::try_from(now_us.saturating_sub(told_us)).unwrap_or(u32::MAX);
            told_us = told_us.max(now_us);
            records.push(Record { operation, cpu: at.cpu, id, after_us });
        }
    }
    Records { kind, records, dropped: objects.dropped }
}

/// An object: its slot and how long it is, in units.
#[derive(Clone, Copy, Debug)]
struct Live {
    id: u32,
    size: u32,
}

/// The live objects by their addresses.
#[derive(Debug)]
struct Objects {
    kind: Kind,
    live: BTreeMap<u64, Live>,
    vacant: Vec<u32>,
    dropped: u32,
    /// What the last event came to.
    out: Vec<(u32, Operation)>,
}

impl Default for Objects {
    fn default() -> Self {
        Self { kind: Kind::Bytes, live: BTreeMap::new(), vacant: Vec::new(), dropped: 0, out: Vec::new() }
    }
}

impl Objects {
    fn take(&mut self, event: &Event) {
        // A run begins where a page does.
        let first_unit = |address: u64| address >> self.kind.unit_log2() << self.kind.unit_log2();
        let (address, size) = (first_unit(event.address()), event.size().max(1));
        match event.operation() {
            Operation::Alloc { align_log2, flags, .. } => self.birth(address, size, align_log2, flags),
            Operation::Free { .. } => self.free(address, size),
            Operation::Realloc { .. } => match self.live.remove(&first_unit(event.from())) {
                Some(live) => {
                    self.end_below(address, size);
                    self.live.insert(address, Live { size, ..live });
                    self.out.push((live.id, Operation::Realloc { size }));
                }
                // Born before the first event: it is one from here on.
                None => {
                    self.dropped += 1;
                    self.birth(address, size, 0, Flags::NONE);
                }
            },
        }
    }

    fn birth(&mut self, address: u64, size: u32, align_log2: u8, flags: Flags) {
        self.end_below(address, size);
        let next = self.live.len() as u32;
        let id = self.vacant.pop().unwrap_or(next);
        self.live.insert(address, Live { id, size });
        self.out.push((id, Operation::Alloc { size, align_log2, flags }));
    }

    /// What lies where something else is now has ended unseen.
    fn end_below(&mut self, address: u64, size: u32) {
        while let Some((at, live)) = self.overlapping(address, size) {
            self.end(at, live, Flags::INFERRED);
        }
    }

    fn end(&mut self, at: u64, live: Live, flags: Flags) {
        self.live.remove(&at);
        self.vacant.push(live.id);
        self.out.push((live.id, Operation::Free { flags }));
    }

    /// The last object that has a unit among the `size` units from `address` on.
    fn overlapping(&self, address: u64, size: u32) -> Option<(u64, Live)> {
        let (&at, &live) = self.live.range(..self.after(address, size)).next_back()?;
        (self.after(at, live.size) > address).then_some((at, live))
    }

    /// The address behind `size` units.
    fn after(&self, address: u64, size: u32) -> u64 {
        address.saturating_add(u64::from(size) << self.kind.unit_log2())
    }

    fn free(&mut self, address: u64, size: u32) {
        // Of a block only the address counts: its size is told by its owner, and may be told wrong.
        let found = match self.kind {
            Kind::Bytes => self.live.get(&address).map(|&live| (address, live)),
            _ => self.overlapping(address, size),
        };
        let Some((mut at, mut live)) = found else {
            self.dropped += 1;
            return;
        };
        if self.kind == Kind::Bytes {
            return self.end(at, live, Flags::NONE);
        }
        let after = self.after(address, size);
        loop {
            let end = self.after(at, live.size);
            self.end(at, live, Flags::NONE);
            self.left_over(after, end);
            self.left_over(at, address);
            match self.overlapping(address, size) {
                Some((next, object)) => (at, live) = (next, object),
                None => return,
            }
        }
    }

    /// The pages from `start` to before `end`, if there are any, stay live as a run of their own.
    fn left_over(&mut self, start: u64, end: u64) {
        let page_log2 = self.kind.unit_log2();
        let pages = end.saturating_sub(start) >> page_log2;
        if pages > 0 {
            self.birth(start, pages as u32, page_log2, Flags::NONE);
        }
    }
}
