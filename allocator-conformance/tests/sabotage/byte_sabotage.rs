//! What is broken in the byte toy, and the case that is named for it.

use allocator_conformance::byte_cases;

use crate::{
    byte_toy::ToyBytes,
    verdicts::{self, Sabotage},
};

/// A fault, the case that must fail, and how the step begins at which it must.
const SABOTAGES: &[Sabotage] = &[
    (
        "total before memory",
        "requests_before_any_memory_are_refused",
        "statistics: total is at most what was handed in",
    ),
    (
        "free before memory accepted",
        "frees_before_any_memory_are_refused",
        "check_block: an invalid block is refused",
    ),
    ("init works twice", "init_works_once", "init: a later one"),
    ("add_memory never first", "add_memory_serves_as_the_first_call", "add_memory: a usable region is accepted"),
    (
        "refused init remembered",
        "a_refused_init_can_be_repeated",
        "statistics: total is at most what was handed in",
    ),
    (
        "empty region accepted",
        "an_empty_region_is_refused",
        "hand in: a region beyond the address space is refused",
    ),
    (
        "region too long",
        "an_unaligned_region_stays_within_its_borders",
        "statistics: total is at most what was handed in",
    ),
    ("tiny region wasted", "a_tiny_region_is_usable_or_refused", "alloc: what fits is not refused"),
    ("containing overlap accepted", "overlap_is_refused_in_every_form", "hand in: overlap is refused"),
    ("overlap by a byte accepted", "overlap_is_refused_in_every_form", "hand in: overlap is refused"),
    ("overlap called invalid", "overlap_is_refused_in_every_form", "add_memory: overlap"),
    (
        "only the lowest region used",
        "regions_in_any_order_are_all_used",
        "exhaustion: blocks stand in every region",
    ),
    ("neighbours not joined", "adjacent_regions_serve_one_request", "alloc: what fits is not refused"),
    ("neighbours below not joined", "adjacent_regions_serve_one_request", "alloc: what fits is not refused"),
    ("few regions", "hundreds_of_regions_are_taken", "add_memory: one more region"),
    (
        "end clamped",
        "a_region_beyond_the_address_space_is_refused",
        "hand in: a region beyond the address space is refused",
    ),
    ("address zero accepted", "the_byte_at_address_zero_is_not_usable", "init: the byte at 0"),
    ("size zero accepted", "size_zero_is_refused", "alloc: the request is refused"),
    ("realloc to zero lacks memory", "size_zero_is_refused", "realloc: to size 0"),
    ("alignment ignored", "every_alignment_is_honoured", "block: the address is a multiple of the alignment"),
    (
        "alignment above a page ignored",
        "every_alignment_is_honoured",
        "block: the address is a multiple of the alignment",
    ),
    (
        "alignment of the offset",
        "every_alignment_is_honoured",
        "block: the address is a multiple of the alignment",
    ),
    ("large alignments refused", "every_alignment_is_honoured", "alloc: what fits is not refused"),
    (
        "alignment above a page ignored",
        "mixed_alignments_are_honoured_together",
        "block: the address is a multiple of the alignment",
    ),
    ("block too short", "every_byte_of_a_block_is_usable", "block: it overlaps no live block"),
    ("overlap after a while", "live_blocks_never_overlap", "block: it overlaps no live block"),
    (
        "writes before the region",
        "memory_outside_the_regions_is_not_written",
        "outside the regions: nothing is written",
    ),
    ("sizes overflow", "a_huge_size_is_refused_at_once", "alloc: the request is refused"),
    ("huge size invalid", "a_huge_size_is_refused_at_once", "alloc: the request is refused"),
    ("huge alignment invalid", "a_huge_alignment_is_honoured_or_refused", "alloc: a block or NoMemory"),
    ("region_for too small", "region_for_makes_the_request_succeed", "alloc: what fits is not refused"),
    ("region_for too small when full", "region_for_helps_a_full_allocator", "alloc: what fits is not refused"),
    ("refuses too early", "most_of_a_region_can_be_handed_out", "exhaustion: half of the region at least"),
    ("always refuses", "most_of_a_region_can_be_handed_out", "exhaustion: half of the region at least"),
    ("freed blocks lost", "a_block_given_back_can_be_had_again", "alloc: what fits is not refused"),
    ("full holes refused", "a_largest_free_block_is_not_refused", "alloc: what fits is not refused"),
    ("realloc copies too little", "realloc_keeps_the_bytes", "realloc: the bytes are kept"),
    ("realloc grows in place", "realloc_grows_and_shrinks_step_by_step", "statistics: used covers what is live"),
    ("refused realloc frees", "a_refused_realloc_leaves_the_block", "statistics: used covers what is live"),
    ("zeroed blocks not zeroed", "alloc_zeroed_clears_memory_that_was_used", "alloc_zeroed: every byte is 0"),
    ("double free accepted", "a_double_free_is_refused", "check_block: an invalid block is refused"),
    ("foreign accepted", "a_foreign_pointer_is_refused", "check_block: an invalid block is refused"),
    ("interior accepted", "an_interior_pointer_is_refused", "check_block: an invalid block is refused"),
    ("wrong layout accepted", "a_wrong_layout_is_refused", "check_block: an invalid block is refused"),
    ("used never falls", "recovery_restores_the_statistics", "unchanged: used bytes"),
    ("falls apart", "recovery_restores_the_largest_block", "alloc: what fits is not refused"),
    ("every hundredth free leaks", "a_long_life_leaks_nothing", "unchanged: used bytes"),
    ("total not trimmed", "total_is_what_was_handed_in", "statistics: total is at most what was handed in"),
    ("total too small", "total_is_what_was_handed_in", "total: not much less"),
    ("used counted twice", "used_counts_each_block_once", "used: does not count them twice"),
    ("used below the size", "used_counts_each_block_once", "statistics: used covers what is live"),
    ("refusal changes used", "a_huge_size_is_refused_at_once", "unchanged: used bytes"),
    ("padding never refunded", "available_returns_with_each_block", "unchanged: used bytes"),
    ("huge alignment invalid", "odd_requests_are_answered", "alloc: a block or NoMemory"),
    (
        "alignments above a megabyte refused",
        "alignments_as_large_as_the_memory_are_honoured",
        "alloc: what fits is not refused",
    ),
    ("one size too short", "every_size_is_served", "block: it overlaps no live block"),
    (
        "every fifth free blocks requests",
        "random_scripts_are_answered_as_predicted",
        "model: there is room for it",
    ),
    ("the lower of two leaks", "every_state_of_a_tiny_heap_is_sound", "unchanged: used bytes"),
    ("realloc grows in place", "every_state_of_a_tiny_heap_is_sound", "statistics: used covers what is live"),
    // What is watched at every step of every case.
    ("used above total", "live_blocks_never_overlap", "statistics: used is at most total"),
    ("available too small", "live_blocks_never_overlap", "statistics: available is total less used"),
    ("used below the size", "live_blocks_never_overlap", "statistics: used covers what is live"),
    ("total not trimmed", "live_blocks_never_overlap", "statistics: total is at most what was handed in"),
    ("later regions not counted", "regions_in_any_order_are_all_used", "hand in: total rises"),
    ("later regions used up", "regions_in_any_order_are_all_used", "hand in: available does not fall"),
    ("last block sticks out", "an_unaligned_region_stays_within_its_borders", "block: it lies in the regions"),
    ("free writes into a block", "every_byte_of_a_block_is_usable", "block: the bytes are kept"),
    ("total falls with blocks", "live_blocks_never_overlap", "alloc: total stays"),
    ("used rises in large steps", "live_blocks_never_overlap", "alloc: used rises by the block's size"),
    ("total falls with frees", "every_byte_of_a_block_is_usable", "dealloc: total stays"),
    ("free raises used", "live_blocks_never_overlap", "dealloc: used does not rise"),
    ("total falls with reallocs", "live_blocks_never_overlap", "realloc: total stays"),
    ("realloc copies too little", "live_blocks_never_overlap", "realloc: the bytes are kept"),
    ("zeroed blocks not zeroed", "live_blocks_never_overlap", "alloc_zeroed: every byte is 0"),
    ("zeroed blocks invalid", "live_blocks_never_overlap", "alloc_zeroed: a block or NoMemory"),
    ("zeroed blocks lack memory", "size_zero_is_refused", "alloc_zeroed: the request is refused"),
    ("refusal changes total", "a_huge_size_is_refused_at_once", "unchanged: total bytes"),
    ("realloc to any size", "a_huge_size_is_refused_at_once", "realloc: an impossible size is refused"),
    ("check refuses live blocks", "live_blocks_never_overlap", "check_block: a live block is accepted"),
    ("check accepts all", "a_double_free_is_refused", "check_block: an invalid block is refused"),
    ("dealloc refuses", "every_byte_of_a_block_is_usable", "dealloc: a live block is taken back"),
    ("dealloc does not check", "a_foreign_pointer_is_refused", "dealloc: an invalid free is refused"),
    ("realloc does not check", "an_interior_pointer_is_refused", "realloc: an invalid block is refused"),
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
