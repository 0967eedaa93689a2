//! What random scripts find on toys that are wrong on purpose, and what is left of a script that failed.

use allocator_conformance::{
    ByteOp, Fit, IdOp, IdScope, PageOp, decode, explore_bytes, explore_ids, hunt_bytes, hunt_ids, hunt_pages,
    run_byte_script, run_id_script, run_page_script,
};

use crate::{byte_toy::ToyBytes, fault, id_toy::ToyIds, page_toy::ToyPages, verdicts::bench};

/// The toy uses every byte of a gap, and takes the first that fits.
const EXACT: Fit = Fit::Gaps { margin_bytes: 0, waste_divisor: 0, keeps_padding: false };

#[test]
fn a_correct_toy_serves_whatever_the_exact_model_says() {
    let mut bench = bench::<ToyBytes>().with_fit(EXACT);
    assert!(hunt_bytes(&mut bench, 0..100, 120).is_none_or(|found| panic!("{found}")));
    let mut state = 7_u32;
    let bytes = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    let region = ByteOp::Add { offset: 0, size: 100_000 };
    let script = std::iter::once(region).chain(decode(bytes.take(4000)));
    let tally = run_byte_script(&mut bench, script).expect("the toy is correct");
    assert!(tally.predicted > 100 && tally.refused > 0, "{tally:?}");
}

#[test]
fn a_wrong_refusal_is_found_by_the_model_alone_and_shrunk_to_what_it_needs() {
    let mut bench = bench::<ToyBytes>().with_fit(EXACT);
    let found = fault::with("a full heap's last hole refused", || {
        let found = hunt_bytes(&mut bench, 0..100, 120).expect("four blocks and a large request are soon there");
        (found.script.to_vec(), found.to_string())
    });
    let (script, text) = found;
    assert!(
        script.len() <= 7 && script.iter().filter(|op| matches!(op, ByteOp::Alloc { .. })).count() == 5,
        "{text}"
    );
    assert!(script.contains(&ByteOp::Alloc { size: 2049, align_log2: 0 }), "{text}");
    assert!(text.contains("model: there is room for it: expected a block, got NoMemory"), "{text}");
    assert!(run_byte_script(&mut bench, script.iter().copied()).is_ok());
}

#[test]
fn a_found_script_prints_as_a_test_that_can_be_pasted() {
    let mut bench = bench::<ToyBytes>();
    let text = fault::with("double free accepted", || {
        hunt_bytes(&mut bench, 0..100, 120).expect("scripts free twice").to_string()
    });
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("// Seed ") && lines[1..3] == ["#[test]", "fn a_script_that_once_failed() {"],
        "{text}"
    );
    assert!(text.contains("byte_script!(sabotage::byte_toy::ToyBytes, Fit::Unknown, ["), "{text}");
    assert!(text.contains("        FreeAgain,\n    ]);\n}"), "{text}");
}

#[test]
fn a_page_given_back_twice_in_part_is_shrunk_to_a_few_steps() {
    let mut bench = bench::<ToyPages<4096, false>>();
    let script = fault::with("partly free run freed", || {
        hunt_pages(&mut bench, 0..100, 120).expect("scripts free at random").script.to_vec()
    });
    assert!(script.len() <= 4 && matches!(script.last(), Some(PageOp::Dealloc { .. })), "{script:?}");
    assert!(run_page_script(&mut bench, script).is_ok());
}

#[test]
fn a_wrong_refusal_of_ids_is_shrunk_to_the_takes_that_it_needs_and_prints_as_a_test() {
    let mut bench = bench::<ToyIds>();
    let (script, text) = fault::with("every fifth take blocks requests", || {
        let found = hunt_ids(&mut bench, 0..100, 120).expect("scripts take five times");
        (found.script.to_vec(), found.to_string())
    });
    let takes = script.iter().filter(|op| matches!(op, IdOp::Alloc { .. })).count();
    assert!(script.len() <= 7 && takes == 5, "{text}");
    assert!(text.contains("use allocator_conformance::{Fit, IdOp::*};"), "{text}");
    assert!(
        text.contains("allocator_conformance::id_script!(sabotage::id_toy::ToyIds, Fit::Unknown, ["),
        "{text}"
    );
    let tally = run_id_script(&mut bench, script).expect("without the fault every answer is right");
    assert_eq!(tally.predicted, 5);
}

/// As it would be pasted.
#[test]
fn a_script_for_ids_runs_as_a_test() {
    use allocator_conformance::IdOp::*;
    allocator_conformance::id_script!(
        ToyIds,
        Fit::Unknown,
        [
            Add { first: 7, count: 40 },
            Add { first: 7, count: 40 },
            Alloc { count: 9, align_log2: 3 },
            AllocFixed { id: 30 },
            AllocFixed { id: 300 },
            DeallocPiece { run: 0, first: 2, count: 3 },
            Dealloc { first: 9, count: 40 },
            Add { first: 40, count: 20 },
            Alloc { count: 0, align_log2: 0 },
            GiveAllBack,
        ]
    );
}

#[test]
fn every_state_of_a_toy_is_visited_once_and_all_of_them_are() {
    // Two places for pages: nothing, either, both.
    let mut pages = bench::<ToyPages<4096, false>>();
    let scope = |pages| allocator_conformance::PageScope { pages, ..allocator_conformance::PageScope::TINY };
    for (count, states) in [(1, 2), (2, 4), (6, 64)] {
        let explored =
            allocator_conformance::explore_pages(&mut pages, &scope(count)).expect("the toy is correct");
        assert_eq!((explored.states, explored.is_complete), (states, true));
    }
    // Ids the same.
    let mut ids = bench::<ToyIds>();
    for (count, states) in [(1, 2), (5, 32)] {
        let scope = IdScope { ids: count, ..IdScope::TINY };
        let explored = explore_ids(&mut ids, &scope).expect("the toy is correct");
        assert_eq!((explored.states, explored.is_complete), (states, true));
    }
    // One block at most, in first fit: each request at the start of the heap, and nothing.
    let mut bytes = bench::<ToyBytes>().with_fit(EXACT);
    let scope = allocator_conformance::ByteScope { most_live: 1, ..allocator_conformance::ByteScope::tiny(1024) };
    let explored = explore_bytes(&mut bytes, &scope).expect("the toy is correct");
    assert!(explored.is_complete && explored.states >= 4, "{explored}");
}
