//! Short scripts that lead one algorithm or another to its most expensive operation.
//!
//! Every operation of these scripts is counted by itself. What each is after:
//!
//! ```text
//!   cascade   a block of the smallest size out of nothing but one large one: split at every order, merge at every order
//!   misfits   holes large enough for an aligned request, but without an aligned place: a search tries one after another
//!   comb      many small holes before the first that fits
//!   pinned    slabs with one live block each: none can go back, all are partial
//!   holes     a hole of every size: a good fit among many classes
//!   shuffled  many free blocks of one size, freed in random order: merging has to find the neighbour
//!   refill    the first block of each size
//! ```
#![forbid(unsafe_code)]

use super::{Entry, Figure};
use crate::{
    random::Random,
    script::{Level, Op, Script, Writer},
};

const REGION_BYTES: usize = 128 << 20;
const WORD_LOG2: u8 = 3;
const PAGE_LOG2: u8 = 12;

const fn worst(name: &'static str, about: &'static str, make: fn() -> Script) -> Entry {
    Entry::new(Level::Bytes, Figure::Worst, name, about, make)
}

/// The workloads, in the order of the tables.
pub(crate) const ENTRIES: &[Entry] = &[
    worst("cascade", "one block of 16 B to 32 MiB in free memory", cascade),
    worst("misfits", "4 KiB aligned to 4 KiB among 2000 holes without an aligned place", misfits),
    worst("comb", "128 B to 1 KiB behind 10000 holes of 64 B", comb),
    worst("pinned", "64 B where every 64th of 20000 is live", pinned),
    worst("holes", "any size among holes of every size up to 8 KiB", holes),
    worst("shuffled", "20000 × 64 B, freed in random order", shuffled),
    worst("refill", "the first blocks of each size up to 32 KiB", refill),
];

fn finish(prepare: Vec<Op>, mut writer: Writer) -> Script {
    let ops = writer.take();
    Script { prepare, ops, slots: writer.slots(), ..Script::new(Level::Bytes, REGION_BYTES) }
}

/// Allocates `count` blocks and frees those of which `is_hole` holds, the oldest first.
fn with_holes(writer: &mut Writer, count: usize, size: impl Fn(usize) -> u32, is_hole: impl Fn(usize) -> bool) {
    let first = writer.live();
    (0..count).for_each(|n| _ = writer.alloc(size(n), WORD_LOG2));
    // The last live slot takes the place of a freed one; going down, that one stays.
    for n in (0..count).rev().filter(|&n| is_hole(n)) {
        writer.free_at(first + n);
    }
}

fn cascade() -> Script {
    let mut writer = Writer::new();
    for _ in 0..20 {
        for size_log2 in 4..=25 {
            writer.alloc(1 << size_log2, WORD_LOG2);
            writer.free_at(0);
        }
    }
    finish(Vec::new(), writer)
}

fn misfits() -> Script {
    let mut writer = Writer::new();
    // One place in forty of a hole of 4200 bytes leaves an aligned page in it.
    with_holes(&mut writer, 4000, |n| if n % 2 == 0 { 4200 } else { 600 }, |n| n % 2 == 0);
    let prepare = writer.take();
    for _ in 0..3 {
        let live = writer.live();
        (0..200).for_each(|_| _ = writer.alloc(4096, PAGE_LOG2));
        (0..200).for_each(|_| writer.free_at(live));
    }
    finish(prepare, writer)
}

fn comb() -> Script {
    let (mut writer, mut random) = (Writer::new(), Random::new(11));
    with_holes(&mut writer, 20_000, |_| 64, |n| n % 2 == 0);
    let prepare = writer.take();
    for _ in 0..600 {
        writer.alloc(random.log_within(128, 1024), WORD_LOG2);
    }
    (0..600).for_each(|_| writer.free_any(&mut random));
    finish(prepare, writer)
}

fn pinned() -> Script {
    let (mut writer, mut random) = (Writer::new(), Random::new(12));
    with_holes(&mut writer, 20_000, |_| 64, |n| n % 64 != 0);
    let prepare = writer.take();
    let live = writer.live();
    (0..800).for_each(|_| _ = writer.alloc(64, WORD_LOG2));
    (0..800 + live).for_each(|_| writer.free_any(&mut random));
    finish(prepare, writer)
}

fn holes() -> Script {
    let (mut writer, mut random) = (Writer::new(), Random::new(13));
    with_holes(&mut writer, 2000, |n| if n % 2 == 0 { (n as u32 + 2) * 4 } else { 32 }, |n| n % 2 == 0);
    let prepare = writer.take();
    for _ in 0..1000 {
        if random.percent(50) {
            writer.alloc(random.log_within(16, 8192), WORD_LOG2);
        } else {
            writer.free_any(&mut random);
        }
    }
    finish(prepare, writer)
}

fn shuffled() -> Script {
    let (mut writer, mut random) = (Writer::new(), Random::new(14));
    (0..20_000).for_each(|_| _ = writer.alloc(64, WORD_LOG2));
    (0..9_000).for_each(|_| writer.free_any(&mut random));
    let prepare = writer.take();
    (0..1000).for_each(|_| writer.free_any(&mut random));
    (0..200).for_each(|_| _ = writer.alloc(64, WORD_LOG2));
    finish(prepare, writer)
}

fn refill() -> Script {
    let mut writer = Writer::new();
    for size in (1..=64).map(|n| n * 16).chain((9..=128).map(|n| n * 128)).chain((17..=32).map(|n| n * 1024)) {
        (0..3).for_each(|_| _ = writer.alloc(size, WORD_LOG2));
    }
    writer.free_all();
    finish(Vec::new(), writer)
}
