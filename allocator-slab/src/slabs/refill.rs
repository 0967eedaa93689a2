//! What an allocation does when the word at hand has no free object.
#![forbid(unsafe_code)]

use core::{alloc::Layout, ptr::NonNull};

use allocator_api::{AllocResult, PageAllocator};

use super::{Slabs, fast, list, runs::run_bytes};
use crate::{
    class::{Class, MAX_WORDS, WORD_OBJECTS},
    memory::{self, Classes, Offset, Place, RecordRef, Source},
    size_class::{self, last_byte},
};

impl Slabs {
    /// Hands out a block that is too large for the table of classes, or nothing at all.
    #[inline]
    pub(super) fn alloc_larger<P: PageAllocator>(&mut self, pages: &mut P, layout: Layout) -> Option<NonNull<u8>> {
        if layout.size() == 0 {
            return None;
        }
        match Self::class_for::<P>(layout).map(Classes::offset) {
            Some(offset) => match self.take_object(offset) {
                Some(block) => Some(block),
                None => fast::alloc_next((self, pages), layout, offset),
            },
            None => self.alloc_run(pages, layout, 0).or_else(|| self.alloc_guest(layout)),
        }
    }

    /// Hands out an object of a class that has none: of a new slab. Where there are no pages for one, a run that is large enough for
    /// the object serves, or a free object of a larger class.
    #[cold]
    #[inline(never)]
    pub(super) fn alloc_anew<P: PageAllocator>(&mut self, pages: &mut P, layout: Layout) -> Option<NonNull<u8>> {
        // The fast paths do not tell apart the classes that are not set up.
        let offset = size_class::class_of(last_byte(layout.size(), layout.align())).map(Classes::offset)?;
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
        debug_assert!(self.classes.at(offset).hand.bits() == 0);
        // The word at hand is used up. If there is no new one, its slab need not stay once its objects come back.
        self.classes.at(offset).close();
        let slab = self.new_slab(pages, offset).ok()?;
        let class = self.classes.at(offset);
        list::push_back(class, slab);
        self.take_next(offset)
    }

    /// The class of a request; `None` if pages serve it: those of a whole number of units, among them all that are aligned to a
    /// unit or more, and those above the largest class.
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

    /// An object of the first partial slab, the word of which comes to hand. `None` if there is none.
    #[inline(always)]
    pub(super) fn take_next(&mut self, offset: Offset) -> Option<NonNull<u8>> {
        self.take_next_word(offset).or_else(|| self.take_of_words(offset))
    }

    /// As [`take_next`](Self::take_next), if that slab has one word and no guests.
    #[inline(always)]
    pub(super) fn take_next_word(&mut self, offset: Offset) -> Option<NonNull<u8>> {
        let class = self.classes.at(offset);
        let slab = class.head;
        if slab.is_end() {
            return None;
        }
        let objects = usize::from(slab.word_objects());
        if objects == 0 {
            return None;
        }
        list::pop_front(class, slab);
        Some(class.take_word(slab, 0, objects))
    }

    /// As [`take_next`](Self::take_next), for any slab.
    #[inline(never)]
    pub(super) fn take_of_words(&mut self, offset: Offset) -> Option<NonNull<u8>> {
        let class = self.classes.at(offset);
        let slab = class.head;
        if slab.is_end() {
            return None;
        }
        if slab.fast_class() == 0 {
            return take_beside_guests(class, slab);
        }
        let word = (0..MAX_WORDS).find(|&word| slab.bits(word) != 0)?;
        let block = class.take_word(slab, word, class.objects_of(word));
        if !slab.has_bits() {
            list::pop_front(class, slab);
        }
        Some(block)
    }

    /// A slab of a class, all free, from pages. If there are none, everything unused is given back first.
    fn new_slab<P: PageAllocator>(&mut self, pages: &mut P, offset: Offset) -> AllocResult<RecordRef> {
        let class = self.classes.at(offset);
        if !class.is_set_up() {
            self.classes.set_up(offset, Source::<P>::UNIT_BYTES);
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
        slab.set_word_objects(class.single_word());
        class.slabs += 1;
        class.most_slabs = class.most_slabs.max(class.slabs);
        Ok(slab)
    }
}

/// Takes an object of the first partial slab, which has guests: no word of it comes to hand.
#[cold]
fn take_beside_guests(class: &mut Class, slab: RecordRef) -> Option<NonNull<u8>> {
    let mut words = 0..class.words;
    let word = words.find(|&word| slab.bits(word) != 0)?;
    let bits = slab.bits(word);
    slab.set_bits(word, bits & (bits - 1));
    if !class.has_free(slab) {
        list::pop_front(class, slab);
    }
    class.live += 1;
    memory::at_address(slab.base() + (word * WORD_OBJECTS + bits.trailing_zeros() as usize) * class.size)
}
