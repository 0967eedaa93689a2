//! What to write into a kernel's Cargo.toml, from the advice for one trace or several.

use anyhow::{Context, Result, bail};

use super::advice::Advice;
use crate::workspace::Workspace;

/// What a reader of the line has to know.
pub(crate) const RELEASES: &str =
    "No version is published yet: until then, `path = \"…/allocator\"` stands in place of the version.";

/// A backend for each level, in words and as a line for Cargo.toml.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recommendation {
    /// Which backend for which level.
    pub(crate) words: String,
    /// The dependency that switches them on; none if a level has traces and no backend.
    pub(crate) line: Option<String>,
    /// The features of the backends, one for each level that has one.
    pub(crate) chosen: Vec<String>,
}

impl Recommendation {
    /// For each level the backend whose costs over its traces have the least product; only one that replayed all of them.
    pub(crate) fn of(advice: &[Advice], facade: &Facade) -> Self {
        let choices = ["bytes", "pages"].map(|level| (level, Choice::of(advice, level)));
        let words: Vec<String> = choices.iter().map(|(level, choice)| choice.words(level)).collect();
        let is_whole = choices.iter().all(|(_, choice)| *choice != Choice::Nobody);
        let chosen: Vec<String> = choices
            .into_iter()
            .filter_map(|(_, choice)| match choice {
                Choice::Best { name, .. } => Some(name),
                Choice::Nobody | Choice::NoTrace => None,
            })
            .collect();
        let line = is_whole.then(|| facade.line(&chosen));
        Self { words: words.join(", "), line, chosen }
    }
}

/// What is recommended for one level.
#[derive(Clone, Debug, PartialEq)]
enum Choice {
    /// A backend; for how many of its traces it is the best, and how many there are.
    Best { name: String, first: usize, traces: usize },
    /// No backend replayed every trace.
    Nobody,
    /// There is no trace of this level.
    NoTrace,
}

impl Choice {
    fn of(advice: &[Advice], level: &str) -> Self {
        let traces: Vec<&Advice> = advice.iter().filter(|one| one.level == level).collect();
        let Some(first) = traces.first() else { return Self::NoTrace };
        let cost =
            |trace: &&Advice, name: &str| trace.costs.iter().find(|(of, _)| of == name).map(|(_, cost)| *cost);
        let whole = |(name, _): &(String, f64)| {
            let costs: Option<Vec<f64>> = traces.iter().map(|trace| cost(trace, name)).collect();
            Some((costs?.into_iter().product::<f64>(), name.clone()))
        };
        let best = first.costs.iter().filter_map(whole).min_by(|(one, _), (other, _)| one.total_cmp(other));
        let Some((_, name)) = best else { return Self::Nobody };
        let leads = |trace: &&&Advice| trace.costs.first().is_some_and(|(of, _)| *of == name);
        Self::Best { first: traces.iter().filter(leads).count(), traces: traces.len(), name }
    }

    fn words(&self, level: &str) -> String {
        match self {
            Self::Best { name, first, traces } if first < traces => {
                format!(
                    "`{name}` for {level} (the least cost over {traces} traces, and the best for {first} of them)"
                )
            }
            Self::Best { name, .. } => format!("`{name}` for {level}"),
            Self::Nobody => format!("none for {level}, since no backend replays every trace"),
            Self::NoTrace => format!("the default for {level}, of which there is no trace"),
        }
    }
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
    fn line(&self, backends: &[String]) -> String {
        let words: Vec<String> = backends
            .iter()
            .filter(|name| !self.defaults.contains(name))
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

    /// The advice for a trace, with names and costs in any order.
    pub(crate) fn advice(level: &str, costs: &[(&str, f64)]) -> Advice {
        let mut costs: Vec<(String, f64)> = costs.iter().map(|(name, cost)| ((*name).to_owned(), *cost)).collect();
        costs.sort_by(|(_, one), (_, other)| one.total_cmp(other));
        let [trace, level, why] = ["boot", level, "It is < 5."].map(str::to_owned);
        Advice { trace, level, costs, why, out: Vec::new() }
    }

    fn recommended(advice: &[Advice]) -> Recommendation {
        Recommendation::of(advice, &facade())
    }

    #[test]
    fn the_line_names_what_is_not_on_anyway() {
        let Recommendation { words, line, .. } =
            recommended(&[advice("bytes", &[("tlsf", 1.0)]), advice("pages", &[("bitmap", 1.0)])]);
        assert_eq!(words, "`tlsf` for bytes, `bitmap` for pages");
        assert_eq!(line.unwrap(), "allocator = { version = \"0.1\", features = [\"tlsf\"] }");
        let Recommendation { words, line, .. } = recommended(&[advice("bytes", &[("slab", 1.0)])]);
        assert!(words.ends_with(", the default for pages, of which there is no trace"), "{words}");
        assert_eq!(line.unwrap(), "allocator = \"0.1\"");
    }

    #[test]
    fn of_several_traces_the_product_of_costs_decides() {
        let narrow = || advice("bytes", &[("slab", 1.0), ("tlsf", 1.1)]);
        let wide = advice("bytes", &[("slab", 9.0), ("tlsf", 1.0)]);
        let Recommendation { words, line, chosen } = recommended(&[narrow(), wide, narrow()]);
        assert!(
            words.starts_with("`tlsf` for bytes (the least cost over 3 traces, and the best for 1 of them)"),
            "{words}"
        );
        assert!(line.unwrap().contains("[\"tlsf\"]") && chosen == ["tlsf"]);
    }

    #[test]
    fn who_did_not_replay_every_trace_is_not_recommended() {
        let both = || advice("bytes", &[("slab", 1.0), ("tlsf", 7.0)]);
        let one = advice("bytes", &[("tlsf", 1.0)]);
        assert_eq!(recommended(&[both(), one.clone()]).chosen, ["tlsf"]);
        let other = advice("bytes", &[("slab", 1.0)]);
        let nobody = recommended(&[one, other]);
        assert!(nobody.chosen.is_empty() && nobody.words.starts_with("none for bytes"), "{nobody:?}");
        assert_eq!(nobody.line, None);
    }

    #[test]
    fn the_facade_of_this_workspace_is_what_the_line_speaks_of() {
        let facade = Facade::of(&Workspace::open().unwrap()).unwrap();
        assert!(facade.defaults.contains(&"bitmap".to_owned()) && facade.version.starts_with("0."), "{facade:?}");
    }
}
