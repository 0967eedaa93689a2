//! The check of all records.
//!
//! Everything is reached in two ways, and both must tell the same: the map leads to every slab and run, and the classes, the
//! lists and the counts tell of them.

use allocator_api::PageAllocator;

use super::{Slabs, guests};
use crate::{
    class::{Class, MAX_WORDS, WORD_OBJECTS},
    memory::{CLASS_COUNT, Classes, RecordRef, Records, Source, State},
    size_class::{self, FRAME_BYTES},
};

type Answer = Result<(), &'static str>;

/// What was found of one class.
#[derive(Clone, Copy)]
struct Found {
    live: usize,
    slabs: usize,
    partial: usize,
}

/// What a walk over the map has found.
struct Sum {
    classes: [Found; CLASS_COUNT],
    records: usize,
    run_bytes: usize,
    cached_pages: usize,
    /// Bytes of slabs, runs and kept pages.
    bytes: usize,
    /// What was found last, if that is a slab.
    slab: RecordRef,
    /// The last byte of what was found last.
    last: Option<usize>,
}

impl Slabs {
    /// Compares every record with what it can be computed from, without allocating and without a change: the map and its
    /// guesses, the bits and links of every slab, the runs, the kept pages, the counts. `P` is the type of the page allocator
    /// that every call was given.
    ///
    /// # Errors
    ///
    /// The name of the first rule found broken.
    ///
    /// # Complexity
    ///
    /// Linear in the frames of 4 KiB held. It takes about 4 KiB of stack.
    pub fn check_integrity<P: PageAllocator>(&self) -> Result<(), &'static str> {
        let mut sum = Sum {
            classes: [Found { live: 0, slabs: 0, partial: 0 }; CLASS_COUNT],
            records: 0,
            run_bytes: 0,
            cached_pages: 0,
            bytes: 0,
            slab: RecordRef::END,
            last: None,
        };
        self.records.check()?;
        self.map.check(&mut |address, record| self.check_frame::<P>(address, record, &mut sum))?;
        for number in 0..CLASS_COUNT {
            self.check_class::<P>(number, sum.classes[number])?;
        }
        if !self.classes.is_table_right() {
            return Err("the table of classes has those that are set up");
        }
        self.check_sums::<P>(&sum)
    }

    fn check_frame<P: PageAllocator>(&self, address: usize, record: RecordRef, sum: &mut Sum) -> Answer {
        if sum.last.is_some_and(|last| address <= last) {
            return if record == sum.slab { Ok(()) } else { Err("slabs and runs do not overlap") };
        }
        // Only the frames behind a slab's first may lead to it.
        sum.slab = RecordRef::END;
        let bytes = match record.state() {
            State::None => return Err("a record that is in the map stands for something"),
            State::Page | State::CachedPage => {
                if !record.is_shared() {
                    return Err("pages have the records of pages");
                }
                let is_cached = record.state() == State::CachedPage;
                sum.cached_pages += usize::from(is_cached);
                sum.run_bytes += if is_cached { 0 } else { Source::<P>::UNIT_BYTES };
                Source::<P>::UNIT_BYTES
            }
            State::Run => check_run::<P>(address, record).inspect(|bytes| sum.run_bytes += bytes)?,
            State::Partial | State::Exhausted => self.check_slab(address, record, sum)?,
        };
        if !address.is_multiple_of(Source::<P>::UNIT_BYTES) {
            return Err("slabs and runs begin with a page");
        }
        sum.records += usize::from(!record.is_shared());
        sum.bytes += bytes;
        sum.last = Some(address.checked_add(bytes - 1).ok_or("slabs and runs end before the address space")?);
        Ok(())
    }

    /// Checks a slab that is found at `address`. Returns its bytes.
    fn check_slab(&self, address: usize, slab: RecordRef, sum: &mut Sum) -> Result<usize, &'static str> {
        let number = Classes::number_at(slab.class()).ok_or("a slab is of a class")?;
        let class = self.classes.get(number);
        if slab.base() != address || class.slab_bytes == 0 || !Records::is_taken(slab) {
            return Err("a slab begins with its first frame, and its record is taken");
        }
        let mut frames = (FRAME_BYTES..class.slab_bytes).step_by(FRAME_BYTES);
        if frames.any(|offset| self.map.get(address.wrapping_add(offset)) != slab) {
            return Err("every frame of a slab has its record");
        }
        let guests = self.check_guests(number, slab)?;
        if (0..class.words).any(|word| class.bits(slab, word) & !class.full[word] != 0) {
            return Err("a slab has no bits beyond its objects");
        }
        if slab.fast_class() != if guests > 0 { 0 } else { slab.class() } {
            return Err("the fast path knows a slab without guests, and no other");
        }
        if slab.word_objects() != if guests > 0 { 0 } else { class.single_word() } {
            return Err("a slab of one word without guests knows its objects, and no other");
        }
        let free: usize = (0..class.words).map(|word| class.bits(slab, word).count_ones() as usize).sum();
        if class.has_free(slab) != (slab.state() == State::Partial) {
            return Err("the state of a slab is what its bits say");
        }
        if free == class.capacity && slab != class.active {
            return Err("a slab without a live object is active");
        }
        let found = &mut sum.classes[number];
        found.live += class.capacity - free;
        found.slabs += 1;
        found.partial += usize::from(slab.state() == State::Partial);
        sum.slab = slab;
        Ok(class.slab_bytes)
    }

    /// Checks the guests of a slab, and that there are no bits where none can be. Returns their number.
    fn check_guests(&self, number: usize, slab: RecordRef) -> Result<usize, &'static str> {
        let class = self.classes.get(number);
        let mut guests = 0;
        for bit in class.words * WORD_OBJECTS..MAX_WORDS * WORD_OBJECTS {
            if !slab.has_bit(bit) {
                continue;
            }
            let object =
                guests::object_of(bit).filter(|&object| number < size_class::COUNT && object < class.capacity);
            let object = object.ok_or("only guests have bits behind those of the objects")?;
            let guest = guests::class_of_guest(class, slab, object).unwrap_or(0);
            if slab.has_bit(object) || !(1..number).contains(&guest) {
                return Err("a guest is live, and of a smaller class");
            }
            guests += 1;
        }
        Ok(guests)
    }

    fn check_class<P: PageAllocator>(&self, number: usize, found: Found) -> Answer {
        let class = self.classes.get(number);
        if class.is_set_up() && number > 0 {
            let mut fresh = Class::EMPTY;
            match number.checked_sub(size_class::COUNT) {
                None => fresh.set_up(number, Source::<P>::UNIT_BYTES),
                Some(cache) => {
                    let cache = self.caches.get(cache).ok_or("only an open cache has slabs")?;
                    fresh.set_up_cache(cache.object_bytes, Source::<P>::UNIT_BYTES);
                }
            }
            if !class.is_shaped_as(&fresh) {
                return Err("a class has the numbers of its size");
            }
        } else if !class.is_shaped_as(&Class::EMPTY) {
            return Err("a class without slabs knows nothing");
        }
        if (class.live, class.slabs) != (found.live, found.slabs) {
            return Err("a class counts its slabs and its live objects");
        }
        if class.most_slabs < class.slabs {
            return Err("the most slabs held are no fewer than those held now");
        }
        check_list(class, number, found.partial)?;
        check_active(class, number)
    }

    fn check_sums<P: PageAllocator>(&self, sum: &Sum) -> Answer {
        for &(page, place) in self.cache.as_slice() {
            if self.map.place(page) != Some(place) {
                return Err("a kept page knows its place in the map");
            }
            if place.get() != RecordRef::cached_page() {
                return Err("a kept page is one in the map");
            }
        }
        if sum.cached_pages != self.cache.as_slice().len() {
            return Err("the pages that the map calls kept are kept");
        }
        if self.records.taken() != sum.records {
            return Err("every record that is taken is in the map");
        }
        if self.run_bytes != sum.run_bytes {
            return Err("the bytes of the runs are counted");
        }
        let records = (self.map.nodes() + self.records.units()) * Source::<P>::UNIT_BYTES;
        if self.held_bytes != sum.bytes + records {
            return Err("the bytes held are counted");
        }
        Ok(())
    }
}

