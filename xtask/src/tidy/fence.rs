//! **unsafe-fence**: unsafe code, and code that makes pointers from addresses, stands in the files listed here and in no
//! other; every other module forbids it.
//!
//! Tests, examples and build scripts are outside the fence: they play the caller's part, who has duties too.

use proc_macro2::{TokenStream, TokenTree};

use super::Place;
use super::tree::{Member, Source, Tree};

/// The files of one member that are inside the fence, below its directory; what ends in `/` is a directory.
pub(super) struct Fence {
    /// The member.
    pub(super) member: &'static str,
    /// Files that may say `unsafe` and make pointers from addresses. An engine has one at most, or a directory of that
    /// name, and its wrapper one.
    pub(super) memory: &'static [&'static str],
    /// Files that may say `unsafe`: they declare or pass on a duty and make no pointer.
    pub(super) duties: &'static [&'static str],
}

/// Every member that has files inside the fence.
pub(super) const FENCES: [Fence; 9] = [
    Fence {
        member: "allocator-api",
        memory: &[],
        duties: &[
            "src/base.rs",
            "src/byte.rs",
            "src/constrained.rs",
            "src/page.rs",
            "src/paged.rs",
            "src/reclaim.rs",
            "src/remove.rs",
            "src/usable.rs",
        ],
    },
    Fence {
        member: "allocator-slab",
        memory: &["src/memory/", "src/package.rs"],
        duties: &[
            "src/byte_allocator.rs",
            "src/byte_allocator/capabilities.rs",
            "src/byte_allocator/objects.rs",
            "src/slabs.rs",
            "src/slabs/caches.rs",
            "src/slabs/guests.rs",
            "src/slabs/realloc.rs",
        ],
    },
    Fence { member: "allocator-buddy", memory: &["src/package/blocks.rs"], duties: &["src/package.rs"] },
    Fence { member: "allocator-tlsf", memory: &["src/package/pools.rs"], duties: &["src/package.rs"] },
    Fence {
        member: "allocator-bitmap",
        memory: &["src/memory.rs"],
        duties: &["src/contract.rs", "src/lent.rs", "src/package/pages.rs", "src/records.rs"],
    },
    Fence {
        member: "allocator-conformance",
        memory: &["src/memory.rs"],
        duties: &["src/bytes/subject.rs", "src/pages/subject.rs", "src/slot.rs"],
    },
    Fence {
        member: "allocator",
        memory: &["src/page_run/memory.rs"],
        duties: &[
            "src/global/bytes.rs",
            "src/global/memory.rs",
            "src/global/pages.rs",
            "src/global/runs.rs",
            "src/global_alloc.rs",
            "src/growing.rs",
            "src/hooks.rs",
            "src/locked_pages.rs",
            "src/page_level.rs",
            "src/recorded/bytes.rs",
            "src/recorded/pages.rs",
            "src/page_run.rs",
        ],
    },
    Fence {
        member: "kernel",
        memory: &["src/bin/kernel/arch/"],
        duties: &[
            "src/bin/kernel/console.rs",
            "src/bin/kernel/heap.rs",
            "src/bin/kernel/heap/",
            "src/bin/kernel/main.rs",
        ],
    },
    Fence {
        member: "bench",
        memory: &["src/subject/"],
        duties: &[
            "src/measure/check.rs",
            "src/measure/clock.rs",
            "src/measure/space.rs",
            "src/play.rs",
            "src/region.rs",
            "src/subject.rs",
            "src/valgrind.rs",
        ],
    },
];

/// Inside no fence.
const OPEN: Fence = Fence { member: "", memory: &[], duties: &[] };

/// The word that opens the fence.
const UNSAFE: &str = "unsafe";

/// Functions that make a pointer from an address.
const POINTER_MAKERS: [&str; 4] =
    ["with_exposed_provenance", "with_exposed_provenance_mut", "from_exposed_addr", "from_exposed_addr_mut"];

