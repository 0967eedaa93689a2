//! Plays a script and looks at every block: place, alignment, content.
//!
//! A block is filled with bytes that depend on its address and size when it comes, and must hold them when it goes. Live
//! blocks are kept in order of their addresses, so that two that overlap are neighbours.

use std::{collections::BTreeMap, ptr::NonNull, slice};

use anyhow::{Result, bail, ensure};

use super::create;
use crate::{
    play::{Player, Watch},
    region::Region,
    script::{Level, Script},
    subject::{Request, Subject, registry::Visitor},
};

/// Plays the script once under watch.
pub(crate) struct Check<'s> {
    /// What is played.
    pub(crate) script: &'s Script,
    /// The subject's memory.
    pub(crate) region: Region,
    /// Whether blocks must lie in the region; a hosted allocator's do not.
    pub(crate) inside: bool,
}

impl Visitor for Check<'_> {
    type Output = Result<()>;

    fn visit<S: Subject>(self) -> Result<()> {
        let mut subject = create::<S>(self.region)?;
        let mut blocks = Blocks { live: BTreeMap::new(), check: &self, wrong: None };
        let mut player = Player::new(self.script);
        player.prepare(&mut *subject, &mut blocks);
        player.run(&mut *subject, &mut blocks);
        for (block, request) in player.live() {
            blocks.freeing(block, request);
        }
        let mended = blocks.wrong.is_none() && !blocks.live.is_empty();
        ensure!(!mended, "{} blocks are live that no slot holds", blocks.live.len());
        blocks.wrong.map_or(Ok(()), |wrong| bail!("{wrong}"))
    }
}

/// The live blocks by address, with their sizes in bytes, and the first thing that was wrong.
struct Blocks<'c> {
    live: BTreeMap<usize, usize>,
    check: &'c Check<'c>,
    wrong: Option<String>,
}

impl Blocks<'_> {
    fn bytes_of(&self, request: Request) -> usize {
        request.size as usize * self.check.script.level.unit_bytes()
    }

    fn note(&mut self, wrong: String) {
        self.wrong.get_or_insert(wrong);
    }

    /// The bytes of a block that hold its mark; of pages, whose memory is never touched, none.
    fn marked(&self, request: Request) -> usize {
        if self.check.script.level == Level::Pages { 0 } else { request.size as usize }
    }

    fn enter(&mut self, address: usize, request: Request) {
        let bytes = self.bytes_of(request);
        let aligned = address.is_multiple_of(request.align_bytes());
        let start = self.check.region.address();
        let within = start <= address && address - start + bytes <= self.check.region.bytes;
        let below = self.live.range(..=address).next_back().is_some_and(|(&at, &size)| at + size > address);
        let above = self.live.range(address..).next().is_some_and(|(&at, _)| at < address + bytes);
        if !aligned {
            self.note(format!("{address:#x} is not aligned to {}", request.align_bytes()));
        }
        if self.check.inside && !within {
            self.note(format!("{bytes} bytes at {address:#x} are outside the region"));
        }
        if below || above {
            self.note(format!("{bytes} bytes at {address:#x} overlap a live block"));
        }
        self.live.insert(address, bytes);
    }

    fn fill(&self, block: NonNull<u8>, request: Request) {
        let bytes = self.marked(request);
        // SAFETY: the block is live, `bytes` long, and nobody else looks at it now.
        unsafe { block.write_bytes(mark(block), bytes) };
    }

    fn look(&mut self, block: NonNull<u8>, bytes: usize, expected: u8) {
        // SAFETY: the block is live and at least `bytes` long, and was written to when it came.
        let content = unsafe { slice::from_raw_parts(block.as_ptr(), bytes) };
        if let Some(at) = content.iter().position(|&byte| byte != expected) {
            self.note(format!("byte {at} of the block at {block:p} has changed"));
        }
    }
}

/// The byte that fills a block.
fn mark(block: NonNull<u8>) -> u8 {
    (block.addr().get() >> 4).wrapping_mul(0x9d) as u8 ^ 0x5a
}

