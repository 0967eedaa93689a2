//! `cargo xtask tidy`: the house rules that a program can check.
//!
//! A rule reads the whole tree and answers findings, each with place, name and mend. CONTRIBUTING.md explains each rule
//! under the same name. Each rule's tests plant a violation and see it found.

mod docs;
mod fence;
mod layers;
mod leftovers;
mod length;
mod manifest;
mod named;
#[cfg(test)]
mod planted;
mod skeleton;
mod tree;
mod words;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use self::tree::Tree;
use crate::steps::Log;
use crate::workspace::Workspace;

/// Checks the house rules that a program can check.
///
/// Manifests that inherit, dependencies that point downwards, the skeleton of every engine crate, lengths of files and
/// functions, the fence around unsafe code, module documentation, and words that have no place in the tree. Each
/// finding is printed as `path:line: rule: what, and how to mend`; CONTRIBUTING.md explains each rule.
///
/// Needs: the sources alone.
///
/// Takes: a second.
#[derive(Args, Debug)]
#[command(after_long_help = "Examples:
  cargo xtask tidy            every rule
  cargo xtask tidy --rules    the names of the rules")]
pub(crate) struct Options {
    /// Print the names of the rules and check nothing
    #[arg(long)]
    rules: bool,
}

impl Options {
    /// Runs the command. `false`: something was found.
    ///
    /// # Errors
    ///
    /// The tree cannot be read.
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<bool> {
        if self.rules {
            RULES.iter().for_each(|rule| println!("{}", rule.name));
            return Ok(true);
        }
        let findings = check(workspace)?;
        findings.iter().for_each(|finding| println!("{finding}"));
        println!("{} rules, {} findings", RULES.len(), findings.len());
        Ok(findings.is_empty())
    }
}

/// Checks all rules and writes what they found to a log.
///
/// # Errors
///
/// How many findings there are, or why the tree cannot be read.
pub(crate) fn check_into(workspace: &Workspace, log: &mut Log) -> Result<(), String> {
    let findings = check(workspace).map_err(|error| format!("{error:#}"))?;
    findings.iter().for_each(|finding| log.say(&finding.to_string()));
    if findings.is_empty() { Ok(()) } else { Err(format!("{} findings", findings.len())) }
}

/// One rule.
struct Rule {
    /// Its name in findings and in CONTRIBUTING.md.
    name: &'static str,
    /// Finds what breaks it.
    check: fn(&Tree) -> Vec<Place>,
}

/// Every rule.
const RULES: [Rule; 10] = [
    Rule { name: "inherited-manifest", check: manifest::check },
    Rule { name: "layers", check: layers::check },
    Rule { name: "engine-skeleton", check: skeleton::check },
    Rule { name: "file-length", check: length::check_files },
    Rule { name: "function-length", check: length::check_functions },
    Rule { name: "unsafe-fence", check: fence::check },
    Rule { name: "module-docs", check: docs::check },
    Rule { name: "own-words", check: words::check },
    Rule { name: "no-leftovers", check: leftovers::check },
    Rule { name: "named-rules", check: named::check },
];

/// What a rule found, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    /// The file, relative to the root.
    path: PathBuf,
    /// The line, from 1.
    line: usize,
    /// What breaks the rule, and how to mend it.
    what: String,
}

impl Place {
    fn new(path: impl AsRef<Path>, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.as_ref().to_owned(), line, what: what.into() }
    }
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    rule: &'static str,
    place: Place,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { path, line, what } = &self.place;
        write!(out, "{}:{line}: {}: {what}", path.display(), self.rule)
    }
}

/// Everything that breaks a rule.
fn check(workspace: &Workspace) -> Result<Vec<Finding>> {
    let tree = Tree::read(workspace)?;
    let found = |rule: &Rule| {
        let name = rule.name;
        (rule.check)(&tree).into_iter().map(move |place| Finding { rule: name, place })
    };
    Ok(RULES.iter().flat_map(found).collect())
}

#[cfg(test)]
mod tests {
    use super::planted::Planted;

    #[test]
    fn a_tree_in_order_has_no_finding() {
        assert_eq!(Planted::in_order().findings(), Vec::<String>::new());
    }

    #[test]
    fn a_finding_tells_place_rule_and_mend() {
        let mut planted = Planted::in_order();
        planted.write("allocator-api/src/extra.rs", "#![forbid(unsafe_code)]\n");
        let findings = planted.findings();
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].starts_with("allocator-api/src/extra.rs:1: module-docs: "), "{findings:?}");
    }

    #[test]
    fn a_source_that_does_not_parse_stops_the_check() {
        let mut planted = Planted::in_order();
        planted.write("allocator-api/src/extra.rs", "//! Broken.\nfn (\n");
        assert!(planted.try_findings().unwrap_err().contains("allocator-api/src/extra.rs"));
    }
}
