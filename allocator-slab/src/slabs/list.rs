//! The partial slabs of a class: a list, of which the first is the next whose word comes to hand.
//!
//! Only links that lead to a slab count: the first slab's to the previous one, and the class's to the last one of no slabs, are not
//! looked at, and not kept right.
#![forbid(unsafe_code)]

use crate::{
    class::Class,
    memory::{RecordRef, State},
};

/// Puts a slab that is in no list at the end.
#[inline]
pub(super) fn push_back(class: &mut Class, record: RecordRef) {
    record.set_state(State::Partial);
    record.set_next(RecordRef::END);
    if class.head.is_end() {
        class.head = record;
    } else {
        record.set_previous(class.tail);
        class.tail.set_next(record);
    }
    class.tail = record;
}

/// Puts a slab whose record has got a free object into the list, if it is not there.
#[inline(always)]
pub(super) fn first_came(class: &mut Class, record: RecordRef) {
    if record.state() == State::Exhausted {
        push_back(class, record);
    }
}

/// Takes the first slab out of the list.
#[inline]
pub(super) fn pop_front(class: &mut Class, first: RecordRef) {
    debug_assert!(class.head == first && first.state() == State::Partial);
    first.set_state(State::Exhausted);
    class.head = first.next();
}

/// Takes a slab out of the list.
pub(super) fn unlink(class: &mut Class, record: RecordRef) {
    if class.head == record {
        return pop_front(class, record);
    }
    let (next, previous) = (record.next(), record.previous());
    previous.set_next(next);
    if next.is_end() {
        class.tail = previous;
    } else {
        next.set_previous(previous);
    }
    record.set_state(State::Exhausted);
}
