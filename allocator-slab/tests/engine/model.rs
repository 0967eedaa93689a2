//! Long random scripts against a list of live blocks. After each step all records are checked; every block is filled to its
//! last usable byte, and written to once more after it was given back.

use std::collections::BTreeMap;

use allocator_api::{
    AllocError, BlockKind, ByteAllocator, CheckIntegrity, HeapMap, InvalidFrees, ReclaimMemory, UsableSize,
};

use crate::{
    arena::Arena,
    blocks::{Filled, Heap, KIB, MIB, Random, free, heap_over, layout},
};

struct Model<const PAGE_SIZE: usize> {
    heap: Box<Heap<PAGE_SIZE>>,
    live: Vec<Filled>,
    random: Random,
    refused: usize,
    moved: usize,
    stayed: usize,
}

impl<const PAGE_SIZE: usize> Model<PAGE_SIZE> {
    fn alloc(&mut self) {
        let (layout, mark) = (self.random.layout(), self.random.below(256) as u8);
        let is_zeroed = self.random.below(4) == 0;
        let before = self.heap.used_bytes();
        let answer = if is_zeroed { self.heap.alloc_zeroed(layout) } else { self.heap.alloc(layout) };
        match answer {
            Ok(block) => {
                if is_zeroed {
                    // SAFETY: the block is live and has that many bytes, which were written.
                    let contents = unsafe { std::slice::from_raw_parts(block.as_ptr(), layout.size()) };
                    assert!(contents.iter().all(|&byte| byte == 0));
                }
                self.live.push(Filled::new(block, layout, self.heap.usable_size(layout), mark));
            }
            Err(error) => {
                assert_eq!((error, self.heap.used_bytes()), (AllocError::NoMemory, before));
                self.refused += 1;
            }
        }
    }

    fn any(&mut self) -> Option<Filled> {
        let index = self.random.below(self.live.len().max(1));
        (index < self.live.len()).then(|| self.live.swap_remove(index))
    }

    fn free(&mut self) {
        let Some(filled) = self.any() else { return };
        assert!(filled.is_intact(filled.bytes));
        assert_eq!(free(&mut self.heap, filled.block, filled.layout), Ok(()));
        filled.write(0x5a);
        assert_eq!(free(&mut self.heap, filled.block, filled.layout), Err(AllocError::NotAllocated));
    }

    fn free_wrongly(&mut self) {
        let Some(filled) = self.any() else { return };
        let (size, align) = (filled.layout.size(), filled.layout.align());
        let offset = 1 + self.random.below(filled.bytes * 2);
        let elsewhere = filled.block.map_addr(|address| address.saturating_add(offset));
        let before = self.heap.used_bytes();
        if self.live.iter().all(|other| other.block != elsewhere) {
            assert_eq!(free(&mut self.heap, elsewhere, filled.layout), Err(AllocError::NotAllocated));
        }
        for (size, align) in [(filled.bytes + 1, 1), (0, align), (1, 1 << 20), (size + 70 * KIB, 1)] {
            let wrong = layout(size, align);
            if self.heap.usable_size(wrong) == filled.bytes {
                continue;
            }
            assert_eq!(free(&mut self.heap, filled.block, wrong), Err(AllocError::NotAllocated), "{wrong:?}");
            // SAFETY: 1. The mistake is one that is detected. 2. It is refused.
            let answer = unsafe { self.heap.realloc(filled.block, wrong, 1) };
            assert_eq!(answer, Err(AllocError::NotAllocated));
        }
        assert_eq!(self.heap.used_bytes(), before);
        self.live.push(filled);
    }

    fn resize(&mut self) {
        let Some(filled) = self.any() else { return };
        let size = match self.random.below(3) {
            0 => self.random.layout().size(),
            1 => filled.layout.size() + self.random.below(3 * PAGE_SIZE),
            _ => filled.layout.size().div_ceil(1 + self.random.below(3)),
        };
        let resized = layout(size, filled.layout.align());
        // SAFETY: 1. The block is live, with this layout. 2. Only the new one is used after `Ok`.
        match unsafe { self.heap.realloc(filled.block, filled.layout, size) } {
            Ok(block) => {
                let kept = filled.layout.size().min(size);
                if block == filled.block {
                    self.stayed += 1
                } else {
                    self.moved += 1
                };
                assert!(Filled { block, ..filled }.is_intact(kept));
                let mark = self.random.below(256) as u8;
                self.live.push(Filled::new(block, resized, self.heap.usable_size(resized), mark));
            }
            Err(error) => {
                assert_eq!(error, AllocError::NoMemory);
                self.live.push(filled);
            }
        }
    }

