//! A bump allocator: a byte allocator in a few lines, and what can be written over any.

use core::{alloc::Layout, num::NonZero, ptr::NonNull};

use allocator_api::{
    AddressRange, AllocError, AllocResult, BaseAllocator, ByteAllocator, ConstEmpty, Declaration, Declared,
    InvalidFrees, address::align_up,
};

/// Hands out one block behind the other from one region; all of it is free again when no block is live.
pub(crate) struct Bump {
    region: Option<AddressRange>,
    used: usize,
    live: usize,
}

impl ConstEmpty for Bump {
    const EMPTY: Self = Self { region: None, used: 0, live: 0 };
}

impl Declared for Bump {
    const DECLARATION: Declaration = Declaration { max_regions: Some(1), ..Declaration::without_gaps("bump") };
}

impl BaseAllocator for Bump {
    unsafe fn init(&mut self, start: usize, size: usize) -> AllocResult {
        if self.region.is_some() {
            return Err(AllocError::InvalidParam);
        }
        // SAFETY: 1., 2. The caller's.
        unsafe { self.add_memory(start, size) }
    }

    unsafe fn add_memory(&mut self, start: usize, size: usize) -> AllocResult {
        let whole = AddressRange::new(start, size).ok_or(AllocError::InvalidParam)?;
        let region = if start == 0 { whole.without_first(1).ok_or(AllocError::InvalidParam)? } else { whole };
        match self.region {
            None => self.region = Some(region),
            Some(held) if held.overlaps(whole) => return Err(AllocError::MemoryOverlap),
            Some(_) => return Err(AllocError::NoMemory),
        }
        Ok(())
    }
}

// SAFETY: 1. A block lies in the region, which is without address 0, from an aligned address on. 2. `used` only rises
// while a block is live. 3. Nothing is written. 4. Fields change after the last check.
unsafe impl ByteAllocator for Bump {
    fn detects(&self) -> InvalidFrees {
        InvalidFrees::FOREIGN
    }

    fn alloc(&mut self, layout: Layout) -> AllocResult<NonNull<u8>> {
        if layout.size() == 0 {
            return Err(AllocError::InvalidParam);
        }
        let region = self.region.ok_or(AllocError::NoMemory)?;
        let free = region.without_first(self.used).ok_or(AllocError::NoMemory)?;
        let start = align_up(free.start(), layout.align()).ok_or(AllocError::NoMemory)?;
        let block = AddressRange::new(start, layout.size()).filter(|block| free.contains_range(*block));
        let block = block.ok_or(AllocError::NoMemory)?;
        let address = NonZero::new(start).ok_or(AllocError::NoMemory)?;
        self.used = block.last() - region.start() + 1;
        self.live += 1;
        Ok(NonNull::with_exposed_provenance(address))
    }

    unsafe fn check_block(&self, pos: NonNull<u8>, layout: Layout) -> AllocResult {
        let block = AddressRange::new(pos.addr().get(), layout.size());
        let held = self.region.zip(block).is_some_and(|(region, block)| region.contains_range(block));
        if held && self.live > 0 { Ok(()) } else { Err(AllocError::NotAllocated) }
    }

    unsafe fn dealloc(&mut self, pos: NonNull<u8>, layout: Layout) -> AllocResult {
        // SAFETY: 1. The caller's.
        unsafe { self.check_block(pos, layout) }?;
        self.live -= 1;
        if self.live == 0 {
            self.used = 0;
        }
        Ok(())
    }

    fn region_for(&self, layout: Layout) -> AllocResult<Layout> {
        if layout.size() == 0 { Err(AllocError::InvalidParam) } else { Ok(layout) }
    }

    fn total_bytes(&self) -> usize {
        self.region.and_then(AddressRange::size).unwrap_or(0)
    }

    fn used_bytes(&self) -> usize {
        self.used
    }
}

/// A bump allocator with the bytes of `memory`.
pub(crate) fn bump_on(memory: &'static mut [u8]) -> Bump {
    let mut bump = Bump::EMPTY;
    let (start, size) = (memory.as_mut_ptr().expose_provenance(), memory.len());
    // SAFETY: 1. The slice is given away for good. 2. Exposed in the line above.
    unsafe { bump.init(start, size) }.expect("the slice is not empty");
    bump
}

fn leaked(size: usize) -> &'static mut [u8] {
    vec![0xff; size].leak()
}

/// What can be had in blocks of one layout: written over any allocator.
fn fill_up<A: ByteAllocator>(allocator: &mut A, layout: Layout) -> usize {
    (0..).take_while(|_| allocator.alloc(layout).is_ok()).count()
}

/// Takes a block and gives it back, through an object.
fn there_and_back(allocator: &mut dyn ByteAllocator, layout: Layout) -> AllocResult {
    let block = allocator.alloc(layout)?;
    // SAFETY: 1. The block was handed out with this layout in the line above. 2. It is forgotten.
    unsafe { allocator.dealloc(block, layout) }
}

