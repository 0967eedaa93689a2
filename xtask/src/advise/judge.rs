//! Which of several backends suits a trace, and why: a rule that can be recomputed by hand.
//!
//! ```text
//!   cost = (instructions ÷ least)^a · (memory ÷ least)^b · (worst ÷ least)^c
//! ```
//!
//! The backend of the lowest cost is recommended; the one that is best in everything costs 1. Memory weighs twice as much
//! as instructions, because its ratios are smaller: a third more memory is a lot, a third more instructions is not. The
//! worst operation weighs a quarter: its ratios are large, and only what has deadlines asks for it. What the user
//! prefers weighs four times as much.

use clap::ValueEnum;

/// What matters most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Prefer {
    /// Instructions of the mean operation.
    Speed,
    /// Memory that the trace needs.
    Memory,
    /// Instructions of the worst operation.
    Worst,
}

/// What a backend did with a trace.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Candidate {
    /// Its feature.
    pub(super) name: String,
    /// Instructions of the mean operation.
    pub(super) mean: f64,
    /// Instructions of the worst operation seen.
    pub(super) worst: f64,
    /// Memory needed ÷ the most that is live.
    pub(super) needed: f64,
}

impl Candidate {
    /// Instructions, memory and worst operation, as the rule takes them; a count of 0 divides nothing.
    fn figures(&self) -> [f64; 3] {
        [self.mean.max(1.0), self.needed, self.worst.max(1.0)]
    }
}

/// The exponents of the rule.
fn weights(prefer: Option<Prefer>) -> [f64; 3] {
    let mut weights = [1.0, 2.0, 0.25];
    match prefer {
        Some(Prefer::Speed) => weights[0] *= 4.0,
        Some(Prefer::Memory) => weights[1] *= 4.0,
        Some(Prefer::Worst) => weights[2] *= 4.0,
        None => {}
    }
    weights
}

/// The candidates with their costs, the best first.
pub(super) fn ranked(candidates: &[Candidate], prefer: Option<Prefer>) -> Vec<(f64, &Candidate)> {
    let least = |n: usize| candidates.iter().map(|other| other.figures()[n]).fold(f64::INFINITY, f64::min);
    let (least, weights) = ([least(0), least(1), least(2)], weights(prefer));
    let cost = |candidate: &Candidate| {
        let parts = candidate.figures().into_iter().zip(least).zip(weights);
        parts.map(|((figure, least), weight)| (figure / least).powf(weight)).product::<f64>()
    };
    let mut ranked: Vec<_> = candidates.iter().map(|candidate| (cost(candidate), candidate)).collect();
    ranked.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    ranked
}

/// What the second best would cost instead of the best, in words.
pub(super) fn against(best: &Candidate, second: &Candidate) -> String {
    let words = [
        compared(second.mean / best.mean.max(1.0), "instructions an operation"),
        compared(second.needed / best.needed, "memory"),
        compared(second.worst / best.worst.max(1.0), "instructions in its worst operation"),
    ];
    format!("{} takes {}, {} and {}", second.name, words[0], words[1], words[2])
}

/// A ratio in words.
fn compared(ratio: f64, what: &str) -> String {
    let percent = ((ratio - 1.0) * 100.0).round();
    match ratio {
        _ if percent == 0.0 => format!("as much of {what}").replace("much of instructions", "many instructions"),
        ratio if ratio >= 2.0 => format!("{ratio:.1} times the {what}"),
        _ if percent > 0.0 => format!("{percent:.0} % more {what}"),
        _ => format!("{:.0} % less {what}", -percent).replace("less instructions", "fewer instructions"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Candidate, Prefer, against, ranked};

    fn candidate(name: &str, mean: f64, worst: f64, needed: f64) -> Candidate {
        Candidate { name: name.to_owned(), mean, worst, needed }
    }

    /// Fast and generous; slower and sparing; steady.
    fn three() -> [Candidate; 3] {
        [
            candidate("fast", 100.0, 900.0, 1.5),
            candidate("sparing", 130.0, 500.0, 1.1),
            candidate("steady", 150.0, 100.0, 1.3),
        ]
    }

    fn names(prefer: Option<Prefer>) -> Vec<String> {
        ranked(&three(), prefer).into_iter().map(|(_, candidate)| candidate.name.clone()).collect()
    }

    #[test]
    fn each_preference_brings_its_own_backend_to_the_top() {
        assert_eq!(names(Some(Prefer::Speed))[0], "fast");
        assert_eq!(names(Some(Prefer::Memory))[0], "sparing");
        assert_eq!(names(Some(Prefer::Worst))[0], "steady");
        assert_eq!(names(None), ["sparing", "steady", "fast"]);
    }

    #[test]
    fn the_cost_is_what_the_rule_says_and_the_best_in_everything_costs_one() {
        let two = [candidate("a", 100.0, 160.0, 2.0), candidate("b", 50.0, 10.0, 1.0)];
        let ranked = ranked(&two, None);
        assert_eq!((ranked[0].0, ranked[0].1.name.as_str()), (1.0, "b"));
        assert!((ranked[1].0 - 2.0 * 4.0 * 2.0).abs() < 1e-9, "{}", ranked[1].0);
    }

    #[test]
    fn the_second_best_is_compared_figure_by_figure() {
        let [fast, sparing, _] = three();
        assert_eq!(
            against(&sparing, &fast),
            "fast takes 23 % fewer instructions an operation, 36 % more memory and 80 % more instructions in its worst operation"
        );
        let slow = candidate("slow", 300.0, 500.0, 1.1);
        assert_eq!(
            against(&sparing, &slow),
            "slow takes 2.3 times the instructions an operation, as much of memory and as many instructions in its worst operation"
        );
    }
}
