//! **module-docs**: every file begins with `//!`.

use syn::{AttrStyle, Expr, Lit, Meta};

use super::Place;
use super::tree::{Source, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Place> {
    let undocumented =
        tree.sources().filter(|source| !source.text.starts_with("//!") || first_doc(source).is_empty());
    undocumented
        .map(|source| {
            Place::new(&source.path, 1, "begin the file with `//!`: what it is about, terms, invariants, costs")
        })
        .collect()
}

/// The first line of a file's documentation.
fn first_doc(source: &Source) -> String {
    let inner = source.syntax.attrs.iter().filter(|attribute| matches!(attribute.style, AttrStyle::Inner(_)));
    let mut docs = inner.filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    });
    docs.next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use crate::tidy::planted::Planted;

    #[test]
    fn a_file_without_documentation_at_its_top_is_found() {
        for text in
            ["#![forbid(unsafe_code)]\n", "//!\n#![forbid(unsafe_code)]\n", "#![forbid(unsafe_code)]\n//! Late.\n"]
        {
            let mut planted = Planted::in_order();
            planted.write("allocator-api/src/extra.rs", text);
            planted.assert_one("allocator-api/src/extra.rs", "module-docs", "begin the file");
        }
    }

    #[test]
    fn tests_and_build_scripts_are_files_too() {
        for file in ["allocator-api/tests/extra.rs", "allocator-api/build.rs", "allocator-api/examples/extra.rs"] {
            let mut planted = Planted::in_order();
            planted.write(file, "// Text.\nfn main() {}\n");
            planted.assert_one(file, "module-docs", "begin the file");
        }
    }
}
