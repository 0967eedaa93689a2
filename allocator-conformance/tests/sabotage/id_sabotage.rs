//! What is broken in the id toy, and the case that is named for it.

use allocator_conformance::id_cases;

use crate::{
    id_toy::ToyIds,
    verdicts::{self, Sabotage},
};

/// A fault, the case that must fail, and how the step begins at which it must.
const SABOTAGES: &[Sabotage] = &[
    ("free before ids accepted", "requests_before_any_ids_are_refused", "dealloc_id: the answer"),
    (
        "empty range accepted",
        "ids_that_are_none_or_there_already_are_refused",
        "add_ids: ids that are there, or are none, are refused",
    ),
    (
        "overlap at the start only",
        "ids_that_are_none_or_there_already_are_refused",
        "add_ids: ids that are there, or are none, are refused",
    ),
    (
        "ranges not joined",
        "ranges_of_ids_in_any_order_are_all_used",
        "alloc_id: ids that are free are not refused",
    ),
    ("few ranges", "hundreds_of_ranges_are_taken", "add_ids: one more range"),
    ("no ids lack memory", "a_run_of_no_ids_is_refused", "alloc_id: no ids"),
    ("alignment ignored", "every_alignment_is_honoured", "alloc_id: a multiple of the alignment"),
    ("alignment of the index", "every_alignment_is_honoured", "alloc_id: a multiple of the alignment"),
    ("any alignment accepted", "an_invalid_alignment_is_refused", "alloc_id: alignment"),
    ("counts overflow", "a_huge_run_of_ids_is_refused", "ids: they are among those added"),
    ("fixed id given twice", "a_fixed_id_is_that_id_or_refused", "alloc_fixed_id: the answer"),
    (
        "longest run refused",
        "the_longest_free_run_of_ids_is_not_refused",
        "alloc_id: ids that are free are not refused",
    ),
    ("pieces refused", "ids_can_be_given_back_in_any_pieces", "dealloc_id: the answer"),
    ("partly free run freed", "wrong_ids_are_refused_whole", "ids: used is what is live"),
    ("last id leaks", "recovery_restores_the_ids", "ids: used is what is live"),
    ("every fifth take blocks requests", "random_scripts_are_answered_as_predicted", "model: the run is free"),
    ("an id two above a live one refused", "every_state_of_a_few_ids_is_sound", "alloc_fixed_id: the answer"),
    ("leaks after a while", "a_long_life_of_ids_is_as_the_books_say", "ids: used is what is live"),
    // What is watched at every step of every case.
    ("size counts what is free", "a_long_life_of_ids_is_as_the_books_say", "ids: size is what was added"),
    ("available counts all", "a_long_life_of_ids_is_as_the_books_say", "ids: available is size less used"),
    ("live ids given again", "a_long_life_of_ids_is_as_the_books_say", "ids: they are not live"),
    ("alignment ignored", "a_long_life_of_ids_is_as_the_books_say", "alloc_id: a multiple of the alignment"),
    ("fixed id given twice", "a_long_life_of_ids_is_as_the_books_say", "alloc_fixed_id: the answer"),
    ("pieces refused", "a_long_life_of_ids_is_as_the_books_say", "dealloc_id: the answer"),
    ("last id always allocated", "wrong_ids_are_refused_whole", "is_allocated: as the books say"),
];

#[test]
fn a_correct_toy_passes_every_id_case() {
    verdicts::assert_all_pass::<ToyIds>(id_cases());
}

#[test]
fn every_id_sabotage_fails_the_case_named_for_it() {
    verdicts::assert_each_fails::<ToyIds>(id_cases(), SABOTAGES);
}

#[test]
fn every_id_case_has_been_seen_to_fail() {
    verdicts::assert_each_is_named::<ToyIds>(id_cases(), SABOTAGES);
}
