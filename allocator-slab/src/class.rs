//! A size class at work: what its fast paths read, and its slabs.
//!
//! The numbers that a free needs are copied here from the tables, so that one cache line or two serve it. Until the class has its
//! first slab they are all 0, and no address passes [`object_at`](Class::object_at).
#![forbid(unsafe_code)]

use core::ptr::NonNull;

use allocator_api::{AllocError, AllocResult};

use crate::{
    memory::{Hand, RecordRef},
    size_class::{self, MAX_OBJECTS},
};

/// Words of a slab's bits, at most.
pub(crate) const MAX_WORDS: usize = MAX_OBJECTS / WORD_OBJECTS;
/// Objects of a word.
pub(crate) const WORD_OBJECTS: usize = u64::BITS as usize;

/// A [`last_byte`](size_class::last_byte) of no request: that of size 0 is one above, all others are below `isize::MAX`.
const NOT_ASKED_FOR: usize = usize::MAX - 1;

/// One class. All zero before its first slab.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Class {
    /// The word that blocks are taken from.
    pub(crate) hand: Hand,
    /// Bytes of an object.
    pub(crate) size: usize,
    /// Live objects.
    pub(crate) live: usize,
    /// The inverse of the odd part of `size`.
    inverse: usize,
    /// The power of two in `size`.
    pub(crate) shift: usize,
    /// Words of a slab's bits.
    pub(crate) words: usize,
    /// The partial slabs: the next whose word comes to hand.
    pub(crate) head: RecordRef,
    /// The slab whose word is at hand.
    pub(crate) active: RecordRef,
    /// Objects of a slab.
    pub(crate) capacity: usize,
    /// The bits of a slab without a live object.
    pub(crate) full: [u64; MAX_WORDS],
    /// Bytes of a slab, its tail included.
    pub(crate) slab_bytes: usize,
    /// The partial slabs: the last, if there is any.
    pub(crate) tail: RecordRef,
    /// The smallest [`last_byte`](size_class::last_byte) that is served.
    pub(crate) first: usize,
    /// How far above `first` the largest one is.
    pub(crate) span: usize,
    /// Slabs held.
    pub(crate) slabs: usize,
    /// The most slabs ever held at once.
    pub(crate) most_slabs: usize,
}

impl Class {
    /// A class without a slab, that knows nothing yet.
    pub(crate) const EMPTY: Self = Self {
        hand: Hand::EMPTY,
        size: 0,
        live: 0,
        inverse: 0,
        shift: 0,
        words: 0,
        head: RecordRef::END,
        active: RecordRef::END,
        capacity: 0,
        full: [0; MAX_WORDS],
        slab_bytes: 0,
        tail: RecordRef::END,
        first: 0,
        span: 0,
        slabs: 0,
        most_slabs: 0,
    };

    /// Tells the class what it is: number `class`, with slabs that are multiples of `unit_bytes`.
    #[cold]
    pub(crate) fn set_up(&mut self, class: usize, unit_bytes: usize) {
        let size = usize::from(size_class::SIZES[class]);
        self.first = size_class::first_of(class);
        self.span = size - 1 - self.first;
        self.shape(size, usize::from(size_class::SLAB_FRAMES[class]), unit_bytes);
    }

    /// Tells the class that it is an object cache: it has objects of `size` bytes and serves no byte request.
    #[cold]
    pub(crate) fn set_up_cache(&mut self, size: usize, unit_bytes: usize) {
        (self.first, self.span) = (NOT_ASKED_FOR, 0);
        self.shape(size, size_class::frames_for(size), unit_bytes);
    }

    /// What slabs of `frames` frames and more look like.
    fn shape(&mut self, size: usize, frames: usize, unit_bytes: usize) {
        let slab_bytes = (frames * size_class::FRAME_BYTES).next_multiple_of(unit_bytes);
        self.size = size;
        self.shift = size.trailing_zeros() as usize;
        self.inverse = size_class::inverse(size >> self.shift);
        self.capacity = (slab_bytes / size).min(MAX_OBJECTS);
        self.words = self.capacity.div_ceil(WORD_OBJECTS);
        for (word, full) in self.full.iter_mut().enumerate() {
            let objects = self.capacity.saturating_sub(word * WORD_OBJECTS).min(WORD_OBJECTS);
            *full = u64::MAX.checked_shr((WORD_OBJECTS - objects) as u32).unwrap_or(0);
        }
        self.slab_bytes = slab_bytes;
    }

