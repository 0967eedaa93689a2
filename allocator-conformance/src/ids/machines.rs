//! Points 11 and 14, by machine: random scripts, and every state of a few ids.
#![forbid(unsafe_code)]

use super::subject::{Ids, Subject};
use crate::{
    explore::ids::{IdScope, explore_on},
    script::{ids::run_on, stop_at},
    verdict::Step,
};

/// Scripts, and steps of each.
const SCRIPTS: u64 = 40;
const STEPS: usize = 80;

/// Short scripts, each on a fresh allocator and with everything given back at the end. The seed of one that fails is
/// printed; on a host, so is what remains of it when all that is not needed is gone.
pub(super) fn random_scripts_are_answered_as_predicted<A: Ids>(s: &mut Subject<'_, A>) -> Step {
    s.need_ids(512)?;
    (0..SCRIPTS).try_for_each(|seed| {
        let script = crate::script::of_seed(seed).take(STEPS);
        run_on(s, script).map(|_| ()).map_err(|broken| stop_at(seed, broken))
    })
}

/// Every run of six ids is asked for and given back, and every id by its number, in every state.
pub(super) fn every_state_of_a_few_ids_is_sound<A: Ids>(s: &mut Subject<'_, A>) -> Step {
    explore_on(s, &IdScope::TINY).map(|_| ())
}