/// Checks a run that is found at `address`. Returns its bytes.
fn check_run<P: PageAllocator>(address: usize, run: RecordRef) -> Result<usize, &'static str> {
    let (bytes, unit) = (run.bits(0) as usize, Source::<P>::UNIT_BYTES);
    if run.base() != address || bytes == 0 || !bytes.is_multiple_of(unit) || !Records::is_taken(run) {
        return Err("a run is a number of pages from its first frame on, and its record is taken");
    }
    let needs_record = match Classes::number_at(run.class()) {
        Some(class) => class < size_class::COUNT && usize::from(size_class::SIZES[class]) <= bytes,
        None => run.class() == 0 && bytes > unit,
    };
    if run.fast_class() != 0 || !needs_record {
        return Err("a run with a record has several pages, or serves a class that fits");
    }
    Ok(bytes)
}

/// Checks the list of the partial slabs, of which there are `partial`.
fn check_list(class: &Class, number: usize, partial: usize) -> Answer {
    let (mut slab, mut previous, mut listed) = (class.head, RecordRef::END, 0);
    while !slab.is_end() {
        if listed == partial {
            return Err("the list of a class has its partial slabs, each once");
        }
        if slab.state() != State::Partial || Classes::number_at(slab.class()) != Some(number) {
            return Err("a listed slab is partial, and of the class");
        }
        if slab != class.head && slab.previous() != previous {
            return Err("slabs are linked in both directions");
        }
        listed += 1;
        (previous, slab) = (slab, slab.next());
    }
    if (listed > 0 && class.tail != previous) || listed != partial {
        return Err("the list of a class ends with its last partial slab");
    }
    Ok(())
}

/// Checks the active slab of a class, and the word at hand.
fn check_active(class: &Class, number: usize) -> Answer {
    let (active, hand) = (class.active, &class.hand);
    if active.is_end() {
        let nothing_at_hand = (hand.bits(), hand.base(), hand.objects()) == (0, 0, 0);
        return if nothing_at_hand { Ok(()) } else { Err("a class without an active slab has nothing at hand") };
    }
    let is_slab = matches!(active.state(), State::Partial | State::Exhausted);
    if !is_slab || Classes::number_at(active.class()) != Some(number) {
        return Err("the active slab is one of the class");
    }
    if active.fast_class() == 0 {
        return Err("the active slab has no guests");
    }
    let word = class.word_at_hand().ok_or("the word at hand is one of the active slab")?;
    if hand.objects() != class.objects_of(word) {
        return Err("the word at hand has its objects");
    }
    if active.bits(word) != 0 {
        return Err("the record has nothing of what is at hand");
    }
    Ok(())
}

#[cfg(test)]
#[path = "../../tests/unit/integrity.rs"]
mod tests;