    /// Whether everything that setting up determines is the same in both.
    pub(crate) fn is_shaped_as(&self, other: &Self) -> bool {
        let numbers = |class: &Self| {
            (class.size, class.first, class.span, class.inverse, class.shift, class.words, class.capacity)
        };
        numbers(self) == numbers(other) && (self.full, self.slab_bytes) == (other.full, other.slab_bytes)
    }

    /// Whether [`set_up`](Self::set_up) was called.
    pub(crate) const fn is_set_up(&self) -> bool {
        self.size != 0
    }

    /// The number of the object that begins `offset` bytes into a slab. If none does, a number that is not below
    /// [`capacity`](Self::capacity).
    ///
    /// With size = d · 2^k and d odd: multiplying by the inverse of d divides exactly what is a multiple of d, and the
    /// rotation brings the k lowest bits to the top. Both are bijections, and the multiples of `size` take all
    /// results up to (2^BITS − 1) / size; so everything else is above. (T. Granlund, P. L. Montgomery: "Division by Invariant
    /// Integers using Multiplication", 1994, section 9.)
    #[inline(always)]
    pub(crate) const fn object_at(&self, offset: usize) -> usize {
        self.object_at_by(offset, self.shift)
    }

    /// As [`object_at`](Self::object_at), for who has [`shift`](Self::shift) in a register.
    #[inline(always)]
    pub(crate) const fn object_at_by(&self, offset: usize, shift: usize) -> usize {
        debug_assert!(shift == self.shift);
        offset.wrapping_mul(self.inverse).rotate_right(shift as u32)
    }

    /// A free object of the word at hand.
    #[inline(always)]
    pub(crate) fn take(&mut self) -> Option<NonNull<u8>> {
        let object = self.hand.take(self.size)?;
        self.live += 1;
        Some(object)
    }

    /// Makes a slab active: takes a word out of its record, which has a free object, and hands that out. The word at hand has none.
    #[inline(always)]
    pub(crate) fn take_word(&mut self, slab: RecordRef, word: usize, objects: usize) -> NonNull<u8> {
        self.active = slab;
        self.live += 1;
        self.hand.take_word(slab, word, objects, self.size)
    }

    /// Takes an object back that is at hand; `None` if none there begins at `address`.
    ///
    /// # Errors
    ///
    /// `NotAllocated`: it is free.
    #[inline(always)]
    pub(crate) fn put(&mut self, address: usize) -> Option<AllocResult> {
        let object = self.number_at_hand(address)?;
        if !self.hand.put(object) {
            return Some(Err(AllocError::NotAllocated));
        }
        self.live -= 1;
        Some(Ok(()))
    }

    /// Whether the object at hand that begins at `address` is free; `None` if none does.
    #[inline(always)]
    pub(crate) fn is_free_at_hand(&self, address: usize) -> Option<bool> {
        let object = self.number_at_hand(address)?;
        Some(self.hand.bits() >> (object % WORD_OBJECTS) & 1 != 0)
    }

    /// The number of the object at hand that begins at `address`; `None` if none does.
    #[inline(always)]
    fn number_at_hand(&self, address: usize) -> Option<usize> {
        let object = self.object_at(address.wrapping_sub(self.hand.base()));
        if object < self.hand.objects() { Some(object) } else { None }
    }

    /// Gives the word at hand back to its slab, which is active no longer. Returns the slab; the end of a list if there was none.
    pub(crate) fn close(&mut self) -> RecordRef {
        let slab = self.active;
        if let Some(word) = self.word_at_hand() {
            self.hand.let_go(slab, word);
        }
        self.active = RecordRef::END;
        slab
    }

    /// The number that the word at hand has in the active slab; `None` if there is none.
    pub(crate) fn word_at_hand(&self) -> Option<usize> {
        if self.active.is_end() {
            return None;
        }
        let offset = self.hand.base().wrapping_sub(self.active.base());
        (0..self.words).find(|&word| word * WORD_OBJECTS * self.size == offset)
    }

