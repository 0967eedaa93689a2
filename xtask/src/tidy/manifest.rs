//! **inherited-manifest**: every member takes edition, version, licence, lints and the versions of its dependencies from
//! the workspace, and the workspace denies what the house rules deny.

use super::Place;
use super::tree::{Manifest, Tree};

/// Keys of `[package]` that a member inherits.
const PACKAGE_KEYS: [&str; 4] = ["version", "edition", "rust-version", "license"];

/// Lints that the workspace denies: the tool and the lint.
pub(super) const DENIED: [(&str, &str); 10] = [
    ("rust", "missing_docs"),
    ("rust", "unsafe_op_in_unsafe_fn"),
    ("rust", "unreachable_pub"),
    ("rustdoc", "broken_intra_doc_links"),
    ("clippy", "undocumented_unsafe_blocks"),
    ("clippy", "missing_safety_doc"),
    ("clippy", "allow_attributes_without_reason"),
    ("clippy", "unwrap_used"),
    ("clippy", "todo"),
    ("clippy", "dbg_macro"),
];

/// Tables of dependencies, also below a target.
const DEPENDENCY_TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

pub(super) fn check(tree: &Tree) -> Vec<Place> {
    let mut found = Vec::new();
    for member in &tree.members {
        package(&member.manifest, &mut found);
        lints(&member.manifest, &mut found);
        dependencies(&member.manifest, &mut found);
    }
    for (tool, lint) in DENIED {
        let level = get(&tree.manifest.table, &["workspace", "lints", tool, lint]).and_then(toml::Value::as_str);
        if level != Some("deny") {
            let line = tree.manifest.line_of("[workspace.lints");
            found.push(Place::new(
                &tree.manifest.path,
                line,
                format!("deny `{lint}` in [workspace.lints.{tool}]"),
            ));
        }
    }
    found
}

fn get<'a>(table: &'a toml::Table, path: &[&str]) -> Option<&'a toml::Value> {
    let (first, rest) = path.split_first()?;
    let value = table.get(*first)?;
    if rest.is_empty() { Some(value) } else { get(value.as_table()?, rest) }
}

fn inherits(value: Option<&toml::Value>) -> bool {
    value.and_then(|value| value.get("workspace")).and_then(toml::Value::as_bool) == Some(true)
}

fn package(manifest: &Manifest, found: &mut Vec<Place>) {
    for key in PACKAGE_KEYS {
        if !inherits(get(&manifest.table, &["package", key])) {
            let line = manifest.line_of_key(key);
            found.push(Place::new(&manifest.path, line, format!("inherit it: `{key}.workspace = true`")));
        }
    }
}

fn lints(manifest: &Manifest, found: &mut Vec<Place>) {
    let table = manifest.table.get("lints").and_then(toml::Value::as_table);
    if !inherits(manifest.table.get("lints")) || table.is_some_and(|table| table.len() > 1) {
        let line = manifest.line_of("[lints");
        found.push(Place::new(&manifest.path, line, "write `[lints] workspace = true` and no lint of its own"));
    }
}

fn dependencies(manifest: &Manifest, found: &mut Vec<Place>) {
    let targets = manifest.table.get("target").and_then(toml::Value::as_table);
    let targets = targets.into_iter().flat_map(|targets| targets.values().filter_map(toml::Value::as_table));
    for table in [&manifest.table].into_iter().chain(targets) {
        let tables = DEPENDENCY_TABLES.iter().filter_map(|name| table.get(*name)?.as_table());
        for (name, value) in tables.flatten() {
            if !inherits(Some(value)) {
                let line = manifest.line_of_key(name);
                let what = format!("name the version of `{name}` in [workspace.dependencies] and inherit it");
                found.push(Place::new(&manifest.path, line, what));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::tidy::planted::Planted;

    const MANIFEST: &str = "allocator-api/Cargo.toml";

    #[test]
    fn each_key_that_is_not_inherited_is_found_on_its_line() {
        for key in super::PACKAGE_KEYS {
            let mut planted = Planted::in_order();
            let value = if key == "edition" { "2024" } else { "1.95.0" };
            planted.replace(MANIFEST, &format!("\n{key}.workspace = true"), &format!("\n{key} = \"{value}\""));
            planted.assert_one(MANIFEST, "inherited-manifest", &format!("`{key}.workspace = true`"));
        }
    }

    #[test]
    fn lints_of_a_members_own_are_found() {
        let mut planted = Planted::in_order();
        planted.replace(MANIFEST, "[lints]\nworkspace = true", "[lints.rust]\nunused = \"allow\"");
        planted.assert_one(MANIFEST, "inherited-manifest", "no lint of its own");
    }

    #[test]
    fn a_lint_that_the_workspace_no_longer_denies_is_found() {
        for (_, lint) in super::DENIED {
            let mut planted = Planted::in_order();
            planted.replace("Cargo.toml", &format!("{lint} = \"deny\""), &format!("{lint} = \"warn\""));
            planted.assert_one("Cargo.toml", "inherited-manifest", lint);
        }
    }

    #[test]
    fn a_version_of_a_members_own_is_found_in_every_table() {
        for table in ["dependencies", "dev-dependencies", "build-dependencies", "target.'cfg(unix)'.dependencies"]
        {
            let mut planted = Planted::in_order();
            planted.append("xtask/Cargo.toml", &format!("\n[{table}]\nanyhow = \"1\"\n"));
            planted.assert_one("xtask/Cargo.toml", "inherited-manifest", "`anyhow`");
        }
    }
}
