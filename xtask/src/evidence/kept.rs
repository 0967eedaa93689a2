//! The matrix as other commands take it: with a fingerprint of what it speaks of.
//!
//! The fingerprint is taken before the first suite runs. Whoever changes the code while they run finds a matrix that is not
//! taken again.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::is_broken;
use super::matrix::{Matrix, Place, Seen};
use crate::boot;
use crate::setup::foreign;
use crate::workspace::Workspace;

/// The file's name.
const FILE: &str = "evidence.json";

/// Endings of the files that programs and kernels are built from; a kernel carries a trace.
const CODE: [&str; 5] = ["rs", "toml", "lock", "ld", "zst"];

/// A matrix, and of what it is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    fingerprint: u64,
    matrix: Matrix,
}

impl Kept {
    pub(super) fn new(fingerprint: u64, matrix: Matrix) -> Self {
        Self { fingerprint, matrix }
    }

    /// Writes it into `directory`, which is there.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(super) fn write(&self, directory: &Path) -> Result<()> {
        let path = directory.join(FILE);
        std::fs::write(&path, serde_json::to_string(self)?).with_context(|| format!("writing {}", path.display()))
    }

    /// The matrix in `directory`, if there is one of this fingerprint, every place has run, and nothing is broken.
    pub(super) fn read(directory: &Path, fingerprint: u64) -> Option<Matrix> {
        let text = std::fs::read_to_string(directory.join(FILE)).ok()?;
        // What another version of the runner wrote does not read, and says nothing.
        let kept: Self = serde_json::from_str(&text).ok()?;
        let ran =
            |place| kept.matrix.places().iter().any(|(at, seen)| *at == place && matches!(seen, Seen::Ran(_)));
        // What failed may have failed by chance, and is tried again.
        let good = Place::ALL.into_iter().all(ran) && !is_broken(&kept.matrix);
        (good && kept.fingerprint == fingerprint).then_some(kept.matrix)
    }
}

/// A number that changes with every file of the code, and with the compiler, the linkers and the emulators.
///
/// # Errors
///
/// A file cannot be read.
pub(super) fn fingerprint(workspace: &Workspace) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    let is_code = |path: &PathBuf| path.extension().is_some_and(|ending| CODE.iter().any(|code| ending == *code));
    for path in workspace.files()?.into_iter().filter(is_code) {
        path.strip_prefix(workspace.root()).unwrap_or(&path).hash(&mut hasher);
        std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?.hash(&mut hasher);
    }
    for program in ["rustc", "cc", boot::QEMU, foreign::BIG_ENDIAN_LINKER, foreign::BIG_ENDIAN_EMULATOR] {
        // That a program is not there is part of the fingerprint, too.
        workspace.program(program, ["--version"]).output().map(|told| told.stdout).ok().hash(&mut hasher);
    }
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Kept, fingerprint};
    use crate::boot::protocol::Outcome;
    use crate::evidence::matrix::tests::report;
    use crate::evidence::matrix::{Matrix, Place, Seen};
    use crate::workspace::Workspace;

    fn read_of(others: Vec<(Place, Seen)>, directory: &Path) -> Option<Matrix> {
        let host = vec![report("a", "one", Outcome::Passed, "")];
        Kept::new(7, Matrix::new(host, others)).write(directory).unwrap();
        Kept::read(directory, 7)
    }

    #[test]
    fn a_matrix_is_taken_again_only_if_it_is_whole_and_good_and_of_the_same_code() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        assert!(Kept::read(directory, 7).is_none());
        let others = || Place::ALL.into_iter().filter(|place| *place != Place::Host);
        let all = |seen: Seen| others().map(|place| (place, seen.clone())).collect::<Vec<_>>();
        let ran = |outcome| all(Seen::Ran(vec![report("a", "one", outcome, "why")]));
        assert!(read_of(ran(Outcome::Passed), directory).is_some());
        assert!(Kept::read(directory, 8).is_none());
        assert!(read_of(ran(Outcome::Failed), directory).is_none());
        assert!(read_of(all(Seen::Skipped("no emulator".into())), directory).is_none());
        assert!(read_of(ran(Outcome::Passed)[1..].to_vec(), directory).is_none());
        std::fs::write(directory.join(super::FILE), "{}").unwrap();
        assert!(Kept::read(directory, 7).is_none());
    }

    #[test]
    fn the_fingerprint_changes_with_the_code_alone() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(root.path().join(name), text).unwrap();
        write("Cargo.toml", "[workspace]\n");
        write("one.rs", "fn one() {}");
        let workspace = Workspace::at(root.path()).unwrap();
        let of = || fingerprint(&workspace).unwrap();
        let before = of();
        write("README.md", "words");
        assert_eq!(of(), before);
        write("one.rs", "fn two() {}");
        let changed = of();
        assert_ne!(changed, before);
        std::fs::rename(root.path().join("one.rs"), root.path().join("two.rs")).unwrap();
        assert_ne!(of(), changed);
    }
}
