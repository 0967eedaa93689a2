//! Large blocks: runs of pages.
#![forbid(unsafe_code)]

use core::{alloc::Layout, ptr::NonNull};

use allocator_api::{AllocError, AllocResult, PageAllocator};

use super::Slabs;
use crate::{
    memory::{self, RecordRef, Source, State},
    size_class::FRAME_BYTES,
};

/// Bytes of the run that serves a request, a multiple of the unit.
///
/// # Errors
///
/// `NoMemory`: more than the address space has.
pub(super) fn run_bytes<P: PageAllocator>(size: usize) -> AllocResult<usize> {
    size.checked_next_multiple_of(Source::<P>::UNIT_BYTES).ok_or(AllocError::NoMemory)
}

impl Slabs {
    /// A run for a request that no class serves. If there are no pages, everything unused is given back first.
    pub(super) fn alloc_run<P: PageAllocator>(&mut self, pages: &mut P, layout: Layout) -> AllocResult<NonNull<u8>> {
        self.unit_bytes = Source::<P>::UNIT_BYTES;
        let bytes = run_bytes::<P>(layout.size())?;
        if bytes == Source::<P>::UNIT_BYTES
            && layout.align() <= bytes
            && let Some(page) = self.cache.pop()
        {
            self.map.change(page, RecordRef::page());
            self.run_bytes += bytes;
            return memory::at_address(page).ok_or(AllocError::NoMemory);
        }
        let address = self.take_run(pages, bytes, layout.align()).or_else(|error| {
            if self.give_unused(pages) { self.take_run(pages, bytes, layout.align()) } else { Err(error) }
        })?;
        self.run_bytes += bytes;
        memory::at_address(address).ok_or(AllocError::NoMemory)
    }

    /// Takes pages, the map's entry for the first frame, and for more than one unit a record.
    fn take_run<P: PageAllocator>(&mut self, pages: &mut P, bytes: usize, align: usize) -> AllocResult<usize> {
        let mut source = Source::new(pages, &mut self.held_bytes);
        let address = source.take(bytes, align)?;
        if bytes > Source::<P>::UNIT_BYTES {
            return self.enter(pages, address, bytes, FRAME_BYTES).map(|record| {
                record.set_state(State::Run);
                record.set_bits(0, bytes as u64);
                address
            });
        }
        if let Err(error) = self.map.set(&mut source, address, FRAME_BYTES, RecordRef::page()) {
            source.give(address, bytes);
            return Err(error);
        }
        Ok(address)
    }

    /// The live run at `address`, as long as `layout` needs: its length in bytes.
    ///
    /// # Errors
    ///
    /// `NotAllocated`: no run begins there, or it is not of the layout's length.
    pub(super) fn live_run<P: PageAllocator>(
        &self,
        record: RecordRef,
        address: usize,
        layout: Layout,
    ) -> AllocResult<usize> {
        let (base, bytes) = match record.state() {
            State::Page => (address & !(FRAME_BYTES - 1), Source::<P>::UNIT_BYTES),
            State::Run => (record.base(), record.bits(0) as usize),
            _ => return Err(AllocError::NotAllocated),
        };
        let is_live = base == address
            && layout.size() != 0
            && Self::class_for::<P>(layout).is_none()
            && run_bytes::<P>(layout.size()) == Ok(bytes);
        if is_live { Ok(bytes) } else { Err(AllocError::NotAllocated) }
    }

    /// Takes a run back.
    pub(super) fn dealloc_run<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        record: RecordRef,
        address: usize,
        layout: Layout,
    ) -> AllocResult {
        let bytes = self.live_run::<P>(record, address, layout)?;
        self.run_bytes -= bytes;
        if record == RecordRef::page() && self.cache.push(address) {
            self.map.change(address, RecordRef::cached_page());
            return Ok(());
        }
        self.leave(pages, record, address, bytes, FRAME_BYTES);
        Ok(())
    }

    /// Changes the length of a live run where it is. Returns `false` if the memory behind it is not free, or there is none
    /// for the records; then nothing has changed.
    pub(super) fn resize_run<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        address: usize,
        bytes: usize,
        new_bytes: usize,
    ) -> bool {
        let grown = new_bytes.saturating_sub(bytes);
        let mut source = Source::new(pages, &mut self.held_bytes);
        if grown > 0 && source.take_at(address + bytes, grown).is_err() {
            return false;
        }
        if !self.rewrite(pages, address, bytes, new_bytes) {
            if grown > 0 {
                Source::new(pages, &mut self.held_bytes).give(address + bytes, grown);
            }
            return false;
        }
        if bytes > new_bytes {
            Source::new(pages, &mut self.held_bytes).give(address + new_bytes, bytes - new_bytes);
        }
        self.run_bytes = self.run_bytes - bytes + new_bytes;
        true
    }

    /// Lets the records tell the new length of a run. `false` if there is no memory for a record; then they are unchanged.
    fn rewrite<P: PageAllocator>(&mut self, pages: &mut P, address: usize, bytes: usize, new_bytes: usize) -> bool {
        let (old, unit) = (self.map.get(address), Source::<P>::UNIT_BYTES);
        let mut source = Source::new(pages, &mut self.held_bytes);
        let mut record = old;
        if bytes == unit {
            let Ok(new) = self.records.take(&mut source) else {
                return false;
            };
            new.set_base(address);
            new.set_state(State::Run);
            self.map.change(address, new);
            record = new;
        }
        if new_bytes == unit {
            self.map.change(address, RecordRef::page());
            self.records.give(&mut source, old);
        } else {
            record.set_bits(0, new_bytes as u64);
        }
        true
    }
}
