//! The package that hands out bits, as the page allocator that kernels make of it.

use allocator_conformance::api::{
    AddressRange, AllocError, AllocResult, BaseAllocator, ConstEmpty, Declaration, Declared, PageAllocator,
};
use bitmap_allocator::{BitAlloc, BitAlloc64K};

/// The package's name.
pub(crate) const NAME: &str = "bitmap-allocator 0.4";

/// `bitmap_allocator::BitAlloc64K`: a bit for each page, counted from the first region's start. Runs are aligned as the
/// package aligns them, by their index.
pub(crate) struct Bits {
    bits: BitAlloc64K,
    base: usize,
    total: usize,
    used: usize,
}

impl ConstEmpty for Bits {
    const EMPTY: Self = Self { bits: BitAlloc64K::DEFAULT, base: 0, total: 0, used: 0 };
}

impl Declared for Bits {
    const DECLARATION: Declaration = Declaration {
        max_regions: Some(1),
        span_bytes: Some(BitAlloc64K::CAP * Self::PAGE_SIZE),
        touches_memory: false,
        ..Declaration::without_gaps(NAME)
    };
}

impl Bits {
    /// The bit of the page at an address.
    fn bit(&self, address: usize) -> usize {
        address.wrapping_sub(self.base) / Self::PAGE_SIZE
    }

    /// The run that begins with this bit, if the package found one.
    fn found(&mut self, bit: Option<usize>, pages: usize) -> AllocResult<usize> {
        let bit = bit.ok_or(AllocError::NoMemory)?;
        self.used += pages;
        Ok(self.base + bit * Self::PAGE_SIZE)
    }
}

/// The answers that a package of bits has no words for.
fn check(num_pages: usize, align_pow2: usize) -> AllocResult {
    let is_request = num_pages > 0 && align_pow2.is_power_of_two() && align_pow2 >= Bits::PAGE_SIZE;
    if is_request { Ok(()) } else { Err(AllocError::InvalidParam) }
}

impl BaseAllocator for Bits {
    unsafe fn init(&mut self, start: usize, size: usize) -> AllocResult {
        if self.total > 0 {
            return Err(AllocError::InvalidParam);
        }
        // SAFETY: 1., 2. The caller's.
        unsafe { self.add_memory(start, size) }
    }

    unsafe fn add_memory(&mut self, start: usize, size: usize) -> AllocResult {
        let region = AddressRange::new(start, size).and_then(|region| region.trimmed(Self::PAGE_SIZE));
        let region = region.ok_or(AllocError::InvalidParam)?;
        let base = if self.total > 0 { self.base } else { region.start() };
        let pages = (region.last() - region.start()) / Self::PAGE_SIZE + 1;
        let (low, high) = (base.min(region.start()), (base + (self.total * Self::PAGE_SIZE)).max(region.last()));
        if (high - low) / Self::PAGE_SIZE >= BitAlloc64K::CAP {
            return Err(AllocError::InvalidParam);
        }
        if self.total > 0 {
            return Err(AllocError::NoMemory);
        }
        self.bits.insert(0..pages);
        (self.base, self.total) = (base, pages);
        Ok(())
    }
}

// SAFETY: 1. and 2. are what the suite finds out.
unsafe impl PageAllocator for Bits {
    const PAGE_SIZE: usize = 4096;

    fn alloc_pages(&mut self, num_pages: usize, align_pow2: usize) -> AllocResult<usize> {
        check(num_pages, align_pow2)?;
        let align_log2 = (align_pow2 / Self::PAGE_SIZE).trailing_zeros() as usize;
        let bit = self.bits.alloc_contiguous(None, num_pages, align_log2);
        self.found(bit, num_pages)
    }

    fn alloc_pages_at(&mut self, base: usize, num_pages: usize, align_pow2: usize) -> AllocResult<usize> {
        check(num_pages, align_pow2)?;
        if !base.is_multiple_of(align_pow2) {
            return Err(AllocError::InvalidParam);
        }
        let bit = self.bits.alloc_contiguous(Some(self.bit(base)), num_pages, 0);
        self.found(bit, num_pages)
    }

    unsafe fn dealloc_pages(&mut self, pos: usize, num_pages: usize) -> AllocResult {
        let is_run = num_pages > 0 && pos.is_multiple_of(Self::PAGE_SIZE);
        if !is_run || !self.bits.dealloc_contiguous(self.bit(pos), num_pages) {
            return Err(AllocError::NotAllocated);
        }
        self.used -= num_pages;
        Ok(())
    }

    fn total_pages(&self) -> usize {
        self.total
    }

    fn used_pages(&self) -> usize {
        self.used
    }
}
