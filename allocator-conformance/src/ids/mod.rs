//! The cases for id allocators.
#![forbid(unsafe_code)]

mod numbers;
mod subject;

use allocator_api::{ConstEmpty, Declared, IdAllocator};

use self::subject::Subject;
use crate::{Bench, Case, Report, Summary, case::run_all};

/// Calls a macro with every id case: its module, its name, its point of the contract, its promise.
#[doc(hidden)]
#[macro_export]
macro_rules! each_id_case {
    ([$($then:tt)*] $($head:tt)*) => {
        $($then)*! { $($head)*
            numbers::requests_before_any_ids_are_refused, 1,
                "Before any ids every request and every free is refused, and the counts are 0.";
            numbers::every_alignment_of_an_id_is_honoured, 7,
                "The first id of a run is a multiple of the alignment, for every power of two.";
        }
    };
}

struct Registry<A>(core::marker::PhantomData<A>);

macro_rules! registry {
    ($($module:ident::$name:ident, $point:literal, $promise:literal;)*) => {
        /// The names of all id cases.
        pub(crate) const NAMES: &[&str] = &[$(stringify!($name)),*];

        impl<A: IdAllocator + ConstEmpty + Declared + 'static> Registry<A> {
            const CASES: &'static [Case<A>] = &[$(Case {
                suite: "ids",
                name: stringify!($name),
                promise: $promise,
                point: $point,
                run: |bench| $module::$name(&mut Subject::on(bench)),
            }),*];
        }
    };
}

each_id_case! { [registry] }

/// All cases for id allocators, in the order of the contract's points.
#[must_use]
pub const fn id_cases<A: IdAllocator + ConstEmpty + Declared + 'static>() -> &'static [Case<A>] {
    Registry::<A>::CASES
}

/// Runs all cases for id allocators; hands each report to `on_report` as it comes.
pub fn run_ids<A: IdAllocator + ConstEmpty + Declared + 'static>(
    bench: &mut Bench<A>,
    on_report: &mut dyn FnMut(&Report),
) -> Summary {
    run_all(id_cases(), bench, on_report)
}
