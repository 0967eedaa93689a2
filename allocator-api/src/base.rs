//! Taking memory in.

use crate::AllocResult;

/// Takes regions of memory.
///
/// An allocator starts empty: until the first region arrives, every allocation gives
/// [`NoMemory`](crate::AllocError::NoMemory), every free [`NotAllocated`](crate::AllocError::NotAllocated), and
/// all statistics are 0.
///
/// Implementing this trait promises nothing to callers; what they may rely on is said by
/// [`ByteAllocator`](crate::ByteAllocator) and [`PageAllocator`](crate::PageAllocator).
///
/// # Examples
///
/// ```
/// use allocator_api::{AllocError, BaseAllocator, ByteAllocator, ConstEmpty};
/// # #[path = "../tests/toys/bump.rs"] mod toy;
/// # use toy::Bump;
///
/// let bank = Box::leak(Box::new([0_u8; 4096]));
/// let mut allocator = Bump::EMPTY;
/// // SAFETY: 1. The bank was leaked, and nobody else uses it. 2. Its provenance is exposed here.
/// unsafe { allocator.init(bank.as_mut_ptr().expose_provenance(), 4096) }?;
/// assert_eq!(allocator.total_bytes(), 4096);
/// // SAFETY: a later `init` is answered with an error.
/// assert_eq!(unsafe { allocator.init(0x1000, 4096) }, Err(AllocError::InvalidParam));
/// # Ok::<(), AllocError>(())
/// ```
pub trait BaseAllocator {
    /// Takes the first region: `size` bytes from address `start`.
    ///
    /// The region is trimmed inward to what the allocator can use.
    ///
    /// # Errors
    ///
    /// - [`InvalidParam`](crate::AllocError::InvalidParam): the allocator has memory already; `size` is 0;
    ///   `start + (size − 1)` overflows; nothing usable is left after trimming.
    ///
    /// # Safety
    ///
    /// 1. From now on, and for as long as the allocator or anything allocated from it is used, the whole region
    ///    is memory that may be read and written, and nobody but the allocator, and those it hands blocks to,
    ///    does so. (An allocator that documents that it never touches its regions, such as a page allocator with
    ///    its records elsewhere, needs this only for what callers do with the pages.)
    /// 2. The provenance of the region is exposed. Where the region touches one that is held, an exposed provenance
    ///    covers both, for a block may lie across the border. (That of memory which no Rust object ever occupied does;
    ///    those of two neighbouring statics do not.)
    unsafe fn init(&mut self, start: usize, size: usize) -> AllocResult;

    /// Takes one more region, or the first: `size` bytes from address `start`.
    ///
    /// Regions may come in any order and touch one another.
    ///
    /// # Errors
    ///
    /// - [`InvalidParam`](crate::AllocError::InvalidParam): as for [`init`](Self::init), except that having
    ///   memory already is no error.
    /// - [`MemoryOverlap`](crate::AllocError::MemoryOverlap): part of the region is held already.
    /// - [`NoMemory`](crate::AllocError::NoMemory): a documented limit on the number of regions is reached.
    ///
    /// # Safety
    ///
    /// As for [`init`](Self::init). Overlap with memory already *held* is answered, not undefined.
    unsafe fn add_memory(&mut self, start: usize, size: usize) -> AllocResult;
}

/// Has a value that stands for "no memory yet" and can be made in a constant.
///
/// This is what a generic `const fn new` needs, and so what puts a generic allocator into a `static`.
///
/// # Examples
///
/// ```
/// use allocator_api::ConstEmpty;
///
/// struct Guarded<A> {
///     inner: A,
/// }
///
/// impl<A: ConstEmpty> Guarded<A> {
///     const fn new() -> Self {
///         Self { inner: A::EMPTY }
///     }
/// }
/// # struct Ids(u64);
/// # impl ConstEmpty for Ids { const EMPTY: Self = Self(0); }
///
/// static GUARDED: Guarded<Ids> = Guarded::new();
/// assert_eq!(GUARDED.inner.0, 0);
/// ```
pub trait ConstEmpty: Sized {
    /// The value before any memory is handed in.
    const EMPTY: Self;
}
