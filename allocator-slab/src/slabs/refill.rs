//! What an allocation does when the word at hand has no free object.
#![forbid(unsafe_code)]

use core::{alloc::Layout, ptr::NonNull};

use allocator_api::{AllocError, AllocResult, PageAllocator};

use super::{Slabs, list, runs::is_page};
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
        let last_byte = last_byte(layout.size(), layout.align());
        if is_page::<P>(last_byte)
            && let Some(block) = self.take_page::<P>()
        {
            return Ok(block);
        }
        if layout.size() == 0 {
            return Err(AllocError::InvalidParam);
        }
        let answer = match Self::class_for::<P>(layout) {
            Some(class) => self.alloc_object(pages, Classes::offset(class), layout),
            None => self.alloc_run(pages, layout, 0),
        };
        answer.or_else(|error| self.alloc_guest(layout).ok_or(error))
    }

    /// The class of a request; `None` if pages serve it: those of a whole number of units, those above the largest
    /// class, and those aligned to more than a unit.
    pub(super) fn class_for<P: PageAllocator>(layout: Layout) -> Option<usize> {
        let class = size_class::class_of(last_byte(layout.size(), layout.align()))?;
        let is_whole = usize::from(size_class::SIZES[class]).is_multiple_of(Source::<P>::UNIT_BYTES);
        if is_whole || layout.align() > Source::<P>::UNIT_BYTES { None } else { Some(class) }
    }

    /// An object of a class: from the next word, the next slab, or a new one. Where there are no pages for a slab, a run that is
    /// large enough for the object serves.
    fn alloc_object<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        offset: Offset,
        layout: Layout,
    ) -> AllocResult<NonNull<u8>> {
        loop {
            if let Some(block) = self.take_object(offset) {
                return Ok(block);
            }
            if !self.next_word(offset) {
                match self.new_slab(pages, offset) {
                    Ok(slab) => self.activate(offset, slab),
                    Err(_) => return self.alloc_run(pages, layout, offset.number()),
                }
            }
        }
    }

    /// Lets the class take from the next word with a free object, of the active slab or of the first partial one. `false` if
    /// there is none.
    pub(super) fn next_word(&mut self, offset: Offset) -> bool {
        let class = self.classes.at(offset);
        let active = class.active;
        if !active.is_end() {
            if class.words > 1 && self.take_from(offset, active) {
                return true;
            }
            let class = self.classes.at(offset);
            active.set_state(State::Exhausted);
            active.set_fast_class(0);
            (class.active, class.word) = (RecordRef::END, 0);
        }
        let class = self.classes.at(offset);
        let slab = class.head;
        if slab.is_end() {
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

    /// A slab of a class, all free, from pages. If there are none, everything unused is given back first.
    fn new_slab<P: PageAllocator>(&mut self, pages: &mut P, offset: Offset) -> AllocResult<RecordRef> {
        let class = self.classes.at(offset);
        if !class.is_set_up() {
            class.set_up(offset.class(), Source::<P>::UNIT_BYTES);
        }
        self.map_slab(pages, offset).or_else(|error| {
            if self.give_unused(pages) { self.map_slab(pages, offset) } else { Err(error) }
        })
    }

    /// Takes pages, a record and the map's entries for a slab.
    fn map_slab<P: PageAllocator>(&mut self, pages: &mut P, offset: Offset) -> AllocResult<RecordRef> {
        let bytes = self.classes.at(offset).slab_bytes;
        let address = Source::new(pages, &mut self.held_bytes).take(bytes, 1)?;
        let slab = self.enter(pages, address, bytes, bytes)?;
        let class = self.classes.at(offset);
        for (word, &bits) in class.full.iter().enumerate() {
            slab.set_bits(word, bits);
        }
        slab.set_class(offset.number());
        slab.set_fast_class(offset.number());
        class.slabs += 1;
        class.most_slabs = class.most_slabs.max(class.slabs);
        Ok(slab)
    }
}
