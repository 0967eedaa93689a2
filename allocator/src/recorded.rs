//! A level that records its calls: a layer over any byte level, page allocator or byte allocator.
//!
//! ```text
//!   GlobalAllocator<Recorded<DefaultByteLevel>, Recorded<DefaultPageAllocator>>
//!      │ alloc, dealloc, realloc                         │ alloc_pages, dealloc_pages
//!      ▼                                                 ▼
//!   Recorded ── the call succeeded ──▶ Event ──▶ memory that the kernel lent, until it is full
//! ```
//!
//! A level is called with its lock held, so that events stand in the order in which things happened, and recording
//! needs no atomic operation. A call that fails is not recorded: it changed nothing. What the byte level takes from
//! the page level stands in the recording of the page level too, as in recordings of other kernels.
//! A zeroed block of a `GlobalAllocator` is recorded as any other, because it is cleared above the level.
//!
//! When the memory is full, recording stops, and what comes later is counted
//! ([`Recording`](allocator_trace::Recording) says why).
//!
//! # Costs
//!
//! Without memory to record to, a test. While it records: a test of the bounds, four stores of eight bytes, a count, and
//! what the [`Stamp`] costs; `bench/README.md` has the count of instructions.

mod bytes;
mod pages;

use core::{alloc::Layout, fmt, marker::PhantomData, ptr::NonNull};

use allocator_api::{ConstEmpty, Declaration, Declared};
use allocator_trace::{Event, Moment, Recording};

/// What is written on each event besides the call: the processor and the time.
///
/// `()` says 0 to both. Every method is called with the level's lock held: it allocates nothing.
///
/// # Complexity
///
/// It is paid for each event.
///
/// # Examples
///
/// ```
/// use allocator::Stamp;
///
/// struct Machine;
/// impl Stamp for Machine {
///     fn cpu() -> u8 {
///         2 // the number that this processor has in a register or in memory of its own
///     }
///     fn ticks() -> u64 {
///         40_000 // its time stamp counter
///     }
/// }
/// assert_eq!((Machine::cpu(), <() as Stamp>::ticks()), (2, 0));
/// ```
pub trait Stamp {
    /// The processor that this runs on.
    #[inline(always)]
    #[must_use]
    fn cpu() -> u8 {
        0
    }

    /// A clock that never goes back.
    #[inline(always)]
    #[must_use]
    fn ticks() -> u64 {
        0
    }
}

impl Stamp for () {}

fn moment<S: Stamp>() -> Moment {
    Moment { cpu: S::cpu(), ticks: S::ticks() }
}

/// A level `A` whose calls can be recorded, stamped by `S`.
///
/// All zero if `A::EMPTY` is. It records nothing before it is given memory by
/// [`record_blocks`](crate::GlobalAllocator::record_blocks), [`record_pages`](crate::GlobalAllocator::record_pages) or
/// [`recording_mut`](Self::recording_mut).
///
/// # Complexity
///
/// As `A`, and O(1) for each call.
///
/// # Examples
///
/// ```
/// # #[cfg(all(any(feature = "bitmap", feature = "bitmap-package"), any(feature = "slab", feature = "slab-package", feature = "tlsf", feature = "buddy")))] {
/// use allocator::{DefaultByteLevel, DefaultPageAllocator, GlobalAllocator, Recorded, trace::Event};
/// use core::alloc::Layout;
///
/// static HEAP: GlobalAllocator<Recorded<DefaultByteLevel>, DefaultPageAllocator> = GlobalAllocator::new();
/// # let memory: &'static mut [u8] = Box::leak(vec![0; 4 << 20].into());
/// # // SAFETY: 1. The memory is leaked and not used again. 2. Its provenance is exposed here.
/// # unsafe { HEAP.init(memory.as_mut_ptr().expose_provenance(), memory.len()) }?;
///
/// // A kernel has a static array, or takes pages for it.
/// HEAP.record_blocks(Box::leak(Box::new([Event::BLANK; 1000])));
/// let block = HEAP.alloc(Layout::new::<u64>())?;
/// # // SAFETY: 1. It is live. 2. It is forgotten.
/// unsafe { HEAP.dealloc(block, Layout::new::<u64>()) }?;
/// let recorded = HEAP.stop_recording_blocks().expect("it was started");
/// assert_eq!((recorded.events().len(), recorded.lost()), (2, 0));
/// # }
/// # Ok::<(), allocator::AllocError>(())
/// ```
///
/// With the feature `alloc` of `allocator-trace`, its `records` makes a trace of the events, which `cargo xtask replay`
/// plays on every backend.
pub struct Recorded<A, S = ()> {
    level: A,
    recording: Recording,
    stamp: PhantomData<fn() -> S>,
}

impl<A: ConstEmpty, S> ConstEmpty for Recorded<A, S> {
    const EMPTY: Self = Self { level: A::EMPTY, recording: Recording::EMPTY, stamp: PhantomData };
}

impl<A: Declared, S> Declared for Recorded<A, S> {
    const DECLARATION: Declaration = A::DECLARATION;
}

impl<A, S> Recorded<A, S> {
    /// The level that is recorded, for what only its type can tell.
    #[must_use]
    pub const fn level(&self) -> &A {
        &self.level
    }

    /// The recording, to be started and stopped.
    #[must_use]
    pub const fn recording_mut(&mut self) -> &mut Recording {
        &mut self.recording
    }
}

impl<A, S: Stamp> Recorded<A, S> {
    /// Records that `layout` was answered with `block`.
    #[inline(always)]
    fn born(&mut self, block: NonNull<u8>, layout: Layout) {
        let event = |now| Event::alloc(now, block.addr().get(), layout.size(), layout.align());
        self.recording.record(event, moment::<S>);
    }

    #[inline(always)]
    fn freed(&mut self, address: usize, size: usize) {
        self.recording.record(|now| Event::free(now, address, size), moment::<S>);
    }

    #[inline(always)]
    fn resized(&mut self, from: NonNull<u8>, to: NonNull<u8>, size: usize) {
        let event = |now| Event::realloc(now, from.addr().get(), to.addr().get(), size);
        self.recording.record(event, moment::<S>);
    }
}

impl<A: fmt::Debug, S> fmt::Debug for Recorded<A, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorded").field("level", &self.level).field("recording", &self.recording).finish()
    }
}
