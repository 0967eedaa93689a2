//! Every field of the records is spoilt once, and each time the check must say so.

use core::{alloc::Layout, ptr::NonNull};
use std::{boxed::Box, vec::Vec};

use allocator_api::{PageAllocator, PagedByteAllocator};

use super::{Class, Classes, RecordRef, Slabs, Source, State};
use crate::{
    ObjectCache,
    memory::{Hand, Place},
    size_class,
    test_pages::Pages,
};

type Level = Pages<4096>;

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 8).unwrap()
}

/// Slabs with something of each kind: for blocks of 64 bytes an active, two partial and an exhausted slab, one with guests, one of
/// several frames, runs, one of them in place of a slab, more pages in use than kept, an object cache.
struct Subject {
    slabs: Box<Slabs>,
    pages: Level,
    blocks: Vec<NonNull<u8>>,
    guest: NonNull<u8>,
    /// In a slab of three frames.
    wide: NonNull<u8>,
    run: NonNull<u8>,
    /// A run of one page that serves [`SPARSE`].
    class_run: NonNull<u8>,
    page: NonNull<u8>,
    _cache: ObjectCache<[u8; 40]>,
}

/// The states of the slabs of [`CLASS`]; the word of the last one is at hand.
const STATES: [State; 5] = [State::Partial, State::Partial, State::Partial, State::Exhausted, State::Exhausted];
/// The number of the class of 64 bytes.
const CLASS: usize = 7;
/// The number of the class of 512 bytes, which hosts.
const HOST: usize = 31;
/// The number of the class of 640 bytes, with slabs of three frames.
const WIDE: usize = 33;
/// The number of the class of 1920 bytes, which has a run and no slab.
const SPARSE: usize = 46;

impl Subject {
    fn new() -> Self {
        let (mut slabs, mut pages) = (Box::new(Slabs::new()), Level::of_host(1 << 20));
        let mut alloc = |slabs: &mut Slabs, size| slabs.alloc_from(&mut pages, layout(size)).unwrap();
        let blocks: Vec<_> = (0..4 * 64 + 7).map(|_| alloc(&mut slabs, 64)).collect();
        alloc(&mut slabs, 512);
        let wide = alloc(&mut slabs, 640);
        alloc(&mut slabs, 4096);
        let (run, page, kept) = (alloc(&mut slabs, 40_000), alloc(&mut slabs, 4096), alloc(&mut slabs, 4096));
        let cache = slabs.open_cache::<[u8; 40]>("forty", 1).unwrap();
        slabs.alloc_object(&mut pages, &cache).unwrap();
        for (block, size) in [(blocks[0], 64), (blocks[64], 64), (blocks[129], 64)] {
            // SAFETY: 1. The block is live, with this layout. 2. It is not used any more. 3. There is one page level.
            unsafe { slabs.dealloc_to(&mut pages, block, layout(size)) }.unwrap();
        }
        let spare = pages.alloc_pages(1, 4096).unwrap();
        while pages.alloc_pages(1, 4096).is_ok() {}
        // One page is not enough for a slab.
        // SAFETY: 1. The page was taken just now, by itself. 2. It was not used.
        unsafe { pages.dealloc_pages(spare, 1) }.unwrap();
        let class_run = slabs.alloc_from(&mut pages, layout(1920)).unwrap();
        // With no page left, blocks of another class are guests.
        let mut guest = slabs.alloc_from(&mut pages, layout(300)).unwrap();
        while slabs.classes.get(HOST).live == 1 {
            guest = slabs.alloc_from(&mut pages, layout(300)).unwrap();
        }
        // SAFETY: 1. The block is live, with this layout. 2. It is not used any more. 3. There is one page level.
        unsafe { slabs.dealloc_to(&mut pages, kept, layout(4096)) }.unwrap();
        let subject = Self { slabs, pages, blocks, guest, wide, run, class_run, page, _cache: cache };
        assert_eq!(subject.check(), Ok(()));
        subject
    }

