//! The cases for id allocators.
#![forbid(unsafe_code)]

mod lives;
mod machines;
mod numbers;
mod subject;

use allocator_api::{ConstEmpty, Declared, IdAllocator};

pub(crate) use self::subject::Subject;
use crate::{
    Bench, Case, Report, Summary,
    case::{registry, run_all},
};

/// Calls a macro with every id case: its module, its name, its point of the contract, its promise.
#[doc(hidden)]
#[macro_export]
macro_rules! each_id_case {
    ([$($then:tt)*] $($head:tt)*) => {
        $($then)*! { $($head)*
            numbers::requests_before_any_ids_are_refused, 1,
                "Before any ids every request and every free is refused, and the counts are 0.";
            numbers::ids_that_are_none_or_there_already_are_refused, 3,
                "A range of no ids, beyond the last number, or there already, is refused.";
            numbers::ranges_of_ids_in_any_order_are_all_used, 3,
                "Ranges come in any order, and a run may lie across the border where they touch.";
            numbers::hundreds_of_ranges_are_taken, 3,
                "Hundreds of ranges that do not touch are taken, and each is used.";
            numbers::a_run_of_no_ids_is_refused, 6,
                "A run of no ids is an invalid parameter, and cannot be given back.";
            numbers::every_alignment_is_honoured, 7,
                "The first id of a run is a multiple of the alignment, for every power of two.";
            numbers::an_invalid_alignment_is_refused, 7,
                "An alignment that is no power of two is an invalid parameter.";
            numbers::a_huge_run_of_ids_is_refused, 9,
                "Runs whose end would overflow are refused.";
            lives::a_fixed_id_is_that_id_or_refused, 10,
                "An id asked for by its number is that id, unless it is taken or not there.";
            lives::the_longest_free_run_of_ids_is_not_refused, 11,
                "The longest run of free ids is served, and no longer one.";
            machines::random_scripts_are_answered_as_predicted, 11,
                "In random scripts every answer is the one that the model predicts: what is free is not refused.";
            lives::ids_can_be_given_back_in_any_pieces, 13,
                "Ids can be given back in any pieces, and over the borders of runs.";
            lives::wrong_ids_are_refused_whole, 13,
                "Ids that are free or not there, and runs with such an id, are refused whole.";
            lives::recovery_restores_the_ids, 14,
                "When everything is given back, in any order, the counts and the longest run are those of the beginning.";
            machines::every_state_of_a_few_ids_is_sound, 14,
                "In every state of a few ids, under every operation, every id is whose the books say.";
            lives::a_long_life_of_ids_is_as_the_books_say, 15,
                "In a long random life every answer and every count is as the books say.";
        }
    };
}

each_id_case! { [registry] "ids", IdAllocator; }

/// All cases for id allocators, in the order of the contract's points.
#[must_use]
pub const fn id_cases<A: IdAllocator + ConstEmpty + Declared + 'static>() -> &'static [Case<A>] {
    Registry::<A>::CASES
}

/// Runs all cases for id allocators; hands each report to `on_report` as it comes.
pub fn run_ids<A: IdAllocator + ConstEmpty + Declared + 'static>(
    bench: &mut Bench<A>,
    on_report: &mut dyn FnMut(&Report),
) -> Summary {
    run_all(id_cases(), bench, on_report)
}
