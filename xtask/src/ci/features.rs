//! Sets of features that are built: text that no build reads rots.

use crate::workspace::Workspace;

/// No feature, each alone, and all; each set once.
pub(crate) fn small_sets(features: &[String]) -> Vec<Vec<String>> {
    let mut sets = vec![Vec::new()];
    sets.extend(features.iter().map(|feature| vec![feature.clone()]));
    if features.len() > 1 {
        sets.push(features.to_vec());
    }
    sets
}

/// Every subset of `features`.
pub(crate) fn power_set(features: &[String]) -> Vec<Vec<String>> {
    features.iter().fold(vec![Vec::new()], |sets, feature| {
        let with: Vec<_> =
            sets.iter().map(|set| [set.as_slice(), std::slice::from_ref(feature)].concat()).collect();
        [sets, with].concat()
    })
}

/// The arguments that select exactly one set for one member.
pub(crate) fn selection(member: &str, set: &[String]) -> String {
    let features = if set.is_empty() { String::new() } else { format!(" --features {}", set.join(",")) };
    format!("--package {member} --no-default-features{features}")
}

/// The members that have features to be built one by one: every library but the kernel, which is built as it boots.
pub(crate) fn libraries_with_features(workspace: &Workspace) -> Vec<String> {
    let names = workspace.libraries().into_iter().filter(|name| name != "kernel");
    names.filter(|name| !workspace.features(name).is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::{power_set, selection, small_sets};

    fn names(count: usize) -> Vec<String> {
        ["a", "b", "c", "d"][..count].iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn small_sets_are_none_each_and_all_without_repetition() {
        let counts: Vec<_> = (0..=4).map(|count| small_sets(&names(count)).len()).collect();
        assert_eq!(counts, [1, 2, 4, 5, 6]);
        let sets: Vec<_> = small_sets(&names(3)).iter().map(|set| set.concat()).collect();
        assert_eq!(sets, ["", "a", "b", "c", "abc"]);
    }

    #[test]
    fn the_power_set_has_every_subset_once() {
        let mut sets: Vec<_> = power_set(&names(4)).iter().map(|set| set.concat()).collect();
        sets.sort();
        sets.dedup();
        assert_eq!(sets.len(), 16);
    }

    #[test]
    fn a_selection_turns_the_defaults_off() {
        assert_eq!(selection("x", &[]), "--package x --no-default-features");
        assert_eq!(selection("x", &names(2)), "--package x --no-default-features --features a,b");
    }
}
