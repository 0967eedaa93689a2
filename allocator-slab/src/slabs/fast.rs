//! The fast paths: what most calls come to, and where they turn off.
//!
//! ```text
//!   alloc    at hand? ──▶ done        dealloc    at hand? ──▶ done
//!              │ no                                │ no
//!              ▼                                   ▼
//!            the next partial slab               the slab that the map guesses
//!              │ none                              │ of another class, or no object begins there
//!              ▼                                   ▼
//!            refill.rs                           free.rs
//! ```
//!
//! What is passed on stays in the registers that it came in: the allocator as one reference, then the block, then the layout. So a
//! step to the next function is a jump.
#![forbid(unsafe_code)]

use core::{alloc::Layout, ptr::NonNull};

use allocator_api::{AllocError, AllocResult, PageAllocator};

use super::{Slabs, list, runs::is_page};
use crate::{
    memory::{Classes, Offset},
    size_class::last_byte,
};

/// Slabs with their page level, which the fast paths only pass on.
pub(crate) trait Paged<'a>: Sized {
    /// The page level.
    type Pages: PageAllocator + 'a;

    /// Whether the implementor is a single reference.
    const IS_ONE_WORD: bool;

    /// The slabs.
    fn slabs(&mut self) -> &mut Slabs;

    /// The slabs and the page level.
    fn split(self) -> (&'a mut Slabs, &'a mut Self::Pages);
}

impl<'a, P: PageAllocator> Paged<'a> for (&'a mut Slabs, &'a mut P) {
    type Pages = P;
    const IS_ONE_WORD: bool = false;

    #[inline(always)]
    fn slabs(&mut self) -> &mut Slabs {
        self.0
    }

    #[inline(always)]
    fn split(self) -> (&'a mut Slabs, &'a mut P) {
        self
    }
}

/// As [`alloc_from`](allocator_api::PagedByteAllocator::alloc_from); `None` for every error.
#[inline(always)]
pub(crate) fn alloc<'a>(mut heap: impl Paged<'a>, layout: Layout) -> Option<NonNull<u8>> {
    let Some(offset) = heap.slabs().classes.of_small(last_byte(layout.size(), layout.align())) else {
        return alloc_large(heap, layout);
    };
    match heap.slabs().take_object(offset) {
        Some(block) => Some(block),
        None => alloc_next(heap, layout, offset),
    }
}

/// Hands out an object of a class that has none at hand: of a partial slab of one word.
#[inline(never)]
pub(super) fn alloc_next<'a>(mut heap: impl Paged<'a>, layout: Layout, offset: Offset) -> Option<NonNull<u8>> {
    match heap.slabs().take_next_word(offset) {
        Some(block) => Some(block),
        None => alloc_of_words(heap, layout, offset),
    }
}

/// As [`alloc_next`], of any partial slab, or of a new one.
#[inline(never)]
fn alloc_of_words<'a>(heap: impl Paged<'a>, layout: Layout, offset: Offset) -> Option<NonNull<u8>> {
    let (slabs, pages) = heap.split();
    match slabs.take_of_words(offset) {
        Some(block) => Some(block),
        None => slabs.alloc_anew(pages, layout),
    }
}

/// Hands out a block that is too large for the table of classes, or nothing at all: a page that was kept, if one will do.
#[inline(never)]
fn alloc_large<'a, H: Paged<'a>>(mut heap: H, layout: Layout) -> Option<NonNull<u8>> {
    if is_page::<H::Pages>(last_byte(layout.size(), layout.align()))
        && let Some(page) = heap.slabs().take_page::<H::Pages>()
    {
        return Some(page);
    }
    alloc_larger(heap, layout)
}

/// As [`alloc_large`], without a page that was kept.
#[inline(never)]
fn alloc_larger<'a>(heap: impl Paged<'a>, layout: Layout) -> Option<NonNull<u8>> {
    let (slabs, pages) = heap.split();
    slabs.alloc_larger(pages, layout)
}

/// As [`dealloc_to`](allocator_api::PagedByteAllocator::dealloc_to).
///
/// Many blocks die young: first it is looked whether the block is at hand, which asks nothing of the map.
#[inline(always)]
pub(crate) fn dealloc<'a>(mut heap: impl Paged<'a>, block: NonNull<u8>, layout: Layout) -> AllocResult {
    let Some(offset) = heap.slabs().classes.of_small(last_byte(layout.size(), layout.align())) else {
        return dealloc_large(heap, block, layout);
    };
    dealloc_of_class(heap, block, layout, offset)
}

