//! The mutants that survive and why they may: a file with a line for each.
//!
//! ```text
//!   # a comment
//!   KEY // KIND: REASON
//! ```
//!
//! What survives and is not in the file is an error, and so is a line of the file that is true no longer: its mutant is
//! caught, or there is none.

use std::collections::BTreeMap;

use super::trial::{Fate, Keys};

/// What a reason begins with.
const KINDS: [&str; 4] = [
    // The changed program does the same.
    "equivalent: ",
    // It does the same, in more or fewer steps.
    "only speed: ",
    // What is changed is itself a check that never fires.
    "debug assertion: ",
    // It is told apart only where the tests do not run: another word size, more memory than there is.
    "elsewhere: ",
];

/// The file's lines: a key with its reason.
#[derive(Debug)]
pub(super) struct Explained<'t>(Vec<(&'t str, &'t str)>);

impl<'t> Explained<'t> {
    /// Reads the text of the file.
    ///
    /// # Errors
    ///
    /// The first line that says nothing of a mutant, gives no reason of a known kind, or stands there twice.
    pub(super) fn read(text: &'t str) -> Result<Self, String> {
        let mut lines: Vec<(&str, &str)> = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (key, reason) = line.split_once(" // ").ok_or_else(|| format!("no reason is given: {line}"))?;
            if !KINDS.iter().any(|kind| reason.len() > kind.len() && reason.starts_with(kind)) {
                return Err(format!("the reason begins with none of {KINDS:?}: {line}"));
            }
            if lines.iter().any(|(other, _)| *other == key) {
                return Err(format!("explained twice: {key}"));
            }
            lines.push((key, reason));
        }
        Ok(Self(lines))
    }

    /// What is wrong with these fates of mutants of `member`; nothing: every survivor is explained, and every
    /// explanation of a mutant that was tried is needed.
    pub(super) fn complaints(&self, member: &str, keys: &Keys, fates: &BTreeMap<String, Fate>) -> Vec<String> {
        let directory = format!("{member}/");
        let is_explained = |key: &str| self.0.iter().any(|(other, _)| *other == key);
        let survivors =
            fates.iter().filter(|(name, fate)| **fate == Fate::Missed && !is_explained(keys.key(name)));
        let mut found: Vec<String> =
            survivors.map(|(name, _)| format!("survives: {name}\n    ({})", keys.key(name))).collect();
        let of_member = self.0.iter().filter(|(key, _)| key.starts_with(&directory));
        let caught = |key: &str| fates.iter().any(|(name, fate)| *fate != Fate::Missed && keys.key(name) == key);
        for (key, _) in of_member {
            if !keys.has(key) {
                found.push(format!("explained, but there is no such mutant: {key}"));
            } else if caught(key) {
                found.push(format!("explained, but it does not survive: {key}"));
            }
        }
        found
    }

    /// The files that are spoken of, and how often.
    #[cfg(test)]
    pub(super) fn files(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|(key, _)| Some(key.split_once(": ")?.0))
    }
}

#[cfg(test)]
mod tests {
    use super::Explained;
    use crate::mutants::trial::tests::listed;
    use crate::mutants::trial::{Fate, Keys};

    const TEXT: &str = "# why\na/x.rs: delete ! in f // equivalent: f is its own inverse\n\
        a/x.rs: replace | with ^ in g #2 // only speed: looked at twice\n";

    /// Complaints about three mutants, of which the middle one is not in the file, with these fates.
    fn complaints(fates: [Fate; 3]) -> Vec<String> {
        let list = listed(&[
            "a/x.rs:1:1: delete ! in f",
            "a/x.rs:2:1: replace | with ^ in g",
            "a/x.rs:3:1: replace | with ^ in g",
        ]);
        let fates = list.iter().map(|mutant| mutant.name.clone()).zip(fates).collect();
        Explained::read(TEXT).unwrap().complaints("a", &Keys::of(&list), &fates)
    }

    #[test]
    fn all_is_well_when_just_the_explained_ones_survive() {
        assert!(complaints([Fate::Missed, Fate::Caught, Fate::Missed]).is_empty());
        assert!(complaints([Fate::Missed, Fate::Timeout, Fate::Missed]).is_empty());
    }

    #[test]
    fn a_survivor_without_a_reason_and_a_reason_without_a_survivor_are_complaints() {
        let told = complaints([Fate::Missed, Fate::Missed, Fate::Missed]);
        assert_eq!(told, ["survives: a/x.rs:2:1: replace | with ^ in g\n    (a/x.rs: replace | with ^ in g #1)"]);
        let told = complaints([Fate::Caught, Fate::Caught, Fate::Missed]);
        assert_eq!(told, ["explained, but it does not survive: a/x.rs: delete ! in f"]);
        assert_eq!(complaints([Fate::Unviable, Fate::Caught, Fate::Timeout]).len(), 2);
    }

    #[test]
    fn a_reason_for_what_is_not_there_is_a_complaint_and_what_was_not_tried_is_none() {
        let list = listed(&["a/x.rs:1:1: delete ! in f"]);
        let explained = Explained::read(TEXT).unwrap();
        let told = explained.complaints("a", &Keys::of(&list), &Default::default());
        assert_eq!(told, ["explained, but there is no such mutant: a/x.rs: replace | with ^ in g #2"]);
        assert!(explained.complaints("b", &Keys::default(), &Default::default()).is_empty());
    }

    #[test]
    fn a_line_without_a_kind_of_reason_is_refused_and_so_is_one_said_twice() {
        for text in
            ["a/x.rs: delete ! in f", "a/x.rs: delete ! in f // because", "a/x.rs: delete ! in f // equivalent: "]
        {
            assert!(Explained::read(text).is_err(), "{text}");
        }
        assert!(Explained::read(&format!("{TEXT}{TEXT}")).unwrap_err().starts_with("explained twice"));
    }
}
