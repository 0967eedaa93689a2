//! Memory allocation for kernels.
//!
//! One dependency, one feature a backend, one static: blocks of bytes and runs of pages for a whole kernel,
//! from the memory map that the firmware gives.
//!
//! # A first program
//!
//! A kernel puts a `DefaultGlobalAllocator` into a static and gives it memory before it allocates. Here the
//! memory is a static array, and the entry point is called by the host's C runtime; in a kernel it is called by
//! the boot code, and the map comes from the firmware.
//!
//! ```
//! # #![cfg_attr(all(any(feature = "bitmap", feature = "bitmap-package"), any(feature = "slab", feature = "slab-package", feature = "tlsf", feature = "buddy")), no_main)]
//! # #[cfg(all(any(feature = "bitmap", feature = "bitmap-package"), any(feature = "slab", feature = "slab-package", feature = "tlsf", feature = "buddy")))] mod kernel {
//! use allocator::{DefaultGlobalAllocator, MemoryRegion};
//! use std::cell::UnsafeCell;
//!
//! #[global_allocator]
//! static HEAP: DefaultGlobalAllocator = DefaultGlobalAllocator::new();
//!
//! #[repr(align(4096))]
//! struct Memory(UnsafeCell<[u8; 8 << 20]>);
//! // SAFETY: nobody uses it but the allocator, which has a lock.
//! unsafe impl Sync for Memory {}
//! static MEMORY: Memory = Memory(UnsafeCell::new([0; 8 << 20]));
//!
//! #[unsafe(no_mangle)]
//! extern "C" fn main() -> i32 {
//! #   // The host's own hook would want more memory for a backtrace than there is, and wait for itself.
//! #   std::panic::set_hook(Box::new(|panic| { eprintln!("{panic}"); std::process::abort() }));
//!     let start = MEMORY.0.get().expose_provenance();
//!     let map = [MemoryRegion::usable(start, 8 << 20), MemoryRegion::reserved(start, 1 << 20)];
//!     // SAFETY: 1. Nobody else uses `MEMORY`, and an offset of 0 makes its numbers addresses. 2. It is exposed.
//!     let report = unsafe { HEAP.init_from_map(&map, 0) };
//!     assert_eq!(report.map(|report| report.accepted_bytes), Ok(7 << 20));
//!
//!     let squares: Vec<u64> = (0..1000).map(|n| n * n).collect();
//!     assert_eq!(squares[999], 998_001);
//!     assert!(HEAP.usage().heap_used_bytes >= 8000);
//!     0
//! }
//! # }
//! # #[cfg(not(all(any(feature = "bitmap", feature = "bitmap-package"), any(feature = "slab", feature = "slab-package", feature = "tlsf", feature = "buddy"))))] fn main() {}
//! ```
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `slab` (default) | `Slabs`: size classes on the page level itself; fast, dense, and gives memory back |
//! | `slab-package` | `slab::package::SlabByteAllocator`: the published package |
//! | `tlsf` | `TlsfByteAllocator`: two-level segregated fit; bounded time, little waste |
//! | `buddy` | `BuddyByteAllocator`: powers of two; large aligned blocks |
//! | `bitmap` (default) | `BitmapPageAllocator`: one bit a page under a tree of how far free runs reach; any number of banks |
//! | `bitmap-package` | `bitmap::package::BitmapPageAllocator`: the published package; a span of 64 GiB |
//! | `trace` | `Recorded`: a level that records its calls, in the format of traces |
//!
//! Features only add. With several byte backends, `DefaultByteAllocator` is the first of `buddy`, `tlsf`, `slab-package`,
//! `slab`, and `DefaultPageAllocator` is `bitmap-package` before `bitmap`; [`BACKENDS`] says what is on. A library
//! never enables a backend; a kernel that wants certainty names the types:
//! `GlobalAllocator<Slabs, BitmapPageAllocator<4096>, MyLock>`, or with a byte allocator that needs regions
//! `GlobalAllocator<Growing<TlsfByteAllocator>, BitmapPageAllocator<4096>, MyLock>`.
//!
//! # Runs of pages
//!
//! [`page_run`](GlobalAllocator::page_run) and its like hand out [`PageRun`]s: handles that own their pages, give
//! them back when dropped, and can be cut and put together. Each run is counted as a [`UsageKind`], so that a kernel
//! can tell where its memory is. The same calls without a handle, [`alloc_pages`](GlobalAllocator::alloc_pages) and
//! [`dealloc_pages`](GlobalAllocator::dealloc_pages), deal in plain addresses.
//!
//! | for | ask for |
//! |---|---|
//! | a page table | `zeroed_page_run(1, 4096, UsageKind::PageTable)` |
//! | a huge page of 2 MiB | `page_run(512, 2 << 20, …)`: aligned to its size |
//! | a device that sees 32 address bits | [`page_run_in`](GlobalAllocator::page_run_in) with a range below 4 GiB |
//! | one that counts in 16 bits, too | and a boundary of 64 KiB that the run must not cross |
//! | exactly these pages | [`page_run_at`](GlobalAllocator::page_run_at) |
//!
//! Alignments are powers of two, in bytes, and of the *address*. [`Placement`] speaks of *physical* numbers. With a
//! linear offset that is a multiple of the alignment, as a direct map at a multiple of 1 GiB has, it is one alignment.
//!
//! ```
//! # #[cfg(all(any(feature = "bitmap", feature = "bitmap-package"), any(feature = "slab", feature = "slab-package", feature = "tlsf", feature = "buddy")))] {
//! use allocator::{AddressRange, BitmapPageAllocator, DefaultByteLevel, GlobalAllocator, Placement, UsageKind};
//! # use allocator::MemoryRegion;
//!
//! static HEAP: GlobalAllocator<DefaultByteLevel, BitmapPageAllocator<4096>> = GlobalAllocator::new();
//! # // Memory that plays the physical numbers from 4 MiB on.
//! # let layout = std::alloc::Layout::from_size_align(16 << 20, 4 << 20).unwrap();
//! # // SAFETY: the size is not 0.
//! # let start = unsafe { std::alloc::alloc(layout) }.expose_provenance();
//! # // SAFETY: 1. The block is never freed and nobody else's. 2. Exposed above.
//! # unsafe { HEAP.init_from_map(&[MemoryRegion::usable(4 << 20, 16 << 20)], start - (4 << 20)) }?;
//!
//! // A huge page for a program: 512 pages at a multiple of 2 MiB, cleared of what the last user left.
//! let huge = HEAP.zeroed_page_run(512, 2 << 20, UsageKind::UserMemory)?;
//! assert!(huge.phys().is_multiple_of(2 << 20));
//!
//! // A ring of 16 pages for a device with 32 address bits; its descriptors must not cross 64 KiB.
//! let within = AddressRange::from_bounds(0, 0xffff_ffff).expect("a range");
//! let place = Placement { within, boundary_pow2: Some(64 << 10), ..Placement::aligned(4096) };
//! let ring = HEAP.page_run_in(16, place, UsageKind::Dma)?;
//! assert!(place.admits(ring.phys(), ring.size_bytes()));
//!
//! assert_eq!(HEAP.usage().pages(UsageKind::UserMemory), 512);
//! drop((huge, ring));
//! assert_eq!(HEAP.usage().pages(UsageKind::Dma), 0);
//! # }
//! # Ok::<(), allocator::AllocError>(())
//! ```
//!
//! A page does not remember its kind; a handle does. Without handles, pages that come back as another kind than they
//! were taken for are refused only when fewer pages than that are out as it.
//!
//! # A lock that masks interrupts
//!
//! [`SpinLock`] leaves interrupts alone. If an interrupt handler allocates while the code it interrupted holds
//! the lock, it waits for ever. A kernel with such handlers brings a lock of its own that masks interrupts
//! while it is held:
//!
//! ```
//! use allocator::{SpinLock, lock_api::{GuardNoSend, RawMutex}};
//! use std::sync::atomic::{AtomicBool, Ordering};
//! # mod cpu {
//! #     use std::sync::atomic::{AtomicBool, Ordering};
//! #     static ENABLED: AtomicBool = AtomicBool::new(true);
//! #     pub fn disable_interrupts() -> bool { ENABLED.swap(false, Ordering::SeqCst) }
//! #     pub fn enable_interrupts() { ENABLED.store(true, Ordering::SeqCst); }
//! #     pub fn interrupts_are_enabled() -> bool { ENABLED.load(Ordering::SeqCst) }
//! # }
//!
//! struct IrqSpinLock {
//!     spin: SpinLock,
//!     // Whether interrupts were enabled when the lock was taken. Only its holder writes it.
//!     were_enabled: AtomicBool,
//! }
//!
//! // SAFETY: `spin` is held from `lock` or a successful `try_lock` to `unlock`, and it is exclusive.
//! unsafe impl RawMutex for IrqSpinLock {
//!     const INIT: Self = Self { spin: SpinLock::new(()), were_enabled: AtomicBool::new(false) };
//!     // The flag belongs to this CPU: the guard must not go to another.
//!     type GuardMarker = GuardNoSend;
//!
//!     fn lock(&self) {
//!         while !self.try_lock() {
//!             std::hint::spin_loop();
//!         }
//!     }
//!
//!     fn try_lock(&self) -> bool {
//!         // Masked first: an interrupt between the two steps would find the lock taken.
//!         let were_enabled = cpu::disable_interrupts();
//!         let taken = RawMutex::try_lock(&self.spin);
//!         if taken {
//!             self.were_enabled.store(were_enabled, Ordering::Relaxed);
//!         } else if were_enabled {
//!             cpu::enable_interrupts();
//!         }
//!         taken
//!     }
//!
//!     unsafe fn unlock(&self) {
//!         let were_enabled = self.were_enabled.load(Ordering::Relaxed);
//!         // SAFETY: the caller holds the lock, and with it `spin`.
//!         unsafe { RawMutex::unlock(&self.spin) };
//!         if were_enabled {
//!             cpu::enable_interrupts();
//!         }
//!     }
//! }
//! # #[cfg(all(any(feature = "bitmap", feature = "bitmap-package"), any(feature = "slab", feature = "slab-package", feature = "tlsf", feature = "buddy")))] {
//! use allocator::{DefaultByteLevel, DefaultPageAllocator, GlobalAllocator};
//! static HEAP: GlobalAllocator<DefaultByteLevel, DefaultPageAllocator, IrqSpinLock> = GlobalAllocator::new();
//!
//! assert!(!HEAP.with_pages(|_| cpu::interrupts_are_enabled()));
//! assert!(cpu::interrupts_are_enabled());
//! # }
//! ```
//!
//! The allocator holds the locks of both its levels at once, bytes first. Each lock restores the flag as it
//! found it, so the inner one leaves interrupts masked and the outer one enables them again.
//!
//! # One allocation from top to bottom
//!
//! ```text
//!   Box::new(value)
//!     GlobalAlloc::alloc                   zero-size layouts never come here
//!       GlobalAllocator::alloc
//!         lock bytes
//!           Slabs::alloc_from              the class has a free object: done
//!             LockedPages::alloc_pages     else: lock pages, take a run as UsageKind::Heap, unlock
//!                                          it becomes a slab, or the block itself
//!           Growing::alloc_from            (any other backend) it has room: done
//!             region_for(layout)           else: how large a region would do?
//!             LockedPages::alloc_pages     lock pages, take a run as UsageKind::Heap, unlock
//!             add_memory(run)              the backend takes it
//!             alloc(layout)                and now it has room
//!         unlock
//!         refused? out_of_memory hook      may free memory; `true` means: once more from the lock on
//!       null if it stays refused           Rust's handle_alloc_error, never a panic in here
//! ```
//!
//! The way back is shorter: lock bytes, check and free the block, unlock; a block that is not live here is
//! counted and reported to the `invalid_free` hook, with no lock held. What is checked depends on the backend:
//! [`GlobalAllocator::detects`].
//!
//! # One run of pages
//!
//! ```text
//!   GlobalAllocator::alloc_pages
//!     lock pages, alloc_pages, unlock      there is a run: done
//!     lock bytes, PagedByteAllocator::trim, unlock
//!                                          slabs give back what no block lives in
//!     lock pages, alloc_pages, unlock      if that was anything
//!     refused? out_of_memory hook          may free memory; `true` means: once more from the top
//! ```
//!
//! So what was memory for blocks a moment ago is memory for pages, without a hook of the kernel's.
#![no_std]
#![forbid(unsafe_op_in_unsafe_fn)]

