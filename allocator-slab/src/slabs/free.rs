//! What a free does when the fast path found nothing, or when it freed the last object of a word.
#![forbid(unsafe_code)]

use core::alloc::Layout;

use allocator_api::{AllocError, AllocResult, PageAllocator};

use super::{Slabs, list};
use crate::{
    class::{Class, WORD_OBJECTS},
    memory::{Classes, RecordRef, Source, State},
    size_class::{self, FRAME_BYTES, last_byte},
};

impl Slabs {
    /// Takes a block back which the fast path did not find, or refuses it.
    #[cold]
    #[inline(never)]
    pub(super) fn dealloc_slowly<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        address: usize,
        layout: Layout,
    ) -> AllocResult {
        let record = self.map.get(address);
        match record.state() {
            State::None | State::CachedPage => Err(AllocError::NotAllocated),
            State::Page | State::Run => self.dealloc_run(pages, record, address, layout),
            State::Active | State::Partial | State::Exhausted => {
                self.map.remember(address);
                let object = self.live_object(record, address, layout)?;
                self.put_object(pages, record, object);
                Ok(())
            }
        }
    }

    /// The number of the live object of the slab at `address`.
    ///
    /// # Errors
    ///
    /// `NotAllocated`: no live object begins there, or it is not of the layout's class.
    pub(super) fn live_object(&self, slab: RecordRef, address: usize, layout: Layout) -> AllocResult<usize> {
        let class = self.classes.get(usize::from(slab.class()));
        let object = class.object_at(address.wrapping_sub(slab.base()));
        let is_live = class.serves(last_byte(layout.size(), layout.align()))
            && object < class.capacity
            && slab.bits(object / WORD_OBJECTS) & (1 << (object % WORD_OBJECTS)) == 0;
        if is_live { Ok(object) } else { Err(AllocError::NotAllocated) }
    }

    /// Takes a live object back.
    fn put_object<P: PageAllocator>(&mut self, pages: &mut P, slab: RecordRef, object: usize) {
        let number = usize::from(slab.class());
        let class = self.classes.get_mut(number);
        let word = object / WORD_OBJECTS;
        let bits = slab.bits(word) | 1 << (object % WORD_OBJECTS);
        slab.set_bits(word, bits);
        class.live -= 1;
        if slab.state() == State::Exhausted {
            slab.set_fast_class(Classes::offset(number).number());
            list::push_back(class, slab);
        }
        if bits == class.full_word(word) {
            self.word_filled(pages, slab);
        }
    }

    /// Gives a slab back if no object of it is live, and it is not the active one of its class. A word of it has just
    /// become all free.
    #[inline]
    pub(super) fn word_filled<P: PageAllocator>(&mut self, pages: &mut P, slab: RecordRef) {
        if slab.state() != State::Active {
            self.give_if_unused(pages, slab);
        }
    }

    #[cold]
    #[inline(never)]
    fn give_if_unused<P: PageAllocator>(&mut self, pages: &mut P, slab: RecordRef) {
        let class = self.classes.get_mut(usize::from(slab.class()));
        if is_unused(class, slab) {
            list::unlink(class, slab);
            self.give_slab(pages, slab);
        }
    }

    /// Gives the pages, the record and the map's entries of a slab back that is in no list and not active.
    fn give_slab<P: PageAllocator>(&mut self, pages: &mut P, slab: RecordRef) {
        let class = self.classes.get_mut(usize::from(slab.class()));
        class.slabs -= 1;
        let bytes = class.slab_bytes;
        self.leave(pages, slab, slab.base(), bytes, bytes);
    }

    /// Gives back the active slabs without a live object and the pages that are kept. Returns whether there were any.
    pub(super) fn give_unused<P: PageAllocator>(&mut self, pages: &mut P) -> bool {
        let before = self.held_bytes;
        for number in 1..size_class::COUNT {
            let class = self.classes.get_mut(number);
            let slab = class.active;
            if !slab.is_none() && is_unused(class, slab) {
                (class.active, class.word) = (RecordRef::NONE, 0);
                self.give_slab(pages, slab);
            }
        }
        while let Some(page) = self.cache.pop() {
            self.leave(pages, RecordRef::cached_page(), page, Source::<P>::UNIT_BYTES, FRAME_BYTES);
        }
        self.held_bytes != before
    }
}

/// Whether no object of a slab is live.
fn is_unused(class: &Class, slab: RecordRef) -> bool {
    (0..class.words as usize).all(|word| slab.bits(word) == class.full_word(word))
}
