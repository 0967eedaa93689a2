//! Mutants by name, and what became of each: what `cargo mutants` lists and leaves.
//!
//! A mutant's own name has its line and column, which move with every edit above it. Its key has its file and what was
//! changed, and where that is the same for several mutants of the file, which of them it is, from the top.
//!
//! ```text
//!   name   allocator-api/src/page.rs:114:28: replace - with + in PageAllocator::available_pages
//!   key    allocator-api/src/page.rs: replace - with + in PageAllocator::available_pages        #2, if it is the second
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// A mutant, as it is listed.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Listed {
    /// Its own name.
    pub(super) name: String,
}

/// The key of each mutant, by its own name.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys(BTreeMap<String, String>);

impl Keys {
    /// Of a list in the order of the files.
    pub(super) fn of(listed: &[Listed]) -> Self {
        let plain = |name: &str| {
            let (place, change) = name.split_once(": ").unwrap_or((name, ""));
            format!("{}: {change}", place.split(':').next().unwrap_or_default())
        };
        let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for mutant in listed {
            counts.entry(plain(&mutant.name)).or_default().0 += 1;
        }
        let mut keys = BTreeMap::new();
        for mutant in listed {
            let key = plain(&mutant.name);
            let Some((all, before)) = counts.get_mut(&key) else { continue };
            *before += 1;
            let numbered = if *all > 1 { format!("{key} #{before}") } else { key };
            keys.insert(mutant.name.clone(), numbered);
        }
        Self(keys)
    }

    /// The key of the mutant called `name`; its name, if it is in no list.
    pub(super) fn key<'k>(&'k self, name: &'k str) -> &'k str {
        self.0.get(name).map_or(name, String::as_str)
    }

    /// Whether there is a mutant of this key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.0.values().any(|other| other == key)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// What became of a mutant, or of the unchanged program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum Fate {
    /// The unchanged program: its tests pass.
    Success,
    /// The unchanged program: its tests fail.
    Failure,
    /// A test failed.
    #[serde(rename = "CaughtMutant")]
    Caught,
    /// No test failed.
    #[serde(rename = "MissedMutant")]
    Missed,
    /// It does not compile.
    Unviable,
    /// The tests did not end.
    Timeout,
}

#[derive(Debug, Deserialize)]
struct Outcomes {
    outcomes: Vec<Outcome>,
}

#[derive(Debug, Deserialize)]
struct Outcome {
    scenario: Scenario,
    summary: Fate,
}

#[derive(Debug, Deserialize)]
enum Scenario {
    Baseline,
    Mutant(Listed),
}

/// The fates of the mutants that a run left in `directory`, by their own names.
///
/// # Errors
///
/// There is no such file, or it says what this runner does not understand.
pub(super) fn fates(directory: &Path) -> Result<BTreeMap<String, Fate>> {
    let path = directory.join("mutants.out/outcomes.json");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    read(&text).with_context(|| format!("in {}", path.display()))
}

fn read(text: &str) -> Result<BTreeMap<String, Fate>> {
    let Outcomes { outcomes } = serde_json::from_str(text)?;
    let mutant = |outcome: Outcome| match outcome.scenario {
        Scenario::Mutant(mutant) => Some((mutant.name, outcome.summary)),
        Scenario::Baseline => None,
    };
    Ok(outcomes.into_iter().filter_map(mutant).collect())
}

/// How many mutants have had their fate in a run that goes on in `directory`, and how many of them were missed.
pub(super) fn so_far(directory: &Path) -> (usize, usize) {
    let lines = |name: &str| {
        let text = fs::read_to_string(directory.join("mutants.out").join(name)).unwrap_or_default();
        text.lines().count()
    };
    let missed = lines("missed.txt");
    (missed + lines("caught.txt") + lines("timeout.txt") + lines("unviable.txt"), missed)
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Fate, Keys, Listed, read, so_far};

    /// Mutants of these names.
    pub(in crate::mutants) fn listed(names: &[&str]) -> Vec<Listed> {
        names.iter().map(|name| Listed { name: (*name).to_owned() }).collect()
    }

    #[test]
    fn a_key_has_no_line_and_a_number_only_where_two_are_alike() {
        let list = listed(&[
            "a.rs:3:9: replace + with - in f",
            "a.rs:4:1: delete ! in f",
            "a.rs:9:9: replace + with - in f",
        ]);
        let keys = Keys::of(&list);
        let of = |n: usize| keys.key(&list[n].name);
        assert_eq!([of(0), of(2)], ["a.rs: replace + with - in f #1", "a.rs: replace + with - in f #2"]);
        assert_eq!((of(1), keys.len()), ("a.rs: delete ! in f", 3));
        assert!(keys.has("a.rs: delete ! in f") && !keys.has("a.rs: replace + with - in f"));
    }

    #[test]
    fn a_key_does_not_change_with_lines_above() {
        let (before, after) = (
            listed(&["a.rs:3:9: delete - in <impl B for C>::f"]),
            listed(&["a.rs:8:1: delete - in <impl B for C>::f"]),
        );
        assert_eq!(Keys::of(&before).key(&before[0].name), Keys::of(&after).key(&after[0].name));
    }

    #[test]
    fn fates_are_those_of_the_mutants_alone() {
        let mutant = |name: &str, fate: &str| {
            format!(r#"{{"scenario":{{"Mutant":{{"name":"{name}","genre":"x"}}}},"summary":"{fate}"}}"#)
        };
        let text = format!(
            r#"{{"outcomes":[{{"scenario":"Baseline","summary":"Success"}},{},{},{},{}],"missed":1}}"#,
            mutant("a", "CaughtMutant"),
            mutant("b", "MissedMutant"),
            mutant("c", "Timeout"),
            mutant("d", "Unviable")
        );
        let fates: Vec<(String, Fate)> = read(&text).unwrap().into_iter().collect();
        let expected = [("a", Fate::Caught), ("b", Fate::Missed), ("c", Fate::Timeout), ("d", Fate::Unviable)];
        assert_eq!(fates, expected.map(|(name, fate)| (name.to_owned(), fate)));
        assert!(read(&text.replace("Timeout", "Vanished")).is_err());
    }

    #[test]
    fn a_run_that_goes_on_is_counted() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(so_far(directory.path()), (0, 0));
        let out = directory.path().join("mutants.out");
        std::fs::create_dir(&out).unwrap();
        for (name, text) in
            [("missed.txt", "a\n"), ("caught.txt", "b\nc\n"), ("timeout.txt", "d\n"), ("unviable.txt", "e\n")]
        {
            std::fs::write(out.join(name), text).unwrap();
        }
        assert_eq!(so_far(directory.path()), (5, 1));
    }
}
