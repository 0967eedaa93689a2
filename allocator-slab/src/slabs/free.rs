//! What a free does when the fast path found nothing, or when it freed the last object of a word.
#![forbid(unsafe_code)]

use core::{alloc::Layout, hint::black_box};

use allocator_api::{AllocError, AllocResult, PageAllocator};

use super::{Slabs, guests, list};
use crate::{
    memory::{CLASS_COUNT, Classes, Offset, RecordRef, Source, State},
    size_class::{FRAME_BYTES, last_byte},
};

impl Slabs {
    /// The slab and the number of the object at `address`, live or free, if the slab is of the class at `offset`, has no guests and
    /// is found without a walk.
    #[inline(always)]
    pub(super) fn find_object(&mut self, address: usize, offset: Offset) -> Option<(RecordRef, usize)> {
        let slab = self.map.near(address);
        let class = self.classes.at(offset);
        let object = class.object_at(address.wrapping_sub(slab.base()));
        (slab.fast_class() == offset.number() && object < class.capacity).then_some((slab, object))
    }

    /// Whether the object at `address` is live; `None` unless it is at hand, or [`find_object`](Self::find_object) finds it.
    #[inline(always)]
    pub(super) fn is_live_object(&mut self, address: usize, offset: Offset) -> Option<bool> {
        if let Some(is_free) = self.classes.at(offset).is_free_at_hand(address) {
            return Some(!is_free);
        }
        let (slab, object) = self.find_object(address, offset)?;
        Some(!slab.has_bit(object))
    }

    /// Takes a block back which the fast paths did not find, or refuses it.
    #[cold]
    #[inline(never)]
    pub(super) fn dealloc_slowly<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        address: usize,
        layout: Layout,
    ) -> AllocResult {
        let record = self.map.find(address).ok_or(AllocError::NotAllocated)?.get();
        match record.state() {
            State::Partial | State::Exhausted => {
                let object = self.live_object(record, address, layout)?;
                self.put_object(pages, record, object)
            }
            State::Page | State::Run => self.dealloc_run(pages, record, address, layout),
            State::None | State::CachedPage => Err(AllocError::NotAllocated),
        }
    }

    /// The number of the live object of the slab at `address`.
    ///
    /// # Errors
    ///
    /// `NotAllocated`: no live object begins there, or it is not of the layout's class.
    pub(super) fn live_object(&self, slab: RecordRef, address: usize, layout: Layout) -> AllocResult<usize> {
        let class = self.classes.look_at(slab);
        let object = class.object_at(address.wrapping_sub(slab.base()));
        if object >= class.capacity || class.is_free(slab, object) {
            return Err(AllocError::NotAllocated);
        }
        let is_its_layout = match guests::class_of_guest(class, slab, object) {
            Some(guest) => guests::guest_class(layout) == Some(guest),
            None => class.serves(last_byte(layout.size(), layout.align())),
        };
        if is_its_layout { Ok(object) } else { Err(AllocError::NotAllocated) }
    }

    /// Takes a live object back.
    pub(super) fn put_object<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        slab: RecordRef,
        object: usize,
    ) -> AllocResult {
        let class = self.classes.class_of(slab);
        slab.set_bit(object);
        class.live -= 1;
        guests::leave(class, slab, object);
        list::first_came(self.classes.class_of(slab), slab);
        self.last_came(pages, slab)
    }

    /// Gives a listed slab back to the page level if it has no live object, and none at hand.
    #[inline(never)]
    pub(super) fn last_came<P: PageAllocator>(&mut self, pages: &mut P, slab: RecordRef) -> AllocResult {
        let class = self.classes.class_of(slab);
        if class.is_unused(slab) {
            list::unlink(class, slab);
            self.give_slab(pages, slab);
        }
        // Were it known that this is always the answer, callers would give it themselves, and need a frame for that.
        black_box(Ok(()))
    }

    /// Gives the pages, the record and the map's entries of a slab back that is in no list and not active.
    #[cold]
    #[inline(never)]
    pub(super) fn give_slab<P: PageAllocator>(&mut self, pages: &mut P, slab: RecordRef) {
        let class = self.classes.class_of(slab);
        class.slabs -= 1;
        let (address, bytes) = (slab.base(), class.slab_bytes);
        if let Some(place) = self.map.find_near(address)
            && self.cache.push_of::<P>(bytes, address, place)
        {
            place.set(RecordRef::cached_page());
            self.records.give(&mut Source::new(pages, &mut self.held_bytes), slab);
            return;
        }
        self.leave(pages, slab, address, bytes, bytes);
    }

    /// Gives the active slab of a class back, which has no live object.
    pub(super) fn give_active<P: PageAllocator>(&mut self, pages: &mut P, offset: Offset) {
        let class = self.classes.at(offset);
        let slab = class.close();
        if slab.state() == State::Partial {
            list::unlink(class, slab);
        }
        self.give_slab(pages, slab);
    }

    /// Gives back the active slabs without a live object and the pages that are kept. Returns whether there were any.
    pub(super) fn give_unused<P: PageAllocator>(&mut self, pages: &mut P) -> bool {
        let before = self.held_bytes;
        for number in 1..CLASS_COUNT {
            if self.classes.get(number).keeps_unused() {
                self.give_active(pages, Classes::offset(number));
            }
        }
        while let Some((page, _)) = self.cache.pop() {
            self.leave(pages, RecordRef::cached_page(), page, self.cache.unit_bytes(), FRAME_BYTES);
        }
        self.held_bytes != before
    }
}
