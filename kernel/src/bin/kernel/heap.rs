//! The kernel's heap: the global allocator, on the backends that the features choose.
//!
//! ```text
//!   memory map of the firmware, less:  low 1 MiB, the program, the boot record
//!          │ init_from_map
//!   page level (PageLevel) ─► byte level (DefaultByteLevel) ─► Box, Vec, …
//! ```
//!
//! Linear addresses are physical ones: the linear offset is 0.

mod block;
mod page_level;
pub(crate) mod suite;

pub(crate) use block::{Block, TimedHeap};
pub(crate) use page_level::PageLevel;

use core::{
    alloc::Layout,
    ptr::NonNull,
    sync::atomic::{AtomicUsize, Ordering},
};

use allocator::{
    AllocResult, Hooks, InvalidFree, InvalidFrees, MapReport, MemoryRegion, PageAllocator, UsageKind,
};
use kernel::{
    memory_map::{EntryKind, MAX_ENTRIES},
    recovery::Holdings,
};

#[cfg(feature = "record")]
use crate::recorder::Machine;
use crate::{
    arch::{boot_record::BootRecord, image::Image},
    console,
};

#[cfg(not(feature = "record"))]
type Heap = allocator::GlobalAllocator<allocator::DefaultByteLevel, PageLevel>;
/// Both levels are recorded.
#[cfg(feature = "record")]
type Heap = allocator::GlobalAllocator<
    allocator::Recorded<allocator::DefaultByteLevel, Machine>,
    allocator::Recorded<PageLevel, Machine>,
>;

/// The kernel's heap.
#[global_allocator]
pub(crate) static HEAP: Heap = Heap::new();

static HOOKS: Hooks = Hooks { out_of_memory: note_refusal, invalid_free: report_invalid_free };

/// The size of the request refused last; 0 if none was.
static REFUSED_BYTES: AtomicUsize = AtomicUsize::new(0);

/// Below it are the firmware's tables, the boot record, and memory that only old devices use.
const LOW_BYTES: usize = 1 << 20;

/// The bytes of a page.
pub(crate) const PAGE_BYTES: usize = <PageLevel as PageAllocator>::PAGE_SIZE;

/// Entries of the map besides the firmware's: low memory, the program, the three parts of the boot record.
const OWN_ENTRIES: usize = 5;

/// Hands all usable memory to the heap.
///
/// # Errors
///
/// - Those of `init_from_map`: nothing was accepted, or this is the second call.
///
/// # Safety
///
/// 1. The page tables map all memory that `boot` calls usable, at its physical address, but for the first page and
///    the program's guard page.
/// 2. Nobody uses any of it, but for the low 1 MiB, the program and what the boot record lies in.
pub(crate) unsafe fn set_up(boot: &BootRecord, image: &Image) -> AllocResult<MapReport> {
    let mut map = [MemoryRegion::reserved(0, LOW_BYTES); MAX_ENTRIES + OWN_ENTRIES];
    let mut entries = map.iter_mut().skip(1);
    let firmware = boot.memory_map.entries().iter().map(|entry| (entry.range, entry.kind));
    let own = boot.left_at.into_iter().flatten().chain([image.whole()]).map(|range| (range, EntryKind::Other(0)));
    for ((range, kind), entry) in firmware.chain(own).zip(&mut entries) {
        let size = range.size().unwrap_or(usize::MAX);
        *entry = match kind {
            EntryKind::Usable => MemoryRegion::usable(range.start(), size),
            EntryKind::Other(_) => MemoryRegion::reserved(range.start(), size),
        };
    }
    HEAP.set_hooks(&HOOKS);
    // SAFETY: 1. By this function's 1. the memory is mapped, by its 2. nobody uses what the map calls usable, once
    // the reserved entries are taken out: entries win over the firmware's, and each of them is in the list, which has
    // room for all. 2. No Rust object lies in that memory: the only ones are in the program.
    unsafe { HEAP.init_from_map(&map, 0) }
}

/// The size of the request refused last, bytes; 0 if none was.
pub(crate) fn last_refused_bytes() -> usize {
    REFUSED_BYTES.load(Ordering::Relaxed)
}

/// What the heap holds now.
pub(crate) fn holdings() -> Holdings {
    let usage = HEAP.usage();
    Holdings {
        total_pages: usage.total_pages,
        used_pages: usage.used_pages,
        heap_pages: usage.pages(UsageKind::Heap),
        heap_held_bytes: usage.heap_held_bytes,
        heap_used_bytes: usage.heap_used_bytes,
    }
}

/// The pages of the largest free run.
pub(crate) fn largest_free_run_pages() -> usize {
    HEAP.largest_free_run_pages()
}

/// Gives back a block that no allocator ever handed out: it lies in the program.
pub(crate) fn give_back_foreign_block() {
    static FOREIGN: u64 = 0;
    assert!(HEAP.detects().contains(InvalidFrees::FOREIGN), "the backend does not detect foreign blocks");
    // SAFETY: 1. The mistake is a foreign block, which the heap detects. 2. It is refused.
    let answer = unsafe { HEAP.dealloc(NonNull::from(&FOREIGN).cast(), Layout::new::<u64>()) };
    assert!(answer.is_err(), "a foreign block was accepted");
}

/// Notes the request for the panic that may follow; no memory can be freed.
fn note_refusal(request: Layout) -> bool {
    REFUSED_BYTES.store(request.size(), Ordering::Relaxed);
    false
}

fn report_invalid_free(free: &InvalidFree) {
    crate::println!("{free}");
    console::report("invalid-free", |line| {
        line.value("address", format_args!("{:#x}", free.address))?.value("count", HEAP.invalid_frees())
    });
}
