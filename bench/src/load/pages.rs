//! Workloads of pages.
#![forbid(unsafe_code)]

use super::{Entry, Figure};
use crate::{
    random::Random,
    script::{Level, Op, PAGE_BYTES, Pattern, Script, Writer},
};

const GIB: usize = 1 << 30;
const PAGE_LOG2: u8 = PAGE_BYTES.ilog2() as u8;

const fn entry(name: &'static str, figure: Figure, about: &'static str, make: fn() -> Script) -> Entry {
    Entry::new(Level::Pages, figure, name, about, make)
}

use Figure::{Mean, Worst};

/// The workloads, in the order of the tables.
pub(crate) const ENTRIES: &[Entry] = &[
    entry("page-ping", Mean, "one page taken and given back, 1 GiB", || ping(GIB)),
    entry("page-random", Mean, "single pages, random frees, 75 % full, 1 GiB", || singles(GIB)),
    entry("run-ping", Mean, "16 pages taken and given back while others are live, 1 GiB", || run_ping(GIB)),
    entry("runs-pow2", Mean, "runs of 2^0 to 2^9 pages, 50 to 90 % full, 1 GiB", || runs(GIB, power_of_two)),
    entry("runs-300", Mean, "runs of 1 to 300 pages, 50 to 90 % full, 1 GiB", || runs(GIB, up_to_300)),
    entry("runs-pow2-64g", Mean, "runs of 2^0 to 2^9 pages, 64 GiB", || runs(64 * GIB, power_of_two)),
    entry("runs-300-64g", Mean, "runs of 1 to 300 pages, 64 GiB", || runs(64 * GIB, up_to_300)),
    entry("runs-pow2-1t", Mean, "runs of 2^0 to 2^9 pages, 1 TiB", || runs(1024 * GIB, power_of_two)),
    entry("runs-300-1t", Mean, "runs of 1 to 300 pages, 1 TiB", || runs(1024 * GIB, up_to_300)),
    entry("page-random-64g", Mean, "single pages among runs of 1 to 300, 64 GiB", || singles_among_runs(64 * GIB)),
    entry("page-random-1t", Mean, "single pages among runs of 1 to 300, 1 TiB", || singles_among_runs(1024 * GIB)),
    entry("refused-run", Worst, "two pages where every other page is free, 1 GiB", || {
        refused(GIB, PAGE_LOG2, Pattern::EveryOtherPage)
    }),
    entry("refused-run-64g", Worst, "two pages where every other page is free, 64 GiB", || {
        refused(64 * GIB, PAGE_LOG2, Pattern::EveryOtherPage)
    }),
    entry(
        "refused-block-64g",
        Worst,
        "two pages aligned to both, where only pairs between are free, 64 GiB",
        || refused(64 * GIB, PAGE_LOG2 + 1, Pattern::MiddleTwoOfFour),
    ),
];

fn finish(region_bytes: usize, prepare: Vec<Op>, mut writer: Writer) -> Script {
    let ops = writer.take();
    Script { prepare, ops, slots: writer.slots(), ..Script::new(Level::Pages, region_bytes) }
}

fn ping(region_bytes: usize) -> Script {
    let mut writer = Writer::new();
    for _ in 0..20_000 {
        writer.alloc(1, PAGE_LOG2);
        writer.free_at(0);
    }
    finish(region_bytes, Vec::new(), writer)
}

fn run_ping(region_bytes: usize) -> Script {
    let mut writer = Writer::new();
    for pages in [1, 600] {
        writer.alloc(pages, PAGE_LOG2);
    }
    let prepare = writer.take();
    for _ in 0..20_000 {
        writer.alloc(16, PAGE_LOG2);
        writer.free_at(2);
    }
    finish(region_bytes, prepare, writer)
}

