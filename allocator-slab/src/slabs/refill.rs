//! What an allocation does when the word at hand has no free object.
#![forbid(unsafe_code)]

use core::{alloc::Layout, ptr::NonNull};

use allocator_api::{AllocError, AllocResult, PageAllocator};

use super::{Slabs, list};
use crate::{
    class::WORD_OBJECTS,
    memory::{Classes, Offset, RecordRef, Source, State},
    size_class::{self, last_byte},
};

impl Slabs {
    /// Hands out a block which the fast path could not.
    #[cold]
    #[inline(never)]
    pub(super) fn alloc_slowly<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        layout: Layout,
    ) -> AllocResult<NonNull<u8>> {
        if layout.size() == 0 {
            return Err(AllocError::InvalidParam);
        }
        match Self::class_for::<P>(layout) {
            Some(class) => self.alloc_object(pages, class),
            None => self.alloc_run(pages, layout),
        }
    }

    /// The class of a request; `None` if pages serve it: those of a whole number of units, those above the largest
    /// class, and those aligned to more than a unit.
    pub(super) fn class_for<P: PageAllocator>(layout: Layout) -> Option<usize> {
        let class = size_class::class_of(last_byte(layout.size(), layout.align()))?;
        let is_whole = usize::from(size_class::SIZES[class]).is_multiple_of(Source::<P>::UNIT_BYTES);
        if is_whole || layout.align() > Source::<P>::UNIT_BYTES { None } else { Some(class) }
    }

    /// An object of `class`: from the next word, the next slab, or a new one.
    fn alloc_object<P: PageAllocator>(&mut self, pages: &mut P, class: usize) -> AllocResult<NonNull<u8>> {
        let offset = Classes::offset(class);
        loop {
            if let Some(block) = self.take_object(offset) {
                return Ok(block);
            }
            if !self.next_word(offset) {
                let slab = self.new_slab(pages, class)?;
                self.activate(offset, slab);
            }
        }
    }

    /// Lets the class take from the next word with a free object, of the active slab or of the first partial one. `false` if
    /// there is none.
    fn next_word(&mut self, offset: Offset) -> bool {
        let class = self.classes.at(offset);
        let active = class.active;
        if !active.is_none() {
            if self.take_from(offset, active) {
                return true;
            }
            let class = self.classes.at(offset);
            active.set_state(State::Exhausted);
            active.set_fast_class(0);
            (class.active, class.word) = (RecordRef::NONE, 0);
        }
        let class = self.classes.at(offset);
        let slab = class.head;
        if slab.is_none() {
            return false;
        }
        list::unlink(class, slab);
        self.activate(offset, slab);
        true
    }

    /// Makes a slab with a free object the active one; there is no other.
    fn activate(&mut self, offset: Offset, slab: RecordRef) {
        slab.set_state(State::Active);
        self.classes.at(offset).active = slab;
        let found = self.take_from(offset, slab);
        debug_assert!(found, "a partial slab has a free object");
    }

    /// Lets the class take from the first word of its active slab that has a free object. `false` if none has.
    fn take_from(&mut self, offset: Offset, slab: RecordRef) -> bool {
        let class = self.classes.at(offset);
        let Some(word) = (0..class.words as usize).find(|&word| slab.bits(word) != 0) else {
            return false;
        };
        class.word = slab.word_distance(word);
        class.base = slab.base() + word * WORD_OBJECTS * class.size;
        true
    }

    /// A slab of `class`, all free, from pages. If there are none, everything unused is given back first.
    fn new_slab<P: PageAllocator>(&mut self, pages: &mut P, class: usize) -> AllocResult<RecordRef> {
        if !self.classes.get(class).is_set_up() {
            self.unit_bytes = Source::<P>::UNIT_BYTES;
            self.classes.get_mut(class).set_up(class, Source::<P>::UNIT_BYTES);
        }
        self.map_slab(pages, class).or_else(|error| {
            if self.give_unused(pages) { self.map_slab(pages, class) } else { Err(error) }
        })
    }

    /// Takes pages, a record and the map's entries for a slab.
    fn map_slab<P: PageAllocator>(&mut self, pages: &mut P, number: usize) -> AllocResult<RecordRef> {
        let bytes = self.classes.get(number).slab_bytes;
        let address = Source::new(pages, &mut self.held_bytes).take(bytes, 1)?;
        let slab = self.enter(pages, address, bytes, bytes)?;
        let class = self.classes.get_mut(number);
        for word in 0..class.words as usize {
            slab.set_bits(word, class.full_word(word));
        }
        slab.set_class(number as u8);
        slab.set_fast_class(Classes::offset(number).number());
        class.slabs += 1;
        class.most_slabs = class.most_slabs.max(class.slabs);
        Ok(slab)
    }
}
