//! A first-fit allocator whose books are kept apart from its memory: every byte of every region can be handed out, and
//! every mistake is detected. It can be broken in one place at a time.

use core::{alloc::Layout, num::NonZero, ptr::NonNull};
use std::{collections::BTreeMap, vec::Vec};

use allocator_api::{
    AddressRange, AllocError, AllocResult, BaseAllocator, ByteAllocator, ConstEmpty, Declaration, Declared,
    InvalidFrees, address::align_up,
};

use crate::fault::on;

/// Bytes that no memory has.
const HUGE: usize = 1 << (usize::BITS - 8);

/// The toy.
pub(crate) struct ToyBytes {
    // Sorted and coalesced; none contains address 0.
    regions: Vec<AddressRange>,
    // By address; each lies in a region; none overlap.
    blocks: BTreeMap<usize, (AddressRange, Layout)>,
    total: usize,
    used: usize,
    allocations: usize,
    frees: usize,
    reallocations: usize,
}

impl ConstEmpty for ToyBytes {
    const EMPTY: Self = Self {
        regions: Vec::new(),
        blocks: BTreeMap::new(),
        total: 0,
        used: 0,
        allocations: 0,
        frees: 0,
        reallocations: 0,
    };
}

impl Declared for ToyBytes {
    const DECLARATION: Declaration = Declaration::without_gaps("toy");
}

impl ToyBytes {
    fn insert(&mut self, range: AddressRange) -> AllocResult {
        let overlaps = |held: &AddressRange| {
            if on("containing overlap accepted") {
                return held.contains(range.start()) || held.contains(range.last());
            }
            if on("overlap by a byte accepted") {
                return held.overlaps(range) && held.last() != range.start();
            }
            held.overlaps(range)
        };
        if self.regions.iter().any(overlaps) {
            return if on("overlap called invalid") {
                Err(AllocError::InvalidParam)
            } else {
                Err(AllocError::MemoryOverlap)
            };
        }
        let most = if on("few regions") {
            100
        } else if on("seven regions") {
            7
        } else if on("six regions") {
            6
        } else {
            usize::MAX
        };
        if self.regions.len() >= most {
            return Err(AllocError::NoMemory);
        }
        self.regions.push(range);
        self.regions.sort_by_key(|region| region.start());
        let apart = on("neighbours not joined") || on("neighbours below not joined") && range == self.regions[0];
        if !apart {
            self.regions.dedup_by(|above, below| {
                let joined = below.precedes(*above);
                if joined {
                    *below = below.hull(*above);
                }
                joined
            });
        }
        let size = range.size().unwrap_or(usize::MAX);
        self.total += match size {
            size if on("total not trimmed") => size + 8,
            size if on("total too small") => size / 2,
            _ if on("later regions not counted") && self.total > 0 => 0,
            size => size,
        };
        if on("later regions used up") && self.total > size {
            self.used += size + 1;
        }
        Ok(())
    }

    /// Whether all of the bytes are in one region.
    pub(crate) fn holds(&self, start: usize, size: usize) -> bool {
        AddressRange::new(start, size)
            .is_some_and(|range| self.regions.iter().any(|held| held.contains_range(range)))
    }

    fn place(&self, layout: Layout) -> Option<AddressRange> {
        let regions = self.regions.iter().enumerate();
        regions.filter(|(index, _)| *index == 0 || !on("only the lowest region used")).find_map(|(_, region)| {
            let mut next = region.start();
            for (block, _) in self.blocks.range(region.start()..=region.last()).map(|(_, block)| block) {
                let hole = block.start().checked_sub(1).and_then(|last| AddressRange::from_bounds(next, last));
                if let Some(found) = hole.and_then(|hole| fit(hole, layout)) {
                    return Some(found);
                }
                next = next.max(block.last() + 1);
            }
            let last = if on("last block sticks out") { region.last() + 1 } else { region.last() };
            fit(AddressRange::from_bounds(next, last)?, layout)
        })
    }

    fn refuses(&self, layout: Layout) -> bool {
        on("always refuses")
            || on("refuses too early") && self.used > self.total / 3
            || on("falls apart") && self.frees > 100 && layout.size() > self.total / 2
            || on("freed blocks lost") && self.frees > 0
            || on("large alignments refused") && layout.align() > 4096
            || on("alignments above a megabyte refused") && layout.align() > 1 << 20
            || on("every fifth free blocks requests") && self.frees % 5 == 4
            || on("a full heap's last hole refused") && self.blocks.len() > 3 && layout.size() > 2048
    }

