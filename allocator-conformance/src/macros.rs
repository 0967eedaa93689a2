//! The macros for test files. They only name and instantiate.
#![forbid(unsafe_code)]

/// One `#[test]` for each byte case, in a module of the given name, for the given allocator type; and two by machine, with
/// more scripts and states than the cases have. How the allocator [fits](crate::Fit) blocks may be given as well: then
/// the model knows which requests must succeed.
///
/// # Examples
///
/// ```
/// # #[path = "../examples/adapter/bump.rs"] mod bump;
/// allocator_conformance::byte_suite!(bump_conformance, bump::Adapter);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! byte_suite {
    ($name:ident, $allocator:ty) => {
        $crate::byte_suite!($name, $allocator, $crate::Fit::Unknown);
    };
    ($name:ident, $allocator:ty, $fit:expr) => {
        $crate::each_byte_case! {
            [$crate::suite_tests] $name, $allocator, byte_cases, [byte_machines, with_fit($fit)];
        }
    };
}

/// One `#[test]` for each page case; see [`byte_suite!`]. A function that [sets an allocator up](crate::Bench::with_setup)
/// may be given as well.
#[macro_export]
macro_rules! page_suite {
    ($name:ident, $allocator:ty) => {
        $crate::page_suite!($name, $allocator, |_| {});
    };
    ($name:ident, $allocator:ty, $setup:expr) => {
        $crate::each_page_case! {
            [$crate::suite_tests] $name, $allocator, page_cases, [page_machines, with_setup($setup)];
        }
    };
}

/// One `#[test]` for each id case; see [`byte_suite!`].
#[macro_export]
macro_rules! id_suite {
    ($name:ident, $allocator:ty) => {
        $crate::each_id_case! {
            [$crate::suite_tests] $name, $allocator, id_cases, [id_machines, with_fit($crate::Fit::Unknown)];
        }
    };
}

/// The tests by machine of a byte allocator: more than a kernel has time for.
///
/// `CONFORMANCE_EFFORT` is a factor for how much is tried: 1 if it is not set.
#[doc(hidden)]
#[macro_export]
macro_rules! byte_machines {
    ($allocator:ty) => {
        $crate::machine_tests! { $allocator, hunt_bytes }

        #[test]
        fn every_state_of_a_small_heap_is_sound() {
            let smallest = $crate::smallest_heap_bytes(&mut bench());
            for recent in 0..=1 {
                let scope = $crate::ByteScope { recent, ..$crate::ByteScope::small(smallest, effort()) };
                match $crate::explore_bytes(&mut bench(), &scope) {
                    Ok(explored) => ::std::println!("{scope:?}: {explored}"),
                    Err(failure) => ::core::panic!("{scope:?}: {failure}"),
                }
            }
        }
    };
}

/// The tests by machine of a page allocator.
#[doc(hidden)]
#[macro_export]
macro_rules! page_machines {
    ($allocator:ty) => {
        $crate::run_machines! { $allocator, hunt_pages, explore_pages, PageScope }
    };
}

/// The tests by machine of an id allocator.
#[doc(hidden)]
#[macro_export]
macro_rules! id_machines {
    ($allocator:ty) => {
        $crate::run_machines! { $allocator, hunt_ids, explore_ids, IdScope }
    };
}

/// The tests by machine of an allocator that hands out runs.
#[doc(hidden)]
#[macro_export]
macro_rules! run_machines {
    ($allocator:ty, $hunt:ident, $explore:ident, $scope:ident) => {
        $crate::machine_tests! { $allocator, $hunt }

        #[test]
        fn every_state_of_a_small_heap_is_sound() {
            for recent in 0..=effort().min(2) as usize {
                let scope = $crate::$scope { recent, ..$crate::$scope::small(effort()) };
                match $crate::$explore(&mut bench(), &scope) {
                    Ok(explored) => ::std::println!("{scope:?}: {explored}"),
                    Err(failure) => ::core::panic!("{scope:?}: {failure}"),
                }
            }
        }
    };
}

/// Random scripts in numbers.
#[doc(hidden)]
#[macro_export]
macro_rules! machine_tests {
    ($allocator:ty, $hunt:ident) => {
        fn effort() -> u64 {
            ::std::env::var("CONFORMANCE_EFFORT").ok().and_then(|effort| effort.parse().ok()).unwrap_or(1)
        }

        #[test]
        fn random_scripts_find_nothing() {
            for steps in [40, 400] {
                let mut bench = bench();
                let scripts = effort() * 12_000 / steps;
                if let Some(found) = $crate::$hunt(&mut bench, 1000..1000 + scripts, steps as usize) {
                    ::core::panic!("a script was not answered as predicted:\n{found}");
                }
            }
        }
    };
}

