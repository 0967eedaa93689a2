//! The directory of spans: a height-balanced tree (AVL) of their blocks, in ascending order of pages.
//!
//! Each node keeps, for itself and all below, what there is of free runs and blocks and whether a chunk is broken. So
//! the lowest span that has a run is found without looking at the others.
//!
//! # Invariants
//!
//! - Left of a node are lower pages, right of it higher ones; spans are disjoint.
//! - The heights of a node's two sides differ by one at most, so that n spans are at most 1.44·log2 n high.
//!
//! # Costs
//!
//! O(log n) nodes for n spans, everywhere. Functions call themselves as deep as the tree is high.
#![forbid(unsafe_code)]

use crate::{
    layout::{ANY_BROKEN, HEIGHT, OFFER},
    offer::Offer,
    pages::PageRange,
    records::{Link, Side, Store},
    span::Span,
};

/// What a span is looked for to have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Want {
    /// Nothing in particular.
    Any,
    /// A free run of that many pages.
    Run(usize),
    /// A [buddy block](crate::offer) of that many pages.
    Block(usize),
    /// A broken chunk.
    Broken,
}

impl Want {
    fn in_span(self, words: &[u64]) -> bool {
        match self {
            Self::Any => true,
            Self::Run(pages) => Span(words).offer().reaches(pages),
            Self::Block(pages) => Span(words).offer().has_block(pages),
            Self::Broken => Span(words).has_broken(),
        }
    }

    fn below(self, words: &[u64]) -> bool {
        match self {
            Self::Any => true,
            Self::Run(pages) => Offer(words[OFFER]).reaches(pages),
            Self::Block(pages) => Offer(words[OFFER]).has_block(pages),
            Self::Broken => words[ANY_BROKEN] != 0,
        }
    }
}

const SIDES: [Side; 2] = [Side::Left, Side::Right];

/// The span that page `page` is in.
pub(crate) fn lookup<S: Store>(store: &S, root: Option<Link>, page: usize) -> Option<Link> {
    let mut at = root;
    while let Some(link) = at {
        let pages = Span(store.words(link)).pages();
        if page < pages.first() {
            at = store.child(link, Side::Left);
        } else if page > pages.last() {
            at = store.child(link, Side::Right);
        } else {
            return Some(link);
        }
    }
    None
}

/// The lowest span that has what is wanted and a page that is not below `from`.
pub(crate) fn lowest<S: Store>(store: &S, at: Option<Link>, from: usize, want: Want) -> Option<Link> {
    let link = at?;
    let words = store.words(link);
    if !want.below(words) {
        return None;
    }
    if Span(words).pages().last() >= from {
        let below = lowest(store, store.child(link, Side::Left), from, want);
        if below.is_some() {
            return below;
        }
        if want.in_span(words) {
            return at;
        }
    }
    lowest(store, store.child(link, Side::Right), from, want)
}

/// The lowest span that has a free run of `pages` pages.
#[inline]
pub(crate) fn lowest_with_run<S: Store>(store: &S, root: Option<Link>, pages: usize) -> Option<Link> {
    let below = |link: &Link| Want::Run(pages).below(store.words(*link));
    let mut link = root.filter(below)?;
    loop {
        if let Some(left) = store.child(link, Side::Left).filter(below) {
            link = left;
        } else if Want::Run(pages).in_span(store.words(link)) {
            return Some(link);
        } else {
            link = store.child(link, Side::Right)?;
        }
    }
}

/// The longest free run in any span.
pub(crate) fn longest<S: Store>(store: &S, root: Option<Link>) -> usize {
    root.map_or(0, |link| Offer(store.words(link)[OFFER]).reach())
}

/// Computes what the nodes above page `page` keep anew, after its span changed.
pub(crate) fn refresh<S: Store>(store: &mut S, at: Option<Link>, page: usize) {
    let Some(link) = at else { return };
    let pages = Span(store.words(link)).pages();
    if page < pages.first() {
        refresh(store, store.child(link, Side::Left), page);
    } else if page > pages.last() {
        refresh(store, store.child(link, Side::Right), page);
    }
    update(store, link);
}

/// Puts the block `new`, whose pages are in no span of the tree, in. Returns the new root.
pub(crate) fn insert<S: Store>(store: &mut S, at: Option<Link>, new: Link) -> Link {
    let Some(link) = at else {
        for side in SIDES {
            store.set_child(new, side, None);
        }
        update(store, new);
        return new;
    };
    let first = |store: &S, link| Span(store.words(link)).pages().first();
    let side = if first(store, new) < first(store, link) { Side::Left } else { Side::Right };
    let child = insert(store, store.child(link, side), new);
    store.set_child(link, side, Some(child));
    balance(store, link)
}

