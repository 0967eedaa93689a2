//! Points 11 and 14, by machine: random scripts, and every state of a few pages.
#![forbid(unsafe_code)]

use allocator_api::{ConstEmpty, Declared, PageAllocator};

use super::subject::Subject;
use crate::{
    explore::pages::{PageScope, explore_on},
    script::{pages::run_on, stop_at},
    verdict::Step,
};

/// Scripts, and steps of each.
const SCRIPTS: u64 = 40;
const STEPS: usize = 80;

/// Short scripts, each on a fresh allocator and with everything given back at the end. The seed of one that fails is
/// printed; on a host, so is what remains of it when all that is not needed is gone.
pub(super) fn random_scripts_are_answered_as_predicted<A>(s: &mut Subject<'_, A>) -> Step
where
    A: PageAllocator + ConstEmpty + Declared,
{
    s.need_pages(160)?;
    (0..SCRIPTS).try_for_each(|seed| {
        let script = crate::script::of_seed(seed).take(STEPS);
        run_on(s, script).map(|_| ()).map_err(|broken| stop_at(seed, broken))
    })
}

/// Every run of five pages is asked for, by length and by place, and given back, in every state.
pub(super) fn every_state_of_a_few_pages_is_sound<A>(s: &mut Subject<'_, A>) -> Step
where
    A: PageAllocator + ConstEmpty + Declared,
{
    explore_on(s, &PageScope::TINY).map(|_| ())
}