    /// The bits of a word of a slab, at hand or not: one for each free object.
    pub(crate) fn bits(&self, slab: RecordRef, word: usize) -> u64 {
        let is_at_hand = slab == self.active && self.word_at_hand() == Some(word);
        if is_at_hand { self.hand.bits() } else { slab.bits(word) }
    }

    /// Whether an object of a slab, below its capacity, is free.
    pub(crate) fn is_free(&self, slab: RecordRef, object: usize) -> bool {
        self.bits(slab, object / WORD_OBJECTS) >> (object % WORD_OBJECTS) & 1 != 0
    }

    /// Objects of a word, below [`words`](Self::words).
    #[inline(always)]
    pub(crate) fn objects_of(&self, word: usize) -> usize {
        (self.capacity - word * WORD_OBJECTS).min(WORD_OBJECTS)
    }

    /// Whether the record of a slab has free objects.
    pub(crate) fn has_free(&self, slab: RecordRef) -> bool {
        (0..self.words).any(|word| slab.bits(word) != 0)
    }

    /// Objects of a slab, if they have one word; else 0.
    pub(crate) const fn single_word(&self) -> u8 {
        if self.words == 1 { self.capacity as u8 } else { 0 }
    }

    /// Whether no object of a slab is live, of which no word is at hand.
    #[inline]
    pub(crate) fn is_unused(&self, slab: RecordRef) -> bool {
        (0..self.words).all(|word| slab.bits(word) == self.full[word])
    }

    /// Whether the active slab has no live object.
    pub(crate) fn keeps_unused(&self) -> bool {
        let slab = self.active;
        !slab.is_end() && (0..self.words).all(|word| self.bits(slab, word) == self.full[word])
    }

    /// Whether a request with this [`last_byte`](size_class::last_byte) is the class's.
    #[inline(always)]
    pub(crate) const fn serves(&self, last_byte: usize) -> bool {
        last_byte.wrapping_sub(self.first) <= self.span
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(number: usize) -> Class {
        let mut class = Class::EMPTY;
        class.set_up(number, size_class::FRAME_BYTES);
        class
    }

    #[test]
    fn only_the_first_bytes_of_objects_have_a_number_below_the_capacity() {
        for number in 1..size_class::COUNT {
            let class = class(number);
            for offset in 0..2 * class.slab_bytes {
                let inside = offset % class.size == 0 && offset / class.size < class.capacity;
                let object = class.object_at(offset);
                assert_eq!(object < class.capacity, inside, "{offset} of {}", class.size);
                assert!(!inside || object == offset / class.size);
                assert!(class.object_at(0_usize.wrapping_sub(offset + 1)) >= class.capacity);
            }
        }
    }

    #[test]
    fn full_words_hold_as_many_bits_as_there_are_objects() {
        for number in 1..size_class::COUNT {
            let class = class(number);
            let bits: u32 = class.full.iter().map(|word| word.count_ones()).sum();
            assert_eq!(bits as usize, class.capacity);
            assert!(class.full.iter().take(class.words).all(|&word| word & 1 == 1));
            assert!(class.full.iter().skip(class.words).all(|&word| word == 0));
            assert!((0..class.words).all(|word| class.objects_of(word) == class.full[word].count_ones() as usize));
        }
    }

    #[test]
    fn no_word_of_a_size_class_has_one_object_alone() {
        for unit_log2 in 12..=30 {
            for number in 1..size_class::COUNT {
                let mut class = Class::EMPTY;
                class.set_up(number, 1 << unit_log2);
                assert!((0..class.words).all(|word| class.objects_of(word) > 1), "{number} at 2^{unit_log2}");
            }
        }
    }

    #[test]
    fn a_class_serves_what_the_table_gives_it() {
        for last_byte in 0..size_class::MAX_BYTES {
            let number = size_class::class_of(last_byte).unwrap();
            assert!(class(number).serves(last_byte), "{last_byte}");
            assert!(number == 1 || !class(number - 1).serves(last_byte), "{last_byte}");
            assert!(number + 1 == size_class::COUNT || !class(number + 1).serves(last_byte), "{last_byte}");
        }
    }
}
