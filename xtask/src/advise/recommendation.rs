//! What to write into a kernel's Cargo.toml, from the advice for one trace or several.

use anyhow::{Context, Result, bail};

use super::advice::Advice;
use crate::workspace::Workspace;

/// A backend for each level, in words and as a line for Cargo.toml.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recommendation {
    /// Which backend for which level.
    pub(crate) words: String,
    /// The dependency that switches them on.
    pub(crate) line: String,
}

impl Recommendation {
    /// For each level the backend that is the best for most traces; of as many, the one named first.
    pub(crate) fn of(advice: &[Advice], facade: &Facade) -> Self {
        let choices = ["bytes", "pages"].map(|level| (level, choice(advice, level)));
        let words = choices.map(|(level, choice)| match choice {
            Some((name, votes, traces)) if votes < traces => {
                format!("`{name}` for {level} (the best for {votes} of {traces} traces)")
            }
            Some((name, ..)) => format!("`{name}` for {level}"),
            None => format!("the default for {level}, of which there is no trace"),
        });
        let names: Vec<&str> = choices.iter().filter_map(|(_, choice)| Some(choice.as_ref()?.0)).collect();
        Self { words: format!("{}, {}", words[0], words[1]), line: facade.line(&names) }
    }
}

/// The backend that is the best for most traces of a level, for how many, and of how many.
fn choice<'a>(advice: &'a [Advice], level: &str) -> Option<(&'a str, usize, usize)> {
    let best: Vec<&str> = advice.iter().filter(|one| one.level == level).map(|one| one.best.as_str()).collect();
    let votes = |name: &str| best.iter().filter(|other| **other == name).count();
    // Of as many votes `max_by_key` takes the last.
    let name = best.iter().rev().copied().max_by_key(|name| votes(name))?;
    Some((name, votes(name), best.len()))
}

/// What a kernel's Cargo.toml says of `allocator`.
#[derive(Debug)]
pub(crate) struct Facade {
    version: String,
    /// Backends that are on unless they are switched off.
    defaults: Vec<String>,
}

impl Facade {
    /// What it says in this workspace.
    ///
    /// # Errors
    ///
    /// `allocator` is no member, or has no default features.
    pub(crate) fn of(workspace: &Workspace) -> Result<Self> {
        let package = workspace.members().iter().find(|package| package.name.as_str() == "allocator");
        let package = package.context("`allocator` is no member")?;
        let version = format!("{}.{}", package.version.major, package.version.minor);
        let Some(defaults) = package.features.get("default") else { bail!("`allocator` has no default features") };
        Ok(Self { version, defaults: defaults.clone() })
    }

    /// The line that makes `backends` the default types. A backend outranks those that are on anyway.
    fn line(&self, backends: &[&str]) -> String {
        let words: Vec<String> = backends
            .iter()
            .filter(|name| !self.defaults.iter().any(|default| default == *name))
            .map(|name| format!("\"{name}\""))
            .collect();
        match words.is_empty() {
            true => format!("allocator = \"{}\"", self.version),
            false => {
                format!("allocator = {{ version = \"{}\", features = [{}] }}", self.version, words.join(", "))
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Advice, Facade, Recommendation};
    use crate::workspace::Workspace;

    /// A facade whose defaults are `slab` and `bitmap`.
    pub(crate) fn facade() -> Facade {
        Facade { version: "0.1".to_owned(), defaults: ["slab", "bitmap"].map(str::to_owned).to_vec() }
    }

    fn recommended(best: &[(&str, &str)]) -> Recommendation {
        let advice = |&(level, best): &(&str, &str)| {
            let [trace, level, best] = ["boot", level, best].map(str::to_owned);
            Advice { trace, level, best, why: String::new() }
        };
        Recommendation::of(&best.iter().map(advice).collect::<Vec<_>>(), &facade())
    }

    #[test]
    fn the_line_names_what_is_not_on_anyway() {
        let Recommendation { words, line } = recommended(&[("bytes", "tlsf"), ("pages", "bitmap")]);
        assert_eq!(words, "`tlsf` for bytes, `bitmap` for pages");
        assert_eq!(line, "allocator = { version = \"0.1\", features = [\"tlsf\"] }");
        let Recommendation { words, line } = recommended(&[("bytes", "slab")]);
        assert!(words.ends_with(", the default for pages, of which there is no trace"), "{words}");
        assert_eq!(line, "allocator = \"0.1\"");
    }

    #[test]
    fn of_several_traces_most_decide_and_of_as_many_the_first() {
        let best = [("bytes", "slab"), ("pages", "bitmap"), ("bytes", "tlsf"), ("bytes", "tlsf")];
        let Recommendation { words, line } = recommended(&best);
        assert_eq!(words, "`tlsf` for bytes (the best for 2 of 3 traces), `bitmap` for pages");
        assert!(line.contains("[\"tlsf\"]"), "{line}");
        assert!(recommended(&best[..3]).words.starts_with("`slab` for bytes (the best for 1 of 2 traces)"));
    }

    #[test]
    fn the_facade_of_this_workspace_is_what_the_line_speaks_of() {
        let facade = Facade::of(&Workspace::open().unwrap()).unwrap();
        assert!(facade.defaults.contains(&"bitmap".to_owned()) && facade.version.starts_with("0."), "{facade:?}");
    }
}
