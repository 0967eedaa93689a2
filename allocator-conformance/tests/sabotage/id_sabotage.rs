//! What is broken in the id toy, and the case that is named for it.

use allocator_conformance::id_cases;

use crate::{id_toy::ToyIds, verdicts};

/// A fault, and the case that must fail.
const SABOTAGES: &[(&str, &str)] = &[
    ("free before ids accepted", "requests_before_any_ids_are_refused"),
    ("empty range accepted", "ids_that_are_none_or_there_already_are_refused"),
    ("overlap at the start only", "ids_that_are_none_or_there_already_are_refused"),
    ("ranges not joined", "ranges_of_ids_in_any_order_are_all_used"),
    ("few ranges", "hundreds_of_ranges_are_taken"),
    ("no ids lack memory", "a_run_of_no_ids_is_refused"),
    ("alignment ignored", "every_alignment_is_honoured"),
    ("alignment of the index", "every_alignment_is_honoured"),
    ("any alignment accepted", "an_invalid_alignment_is_refused"),
    ("counts overflow", "a_huge_run_of_ids_is_refused"),
    ("fixed id given twice", "a_fixed_id_is_that_id_or_refused"),
    ("longest run refused", "the_longest_free_run_of_ids_is_not_refused"),
    ("pieces refused", "ids_can_be_given_back_in_any_pieces"),
    ("partly free run freed", "wrong_ids_are_refused_whole"),
    ("last id leaks", "recovery_restores_the_ids"),
    ("leaks after a while", "a_long_life_of_ids_is_as_the_books_say"),
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
