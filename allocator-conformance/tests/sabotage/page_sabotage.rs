//! What is broken in the page toy, and the case that is named for it.

use allocator_conformance::page_cases;

use crate::{
    page_toy::ToyPages,
    verdicts::{self, Sabotage},
};

/// A fault, the case that must fail, and how the step begins at which it must.
const SABOTAGES: &[Sabotage] = &[
    ("total before memory", "requests_before_any_memory_are_refused", "unchanged: total pages"),
    ("free before memory accepted", "frees_before_any_memory_are_refused", "dealloc_pages: the answer"),
    ("init works twice", "init_works_once", "init: a later one"),
    ("add_memory never first", "add_memory_serves_as_the_first_call", "add_memory: a usable region is accepted"),
    ("refused init remembered", "a_refused_init_can_be_repeated", "unchanged: total pages"),
    ("empty region accepted", "an_empty_region_is_refused", "hand in: a region beyond the address space"),
    (
        "part of a page accepted",
        "a_region_without_a_whole_page_is_refused",
        "hand in: total rises by the whole pages",
    ),
    (
        "trimmed outward",
        "an_unaligned_region_is_trimmed_to_whole_pages",
        "hand in: total rises by the whole pages",
    ),
    ("page alone wasted", "a_region_of_one_page_is_usable_or_refused", "alloc_pages: what fits is not refused"),
    ("containing overlap accepted", "overlap_is_refused_in_every_form", "hand in: overlap is refused"),
    ("overlap by a byte accepted", "overlap_is_refused_in_every_form", "hand in: overlap is refused"),
    ("overlap called invalid", "overlap_is_refused_in_every_form", "add_memory: overlap"),
    (
        "only the lowest region used",
        "regions_in_any_order_are_all_used",
        "exhaustion: pages of every region are handed out",
    ),
    ("neighbours not joined", "adjacent_regions_serve_one_request", "alloc_pages: what fits is not refused"),
    ("few regions", "hundreds_of_regions_are_taken", "add_memory: one more region"),
    ("far regions refused", "regions_far_apart_are_all_used", "add_memory: far apart"),
    ("end clamped", "a_region_beyond_the_address_space_is_refused", "hand in: a region beyond the address space"),
    ("top refused", "the_end_of_the_address_space_can_be_managed", "init: up to the last byte"),
    ("zero refused", "the_start_of_the_address_space_can_be_managed", "init: from address 0"),
    ("capacity fixed", "a_large_region_needs_no_setting", "add_memory: a usable region is accepted"),
    ("touches pages", "managed_pages_are_never_touched", "memory that is not the allocator's to write"),
    ("no pages accepted", "a_run_of_no_pages_is_refused", "alloc_pages: the request is refused"),
    ("free of nothing accepted", "a_run_of_no_pages_is_refused", "dealloc_pages: the answer"),
    ("alignment ignored", "every_alignment_is_honoured", "run: the address is a multiple of the alignment"),
    (
        "alignment ignored for one page",
        "every_alignment_is_honoured",
        "run: the address is a multiple of the alignment",
    ),
    ("alignment of the index", "every_alignment_is_honoured", "run: the address is a multiple of the alignment"),
    (
        "alignment of the index",
        "alignments_hold_around_a_high_power_of_two",
        "run: the address is a multiple of the alignment",
    ),
    ("every second aligned page", "every_aligned_page_can_be_had", "alloc_pages: what fits is not refused"),
    ("any alignment accepted", "an_invalid_alignment_is_refused", "alloc_pages: the request is refused"),
    ("small alignment accepted", "an_invalid_alignment_is_refused", "alloc_pages: the request is refused"),
    ("overlap after a while", "live_runs_never_overlap", "run: it overlaps no live run"),
    (
        "writes before the region",
        "memory_outside_the_regions_is_not_written",
        "memory that is not the allocator's to write",
    ),
    ("sizes overflow", "a_huge_run_is_refused_at_once", "alloc_pages: the request is refused"),
    ("huge run invalid", "a_huge_run_is_refused_at_once", "alloc_pages: the request is refused"),
    ("place ignored", "alloc_pages_at_gives_exactly_that_run", "alloc_pages_at: exactly that run"),
    ("taken pages given", "alloc_pages_at_refuses_what_is_not_free", "run: it overlaps no live run"),
    ("misaligned place accepted", "alloc_pages_at_refuses_a_misaligned_place", "alloc_pages_at: misaligned"),
    ("refuses too early", "every_available_page_can_be_had", "survey: every page that is available is handed out"),
    ("longest run refused", "the_longest_free_run_is_not_refused", "alloc_pages: what fits is not refused"),
    ("pieces refused", "a_run_can_be_freed_in_pieces", "dealloc_pages: the answer"),
    ("long frees refused", "neighbouring_runs_can_be_freed_together", "dealloc_pages: the answer"),
    ("double free accepted", "a_double_free_is_refused", "dealloc_pages: the answer"),
    ("partly free run freed", "a_partly_free_run_is_refused_whole", "statistics: used covers what is live"),
    ("foreign accepted", "foreign_pages_are_refused", "dealloc_pages: the answer"),
    ("misaligned free accepted", "a_misaligned_free_is_refused", "dealloc_pages: the answer"),
    ("used never falls", "recovery_restores_the_statistics", "used pages are as the books say"),
    ("falls apart", "recovery_restores_the_longest_run", "alloc_pages: what fits is not refused"),
    ("total counted twice", "total_is_what_was_handed_in", "hand in: total rises by the whole pages"),
    ("used counts runs", "used_counts_each_page_once", "statistics: used covers what is live"),
    ("huge run invalid", "odd_requests_are_answered", "alloc_pages: a run or NoMemory"),
    ("every fifth free blocks requests", "random_scripts_are_answered_as_predicted", "model: the run is free"),
    ("longest run refused", "random_scripts_are_answered_as_predicted", "model: the run is free"),
    ("a place above a live page refused", "every_state_of_a_few_pages_is_sound", "model: the run is free"),
    ("partly free run freed", "every_state_of_a_few_pages_is_sound", "statistics: used covers what is live"),
    // What is watched at every step of every case.
    ("used above total", "live_runs_never_overlap", "statistics: used is at most total"),
    ("available too large", "live_runs_never_overlap", "statistics: available is total less used"),
    ("used counts runs", "live_runs_never_overlap", "statistics: used covers what is live"),
    ("later regions used up", "regions_in_any_order_are_all_used", "hand in: available does not fall"),
    ("runs beyond the regions", "every_alignment_is_honoured", "run: it lies in the regions"),
    ("alignment ignored", "live_runs_never_overlap", "run: the address is a multiple of the alignment"),
    ("free writes into a run", "live_runs_never_overlap", "run: the bytes are kept"),
    ("free changes total", "live_runs_never_overlap", "unchanged: total pages"),
    ("used never falls", "live_runs_never_overlap", "used pages are as the books say"),
    ("place ignored", "live_runs_never_overlap", "alloc_pages_at: exactly that run"),
    ("pieces refused", "live_runs_never_overlap", "dealloc_pages: the answer"),
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
    // A 32-bit address space has four such pages.
    #[cfg(target_pointer_width = "64")]
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
