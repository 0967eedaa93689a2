//! Points 11 and 14, by machine: random scripts, and every state of a tiny heap.
#![forbid(unsafe_code)]

use allocator_api::{ByteAllocator, ConstEmpty, Declared};

use super::subject::Subject;
use crate::{
    explore::bytes::{ByteScope, explore_on, smallest_heap},
    script::{bytes::run_on, stop_at},
    verdict::Step,
};

/// Scripts, and steps of each.
const SCRIPTS: u64 = 40;
const STEPS: usize = 80;

/// Short scripts, each on a fresh allocator and with everything given back at the end. The seed of one that fails is
/// printed; on a host, so is what remains of it when all that is not needed is gone.
pub(super) fn random_scripts_are_answered_as_predicted<A>(s: &mut Subject<'_, A>) -> Step
where
    A: ByteAllocator + ConstEmpty + Declared,
{
    (0..SCRIPTS).try_for_each(|seed| {
        let script = crate::script::of_seed(seed).take(STEPS);
        run_on(s, script).map(|_| ()).map_err(|broken| stop_at(seed, broken))
    })
}

/// One region, three requests, two blocks at most: every order of asking, giving back and changing sizes.
pub(super) fn every_state_of_a_tiny_heap_is_sound<A>(s: &mut Subject<'_, A>) -> Step
where
    A: ByteAllocator + ConstEmpty + Declared,
{
    let smallest_heap_bytes = smallest_heap(s)?;
    explore_on(s, &ByteScope::tiny(smallest_heap_bytes)).map(|_| ())
}
