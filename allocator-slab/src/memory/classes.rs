//! The classes of an allocator, found by number or, on the fast paths, by offset.

use core::mem;

use super::RecordRef;
use crate::{
    class::{Class, WORD_OBJECTS},
    object_cache::MAX_CACHES,
    size_class::{self, COUNT, GRAIN_LOG2, TABLE_BYTES},
};

/// Bytes from one class to the next.
const STRIDE: usize = mem::size_of::<Class>();
/// The number of the classes: the size classes, and behind them one for each object cache.
pub(crate) const CLASS_COUNT: usize = COUNT + MAX_CACHES;
const _: () = assert!(STRIDE * CLASS_COUNT <= u16::MAX as usize);

/// Where a class stands among the [`Classes`], in bytes. Always that of a class.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Offset(usize);

/// The offset of a class.
const fn offset_of(class: usize) -> Offset {
    assert!(class < CLASS_COUNT);
    Offset(class * STRIDE)
}

impl Offset {
    /// As a number for [`RecordRef::set_fast_class`](RecordRef::set_fast_class).
    #[inline(always)]
    pub(crate) const fn number(self) -> u16 {
        self.0 as u16
    }

    /// The number of the class.
    pub(crate) const fn class(self) -> usize {
        self.0 / STRIDE
    }
}

/// All classes; number 0 serves nothing and is never changed.
///
/// # Invariant
///
/// What the table holds is the offset of a class.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Classes {
    classes: [Class; CLASS_COUNT],
    /// For each eight bytes of a request, the offset of its class, if that is set up; else that of class 0.
    offsets: [u16; TABLE_BYTES >> GRAIN_LOG2],
}

impl Classes {
    /// Classes without slabs.
    pub(crate) const EMPTY: Self =
        Self { classes: [const { Class::EMPTY }; CLASS_COUNT], offsets: [0; TABLE_BYTES >> GRAIN_LOG2] };

    /// The class of a request of at most [`TABLE_BYTES`], or class 0 as long as that is not set up; `None` above, and for nothing.
    #[inline(always)]
    pub(crate) fn of_small(&self, last_byte: usize) -> Option<Offset> {
        self.offsets.get(last_byte >> GRAIN_LOG2).map(|&offset| Offset(usize::from(offset)))
    }

    /// Sets up the class at `offset`, a size class, for slabs that are multiples of `unit_bytes`.
    #[cold]
    pub(crate) fn set_up(&mut self, offset: Offset, unit_bytes: usize) {
        let class = offset.class();
        self.at(offset).set_up(class, unit_bytes);
        let grains =
            size_class::first_of(class) >> GRAIN_LOG2..usize::from(size_class::SIZES[class]) >> GRAIN_LOG2;
        // The larger classes are not in the table.
        if let Some(entries) = self.offsets.get_mut(grains) {
            entries.fill(offset.number());
        }
    }

    /// Whether the table has every class that is set up, and no other.
    pub(crate) fn is_table_right(&self) -> bool {
        self.offsets.iter().enumerate().all(|(grain, &entry)| {
            let class = size_class::class_of(grain << GRAIN_LOG2).unwrap_or(0);
            entry == if self.get(class).is_set_up() { offset_of(class).number() } else { 0 }
        })
    }

    /// The class at an offset.
    #[inline(always)]
    pub(crate) fn at(&mut self, offset: Offset) -> &mut Class {
        // SAFETY: an offset is that of one of the classes.
        unsafe { &mut *self.classes.as_mut_ptr().byte_add(offset.0) }
    }

    /// The class that a slab belongs to.
    #[inline]
    pub(crate) fn class_of(&mut self, slab: RecordRef) -> &mut Class {
        self.at(Offset(usize::from(slab.class())))
    }

    /// The class that a slab belongs to, to look at it.
    #[inline]
    pub(crate) fn look_at(&self, slab: RecordRef) -> &Class {
        // SAFETY: an offset is that of one of the classes.
        unsafe { &*self.classes.as_ptr().byte_add(usize::from(slab.class())) }
    }

    /// Whether `word`, the bits of the slab's word that holds `object`, says that none of its objects is live.
    #[inline(always)]
    pub(crate) fn is_full_word(class: &Class, object: usize, word: u64) -> bool {
        debug_assert!(object < class.capacity);
        // SAFETY: an object's number is below the capacity, which is at most that of the words.
        word == unsafe { *class.full.get_unchecked(object / WORD_OBJECTS) }
    }

    /// Where class `class` stands. `class` is below [`CLASS_COUNT`].
    pub(crate) const fn offset(class: usize) -> Offset {
        offset_of(class)
    }

    /// The number of the class that stands at `offset`, if one does that has slabs.
    pub(crate) fn number_at(offset: u16) -> Option<usize> {
        let (number, rest) = (usize::from(offset) / STRIDE, usize::from(offset) % STRIDE);
        (rest == 0 && (1..CLASS_COUNT).contains(&number)).then_some(number)
    }

    /// The class with a number below [`CLASS_COUNT`].
    pub(crate) fn get(&self, class: usize) -> &Class {
        &self.classes[class]
    }

    /// The class with a number below [`CLASS_COUNT`], to change it.
    #[cfg(test)]
    pub(crate) fn get_mut(&mut self, class: usize) -> &mut Class {
        &mut self.classes[class]
    }

    /// Every class that can have slabs.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Class> {
        self.classes.iter().skip(1)
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn the_table_has_the_classes_that_are_set_up() {
        let mut classes = Classes::EMPTY;
        // The last one is too large for the table.
        for class in [9, 1, 50, 3, 57] {
            let last_byte = usize::from(size_class::SIZES[class]) - 1;
            assert!(last_byte >= TABLE_BYTES || classes.of_small(last_byte) == Some(offset_of(0)));
            classes.set_up(offset_of(class), size_class::FRAME_BYTES);
            assert!(classes.is_table_right());
        }
        for last_byte in 0..TABLE_BYTES {
            let class = size_class::class_of(last_byte).filter(|class| [1, 3, 9, 50].contains(class));
            assert_eq!(classes.of_small(last_byte), Some(offset_of(class.unwrap_or(0))), "{last_byte}");
        }
        for last_byte in [TABLE_BYTES, usize::MAX] {
            assert_eq!(classes.of_small(last_byte), None);
        }
    }

    #[test]
    fn an_offset_finds_the_class_with_its_number() {
        let mut classes = Classes::EMPTY;
        for class in 1..CLASS_COUNT {
            classes.get_mut(class).live = class;
        }
        for class in 0..CLASS_COUNT {
            assert_eq!(classes.at(Classes::offset(class)).live, class);
            assert_eq!(Classes::offset(class).class(), class);
        }
    }

    #[test]
    fn only_the_place_of_a_class_with_slabs_has_a_number() {
        let numbers: Vec<_> = (0..=u16::MAX).filter_map(Classes::number_at).collect();
        assert_eq!(numbers, Vec::from_iter(1..CLASS_COUNT));
        assert!((1..CLASS_COUNT).all(|class| Classes::number_at(offset_of(class).number()) == Some(class)));
    }
}