    fn check(&self) -> Result<(), &'static str> {
        self.slabs.check_integrity::<Level>()
    }

    /// The record of the frame of a block.
    fn record(&self, block: NonNull<u8>) -> RecordRef {
        self.slabs.map.get(block.addr().get())
    }

    /// The slabs of [`CLASS`], in the order of their first use.
    fn slab(&self, number: usize) -> RecordRef {
        self.record(self.blocks[64 * number])
    }

    /// Enters a record for the third frame of the run.
    fn lead_from_within_run(&mut self, record: RecordRef) {
        let mut source = Source::new(&mut self.pages, &mut self.slabs.held_bytes);
        self.slabs.map.set(&mut source, self.run.addr().get() + 8192, 4096, record).unwrap();
    }

    fn class(&mut self) -> &mut Class {
        self.slabs.classes.get_mut(CLASS)
    }
}

/// Spoils a subject, which must be noticed.
#[track_caller]
fn spoil(how: impl FnOnce(&mut Subject)) -> &'static str {
    let mut subject = Subject::new();
    how(&mut subject);
    subject.check().expect_err("the check finds what was spoilt")
}

#[test]
fn a_sound_subject_has_slabs_in_every_state() {
    let subject = Subject::new();
    let states = [0, 1, 2, 3, 4].map(|number| subject.slab(number).state());
    assert_eq!(states, STATES);
    let class = subject.slabs.classes.get(CLASS);
    assert_eq!((class.active, class.word_at_hand()), (subject.slab(4), Some(0)));
    assert_eq!(
        (subject.record(subject.run).state(), subject.record(subject.page).state()),
        (State::Run, State::Page)
    );
    assert_eq!(subject.record(subject.guest).fast_class(), 0);
    let wide = subject.record(subject.wide);
    assert_eq!(
        (wide.class(), subject.slabs.classes.get(WIDE).slab_bytes),
        (Classes::offset(WIDE).number(), 12_288)
    );
    let class_run = subject.record(subject.class_run);
    assert_eq!((class_run.state(), class_run.class()), (State::Run, Classes::offset(SPARSE).number()));
}

#[test]
fn a_frame_that_leads_to_another_slab_than_its_own_is_found() {
    const OVERLAP: &str = "slabs and runs do not overlap";
    // The second frame of a slab leads to a slab further down, or to one further up.
    for to in [0, 4] {
        let rule = spoil(|subject| {
            let second = subject.record(subject.wide).base() + 4096;
            subject.slabs.map.place(second).unwrap().set(subject.slab(to));
        });
        assert_eq!(rule, "every frame of a slab has its record");
    }
    // A frame within a run leads to a slab: to one far away, or to the one that is found before the run.
    let far = spoil(|subject| subject.lead_from_within_run(subject.slab(0)));
    let before = spoil(|subject| {
        let is_slab = |record: &RecordRef| matches!(record.state(), State::Partial | State::Exhausted);
        let run = subject.run.addr().get();
        let mut frames = (1..256).map(|frame| subject.slabs.map.get(run - frame * 4096));
        let before = frames.find(is_slab).unwrap();
        subject.lead_from_within_run(before);
    });
    assert_eq!((far, before), (OVERLAP, OVERLAP));
}

#[test]
fn each_part_of_a_rule_is_looked_at() {
    let rule = "a slab begins with its first frame, and its record is taken";
    assert_eq!(spoil(|subject| subject.slab(0).set_class(Classes::offset(CLASS + 1).number())), rule);
    let rule = "a run is a number of pages from its first frame on, and its record is taken";
    for bytes in [0, 36_000, 40_000] {
        assert_eq!(spoil(|subject| subject.record(subject.run).set_bits(0, bytes)), rule);
    }
    let rule = "a listed slab is partial, and of the class";
    assert_eq!(spoil(|subject| subject.class().head = subject.slab(3)), rule);
    let rule = "only guests have bits behind those of the objects";
    assert_eq!(
        spoil(|subject| {
            let slab = subject.slabs.classes.get(size_class::COUNT).active;
            _ = slab.set_bit(128);
        }),
        rule
    );
}

#[test]
fn a_run_that_its_class_does_not_fit_into_is_found() {
    // 4608 bytes do not fit into a page, an object cache has no runs, and one page without a class needs no record.
    for class in [Classes::offset(57), Classes::offset(size_class::COUNT)] {
        spoil(|subject| subject.record(subject.class_run).set_class(class.number()));
    }
    spoil(|subject| subject.record(subject.class_run).set_class(0));
}

