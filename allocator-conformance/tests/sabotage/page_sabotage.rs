//! What is broken in the page toy, and the case that is named for it.

use allocator_conformance::page_cases;

use crate::{page_toy::ToyPages, verdicts};

/// A fault, and the case that must fail.
const SABOTAGES: &[(&str, &str)] = &[
    ("total before memory", "requests_before_any_memory_are_refused"),
    ("free before memory accepted", "frees_before_any_memory_are_refused"),
    ("init works twice", "init_works_once"),
    ("add_memory never first", "add_memory_serves_as_the_first_call"),
    ("refused init remembered", "a_refused_init_can_be_repeated"),
    ("empty region accepted", "an_empty_region_is_refused"),
    ("part of a page accepted", "a_region_without_a_whole_page_is_refused"),
    ("trimmed outward", "an_unaligned_region_is_trimmed_to_whole_pages"),
    ("page alone wasted", "a_region_of_one_page_is_usable_or_refused"),
    ("containing overlap accepted", "overlap_is_refused_in_every_form"),
    ("overlap by a byte accepted", "overlap_is_refused_in_every_form"),
    ("overlap called invalid", "overlap_is_refused_in_every_form"),
    ("only the lowest region used", "regions_in_any_order_are_all_used"),
    ("neighbours not joined", "adjacent_regions_serve_one_request"),
    ("few regions", "hundreds_of_regions_are_taken"),
    ("far regions refused", "regions_far_apart_are_all_used"),
    ("end clamped", "a_region_beyond_the_address_space_is_refused"),
    ("top refused", "the_end_of_the_address_space_can_be_managed"),
    ("zero refused", "the_start_of_the_address_space_can_be_managed"),
    ("capacity fixed", "a_large_region_needs_no_setting"),
    ("touches pages", "managed_pages_are_never_touched"),
    ("no pages accepted", "a_run_of_no_pages_is_refused"),
    ("free of nothing accepted", "a_run_of_no_pages_is_refused"),
    ("alignment ignored", "every_alignment_is_honoured"),
    ("alignment ignored for one page", "every_alignment_is_honoured"),
    ("alignment of the index", "every_alignment_is_honoured"),
    ("every second aligned page", "every_aligned_page_can_be_had"),
    ("any alignment accepted", "an_invalid_alignment_is_refused"),
    ("small alignment accepted", "an_invalid_alignment_is_refused"),
    ("overlap after a while", "live_runs_never_overlap"),
    ("writes before the region", "memory_outside_the_regions_is_not_written"),
    ("sizes overflow", "a_huge_run_is_refused_at_once"),
    ("huge run invalid", "a_huge_run_is_refused_at_once"),
    ("place ignored", "alloc_pages_at_gives_exactly_that_run"),
    ("taken pages given", "alloc_pages_at_refuses_what_is_not_free"),
    ("misaligned place accepted", "alloc_pages_at_refuses_a_misaligned_place"),
    ("refuses too early", "every_available_page_can_be_had"),
    ("longest run refused", "the_longest_free_run_is_not_refused"),
    ("pieces refused", "a_run_can_be_freed_in_pieces"),
    ("long frees refused", "neighbouring_runs_can_be_freed_together"),
    ("double free accepted", "a_double_free_is_refused"),
    ("partly free run freed", "a_partly_free_run_is_refused_whole"),
    ("foreign accepted", "foreign_pages_are_refused"),
    ("misaligned free accepted", "a_misaligned_free_is_refused"),
    ("used never falls", "recovery_restores_the_statistics"),
    ("falls apart", "recovery_restores_the_longest_run"),
    ("total counted twice", "total_is_what_was_handed_in"),
    ("used counts runs", "used_counts_each_page_once"),
    ("every fifth free blocks requests", "random_scripts_are_answered_as_predicted"),
    ("longest run refused", "random_scripts_are_answered_as_predicted"),
    ("a place above a live page refused", "every_state_of_a_few_pages_is_sound"),
    ("partly free run freed", "every_state_of_a_few_pages_is_sound"),
    ("huge run invalid", "odd_requests_are_answered"),
];

#[test]
fn a_correct_toy_passes_every_page_case() {
    verdicts::assert_all_pass::<ToyPages<4096, false>>(page_cases());
}

/// Pages of 2 MiB and of 1 GiB have no room in the memory lent; they are numbers. Those of 512 bytes are memory.
#[test]
fn pages_of_any_size_fail_no_case() {
    verdicts::assert_all_pass::<ToyPages<512, false>>(page_cases());
    verdicts::assert_none_fails::<ToyPages<{ 2 << 20 }, false>>(page_cases());
    verdicts::assert_none_fails::<ToyPages<{ 1 << 30 }, false>>(page_cases());
}

#[test]
fn a_toy_with_records_in_its_regions_fails_no_case() {
    verdicts::assert_none_fails::<ToyPages<4096, true>>(page_cases());
    verdicts::assert_none_fails::<ToyPages<65536, true>>(page_cases());
}

#[test]
fn every_page_sabotage_fails_the_case_named_for_it() {
    verdicts::assert_each_fails::<ToyPages<4096, false>>(page_cases(), SABOTAGES);
}

#[test]
fn every_page_case_has_been_seen_to_fail() {
    verdicts::assert_each_is_named::<ToyPages<4096, false>>(page_cases(), SABOTAGES);
}
