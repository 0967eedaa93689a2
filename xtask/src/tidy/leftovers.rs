//! **no-leftovers**: nothing is left for later: no macro that stands for code to come, no marker, no test that is
//! ignored without a reason.

use syn::visit::{self, Visit};
use syn::{Attribute, Expr, Lit, Macro, Meta};

use super::Place;
use super::tree::{Source, Tree, first_line};

/// Macros that stand for code to come.
const MACROS: [&str; 2] = ["todo", "unimplemented"];
/// Words in comments that mark something for later.
const MARKERS: [&str; 4] = ["TODO", "FIXME", "XXX", "HACK"];

pub(super) fn check(tree: &Tree) -> Vec<Place> {
    let mut found = Vec::new();
    for source in tree.sources() {
        let mut leftovers = Leftovers { source, found: &mut found };
        leftovers.visit_file(&source.syntax);
        markers(source, &mut found);
    }
    found
}

/// Finds markers in comments: behind `//`, as a word of their own.
fn markers(source: &Source, found: &mut Vec<Place>) {
    for (at, line) in source.text.lines().enumerate() {
        let comment = line.split_once("//").map_or("", |(_, comment)| comment);
        let mut words = comment.split(|c: char| !c.is_alphanumeric());
        if let Some(marker) = words.find(|word| MARKERS.contains(word)) {
            let what = format!("`{marker}`: do it now, or open an issue");
            found.push(Place::new(&source.path, at + 1, what));
        }
    }
}

struct Leftovers<'a> {
    source: &'a Source,
    found: &'a mut Vec<Place>,
}

impl<'ast> Visit<'ast> for Leftovers<'_> {
    fn visit_macro(&mut self, invocation: &'ast Macro) {
        if let Some(name) = MACROS.into_iter().find(|name| invocation.path.is_ident(name)) {
            let what = format!("`{name}!` stands for code to come: write it");
            self.found.push(Place::new(&self.source.path, first_line(invocation), what));
        }
        visit::visit_macro(self, invocation);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if attribute.path().is_ident("ignore") && !has_reason(attribute) {
            let what = "an ignored test without a reason: write `#[ignore = \"why\"]`, or run it";
            self.found.push(Place::new(&self.source.path, first_line(attribute), what));
        }
        visit::visit_attribute(self, attribute);
    }
}

fn has_reason(attribute: &Attribute) -> bool {
    let Meta::NameValue(pair) = &attribute.meta else {
        return false;
    };
    matches!(&pair.value, Expr::Lit(literal) if matches!(&literal.lit, Lit::Str(text) if !text.value().trim().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::MARKERS;
    use crate::tidy::planted::Planted;

    const FILE: &str = "allocator-api/src/extra.rs";

    fn module(text: &str) -> Planted {
        let mut planted = Planted::in_order();
        planted.write(FILE, &format!("//! Text.\n#![forbid(unsafe_code)]\n{text}\n"));
        planted
    }

    #[test]
    fn macros_for_code_to_come_are_found() {
        module("fn f() { todo!() }").assert_one(FILE, "no-leftovers", "`todo!`");
        module("fn f() { unimplemented!(\"later\"); }").assert_one(FILE, "no-leftovers", "`unimplemented!`");
    }

    #[test]
    fn markers_in_comments_are_found_as_words() {
        for marker in MARKERS {
            module(&format!("// {marker}: mend")).assert_one(FILE, "no-leftovers", marker);
            module(&format!("fn f() {{}} //{marker}")).assert_one(FILE, "no-leftovers", marker);
        }
        assert_eq!(module("// TODOS, a HACKER").findings(), Vec::<String>::new());
    }

    #[test]
    fn a_test_that_is_ignored_has_to_say_why() {
        module("#[test]\n#[ignore]\nfn t() {}").assert_one(FILE, "no-leftovers", "ignored test");
        module("#[test]\n#[ignore = \"\"]\nfn t() {}").assert_one(FILE, "no-leftovers", "ignored test");
        assert_eq!(module("#[test]\n#[ignore = \"needs a day\"]\nfn t() {}").findings(), Vec::<String>::new());
    }
}
