//! Every state of a few neighbouring indices under every operation, against a plain array.
//!
//! The indices lie at the start of a map, at its end, and across the border of two leaves of its tree.

extern crate std;

use std::{vec, vec::Vec};

use super::{
    super::{BitAlloc16, BitAlloc256},
    *,
};

const MAX_RANGES: usize = 2;

/// Indices that take every state.
const WIDTH: usize = 6;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Unmanaged,
    Free,
    Taken,
}

use Kind::{Free, Taken, Unmanaged};

/// `kinds[i]` is the kind of index `base + i`; all others are not managed.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Model {
    base: usize,
    kinds: Vec<Kind>,
}

impl Model {
    fn kind(&self, index: usize) -> Kind {
        index.checked_sub(self.base).and_then(|i| self.kinds.get(i).copied()).unwrap_or(Unmanaged)
    }

    fn all(&self, run: AddressRange, kind: Kind) -> bool {
        (run.start()..=run.last()).all(|index| self.kind(index) == kind)
    }

    fn with(&self, run: AddressRange, kind: Kind) -> Self {
        let mut changed = self.clone();
        changed.kinds[run.start() - self.base..=run.last() - self.base].fill(kind);
        changed
    }

    fn managed_ranges(&self) -> usize {
        (0..WIDTH).filter(|&i| self.kinds[i] != Unmanaged && (i == 0 || self.kinds[i - 1] == Unmanaged)).count()
    }

    fn count(&self, kind: Kind) -> usize {
        self.kinds.iter().filter(|k| **k == kind).count()
    }

    /// The runs inside the indices of the model.
    fn runs(&self) -> impl Iterator<Item = AddressRange> + use<> {
        runs_between(self.base, self.base + WIDTH - 1)
    }

    fn build<M: Map>(&self) -> Bits<M, MAX_RANGES> {
        let mut bits = Bits::<M, MAX_RANGES>::EMPTY;
        for index in (self.base..self.base + WIDTH).filter(|index| self.kind(*index) != Unmanaged) {
            bits.insert(one(index)).unwrap();
        }
        for index in (self.base..self.base + WIDTH).filter(|index| self.kind(*index) == Taken) {
            bits.alloc_at(one(index)).unwrap();
        }
        bits
    }

    fn assert_is<M: Map>(&self, bits: &Bits<M, MAX_RANGES>) {
        let kinds: Vec<_> = (self.base..self.base + WIDTH)
            .map(|index| match (bits.managed.region_of(index).is_some(), bits.free.test(index)) {
                (true, true) => Free,
                (true, false) => Taken,
                (false, false) => Unmanaged,
                (false, true) => panic!("index {index} is free but not managed"),
            })
            .collect();
        assert_eq!(kinds, self.kinds);
        assert_eq!(bits.used(), self.count(Taken));
        assert_eq!(bits.total(), self.count(Taken) + self.count(Free));
        let lowest_free = (self.base..self.base + WIDTH).find(|&index| self.kind(index) == Free);
        assert_eq!(bits.free.next(0), lowest_free, "an index outside is free, or the summary is wrong");
    }
}

fn one(index: usize) -> AddressRange {
    AddressRange::new(index, 1).unwrap()
}

fn runs_between(first: usize, last: usize) -> impl Iterator<Item = AddressRange> {
    (first..=last)
        .flat_map(move |start| (start..=last).map(move |end| AddressRange::from_bounds(start, end).unwrap()))
}

/// Every state of the indices with at most `MAX_RANGES` managed ranges.
fn every_state(base: usize) -> impl Iterator<Item = Model> {
    (0..3_usize.pow(WIDTH as u32))
        .map(move |code| {
            let kind = |i| [Unmanaged, Free, Taken][code / 3_usize.pow(i) % 3];
            Model { base, kinds: (0..WIDTH as u32).map(kind).collect() }
        })
        .filter(|model| model.managed_ranges() <= MAX_RANGES)
}

/// Calls `check` with every state, at each interesting place of the map type `M`.
fn in_every_state<M: Map>(check: fn(&Model)) {
    let mut bases = vec![0, M::CAP - WIDTH];
    if M::CAP > 16 {
        bases.push(16 - WIDTH / 2);
    }
    for base in bases {
        let mut states = 0;
        for model in every_state(base) {
            model.assert_is(&model.build::<M>());
            check(&model);
            states += 1;
        }
        assert!(states > 600, "only {states} states");
    }
}

fn allocations<M: Map>(model: &Model) {
    for (count, align_log2, origin) in
        (0..=WIDTH + 1).flat_map(|c| (0..4).flat_map(move |a| (0..4).map(move |o| (c, a, o))))
    {
        let align = 1 << align_log2;
        let fits = |run: &AddressRange| {
            super::count(*run) == count && (origin + run.start()).is_multiple_of(align) && model.all(*run, Free)
        };
        let expected = model.runs().find(fits);
        let mut bits = model.build::<M>();
        let answer = bits.alloc(count, align, origin);
        assert_eq!(answer, expected.map(AddressRange::start), "{count} at {align} from {origin} in {model:?}");
        expected.map_or(model.clone(), |run| model.with(run, Taken)).assert_is(&bits);
    }
}

