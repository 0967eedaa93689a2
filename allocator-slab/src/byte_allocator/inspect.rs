//! Looking into the allocator: statistics, heap map, integrity.
#![forbid(unsafe_code)]

use allocator_api::{Block, BlockKind, CheckIntegrity, HeapMap, PageAllocator, PagedByteAllocator};

use super::SlabByteAllocator;
use crate::slabs::{Slabs, Stretch};

impl<P> SlabByteAllocator<P> {
    /// The slabs, for their statistics.
    #[must_use]
    pub const fn slabs(&self) -> &Slabs {
        &self.slabs
    }
}

impl<P: PageAllocator + HeapMap> HeapMap for SlabByteAllocator<P> {
    /// A live block is one block, with its rounding. Pages of records, of the page level's as of the slabs', are records as a
    /// whole, though [`used_bytes`](allocator_api::ByteAllocator::used_bytes) counts only what live blocks need of the latter.
    /// So is what is left behind the last object of a slab.
    fn for_each_block(&self, visit: &mut dyn FnMut(Block)) {
        let mut live = Stretch::default();
        self.pages.for_each_block(&mut |block| {
            let before = match block.kind {
                BlockKind::Live => live.push(block.start, block.bytes),
                BlockKind::Free | BlockKind::Records => live.take(),
            };
            if let Some(before) = before {
                self.slabs.for_each_block_in::<P>(before, visit);
            }
            if block.kind != BlockKind::Live {
                visit(block);
            }
        });
        if let Some(last) = live.take() {
            self.slabs.for_each_block_in::<P>(last, visit);
        }
    }
}

impl<P: PageAllocator + HeapMap + CheckIntegrity> CheckIntegrity for SlabByteAllocator<P> {
    /// Checks the page level, the slabs, and that the pages in use are those that the slabs hold.
    fn check_integrity(&self) -> Result<(), &'static str> {
        self.pages.check_integrity()?;
        self.slabs.check_integrity::<P>()?;
        let (mut pages_live, mut found) = (0, 0);
        self.pages.for_each_block(&mut |block| {
            pages_live += if block.kind == BlockKind::Live { block.bytes } else { 0 };
        });
        if pages_live != self.slabs.held_bytes() {
            return Err("the slabs hold the pages that are in use");
        }
        self.for_each_block(&mut |block| found += block.bytes);
        if found == self.pages.total_pages() * P::PAGE_SIZE { Ok(()) } else { Err("no page is told twice") }
    }
}
