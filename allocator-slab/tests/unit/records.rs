//! The pool by itself, and every field of it spoilt once.

use std::vec::Vec;

use allocator_api::{AllocError, PageAllocator};

use super::super::{ALL_FREE, Header, Records, header};
use crate::{
    memory::{RecordRef, Source, State},
    test_pages::Pages,
};

type Level = Pages<4096>;

/// Records of a unit.
const UNIT: usize = 63;

struct Subject {
    records: Records,
    pages: Level,
    held_bytes: usize,
}

impl Subject {
    fn new() -> Self {
        Self { records: Records::EMPTY, pages: Level::of_host(1 << 20), held_bytes: 0 }
    }

    fn take(&mut self) -> Result<RecordRef, AllocError> {
        let record = self.records.take(&mut Source::new(&mut self.pages, &mut self.held_bytes));
        self.check();
        record
    }

    fn give(&mut self, record: RecordRef) {
        self.records.give(&mut Source::new(&mut self.pages, &mut self.held_bytes), record);
        self.check();
    }

    fn check(&self) {
        assert_eq!(self.records.check(), Ok(()));
        assert_eq!(self.held_bytes, self.records.units() * 4096);
    }

    /// Three units: a full one, and two with some records free.
    fn with_units() -> (Self, Vec<RecordRef>) {
        let mut subject = Self::new();
        let taken: Vec<_> = (0..3 * UNIT).map(|_| subject.take().unwrap()).collect();
        for &record in [&taken[5], &taken[7], &taken[UNIT + 3]] {
            subject.give(record);
        }
        (subject, taken)
    }
}

#[test]
fn records_are_64_bytes_apart_and_begin_as_records_of_nothing() {
    let mut subject = Subject::new();
    let mut addresses: Vec<_> = (0..3 * UNIT + 1)
        .map(|_| {
            let record = subject.take().unwrap();
            assert_eq!((record.state(), record.class(), record.fast_class()), (State::None, 0, 0));
            assert!(record.next().is_end() && record.previous().is_end() && Records::is_taken(record));
            record.set_class(9);
            record.set_state(State::Run);
            record.address()
        })
        .collect();
    addresses.sort_unstable();
    assert!(addresses.windows(2).all(|pair| pair[1] - pair[0] >= 64));
    assert!(addresses.iter().all(|address| address.is_multiple_of(64) && !address.is_multiple_of(4096)));
    assert_eq!((subject.records.units(), subject.records.taken()), (4, 3 * UNIT + 1));
}

#[test]
fn a_unit_goes_back_with_its_last_record_whatever_the_order() {
    for step in [1, 2, 5, 11, 101] {
        let mut subject = Subject::new();
        let begin = subject.pages.used_pages();
        let taken: Vec<_> = (0..2 * UNIT).map(|_| subject.take().unwrap()).collect();
        for number in 0..taken.len() {
            assert!(Records::is_taken(taken[number * step % taken.len()]) || step == 2);
            if step != 2 {
                subject.give(taken[number * step % taken.len()]);
            }
        }
        if step == 2 {
            (0..2).flat_map(|odd| taken.iter().skip(odd).step_by(2)).for_each(|&record| subject.give(record));
        }
        assert_eq!((subject.records.units(), subject.pages.used_pages()), (0, begin));
    }
}

#[test]
fn a_free_record_is_taken_before_a_new_unit() {
    let (mut subject, taken) = Subject::with_units();
    assert!(!Records::is_taken(taken[5]) && Records::is_taken(taken[6]));
    subject.pages.patience = 0;
    let mut again: Vec<_> = (0..3).map(|_| subject.take().unwrap().address()).collect();
    again.sort_unstable();
    let mut given = [taken[5], taken[7], taken[UNIT + 3]].map(RecordRef::address);
    given.sort_unstable();
    assert_eq!(again, given);
    assert_eq!(subject.take(), Err(AllocError::NoMemory));
    assert_eq!(subject.records.taken(), 3 * UNIT);
}

/// The header of a unit that is held.
fn of(unit: usize) -> &'static mut Header {
    // SAFETY: the header of a unit that is held, and of which nobody else has a reference.
    unsafe { &mut *header(unit) }
}

#[test]
fn a_bit_is_cleared_by_itself_and_the_last_one_leaves_none() {
    let (_subject, taken) = Subject::with_units();
    let record = taken[0];
    assert!(!record.has_bits());
    for bit in [2, 64, 129, 140, 255] {
        _ = record.set_bit(bit);
    }
    record.clear_bit(140);
    assert_eq!([0, 1, 2, 3].map(|word| record.bits(word)), [1 << 2, 1, 1 << 1, 1 << 63]);
    // Words that are the same.
    (0..4).for_each(|word| record.set_bits(word, 1 << 9));
    assert!(record.has_bits());
    [9, 73, 137].into_iter().for_each(|bit| record.clear_bit(bit));
    assert!(record.has_bits());
    record.clear_bit(201);
    assert!(!record.has_bits());
}

#[test]
fn a_spoilt_field_is_found() {
    type Spoiler = fn(&mut Records, usize);
    const MORE: &str = "the list of record pages has no more than are held";
    const LINKS: &str = "record pages are linked in both directions";
    const FREE: &str = "a listed record page has a free record and one that is taken";
    const COUNT: &str = "the pool counts the records that are taken";
    let spoilers: [(&str, Spoiler); 12] = [
        (COUNT, |records, _| records.units += 1),
        (MORE, |records, _| records.units = 1),
        (COUNT, |records, _| records.taken -= 1),
        (COUNT, |records, _| records.head = 0),
        (LINKS, |records, last| records.head = last),
        (FREE, |_, last| of(last).free |= 1),
        (FREE, |_, last| of(last).free = 0),
        (FREE, |_, last| of(last).free = ALL_FREE),
        (COUNT, |_, last| of(last).free |= 1 << 20),
        (LINKS, |_, last| of(last).next = last),
        (LINKS, |_, last| of(last).previous = 0),
        (COUNT, |records, _| of(records.head).next = 0),
    ];
    for (number, (rule, spoiler)) in spoilers.into_iter().enumerate() {
        let (mut subject, taken) = Subject::with_units();
        let last = taken[0].address() & !4095;
        assert_ne!(subject.records.head, last);
        spoiler(&mut subject.records, last);
        assert_eq!(subject.records.check(), Err(rule), "spoiler {number}");
    }
}
