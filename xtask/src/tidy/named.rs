//! **named-rules**: CONTRIBUTING.md explains each rule of tidy under its name, and calls no other rule one of tidy's.

use std::path::Path;

use super::tree::Tree;
use super::{Place, RULES};

const DOCUMENT: &str = "CONTRIBUTING.md";

pub(super) fn check(tree: &Tree) -> Vec<Place> {
    let Some(document) = tree.texts.iter().find(|text| text.path == Path::new(DOCUMENT)) else {
        return vec![Place::new(DOCUMENT, 1, "the file is missing: add it and explain each rule of tidy")];
    };
    let named: Vec<(usize, &str)> =
        document.text.lines().enumerate().filter_map(|(at, line)| Some((at + 1, rule_of(line)?))).collect();
    let mut found = Vec::new();
    for rule in RULES.iter().filter(|rule| named.iter().all(|(_, name)| *name != rule.name)) {
        found.push(Place::new(DOCUMENT, 1, format!("explain `**{}** (*tidy*)`", rule.name)));
    }
    for (line, name) in named.iter().filter(|(_, name)| RULES.iter().all(|rule| rule.name != *name)) {
        found.push(Place::new(
            DOCUMENT,
            *line,
            format!("tidy has no rule `{name}`: add it, or say who checks it"),
        ));
    }
    found
}

/// The name of the rule that a line begins to explain, if the line says that tidy checks it.
fn rule_of(line: &str) -> Option<&str> {
    let (name, rest) = line.strip_prefix("**")?.split_once("** (")?;
    let (checkers, _) = rest.split_once(')')?;
    checkers.split(", ").any(|checker| checker == "*tidy*").then_some(name)
}

#[cfg(test)]
mod tests {
    use crate::tidy::RULES;
    use crate::tidy::planted::Planted;

    const FILE: &str = super::DOCUMENT;

    #[test]
    fn every_rule_that_is_not_explained_is_found() {
        for rule in &RULES {
            let mut planted = Planted::in_order();
            planted.replace(FILE, &format!("**{}**", rule.name), "It");
            planted.assert_one(FILE, "named-rules", rule.name);
        }
    }

    #[test]
    fn a_rule_that_tidy_does_not_have_is_found() {
        let mut planted = Planted::in_order();
        planted.append(FILE, "\n**good-taste** (review, *tidy*). Text.\n");
        planted.assert_one(FILE, "named-rules", "good-taste");
    }

    #[test]
    fn a_missing_document_is_found() {
        let mut planted = Planted::in_order();
        planted.remove(FILE);
        planted.assert_one(FILE, "named-rules", "the file is missing");
    }
}
