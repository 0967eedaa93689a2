//! The macros for test files. They only name and instantiate.
#![forbid(unsafe_code)]

/// One `#[test]` for each byte case, in a module of the given name, for the given allocator type.
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
        $crate::each_byte_case! { [$crate::suite_tests] $name, $allocator, byte_cases; }
    };
}

/// One `#[test]` for each page case; see [`byte_suite!`].
#[macro_export]
macro_rules! page_suite {
    ($name:ident, $allocator:ty) => {
        $crate::each_page_case! { [$crate::suite_tests] $name, $allocator, page_cases; }
    };
}

/// One `#[test]` for each id case; see [`byte_suite!`].
#[macro_export]
macro_rules! id_suite {
    ($name:ident, $allocator:ty) => {
        $crate::each_id_case! { [$crate::suite_tests] $name, $allocator, id_cases; }
    };
}

/// The tests of one suite.
#[doc(hidden)]
#[macro_export]
macro_rules! suite_tests {
    ($name:ident, $allocator:ty, $cases:ident;
     $($module:ident::$case:ident, $point:literal, $promise:literal;)*) => {
        mod $name {
            #[allow(unused_imports, reason = "the type may be named by a full path")]
            use super::*;

            type Bench = $crate::Bench<$allocator>;

            static SLOT: $crate::Slot<$allocator> = $crate::Slot::new();
            static ARENA: $crate::Arena = $crate::Arena::new();
            // One bench for all: the cases of a suite take turns.
            static BENCH: ::std::sync::LazyLock<::std::sync::Mutex<Bench>> = ::std::sync::LazyLock::new(|| {
                ::std::sync::Mutex::new(Bench::on(&SLOT, &ARENA).expect("nobody else takes these two"))
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