/// Takes the span of page `page` out. Returns the new root.
pub(crate) fn remove<S: Store>(store: &mut S, at: Option<Link>, page: usize) -> Option<Link> {
    let link = at?;
    let pages = Span(store.words(link)).pages();
    let [left, right] = SIDES.map(|side| store.child(link, side));
    if page < pages.first() {
        let child = remove(store, left, page);
        store.set_child(link, Side::Left, child);
    } else if page > pages.last() {
        let child = remove(store, right, page);
        store.set_child(link, Side::Right, child);
    } else {
        let Some(right) = right else { return left };
        let (rest, next) = remove_lowest(store, right);
        store.set_child(next, Side::Left, left);
        store.set_child(next, Side::Right, rest);
        return Some(balance(store, next));
    }
    Some(balance(store, link))
}

/// Takes the lowest span below `link` out. Returns what is left, and that span.
fn remove_lowest<S: Store>(store: &mut S, link: Link) -> (Option<Link>, Link) {
    let Some(left) = store.child(link, Side::Left) else {
        return (store.child(link, Side::Right), link);
    };
    let (rest, lowest) = remove_lowest(store, left);
    store.set_child(link, Side::Left, rest);
    (Some(balance(store, link)), lowest)
}

fn height<S: Store>(store: &S, at: Option<Link>) -> u64 {
    at.map_or(0, |link| store.words(link)[HEIGHT])
}

/// What a node of this span with these children keeps: height, offer, whether a chunk is broken.
pub(crate) fn kept<S: Store>(store: &S, link: Link) -> [u64; 3] {
    let span = Span(store.words(link));
    let mut kept = [0, span.offer().0, u64::from(span.has_broken())];
    for child in SIDES.iter().filter_map(|side| store.child(link, *side)) {
        let words = store.words(child);
        kept[0] = kept[0].max(words[HEIGHT]);
        kept[1] = Offer(kept[1]).joined(Offer(words[OFFER])).0;
        kept[2] |= words[ANY_BROKEN];
    }
    kept[0] += 1;
    kept
}

fn update<S: Store>(store: &mut S, link: Link) {
    let kept = kept(store, link);
    store.words_mut(link)[HEIGHT..=ANY_BROKEN].copy_from_slice(&kept);
}

/// Restores the balance of a node whose sides are balanced and differ by two at most. Returns the new top.
fn balance<S: Store>(store: &mut S, link: Link) -> Link {
    let [left, right] = SIDES.map(|side| height(store, store.child(link, side)));
    if left > right + 1 {
        lean_to(store, link, Side::Left, Side::Right)
    } else if right > left + 1 {
        lean_to(store, link, Side::Right, Side::Left)
    } else {
        update(store, link);
        link
    }
}

/// Turns a node whose side `high` is two higher than its side `low`.
fn lean_to<S: Store>(store: &mut S, link: Link, high: Side, low: Side) -> Link {
    let Some(child) = store.child(link, high) else { return link };
    if height(store, store.child(child, low)) > height(store, store.child(child, high)) {
        let turned = turn(store, child, low, high);
        store.set_child(link, high, Some(turned));
    }
    turn(store, link, high, low)
}

/// Makes the child on side `up` of `link` the top, and `link` its child on side `down`.
fn turn<S: Store>(store: &mut S, link: Link, up: Side, down: Side) -> Link {
    let Some(top) = store.child(link, up) else { return link };
    let between = store.child(top, down);
    store.set_child(link, up, between);
    store.set_child(top, down, Some(link));
    update(store, link);
    update(store, top);
    top
}

