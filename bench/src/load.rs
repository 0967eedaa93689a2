//! The workloads: each makes a [`Script`] that is the same in every run.

pub(crate) mod adversary;
pub(crate) mod bytes;
pub(crate) mod mix;
pub(crate) mod pages;
pub(crate) mod trace;

use std::path::Path;

use anyhow::{Context, Result};

use crate::script::{Level, Script};

/// What a workload is measured for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Figure {
    /// The mean cost of its operations.
    Mean,
    /// The worst single operation, and the mean.
    Worst,
    /// How much of the memory can be asked for before a request is refused.
    Efficiency,
}

/// A workload's line in the list.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub(crate) struct Entry {
    /// Unique name.
    pub(crate) name: &'static str,
    /// Bytes or pages.
    pub(crate) level: Level,
    /// What it is measured for.
    pub(crate) figure: Figure,
    /// One line for the reader of a table.
    pub(crate) about: &'static str,
    /// Makes the script.
    #[serde(skip)]
    make: fn() -> Script,
}

impl Entry {
    /// An entry whose script comes from `make`.
    const fn new(
        level: Level,
        figure: Figure,
        name: &'static str,
        about: &'static str,
        make: fn() -> Script,
    ) -> Self {
        Self { name, level, figure, about, make }
    }
}

/// Every workload, in the order of the tables.
pub(crate) fn entries() -> impl Iterator<Item = &'static Entry> {
    bytes::ENTRIES.iter().chain(adversary::ENTRIES).chain(pages::ENTRIES)
}

/// The script of a workload, or of the trace in the file of that name.
///
/// # Errors
/// There is neither, or the file is no trace.
pub(crate) fn script(name: &str) -> Result<Script> {
    match entries().find(|entry| entry.name == name) {
        Some(entry) => Ok((entry.make)()),
        None => trace::read(Path::new(name)).with_context(|| format!("{name} is neither a workload nor a trace")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Action;

    #[test]
    fn every_script_frees_and_resizes_only_what_is_live_and_allocates_only_into_empty_slots() {
        for entry in entries() {
            let script = (entry.make)();
            let mut live = vec![false; script.slots];
            for op in script.prepare.iter().chain(&script.ops) {
                let slot = &mut live[op.slot as usize];
                assert_eq!(*slot, op.action != Action::Alloc, "{}", entry.name);
                *slot = op.action != Action::Free;
                assert_eq!(op.size == 0, op.action == Action::Free, "{}", entry.name);
            }
            assert!(!script.ops.is_empty(), "{}", entry.name);
        }
    }

    #[test]
    fn no_script_but_the_filling_ones_asks_for_more_than_four_fifths_of_its_memory() {
        for entry in entries().filter(|entry| entry.figure != Figure::Efficiency) {
            let script = (entry.make)();
            let bytes = script.peak_units() as usize * script.level.unit_bytes();
            assert!(bytes <= script.region_bytes / 10 * 9, "{}: {bytes} of {}", entry.name, script.region_bytes);
        }
    }
}
