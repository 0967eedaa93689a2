//! Large blocks: runs of pages.
#![forbid(unsafe_code)]

use core::{alloc::Layout, ptr::NonNull};

use allocator_api::{AllocError, AllocResult, PageAllocator};

use super::Slabs;
use crate::{
    memory::{self, Classes, Place, RecordRef, Source, State},
    size_class::{FRAME_BYTES, class_of, first_of},
};

/// Bytes of the run that serves a request, a multiple of the unit.
///
/// # Errors
///
/// `NoMemory`: more than the address space has.
pub(super) fn run_bytes<P: PageAllocator>(size: usize) -> AllocResult<usize> {
    size.checked_next_multiple_of(Source::<P>::UNIT_BYTES).ok_or(AllocError::NoMemory)
}

/// Whether a request is one of exactly one page: of a size that no class but that of a page serves.
#[inline(always)]
pub(super) fn is_page<P: PageAllocator>(last_byte: usize) -> bool {
    let page = const { class_of(Source::<P>::UNIT_BYTES - 1) };
    page.is_some_and(|class| {
        let first = first_of(class);
        last_byte.wrapping_sub(first) < Source::<P>::UNIT_BYTES - first
    })
}

impl Slabs {
    /// A page that was kept, for a request of [one page](is_page).
    #[inline]
    pub(super) fn take_page<P: PageAllocator>(&mut self) -> Option<NonNull<u8>> {
        let (page, place) = self.cache.pop_page::<P>()?;
        place.set(RecordRef::page());
        self.run_bytes += Source::<P>::UNIT_BYTES;
        memory::at_address(page)
    }

    /// Takes a live page back and keeps it. `false` if there is none at `address`, or there are enough.
    #[inline]
    pub(super) fn keep_page<P: PageAllocator>(&mut self, place: Place, address: usize) -> bool {
        let is_kept = place.get() == RecordRef::page()
            && address.is_multiple_of(FRAME_BYTES)
            && self.cache.push::<P>(address, place);
        if is_kept {
            place.set(RecordRef::cached_page());
            self.run_bytes -= Source::<P>::UNIT_BYTES;
        }
        is_kept
    }

    /// A run for a request that no class serves (`class` is 0), or for one of a class that could not get a slab. If there
    /// are no pages, everything unused is given back first.
    pub(super) fn alloc_run<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        layout: Layout,
        class: u16,
    ) -> Option<NonNull<u8>> {
        let bytes = run_bytes::<P>(layout.size()).ok()?;
        // What is kept while nothing is live would lie between this run and the next ones.
        if self.run_bytes == 0 && self.live_bytes() == 0 {
            self.give_unused(pages);
        }
        let address = self.take_run(pages, bytes, layout.align(), class).or_else(|error| {
            if self.give_unused(pages) { self.take_run(pages, bytes, layout.align(), class) } else { Err(error) }
        });
        let address = address.ok()?;
        self.run_bytes += bytes;
        memory::at_address(address)
    }

    /// Takes pages, the map's entry for the first frame, and but for one unit without a class a record.
    fn take_run<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        bytes: usize,
        align: usize,
        class: u16,
    ) -> AllocResult<usize> {
        if bytes > Source::<P>::UNIT_BYTES || class != 0 {
            return self.enter(pages, (bytes, align), FRAME_BYTES).map(|record| {
                record.set_state(State::Run);
                record.set_class(class);
                record.set_bits(0, bytes as u64);
                record.base()
            });
        }
        let mut source = Source::new(pages, &mut self.held_bytes);
        let address = source.take(bytes, align)?;
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
        let (base, bytes, class) = match record.state() {
            State::Page => (address & !(FRAME_BYTES - 1), Source::<P>::UNIT_BYTES, 0),
            State::Run => (record.base(), record.bits(0) as usize, record.class()),
            _ => return Err(AllocError::NotAllocated),
        };
        let needed = Self::class_for::<P>(layout).map_or(0, |class| Classes::offset(class).number());
        let is_live =
            base == address && layout.size() != 0 && needed == class && run_bytes::<P>(layout.size()) == Ok(bytes);
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
        self.leave(pages, record, address, bytes, FRAME_BYTES);
        Ok(())
    }

    /// Changes the length of a live run where it is, and the class that it serves: none if `class` is 0. Returns `false` if the
    /// memory behind it is not free, or there is none for the records; then nothing has changed.
    pub(super) fn resize_run<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        address: usize,
        (bytes, new_bytes): (usize, usize),
        class: u16,
    ) -> bool {
        let grown = new_bytes.saturating_sub(bytes);
        let mut source = Source::new(pages, &mut self.held_bytes);
        if grown > 0 && address.checked_add(bytes).is_none_or(|end| source.take_at(end, grown).is_err()) {
            return false;
        }
        if !self.rewrite(pages, address, new_bytes, class) {
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

    /// Lets the records tell what a run is from now on. `false` if there is no memory for a record; then they are unchanged.
    fn rewrite<P: PageAllocator>(&mut self, pages: &mut P, address: usize, new_bytes: usize, class: u16) -> bool {
        let Some(place) = self.map.find(address) else {
            return false;
        };
        let old = place.get();
        let mut source = Source::new(pages, &mut self.held_bytes);
        if new_bytes == Source::<P>::UNIT_BYTES && class == 0 {
            place.set(RecordRef::page());
            if !old.is_shared() {
                self.records.give(&mut source, old);
            }
            return true;
        }
        let record = if old.is_shared() { self.records.take(&mut source) } else { Ok(old) };
        let Ok(record) = record else {
            return false;
        };
        record.set_base(address);
        record.set_state(State::Run);
        record.set_class(class);
        record.set_bits(0, new_bytes as u64);
        place.set(record);
        true
    }
}
