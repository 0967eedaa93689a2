//! The cases for byte allocators.

mod before_memory;
mod placement;
mod subject;

use allocator_api::{ByteAllocator, ConstEmpty, Declared};

use self::subject::Subject;
use crate::{Bench, Case, Report, Summary, case::run_all};

/// Calls a macro with every byte case: its module, its name, its point of the contract, its promise.
#[doc(hidden)]
#[macro_export]
macro_rules! each_byte_case {
    ([$($then:tt)*] $($head:tt)*) => {
        $($then)*! { $($head)*
            before_memory::requests_before_any_memory_are_refused, 1,
                "Before any memory every request is refused, and the statistics are 0.";
            before_memory::frees_before_any_memory_are_refused, 1,
                "Before any memory every free is answered NotAllocated.";
            placement::every_alignment_is_honoured, 7,
                "Blocks of all sizes stand on multiples of their alignment, for every power of two up to 1 MiB.";
            placement::every_byte_of_a_block_is_usable, 8,
                "Blocks of every size can be written to the last byte without a change to any other.";
        }
    };
}

struct Registry<A>(core::marker::PhantomData<A>);

macro_rules! registry {
    ($($module:ident::$name:ident, $point:literal, $promise:literal;)*) => {
        /// The names of all byte cases.
        pub(crate) const NAMES: &[&str] = &[$(stringify!($name)),*];

        impl<A: ByteAllocator + ConstEmpty + 'static> Registry<A> {
            const CASES: &'static [Case<A>] = &[$(Case {
                suite: "bytes",
                name: stringify!($name),
                promise: $promise,
                point: $point,
                run: |bench| $module::$name(&mut Subject::on(bench)),
            }),*];
        }
    };
}

each_byte_case! { [registry] }

/// All cases for byte allocators, in the order of the contract's points.
#[must_use]
pub const fn byte_cases<A: ByteAllocator + ConstEmpty + 'static>() -> &'static [Case<A>] {
    Registry::<A>::CASES
}

/// Runs all cases for byte allocators; hands each report to `on_report` as it comes.
pub fn run_bytes<A: ByteAllocator + ConstEmpty + Declared + 'static>(
    bench: &mut Bench<A>,
    on_report: &mut dyn FnMut(&Report),
) -> Summary {
    run_all(byte_cases(), bench, on_report)
}
