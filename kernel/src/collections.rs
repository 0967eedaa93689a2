//! Box, Vec, String, BTreeMap and Arc under load, with what they hold checked.
//!
//! Each part builds more than a page's worth, in an order in which blocks of different sizes are born and dropped
//! among one another, and compares every content with what arithmetic says it must be. The number of checks is
//! returned, so that a run in which nothing was checked cannot pass for one that was.

use alloc::{
    boxed::Box,
    collections::BTreeMap,
    string::String,
    sync::{Arc, Weak},
    vec::Vec,
};
use core::{
    fmt::Write,
    sync::atomic::{AtomicUsize, Ordering},
};

/// A check that did not hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Broken(pub &'static str);

/// Counts checks that hold.
#[derive(Debug, Default)]
struct Checks(usize);

impl Checks {
    fn that(&mut self, holds: bool, what: &'static str) -> Result<(), Broken> {
        self.0 += 1;
        if holds { Ok(()) } else { Err(Broken(what)) }
    }
}

/// Runs every part with `load` objects, and returns the number of checks. All memory is given back.
///
/// # Errors
///
/// - [`Broken`]: the first check that did not hold.
///
/// # Complexity
///
/// O(load · log load) operations; O(load) memory.
///
/// # Examples
///
/// ```
/// assert!(kernel::collections::run(50).unwrap() > 250);
/// ```
pub fn run(load: usize) -> Result<usize, Broken> {
    let mut checks = Checks::default();
    boxes(load, &mut checks)?;
    vectors(load, &mut checks)?;
    strings(load, &mut checks)?;
    maps(load, &mut checks)?;
    shared(load, &mut checks)?;
    Ok(checks.0)
}

/// Number `index` of a fixed sequence without a visible order.
const fn scattered(index: usize) -> usize {
    let mixed = (index as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 29) as usize
}

/// Boxes of three sizes, one with an alignment above its size's; every other one dropped early.
fn boxes(load: usize, checks: &mut Checks) -> Result<(), Broken> {
    #[repr(align(256))]
    struct Aligned(usize);

    let mut small: Vec<Option<Box<usize>>> = (0..load).map(|n| Some(Box::new(scattered(n)))).collect();
    let large: Vec<Box<[usize; 40]>> = (0..load).map(|n| Box::new([n; 40])).collect();
    small.iter_mut().step_by(2).for_each(|slot| *slot = None);
    let aligned: Vec<Box<Aligned>> = (0..load).map(|n| Box::new(Aligned(n))).collect();
    for n in 0..load {
        let expected = (n % 2 == 1).then(|| scattered(n));
        checks.that(small[n].as_deref().copied() == expected, "a small box keeps its number")?;
        checks.that(large[n].iter().all(|word| *word == n), "a large box keeps its words")?;
        let address = (&raw const *aligned[n]).addr();
        checks.that(address.is_multiple_of(256) && aligned[n].0 == n, "an aligned box is aligned")?;
    }
    Ok(())
}

/// Vectors that grow in turns, so that each growth moves one past the others.
fn vectors(load: usize, checks: &mut Checks) -> Result<(), Broken> {
    let mut vectors: [Vec<u32>; 8] = [const { Vec::new() }; 8];
    for n in 0..load {
        for (which, vector) in vectors.iter_mut().enumerate() {
            vector.extend((0..=which as u32).map(|extra| n as u32 * 16 + extra));
        }
    }
    for (which, vector) in vectors.iter_mut().enumerate() {
        checks.that(vector.len() == load * (which + 1), "a vector has the length it was grown to")?;
        let expected = (0..load).flat_map(|n| (0..=which).map(move |extra| (n * 16 + extra) as u32));
        checks.that(vector.iter().copied().eq(expected), "a vector keeps its numbers when it moves")?;
        vector.truncate(load / 2);
        vector.shrink_to_fit();
        let kept = vector
            .iter()
            .enumerate()
            .all(|(index, number)| *number == (index / (which + 1) * 16 + index % (which + 1)) as u32);
        checks.that(kept && vector.len() == load / 2, "a vector keeps its first half when it shrinks")?;
    }
    Ok(())
}

