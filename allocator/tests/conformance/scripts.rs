//! Scripts in which blocks and runs of pages live side by side.

use allocator::{ByteAllocator, ConstEmpty, Declared, DefaultPageAllocator};
use allocator_conformance::{Arena, Bench, Slot, hunt_bytes};

use crate::two_levels::TwoLevels;

type Heap<B> = TwoLevels<B, DefaultPageAllocator>;

/// Tries short scripts and long ones.
fn hunt<A: ByteAllocator + ConstEmpty + Declared>(slot: &'static Slot<A>, arena: &'static Arena) {
    let mut bench = Bench::on(slot, arena).expect("a test runs once");
    for (steps, seeds) in [(30, 0..600), (300, 600..660)] {
        if let Some(found) = hunt_bytes(&mut bench, seeds, steps) {
            panic!("a script was not answered as predicted:\n{found}");
        }
    }
}

macro_rules! hunt_over {
    ($level:ty) => {{
        static SLOT: Slot<Heap<$level>> = Slot::new();
        static ARENA: Arena = Arena::new();
        hunt(&SLOT, &ARENA);
    }};
}

#[cfg(feature = "slab")]
#[test]
fn slabs_and_runs_live_side_by_side() {
    hunt_over!(allocator::Slabs);
}

#[cfg(feature = "slab-package")]
#[test]
fn slabs_of_the_package_and_runs_live_side_by_side() {
    hunt_over!(crate::SlabPackage);
}

#[cfg(feature = "tlsf")]
#[test]
fn tlsf_blocks_and_runs_live_side_by_side() {
    hunt_over!(crate::Tlsf);
}

#[cfg(feature = "buddy")]
#[test]
fn buddies_and_runs_live_side_by_side() {
    hunt_over!(crate::Buddy);
}

/// Runs that the byte level grew by become one region, and the end of one of them is free: a block of n bytes then adds
/// less than n to what is used.
#[cfg(feature = "tlsf")]
#[test]
fn a_growth_that_joins_two_regions_frees_the_end_of_one() {
    use allocator_conformance::{ByteOp::*, Fit};

    let alloc = |size| Alloc { size, align_log2: 0 };
    allocator_conformance::byte_script!(
        Heap<crate::Tlsf>,
        Fit::Unknown,
        [
            Add { offset: 0, size: 139_264 },
            Alloc { size: 131_072, align_log2: 12 },
            Realloc { block: 0, size: 1 },
            alloc(19_953),
            alloc(10_865),
            alloc(19_953),
            alloc(16_625),
            alloc(30_465),
        ]
    );
}
