//! What the pages held are used for.
#![forbid(unsafe_code)]

use allocator_api::{Block, BlockKind, PageAllocator};

use super::Slabs;
use crate::memory::{RecordRef, Source, State};

/// Joins the live stretches that a page level tells one after the other, so that none ends inside a slab or a run.
#[derive(Default)]
pub(crate) struct Stretch {
    start: usize,
    bytes: usize,
}

impl Stretch {
    /// Adds a stretch, and returns what came before it and does not touch it.
    pub(crate) fn push(&mut self, start: usize, bytes: usize) -> Option<Self> {
        if self.bytes != 0 && self.start.wrapping_add(self.bytes) == start {
            self.bytes += bytes;
            return None;
        }
        core::mem::replace(self, Self { start, bytes }).some()
    }

    /// Takes out what there is.
    pub(crate) fn take(&mut self) -> Option<Self> {
        core::mem::take(self).some()
    }

    fn some(self) -> Option<Self> {
        (self.bytes != 0).then_some(self)
    }
}

impl Slabs {
    /// Visits what a stretch of pages, all of them held, is used for. A live object, run or page is one block; of free
    /// objects that are neighbours one is made; what is behind the last object of a slab, and what is in no slab and no run, is
    /// records.
    pub(crate) fn for_each_block_in<P: PageAllocator>(&self, stretch: Stretch, visit: &mut dyn FnMut(Block)) {
        let unit = Source::<P>::UNIT_BYTES;
        let mut done = 0;
        while done < stretch.bytes {
            let start = stretch.start + done;
            let record = self.map.get(start);
            let (bytes, kind) = match record.state() {
                State::None => (unit, BlockKind::Records),
                State::CachedPage => (unit, BlockKind::Free),
                State::Page => (unit, BlockKind::Live),
                State::Run => (record.bits(0) as usize, BlockKind::Live),
                State::Partial | State::Exhausted => {
                    done += self.visit_slab(record, visit);
                    continue;
                }
            };
            visit(Block { start, bytes, kind });
            done += bytes.max(unit);
        }
    }

    /// Visits the objects of a slab. Returns its bytes.
    fn visit_slab(&self, slab: RecordRef, visit: &mut dyn FnMut(Block)) -> usize {
        let class = self.classes.look_at(slab);
        let (base, mut free_from) = (slab.base(), 0);
        let visit_free = |from: usize, to: usize, visit: &mut dyn FnMut(Block)| {
            if from < to {
                visit(Block { start: base + from, bytes: to - from, kind: BlockKind::Free });
            }
        };
        for object in (0..class.capacity).filter(|&object| !class.is_free(slab, object)) {
            let start = object * class.size;
            visit_free(free_from, start, visit);
            visit(Block { start: base + start, bytes: class.size, kind: BlockKind::Live });
            free_from = start + class.size;
        }
        let tail_from = class.capacity * class.size;
        visit_free(free_from, tail_from, visit);
        if tail_from < class.slab_bytes {
            let (start, bytes) = (base + tail_from, class.slab_bytes - tail_from);
            visit(Block { start, bytes, kind: BlockKind::Records });
        }
        class.slab_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::Stretch;

    #[test]
    fn stretches_that_touch_are_one_and_others_come_out_one_by_one() {
        let mut live = Stretch::default();
        let bounds = |stretch: Option<Stretch>| stretch.map(|stretch| (stretch.start, stretch.bytes));
        assert_eq!(bounds(live.take()), None);
        assert_eq!(bounds(live.push(4096, 8192)), None);
        assert_eq!(bounds(live.push(12_288, 4096)), None);
        assert_eq!(bounds(live.push(20_480, 4096)), Some((4096, 12_288)));
        assert_eq!(bounds(live.push(usize::MAX - 4095, 4096)), Some((20_480, 4096)));
        assert_eq!(bounds(live.take()), Some((usize::MAX - 4095, 4096)));
        assert_eq!(bounds(live.take()), None);
    }
}
