//! The map by itself: levels, nodes, guesses, refusals; and every field of it spoilt once.

use std::boxed::Box;

use allocator_api::{AllocError, PageAllocator};

use super::super::{Near, PageMap};
use crate::{
    memory::{RecordRef, Source},
    test_pages::Pages,
};

type Level = Pages<4096>;

const MIB: usize = 1 << 20;
const GIB: usize = 1 << 30;

/// A map, and where its nodes come from.
struct Subject {
    map: Box<PageMap>,
    pages: Level,
    held_bytes: usize,
}

impl Subject {
    fn new() -> Self {
        Self { map: Box::new(PageMap::EMPTY), pages: Level::of_host(MIB), held_bytes: 0 }
    }

    /// A map with frames in two leaves 1 GiB apart, and one beyond.
    fn with_frames() -> Self {
        let mut subject = Self::new();
        for address in [GIB, 2 * GIB, 2 * GIB + 4096, 2 * MIB] {
            subject.set(address, 4096).unwrap();
        }
        assert_eq!(subject.check(), Ok(()));
        subject
    }

    fn set(&mut self, address: usize, bytes: usize) -> Result<(), AllocError> {
        let mut source = Source::new(&mut self.pages, &mut self.held_bytes);
        let answer = self.map.set(&mut source, address, bytes, RecordRef::page());
        assert_eq!(self.held_bytes, self.map.nodes() * 4096);
        answer
    }

    fn clear(&mut self, address: usize, bytes: usize) {
        self.map.clear(&mut Source::new(&mut self.pages, &mut self.held_bytes), address, bytes);
        assert_eq!((self.held_bytes, self.check()), (self.map.nodes() * 4096, Ok(())));
    }

    fn check(&self) -> Result<(), &'static str> {
        self.map.check(&mut |_, _| Ok(()))
    }

    fn has(&self, address: usize) -> bool {
        self.map.get(address) == RecordRef::page()
    }
}

#[test]
#[cfg(target_pointer_width = "64")]
fn the_tree_grows_by_the_levels_that_an_address_needs_and_goes_with_the_last_frame() {
    let mut subject = Subject::new();
    // Each address, and the levels and nodes of the tree once it is in.
    let steps = [
        (512 * GIB, 1, 1),
        (512 * GIB + 4096, 1, 1),
        // The leaf beside, and above both a node.
        (512 * GIB + 2 * MIB, 2, 3),
        (513 * GIB, 3, 6),
        // 512 GiB and more above: another level, and two nodes and a leaf below it.
        (1024 * GIB, 4, 10),
        (1 << 47, 4, 13),
        (1 << 48, 5, 18),
        (usize::MAX - 4095, 6, 24),
        (0, 6, 27),
    ];
    for (number, &(address, levels, nodes)) in steps.iter().enumerate() {
        let missing = subject.map.missing_nodes(address);
        let before = subject.map.nodes();
        subject.set(address, 4096).unwrap();
        assert_eq!((subject.map.levels, subject.map.nodes()), (levels, nodes), "{address:#x}");
        assert_eq!((missing, subject.map.missing_nodes(address)), (nodes - before, 0));
        assert_eq!((subject.map.frames(), subject.check()), (number + 1, Ok(())));
        assert!(steps.iter().enumerate().all(|(other, step)| subject.has(step.0) == (other <= number)));
    }
    for (number, &(address, ..)) in steps.iter().enumerate() {
        assert!(subject.map.find(address).is_some_and(|place| place.get() == RecordRef::page()));
        subject.clear(address, 4096);
        assert!(steps.iter().enumerate().all(|(other, step)| subject.has(step.0) == (other > number)));
    }
    assert_eq!((subject.map.nodes(), subject.map.levels, subject.held_bytes), (0, 0, 0));
}

// Where addresses have 32 bits, each leaf has an index of its own.
#[test]
#[cfg(target_pointer_width = "64")]
fn a_guess_is_of_the_leaf_found_last_and_none_once_the_leaf_is_gone() {
    let mut subject = Subject::new();
    let (low, high) = (2 * GIB, 3 * GIB);
    subject.set(low, 4096).unwrap();
    subject.set(high, 8192).unwrap();
    assert_eq!(subject.map.near(high), RecordRef::page());
    // Under the same index the guess is the leaf of `high`, where the second frame has a record too.
    assert_eq!(subject.map.near(low + 4096), RecordRef::page());
    assert_eq!(subject.map.get(low + 4096), RecordRef::none());
    assert_eq!(subject.map.find_near(low), None);
    assert!(subject.map.find(low).is_some());
    assert_eq!(subject.map.near(high + 4096), RecordRef::none());
    subject.clear(low, 4096);
    assert_eq!((subject.map.near(low), subject.map.near(high)), (RecordRef::none(), RecordRef::none()));
    assert!(subject.map.find(high).is_some());
    assert_eq!(subject.map.near(high), RecordRef::page());
}

