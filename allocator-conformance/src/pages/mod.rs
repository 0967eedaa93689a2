//! The cases for page allocators.

mod banks;
mod before_memory;
mod fit;
mod giving_back;
mod machines;
mod placement;
mod refusals;
mod regions;
mod statistics;
mod steps;
mod subject;

use allocator_api::{ConstEmpty, Declared, PageAllocator};

pub(crate) use self::subject::Subject;
use crate::{
    Bench, Case, Report, Summary,
    case::{registry, run_all},
};

/// Calls a macro with every page case: its module, its name, its point of the contract, its promise.
#[doc(hidden)]
#[macro_export]
macro_rules! each_page_case {
    ([$($then:tt)*] $($head:tt)*) => {
        $($then)*! { $($head)*
            before_memory::requests_before_any_memory_are_refused, 1,
                "Before any memory every request is refused, and the statistics are 0.";
            before_memory::frees_before_any_memory_are_refused, 1,
                "Before any memory every free is answered NotAllocated.";
            before_memory::init_works_once, 2,
                "A second init is refused, wherever its region lies, and changes nothing.";
            before_memory::add_memory_serves_as_the_first_call, 2,
                "add_memory works as the first call, and init comes too late after it.";
            before_memory::a_refused_init_can_be_repeated, 2,
                "An init that was refused leaves the allocator empty, and the next one works.";
            regions::an_empty_region_is_refused, 3,
                "A region of size 0 is refused, as the first and later.";
            regions::a_region_without_a_whole_page_is_refused, 3,
                "A region without a whole page is refused, as the first and later.";
            regions::an_unaligned_region_is_trimmed_to_whole_pages, 3,
                "A region with odd borders is trimmed to its whole pages, and nothing beside them is written.";
            regions::a_region_of_one_page_is_usable_or_refused, 3,
                "A region of one page is refused, or serves a page.";
            banks::overlap_is_refused_in_every_form, 3,
                "A region that overlaps memory already held, in whole or in part, is refused and changes nothing.";
            banks::regions_in_any_order_are_all_used, 3,
                "Regions come in any order, and every page of them is handed out.";
            banks::adjacent_regions_serve_one_request, 3,
                "Where regions touch, in whatever order they came, a run may lie across the border.";
            banks::hundreds_of_regions_are_taken, 3,
                "Hundreds of regions that do not touch are taken, and each is used.";
            banks::regions_far_apart_are_all_used, 3,
                "Regions all over the address space are taken, and each is used.";
            regions::a_region_beyond_the_address_space_is_refused, 4,
                "A region whose last byte lies beyond the address space is refused.";
            regions::the_end_of_the_address_space_can_be_managed, 4,
                "Pages that are numbers may reach up to the last byte of the address space.";
            regions::the_start_of_the_address_space_can_be_managed, 4,
                "Pages that are numbers may start at address 0.";
            banks::a_large_region_needs_no_setting, 5,
                "A region of 64 GiB, or of the declared span, is managed to its last page.";
            banks::managed_pages_are_never_touched, 5,
                "An allocator with its records elsewhere neither reads nor writes the pages that it manages.";
            refusals::a_run_of_no_pages_is_refused, 6,
                "A run of no pages is an invalid parameter of every request, and cannot be given back.";
            placement::every_alignment_is_honoured, 7,
                "Runs of all lengths stand on multiples of their alignment, which is one of the address.";
            placement::alignments_hold_around_a_high_power_of_two, 7,
                "Alignments are honoured, and nothing that fits is refused, around a multiple of every power of two.";
            placement::every_aligned_page_can_be_had, 7,
                "Every page whose address is a multiple of the alignment can be had, and no other.";
            placement::an_invalid_alignment_is_refused, 7,
                "An alignment that is no power of two, or smaller than a page, is an invalid parameter.";
            placement::live_runs_never_overlap, 8,
                "In a long random life no two live runs share a page, and each page keeps its bytes.";
            placement::memory_outside_the_regions_is_not_written, 8,
                "Memory before, between and after the regions is never written.";
            refusals::a_huge_run_is_refused_at_once, 9,
                "Runs whose bytes or whose end would overflow are refused.";
            fit::alloc_pages_at_gives_exactly_that_run, 10,
                "A run asked for by its place is that run, from the first page to the last.";
            fit::alloc_pages_at_refuses_what_is_not_free, 10,
                "A run asked for by its place is refused if a page of it is taken or not managed.";
            fit::alloc_pages_at_refuses_a_misaligned_place, 10,
                "A place that is no multiple of the alignment is an invalid parameter.";
            fit::every_available_page_can_be_had, 11,
                "Every page that is available is handed out, one by one and in runs.";
            fit::the_longest_free_run_is_not_refused, 11,
                "The longest free run is served, at every alignment, and no longer one.";
            machines::random_scripts_are_answered_as_predicted, 11,
                "In random scripts every answer is the one that the model predicts, refusals too.";
            giving_back::a_run_can_be_freed_in_pieces, 13,
                "A run can be given back in any pieces.";
            giving_back::neighbouring_runs_can_be_freed_together, 13,
                "Neighbouring runs can be given back at once, and over their borders.";
            giving_back::a_double_free_is_refused, 13,
                "Pages that were given back cannot be given back again.";
            giving_back::a_partly_free_run_is_refused_whole, 13,
                "A run of which some page is free is refused, and none of its pages is given back.";
            giving_back::foreign_pages_are_refused, 13,
                "Pages outside the regions, and runs that reach out of them, cannot be given back.";
            giving_back::a_misaligned_free_is_refused, 13,
                "An address inside a page cannot be given back.";
            giving_back::recovery_restores_the_statistics, 14,
                "When everything is given back, in any order, the statistics and the capacity are those of the beginning.";
            giving_back::recovery_restores_the_longest_run, 14,
                "When everything is given back, in any order, the longest run can be had again.";
            machines::every_state_of_a_few_pages_is_sound, 14,
                "In every state of a few pages, under every operation, the answer is the predicted one.";
            statistics::total_is_what_was_handed_in, 15,
                "total is the number of whole pages handed in; records are a small part of them.";
            statistics::used_counts_each_page_once, 15,
                "used rises by the pages of each run, and falls again.";
            refusals::odd_requests_are_answered, 16,
                "Requests and frees of any kind are answered with a good run or an error, never a panic.";
        }
    };
}

each_page_case! { [registry] "pages", PageAllocator; }

/// All cases for page allocators, in the order of the contract's points.
#[must_use]
pub const fn page_cases<A: PageAllocator + ConstEmpty + Declared + 'static>() -> &'static [Case<A>] {
    Registry::<A>::CASES
}

/// Runs all cases for page allocators; hands each report to `on_report` as it comes.
pub fn run_pages<A: PageAllocator + ConstEmpty + Declared + 'static>(
    bench: &mut Bench<A>,
    on_report: &mut dyn FnMut(&Report),
) -> Summary {
    run_all(page_cases(), bench, on_report)
}