#[test]
fn nobody_looks_at_the_last_slab_of_an_empty_list() {
    let mut subject = Subject::new();
    assert!(subject.slabs.classes.get(WIDE).head.is_end());
    subject.slabs.classes.get_mut(WIDE).tail = subject.slab(0);
    assert_eq!(subject.check(), Ok(()));
}

#[test]
fn a_spoilt_bit_of_a_slab_is_found() {
    for (slab, object) in [(0, 5), (1, 5), (2, 5), (3, 5), (4, 3)] {
        spoil(|subject| _ = subject.slab(slab).set_bit(object));
    }
    for (slab, object) in [(0, 0), (1, 0), (2, 1)] {
        spoil(|subject| subject.slab(slab).clear_bit(object));
    }
    for beyond in [64, 100, 127, 128, 191, 192, 200, 255] {
        assert_eq!(
            spoil(|subject| _ = subject.slab(2).set_bit(beyond)),
            if !(128..192).contains(&beyond) {
                "only guests have bits behind those of the objects"
            } else {
                "a guest is live, and of a smaller class"
            },
            "{beyond}"
        );
    }
}

#[test]
fn a_spoilt_field_of_a_record_is_found() {
    for (slab, sound_state) in STATES.into_iter().enumerate() {
        spoil(|subject| subject.slab(slab).set_base(subject.slab(slab).base() + 4096));
        spoil(|subject| subject.slab(slab).set_fast_class(0));
        spoil(|subject| subject.slab(slab).set_word_objects(0));
        spoil(|subject| subject.slab(slab).set_word_objects(63));
        spoil(|subject| subject.slab(slab).set_class(Classes::offset(CLASS + 1).number()));
        spoil(|subject| subject.slab(slab).set_class(Classes::offset(CLASS).number() + 1));
        spoil(|subject| subject.slab(slab).set_class(0));
        for state in [State::None, State::Page, State::CachedPage, State::Run, State::Partial, State::Exhausted] {
            if sound_state != state {
                spoil(|subject| subject.slab(slab).set_state(state));
            }
        }
    }
    spoil(|subject| subject.record(subject.run).set_bits(0, 36_864));
    spoil(|subject| subject.record(subject.run).set_bits(0, 40_000));
    spoil(|subject| subject.record(subject.run).set_bits(0, 0));
    spoil(|subject| subject.record(subject.run).set_bits(0, 1 << 40));
    spoil(|subject| subject.record(subject.run).set_base(0));
    spoil(|subject| subject.record(subject.run).set_fast_class(Classes::offset(CLASS).number()));
    spoil(|subject| subject.record(subject.run).set_class(1));
    spoil(|subject| subject.record(subject.run).set_state(State::Page));
}

#[test]
fn a_spoilt_list_is_found() {
    for (slab, to) in [(0, 2), (0, 0), (1, 1), (1, 3), (2, 0)] {
        spoil(|subject| subject.slab(slab).set_next(subject.slab(to)));
        // Nobody looks at what is before the first.
        if slab > 0 {
            spoil(|subject| subject.slab(slab).set_previous(subject.slab(to)));
        }
    }
    spoil(|subject| subject.slab(1).set_next(RecordRef::END));
    spoil(|subject| subject.slab(1).set_previous(RecordRef::END));
    for to in [0, 1, 3, 4] {
        spoil(|subject| subject.class().tail = subject.slab(to));
    }
    for to in [1, 2, 3, 4] {
        spoil(|subject| subject.class().head = subject.slab(to));
    }
    spoil(|subject| subject.class().head = RecordRef::END);
    spoil(|subject| subject.class().tail = RecordRef::END);
}

