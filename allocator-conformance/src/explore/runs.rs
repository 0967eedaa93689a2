//! Operations on a few neighbours, pages or ids: every run among them is asked for, by length and by place, and given back.
#![forbid(unsafe_code)]

use allocator_api::AllocResult;

use super::Effect;
use crate::{script::as_predicted, verdict::Step};

/// Alignments that are tried, in neighbours.
const ALIGNS: [usize; 3] = [1, 2, 4];

/// One thing to try. Neighbours are numbered from 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RunOp {
    /// Ask for a run anywhere.
    Alloc { count: usize, align: usize },
    /// Ask for a run at its place.
    AllocAt { first: usize, count: usize },
    /// Give a run back, whether it is live or not.
    Dealloc { first: usize, count: usize },
}

/// Every operation on `count` neighbours; runs longer than `most_fixed` are not asked for by their place.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunOps {
    pub(super) count: usize,
    pub(super) most_fixed: usize,
}

impl RunOps {
    /// How many there are.
    pub(super) fn len(self) -> usize {
        self.count * ALIGNS.len() + self.runs(self.most_fixed) + self.runs(self.count)
    }

    /// The operation of this number.
    pub(super) fn get(self, number: usize) -> RunOp {
        let lengths = self.count * ALIGNS.len();
        let fixed = self.runs(self.most_fixed);
        match number.checked_sub(lengths) {
            None => RunOp::Alloc { count: 1 + number / ALIGNS.len(), align: ALIGNS[number % ALIGNS.len()] },
            Some(number) if number < fixed => {
                let (first, count) = self.run(number);
                RunOp::AllocAt { first, count }
            }
            Some(number) => {
                let (first, count) = self.run(number - fixed);
                RunOp::Dealloc { first, count }
            }
        }
    }

    /// Runs of at most `longest` neighbours.
    fn runs(self, longest: usize) -> usize {
        (1..=longest).map(|length| self.count + 1 - length).sum()
    }

    /// The run of this number, short ones first: its first neighbour, and its length.
    fn run(self, number: usize) -> (usize, usize) {
        let (mut length, mut rest) = (1, number);
        while rest > self.count - length {
            rest -= self.count + 1 - length;
            length += 1;
        }
        (rest, length)
    }
}

/// What a request did, if it was answered as the model says.
pub(super) fn judge(must: bool, answer: AllocResult, count: usize) -> Step<Effect> {
    as_predicted(must, answer, count)?;
    Ok(if answer.is_ok() { Effect::Changed } else { Effect::Refused })
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_run_is_tried_once_in_each_way() {
        for (count, most_fixed) in [(1, 1), (4, 1), (5, 5)] {
            let ops = RunOps { count, most_fixed };
            let all: BTreeSet<_> = (0..ops.len()).map(|number| std::format!("{:?}", ops.get(number))).collect();
            assert_eq!(all.len(), ops.len());
            let inside = |first: usize, length: usize| length >= 1 && first + length <= count;
            assert!((0..ops.len()).all(|number| match ops.get(number) {
                RunOp::Alloc { count: length, .. } => inside(0, length),
                RunOp::AllocAt { first, count: length } => inside(first, length) && length <= most_fixed,
                RunOp::Dealloc { first, count: length } => inside(first, length),
            }));
        }
        assert_eq!(RunOps { count: 4, most_fixed: 1 }.len(), 12 + 4 + 10);
    }
}
