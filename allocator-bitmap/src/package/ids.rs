//! Ids from a bitmap.
#![forbid(unsafe_code)]

use core::fmt;

use allocator_api::{AddressRange, AllocError, AllocResult, ConstEmpty, Declaration, Declared, IdAllocator};

use super::{Map, bits::Bits};

/// The most ranges of ids that do not touch one another; a count, inclusive.
pub const MAX_ID_RANGES: usize = 32;

/// An id allocator over a bitmap, from the package `bitmap-allocator`. The lowest free ids are handed out first.
///
/// # Limits
///
/// - Ids are 0 to [`CAPACITY`](Self::CAPACITY) − 1; one beyond gives `InvalidParam` in `add_ids`.
/// - At most [`MAX_ID_RANGES`] ranges that do not touch one another; one more gives `NoMemory`.
///
/// # Complexity
///
/// With the capacity CAP, n ids in the call and r ranges:
///
/// | operation | worst case |
/// |---|---|
/// | `alloc_id(1, 1)`, `alloc_fixed_id`, `is_allocated` | O(log CAP + log r) |
/// | `alloc_id`, more than one or aligned | O(CAP · log CAP): each id is tested twice at most |
/// | `dealloc_id` | O(n + log CAP + log r) |
/// | `add_ids` | O(n + r) |
/// | statistics | O(1) |
///
/// # Examples
///
/// ```
/// use allocator_api::{AllocError, IdAllocator};
/// use allocator_bitmap::package::{BitAlloc256, BitmapIdAllocator};
///
/// let mut irqs = BitmapIdAllocator::<BitAlloc256>::new();
/// irqs.add_ids(32, 224)?;
/// assert_eq!(irqs.alloc_id(1, 1), Ok(32));
/// assert_eq!(irqs.alloc_id(4, 8), Ok(40));
/// assert_eq!(irqs.alloc_fixed_id(40), Err(AllocError::NoMemory));
/// irqs.dealloc_id(40, 4)?;
/// assert_eq!(irqs.used(), 1);
/// # Ok::<(), AllocError>(())
/// ```
pub struct BitmapIdAllocator<M: Map> {
    bits: Bits<M, MAX_ID_RANGES>,
}

impl<M: Map> BitmapIdAllocator<M> {
    /// Ids that the map has room for, from 0 on; a count.
    pub const CAPACITY: usize = M::CAP;

    /// An allocator without ids. For a static: a value with a large map overflows a stack.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "too large for a stack, where `default` would put it")]
    pub const fn new() -> Self {
        Self::EMPTY
    }
}

impl<M: Map> ConstEmpty for BitmapIdAllocator<M> {
    const EMPTY: Self = Self { bits: Bits::EMPTY };
}

impl<M: Map> Declared for BitmapIdAllocator<M> {
    const DECLARATION: Declaration = Declaration {
        max_regions: Some(MAX_ID_RANGES),
        span_bytes: Some(M::CAP),
        touches_memory: false,
        ..Declaration::without_gaps("bitmap-package-ids")
    };
}

impl<M: Map> IdAllocator for BitmapIdAllocator<M> {
    fn add_ids(&mut self, first: usize, count: usize) -> AllocResult {
        self.bits.insert(AddressRange::new(first, count).ok_or(AllocError::InvalidParam)?)
    }

    fn alloc_id(&mut self, count: usize, align_pow2: usize) -> AllocResult<usize> {
        if count == 0 || !align_pow2.is_power_of_two() {
            return Err(AllocError::InvalidParam);
        }
        self.bits.alloc(count, align_pow2, 0).ok_or(AllocError::NoMemory)
    }

    fn alloc_fixed_id(&mut self, id: usize) -> AllocResult {
        self.bits.alloc_at(AddressRange::new(id, 1).ok_or(AllocError::NoMemory)?)
    }

    fn dealloc_id(&mut self, start_id: usize, count: usize) -> AllocResult {
        self.bits.dealloc(AddressRange::new(start_id, count).ok_or(AllocError::NotAllocated)?)
    }

    fn is_allocated(&self, id: usize) -> bool {
        self.bits.is_allocated(id)
    }

    fn size(&self) -> usize {
        self.bits.total()
    }

    fn used(&self) -> usize {
        self.bits.used()
    }
}

impl<M: Map> fmt::Debug for BitmapIdAllocator<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranges = fmt::from_fn(|f| {
            f.debug_list().entries(self.bits.ranges().map(|ids| ids.start()..=ids.last())).finish()
        });
        f.debug_struct("BitmapIdAllocator")
            .field("size", &self.size())
            .field("used", &self.used())
            .field("ranges", &ranges)
            .finish()
    }
}
