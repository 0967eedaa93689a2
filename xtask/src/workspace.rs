//! The workspace that the runner works on: where it lies, its members, and the commands that run in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand, Package};

/// The workspace.
#[derive(Debug)]
pub(crate) struct Workspace {
    metadata: Metadata,
}

impl Workspace {
    /// The workspace that this runner was built from.
    ///
    /// # Errors
    ///
    /// `cargo metadata` fails.
    pub(crate) fn open() -> Result<Self> {
        Self::at(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
    }

    /// The workspace whose root is `root`. Only its own manifests are read, no package is fetched.
    ///
    /// # Errors
    ///
    /// `cargo metadata` fails.
    pub(crate) fn at(root: &Path) -> Result<Self> {
        let manifest = root.join("Cargo.toml");
        let metadata = MetadataCommand::new()
            .manifest_path(&manifest)
            .no_deps()
            .exec()
            .with_context(|| format!("cannot read the workspace at {}", manifest.display()))?;
        Ok(Self { metadata })
    }

    /// Its root directory.
    pub(crate) fn root(&self) -> &Path {
        self.metadata.workspace_root.as_std_path()
    }

    /// Where cargo puts what it builds.
    pub(crate) fn target(&self) -> &Path {
        self.metadata.target_directory.as_std_path()
    }

    /// Its members.
    pub(crate) fn members(&self) -> &[Package] {
        &self.metadata.packages
    }

    /// The names of the members that are libraries, the kernel's own one among them.
    pub(crate) fn libraries(&self) -> Vec<String> {
        let libraries =
            self.members().iter().filter(|package| package.targets.iter().any(|target| target.is_lib()));
        libraries.map(|package| package.name.to_string()).collect()
    }

    /// The features of a member, sorted, without `default`.
    pub(crate) fn features(&self, member: &str) -> Vec<String> {
        let package = self.members().iter().find(|package| package.name.as_str() == member);
        let names = package.into_iter().flat_map(|package| package.features.keys());
        names.filter(|name| *name != "default").cloned().collect()
    }

    /// Every file of its tree, sorted; hidden ones but `.ci`, `.cargo` and `.gitignore`, and what cargo built, are left out.
    ///
    /// # Errors
    ///
    /// A directory cannot be read.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        list(self.root(), self.target(), &mut found)?;
        found.sort();
        Ok(found)
    }

    /// A directory of the runner's own below the target directory, created if need be.
    ///
    /// # Errors
    ///
    /// It cannot be created.
    pub(crate) fn scratch(&self, name: &str) -> Result<PathBuf> {
        let path = self.target().join("xtask").join(name);
        std::fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(path)
    }

    /// A program that runs in the root directory.
    pub(crate) fn program<'a>(&self, program: &str, args: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.root()).args(args);
        command
    }

    /// A cargo command that runs in the root directory; `args` are separated by spaces.
    pub(crate) fn cargo(&self, args: &str) -> Command {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        self.program(&cargo, args.split_ascii_whitespace())
    }
}

/// Lists every file below `directory`, as [`Workspace::files`] says.
fn list(directory: &Path, target: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let hidden = name.starts_with('.') && ![".ci", ".cargo", ".gitignore"].contains(&name.as_str());
        if hidden || path == target || path == directory.join("target") {
            continue;
        }
        if path.is_dir() {
            list(&path, target, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

/// The file of a program on the search path, if it is installed.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::{Workspace, find_program};

    #[test]
    fn the_runner_finds_its_own_workspace_and_members() {
        let workspace = Workspace::open().unwrap();
        assert!(workspace.members().iter().any(|package| package.name.as_str() == "xtask"));
        assert!(workspace.root().join("allocator-api/src/lib.rs").is_file());
    }

    #[test]
    fn features_are_listed_without_the_default() {
        let features = Workspace::open().unwrap().features("allocator");
        assert!(features.contains(&"slab".to_owned()) && !features.contains(&"default".to_owned()));
    }

    #[test]
    fn programs_are_found_on_the_search_path_only() {
        assert!(find_program("sh").is_some());
        assert_eq!(find_program("no-such-program-here"), None);
    }
}