impl Watch for Blocks<'_> {
    fn allocated(&mut self, block: NonNull<u8>, request: Request) {
        self.enter(block.addr().get(), request);
        // A block that lies over another would spoil what is reported; what matters has been noted.
        if self.wrong.is_none() {
            self.fill(block, request);
        }
    }

    fn freeing(&mut self, block: NonNull<u8>, request: Request) {
        if self.wrong.is_none() {
            self.look(block, self.marked(request), mark(block));
        }
        self.live.remove(&block.addr().get());
    }

    fn resizing(&mut self, block: NonNull<u8>, old: Request, _new: Request) {
        if self.wrong.is_none() {
            self.look(block, self.marked(old), mark(block));
        }
    }

    fn resized(&mut self, from: NonNull<u8>, old: Request, to: NonNull<u8>, new: Request) {
        self.live.remove(&from.addr().get());
        self.enter(to.addr().get(), new);
        if self.wrong.is_none() {
            self.look(to, self.marked(old).min(self.marked(new)), mark(from));
            self.fill(to, new);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::{
        region::memory,
        script::Writer,
        subject::limit::{FreeLists, Nothing},
    };

    fn script() -> Script {
        let mut writer = Writer::new();
        (0..8).for_each(|n| _ = writer.alloc(100 + n, 4));
        (0..4).for_each(|_| writer.free_at(0));
        writer.realloc_at(0, 500);
        let ops = writer.take();
        Script { ops, slots: writer.slots(), ..Script::new(Level::Bytes, 1 << 16) }
    }

    fn verdict<S: Subject>(script: &Script) -> String {
        let check = Check { script, region: memory(script.region_bytes), inside: true };
        check.visit::<S>().map_or_else(|error| error.to_string(), |()| "whole".to_owned())
    }

    /// Free lists with one fault.
    struct Faulty<const FAULT: u8>(Box<FreeLists>, RefCell<Vec<NonNull<u8>>>);
    const MISALIGNED: u8 = 0;
    const SPOILED: u8 = 1;
    const OUTSIDE: u8 = 2;
    const UNCOPIED: u8 = 3;

    // SAFETY: it breaks 1. or 2. where the watch must notice, and inside memory that stays.
    unsafe impl<const FAULT: u8> Subject for Faulty<FAULT> {
        fn create(region: Region) -> Result<Box<Self>, String> {
            let lists = FreeLists::create(Region { bytes: region.bytes - 4096, ..region })?;
            Ok(Box::new(Self(lists, RefCell::default())))
        }

        fn alloc(&mut self, request: Request) -> Option<NonNull<u8>> {
            let block = self.0.alloc(request)?;
            let given = match FAULT {
                MISALIGNED => block.map_addr(|at| at.checked_add(8).unwrap()),
                OUTSIDE => block.map_addr(|at| at.checked_add(1 << 16).unwrap()),
                _ => block,
            };
            self.1.borrow_mut().push(given);
            Some(given)
        }

        unsafe fn dealloc(&mut self, _block: NonNull<u8>, _request: Request) {
            if FAULT == SPOILED {
                let blocks = self.1.borrow();
                // SAFETY: the last block is live.
                unsafe { blocks.last().unwrap().write(!mark(*blocks.last().unwrap())) };
            }
        }

        unsafe fn realloc(&mut self, _: NonNull<u8>, request: Request, size: u32) -> Option<NonNull<u8>> {
            self.alloc(Request { size, ..request })
        }
    }

    #[test]
    fn a_sound_subject_passes() {
        assert_eq!(verdict::<FreeLists>(&script()), "whole");
    }

    #[test]
    fn each_fault_is_seen() {
        assert!(verdict::<Nothing>(&script()).contains("overlap"));
        assert!(verdict::<Faulty<MISALIGNED>>(&script()).contains("not aligned to 16"));
        assert!(verdict::<Faulty<SPOILED>>(&script()).contains("has changed"));
        assert!(verdict::<Faulty<OUTSIDE>>(&script()).contains("outside"));
        assert!(verdict::<Faulty<UNCOPIED>>(&script()).contains("has changed"));
    }
}
