//! `alloc`'s collections under load, on the kernel's heap.
#![forbid(unsafe_code)]

use kernel::collections::{Broken, run as run_with};

use crate::console;

/// Objects in each part of the load.
const LOAD: usize = 2000;

/// Runs the load; whether every check held.
pub(crate) fn run() -> bool {
    let result = run_with(LOAD);
    match result {
        Ok(checks) => crate::println!("Box, Vec, String, BTreeMap, Arc: {checks} checks held"),
        Err(Broken(what)) => crate::println!("Box, Vec, String, BTreeMap, Arc: does not hold: {what}"),
    }
    console::report("collections", |line| {
        let outcome = if result.is_ok() { "passed" } else { "failed" };
        line.value("outcome", outcome)?.value("checks", result.unwrap_or(0))
    });
    result.is_ok()
}
