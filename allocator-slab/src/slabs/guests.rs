//! Guests: objects that serve a request of a smaller class, because there is no other memory.
//!
//! When there are no pages left, a free object of a larger class takes in what fits, and a block that changes its size and gets no
//! other place becomes a guest in its own object. The slab keeps a bit for each guest, and the object's last byte, which the guest
//! does not know of, says which class the guest is of. While a slab has guests its frees take the slow path, where both are
//! looked at.

use core::{alloc::Layout, ptr::NonNull};

use super::{Slabs, list};
use crate::{
    class::{Class, MAX_WORDS},
    memory::{self, Classes, RecordRef},
    size_class::{self, FRAME_BYTES, last_byte},
};

/// The words of bits that a slab with guests can have at most; the others are for the guests.
const HOST_WORDS: usize = MAX_WORDS / 2;

/// The number of a guest's bit.
const fn guest(object: usize) -> usize {
    object + HOST_WORDS * crate::class::WORD_OBJECTS
}

/// The object whose guest has a bit; `None` for the bit of an object.
pub(super) fn object_of(bit: usize) -> Option<usize> {
    bit.checked_sub(guest(0))
}

/// The class of a guest for `layout`; `None` for what no guest serves.
pub(super) fn guest_class(layout: Layout) -> Option<usize> {
    if layout.align() > FRAME_BYTES {
        None
    } else {
        size_class::class_of(last_byte(layout.size(), layout.align()))
    }
}

/// Whether slabs of a class can have guests.
const fn can_host(class: &Class) -> bool {
    class.words <= HOST_WORDS && class.words != 0
}

/// Where an object says which class its guest is of.
fn mark_of(class: &Class, slab: RecordRef, object: usize) -> usize {
    slab.base() + object * class.size + (class.size - 1)
}

/// The class of the guest in a live object; `None` if it is none.
pub(super) fn class_of_guest(class: &Class, slab: RecordRef, object: usize) -> Option<usize> {
    if !can_host(class) || !slab.has_bit(guest(object)) {
        return None;
    }
    // SAFETY: 1. The last byte of an object with a guest, which was written when the guest came.
    Some(usize::from(unsafe { memory::read_mark(mark_of(class, slab, object)) }))
}

/// The guest in an object is gone, if there was one. With the last guest gone, frees take the fast path again.
pub(super) fn leave(class: &Class, slab: RecordRef, object: usize) {
    if can_host(class) && slab.has_bit(guest(object)) {
        slab.clear_bit(guest(object));
        if (HOST_WORDS..MAX_WORDS).all(|word| slab.bits(word) == 0) {
            slab.set_fast_class(slab.class());
            slab.set_word_objects(class.single_word());
        }
    }
}

/// Makes the live object `object` of `slab` a guest of class `guest_class`.
///
/// # Safety
///
/// 1. The object's owner does not use its last byte: its class is smaller than the slab's.
unsafe fn seat(class: &mut Class, slab: RecordRef, object: usize, guest_class: u8) {
    if slab == class.active {
        class.close();
        if class.has_free(slab) {
            list::first_came(class, slab);
        }
    }
    slab.set_bit(guest(object));
    slab.set_fast_class(0);
    slab.set_word_objects(0);
    // SAFETY: 1. The last byte of a live object of this engine, which its owner does not use (1).
    unsafe { memory::write_mark(mark_of(class, slab, object), guest_class) };
}

impl Slabs {
    /// Serves a request from the smallest larger class that has a free object.
    pub(super) fn alloc_guest(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let guest_class = guest_class(layout)?;
        (guest_class + 1..size_class::COUNT).find_map(|number| {
            let class = self.classes.get(number);
            let fits = can_host(class) && class.size.is_multiple_of(layout.align());
            if fits { self.host(number, guest_class as u8) } else { None }
        })
    }

    /// Takes an object of class `number` for a guest of class `guest_class`; `None` if none is free.
    fn host(&mut self, number: usize, guest_class: u8) -> Option<NonNull<u8>> {
        let offset = Classes::offset(number);
        let block = match self.take_object(offset) {
            Some(block) => block,
            None => self.take_next(offset)?,
        };
        let slab = self.map.get(block.addr().get());
        let class = self.classes.at(offset);
        let object = class.object_at(block.addr().get() - slab.base());
        // SAFETY: 1. The object was taken just now, and the guest's class is a smaller one.
        unsafe { seat(class, slab, object, guest_class) };
        Some(block)
    }

    /// Lets the live object of `slab` at `address`, or the guest in it, serve `layout` from now on: as an object of its slab's class,
    /// or as a guest of a smaller one. `false` if its class is larger, or the slab can have no guests.
    pub(super) fn reseat(&mut self, slab: RecordRef, address: usize, layout: Layout) -> bool {
        let class = self.classes.class_of(slab);
        let object = class.object_at(address.wrapping_sub(slab.base()));
        if class.serves(last_byte(layout.size(), layout.align())) {
            leave(class, slab, object);
            return true;
        }
        let Some(guest_class) = guest_class(layout) else {
            return false;
        };
        if !can_host(class) || usize::from(size_class::SIZES[guest_class]) >= class.size {
            return false;
        }
        // SAFETY: 1. The object is live, and from now on its owner has at most the bytes of the smaller class.
        unsafe { seat(class, slab, object, guest_class as u8) };
        true
    }
}
