//! What is broken in the byte toy, and the case that is named for it.

use allocator_conformance::byte_cases;

use crate::{byte_toy::ToyBytes, verdicts};

/// A fault, and the case that must fail.
const SABOTAGES: &[(&str, &str)] = &[
    ("total before memory", "requests_before_any_memory_are_refused"),
    ("free before memory accepted", "frees_before_any_memory_are_refused"),
    ("init works twice", "init_works_once"),
    ("add_memory never first", "add_memory_serves_as_the_first_call"),
    ("refused init remembered", "a_refused_init_can_be_repeated"),
    ("empty region accepted", "an_empty_region_is_refused"),
    ("region too long", "an_unaligned_region_stays_within_its_borders"),
    ("tiny region wasted", "a_tiny_region_is_usable_or_refused"),
    ("containing overlap accepted", "overlap_is_refused_in_every_form"),
    ("overlap by a byte accepted", "overlap_is_refused_in_every_form"),
    ("overlap called invalid", "overlap_is_refused_in_every_form"),
    ("only the lowest region used", "regions_in_any_order_are_all_used"),
    ("neighbours not joined", "adjacent_regions_serve_one_request"),
    ("neighbours below not joined", "adjacent_regions_serve_one_request"),
    ("few regions", "hundreds_of_regions_are_taken"),
    ("end clamped", "a_region_beyond_the_address_space_is_refused"),
    ("address zero accepted", "the_byte_at_address_zero_is_not_usable"),
    ("size zero accepted", "size_zero_is_refused"),
    ("realloc to zero lacks memory", "size_zero_is_refused"),
    ("alignment ignored", "every_alignment_is_honoured"),
    ("alignment above a page ignored", "every_alignment_is_honoured"),
    ("alignment of the offset", "every_alignment_is_honoured"),
    ("large alignments refused", "every_alignment_is_honoured"),
    ("alignment above a page ignored", "mixed_alignments_are_honoured_together"),
    ("alignments above a megabyte refused", "alignments_as_large_as_the_memory_are_honoured"),
    ("one size too short", "every_size_is_served"),
    ("block too short", "every_byte_of_a_block_is_usable"),
    ("overlap after a while", "live_blocks_never_overlap"),
    ("writes before the region", "memory_outside_the_regions_is_not_written"),
    ("sizes overflow", "a_huge_size_is_refused_at_once"),
    ("huge size invalid", "a_huge_size_is_refused_at_once"),
    ("huge alignment invalid", "a_huge_alignment_is_honoured_or_refused"),
    ("region_for too small", "region_for_makes_the_request_succeed"),
    ("region_for too small when full", "region_for_helps_a_full_allocator"),
    ("refuses too early", "most_of_a_region_can_be_handed_out"),
    ("always refuses", "most_of_a_region_can_be_handed_out"),
    ("freed blocks lost", "a_block_given_back_can_be_had_again"),
    ("full holes refused", "a_largest_free_block_is_not_refused"),
    ("realloc copies too little", "realloc_keeps_the_bytes"),
    ("realloc grows in place", "realloc_grows_and_shrinks_step_by_step"),
    ("refused realloc frees", "a_refused_realloc_leaves_the_block"),
    ("zeroed blocks not zeroed", "alloc_zeroed_clears_memory_that_was_used"),
    ("double free accepted", "a_double_free_is_refused"),
    ("foreign accepted", "a_foreign_pointer_is_refused"),
    ("interior accepted", "an_interior_pointer_is_refused"),
    ("wrong layout accepted", "a_wrong_layout_is_refused"),
    ("used never falls", "recovery_restores_the_statistics"),
    ("falls apart", "recovery_restores_the_largest_block"),
    ("every hundredth free leaks", "a_long_life_leaks_nothing"),
    ("total not trimmed", "total_is_what_was_handed_in"),
    ("total too small", "total_is_what_was_handed_in"),
    ("used counted twice", "used_counts_each_block_once"),
    ("used below the size", "used_counts_each_block_once"),
    ("refusal changes used", "a_huge_size_is_refused_at_once"),
    ("padding never refunded", "available_returns_with_each_block"),
    ("every fifth free blocks requests", "random_scripts_are_answered_as_predicted"),
    ("the lower of two leaks", "every_state_of_a_tiny_heap_is_sound"),
    ("realloc grows in place", "every_state_of_a_tiny_heap_is_sound"),
    ("huge alignment invalid", "odd_requests_are_answered"),
];

#[test]
fn a_correct_toy_passes_every_byte_case() {
    verdicts::assert_all_pass::<ToyBytes>(byte_cases());
}

#[test]
fn every_byte_sabotage_fails_the_case_named_for_it() {
    verdicts::assert_each_fails::<ToyBytes>(byte_cases(), SABOTAGES);
}

#[test]
fn every_byte_case_has_been_seen_to_fail() {
    verdicts::assert_each_is_named::<ToyBytes>(byte_cases(), SABOTAGES);
}
