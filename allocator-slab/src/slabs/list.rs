//! The partial slabs of a class: a list, of which the first is the next to be active.
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
    record.set_previous(class.tail);
    if class.tail.is_end() {
        class.head = record;
    } else {
        class.tail.set_next(record);
    }
    class.tail = record;
}

/// Takes the first slab out of the list.
#[inline]
pub(super) fn pop_front(class: &mut Class, first: RecordRef) {
    debug_assert!(class.head == first);
    let next = first.next();
    class.head = next;
    if next.is_end() {
        class.tail = RecordRef::END;
    } else {
        next.set_previous(RecordRef::END);
    }
}

/// Takes a slab out of the list.
pub(super) fn unlink(class: &mut Class, record: RecordRef) {
    let (next, previous) = (record.next(), record.previous());
    if next.is_end() {
        class.tail = previous;
    } else {
        next.set_previous(previous);
    }
    if previous.is_end() {
        class.head = next;
    } else {
        previous.set_next(next);
    }
}