#[test]
fn a_leaf_that_goes_leaves_the_guess_of_another() {
    let mut subject = Subject::new();
    subject.set(2 * GIB, 4096).unwrap();
    subject.set(3 * GIB, 4096).unwrap();
    subject.clear(2 * GIB, 4096);
    assert_eq!(subject.map.find_near(3 * GIB).map(super::super::Place::get), Some(RecordRef::page()));
}

#[test]
fn frames_in_several_leaves_are_set_and_cleared_together() {
    let mut subject = Subject::new();
    let (start, bytes) = (GIB - 8192, 2 * MIB + 16_384);
    subject.set(start, bytes).unwrap();
    assert_eq!((subject.map.frames(), subject.check()), (bytes / 4096, Ok(())));
    assert!(subject.has(start) && subject.has(start + bytes - 4096));
    assert!(!subject.has(start - 4096) && !subject.has(start + bytes));
    subject.clear(start, bytes);
    assert_eq!((subject.map.frames(), subject.held_bytes), (0, 0));
}

#[test]
fn a_refusal_in_the_middle_is_undone() {
    for patience in 0..9 {
        let mut subject = Subject::new();
        subject.set(GIB - 4 * MIB, 4096).unwrap();
        let (before, used) = (subject.map.nodes(), subject.pages.used_pages());
        subject.pages.patience = patience;
        // Leaves on both sides of a multiple of 1 GiB: levels, nodes and leaves are needed; of 4 MiB each, where addresses have
        // 32 bits: a node, and a leaf beside the one that is there.
        const NEEDED: usize = if usize::BITS == 64 { 6 } else { 2 };
        let answer = subject.set(GIB - 4096, 2 * MIB + 8192);
        subject.pages.patience = usize::MAX;
        assert_eq!(answer, if patience < NEEDED { Err(AllocError::NoMemory) } else { Ok(()) }, "after {patience}");
        assert_eq!(subject.check(), Ok(()));
        if answer.is_ok() {
            subject.clear(GIB - 4096, 2 * MIB + 8192);
        } else {
            assert_eq!(subject.map.frames(), 1);
        }
        assert!(subject.has(GIB - 4 * MIB) && !subject.has(GIB - 4096) && !subject.has(GIB));
        subject.clear(GIB - 4 * MIB, 4096);
        assert_eq!((subject.held_bytes, subject.pages.used_pages()), (0, used - before));
    }
}

/// Spoils a map, which must be noticed.
#[track_caller]
fn spoil(how: impl FnOnce(&mut PageMap)) {
    let mut subject = Subject::with_frames();
    how(&mut subject.map);
    assert!(subject.check().is_err());
}

#[test]
fn a_spoilt_field_is_found() {
    spoil(|map| map.nodes += 1);
    spoil(|map| map.frames -= 1);
    spoil(|map| map.root += 1);
    spoil(|map| map.root = 0);
    spoil(|map| map.root &= 4095);
    spoil(|map| map.levels = 0);
    spoil(|map| map.levels = 7);
    spoil(|map| map.prefix += 1);
    let tag = |address: usize| super::super::tag(address);
    let near = |map: &PageMap, address: usize| map.near[super::super::index(address, 1)];
    assert!(near(&Subject::with_frames().map, 2 * GIB).tag == tag(2 * GIB));
    spoil(|map| map.near[0].tag = tag(GIB));
    spoil(|map| map.near[0].tag = tag(3 * GIB));
    spoil(|map| map.near[0].tag = 0);
    spoil(|map| map.near[0].leaf = 0);
    spoil(|map| map.near[7] = Near { leaf: map.near[0].leaf, tag: map.near[0].tag });
    spoil(|map| map.near[7].leaf = 4096);
}

#[test]
fn a_spoilt_entry_is_found() {
    for record in [RecordRef::none(), RecordRef::END] {
        let mut subject = Subject::with_frames();
        let place = subject.map.find(2 * GIB).unwrap();
        super::super::write(place.0, 0, record.address());
        assert!(subject.check().is_err());
    }
    for change in [1_isize, -1, 8] {
        let subject = Subject::with_frames();
        let root = subject.map.root & !super::COUNT_MASK;
        let number = super::index(2 * GIB, subject.map.levels - 1);
        let entry = super::read(root, number);
        super::super::write(root, number, entry.wrapping_add_signed(change));
        assert!(subject.check().is_err(), "{change}");
    }
}
