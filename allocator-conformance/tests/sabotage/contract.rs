//! The lists of cases are as the contract needs them.

use std::collections::BTreeSet;

use allocator_conformance::{Case, byte_cases, id_cases, is_case, page_cases};

use crate::{byte_toy::ToyBytes, id_toy::ToyIds, page_toy::ToyPages};

/// Every point but those that say nothing of this kind of allocator has a case, in order; no name comes twice.
fn assert_covers<A>(cases: &[Case<A>], silent: &[u8]) {
    let points: Vec<u8> = cases.iter().map(|case| case.point).collect();
    assert!(points.is_sorted(), "{points:?}");
    let covered: BTreeSet<u8> = points.into_iter().collect();
    let needed: BTreeSet<u8> = (1..=16).filter(|point| !silent.contains(point)).collect();
    assert_eq!(covered, needed);
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), cases.len());
    assert!(names.into_iter().all(is_case));
    assert!(cases.iter().all(|case| case.promise.ends_with('.')));
}

#[test]
fn every_point_for_bytes_has_a_case() {
    assert_covers(byte_cases::<ToyBytes>(), &[5, 10]);
}

#[test]
fn every_point_for_pages_has_a_case() {
    assert_covers(page_cases::<ToyPages<4096, false>>(), &[12]);
}

#[test]
fn every_point_for_ids_has_a_case() {
    assert_covers(id_cases::<ToyIds>(), &[2, 4, 5, 8, 12, 16]);
}

#[test]
fn the_contract_has_each_point_once() {
    let contract = include_str!("../../src/contract.md");
    for point in 1..=16 {
        let lines = contract.lines().filter(|line| line.starts_with(&format!("{point}. ")));
        assert_eq!(lines.count(), 1, "point {point}");
    }
}
