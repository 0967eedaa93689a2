//! What an allocation does when the word at hand has no free object.
#![forbid(unsafe_code)]

use core::{alloc::Layout, ptr::NonNull};

use allocator_api::{AllocResult, PageAllocator};

use super::{
    Slabs, list,
    runs::{is_page, run_bytes},
};
use crate::{
    class::{Class, WORD_OBJECTS},
    memory::{Classes, Offset, Place, RecordRef, Source, State},
    size_class::{self, last_byte},
};

impl Slabs {
    /// Hands out an object of a class whose word at hand has none.
    #[inline(never)]
    pub(super) fn alloc_next<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        offset: Offset,
        layout: Layout,
    ) -> Option<NonNull<u8>> {
        match self.take_next(offset) {
            Some(block) => Some(block),
            None => self.alloc_anew(pages, offset, layout),
        }
    }

    /// Hands out a block that is too large for the table of classes, or nothing at all.
    #[inline(never)]
    pub(super) fn alloc_large<P: PageAllocator>(&mut self, pages: &mut P, layout: Layout) -> Option<NonNull<u8>> {
        if is_page::<P>(last_byte(layout.size(), layout.align()))
            && let Some(block) = self.take_page::<P>()
        {
            return Some(block);
        }
        self.alloc_larger(pages, layout)
    }

    /// As [`alloc_large`](Self::alloc_large), without a page that was kept.
    #[inline(never)]
    fn alloc_larger<P: PageAllocator>(&mut self, pages: &mut P, layout: Layout) -> Option<NonNull<u8>> {
        if layout.size() == 0 {
            return None;
        }
        match Self::class_for::<P>(layout).map(Classes::offset) {
            Some(offset) => match self.take_object(offset) {
                Some(block) => Some(block),
                None => self.alloc_next(pages, offset, layout),
            },
            None => self.alloc_run(pages, layout, 0).or_else(|| self.alloc_guest(layout)),
        }
    }

    /// Hands out an object of a new slab. Where there are no pages for one, a run that is large enough for the object serves, or
    /// a free object of a larger class.
    #[cold]
    #[inline(never)]
    fn alloc_anew<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        offset: Offset,
        layout: Layout,
    ) -> Option<NonNull<u8>> {
        self.take_of_new_slab(pages, offset)
            .or_else(|| self.alloc_run(pages, layout, offset.number()))
            .or_else(|| self.alloc_guest(layout))
    }

    /// An object of a new slab; `None` if there are no pages for one.
    #[inline]
    pub(super) fn take_of_new_slab<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        offset: Offset,
    ) -> Option<NonNull<u8>> {
        let slab = self.new_slab(pages, offset).ok()?;
        activate(self.classes.at(offset), slab)
    }

    /// The class of a request; `None` if pages serve it: those of a whole number of units, and those above the largest
    /// class. An alignment of more than a unit makes it a whole number.
    pub(super) fn class_for<P: PageAllocator>(layout: Layout) -> Option<usize> {
        let class = size_class::class_of(last_byte(layout.size(), layout.align()))?;
        let is_whole = usize::from(size_class::SIZES[class]).is_multiple_of(Source::<P>::UNIT_BYTES);
        if is_whole { None } else { Some(class) }
    }

    /// Bytes of a block for `layout` that its owner may use; 0 if nothing can serve it.
    pub(crate) fn usable_size<P: PageAllocator>(layout: Layout) -> usize {
        match Self::class_for::<P>(layout) {
            Some(class) => usize::from(size_class::SIZES[class]),
            None => run_bytes::<P>(layout.size()).unwrap_or(0),
        }
    }

    /// An object of the next word that has one, of the active slab or of the first partial one. `None` if there is none.
    #[inline]
    pub(super) fn take_next(&mut self, offset: Offset) -> Option<NonNull<u8>> {
        let class = self.classes.at(offset);
        let active = class.active;
        if !active.is_end() {
            if let Some(object) = take_from(class, active) {
                return Some(object);
            }
            active.set_state(State::Exhausted);
        }
        let slab = class.head;
        if slab.is_end() {
            class.close();
            return None;
        }
        list::pop_front(class, slab);
        activate(class, slab)
    }

    /// A slab of a class, all free, from pages. If there are none, everything unused is given back first.
    fn new_slab<P: PageAllocator>(&mut self, pages: &mut P, offset: Offset) -> AllocResult<RecordRef> {
        let class = self.classes.at(offset);
        if !class.is_set_up() {
            class.set_up(offset.class(), Source::<P>::UNIT_BYTES);
        }
        self.map_slab(pages, offset)
            .or_else(|error| if self.give_unused(pages) { self.map_slab(pages, offset) } else { Err(error) })
    }

    /// Takes a record for a page that was kept, and enters it.
    ///
    /// # Errors
    ///
    /// `NoMemory`: there is no page for the record; the page is kept again.
    fn enter_kept<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        page: usize,
        place: Place,
    ) -> AllocResult<RecordRef> {
        let record = self.records.take(&mut Source::new(pages, &mut self.held_bytes));
        match record {
            Ok(record) => {
                record.set_base(page);
                place.set(record);
            }
            Err(_) => {
                let kept = self.cache.push::<P>(page, place);
                debug_assert!(kept, "it has just left its room");
            }
        }
        record
    }

    /// Takes pages, a record and the map's entries for a slab.
    fn map_slab<P: PageAllocator>(&mut self, pages: &mut P, offset: Offset) -> AllocResult<RecordRef> {
        let bytes = self.classes.at(offset).slab_bytes;
        let slab = match self.cache.pop_for::<P>(bytes) {
            Some((page, place)) => self.enter_kept(pages, page, place)?,
            None => self.enter(pages, (bytes, 1), bytes)?,
        };
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

/// Makes a slab with a free object the active one, and takes an object; there is no other.
#[inline]
fn activate(class: &mut Class, slab: RecordRef) -> Option<NonNull<u8>> {
    slab.set_state(State::Active);
    class.active = slab;
    let object = take_from(class, slab);
    debug_assert!(object.is_some(), "a partial slab has a free object");
    object
}

/// Takes an object of the first word of the active slab that has one, which blocks are taken from then. `None` if no word has.
#[inline(always)]
fn take_from(class: &mut Class, slab: RecordRef) -> Option<NonNull<u8>> {
    let (mut word, mut before) = (0, 0);
    while slab.bits(word) == 0 {
        word += 1;
        before += WORD_OBJECTS;
        if before >= class.capacity {
            return None;
        }
    }
    class.word = slab.word_distance(word);
    class.base = slab.base() + before * class.size;
    let has_guests = slab.fast_class() == 0;
    class.word_objects = if has_guests { 0 } else { (class.capacity - before).min(WORD_OBJECTS) };
    class.take()
}
