//! **layers**: dependencies point downwards. The table below is the picture in ARCHITECTURE.md.

use cargo_metadata::DependencyKind;

use super::Place;
use super::tree::{Member, Tree};

/// What a member may depend on.
pub(super) struct Layer {
    /// Its name.
    pub(super) member: &'static str,
    /// Members that it may use.
    uses: &'static [&'static str],
    /// Packages from elsewhere that it may use.
    packages: Packages,
}

/// Packages from elsewhere.
enum Packages {
    /// These alone; development and build dependencies are free.
    Only(&'static [&'static str]),
    /// Any.
    Any,
}

/// What every engine may use.
const BELOW_ENGINES: &[&str] = &["allocator-api", "allocator-primitives"];

/// The suite: a dependency of tests and of the kernel.
const SUITE: &str = "allocator-conformance";

/// The format of traces: what records, replays or judges one uses it.
const TRACE: &str = "allocator-trace";

/// Crates of one algorithm each.
pub(super) const ENGINES: [&str; 4] = ["allocator-slab", "allocator-buddy", "allocator-tlsf", "allocator-bitmap"];

pub(super) const LAYERS: [Layer; 12] = [
    Layer { member: "allocator-api", uses: &[], packages: Packages::Only(&[]) },
    Layer { member: "allocator-primitives", uses: &["allocator-api"], packages: Packages::Only(&[]) },
    Layer {
        member: "allocator-slab",
        // Slabs stand on pages: the one engine that may use another, for the page allocator that it has if no other is named.
        uses: &["allocator-api", "allocator-primitives", "allocator-bitmap"],
        packages: Packages::Only(&["slab_allocator"]),
    },
    Layer {
        member: "allocator-buddy",
        uses: BELOW_ENGINES,
        packages: Packages::Only(&["buddy_system_allocator"]),
    },
    Layer { member: "allocator-tlsf", uses: BELOW_ENGINES, packages: Packages::Only(&["rlsf"]) },
    Layer { member: "allocator-bitmap", uses: BELOW_ENGINES, packages: Packages::Only(&["bitmap-allocator"]) },
    Layer { member: SUITE, uses: &["allocator-api"], packages: Packages::Only(&[]) },
    Layer { member: TRACE, uses: &[], packages: Packages::Only(&[]) },
    Layer {
        member: "allocator",
        uses: &[
            "allocator-api",
            "allocator-primitives",
            "allocator-slab",
            "allocator-buddy",
            "allocator-tlsf",
            "allocator-bitmap",
            TRACE,
        ],
        packages: Packages::Only(&["lock_api", "spin"]),
    },
    Layer { member: "kernel", uses: &["allocator", "allocator-api", SUITE, TRACE], packages: Packages::Any },
    Layer {
        member: "bench",
        uses: &[
            "allocator",
            "allocator-api",
            "allocator-slab",
            "allocator-buddy",
            "allocator-tlsf",
            "allocator-bitmap",
            TRACE,
        ],
        packages: Packages::Any,
    },
    Layer { member: "xtask", uses: &[TRACE], packages: Packages::Any },
];

pub(super) fn check(tree: &Tree) -> Vec<Place> {
    let names: Vec<&str> = tree.members.iter().map(|member| member.name.as_str()).collect();
    tree.members.iter().flat_map(|member| check_member(member, &names)).collect()
}

fn check_member(member: &Member, members: &[&str]) -> Vec<Place> {
    let manifest = &member.manifest;
    let Some(layer) = LAYERS.iter().find(|layer| layer.member == member.name) else {
        let what = format!(
            "`{}` has no place in the table of layers: give it one in tidy and ARCHITECTURE.md",
            member.name
        );
        return vec![Place::new(&manifest.path, manifest.line_of_key("name"), what)];
    };
    let wrong = member.dependencies.iter().filter(|dependency| {
        let name = dependency.rename.as_deref().unwrap_or(&dependency.name);
        let of_product = dependency.kind == DependencyKind::Normal;
        if members.contains(&name) {
            let in_tests = !of_product && (name == SUITE || BELOW_ENGINES.contains(&name));
            !layer.uses.contains(&name) && !in_tests
        } else {
            of_product && matches!(layer.packages, Packages::Only(packages) if !packages.contains(&name))
        }
    });
    wrong
        .map(|dependency| {
            let name = dependency.rename.as_deref().unwrap_or(&dependency.name);
            let what = format!(
                "`{}` may not use `{name}`: it may use what stands below it, see ARCHITECTURE.md",
                member.name
            );
            Place::new(&manifest.path, manifest.line_of_key(name), what)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::tidy::planted::Planted;

    #[test]
    fn a_dependency_upwards_or_sideways_is_found() {
        for (member, upper) in [
            ("allocator-api", "allocator-primitives"),
            ("allocator-primitives", "allocator-conformance"),
            ("allocator-tlsf", "allocator-slab"),
            ("allocator-tlsf", "allocator"),
            ("allocator-tlsf", "allocator-conformance"),
            ("allocator-conformance", "allocator-primitives"),
            ("allocator-trace", "allocator-api"),
            ("kernel", "allocator-tlsf"),
            ("xtask", "kernel"),
        ] {
            let mut planted = Planted::in_order();
            planted.depend(member, "dependencies", upper);
            planted.assert_one(&format!("{member}/Cargo.toml"), "layers", &format!("may not use `{upper}`"));
        }
    }

    #[test]
    fn tests_may_use_the_suite_and_no_other_engine() {
        let mut planted = Planted::in_order();
        planted.depend("allocator-tlsf", "dev-dependencies", "allocator-conformance");
        assert_eq!(planted.findings(), Vec::<String>::new());
        planted.depend("allocator-buddy", "dev-dependencies", "allocator-slab");
        planted.assert_one("allocator-buddy/Cargo.toml", "layers", "may not use `allocator-slab`");
    }

    #[test]
    fn a_package_from_elsewhere_is_found_in_what_is_to_stand_alone() {
        let mut planted = Planted::in_order();
        planted.depend("allocator-api", "dependencies", "elsewhere");
        planted.assert_one("allocator-api/Cargo.toml", "layers", "may not use `elsewhere`");
    }

    #[test]
    fn a_member_without_a_layer_is_found() {
        let mut planted = Planted::in_order();
        planted.member("allocator-new");
        planted.assert_one("allocator-new/Cargo.toml", "layers", "has no place");
    }
}
