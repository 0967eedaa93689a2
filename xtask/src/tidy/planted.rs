//! A small workspace that keeps every rule, in a directory of its own, to plant violations in.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::fence::FENCES;
use super::layers::{ENGINES, LAYERS};
use super::manifest::DENIED;
use super::{RULES, check};
use crate::workspace::Workspace;

/// The workspace.
pub(super) struct Planted {
    directory: TempDir,
}

/// What a file inside the fence is made of.
const FENCED_FILE: &str = "//! Text.\nunsafe impl T for S {}\n";

/// What a library's root is made of.
const ROOT_FILE: &str = "//! Text.\n#![no_std]\nmod package;\npub use package::S;\n";

impl Planted {
    /// A workspace with all members, in which no rule is broken.
    pub(super) fn in_order() -> Self {
        let mut planted = Self { directory: TempDir::new().unwrap() };
        planted.write("Cargo.toml", &root_manifest());
        planted.write("README.md", "# Text\n");
        planted.write(".ci/run", "#!/bin/sh\n");
        let rules = RULES.map(|rule| format!("**{}** (*tidy*, review). Text.\n", rule.name));
        planted.write("CONTRIBUTING.md", &rules.concat());
        for layer in &LAYERS {
            planted.skeleton(layer.member);
        }
        for fence in &FENCES {
            for file in fence.memory.iter().chain(fence.duties) {
                let file = if file.ends_with('/') { format!("{file}extra.rs") } else { (*file).to_owned() };
                planted.write(&format!("{}/{file}", fence.member), FENCED_FILE);
            }
        }
        planted
    }

    fn skeleton(&mut self, member: &str) {
        self.write(&format!("{member}/Cargo.toml"), &member_manifest(member));
        if member == "xtask" {
            self.write("xtask/src/main.rs", "//! Text.\n#![forbid(unsafe_code)]\nfn main() {}\n");
        } else {
            self.write(&format!("{member}/src/lib.rs"), ROOT_FILE);
        }
        if ENGINES.contains(&member) {
            self.write(&format!("{member}/src/package.rs"), "//! Text.\n#![forbid(unsafe_code)]\nimpl S {}\n");
            self.write(&format!("{member}/tests/conformance.rs"), "//! Text.\nbyte_suite!(a, A);\n");
            self.write(&format!("{member}/tests/regressions.rs"), "//! Text.\n#[test]\nfn t() {}\n");
        }
    }

    /// Adds a member.
    pub(super) fn member(&mut self, name: &str) {
        self.replace("Cargo.toml", "members = [", &format!("members = [\"{name}\", "));
        self.skeleton(name);
    }

    /// Makes a member depend on a package.
    pub(super) fn depend(&mut self, member: &str, table: &str, package: &str) {
        self.append(&format!("{member}/Cargo.toml"), &format!("\n[{table}]\n{package}.workspace = true\n"));
    }

    fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    /// Writes a file.
    pub(super) fn write(&mut self, file: &str, text: &str) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Adds to the end of a file.
    pub(super) fn append(&mut self, file: &str, text: &str) {
        let whole = fs::read_to_string(self.path(file)).unwrap() + text;
        self.write(file, &whole);
    }

    /// Replaces a part of a file, which has to be there.
    pub(super) fn replace(&mut self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(file)).unwrap();
        assert!(text.contains(from), "{file} has no `{from}`");
        self.write(file, &text.replace(from, to));
    }

    /// Removes a file.
    pub(super) fn remove(&mut self, file: &str) {
        fs::remove_file(self.path(file)).unwrap();
    }

    /// What the rules find, or why they cannot be checked.
    pub(super) fn try_findings(&self) -> Result<Vec<String>, String> {
        let found = Workspace::at(self.directory.path()).and_then(|workspace| check(&workspace));
        Ok(found.map_err(|error| format!("{error:#}"))?.iter().map(ToString::to_string).collect())
    }

    /// What the rules find.
    pub(super) fn findings(&self) -> Vec<String> {
        self.try_findings().unwrap()
    }

    /// Asserts that some finding is of `rule`, in `file`, and contains `part`.
    fn assert_some(&self, file: &str, rule: &str, part: &str) {
        let findings = self.findings();
        let fits = |finding: &String| {
            finding.starts_with(&format!("{file}:"))
                && finding.contains(&format!(": {rule}: "))
                && finding.contains(part)
        };
        assert!(findings.iter().any(fits), "no {rule} in {file} with `{part}`: {findings:?}");
    }

    /// Asserts that there is one finding, and that it is of `rule`, in `file`, and contains `part`.
    pub(super) fn assert_one(&self, file: &str, rule: &str, part: &str) {
        self.assert_some(file, rule, part);
        assert_eq!(self.findings().len(), 1, "{:?}", self.findings());
    }
}

fn root_manifest() -> String {
    let members = LAYERS.map(|layer| format!("\"{}\"", layer.member)).join(", ");
    let paths = LAYERS.map(|layer| format!("{0} = {{ path = \"{0}\" }}\n", layer.member)).concat();
    let mut lints = String::new();
    for tool in ["rust", "rustdoc", "clippy"] {
        let denied = DENIED.iter().filter(|(of, _)| *of == tool).map(|(_, lint)| format!("{lint} = \"deny\"\n"));
        lints += &format!("\n[workspace.lints.{tool}]\n{}", denied.collect::<String>());
    }
    format!(
        "[workspace]\nresolver = \"3\"\nmembers = [{members}]\n\n\
         [workspace.package]\nversion = \"0.1.0\"\nedition = \"2024\"\nrust-version = \"1.95\"\nlicense = \"MIT\"\n\n\
         [workspace.dependencies]\nelsewhere = \"1\"\nanyhow = \"1\"\nallocator-new = {{ path = \"allocator-new\" }}\n\
         {paths}{lints}"
    )
}

fn member_manifest(name: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion.workspace = true\nedition.workspace = true\n\
         rust-version.workspace = true\nlicense.workspace = true\n\n[lints]\nworkspace = true\n"
    )
}
