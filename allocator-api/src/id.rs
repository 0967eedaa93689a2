//! Numbers instead of memory.
#![forbid(unsafe_code)]

use crate::AllocResult;

/// Hands out numbers, such as process ids, interrupt lines or address-space ids.
///
/// # Complexity
///
/// Each implementation states the worst case of each operation.
///
/// # Examples
///
/// ```
/// use allocator_api::{AllocError, AllocResult, IdAllocator};
/// # #[path = "../tests/toys/id_bits.rs"] mod toy;
///
/// /// Interrupt vectors for a device that raises `count` of them, as one block that is aligned to its size.
/// fn vectors_for(vectors: &mut dyn IdAllocator, count: usize) -> AllocResult<usize> {
///     vectors.alloc_id(count, count.next_power_of_two())
/// }
///
/// # let mut vectors = toy::IdBits::default();
/// vectors.add_ids(33, 31)?;
/// assert_eq!(vectors_for(&mut vectors, 4), Ok(36));
/// assert_eq!(vectors_for(&mut vectors, 1), Ok(33));
/// assert_eq!(vectors_for(&mut vectors, 32), Err(AllocError::NoMemory));
/// # Ok::<(), AllocError>(())
/// ```
pub trait IdAllocator {
    /// Adds the `count` ids from `first` on; they are free.
    ///
    /// # Errors
    ///
    /// - [`InvalidParam`](crate::AllocError::InvalidParam): `count` is 0, `first + (count − 1)` overflows, or an
    ///   id is beyond the documented span.
    /// - [`MemoryOverlap`](crate::AllocError::MemoryOverlap): one of the ids is managed already.
    /// - [`NoMemory`](crate::AllocError::NoMemory): a documented limit on the number of ranges is reached.
    fn add_ids(&mut self, first: usize, count: usize) -> AllocResult;

    /// Hands out `count` consecutive ids, the first a multiple of `align_pow2`. Returns the first.
    ///
    /// # Errors
    ///
    /// - [`InvalidParam`](crate::AllocError::InvalidParam): `count` is 0 or `align_pow2` no power of two.
    /// - [`NoMemory`](crate::AllocError::NoMemory): no such ids are free.
    fn alloc_id(&mut self, count: usize, align_pow2: usize) -> AllocResult<usize>;

    /// Hands out exactly the id `id`.
    ///
    /// # Errors
    ///
    /// - [`NoMemory`](crate::AllocError::NoMemory): the id is allocated or not managed here.
    fn alloc_fixed_id(&mut self, id: usize) -> AllocResult;

    /// Takes back the `count` ids from `start_id` on: any allocated ids, each once.
    ///
    /// # Errors
    ///
    /// - [`NotAllocated`](crate::AllocError::NotAllocated): `count` is 0, or an id among them is free or not
    ///   managed here. None is taken back then.
    fn dealloc_id(&mut self, start_id: usize, count: usize) -> AllocResult;

    /// Whether the id is handed out. An id that is not managed here is not.
    fn is_allocated(&self, id: usize) -> bool;

    /// Ids managed.
    fn size(&self) -> usize;

    /// Ids handed out.
    fn used(&self) -> usize;

    /// Ids free: `size − used`.
    fn available(&self) -> usize {
        self.size() - self.used()
    }
}
