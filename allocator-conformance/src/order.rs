//! The orders in which what was handed out is given back.
#![forbid(unsafe_code)]

use crate::random::Random;

/// An order of giving back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    /// The oldest first.
    Fifo,
    /// The newest first.
    Lifo,
    /// Any.
    Random,
    /// Every second one, then the rest: no two neighbours are free before half are.
    EvenOdd,
}

impl Order {
    /// Every order.
    pub(crate) const ALL: [Self; 4] = [Self::Fifo, Self::Lifo, Self::Random, Self::EvenOdd];

    /// The index of the next thing to give back: of `all` things `len` are left, and they close ranks when one
    /// leaves. `None` when there is none.
    pub(crate) fn next(self, all: usize, len: usize, random: &mut Random) -> Option<usize> {
        let last = len.checked_sub(1)?;
        Some(match self {
            Self::Fifo => 0,
            Self::Lifo => last,
            Self::Random => random.below(len),
            // With k of n gone, the things left of the k-th place are the odd ones that stay.
            Self::EvenOdd => (all - len).min(last),
        })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    fn given_back(order: Order, count: usize) -> Vec<usize> {
        let (mut things, mut random) = ((0..count).collect::<Vec<_>>(), Random::new(9));
        let mut out = Vec::new();
        while let Some(index) = order.next(count, things.len(), &mut random) {
            out.push(things.remove(index));
        }
        out
    }

    #[test]
    fn every_order_is_what_its_name_says() {
        assert_eq!(given_back(Order::Fifo, 5), [0, 1, 2, 3, 4]);
        assert_eq!(given_back(Order::Lifo, 5), [4, 3, 2, 1, 0]);
        assert_eq!(given_back(Order::EvenOdd, 5)[..3], [0, 2, 4]);
        assert_eq!(given_back(Order::EvenOdd, 6)[..3], [0, 2, 4]);
    }

    #[test]
    fn every_order_gives_everything_back_once() {
        for order in Order::ALL {
            let mut all = given_back(order, 50);
            all.sort_unstable();
            assert_eq!(all, (0..50).collect::<Vec<_>>(), "{order:?}");
        }
    }
}
