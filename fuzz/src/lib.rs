//! What the fuzz targets share: benches with a poisoned arena, and what to do with a script that fails.
//!
//! A target's input is one byte that chooses an allocator type, and a script (see `allocator_conformance`). Whatever the
//! model or the sanitizer does not like ends the process; before that a script that the model refused is made smaller and
//! printed as a test.

mod backends;
#[path = "../../allocator/tests/conformance/slabs_level.rs"]
mod slabs_level;
#[path = "../../allocator/tests/conformance/two_levels.rs"]
pub mod two_levels;

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use allocator_conformance::{Broken, Guard, Memory, Op, Tally, api::ConstEmpty, decode, shrink};

/// Bytes that regions are cut from. Little memory makes full and fragmented heaps likely.
pub const GROUND_BYTES: usize = 1 << 20;

/// The most steps of a script.
const MOST_STEPS: usize = 1024;

/// The arena's watcher: the address sanitizer, if it is there.
pub const GUARD: Guard =
    if cfg!(feature = "poison") { Guard { close: poison, open: unpoison } } else { Guard::NONE };

#[cfg(feature = "poison")]
unsafe extern "C" {
    fn __asan_poison_memory_region(start: usize, size: usize);
    fn __asan_unpoison_memory_region(start: usize, size: usize);
}

#[cfg(feature = "poison")]
fn poison(start: usize, size: usize) {
    // SAFETY: the suite names memory that it was lent; only the sanitizer's own records change.
    unsafe { __asan_poison_memory_region(start, size) };
}

#[cfg(feature = "poison")]
fn unpoison(start: usize, size: usize) {
    // SAFETY: as above.
    unsafe { __asan_unpoison_memory_region(start, size) };
}

#[cfg(not(feature = "poison"))]
fn poison(_: usize, _: usize) {}

#[cfg(not(feature = "poison"))]
fn unpoison(_: usize, _: usize) {}

/// A bench for one allocator type, made once, used by one input after another.
pub type Bench<A> = Mutex<Option<allocator_conformance::Bench<A>>>;

/// Carries out the script that the input stands for.
///
/// # Panics
///
/// The allocator breaks a promise.
pub fn try_input<A: ConstEmpty + Send, O: Op>(
    bench: &Bench<A>,
    make: fn() -> allocator_conformance::Bench<A>,
    input: &[u8],
    run: impl Fn(&mut allocator_conformance::Bench<A>, &[O]) -> Result<Tally, Broken>,
) {
    let mut script: Vec<O> = decode(input.iter().copied()).take(MOST_STEPS).collect();
    let mut guard = bench.lock().unwrap_or_else(PoisonError::into_inner);
    let bench = guard.get_or_insert_with(make);
    let Err(broken) = run(bench, &script) else {
        count(script.len());
        return;
    };
    script.truncate(broken.step + 1);
    let mut scratch = script.clone();
    let script = shrink(&mut script, &mut scratch, |script| run(bench, script).is_err());
    let broken = run(bench, script).err().unwrap_or(broken);
    let steps: String = script.iter().map(|op| format!("        {op:?},\n")).collect();
    let (suite, name) = (O::SUITE, std::any::type_name::<A>());
    panic!("{broken}\n    allocator_conformance::{suite}_script!({name}, Fit::…, [\n{steps}    ]);");
}

/// Memory for one bench, poisoned where an allocator has no business.
pub fn memory(arena: &'static allocator_conformance::Arena) -> Memory {
    arena.take().expect("each arena is taken once").with_ground(GROUND_BYTES).guarded(GUARD)
}

static OPERATIONS: AtomicU64 = AtomicU64::new(0);

/// Counts operations, and has the sum printed when the process ends.
fn count(operations: usize) {
    if OPERATIONS.fetch_add(operations as u64, Ordering::Relaxed) == 0 && operations > 0 {
        unsafe extern "C" {
            fn atexit(last: extern "C" fn()) -> i32;
        }
        // SAFETY: the function is static and touches an atomic number alone.
        let _refused = unsafe { atexit(print_count) };
    }
}

extern "C" fn print_count() {
    eprintln!("operations: {}", OPERATIONS.load(Ordering::Relaxed));
}

/// Tries the input on the allocator type whose turn the first byte says it is.
#[macro_export]
macro_rules! choose {
    ($input:expr, $run:path; $($allocator:ty, $fit:expr;)+) => {{
        let input: &[u8] = $input;
        let tries: &[fn(&[u8])] = &[$(|input| {
            static SLOT: ::allocator_conformance::Slot<$allocator> = ::allocator_conformance::Slot::new();
            static ARENA: ::allocator_conformance::Arena = ::allocator_conformance::Arena::new();
            static BENCH: $crate::Bench<$allocator> = ::std::sync::Mutex::new(None);
            $crate::try_input(
                &BENCH,
                || {
                    ::allocator_conformance::Bench::new(&SLOT, $crate::memory(&ARENA))
                        .expect("each slot is taken once")
                        .with_fit($fit)
                },
                input,
                |bench, script| $run(bench, script.iter().copied()),
            );
        }),+];
        if let Some((first, script)) = input.split_first() {
            tries[usize::from(*first) % tries.len()](script);
        }
    }};
}
