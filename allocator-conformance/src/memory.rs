//! The memory that the suite works on, and the only code that reads and writes it.
//!
//! ```text
//!   start                                                    start + size
//!     ▼                                                             ▼
//!     ┌──────────────────────────────────────────────┬──────────────┐
//!     │ ground: regions for the allocator under test │ the suite's  │
//!     │                                              │ own books    │
//!     └──────────────────────────────────────────────┴──────────────┘
//!                                                    └──── 1 MiB ───┘
//! ```

use core::{
    cell::UnsafeCell,
    marker::PhantomData,
    ptr::NonNull,
    slice,
    sync::atomic::{AtomicBool, Ordering},
};

use allocator_api::AddressRange;

use crate::guard::Guard;

const MIB: usize = 1 << 20;

/// Bytes at the end that hold the books.
const BOOK_BYTES: usize = MIB;

/// Memory lent to the suite.
///
/// # Examples
///
/// On a host the memory comes from an [`Arena`]; a kernel takes pages:
///
/// ```
/// use std::alloc::{Layout, alloc_zeroed};
///
/// use allocator_conformance::Memory;
///
/// let layout = Layout::from_size_align(Memory::NEEDED_BYTES, Memory::ALIGN).unwrap();
/// // SAFETY: the size is not 0.
/// let start = unsafe { alloc_zeroed(layout) };
/// assert!(!start.is_null());
/// // SAFETY: 1. The block is all zeros, this call's alone, and never freed. 2. The address is exposed here. 3. By the layout.
/// let memory = unsafe { Memory::new(start.expose_provenance(), layout.size()) };
/// assert_eq!(memory.ground().size(), Some(15 << 20));
/// ```
#[derive(Debug)]
pub struct Memory {
    // Invariant M1: the conditions of `new` hold for as long as this value, or anything that borrows it, lives.
    start: usize,
    size: usize,
    // At most `size - BOOK_BYTES`.
    ground_bytes: usize,
    guard: Guard,
}

impl Memory {
    /// The least that the suite can work with, bytes: 16 MiB.
    pub const NEEDED_BYTES: usize = 16 * MIB;

    /// What the first byte's address is a multiple of, bytes: 1 MiB.
    pub const ALIGN: usize = MIB;

    /// Lends the `size` bytes from `start`.
    ///
    /// # Safety
    ///
    /// 1. As long as the value lives, the bytes are initialised and may be read and written, and nobody else does.
    /// 2. Their provenance is exposed.
    /// 3. `start` is not 0 and a multiple of [`ALIGN`](Self::ALIGN); `size` is at least
    ///    [`NEEDED_BYTES`](Self::NEEDED_BYTES), and the last byte lies in the address space, but is not its last.
    #[must_use]
    pub const unsafe fn new(start: usize, size: usize) -> Self {
        debug_assert!(start != 0 && start.is_multiple_of(Self::ALIGN) && size >= Self::NEEDED_BYTES);
        debug_assert!(start.checked_add(size).is_some());
        Self { start, size, ground_bytes: size - BOOK_BYTES, guard: Guard::NONE }
    }

    /// The same memory, watched by a [`Guard`] while cases run.
    #[must_use]
    pub const fn guarded(self, guard: Guard) -> Self {
        Self { guard, ..self }
    }

    /// The same memory, of which regions are cut from the first `bytes` bytes alone, if it has as many. Scripts get along
    /// with little; cases need what there is.
    #[must_use]
    pub fn with_ground(self, bytes: usize) -> Self {
        Self { ground_bytes: self.ground_bytes.min(bytes).max(1), ..self }
    }

    /// Who watches the memory.
    pub(crate) const fn guard(&self) -> Guard {
        self.guard
    }

    /// The part that regions are cut from.
    #[must_use]
    pub fn ground(&self) -> AddressRange {
        // By condition 3 of `new` this is never `None`; one byte is a ground on which no case can do harm.
        AddressRange::new(self.start, self.ground_bytes).unwrap_or(NO_GROUND)
    }

    /// Room for the books: `COUNTS[i]` values in table i, each set to `value`; and what is left of the room.
    pub(crate) fn tables<T: Copy, const N: usize>(
        &mut self,
        value: T,
        counts: [usize; N],
    ) -> ([&mut [T]; N], Spare<'_>) {
        let last = self.start + (self.size - 1);
        let mut spare = Spare { next: last - (BOOK_BYTES - 1), last, memory: PhantomData };
        (counts.map(|count| spare.table(value, count)), spare)
    }
}

/// Memory of the suite's own that no table takes yet.
pub(crate) struct Spare<'m> {
    // Invariant M2: the bytes from `next` to `last` are lent memory (M1) that nothing else refers to during `'m`.
    next: usize,
    last: usize,
    memory: PhantomData<&'m mut Memory>,
}

impl<'m> Spare<'m> {
    /// All that is left; nothing remains here.
    pub(crate) fn take(&mut self) -> Self {
        let all = Self { next: self.next, last: self.last, memory: PhantomData };
        self.next = self.last;
        all
    }