fn layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align).expect("the sizes here are small")
}

#[test]
fn a_generic_function_serves_any_byte_allocator() {
    let mut bump = bump_on(leaked(1000));
    assert!(bump.alloc(layout(100, 1)).is_ok());
    assert_eq!((bump.used_bytes(), bump.available_bytes()), (100, 900));
    assert_eq!(fill_up(&mut bump, layout(100, 1)), 9);
    assert_eq!((bump.used_bytes(), bump.available_bytes()), (1000, 0));
    let mut empty = Bump::EMPTY;
    assert_eq!(fill_up(&mut empty, layout(1, 1)), 0);
}

#[test]
fn an_object_serves_as_a_byte_allocator() {
    let mut bumps: Vec<Box<dyn ByteAllocator>> = vec![Box::new(Bump::EMPTY), Box::new(bump_on(leaked(256)))];
    let answers: Vec<_> = bumps.iter_mut().map(|bump| there_and_back(bump.as_mut(), layout(64, 8))).collect();
    assert_eq!(answers, [Err(AllocError::NoMemory), Ok(())]);
    assert_eq!(bumps[1].used_bytes(), 0);
}

#[test]
fn provided_alloc_zeroed_zeroes_every_byte() {
    let mut bump = bump_on(leaked(64));
    let block = bump.alloc_zeroed(layout(64, 1)).unwrap();
    // SAFETY: the block is live with 64 bytes, all of them written.
    let bytes = unsafe { core::slice::from_raw_parts(block.as_ptr(), 64) };
    assert!(bytes.iter().all(|byte| *byte == 0));
    assert_eq!(bump.alloc_zeroed(layout(1, 1)), Err(AllocError::NoMemory));
}

/// A block of four bytes, `1 2 3 4`, whose size was changed to `new_size`: what is at its new place, or the error.
fn resized(bump: &mut Bump, new_size: usize) -> AllocResult<Vec<u8>> {
    let block = bump.alloc(layout(4, 1))?;
    // SAFETY: the block is live with four bytes.
    unsafe { block.copy_from_nonoverlapping(NonNull::from(&[1_u8, 2, 3, 4]).cast(), 4) };
    // SAFETY: 1. The block is live with this layout. 2. It is forgotten if the answer is `Ok`.
    match unsafe { bump.realloc(block, layout(4, 1), new_size) } {
        // SAFETY: the first bytes were written, or copied from those that were.
        Ok(new) => Ok(unsafe { core::slice::from_raw_parts(new.as_ptr(), new_size.min(4)) }.to_vec()),
        Err(error) => {
            // SAFETY: the old block is still live, and was written.
            let old = unsafe { core::slice::from_raw_parts(block.as_ptr(), 4) };
            assert_eq!(old, [1, 2, 3, 4]);
            Err(error)
        }
    }
}

#[test]
fn provided_realloc_keeps_the_bytes_or_the_block() {
    let mut bump = bump_on(leaked(64));
    assert_eq!(resized(&mut bump, 10), Ok(vec![1, 2, 3, 4]));
    assert_eq!(resized(&mut bump, 2), Ok(vec![1, 2]));
    assert_eq!(bump.live, 2);
    assert_eq!(resized(&mut bump, 0), Err(AllocError::InvalidParam));
    assert_eq!(resized(&mut bump, 1000), Err(AllocError::NoMemory));
    assert_eq!(resized(&mut bump, usize::MAX), Err(AllocError::NoMemory));
    assert_eq!(bump.live, 5);
}

#[test]
fn provided_realloc_refuses_what_the_check_refuses() {
    let mut bump = bump_on(leaked(64));
    let foreign = NonNull::with_exposed_provenance(NonZero::new(16).unwrap());
    // SAFETY: 1. The mistake is one that the toy detects. 2. Nothing is used.
    let answer = unsafe { bump.realloc(foreign, layout(4, 1), 8) };
    assert_eq!(answer, Err(AllocError::NotAllocated));
    assert_eq!(bump.used_bytes(), 0);
}

#[test]
fn a_declaration_is_read_from_the_type() {
    fn limit<A: Declared>() -> Option<usize> {
        A::DECLARATION.max_regions
    }
    assert_eq!(limit::<Bump>(), Some(1));
    let mut bump = bump_on(leaked(64));
    // SAFETY: 1. The regions are given away for good. 2. `leaked` memory's provenance is exposed here.
    let answers = [leaked(64), leaked(1)]
        .map(|more| unsafe { bump.add_memory(more.as_mut_ptr().expose_provenance(), more.len()) });
    assert_eq!(answers, [Err(AllocError::NoMemory); 2]);
}