/// One string that grows a piece at a time, and one for each piece.
fn strings(load: usize, checks: &mut Checks) -> Result<(), Broken> {
    let mut whole = String::new();
    let mut pieces = Vec::new();
    for n in 0..load {
        let start = whole.len();
        checks.that(write!(whole, "{n}→").is_ok(), "a string takes a piece")?;
        pieces.push((start, String::from(&whole[start..])));
    }
    for (start, piece) in pieces.iter().rev() {
        let there = whole.get(*start..start + piece.len());
        checks.that(there == Some(piece.as_str()), "a string keeps its pieces")?;
    }
    let mut numbers = whole.split_terminator('→');
    let in_order = (0..load).all(|n| numbers.next().and_then(|text| text.parse().ok()) == Some(n));
    checks.that(in_order && numbers.next().is_none(), "a string keeps its numbers in order")
}

/// A map filled and half emptied in scattered order.
fn maps(load: usize, checks: &mut Checks) -> Result<(), Broken> {
    let mut map = BTreeMap::new();
    for n in 0..load {
        checks.that(map.insert(scattered(n), Box::new(n)).is_none(), "a map has no key twice")?;
    }
    checks.that(map.len() == load, "a map has what was inserted")?;
    checks.that(map.keys().is_sorted(), "a map is sorted")?;
    for n in (0..load).step_by(3) {
        checks.that(map.remove(&scattered(n)).as_deref() == Some(&n), "a map gives back what was inserted")?;
    }
    for n in 0..load {
        let expected = (n % 3 != 0).then_some(n);
        checks.that(map.get(&scattered(n)).map(|value| **value) == expected, "a map keeps the rest")?;
    }
    Ok(())
}

/// Shared values: counts of owners, and each dropped exactly once, by its last owner.
fn shared(load: usize, checks: &mut Checks) -> Result<(), Broken> {
    struct Counted<'a> {
        number: usize,
        drops: &'a AtomicUsize,
    }
    impl Drop for Counted<'_> {
        fn drop(&mut self) {
            self.drops.fetch_add(1, Ordering::Relaxed);
        }
    }

    let drops = AtomicUsize::new(0);
    let first: Vec<Arc<Counted<'_>>> =
        (0..load).map(|number| Arc::new(Counted { number, drops: &drops })).collect();
    let second: Vec<Arc<Counted<'_>>> = first.iter().step_by(2).map(Arc::clone).collect();
    let weak: Vec<Weak<Counted<'_>>> = first.iter().map(Arc::downgrade).collect();
    for (number, owner) in first.iter().enumerate() {
        let owners = if number % 2 == 0 { 2 } else { 1 };
        checks.that(Arc::strong_count(owner) == owners && owner.number == number, "owners are counted")?;
    }
    drop(first);
    checks.that(drops.load(Ordering::Relaxed) == load / 2, "a value goes with its last owner, not before")?;
    for (number, weak) in weak.iter().enumerate() {
        let lives = weak.upgrade().map(|value| value.number) == (number % 2 == 0).then_some(number);
        checks.that(lives, "a weak owner sees whether the value is there")?;
    }
    drop(second);
    checks.that(drops.load(Ordering::Relaxed) == load, "every value is dropped once")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_holds_and_checks_grow_with_the_load() {
        let (few, many) = (run(10).unwrap(), run(1000).unwrap());
        assert!(few > 100 && many > 9000, "{few} and {many} checks");
    }

    #[test]
    fn a_check_that_does_not_hold_is_named() {
        let mut checks = Checks::default();
        assert_eq!(checks.that(true, "holds"), Ok(()));
        assert_eq!(checks.that(false, "does not"), Err(Broken("does not")));
        assert_eq!(checks.0, 2);
    }
}