    /// A table of `count` values, or of as many as there is room for, each set to `value`.
    pub(crate) fn table<T: Copy>(&mut self, value: T, count: usize) -> &'m mut [T] {
        let at = self.next.next_multiple_of(align_of::<T>());
        let room = self.last.saturating_sub(at) / size_of::<T>().max(1);
        let count = count.min(room);
        let table = pointer(at).cast::<T>();
        for index in 0..count {
            // SAFETY: the element lies in memory that may be written (M2).
            unsafe { table.add(index).write(value) };
        }
        self.next = at + count * size_of::<T>();
        // SAFETY: `count` elements were just written; nothing else refers to them, and `next` has left them (M2).
        unsafe { slice::from_raw_parts_mut(table, count) }
    }
}

/// The byte at address 0: it lies in no memory that was lent.
const NO_GROUND: AddressRange = match AddressRange::new(0, 1) {
    Some(range) => range,
    None => panic!("one byte is a range"),
};

/// Static memory for the suite: 17 MiB, of which 16 start on a multiple of 1 MiB.
///
/// It is all zeros, so that it takes no room in the image.
///
/// # Examples
///
/// ```
/// use allocator_conformance::{Arena, Memory};
///
/// static ARENA: Arena = Arena::new();
///
/// let memory: Memory = ARENA.take().unwrap();
/// assert!(ARENA.take().is_none());
/// assert!(memory.ground().start().is_multiple_of(Memory::ALIGN));
/// ```
#[derive(Debug)]
pub struct Arena {
    taken: AtomicBool,
    bytes: UnsafeCell<[u8; Memory::NEEDED_BYTES + Memory::ALIGN]>,
}

// SAFETY: the bytes are reached only through the one `Memory` that `take` gives out.
unsafe impl Sync for Arena {}

impl Arena {
    /// Memory that nobody has taken yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { taken: AtomicBool::new(false), bytes: UnsafeCell::new([0; _]) }
    }

    /// The memory; `None` if it was taken before.
    #[must_use]
    pub fn take(&'static self) -> Option<Memory> {
        if self.taken.swap(true, Ordering::Acquire) {
            return None;
        }
        let start = self.bytes.get().expose_provenance();
        let aligned = start.next_multiple_of(Memory::ALIGN);
        // SAFETY: 1. The bytes are static and zeros, and the flag lets this happen once. 2. Exposed above. 3. Aligned up by
        // less than `ALIGN`, which is the size's excess over `NEEDED_BYTES`; the address space goes on after it.
        Some(unsafe { Memory::new(aligned, Memory::NEEDED_BYTES) })
    }
}

impl Default for Arena {
    fn default() -> Self {
        Self::new()
    }
}

/// A pointer to lent memory.
pub(crate) fn pointer(address: usize) -> *mut u8 {
    core::ptr::with_exposed_provenance_mut(address)
}

/// The pointer that stands for an address in the question whether a block is live; `None` for address 0.
pub(crate) fn non_null(address: usize) -> Option<NonNull<u8>> {
    NonNull::new(pointer(address))
}

/// Sets `size` bytes to `seed`.
///
/// # Safety
///
/// 1. The bytes may be written, and nobody else uses them.
pub(crate) unsafe fn fill(pos: NonNull<u8>, size: usize, seed: u8) {
    // SAFETY: 1. is the caller's 1.
    unsafe { pos.write_bytes(seed, size) };
}

/// The offset of the first of `size` bytes that is not `seed`.
///
/// # Safety
///
/// 1. The bytes are initialised and may be read, and nobody writes them meanwhile.
pub(crate) unsafe fn first_other(pos: NonNull<u8>, size: usize, seed: u8) -> Option<usize> {
    // SAFETY: 1. is the caller's 1.
    let bytes = unsafe { slice::from_raw_parts(pos.as_ptr(), size) };
    let (first, rest) = bytes.split_first()?;
    // All bytes are the same if each equals its neighbour: one comparison of memory, fast in debug builds too.
    if *first == seed && rest == &bytes[..size - 1] {
        return None;
    }
    bytes.iter().position(|byte| *byte != seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_other_byte_is_found_at_either_end_and_inside() {
        let mut bytes = [7_u8; 64];
        let first_other_in = |bytes: &mut [u8; 64]| {
            // SAFETY: 1. The array is borrowed here alone.
            unsafe { first_other(NonNull::from(bytes).cast(), 64, 7) }
        };
        assert_eq!(first_other_in(&mut bytes), None);
        for at in [63, 30, 0] {
            bytes[at] = 8;
            assert_eq!(first_other_in(&mut bytes), Some(at));
        }
        // SAFETY: 1. The array is borrowed here alone.
        unsafe { fill(NonNull::from(&mut bytes).cast(), 64, 7) };
        assert_eq!(first_other_in(&mut bytes), None);
    }
}