fn fixed_allocations_and_frees<M: Map>(model: &Model) {
    for run in runs_between(model.base.saturating_sub(1), model.base + WIDTH) {
        let mut bits = model.build::<M>();
        let (answer, after) = match model.all(run, Free) {
            true => (Ok(()), model.with(run, Taken)),
            false => (Err(AllocError::NoMemory), model.clone()),
        };
        assert_eq!(bits.alloc_at(run), answer, "{run:?} in {model:?}");
        after.assert_is(&bits);

        let mut bits = model.build::<M>();
        let (answer, after) = match model.all(run, Taken) {
            true => (Ok(()), model.with(run, Free)),
            false => (Err(AllocError::NotAllocated), model.clone()),
        };
        assert_eq!(bits.dealloc(run), answer, "{run:?} in {model:?}");
        after.assert_is(&bits);
    }
}

fn insertions<M: Map>(model: &Model) {
    for run in model.runs() {
        let mut bits = model.build::<M>();
        let inserted = model.with(run, Free);
        let (answer, after) = if !model.all(run, Unmanaged) {
            (Err(AllocError::MemoryOverlap), model)
        } else if inserted.managed_ranges() > MAX_RANGES {
            (Err(AllocError::NoMemory), model)
        } else {
            (Ok(()), &inserted)
        };
        assert_eq!(bits.insert(run), answer, "{run:?} into {model:?}");
        after.assert_is(&bits);
    }
}

fn questions<M: Map>(model: &Model) {
    let bits = model.build::<M>();
    for index in model.base.saturating_sub(1)..=model.base + WIDTH {
        assert_eq!(bits.is_allocated(index), model.kind(index) == Taken, "{index} in {model:?}");
    }
    for run in model.runs() {
        assert_eq!(bits.manages_any_of(run), !model.all(run, Unmanaged), "{run:?} in {model:?}");
    }
    let longest = model.runs().filter(|run| model.all(*run, Free)).map(super::count).max();
    assert_eq!(bits.longest_free_run(), longest.unwrap_or(0), "{model:?}");
}

#[test]
fn the_lowest_free_run_at_the_alignment_is_taken_in_every_state() {
    in_every_state::<BitAlloc16>(allocations::<BitAlloc16>);
    in_every_state::<BitAlloc256>(allocations::<BitAlloc256>);
}

#[test]
fn a_given_run_is_taken_or_given_back_whole_or_not_at_all_in_every_state() {
    in_every_state::<BitAlloc16>(fixed_allocations_and_frees::<BitAlloc16>);
    in_every_state::<BitAlloc256>(fixed_allocations_and_frees::<BitAlloc256>);
}

#[test]
fn a_range_is_inserted_whole_or_not_at_all_in_every_state() {
    in_every_state::<BitAlloc16>(insertions::<BitAlloc16>);
    in_every_state::<BitAlloc256>(insertions::<BitAlloc256>);
}

#[test]
fn questions_are_answered_rightly_in_every_state() {
    in_every_state::<BitAlloc16>(questions::<BitAlloc16>);
    in_every_state::<BitAlloc256>(questions::<BitAlloc256>);
}

#[test]
fn a_range_beyond_the_map_is_invalid_even_where_it_overlaps() {
    let mut bits = Bits::<BitAlloc16, MAX_RANGES>::EMPTY;
    bits.insert(AddressRange::new(8, 8).unwrap()).unwrap();
    for (first, last) in [(8, 16), (16, 16), (0, 16), (0, usize::MAX), (usize::MAX, usize::MAX)] {
        let range = AddressRange::from_bounds(first, last).unwrap();
        assert_eq!(bits.insert(range), Err(AllocError::InvalidParam), "{first}..={last}");
        assert_eq!(bits.alloc_at(range), Err(AllocError::NoMemory), "{first}..={last}");
        assert_eq!(bits.dealloc(range), Err(AllocError::NotAllocated), "{first}..={last}");
        assert!(!bits.is_allocated(last), "{last}");
    }
    assert_eq!((bits.total(), bits.used()), (8, 0));
}

#[test]
fn counts_and_alignments_beyond_the_map_are_refused_or_met_by_an_aligned_origin() {
    let mut bits = Bits::<BitAlloc16, MAX_RANGES>::EMPTY;
    bits.insert(AddressRange::new(0, 16).unwrap()).unwrap();
    let largest_align = 1 << (usize::BITS - 1);
    assert_eq!(bits.alloc(usize::MAX, 1, 0), None);
    assert_eq!(bits.alloc(17, 1, 0), None);
    assert_eq!(bits.alloc(2, 32, 1), None);
    assert_eq!(bits.alloc(2, largest_align, usize::MAX - 15), None);
    assert_eq!(bits.alloc(2, largest_align, 0), Some(0));
    assert_eq!(bits.alloc(2, 32, 24), Some(8));
    assert_eq!(bits.alloc(1, largest_align, largest_align - 3), Some(3));
}
