//! The two-level allocator: pages below, bytes above, each behind a lock.
//!
//! ```text
//!            alloc, dealloc, realloc                 alloc_pages, dealloc_pages
//!                     │                                          │
//!              ┌──────▼──────┐    for the length of one    ┌─────▼───────┐
//!    lock 1 ──▶│ byte level B│────────────────────────────▶│ page level P│◀── lock 2
//!              └─────────────┘    call, as UsageKind::Heap └─────────────┘
//! ```
//!
//! # Invariants
//!
//! - Whoever holds lock 2 does not wait for lock 1. Hooks and closures that format run with neither held.
//! - The byte level is only ever called with this page level, so that what it gives back is where it came from.
//! - No page at address 0 and no last page of the address space reaches the page level.

use core::sync::atomic::AtomicUsize;

use allocator_api::ConstEmpty;
use lock_api::{Mutex, RawMutex};

use crate::{SpinLock, hooks::HookSlot, page_level::PageLevel};

mod bytes;
mod memory;
mod pages;
mod placed;
#[cfg(feature = "trace")]
mod recording;
mod report;
mod runs;

/// An allocator for a whole kernel: blocks of bytes from `B`, which takes its pages from `P`.
///
/// Made for a `static`, by [`new`](Self::new); all zero, and so in `.bss`, if `B` and `P` are when empty. It
/// may be a `#[global_allocator]`. Every method takes `&self`.
///
/// `R` is the lock: [`SpinLock`] if nothing else is said. A kernel whose interrupt handlers allocate needs one
/// that masks interrupts (see the crate's front page).
///
/// # Complexity
///
/// Each call takes one lock, and the byte level's calls take the second one for each call that `B` makes to its
/// pages. Under the lock, costs are those of `B` and `P`.
///
/// # Examples
///
/// ```
/// # #[cfg(all(any(feature = "bitmap", feature = "bitmap-package"), any(feature = "slab", feature = "slab-package", feature = "tlsf", feature = "buddy")))] {
/// use allocator::{DefaultByteLevel, DefaultPageAllocator, GlobalAllocator, UsageKind};
/// use core::alloc::Layout;
///
/// static HEAP: GlobalAllocator<DefaultByteLevel, DefaultPageAllocator> = GlobalAllocator::new();
///
/// let memory: &'static mut [u8] = Box::leak(vec![0; 4 << 20].into());
/// // SAFETY: 1. The memory is leaked and not used again. 2. Its provenance is exposed here.
/// unsafe { HEAP.init(memory.as_mut_ptr().expose_provenance(), memory.len()) }?;
///
/// let block = HEAP.alloc(Layout::new::<[u64; 100]>())?;
/// let run = HEAP.alloc_pages(4, 4096, UsageKind::PageTable)?;
/// assert_eq!(HEAP.usage().pages(UsageKind::PageTable), 4);
/// assert!(HEAP.usage().heap_used_bytes >= 800);
/// // SAFETY: 1. Both are live. 2. Nobody uses them any more.
/// unsafe {
///     HEAP.dealloc_pages(run, 4, UsageKind::PageTable)?;
///     HEAP.dealloc(block, Layout::new::<[u64; 100]>())?;
/// }
/// # }
/// # Ok::<(), allocator::AllocError>(())
/// ```
pub struct GlobalAllocator<B, P, R = SpinLock> {
    bytes: Mutex<R, B>,
    pub(crate) pages: Mutex<R, PageLevel<P>>,
    /// Address minus physical number; 0 until a memory map says otherwise.
    linear_offset: AtomicUsize,
    hooks: HookSlot,
    /// Frees answered with an error.
    invalid_frees: AtomicUsize,
}

impl<B: ConstEmpty, P: ConstEmpty, R: RawMutex> GlobalAllocator<B, P, R> {
    /// An allocator without memory. For statics: the value may be megabytes.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "the value may be too large for a stack")]
    pub const fn new() -> Self {
        Self {
            bytes: Mutex::new(B::EMPTY),
            pages: Mutex::new(PageLevel::EMPTY),
            linear_offset: AtomicUsize::new(0),
            hooks: HookSlot::empty(),
            invalid_frees: AtomicUsize::new(0),
        }
    }
}
