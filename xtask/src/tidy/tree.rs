//! The tree that the rules read: members with their manifests and sources, and every text file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use cargo_metadata::Dependency;
use syn::spanned::Spanned;

use crate::workspace::Workspace;

/// Everything that the rules read.
pub(super) struct Tree {
    /// The members of the workspace.
    pub(super) members: Vec<Member>,
    /// The manifest of the workspace.
    pub(super) manifest: Manifest,
    /// Every text file of the tree, sources too.
    pub(super) texts: Vec<Text>,
}

/// A member of the workspace.
pub(super) struct Member {
    /// Its name.
    pub(super) name: String,
    /// Its directory, relative to the root.
    pub(super) directory: PathBuf,
    /// Its manifest.
    pub(super) manifest: Manifest,
    /// What it depends on, of any kind.
    pub(super) dependencies: Vec<Dependency>,
    /// Its sources.
    pub(super) sources: Vec<Source>,
}

/// A manifest.
#[derive(Debug)]
pub(super) struct Manifest {
    /// Its file, relative to the root.
    pub(super) path: PathBuf,
    /// Its text.
    pub(super) text: String,
    /// What the text says.
    pub(super) table: toml::Table,
}

/// A text file.
#[derive(Debug)]
pub(super) struct Text {
    /// The file, relative to the root.
    pub(super) path: PathBuf,
    /// Its text.
    pub(super) text: String,
}

/// A source file.
pub(super) struct Source {
    /// The file, relative to the root.
    pub(super) path: PathBuf,
    /// The file, relative to its member.
    pub(super) local: String,
    /// Its text.
    pub(super) text: String,
    /// Its tokens, with places.
    pub(super) tokens: proc_macro2::TokenStream,
    /// Its syntax tree, with places.
    pub(super) syntax: syn::File,
}

impl Tree {
    /// Reads the tree of a workspace.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or a source or manifest does not parse.
    pub(super) fn read(workspace: &Workspace) -> Result<Self> {
        let root = workspace.root();
        let mut texts = Vec::new();
        for path in workspace.files()?.into_iter().filter(|path| is_text(path)) {
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            texts.push(Text { path: relative(root, &path), text });
        }
        let members = workspace.members().iter().map(|package| {
            let directory = package.manifest_path.parent().map_or(root, |directory| directory.as_std_path());
            let directory = relative(root, directory);
            Ok(Member {
                name: package.name.to_string(),
                manifest: manifest(root, &directory.join("Cargo.toml"))?,
                dependencies: package.dependencies.clone(),
                sources: sources(&texts, &directory)?,
                directory,
            })
        });
        Ok(Self {
            members: members.collect::<Result<_>>()?,
            manifest: manifest(root, Path::new("Cargo.toml"))?,
            texts,
        })
    }

    /// Every source of every member.
    pub(super) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.members.iter().flat_map(|member| &member.sources)
    }
}

impl Manifest {
    /// The line on which `pattern` first stands, or 1.
    pub(super) fn line_of(&self, pattern: &str) -> usize {
        line_of(&self.text, |line| line.contains(pattern))
    }

    /// The line that sets `key`, or 1.
    pub(super) fn line_of_key(&self, key: &str) -> usize {
        line_of(&self.text, |line| line.strip_prefix(key).is_some_and(|rest| rest.starts_with([' ', '.', '='])))
    }
}

impl Source {
    /// Whether the file is part of what the member gives to others: not a test, bench, example or build script.
    pub(super) fn is_product(&self) -> bool {
        self.local.starts_with("src/")
    }
}

/// The first line of `text` that fits, or 1.
fn line_of(text: &str, fits: impl Fn(&str) -> bool) -> usize {
    text.lines().position(fits).map_or(1, |at| at + 1)
}

/// The first line of a piece of syntax.
pub(super) fn first_line(syntax: &impl Spanned) -> usize {
    syntax.span().start().line
}

fn relative(root: &Path, path: &Path) -> PathBuf {
    path.strip_prefix(root).unwrap_or(path).to_owned()
}

fn manifest(root: &Path, path: &Path) -> Result<Manifest> {
    let whole = root.join(path);
    let text = fs::read_to_string(&whole).with_context(|| format!("cannot read {}", whole.display()))?;
    let table = text.parse().with_context(|| format!("{} does not parse", path.display()))?;
    Ok(Manifest { path: path.to_owned(), text, table })
}

/// The sources below `directory`.
fn sources(texts: &[Text], directory: &Path) -> Result<Vec<Source>> {
    let below = texts.iter().filter(|text| text.path.extension().is_some_and(|extension| extension == "rs"));
    let below = below.filter_map(|text| Some((text, text.path.strip_prefix(directory).ok()?)));
    below
        .map(|(text, local)| {
            let syntax = syn::parse_file(&text.text).map_err(|error| {
                anyhow!("{}:{}: does not parse: {error}", text.path.display(), error.span().start().line)
            })?;
            let tokens = text.text.parse().map_err(|error| anyhow!("{}: {error}", text.path.display()))?;
            let local = local.to_string_lossy().replace('\\', "/");
            Ok(Source { path: text.path.clone(), local, text: text.text.clone(), tokens, syntax })
        })
        .collect()
}

/// Whether a file is one that people write: sources, manifests, documents, scripts. The lockfile is cargo's.
fn is_text(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    let script = path.components().any(|part| part.as_os_str() == ".ci");
    script || ["rs", "toml", "md", "ld", "yml", "yaml", "sh", "py"].contains(&extension.as_ref())
}
