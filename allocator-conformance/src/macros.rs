//! The macros for test files. They only name and instantiate.
#![forbid(unsafe_code)]

/// One `#[test]` for each byte case, in a module of the given name, for the given allocator type.
///
/// # Examples
///
/// ```ignore
/// allocator_conformance::byte_suite!(package_conformance, allocator_tlsf::package::TlsfByteAllocator);
/// ```
#[macro_export]
macro_rules! byte_suite {
    ($name:ident, $allocator:ty) => {
        $crate::each_byte_case! { [$crate::suite_tests] $name, $allocator, byte_cases; }
    };
}

/// One `#[test]` for each page case, in a module of the given name, for the given allocator type.
///
/// # Examples
///
/// ```ignore
/// allocator_conformance::page_suite!(package_4k, allocator_bitmap::package::BitmapPageAllocator<4096>);
/// ```
#[macro_export]
macro_rules! page_suite {
    ($name:ident, $allocator:ty) => {
        $crate::each_page_case! { [$crate::suite_tests] $name, $allocator, page_cases; }
    };
}

/// One `#[test]` for each id case, in a module of the given name, for the given allocator type.
///
/// # Examples
///
/// ```ignore
/// allocator_conformance::id_suite!(package_ids, allocator_bitmap::package::BitmapIdAllocator<BitAlloc4K>);
/// ```
#[macro_export]
macro_rules! id_suite {
    ($name:ident, $allocator:ty) => {
        $crate::each_id_case! { [$crate::suite_tests] $name, $allocator, id_cases; }
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
