//! The least that an allocator can do: what every other figure is held against.
//!
//! Neither merges, checks or counts anything; memory that was once cut to a size stays that size.
//!
//! ```text
//!   free lists   class 0 ─▶ block ─▶ block      a block holds the link to the next; fresh ones are cut off the region
//!   stacks       1 page  ─▶ [7, 3, 9]           page numbers in a vector for each length of run
//! ```

use std::ptr::{self, NonNull};

use super::{Request, Subject};
use crate::{region::Region, script::PAGE_BYTES};

/// Size classes for each doubling.
const CLASSES_PER_DOUBLING: usize = 4;
/// The granule, and the smallest block, in bytes.
const GRANULE_BYTES: usize = 16;
/// Classes for sizes up to 2^32 bytes.
const CLASS_COUNT: usize = 32 * CLASSES_PER_DOUBLING;

/// The class of a size in bytes, and the size of its blocks.
#[inline(always)]
const fn class_of(bytes: usize) -> (usize, usize) {
    // Up to 128 bytes the classes are the multiples of 16; above, the two bits after the highest choose a quarter.
    let quarter_log2 = ((bytes - 1) | (GRANULE_BYTES * CLASSES_PER_DOUBLING)).ilog2() as usize - 2;
    let quarters = ((bytes - 1) >> quarter_log2) + 1;
    let doubling = quarter_log2 - GRANULE_BYTES.ilog2() as usize;
    (doubling * CLASSES_PER_DOUBLING + quarters - 1, quarters << quarter_log2)
}

/// One bare free list for each size class.
#[derive(Debug)]
pub(crate) struct FreeLists {
    heads: [Option<NonNull<Link>>; CLASS_COUNT],
    next: usize,
    last: usize,
}

/// What a free block holds: the next of its class.
#[derive(Debug)]
struct Link(Option<NonNull<Link>>);

impl FreeLists {
    /// Cuts a fresh block off the region.
    fn cut(&mut self, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        let start = self.next.next_multiple_of(align.max(GRANULE_BYTES));
        let end = start.checked_add(bytes).filter(|end| end - 1 <= self.last)?;
        self.next = end;
        NonNull::new(ptr::with_exposed_provenance_mut(start))
    }

    /// The class and block size of a request: an alignment above the granule takes a power of two.
    #[inline(always)]
    const fn class_of(request: Request) -> (usize, usize) {
        let (bytes, align) = (request.size as usize, request.align_bytes());
        if align <= GRANULE_BYTES {
            return class_of(bytes);
        }
        class_of(if bytes > align { bytes.next_power_of_two() } else { align })
    }
}

// SAFETY: 1. a block is cut once and is in a list only while it is free. 2. Its class is of the size, and blocks of an
// alignment above the granule share their class with blocks of powers of two alone.
unsafe impl Subject for FreeLists {
    const MERGES: bool = false;

    fn create(region: Region) -> Result<Box<Self>, String> {
        let next = region.address();
        Ok(Box::new(Self { heads: [None; CLASS_COUNT], next, last: next + (region.bytes - 1) }))
    }

    #[inline(always)]
    fn alloc(&mut self, request: Request) -> Option<NonNull<u8>> {
        let (class, bytes) = Self::class_of(request);
        let Some(block) = self.heads[class] else {
            let natural = 1 << bytes.trailing_zeros();
            return self.cut(bytes, if bytes.is_power_of_two() { natural } else { GRANULE_BYTES });
        };
        // SAFETY: a block in a list is free and begins with a link.
        self.heads[class] = unsafe { block.read() }.0;
        Some(block.cast())
    }

    #[inline(always)]
    unsafe fn dealloc(&mut self, block: NonNull<u8>, request: Request) {
        let (class, _) = Self::class_of(request);
        let block = block.cast::<Link>();
        // SAFETY: 1. the block is live, at least a granule long and aligned to one. 2. Nobody else uses it.
        unsafe { block.write(Link(self.heads[class])) };
        self.heads[class] = Some(block);
    }
}

/// Longest run, in pages, that has a stack of its own; inclusive.
const LONGEST_RUN_PAGES: usize = 1024;

/// A stack of page numbers for each length of run.
#[derive(Debug)]
pub(crate) struct Stacks {
    stacks: Vec<Vec<u32>>,
    first_page: usize,
    next_page: usize,
    pages: usize,
}

impl Stacks {
    #[inline(always)]
    fn at(&self, page: usize) -> Option<NonNull<u8>> {
        NonNull::new(ptr::with_exposed_provenance_mut((self.first_page + page) * PAGE_BYTES))
    }
}

// SAFETY: 1. a run is cut once and is on a stack only while it is free. 2. Runs are as long as asked for; fresh ones are
// cut at their alignment, and the scripts align a length always the same.
unsafe impl Subject for Stacks {
    fn create(region: Region) -> Result<Box<Self>, String> {
        let (first_page, pages) = (region.address() / PAGE_BYTES, region.bytes / PAGE_BYTES);
        // Room beforehand, so that no push allocates.
        let single_pages = Vec::with_capacity(pages.min(1 << 26));
        let mut stacks: Vec<Vec<u32>> = (0..=LONGEST_RUN_PAGES).map(|_| Vec::with_capacity(1 << 12)).collect();
        stacks[1] = single_pages;
        Ok(Box::new(Self { stacks, first_page, next_page: 0, pages }))
    }

    #[inline(always)]
    fn alloc(&mut self, request: Request) -> Option<NonNull<u8>> {
        let run = request.size as usize;
        if let Some(page) = self.stacks.get_mut(run)?.pop() {
            return self.at(page as usize);
        }
        let start = self.next_page.next_multiple_of(request.align_bytes() / PAGE_BYTES);
        if start + run > self.pages {
            return None;
        }
        self.next_page = start + run;
        self.at(start)
    }

    #[inline(always)]
    unsafe fn dealloc(&mut self, block: NonNull<u8>, request: Request) {
        let page = block.addr().get() / PAGE_BYTES - self.first_page;
        self.stacks[request.size as usize].push(page as u32);
    }
}

/// Answers at once and does nothing: its cost is that of the counting, and is taken off every figure.
#[derive(Debug)]
pub(crate) struct Nothing(NonNull<u8>);

// SAFETY: this one breaks 1. and 2.; it is played where nobody reads or writes a block.
unsafe impl Subject for Nothing {
    fn create(region: Region) -> Result<Box<Self>, String> {
        Ok(Box::new(Self(region.start)))
    }

    #[inline(always)]
    fn alloc(&mut self, _request: Request) -> Option<NonNull<u8>> {
        Some(self.0)
    }

    #[inline(always)]
    unsafe fn dealloc(&mut self, _block: NonNull<u8>, _request: Request) {}

    #[inline(always)]
    unsafe fn realloc(&mut self, block: NonNull<u8>, _request: Request, _size: u32) -> Option<NonNull<u8>> {
        Some(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_has_a_class_whose_blocks_hold_it_and_classes_grow_with_size() {
        let mut previous = (0, 0);
        for bytes in 1..=70_000 {
            let (class, block_bytes) = class_of(bytes);
            assert!(block_bytes >= bytes, "{bytes}");
            assert!(
                class == previous.0 || bytes == previous.1 + 1 || bytes == 1,
                "{bytes}: {class} after {previous:?}"
            );
            assert!(bytes <= 64 || block_bytes - bytes <= bytes / 4, "{bytes}: {block_bytes}");
            previous = (class, block_bytes);
        }
        assert!(class_of(u32::MAX as usize).0 < CLASS_COUNT);
    }
}