    fn is_live(&self, pos: NonNull<u8>, layout: Layout) -> bool {
        let address = pos.addr().get();
        let inside =
            || self.blocks.range(..=address).next_back().is_some_and(|(_, (block, _))| block.contains(address));
        let held = self.regions.iter().any(|region| region.contains(address));
        match self.blocks.get(&address) {
            Some((_, allocated)) => *allocated == layout || on("wrong layout accepted"),
            None if self.total == 0 => on("free before memory accepted"),
            None if !held => on("foreign accepted"),
            None if inside() => on("interior accepted"),
            None => on("double free accepted"),
        }
    }
}

/// The lowest place for a block in a hole.
fn fit(hole: AddressRange, layout: Layout) -> Option<AddressRange> {
    let align = match layout.align() {
        _ if on("alignment ignored") => 1,
        align if on("alignment above a page ignored") => align.min(4096),
        align => align,
    };
    let start = if on("alignment of the offset") {
        hole.start() + (layout.align() - 1)
    } else {
        align_up(hole.start(), align)?
    };
    let size = if on("sizes overflow") { layout.size() & (usize::MAX >> 1) & !HUGE } else { layout.size() };
    let block = AddressRange::new(start, size.max(1)).filter(|block| hole.contains_range(*block))?;
    let whole_hole = hole.size().is_some_and(|bytes| block.size().is_some_and(|size| size > bytes - bytes / 8));
    if whole_hole && on("full holes refused") { None } else { Some(block) }
}

impl BaseAllocator for ToyBytes {
    unsafe fn init(&mut self, start: usize, size: usize) -> AllocResult {
        if self.total != 0 && !on("init works twice") {
            return Err(AllocError::InvalidParam);
        }
        if on("refused init remembered") && size == 0 {
            self.total = 1;
        }
        // SAFETY: 1., 2. The caller's.
        unsafe { self.add_memory(start, size) }
    }

    unsafe fn add_memory(&mut self, start: usize, size: usize) -> AllocResult {
        if on("add_memory never first") && self.total == 0 {
            return Err(AllocError::InvalidParam);
        }
        let size = match size {
            0 if on("empty region accepted") => 1,
            _ if on("end clamped") => size.min(usize::MAX - start).max(size.min(1)),
            _ if on("region too long") && size % 2 == 1 => size + 8,
            _ => size,
        };
        let region = AddressRange::new(start, size).ok_or(AllocError::InvalidParam)?;
        if size < 64 && on("tiny region wasted") {
            self.total += size;
            return Ok(());
        }
        let region = if start == 0 && !on("address zero accepted") {
            region.without_first(1).ok_or(AllocError::InvalidParam)?
        } else {
            region
        };
        if on("writes before the region") && start % 2 == 1 {
            let before = core::ptr::with_exposed_provenance_mut::<u8>(start - 1);
            // SAFETY: the suite lends more memory than the region, which is what this sabotage abuses.
            unsafe { before.write(0) };
        }
        self.insert(region)
    }
}

// SAFETY: without a fault: 1. `place` looks in regions only, at multiples of the alignment, and no region has address 0.
// 2. It looks between blocks. 3. Blocks are never moved or written. 4. Nothing is changed before the last check.
unsafe impl ByteAllocator for ToyBytes {
    fn detects(&self) -> InvalidFrees {
        InvalidFrees::ALL
    }

    fn alloc(&mut self, layout: Layout) -> AllocResult<NonNull<u8>> {
        if layout.size() == 0 && !on("size zero accepted") {
            return Err(AllocError::InvalidParam);
        }
        if self.refuses(layout) {
            return Err(AllocError::NoMemory);
        }
        if layout.align() > 1 << 20 && on("huge alignment invalid")
            || layout.size() > HUGE && on("huge size invalid")
        {
            return Err(AllocError::InvalidParam);
        }
        let Some(mut block) = self.place(layout) else {
            self.used += usize::from(on("refusal changes used"));
            self.total -= usize::from(on("refusal changes total"));
            return Err(AllocError::NoMemory);
        };
        self.allocations += 1;
        if on("block too short") && layout.size() > 100 {
            block = block.without_last(1).unwrap_or(block);
        }
        if on("one size too short") && layout.size() == 6145 {
            block = block.without_last(1).unwrap_or(block);
        }
        if on("overlap after a while") && self.allocations > 1500 {
            block = self.blocks.values().next_back().map_or(block, |(last, _)| *last);
        }
        self.blocks.insert(block.start(), (block, layout));
        self.used += self.charge(layout);
        let start = NonZero::new(block.start()).ok_or(AllocError::NoMemory)?;
        Ok(NonNull::with_exposed_provenance(start))
    }

    unsafe fn check_block(&self, pos: NonNull<u8>, layout: Layout) -> AllocResult {
        let refused = on("check refuses live blocks") || !self.is_live(pos, layout) && !on("check accepts all");
        if refused { Err(AllocError::NotAllocated) } else { Ok(()) }
    }