    fn step(&mut self) {
        match self.random.below(16) {
            0..6 => self.alloc(),
            6..11 => self.free(),
            11 => self.free_wrongly(),
            12..15 => self.resize(),
            // No piece is so large: everything unused goes to the page level.
            _ => assert_eq!(self.heap.reclaim(1 << 30), None),
        }
        self.heap.check_integrity().unwrap();
    }

    /// Checks that the heap map tells every byte once, and the live blocks.
    fn compare_map(&self) {
        let mut live: BTreeMap<usize, usize> = BTreeMap::new();
        let (mut next, mut bytes) = (0, 0);
        self.heap.for_each_block(&mut |block| {
            assert!(block.start >= next && block.bytes > 0, "{block:?} from {next:#x} on");
            next = block.start + block.bytes;
            bytes += block.bytes;
            if block.kind == BlockKind::Live {
                live.insert(block.start, block.bytes);
            }
        });
        assert_eq!(bytes, self.heap.total_bytes());
        assert_eq!(live.len(), self.live.len());
        for filled in &self.live {
            let found = live.get(&filled.address()).copied().unwrap_or(0);
            assert!(found >= filled.bytes, "{found} for {} bytes", filled.bytes);
        }
        let classes: usize = self.heap.slabs().size_classes().map(|class| class.live).sum();
        assert_eq!(classes + self.heap.slabs().runs().live, self.live.len());
    }
}

/// Plays a script. Returns how many requests were refused, and how many blocks moved and stayed when resized.
fn play<const PAGE_SIZE: usize>(seed: u64, bytes: usize, steps: usize) -> [usize; 3] {
    let arena = Arena::new(bytes, PAGE_SIZE);
    let heap = heap_over::<PAGE_SIZE>(&arena, bytes);
    let begin = heap.used_bytes();
    assert_eq!(heap.detects(), InvalidFrees::ALL);
    let mut model = Model { heap, live: Vec::new(), random: Random(seed), refused: 0, moved: 0, stayed: 0 };
    for step in 0..steps {
        model.step();
        if step % 16 == 0 {
            model.compare_map();
        }
    }
    assert!(model.live.iter().all(|filled| filled.is_intact(filled.bytes)));
    while !model.live.is_empty() {
        model.free();
        model.heap.check_integrity().unwrap();
    }
    model.compare_map();
    assert_eq!(model.heap.used_bytes(), begin);
    assert_eq!(model.heap.reclaim(1 << 30), None);
    assert_eq!((model.heap.used_bytes(), model.heap.slabs().runs().kept_pages), (begin, 0));
    [model.refused, model.moved, model.stayed]
}

/// Plays scripts on a roomy heap and on one that is always full.
fn play_all<const PAGE_SIZE: usize>(roomy: usize, tight: usize) {
    for seed in 1..3 {
        let [refused, moved, stayed] = play::<PAGE_SIZE>(seed, roomy, 1000);
        assert!(refused == 0 && moved > 0 && stayed > 0, "{refused} refused, {moved} moved, {stayed} stayed");
        let [refused, ..] = play::<PAGE_SIZE>(seed, tight, 1000);
        assert!(refused > 0);
    }
}

#[test]
fn scripts_on_pages_of_4_kib_are_answered_as_the_model_says() {
    play_all::<4096>(32 * MIB, 200 * KIB);
}

#[test]
fn scripts_on_pages_of_16_kib_are_answered_as_the_model_says() {
    play_all::<{ 16 * KIB }>(32 * MIB, 512 * KIB);
}

#[test]
fn scripts_on_pages_of_64_kib_are_answered_as_the_model_says() {
    play_all::<{ 64 * KIB }>(64 * MIB, 640 * KIB);
}

#[test]
fn scripts_on_pages_of_1_kib_are_answered_as_the_model_says() {
    play_all::<KIB>(32 * MIB, 200 * KIB);
}