pub(super) fn check(tree: &Tree) -> Vec<Place> {
    let mut found = Vec::new();
    for member in &tree.members {
        let fence = FENCES.iter().find(|fence| fence.member == member.name).unwrap_or(&OPEN);
        for source in member.sources.iter().filter(|source| source.is_product()) {
            check_source(member, fence, source, &mut found);
        }
        for entry in fence.memory.iter().chain(fence.duties).filter(|entry| !is_needed(member, entry)) {
            let what = format!("`{entry}` holds nothing unsafe any more: take it off the list of tidy's fence");
            found.push(Place::new(member.directory.join(entry), 1, what));
        }
    }
    found
}

/// Whether the file `local` is one of `entries`, or lies in one.
fn is_in(local: &str, entries: &[&str]) -> bool {
    entries.iter().any(|entry| local == *entry || (entry.ends_with('/') && local.starts_with(entry)))
}

/// Whether an entry of the list still has something unsafe.
fn is_needed(member: &Member, entry: &str) -> bool {
    let mut sources = member.sources.iter().filter(|source| is_in(&source.local, &[entry]));
    sources.any(|source| !words(source).is_empty())
}

/// Finds what a file does that it may not.
fn check_source(member: &Member, fence: &Fence, source: &Source, found: &mut Vec<Place>) {
    if is_in(&source.local, fence.memory) {
        return;
    }
    let words = words(source);
    let may_say_unsafe = is_in(&source.local, fence.duties);
    for (line, word) in words.iter().filter(|(_, word)| !(may_say_unsafe && word == UNSAFE)) {
        let what =
            format!("`{word}` outside the fence: move it into the crate's memory file (see FENCES in tidy)");
        found.push(Place::new(&source.path, *line, what));
    }
    if words.is_empty() && !is_forbidden(member, source) && !declares_modules(source) {
        let what = "a module without unsafe code says so: add `#![forbid(unsafe_code)]` below its documentation";
        found.push(Place::new(&source.path, 1, what));
    }
}

/// Whether a file or a module that it lies in forbids unsafe code.
fn is_forbidden(member: &Member, source: &Source) -> bool {
    let ancestors = ancestors(&source.local);
    let files =
        member.sources.iter().filter(|other| other.local == source.local || ancestors.contains(&other.local));
    files.into_iter().any(forbids)
}

/// The files that can declare a module that `local` lies in.
fn ancestors(local: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut directory = local;
    while let Some((parent, _)) = directory.rsplit_once('/') {
        found.extend(["lib", "main", "mod"].map(|name| format!("{parent}/{name}.rs")));
        found.push(format!("{parent}.rs"));
        directory = parent;
    }
    found
}

fn forbids(source: &Source) -> bool {
    source.syntax.attrs.iter().any(|attribute| {
        attribute.path().is_ident("forbid")
            && attribute.parse_args::<syn::Path>().is_ok_and(|lint| lint.is_ident("unsafe_code"))
    })
}

/// Whether modules below the file may say `unsafe`, so that the file cannot forbid it.
fn declares_modules(source: &Source) -> bool {
    source.syntax.items.iter().any(|item| matches!(item, syn::Item::Mod(module) if module.content.is_none()))
}

/// Every `unsafe` and every maker of pointers in the code of a file, also within macros, with their lines.
fn words(source: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    collect(source.tokens.clone(), &mut found);
    found
}

