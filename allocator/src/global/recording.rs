//! Recordings started and stopped, where a level is [`Recorded`].
#![forbid(unsafe_code)]

use allocator_trace::{Event, Events};
use lock_api::RawMutex;

use crate::{GlobalAllocator, Recorded};

impl<A, S, P, R: RawMutex> GlobalAllocator<Recorded<A, S>, P, R> {
    /// Records every call about blocks from now on, until `memory` is full. Returns what was being recorded.
    pub fn record_blocks(&self, memory: &'static mut [Event]) -> Option<Events> {
        self.bytes.lock().recording_mut().start(memory)
    }

    /// Ends the recording of blocks; `None` if there was none.
    pub fn stop_recording_blocks(&self) -> Option<Events> {
        self.bytes.lock().recording_mut().stop()
    }
}

impl<B, A, S, R: RawMutex> GlobalAllocator<B, Recorded<A, S>, R> {
    /// Records every call about pages from now on, those of the byte level among them, until `memory` is full. Returns
    /// what was being recorded.
    pub fn record_pages(&self, memory: &'static mut [Event]) -> Option<Events> {
        self.pages.lock().pages.recording_mut().start(memory)
    }

    /// Ends the recording of pages; `None` if there was none.
    pub fn stop_recording_pages(&self) -> Option<Events> {
        self.pages.lock().pages.recording_mut().stop()
    }
}
