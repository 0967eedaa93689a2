//! The cases for byte allocators.

mod banks;
mod before_memory;
mod edges;
mod fit;
mod invalid_free;
mod machines;
mod placement;
mod recovery;
mod refusals;
mod regions;
mod resize;
mod statistics;
mod steps;
mod subject;

use allocator_api::{ByteAllocator, ConstEmpty, Declared};

pub(crate) use self::subject::Subject;
use crate::{
    Bench, Case, Report, Summary,
    case::{registry, run_all},
};

/// Calls a macro with every byte case: its module, its name, its point of the contract, its promise.
#[doc(hidden)]
#[macro_export]
macro_rules! each_byte_case {
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
            regions::an_unaligned_region_stays_within_its_borders, 3,
                "A region with odd borders is trimmed inward, by less than a page, and nothing beside it is written.";
            regions::a_tiny_region_is_usable_or_refused, 3,
                "A tiny region is refused, or serves one byte at least.";
            banks::overlap_is_refused_in_every_form, 3,
                "A region that overlaps memory already held, in whole or in part, is refused and changes nothing.";
            banks::regions_in_any_order_are_all_used, 3,
                "Regions come in any order, and blocks are handed out from each.";
            banks::adjacent_regions_serve_one_request, 3,
                "Where regions touch, in whatever order they came, a request that needs both succeeds.";
            banks::hundreds_of_regions_are_taken, 3,
                "Hundreds of regions that do not touch are taken, and each is used.";
            regions::a_region_beyond_the_address_space_is_refused, 4,
                "A region whose last byte lies beyond the address space is refused.";
            regions::the_byte_at_address_zero_is_not_usable, 4,
                "A region of which only address 0 is left has nothing usable.";
            refusals::size_zero_is_refused, 6,
                "Size 0 is an invalid parameter of every operation.";
            placement::every_alignment_is_honoured, 7,
                "Blocks of all sizes stand on multiples of their alignment, for every power of two up to 1 MiB.";
            placement::mixed_alignments_are_honoured_together, 7,
                "Blocks of many alignments are live together, each on a multiple of its own.";
            edges::alignments_as_large_as_the_memory_are_honoured, 7,
                "Alignments up to the largest that the memory has multiples of are honoured, for blocks of any size.";
            edges::every_size_is_served, 8,
                "Every size up to two pages, and those around larger powers of two, is served to its last byte.";
            placement::every_byte_of_a_block_is_usable, 8,
                "Blocks of every size can be written to the last byte without a change to any other.";
            placement::live_blocks_never_overlap, 8,
                "In a long random life no two live blocks share a byte, and each keeps its bytes.";
            placement::memory_outside_the_regions_is_not_written, 8,
                "Memory before, between and after the regions is never written.";
            refusals::a_huge_size_is_refused_at_once, 9,
                "Sizes near the largest possible, and near every power of two, are refused without overflow.";
            refusals::a_huge_alignment_is_honoured_or_refused, 9,
                "Alignments up to the largest possible are honoured or refused.";
            fit::region_for_makes_the_request_succeed, 11,
                "A region of exactly the size and alignment that region_for names makes the request succeed.";
            fit::region_for_helps_a_full_allocator, 11,
                "Such a region helps an allocator in which nothing is left.";
            fit::most_of_a_region_can_be_handed_out, 11,
                "Half of a region and more can be handed out in blocks of one size, and little is left over.";
            fit::a_block_given_back_can_be_had_again, 11,
                "When nothing is left, a block given back makes room for one of its size.";
            fit::a_largest_free_block_is_not_refused, 11,
                "A free block serves a request of its size, and every smaller one.";
            machines::random_scripts_are_answered_as_predicted, 11,
                "In random scripts every answer is the one that the model predicts: what must fit is not refused.";
            resize::realloc_keeps_the_bytes, 12,
                "realloc keeps the bytes that fit, from every size to every size.";
            resize::realloc_grows_and_shrinks_step_by_step, 12,
                "A block that grows and shrinks in many steps is always whole.";
            resize::a_refused_realloc_leaves_the_block, 12,
                "A realloc that is refused leaves the block live and its bytes untouched.";
            resize::alloc_zeroed_clears_memory_that_was_used, 12,
                "A zeroed block is 0 throughout, also where its memory was used before.";
            invalid_free::a_double_free_is_refused, 13,
                "A block that was given back cannot be given back again.";
            invalid_free::a_foreign_pointer_is_refused, 13,
                "A pointer outside the regions, or a block that would reach out of one, cannot be given back.";
            invalid_free::an_interior_pointer_is_refused, 13,
                "A pointer into a live block cannot be given back.";
            invalid_free::a_wrong_layout_is_refused, 13,
                "A live block cannot be given back with a layout of another class.";
            recovery::recovery_restores_the_statistics, 14,
                "When everything is given back, in any order, the statistics and the capacity are those of the beginning.";
            recovery::recovery_restores_the_largest_block, 14,
                "When everything is given back, in any order, the largest block can be had again.";
            recovery::a_long_life_leaks_nothing, 14,
                "A long random life, given back again and again, leaves nothing behind.";
            machines::every_state_of_a_tiny_heap_is_sound, 14,
                "In every state of a tiny heap, under every operation, blocks are whole and everything can be given back.";
            statistics::total_is_what_was_handed_in, 15,
                "total is the sum of the regions as trimmed; records are a small part of it.";
            statistics::used_counts_each_block_once, 15,
                "used rises with each block by about its size, and falls again.";
            statistics::available_returns_with_each_block, 15,
                "What a block takes from available comes back with it, for every size and alignment.";
            refusals::odd_requests_are_answered, 16,
                "Requests of any size and alignment are answered with a good block or an error, never a panic.";
        }
    };
}

each_byte_case! { [registry] "bytes", ByteAllocator; }

/// All cases for byte allocators, in the order of the contract's points.
#[must_use]
pub const fn byte_cases<A: ByteAllocator + ConstEmpty + Declared + 'static>() -> &'static [Case<A>] {
    Registry::<A>::CASES
}

/// Runs all cases for byte allocators; hands each report to `on_report` as it comes.
pub fn run_bytes<A: ByteAllocator + ConstEmpty + Declared + 'static>(
    bench: &mut Bench<A>,
    on_report: &mut dyn FnMut(&Report),
) -> Summary {
    run_all(byte_cases(), bench, on_report)
}