fn collect(tokens: TokenStream, found: &mut Vec<(usize, String)>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => collect(group.stream(), found),
            TokenTree::Ident(word) => {
                let text = word.to_string();
                if text == UNSAFE || POINTER_MAKERS.contains(&text.as_str()) {
                    found.push((word.span().start().line, text));
                }
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FENCES;
    use crate::tidy::layers::ENGINES;
    use crate::tidy::planted::Planted;

    const FILE: &str = "allocator-tlsf/src/fit.rs";

    #[test]
    fn unsafe_code_outside_the_fence_is_found_on_its_line() {
        for code in ["fn f() { unsafe {} }", "unsafe fn f() {}", "unsafe impl T for S {}", "m!({ unsafe {} });"] {
            let mut planted = Planted::in_order();
            planted.write(FILE, &format!("//! Text: unsafe.\n\n{code}\n"));
            planted.assert_one(FILE, "unsafe-fence", "`unsafe` outside the fence");
            assert!(planted.findings()[0].starts_with(&format!("{FILE}:3:")));
        }
    }

    #[test]
    fn a_pointer_made_from_an_address_outside_the_fence_is_found() {
        for maker in super::POINTER_MAKERS {
            let mut planted = Planted::in_order();
            planted
                .write(FILE, &format!("//! Text.\n#![forbid(unsafe_code)]\nfn f() {{ core::ptr::{maker}(1) }}\n"));
            planted.assert_one(FILE, "unsafe-fence", maker);
        }
    }

    #[test]
    fn a_pure_module_that_does_not_forbid_unsafe_code_is_found() {
        let mut planted = Planted::in_order();
        planted.write(FILE, "//! Text.\nfn f() {}\n");
        planted.assert_one(FILE, "unsafe-fence", "forbid(unsafe_code)");
        planted.write(FILE, "//! Text.\n#![deny(unsafe_code)]\nfn f() {}\n");
        planted.assert_one(FILE, "unsafe-fence", "forbid(unsafe_code)");
    }

    #[test]
    fn a_module_forbids_for_those_within_it() {
        let mut planted = Planted::in_order();
        planted.write(FILE, "//! Text.\n#![forbid(unsafe_code)]\nmod tests;\n");
        planted.write("allocator-tlsf/src/fit/tests.rs", "//! Text.\nfn f() {}\n");
        assert_eq!(planted.findings(), Vec::<String>::new());
    }

    #[test]
    fn a_root_cannot_forbid_and_may_still_hold_nothing_unsafe() {
        let mut planted = Planted::in_order();
        planted.append("allocator-tlsf/src/lib.rs", "\nunsafe fn f() {}\n");
        planted.assert_one("allocator-tlsf/src/lib.rs", "unsafe-fence", "`unsafe` outside the fence");
    }

    #[test]
    fn a_file_that_passes_duties_on_makes_no_pointer() {
        let mut planted = Planted::in_order();
        planted
            .append("allocator-tlsf/src/package.rs", "\nfn f() { core::ptr::with_exposed_provenance_mut(1) }\n");
        planted.assert_one("allocator-tlsf/src/package.rs", "unsafe-fence", "with_exposed_provenance_mut");
    }

    #[test]
    fn an_engine_has_one_memory_file_at_most_and_its_wrapper_one() {
        for fence in FENCES.iter().filter(|fence| ENGINES.contains(&fence.member)) {
            let (wrapper, engine): (Vec<&str>, Vec<&str>) =
                fence.memory.iter().copied().partition(|entry| entry.starts_with("src/package"));
            assert!(wrapper.len() <= 1 && engine.len() <= 1, "{}", fence.member);
        }
    }

    #[test]
    fn an_entry_of_the_list_that_is_no_longer_needed_is_found() {
        let mut planted = Planted::in_order();
        planted.write("allocator-tlsf/src/package.rs", "//! Text.\n#![forbid(unsafe_code)]\nimpl S {}\n");
        planted.assert_one("allocator-tlsf/src/package.rs", "unsafe-fence", "take it off the list");
    }

    #[test]
    fn tests_may_play_the_callers_part() {
        let mut planted = Planted::in_order();
        planted.write("allocator-tlsf/tests/extra.rs", "//! Text.\nfn f() { unsafe {} }\n");
        assert_eq!(planted.findings(), Vec::<String>::new());
    }
}
