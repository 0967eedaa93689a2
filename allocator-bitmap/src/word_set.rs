//! A set of small numbers as a tree of words, 64 children each: what is its lowest member from here on?
//!
//! ```text
//!   top        [ 1 0 1 ]                     one word: which words below are not 0
//!                │   └──────────┐
//!   members    [ 0 1 1 0 … ] [ 0 … ] [ 0 0 1 … ]
//! ```
//!
//! The members come first, each level above after the level below, in one slice of [`set_words`] words. A set of
//! numbers below `count` has `⌈log64 count⌉` levels, which bounds the cost of each operation.
#![forbid(unsafe_code)]

/// Words that a set of numbers below `count` takes.
pub(crate) const fn set_words(count: usize) -> usize {
    let mut level = count.div_ceil(64);
    let mut words = level;
    while level > 1 {
        level = level.div_ceil(64);
        words += level;
    }
    words
}

/// The lowest member that is not below `from`, of a set of numbers below `count`.
pub(crate) fn next_member(set: &[u64], count: usize, from: usize) -> Option<usize> {
    let words = count.div_ceil(64);
    let at = from / 64;
    if at >= words {
        return None;
    }
    let here = set[at] & (u64::MAX << (from % 64));
    if here != 0 {
        return Some(at * 64 + here.trailing_zeros() as usize);
    }
    if words == 1 {
        return None;
    }
    let next = next_member(&set[words..], words, at + 1)?;
    Some(next * 64 + set[next].trailing_zeros() as usize)
}

/// The highest member that is not above `to`, which is below `count`.
pub(crate) fn last_member(set: &[u64], count: usize, to: usize) -> Option<usize> {
    debug_assert!(to < count);
    let (words, at) = (count.div_ceil(64), to / 64);
    let here = set[at] & (u64::MAX >> (63 - to % 64));
    if here != 0 {
        return Some(at * 64 + here.ilog2() as usize);
    }
    if at == 0 {
        return None;
    }
    let before = last_member(&set[words..], words, at - 1)?;
    Some(before * 64 + set[before].ilog2() as usize)
}

/// Puts `member` in.
pub(crate) fn insert(set: &mut [u64], count: usize, member: usize) {
    debug_assert!(member < count);
    let words = count.div_ceil(64);
    let was_empty = set[member / 64] == 0;
    set[member / 64] |= 1 << (member % 64);
    if was_empty && words > 1 {
        insert(&mut set[words..], words, member / 64);
    }
}

/// Takes `member` out.
pub(crate) fn remove(set: &mut [u64], count: usize, member: usize) {
    debug_assert!(member < count);
    let words = count.div_ceil(64);
    set[member / 64] &= !(1 << (member % 64));
    if set[member / 64] == 0 && words > 1 {
        remove(&mut set[words..], words, member / 64);
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{collections::BTreeSet, vec};

    use super::*;

    #[test]
    fn a_set_agrees_with_a_sorted_set_at_every_depth() {
        for count in [1, 63, 64, 65, 4096, 4097, 300_000] {
            let mut set = vec![0; set_words(count)];
            let mut model = BTreeSet::new();
            let mut state = count as u64;
            for step in 0..4000 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let number = (state >> 33) as usize % count;
                if state >> 20 & 3 == 0 {
                    insert(&mut set, count, number);
                    model.insert(number);
                } else if state >> 23 & 1 == 0 {
                    let last = model.range(..=number).next_back().copied();
                    assert_eq!(last_member(&set, count, number), last, "step {step} of {count}");
                } else if let Some(&member) = model.range(number..).next() {
                    assert_eq!(next_member(&set, count, number), Some(member), "step {step} of {count}");
                    if state >> 22 & 3 == 0 {
                        remove(&mut set, count, member);
                        model.remove(&member);
                    }
                } else {
                    assert_eq!(next_member(&set, count, number), None, "step {step} of {count}");
                }
            }
            for member in model {
                remove(&mut set, count, member);
            }
            assert!(set.iter().all(|word| *word == 0), "{count}: something stays above an empty word");
        }
    }

    #[test]
    fn the_search_ends_at_the_last_word() {
        let set = [1_u64 << 63];
        assert_eq!(next_member(&set, 64, 63), Some(63));
        assert_eq!(next_member(&set, 64, 64), None);
        assert_eq!(next_member(&set, 64, usize::MAX), None);
    }
}