#[test]
fn a_spoilt_number_of_a_class_is_found() {
    let spoilers: [fn(&mut Class); 14] = [
        |class| _ = class.hand.take(64),
        |class| _ = class.hand.put(3),
        |class| class.hand = Hand::EMPTY,
        |class| class.size = 72,
        |class| class.live += 1,
        |class| class.live -= 1,
        |class| class.first += 1,
        |class| class.span += 1,
        |class| class.words = 2,
        |class| class.capacity = 63,
        |class| class.full[0] >>= 1,
        |class| class.slab_bytes = 8192,
        |class| class.slabs += 1,
        |class| class.most_slabs = 4,
    ];
    for spoiler in spoilers {
        spoil(|subject| spoiler(subject.class()));
    }
    spoil(|subject| subject.class().active = subject.slab(0));
    spoil(|subject| subject.class().active = RecordRef::END);
    spoil(|subject| *subject.class() = Class::EMPTY);
    // A class without slabs, and the one that serves nothing.
    for number in [0, CLASS + 1] {
        spoil(|subject| subject.slabs.classes.get_mut(number).live = 1);
        spoil(|subject| subject.slabs.classes.get_mut(number).size = 8);
        spoil(|subject| subject.slabs.classes.get_mut(number).active = subject.slab(4));
    }
}

#[test]
fn a_spoilt_word_at_hand_is_found() {
    let objects = spoil(|subject| {
        let class = subject.class();
        class.hand.let_go(class.active, 0);
        class.hand.take_word(class.active, 0, 63, 64);
        class.hand.put(7);
    });
    assert_eq!(objects, "the word at hand has its objects");
    let guest = spoil(|subject| {
        let (slab, object) = (subject.slab(4), subject.blocks[256]);
        slab.set_bit(128);
        slab.set_fast_class(0);
        slab.set_word_objects(0);
        // SAFETY: the last byte of a live object of 64 bytes.
        unsafe { object.byte_add(63).write(3) };
    });
    assert_eq!(guest, "the active slab has no guests");
    let doubled = spoil(|subject| {
        // A slab of two words, of which the second is in the record.
        let slab = subject.slabs.classes.get(size_class::COUNT).active;
        assert_eq!((slab.state(), slab.bits(0)), (State::Partial, 0));
        slab.set_bit(5);
    });
    assert_eq!(doubled, "the record has nothing of what is at hand");
    let unused = spoil(|subject| {
        subject.slab(0).set_bits(0, u64::MAX);
        subject.class().live -= 63;
    });
    assert_eq!(unused, "a slab without a live object is active");
}

#[test]
fn a_class_that_is_not_in_the_table_is_found() {
    let unlisted = spoil(|subject| subject.slabs.classes.get_mut(CLASS + 1).set_up(CLASS + 1, 4096));
    assert_eq!(unlisted, "the table of classes has those that are set up");
}

#[test]
fn a_spoilt_guest_is_found() {
    spoil(|subject| {
        // SAFETY: the last byte of the object that hosts, which is 512 bytes.
        unsafe { subject.guest.byte_add(511).write(HOST as u8) }
    });
    spoil(|subject| {
        // SAFETY: as above.
        unsafe { subject.guest.byte_add(511).write(0) }
    });
    spoil(|subject| subject.record(subject.guest).set_fast_class(Classes::offset(HOST).number()));
    spoil(|subject| subject.record(subject.guest).set_word_objects(8));
    spoil(|subject| {
        let slab = subject.record(subject.guest);
        (0..8).for_each(|object| slab.clear_bit(128 + object));
    });
}

#[test]
fn a_spoilt_count_of_the_whole_is_found() {
    spoil(|subject| subject.slabs.held_bytes += 4096);
    spoil(|subject| subject.slabs.run_bytes -= 1);
    spoil(|subject| _ = subject.slabs.cache.pop());
    spoil(|subject| _ = subject.slabs.cache.push::<Level>(subject.page.addr().get(), Place::NOWHERE));
    spoil(|subject| {
        let (page, place) = subject.slabs.cache.pop().unwrap();
        subject.slabs.cache.push::<Level>(page + 4096, place);
    });
    spoil(|subject| {
        let (page, _) = subject.slabs.cache.pop().unwrap();
        let wrong = subject.slabs.map.place(subject.page.addr().get()).unwrap();
        subject.slabs.cache.push::<Level>(page, wrong);
    });
    spoil(|subject| subject.slabs.caches.close(0));
}

#[test]
fn a_slab_of_another_class_is_not_the_active_one() {
    // A class that has no slabs, so that nothing else about it is wrong.
    let rule = spoil(|subject| subject.slabs.classes.get_mut(CLASS + 1).active = subject.slab(4));
    assert_eq!(rule, "the active slab is one of the class");
}
