//! The cases for page allocators.

mod before_memory;
mod placement;
mod subject;

use allocator_api::{ConstEmpty, Declared, PageAllocator};

use self::subject::Subject;
use crate::{Bench, Case, Report, Summary, case::run_all};

/// Calls a macro with every page case: its module, its name, its point of the contract, its promise.
#[doc(hidden)]
#[macro_export]
macro_rules! each_page_case {
    ([$($then:tt)*] $($head:tt)*) => {
        $($then)*! { $($head)*
            before_memory::requests_before_any_memory_are_refused, 1,
                "Before any memory every request is refused, and the statistics are 0.";
            placement::every_alignment_is_honoured, 7,
                "Runs of all lengths stand on multiples of their alignment, which is one of the address.";
        }
    };
}

struct Registry<A>(core::marker::PhantomData<A>);

macro_rules! registry {
    ($($module:ident::$name:ident, $point:literal, $promise:literal;)*) => {
        /// The names of all page cases.
        pub(crate) const NAMES: &[&str] = &[$(stringify!($name)),*];

        impl<A: PageAllocator + ConstEmpty + Declared + 'static> Registry<A> {
            const CASES: &'static [Case<A>] = &[$(Case {
                suite: "pages",
                name: stringify!($name),
                promise: $promise,
                point: $point,
                run: |bench| $module::$name(&mut Subject::on(bench)),
            }),*];
        }
    };
}

each_page_case! { [registry] }

/// All cases for page allocators, in the order of the contract's points.
#[must_use]
pub const fn page_cases<A: PageAllocator + ConstEmpty + Declared + 'static>() -> &'static [Case<A>] {
    Registry::<A>::CASES
}

/// Runs all cases for page allocators; hands each report to `on_report` as it comes.
pub fn run_pages<A: PageAllocator + ConstEmpty + Declared + 'static>(
    bench: &mut Bench<A>,
    on_report: &mut dyn FnMut(&Report),
) -> Summary {
    run_all(page_cases(), bench, on_report)
}
