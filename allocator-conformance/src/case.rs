//! Cases and the loop that runs them.
#![forbid(unsafe_code)]

use allocator_api::{Declared, Gap};

use crate::{
    Bench, Report, Summary,
    report::Outcome,
    verdict::{Failure, Step, Value},
};

/// One promise of the contract, and the function that tries it on an allocator of type `A`.
pub struct Case<A: 'static> {
    /// `bytes`, `pages` or `ids`.
    pub suite: &'static str,
    /// The name; tests and [`Gap`]s refer to it.
    pub name: &'static str,
    /// What the case tries, in one sentence.
    pub promise: &'static str,
    /// The point of the [contract](crate::contract) that it belongs to.
    pub point: u8,
    pub(crate) run: fn(&mut Bench<A>) -> Step,
}

impl<A: Declared> Case<A> {
    /// Runs the case on a fresh allocator.
    ///
    /// A case for which the allocator declares a gap is run as well; it must fail.
    #[must_use]
    pub fn run(&self, bench: &mut Bench<A>) -> Report {
        let outcome = Outcome::of((self.run)(bench), A::DECLARATION.gap(self.name));
        Report { suite: self.suite, name: self.name, promise: self.promise, point: self.point, outcome }
    }
}

impl<A> Clone for Case<A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for Case<A> {}

impl<A> core::fmt::Debug for Case<A> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}/{} (point {}): {}", self.suite, self.name, self.point, self.promise)
    }
}

/// The names and the list of a suite's cases: `NAMES`, and `Registry::<A>::CASES` for allocators with a trait.
macro_rules! registry {
    ($suite:literal, $kind:ident;
     $($module:ident::$name:ident, $point:literal, $promise:literal;)*) => {
        /// The names of all cases of the suite.
        pub(crate) const NAMES: &[&str] = &[$(stringify!($name)),*];

        struct Registry<A>(core::marker::PhantomData<A>);

        impl<A: $kind + ConstEmpty + Declared + 'static> Registry<A> {
            const CASES: &'static [Case<A>] = &[$(Case {
                suite: $suite,
                name: stringify!($name),
                promise: $promise,
                point: $point,
                run: |bench| $module::$name(&mut Subject::on(bench)),
            }),*];
        }
    };
}
pub(crate) use registry;

/// Runs the cases one after another and hands each report to `on_report`.
///
/// A gap that is declared for a case that no suite has is reported as a failure: it is a misspelt name.
pub(crate) fn run_all<A: Declared>(
    cases: &[Case<A>],
    bench: &mut Bench<A>,
    on_report: &mut dyn FnMut(&Report),
) -> Summary {
    let mut summary = Summary::default();
    let mut tell = |report: &Report| {
        summary.count(&report.outcome);
        on_report(report);
    };
    for gap in A::DECLARATION.gaps {
        if !crate::is_case(gap.case) {
            tell(&unknown_case(gap));
        }
    }
    for case in cases {
        tell(&case.run(bench));
    }
    summary
}

fn unknown_case(gap: &Gap) -> Report {
    let failure = Failure::new("declared gap", Value::Text("the name of a case"), Value::Text("no such case"));
    Report {
        suite: "declared",
        name: gap.case,
        promise: "A declared gap names a case.",
        point: 0,
        outcome: Outcome::Failed(failure),
    }
}
