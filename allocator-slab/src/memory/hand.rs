//! The word at hand: the free objects that a class hands out next, taken out of their slab's record.

use core::ptr::{self, NonNull};

use super::RecordRef;
use crate::class::WORD_OBJECTS;

/// A word of a slab's bits and where its objects are. All zero: none.
///
/// # Invariants
///
/// - Each bit is a free object, at `base` + number · size, in a slab that is held and has no guests. So it is not at address 0.
/// - The slab's record has no bit of that word: what the record says of the other words, this alone says of this one.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Hand {
    /// A bit for each free object.
    bits: u64,
    /// The address of the word's first object.
    base: usize,
    /// Objects of the word, live or free; 0 if there is none.
    objects: usize,
}

impl Hand {
    /// No word.
    pub(crate) const EMPTY: Self = Self { bits: 0, base: 0, objects: 0 };

    /// A bit for each free object.
    pub(crate) const fn bits(&self) -> u64 {
        self.bits
    }

    /// The address of the word's first object.
    #[inline(always)]
    pub(crate) const fn base(&self) -> usize {
        self.base
    }

    /// Objects of the word, live or free; 0 if there is none.
    #[inline(always)]
    pub(crate) const fn objects(&self) -> usize {
        self.objects
    }

    /// Takes a word of `objects` objects, each of `size` bytes, out of the record of `slab`, and hands out the lowest free one. There
    /// is one, and the word before has none, so that its record is right.
    #[inline(always)]
    pub(crate) fn take_word(&mut self, slab: RecordRef, word: usize, objects: usize, size: usize) -> NonNull<u8> {
        let bits = slab.bits(word);
        debug_assert!(self.bits == 0 && bits != 0 && objects <= WORD_OBJECTS);
        slab.set_bits(word, 0);
        self.base = slab.base() + word * WORD_OBJECTS * size;
        self.objects = objects;
        self.take_of(bits, size)
    }

    /// Gives the word back to the record of `slab`, which it was taken out of as number `word`.
    pub(crate) fn let_go(&mut self, slab: RecordRef, word: usize) {
        debug_assert_eq!(slab.bits(word), 0);
        slab.set_bits(word, self.bits);
        *self = Self::EMPTY;
    }

    /// Hands out the lowest object, which are of `size` bytes each.
    #[inline(always)]
    pub(crate) fn take(&mut self, size: usize) -> Option<NonNull<u8>> {
        let bits = self.bits;
        if bits == 0 {
            return None;
        }
        Some(self.take_of(bits, size))
    }

    /// Hands out the lowest object of `bits`, which are not 0; the others are at hand from then on.
    #[inline(always)]
    fn take_of(&mut self, bits: u64, size: usize) -> NonNull<u8> {
        self.bits = bits & bits.wrapping_sub(1);
        let address = self.base + bits.trailing_zeros() as usize * size;
        debug_assert!(bits != 0 && address != 0);
        // SAFETY: 1. A bit is an object, of which none is at address 0 (the first invariant).
        unsafe { NonNull::new_unchecked(ptr::with_exposed_provenance_mut(address)) }
    }

    /// Takes an object back, whose number is below [`objects`](Self::objects). `false` if it is free already.
    #[inline(always)]
    pub(crate) const fn put(&mut self, object: usize) -> bool {
        debug_assert!(object < self.objects);
        // Written even if it changes nothing: a test before would need the bit by itself, which is two instructions more.
        let before = self.bits;
        self.bits = before | 1 << (object % WORD_OBJECTS);
        before != self.bits
    }
}