/// Carries out a script on a byte allocator of the given type and panics where an answer is not the predicted one.
///
/// This is what a failing script prints itself as.
///
/// # Examples
///
/// ```ignore
/// #[test]
/// fn a_script_that_once_failed() {
///     use allocator_conformance::{ByteOp::*, Fit};
///     allocator_conformance::byte_script!(allocator_tlsf::TlsfByteAllocator, Fit::Unknown, [
///         Add { offset: 0, size: 4096 },
///         Alloc { size: 1, align_log2: 0 },
///     ]);
/// }
/// ```
#[macro_export]
macro_rules! byte_script {
    ($allocator:ty, $fit:expr, $script:expr $(,)?) => {
        $crate::script_test!($allocator, $fit, $script, run_byte_script)
    };
}

/// As [`byte_script!`], for a page allocator.
#[macro_export]
macro_rules! page_script {
    ($allocator:ty, $fit:expr, $script:expr $(,)?) => {
        $crate::script_test!($allocator, $fit, $script, run_page_script)
    };
}

/// As [`byte_script!`], for an id allocator.
#[macro_export]
macro_rules! id_script {
    ($allocator:ty, $fit:expr, $script:expr $(,)?) => {
        $crate::script_test!($allocator, $fit, $script, run_id_script)
    };
}

/// The body of a test of one script.
#[doc(hidden)]
#[macro_export]
macro_rules! script_test {
    ($allocator:ty, $fit:expr, $script:expr, $run:ident) => {{
        static SLOT: $crate::Slot<$allocator> = $crate::Slot::new();
        static ARENA: $crate::Arena = $crate::Arena::new();
        let mut bench = $crate::Bench::on(&SLOT, &ARENA).expect("a test runs once").with_fit($fit);
        if let Err(broken) = $crate::$run(&mut bench, $script) {
            ::core::panic!("{broken}");
        }
    }};
}

/// The tests of one suite.
#[doc(hidden)]
#[macro_export]
macro_rules! suite_tests {
    ($name:ident, $allocator:ty, $cases:ident, [$machines:ident, $($for_it:tt)*];
     $($module:ident::$case:ident, $point:literal, $promise:literal;)*) => {
        mod $name {
            #[allow(unused_imports, reason = "the type may be named by a full path")]
            use super::*;

            type Bench = $crate::Bench<$allocator>;

            static SLOT: $crate::Slot<$allocator> = $crate::Slot::new();
            static ARENA: $crate::Arena = $crate::Arena::new();
            // One bench for all: the cases of a suite take turns.
            static BENCH: ::std::sync::LazyLock<::std::sync::Mutex<Bench>> = ::std::sync::LazyLock::new(|| {
                let bench = Bench::on(&SLOT, &ARENA).expect("nobody else takes these two");
                ::std::sync::Mutex::new(bench.$($for_it)*)
            });

            fn bench() -> ::std::sync::MutexGuard<'static, Bench> {
                // The bench makes a fresh allocator for each case: a failed one leaves nothing behind.
                BENCH.lock().unwrap_or_else(::std::sync::PoisonError::into_inner)
            }

            fn keeps(name: &str) {
                let case = $crate::$cases::<$allocator>().iter().find(|case| case.name == name);
                let report = case.expect("tests are named for cases").run(&mut bench());
                assert!(!report.outcome.is_failure(), "{report}");
                ::std::println!("{report}");
            }

            $(#[test]
            fn $case() {
                keeps(stringify!($case));
            })*

            $crate::$machines! { $allocator }

            #[test]
            fn every_case_is_tested_and_every_gap_names_one() {
                const TESTS: &[&str] = &[$(stringify!($case)),*];
                let names: ::std::vec::Vec<&str> =
                    $crate::$cases::<$allocator>().iter().map(|case| case.name).collect();
                assert_eq!(names, TESTS);
                for gap in <$allocator as $crate::api::Declared>::DECLARATION.gaps {
                    assert!($crate::is_case(gap.case), "no case is called {}", gap.case);
                }
            }
        }
    };
}