    unsafe fn dealloc(&mut self, pos: NonNull<u8>, layout: Layout) -> AllocResult {
        let unchecked = on("dealloc does not check") && self.total > 0;
        if !self.is_live(pos, layout) && !unchecked || on("dealloc refuses") {
            return Err(AllocError::NotAllocated);
        }
        if self.blocks.remove(&pos.addr().get()).is_some() {
            self.used -= self.refund(layout);
            let lower_of_two = self.blocks.len() == 1 && self.blocks.keys().all(|other| *other > pos.addr().get());
            self.used += usize::from(on("the lower of two leaks") && lower_of_two && layout.align() == 64);
            self.used += if on("free raises used") { layout.size() + 1 } else { 0 };
            self.frees += 1;
        }
        if let Some((block, _)) = self.blocks.values().next().filter(|_| on("free writes into a block")) {
            let first = core::ptr::with_exposed_provenance_mut::<u8>(block.start());
            // SAFETY: the block is memory; that it is another's is what this sabotage abuses.
            unsafe { first.write(0) };
        }
        Ok(())
    }

    unsafe fn realloc(&mut self, pos: NonNull<u8>, layout: Layout, new_size: usize) -> AllocResult<NonNull<u8>> {
        if new_size == 0 {
            let error = on("realloc to zero lacks memory");
            return Err(if error { AllocError::NoMemory } else { AllocError::InvalidParam });
        }
        if !self.is_live(pos, layout) {
            return if on("realloc does not check") { Ok(pos) } else { Err(AllocError::NotAllocated) };
        }
        let Ok(new_layout) = Layout::from_size_align(new_size, layout.align()) else {
            return if on("realloc to any size") { Ok(pos) } else { Err(AllocError::NoMemory) };
        };
        self.reallocations += 1;
        if on("realloc grows in place") && new_size < 2 * layout.size() {
            return Ok(pos);
        }
        let new = match self.alloc(new_layout) {
            Err(error) if on("refused realloc frees") => {
                // SAFETY: 1. Checked above. 2. Broken by intention.
                unsafe { self.dealloc(pos, layout) }?;
                return Err(error);
            }
            answer => answer?,
        };
        let kept = layout.size().min(new_size) - usize::from(on("realloc copies too little"));
        // SAFETY: both blocks are live and apart.
        unsafe { new.copy_from_nonoverlapping(pos, kept) };
        // SAFETY: 1. Checked above. 2. The caller's.
        unsafe { self.dealloc(pos, layout) }?;
        Ok(new)
    }

    fn alloc_zeroed(&mut self, layout: Layout) -> AllocResult<NonNull<u8>> {
        if on("zeroed blocks lack memory") && layout.size() == 0 {
            return Err(AllocError::NoMemory);
        }
        if on("zeroed blocks invalid") && layout.size() > 0 {
            return Err(AllocError::InvalidParam);
        }
        let block = self.alloc(layout)?;
        let zeroed = if on("zeroed blocks not zeroed") { layout.size() - 1 } else { layout.size() };
        // SAFETY: the block is fresh and has these bytes.
        unsafe { block.write_bytes(0, zeroed) };
        Ok(block)
    }

    fn region_for(&self, layout: Layout) -> AllocResult<Layout> {
        if layout.size() == 0 {
            return Err(AllocError::InvalidParam);
        }
        let short = on("region_for too small") || on("region_for too small when full") && self.total > 0;
        let size = if short { layout.size().div_ceil(2) } else { layout.size() };
        Layout::from_size_align(size, layout.align()).map_err(|_| AllocError::NoMemory)
    }

    fn total_bytes(&self) -> usize {
        match self.total {
            total if on("total before memory") => total.max(1),
            total if on("total falls with blocks") => total - self.blocks.len(),
            total if on("total falls with frees") => total - self.frees.min(total),
            total if on("total falls with reallocs") => total - self.reallocations,
            total => total,
        }
    }

    fn used_bytes(&self) -> usize {
        match self.used {
            _ if on("used above total") && !self.blocks.is_empty() => self.total + 1,
            used if on("used rises in large steps") => used.next_multiple_of(65_536).min(self.total),
            used => used,
        }
    }

    fn available_bytes(&self) -> usize {
        self.total_bytes() - self.used_bytes() - usize::from(on("available too small") && !self.blocks.is_empty())
    }
}

impl ToyBytes {
    /// What `used` rises by with a block.
    fn charge(&self, layout: Layout) -> usize {
        match layout.size() {
            size if on("used counted twice") => 2 * size,
            size if on("used below the size") => size - 1,
            size => size,
        }
    }

    /// What `used` falls by when the block is given back.
    fn refund(&self, layout: Layout) -> usize {
        match self.charge(layout) {
            _ if on("used never falls") => 0,
            size if on("padding never refunded") && layout.align() > 1 => size - 1,
            size if on("every hundredth free leaks") && self.frees % 100 == 99 => size - 1,
            size => size,
        }
    }
}
