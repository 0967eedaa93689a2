//! **own-words**: the project speaks of itself alone; the paths of one machine mean nothing on another.
//!
//! Of the rule in CONTRIBUTING.md a program can check only this part. This file is the one that may name such paths.

use super::Place;
use super::tree::Tree;

/// Beginnings of paths that exist on one machine alone.
const MACHINE_PATHS: [&str; 6] = ["/home/", "/root/", "/Users/", "/work/", "/tmp/", r"C:\Users"];

/// The file with the list.
const THIS_FILE: &str = "xtask/src/tidy/words.rs";

pub(super) fn check(tree: &Tree) -> Vec<Place> {
    let mut found = Vec::new();
    for text in tree.texts.iter().filter(|text| text.path != std::path::Path::new(THIS_FILE)) {
        for (at, line) in text.text.lines().enumerate() {
            if let Some(path) = MACHINE_PATHS.into_iter().find(|path| begins_a_path(line, path)) {
                let what =
                    format!("`{path}` is a path of one machine: write one relative to the root, or leave it out");
                found.push(Place::new(&text.path, at + 1, what));
            }
        }
    }
    found
}

/// Whether `path` stands in `line` at the beginning of a path, not within one.
fn begins_a_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !['.', '_', '-', '/', '}', '~'].contains(&c))
    })
}

#[cfg(test)]
mod tests {
    use super::begins_a_path;
    use crate::tidy::planted::Planted;

    #[test]
    fn a_machines_path_is_found_in_sources_documents_manifests_and_scripts() {
        for file in
            ["allocator-api/src/lib.rs", "README.md", "allocator-api/Cargo.toml", ".ci/run", "xtask/src/main.rs"]
        {
            for path in super::MACHINE_PATHS {
                let mut planted = Planted::in_order();
                let sign = if file.ends_with(".rs") { "//" } else { "#" };
                planted.append(file, &format!("\n{sign} {path}someone\n"));
                planted.assert_one(file, "own-words", path);
            }
        }
    }

    #[test]
    fn a_directory_of_that_name_within_a_path_is_no_finding() {
        for line in ["see docs/home/page", "target/tmp/x", "https://example.org/home/"] {
            assert!(super::MACHINE_PATHS.iter().all(|path| !begins_a_path(line, path)), "{line}");
        }
        assert!(begins_a_path("cd /home/someone", "/home/"));
        assert!(begins_a_path("/home/someone", "/home/"));
    }
}