/// Allocates or frees, whichever brings the live count nearer to `live`, more or less.
fn churn_singles(writer: &mut Writer, random: &mut Random, live: usize, floor: usize, count: usize) {
    for _ in 0..count {
        let above_floor = writer.live() - floor;
        if above_floor == 0 || random.below(2 * live) >= above_floor {
            writer.alloc(1, PAGE_LOG2);
        } else {
            writer.free_at(floor + random.below(above_floor));
        }
    }
}

fn singles(region_bytes: usize) -> Script {
    let (mut writer, mut random) = (Writer::new(), Random::new(21));
    let target = region_bytes / PAGE_BYTES / 4 * 3;
    (0..target + 20_000).for_each(|_| _ = writer.alloc(1, PAGE_LOG2));
    (0..40_000).for_each(|_| writer.free_any(&mut random));
    let prepare = writer.take();
    churn_singles(&mut writer, &mut random, target, 0, 60_000);
    finish(region_bytes, prepare, writer)
}

fn power_of_two(random: &mut Random) -> u32 {
    1 << random.below(10)
}

fn up_to_300(random: &mut Random) -> u32 {
    random.within(1, 300)
}

/// Fills to 90 % with runs, then frees at random down to 50 %: the state in which runs are asked for.
fn occupied(
    region_bytes: usize,
    writer: &mut Writer,
    random: &mut Random,
    size: fn(&mut Random) -> u32,
) -> Occupancy {
    let pages = region_bytes / PAGE_BYTES;
    let mut occupancy = Occupancy { sizes: Vec::new(), live_pages: 0, size };
    while occupancy.live_pages < pages / 10 * 9 - 512 {
        occupancy.alloc(writer, random);
    }
    while occupancy.live_pages > pages / 2 {
        occupancy.free(writer, random);
    }
    occupancy
}

/// What a script of runs holds.
struct Occupancy {
    sizes: Vec<u32>,
    live_pages: usize,
    size: fn(&mut Random) -> u32,
}

impl Occupancy {
    fn alloc(&mut self, writer: &mut Writer, random: &mut Random) {
        let size = (self.size)(random);
        writer.alloc(size, PAGE_LOG2);
        self.sizes.push(size);
        self.live_pages += size as usize;
    }

    fn free(&mut self, writer: &mut Writer, random: &mut Random) {
        let index = random.below(self.sizes.len());
        self.live_pages -= self.sizes.swap_remove(index) as usize;
        writer.free_at(index);
    }
}

/// Random runs come and go at eight levels of occupancy from 50 to 85 %.
fn runs(region_bytes: usize, size: fn(&mut Random) -> u32) -> Script {
    let (mut writer, mut random) = (Writer::new(), Random::new(22));
    let mut occupancy = occupied(region_bytes, &mut writer, &mut random, size);
    let prepare = writer.take();
    let pages = region_bytes / PAGE_BYTES;
    // A large memory stays near its level; a small one passes through all of them.
    for step in 0..8 {
        let level = (pages / 100 * (50 + 5 * step)).min(occupancy.live_pages + 100_000);
        for _ in 0..1000 {
            if occupancy.live_pages < level {
                occupancy.alloc(&mut writer, &mut random)
            } else {
                occupancy.free(&mut writer, &mut random)
            }
        }
    }
    finish(region_bytes, prepare, writer)
}

fn singles_among_runs(region_bytes: usize) -> Script {
    let (mut writer, mut random) = (Writer::new(), Random::new(23));
    occupied(region_bytes, &mut writer, &mut random, up_to_300);
    let floor = writer.live();
    churn_singles(&mut writer, &mut random, 20_000, floor, 60_000);
    let prepare = writer.take();
    churn_singles(&mut writer, &mut random, 20_000, floor, 20_000);
    finish(region_bytes, prepare, writer)
}

fn refused(region_bytes: usize, align_log2: u8, pattern: Pattern) -> Script {
    let mut writer = Writer::new();
    (0..20).for_each(|_| _ = writer.alloc(2, align_log2));
    let script = finish(region_bytes, Vec::new(), writer);
    Script { pattern, ..script }
}
