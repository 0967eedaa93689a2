//! Memory that fills with events.
//!
//! ```text
//!   recorded: 3                         later: full, 2 lost
//!   ┌───────┬───────┬───────┬ ─ ─ ┐     ┌───────┬───────┬───────┬───────┐
//!   │ first │       │       │     │     │ first │       │       │ last  │   ✗ ✗
//!   └───────┴───────┴───────┴ ─ ─ ┘     └───────┴───────┴───────┴───────┘
//! ```
//!
//! When the memory is full, recording stops; what comes then is counted as lost. The beginning is kept, and not the end,
//! because a trace is for replaying: each of its frees needs the alloc before it, and a beginning has them all. Whoever
//! wants a later part starts there: a free of an older object is left out and counted when the events become records.

use crate::Event;

/// Events as they come, until the memory is full.
///
/// All zero when [`EMPTY`](Self::EMPTY), so that a static of it costs no space in an image.
///
/// # Complexity
///
/// Every method is O(1). Recording is a test, four stores and a count; without memory, the test alone.
///
/// # Examples
///
/// ```
/// use allocator_trace::{Event, Moment, Recording};
///
/// let mut recording = Recording::EMPTY;
/// recording.record(|now| Event::free(now, 0, 0), Moment::default); // no memory yet: nothing happens
/// recording.start(Box::leak(Box::new([Event::BLANK; 2])));
/// for address in [0x1000, 0x2000, 0x3000] {
///     recording.record(|now| Event::alloc(now, address, 24, 8), Moment::default);
/// }
/// let recorded = recording.stop().expect("it was started");
/// assert_eq!((recorded.events().len(), recorded.lost()), (2, 1));
/// ```
#[derive(Debug)]
pub struct Recording {
    memory: Option<&'static mut [Event]>,
    /// Events asked for since the start; the first of them are in `memory`.
    seen: usize,
}

impl Recording {
    /// Records nothing.
    pub const EMPTY: Self = Self { memory: None, seen: 0 };

    /// Records from now on, from the start of `memory`. Memory that it had before is returned.
    pub const fn start(&mut self, memory: &'static mut [Event]) -> Option<Events> {
        let before = self.stop();
        self.memory = Some(memory);
        before
    }

    /// Records nothing more, and hands out what was recorded; `None` if nothing was being recorded.
    pub const fn stop(&mut self) -> Option<Events> {
        match self.memory.take() {
            Some(memory) => {
                let seen = self.seen;
                self.seen = 0;
                Some(Events { memory, seen })
            }
            None => None,
        }
    }

    /// Records an event; `moment` and `event` are called only if it is kept.
    #[inline(always)]
    pub fn record(&mut self, event: impl FnOnce(crate::Moment) -> Event, moment: impl FnOnce() -> crate::Moment) {
        if let Some(memory) = &mut self.memory {
            if let Some(place) = memory.get_mut(self.seen) {
                *place = event(moment());
            }
            // One is added for each call of an allocator: at a billion a second this lasts for five centuries.
            self.seen += 1;
        }
    }
}

/// What was recorded.
#[derive(Debug)]
pub struct Events {
    memory: &'static mut [Event],
    seen: usize,
}

impl Events {
    /// The events, in their order.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.memory[..self.seen.min(self.memory.len())]
    }

    /// Events that came when the memory was full.
    #[must_use]
    pub const fn lost(&self) -> usize {
        self.seen.saturating_sub(self.memory.len())
    }

    /// The memory, for the next recording.
    #[must_use]
    pub const fn into_memory(self) -> &'static mut [Event] {
        self.memory
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::boxed::Box;

    use super::*;
    use crate::Moment;

    fn memory(count: usize) -> &'static mut [Event] {
        Box::leak(std::vec![Event::BLANK; count].into_boxed_slice())
    }

    fn record(recording: &mut Recording, address: usize) {
        recording.record(|now| Event::alloc(now, address, 1, 1), || Moment { cpu: 1, ticks: 2 });
    }

    #[test]
    fn the_first_events_are_kept_and_the_others_counted() {
        let mut recording = Recording::EMPTY;
        assert!(recording.start(memory(3)).is_none());
        (1..=5).for_each(|n| record(&mut recording, n));
        let recorded = recording.stop().unwrap();
        let addresses: std::vec::Vec<u64> = recorded.events().iter().map(Event::address).collect();
        assert_eq!((addresses.as_slice(), recorded.lost()), (&[1, 2, 3][..], 2));
        assert_eq!(recorded.into_memory().len(), 3);
    }

    #[test]
    fn a_start_begins_anew_and_hands_the_old_events_out() {
        let mut recording = Recording::EMPTY;
        recording.start(memory(4));
        record(&mut recording, 7);
        let before = recording.start(memory(4)).unwrap();
        assert_eq!((before.events().len(), before.lost()), (1, 0));
        assert_eq!(recording.stop().unwrap().events().len(), 0);
        assert!(recording.stop().is_none());
    }

    #[test]
    fn nothing_is_asked_for_what_is_not_kept() {
        let mut recording = Recording::EMPTY;
        recording.record(|_| unreachable!(), || unreachable!());
        recording.start(memory(0));
        recording.record(|_| unreachable!(), || unreachable!());
        assert_eq!(recording.stop().unwrap().lost(), 1);
    }
}