/// The pages from the first of the lowest span on, span by span.
pub(crate) fn spans<S: Store>(store: &S, root: Option<Link>) -> impl Iterator<Item = (Link, PageRange)> + '_ {
    let mut from = Some(0);
    core::iter::from_fn(move || {
        let link = lowest(store, root, from?, Want::Any)?;
        let pages = Span(store.words(link)).pages();
        from = pages.last().checked_add(1);
        Some((link, pages))
    })
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{collections::BTreeMap, vec};

    use super::*;
    use crate::{
        layout::{block_words, cover_of},
        lent::Lent,
    };

    /// Checks order, balance and what nodes keep; returns the height.
    fn check(store: &Lent, at: Option<Link>, low: usize, high: usize) -> u64 {
        let Some(link) = at else { return 0 };
        let pages = Span(store.words(link)).pages();
        assert!(low <= pages.first() && pages.last() <= high);
        let left = check(store, store.child(link, Side::Left), low, pages.first().saturating_sub(1));
        let right = check(store, store.child(link, Side::Right), pages.last() + 1, high);
        assert!(left.abs_diff(right) <= 1, "{left} against {right}");
        assert_eq!(store.words(link)[HEIGHT..=ANY_BROKEN], kept(store, link));
        left.max(right) + 1
    }

    fn claim(store: &mut Lent, pages: PageRange, free: usize) -> Link {
        let link = store.claim_words(block_words(cover_of(pages).1)).unwrap();
        let mut span = Span(store.words_mut(link));
        span.write_header(pages, None);
        only_free(&mut span, free);
        link
    }

    /// Lets the first `free` pages of a span be free, and no other.
    fn only_free(span: &mut Span<&mut [u64]>, free: usize) {
        let pages = span.pages();
        span.fill(pages, false);
        if let Some(part) = PageRange::counted(pages.first(), free) {
            span.fill(part, true);
        }
        span.rebuild();
    }

    /// Asks for what is at page `page` and above, and for a run of `wanted` pages. A span of the model has 100 pages, and its
    /// chunk is broken if one of them is free.
    fn ask(store: &Lent, root: Option<Link>, model: &BTreeMap<usize, (Link, usize)>, page: usize, wanted: usize) {
        let expected = model.range(..=page).next_back().filter(|(first, _)| page - *first < 100);
        assert_eq!(lookup(store, root, page), expected.map(|(_, (link, _))| *link));
        let mut above = model.iter().filter(|(first, _)| **first + 99 >= page);
        let has = |least: usize| {
            let fit = above.clone().find(|(_, (_, free))| *free >= least);
            fit.map(|(_, (link, _))| *link)
        };
        assert_eq!(lowest(store, root, page, Want::Run(wanted)), has(wanted));
        let fit = model.values().find(|(_, free)| *free >= wanted).map(|(link, _)| *link);
        assert_eq!(lowest_with_run(store, root, wanted), fit);
        let block = 1 << wanted.ilog2();
        let fit = above
            .clone()
            .find(|(first, (_, free))| first.next_multiple_of(block) + block <= **first + *free)
            .map(|(_, (link, _))| *link);
        assert_eq!(lowest(store, root, page, Want::Block(block)), fit);
        assert_eq!(lowest(store, root, page, Want::Broken), has(1));
        assert_eq!(lowest(store, root, page, Want::Any), above.next().map(|(_, (link, _))| *link));
        assert_eq!(longest(store, root), model.values().map(|(_, free)| *free).max().unwrap_or(0));
        assert!(spans(store, root).map(|(link, _)| link).eq(model.values().map(|(link, _)| *link)));
    }

    #[test]
    fn the_tree_stays_ordered_and_balanced_and_finds_what_a_map_finds() {
        const SLOTS: usize = 300;
        let mut store = Lent::in_words(vec![0; SLOTS * 40].leak());
        let (mut root, mut model) = (None, BTreeMap::new());
        let mut state = 9_u64;
        for step in 0..4000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Ascending at first, the order that degrades a tree most.
            let slot = if step < SLOTS { step } else { (state >> 40) as usize % SLOTS };
            let (first, inside) = (slot * 1000, (state >> 10) as usize % 100);
            // A third of the spans have no free page.
            let free = ((state >> 20) as usize % 150).saturating_sub(50);
            match model.get_mut(&first) {
                Some((link, had)) if state >> 60 < 8 => {
                    only_free(&mut Span(store.words_mut(*link)), free);
                    *had = free;
                    refresh(&mut store, root, first + inside);
                }
                Some((link, _)) => {
                    root = remove(&mut store, root, first + inside);
                    store.release(*link);
                    model.remove(&first);
                }
                None => {
                    let link = claim(&mut store, PageRange::counted(first, 100).unwrap(), free);
                    root = Some(insert(&mut store, root, link));
                    model.insert(first, (link, free));
                }
            }
            let height = check(&store, root, 0, usize::MAX);
            assert!(height <= 12, "{} spans are {height} high", model.len());
            let (page, wanted) = ((state >> 30) as usize % (SLOTS * 1000), 1 + (state >> 50) as usize % 110);
            ask(&store, root, &model, page, wanted);
        }
    }
}