mod features;
mod global;
mod global_alloc;
mod growing;
mod hooks;
mod locked_pages;
mod memory_map;
mod page_level;
mod page_run;
#[cfg(feature = "trace")]
mod recorded;
mod usage;

pub use allocator_api as api;
pub use allocator_api::{
    AddressRange, AllocError, AllocResult, BaseAllocator, ByteAllocator, ConstEmpty, ConstrainedPageAllocator,
    Declaration, Declared, Gap, IdAllocator, InvalidFrees, LargestFreeRun, PageAllocator, PagedByteAllocator,
    Placement, address,
};
#[cfg(any(feature = "bitmap", feature = "bitmap-package"))]
pub use allocator_bitmap::{self as bitmap, BitmapPageAllocator};
#[cfg(feature = "buddy")]
pub use allocator_buddy::{self as buddy, BuddyByteAllocator};
#[cfg(any(feature = "slab", feature = "slab-package"))]
pub use allocator_slab::{self as slab, SlabByteAllocator, Slabs};
#[cfg(feature = "tlsf")]
pub use allocator_tlsf::{self as tlsf, TlsfByteAllocator};
#[cfg(feature = "trace")]
pub use allocator_trace as trace;
pub use features::*;
pub use global::GlobalAllocator;
pub use growing::Growing;
pub use hooks::{Freed, Hooks, InvalidFree};
pub use lock_api;
pub use memory_map::{MapReport, MemoryRegion, RegionKind};
pub use page_run::{PageRun, RawPageRun};
#[cfg(feature = "trace")]
pub use recorded::{Recorded, Stamp};
pub use usage::{Usage, UsageKind};

/// The first program of the project's README, compiled.
#[cfg(all(
    doctest,
    any(feature = "bitmap", feature = "bitmap-package"),
    any(feature = "slab", feature = "slab-package", feature = "tlsf", feature = "buddy")
))]
#[doc = include_str!("../../README.md")]
struct Readme;
