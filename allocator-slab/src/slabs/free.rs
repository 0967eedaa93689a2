//! What a free does when the fast path found nothing, or when it freed the last object of a word.
#![forbid(unsafe_code)]

use core::alloc::Layout;

use allocator_api::{AllocError, AllocResult, PageAllocator};

use super::{Slabs, guests, list, runs::is_page};
use crate::{
    memory::{CLASS_COUNT, Classes, Offset, RecordRef, Source, State},
    size_class::{FRAME_BYTES, last_byte},
};

impl Slabs {
    /// Takes a block back that is not of the word that its class takes from.
    #[inline(never)]
    pub(super) fn dealloc_elsewhere<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        address: usize,
        offset: Offset,
        layout: Layout,
    ) -> AllocResult {
        match self.find_object(address, offset) {
            Some((slab, object)) => self.put_found(pages, slab, object, offset),
            None => self.dealloc_slowly(pages, address, layout),
        }
    }

    /// The slab and the number of the object at `address`, live or free, if the slab is of the class at `offset`, has no guests and
    /// is found without a walk.
    #[inline(always)]
    fn find_object(&mut self, address: usize, offset: Offset) -> Option<(RecordRef, usize)> {
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

    /// Takes an object back that [`find_object`](Self::find_object) found, if it is live.
    #[inline(always)]
    fn put_found<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        slab: RecordRef,
        object: usize,
        offset: Offset,
    ) -> AllocResult {
        let class = self.classes.at(offset);
        let (before, after) = slab.set_bit(object);
        if before == after {
            return Err(AllocError::NotAllocated);
        }
        class.live -= 1;
        if before == 0 || Classes::is_full_word(class, object, after) {
            return self.word_changed(pages, slab);
        }
        Ok(())
    }

    /// Takes a block back that is too large for the table of classes.
    #[inline(never)]
    pub(super) fn dealloc_large<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        address: usize,
        layout: Layout,
    ) -> AllocResult {
        if is_page::<P>(last_byte(layout.size(), layout.align()))
            && let Some(place) = self.map.find_near(address)
            && self.keep_page::<P>(place, address)
        {
            return Ok(());
        }
        self.dealloc_larger(pages, address, layout)
    }

    /// As [`dealloc_large`](Self::dealloc_large), for what is no page that can be kept.
    #[inline(never)]
    fn dealloc_larger<P: PageAllocator>(&mut self, pages: &mut P, address: usize, layout: Layout) -> AllocResult {
        match Self::class_for::<P>(layout) {
            Some(class) => match self.classes.get_mut(class).put(address) {
                Some(answer) => answer,
                None => self.dealloc_elsewhere(pages, address, Classes::offset(class), layout),
            },
            None => self.dealloc_slowly(pages, address, layout),
        }
    }

    /// Takes a block back which the fast paths did not find, or refuses it.
    #[cold]
    #[inline(never)]
    fn dealloc_slowly<P: PageAllocator>(&mut self, pages: &mut P, address: usize, layout: Layout) -> AllocResult {
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
        self.word_changed(pages, slab)
    }

    /// Does what is to do when a word of a slab has got its first free object, or its last: an exhausted slab goes into the list,
    /// an unused one back to the page level, unless it is the active one.
    #[inline(never)]
    pub(super) fn word_changed<P: PageAllocator>(&mut self, pages: &mut P, slab: RecordRef) -> AllocResult {
        let class = self.classes.class_of(slab);
        if slab.state() == State::Exhausted {
            // It has two objects or more, so that another one is live, or one at hand.
            list::push_back(class, slab);
        } else if class.is_unused(slab) {
            list::unlink(class, slab);
            self.give_slab(pages, slab);
        }
        Ok(())
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
