//! **file-length** and **function-length**: what does not fit on a few screens is more than one concept.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::Place;
use super::tree::{Source, Tree};

/// Most lines of a file, unless its head has a reason.
const MAX_FILE_LINES: usize = 500;
/// Most lines of the median file.
const MAX_MEDIAN_LINES: usize = 250;
/// Most lines of a function.
const MAX_FUNCTION_LINES: usize = 60;
/// Most lines of nine functions in ten.
const USUAL_FUNCTION_LINES: usize = 30;
/// Where a file says why it is long.
const REASON: &str = "// Long because: ";

pub(super) fn check_files(tree: &Tree) -> Vec<Place> {
    let mut found: Vec<Place> = tree.sources().filter_map(too_long).collect();
    let mut lengths: Vec<usize> = tree.sources().map(|source| source.text.lines().count()).collect();
    lengths.sort_unstable();
    if let Some(&median) = lengths.get(lengths.len() / 2).filter(|median| **median > MAX_MEDIAN_LINES) {
        let what =
            format!("the median file has {median} lines, more than {MAX_MEDIAN_LINES}: split files by concept");
        found.push(Place::new("Cargo.toml", 1, what));
    }
    found
}

fn too_long(source: &Source) -> Option<Place> {
    let lines = source.text.lines().count();
    let head = source.text.lines().take_while(|line| line.is_empty() || line.starts_with("//"));
    let mut reasons = head.filter_map(|line| line.strip_prefix(REASON)).filter(|reason| !reason.trim().is_empty());
    (lines > MAX_FILE_LINES && reasons.next().is_none()).then(|| {
        let what = format!("{lines} lines, more than {MAX_FILE_LINES}: split it, or say `{REASON}…` in its head");
        Place::new(&source.path, lines, what)
    })
}

/// A function: where it begins, and its lines without attributes and documentation.
struct Function {
    name: String,
    line: usize,
    lines: usize,
}

#[derive(Default)]
struct Functions {
    found: Vec<Function>,
}

impl Functions {
    fn add(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let line = signature.span().start().line;
        let lines = body.span().end().line - line + 1;
        self.found.push(Function { name: signature.ident.to_string(), line, lines });
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(body) = &function.default {
            self.add(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

pub(super) fn check_functions(tree: &Tree) -> Vec<Place> {
    let mut all = Vec::new();
    for source in tree.sources() {
        let mut functions = Functions::default();
        functions.visit_file(&source.syntax);
        all.extend(functions.found.into_iter().map(|function| (source, function)));
    }
    let too_long = all.iter().filter(|(_, function)| function.lines > MAX_FUNCTION_LINES);
    let mut found: Vec<Place> = too_long
        .map(|(source, function)| {
            let what = format!(
                "`{}` has {} lines, more than {MAX_FUNCTION_LINES}: name its steps",
                function.name, function.lines
            );
            Place::new(&source.path, function.line, what)
        })
        .collect();
    let unusual: Vec<_> = all.iter().filter(|(_, function)| function.lines > USUAL_FUNCTION_LINES).collect();
    if unusual.len() * 10 > all.len() {
        let longest = unusual.iter().max_by_key(|(_, function)| function.lines);
        found.extend(longest.map(|(source, function)| {
            let what = format!(
                "{} of {} functions have more than {USUAL_FUNCTION_LINES} lines, more than one in ten: shorten some, \
                 `{}` first",
                unusual.len(),
                all.len(),
                function.name
            );
            Place::new(&source.path, function.line, what)
        }));
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::tidy::planted::Planted;

    const FILE: &str = "allocator-api/src/extra.rs";

    /// A module with one function of `lines` lines.
    fn function_of(lines: usize) -> String {
        format!(
            "//! Text.\n#![forbid(unsafe_code)]\n\n/// Text.\nfn f() {{\n{}}}\n",
            "    g();\n".repeat(lines - 2)
        )
    }

    /// A module of `lines` lines; `head` stands behind its first.
    fn file_of(lines: usize, head: &str) -> String {
        let begin = format!("//! Text.\n{head}#![forbid(unsafe_code)]\n");
        let rest = lines - begin.lines().count();
        format!("{begin}{}", "// Text.\n".repeat(rest))
    }

    #[test]
    fn a_file_has_at_most_500_lines() {
        let mut planted = Planted::in_order();
        planted.write(FILE, &file_of(500, ""));
        assert_eq!(planted.findings(), Vec::<String>::new());
        planted.write(FILE, &file_of(501, ""));
        planted.assert_one(FILE, "file-length", "501 lines");
    }

    #[test]
    fn a_reason_in_the_head_allows_a_long_file() {
        let mut planted = Planted::in_order();
        planted.write(FILE, &file_of(501, "// Long because: a table of measured values.\n"));
        assert_eq!(planted.findings(), Vec::<String>::new());
        planted.write(FILE, &file_of(501, "// Long because: \n"));
        planted.assert_one(FILE, "file-length", "501 lines");
        planted.write(FILE, &(file_of(501, "") + "// Long because: the reason stands at the end.\n"));
        planted.assert_one(FILE, "file-length", "502 lines");
    }

    #[test]
    fn the_median_file_has_at_most_250_lines() {
        let mut planted = Planted::in_order();
        for number in 0..100 {
            planted.write(&format!("allocator-api/src/extra{number}.rs"), &file_of(251, ""));
        }
        planted.assert_one("Cargo.toml", "file-length", "the median file has 251 lines");
    }

    #[test]
    fn a_function_has_at_most_60_lines() {
        let mut planted = Planted::in_order();
        planted.write("allocator-api/src/short.rs", &short_functions(20));
        planted.write(FILE, &function_of(60));
        assert_eq!(planted.findings(), Vec::<String>::new());
        planted.write(FILE, &function_of(61));
        planted.assert_one(FILE, "function-length", "`f` has 61 lines");
    }

    #[test]
    fn methods_and_default_methods_are_functions_too() {
        let body = "g();\n".repeat(60);
        for item in [format!("impl S {{ fn f() {{\n{body}}} }}"), format!("trait T {{ fn f() {{\n{body}}} }}")] {
            let mut planted = Planted::in_order();
            planted.write("allocator-api/src/short.rs", &short_functions(20));
            planted.write(FILE, &format!("//! Text.\n#![forbid(unsafe_code)]\n{item}\n"));
            planted.assert_one(FILE, "function-length", "`f` has 62 lines");
        }
    }

    #[test]
    fn nine_functions_in_ten_have_at_most_30_lines() {
        let mut planted = Planted::in_order();
        planted.write(FILE, &function_of(31));
        planted.write("allocator-api/src/short.rs", &short_functions(9));
        assert_eq!(planted.findings(), Vec::<String>::new());
        planted.remove("allocator-api/src/short.rs");
        planted.assert_one(FILE, "function-length", "`f` first");
    }

    fn short_functions(count: usize) -> String {
        let functions: String = (0..count).map(|number| format!("fn short{number}() {{}}\n")).collect();
        format!("//! Text.\n#![forbid(unsafe_code)]\n{functions}")
    }
}
