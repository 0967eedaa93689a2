//! **engine-skeleton**: every engine crate has the same files, and its tests are more than files.

use super::Place;
use super::layers::ENGINES;
use super::tree::{Member, Tree};

/// A file of the skeleton, and what it has to contain.
const SKELETON: [(&str, &str, &str); 4] = [
    ("src/lib.rs", "pub use", "re-export the allocator"),
    ("src/package.rs", "impl", "implement the contract over the published package"),
    ("tests/conformance.rs", "_suite!(", "name a type with a suite macro of allocator-conformance"),
    ("tests/regressions.rs", "#[test]", "give every mended bug a test"),
];

pub(super) fn check(tree: &Tree) -> Vec<Place> {
    let (there, missing): (Vec<_>, Vec<_>) = ENGINES
        .iter()
        .map(|name| (name, tree.members.iter().find(|member| member.name == **name)))
        .partition(|(_, member)| member.is_some());
    let mut found: Vec<Place> =
        there.into_iter().filter_map(|(_, member)| member).flat_map(check_engine).collect();
    found.extend(missing.into_iter().map(|(name, _)| {
        Place::new(
            "Cargo.toml",
            tree.manifest.line_of("members"),
            format!("the engine `{name}` is no member any more"),
        )
    }));
    found
}

fn check_engine(member: &Member) -> Vec<Place> {
    let mut found = Vec::new();
    for (file, part, mend) in SKELETON {
        let path = member.directory.join(file);
        match member.sources.iter().find(|source| source.local == file) {
            None => found.push(Place::new(path, 1, format!("the file is missing: add it and {mend}"))),
            Some(source) if !source.text.contains(part) => {
                found.push(Place::new(path, 1, format!("`{part}` does not stand here: {mend}")));
            }
            Some(_) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::SKELETON;
    use crate::tidy::planted::Planted;

    #[test]
    fn every_file_of_the_skeleton_that_is_missing_is_found() {
        for (file, ..) in SKELETON.iter().filter(|(file, ..)| *file != "src/lib.rs") {
            let mut planted = Planted::in_order();
            planted.remove(&format!("allocator-bitmap/{file}"));
            planted.assert_one(&format!("allocator-bitmap/{file}"), "engine-skeleton", "the file is missing");
        }
    }

    #[test]
    fn a_file_of_the_skeleton_that_holds_nothing_is_found() {
        for (file, part, _) in SKELETON {
            let mut planted = Planted::in_order();
            planted.write(&format!("allocator-bitmap/{file}"), "//! Text.\n#![forbid(unsafe_code)]\n");
            planted.assert_one(&format!("allocator-bitmap/{file}"), "engine-skeleton", part);
        }
    }

    #[test]
    fn an_engine_that_is_no_member_any_more_is_found() {
        let mut planted = Planted::in_order();
        planted.replace("Cargo.toml", "\"allocator-buddy\", ", "");
        planted.assert_one("Cargo.toml", "engine-skeleton", "allocator-buddy");
    }
}