/// As [`dealloc`], of a class that is known.
#[inline(always)]
fn dealloc_of_class<'a, H: Paged<'a>>(
    mut heap: H,
    block: NonNull<u8>,
    layout: Layout,
    offset: Offset,
) -> AllocResult {
    let class = heap.slabs().classes.at(offset);
    let shift = class.shift;
    match class.put(block.addr().get()) {
        Some(answer) => answer,
        None if H::IS_ONE_WORD => elsewhere_with_shift(heap, block, layout.align(), shift, offset, layout.size()),
        None => elsewhere(heap, block, layout, offset),
    }
}

/// Takes a block back that is not at hand, of a class with that `shift`. The arguments are in the order of the registers that have them.
#[inline(never)]
fn elsewhere_with_shift<'a>(
    heap: impl Paged<'a>,
    block: NonNull<u8>,
    align: usize,
    shift: usize,
    offset: Offset,
    size: usize,
) -> AllocResult {
    put_elsewhere(heap, block, (align, size), offset, shift)
}

/// As [`elsewhere_with_shift`], where the registers are too few for one argument more.
#[inline(never)]
fn elsewhere<'a>(mut heap: impl Paged<'a>, block: NonNull<u8>, layout: Layout, offset: Offset) -> AllocResult {
    let shift = heap.slabs().classes.at(offset).shift;
    put_elsewhere(heap, block, (layout.align(), layout.size()), offset, shift)
}

#[inline(always)]
fn put_elsewhere<'a>(
    mut heap: impl Paged<'a>,
    block: NonNull<u8>,
    (align, size): (usize, usize),
    offset: Offset,
    shift: usize,
) -> AllocResult {
    let (slabs, address) = (heap.slabs(), block.addr().get());
    let slab = slabs.map.near(address);
    let class = slabs.classes.at(offset);
    let object = class.object_at_by(address.wrapping_sub(slab.base()), shift);
    if slab.fast_class() != offset.number() || object >= class.capacity {
        return dealloc_slowly(heap, block, align, size);
    }
    let (before, after) = slab.set_bit(object);
    if before == after {
        return refused();
    }
    class.live -= 1;
    if before == 0 {
        // It cannot be the last one, too: words of a size class have two objects or more.
        debug_assert!(!Classes::is_full_word(class, object, after));
        list::first_came(class, slab);
    } else if Classes::is_full_word(class, object, after) {
        let (slabs, pages) = heap.split();
        return slabs.last_came(pages, slab);
    }
    Ok(())
}

#[cold]
#[inline(never)]
fn refused() -> AllocResult {
    Err(AllocError::NotAllocated)
}

/// Takes a block back which the guess did not find, or refuses it.
#[cold]
#[inline(never)]
fn dealloc_slowly<'a>(heap: impl Paged<'a>, block: NonNull<u8>, align: usize, size: usize) -> AllocResult {
    let layout = Layout::from_size_align(size, align).map_err(|_| AllocError::NotAllocated)?;
    let (slabs, pages) = heap.split();
    slabs.dealloc_slowly(pages, block.addr().get(), layout)
}

/// Takes a block back that is too large for the table of classes: a page to keep, if it is one.
#[inline(never)]
fn dealloc_large<'a, H: Paged<'a>>(mut heap: H, block: NonNull<u8>, layout: Layout) -> AllocResult {
    let (slabs, address) = (heap.slabs(), block.addr().get());
    if is_page::<H::Pages>(last_byte(layout.size(), layout.align()))
        && let Some(place) = slabs.map.find_near(address)
        && slabs.keep_page::<H::Pages>(place, address)
    {
        return Ok(());
    }
    dealloc_larger(heap, block, layout)
}

/// As [`dealloc_large`], for what is no page that can be kept.
#[inline(never)]
fn dealloc_larger<'a, H: Paged<'a>>(heap: H, block: NonNull<u8>, layout: Layout) -> AllocResult {
    match Slabs::class_for::<H::Pages>(layout) {
        Some(class) => dealloc_of_class(heap, block, layout, Classes::offset(class)),
        None => dealloc_slowly(heap, block, layout.align(), layout.size()),
    }
}
