//! Workloads of byte blocks.
#![forbid(unsafe_code)]

use super::{Entry, Figure, mix::kernel_size};
use crate::{
    random::Random,
    script::{Level, Script, Writer},
};

/// Memory of every workload here, in bytes.
const REGION_BYTES: usize = 128 << 20;
/// Memory of the workloads that fill it, in bytes.
const FILLED_BYTES: usize = 32 << 20;
/// `log2` of the alignment of an ordinary block.
const WORD_LOG2: u8 = 3;

const fn mean(name: &'static str, about: &'static str, make: fn() -> Script) -> Entry {
    Entry::new(Level::Bytes, Figure::Mean, name, about, make)
}

const fn fill(name: &'static str, about: &'static str, make: fn() -> Script) -> Entry {
    Entry::new(Level::Bytes, Figure::Efficiency, name, about, make)
}

/// The workloads, in the order of the tables.
pub(crate) const ENTRIES: &[Entry] = &[
    mean("ping-16", "16 B taken and given back beside 16 live", || ping(16)),
    mean("ping-64", "64 B taken and given back beside 16 live", || ping(64)),
    mean("ping-256", "256 B taken and given back beside 16 live", || ping(256)),
    mean("ping-4096", "4096 B taken and given back beside 16 live", || ping(4096)),
    mean("fifo-64", "7500 × 64 B, freed oldest first", || batch(64, Order::Fifo)),
    mean("lifo-64", "7500 × 64 B, freed newest first", || batch(64, Order::Lifo)),
    mean("random-64", "7500 × 64 B, freed in random order", || batch(64, Order::Random)),
    mean("random-4160", "7500 × 4160 B, freed in random order", || batch(4160, Order::Random)),
    mean("actions", "16 B to 4 KiB, random allocs and frees", || actions(0)),
    mean("actions-realloc", "the same, a third of the actions are reallocs", || actions(33)),
    mean("kernel-mix", "sizes of kernel traces, random allocs and frees, about 8000 live", kernel_mix),
    mean("large", "64 KiB to 1 MiB, random allocs and frees", large),
    mean("aligned", "16 B to 4 KiB aligned to 64 B to 4 KiB", aligned),
    fill("kernel-fill", "kernel sizes until one is refused", kernel_fill),
    fill("kernel-churn", "kernel sizes to 75 %, random churn, then until one is refused", kernel_churn),
    fill("half-pages", "half kernel sizes, half 4096 B aligned to 4096 B, until one is refused", half_pages),
];

/// Makes a script for [`REGION_BYTES`].
fn finish(region_bytes: usize, prepare: Vec<crate::script::Op>, mut writer: Writer) -> Script {
    let ops = writer.take();
    Script { prepare, ops, slots: writer.slots(), ..Script::new(Level::Bytes, region_bytes) }
}

/// Live blocks of the same size beside the one that comes and goes: memory in use is not one large free block.
const PING_LIVE: usize = 16;

fn ping(size: u32) -> Script {
    let mut writer = Writer::new();
    let round = |writer: &mut Writer| {
        writer.alloc(size, WORD_LOG2);
        writer.free_at(PING_LIVE);
    };
    (0..PING_LIVE).for_each(|_| _ = writer.alloc(size, WORD_LOG2));
    round(&mut writer);
    let prepare = writer.take();
    (0..20_000).for_each(|_| round(&mut writer));
    finish(REGION_BYTES, prepare, writer)
}

/// In which order a batch is given back.
#[derive(Clone, Copy)]
enum Order {
    Fifo,
    Lifo,
    Random,
}

fn batch(size: u32, order: Order) -> Script {
    const BLOCKS: usize = 7500;
    let (mut writer, mut random) = (Writer::new(), Random::new(64));
    for _ in 0..2 {
        (0..BLOCKS).for_each(|_| _ = writer.alloc(size, WORD_LOG2));
        match order {
            Order::Fifo => writer.free_oldest_first(),
            Order::Lifo => writer.free_all(),
            Order::Random => (0..BLOCKS).for_each(|_| writer.free_any(&mut random)),
        }
    }
    finish(REGION_BYTES, Vec::new(), writer)
}

/// Allocations and frees of what `size` gives, with about `live` blocks live.
fn churn(
    writer: &mut Writer,
    random: &mut Random,
    live: usize,
    count: usize,
    mut alloc: impl FnMut(&mut Random, &mut Writer),
) {
    for _ in 0..count {
        // The fewer are live, the likelier an allocation: the count stays about the same, in waves.
        if writer.live() == 0 || random.below(2 * live) >= writer.live() {
            alloc(random, writer);
        } else {
            writer.free_any(random);
        }
    }
}

fn actions(realloc_percent: usize) -> Script {
    let (mut writer, mut random) = (Writer::new(), Random::new(1));
    let any = |random: &mut Random, writer: &mut Writer| _ = writer.alloc(random.log_within(16, 4096), WORD_LOG2);
    churn(&mut writer, &mut random, 4000, 10_000, any);
    let prepare = writer.take();
    for _ in 0..60_000 {
        if random.percent(realloc_percent) && writer.live() > 0 {
            let index = random.below(writer.live());
            writer.realloc_at(index, random.log_within(16, 4096));
        } else {
            churn(&mut writer, &mut random, 4000, 1, any);
        }
    }
    finish(REGION_BYTES, prepare, writer)
}

fn kernel_mix() -> Script {
    let (mut writer, mut random) = (Writer::new(), Random::new(2));
    let any = |random: &mut Random, writer: &mut Writer| _ = writer.alloc(kernel_size(random), WORD_LOG2);
    churn(&mut writer, &mut random, 8000, 24_000, any);
    let prepare = writer.take();
    churn(&mut writer, &mut random, 8000, 80_000, any);
    finish(REGION_BYTES, prepare, writer)
}

fn large() -> Script {
    let (mut writer, mut random) = (Writer::new(), Random::new(3));
    let any = |random: &mut Random, writer: &mut Writer| {
        _ = writer.alloc(random.log_within(64 << 10, 1 << 20), WORD_LOG2);
    };
    churn(&mut writer, &mut random, 100, 400, any);
    let prepare = writer.take();
    churn(&mut writer, &mut random, 100, 20_000, any);
    finish(REGION_BYTES, prepare, writer)
}

fn aligned() -> Script {
    let (mut writer, mut random) = (Writer::new(), Random::new(4));
    let any = |random: &mut Random, writer: &mut Writer| {
        let size = random.log_within(16, 4096);
        _ = writer.alloc(size, random.within(6, 12) as u8);
    };
    churn(&mut writer, &mut random, 2000, 6000, any);
    let prepare = writer.take();
    churn(&mut writer, &mut random, 2000, 30_000, any);
    finish(REGION_BYTES, prepare, writer)
}

/// Allocates what `alloc` gives until more was asked for than there is.
fn until_full(writer: &mut Writer, mut live_bytes: usize, mut alloc: impl FnMut(&mut Writer) -> u32) {
    while live_bytes <= FILLED_BYTES {
        live_bytes += alloc(writer) as usize;
    }
}

fn kernel_fill() -> Script {
    let (mut writer, mut random) = (Writer::new(), Random::new(6));
    until_full(&mut writer, 0, |writer| {
        let size = kernel_size(&mut random);
        writer.alloc(size, WORD_LOG2);
        size
    });
    Script { fills: true, ..finish(FILLED_BYTES, Vec::new(), writer) }
}

fn kernel_churn() -> Script {
    let (mut writer, mut random) = (Writer::new(), Random::new(7));
    let mut sizes = Vec::new();
    let mut live_bytes = 0_usize;
    let grow = |writer: &mut Writer, sizes: &mut Vec<u32>, random: &mut Random, live_bytes: &mut usize| {
        let size = kernel_size(random);
        writer.alloc(size, WORD_LOG2);
        sizes.push(size);
        *live_bytes += size as usize;
    };
    let mut filled_to = |percent: usize, writer: &mut Writer, random: &mut Random, rounds: usize| {
        for _ in 0..rounds {
            while live_bytes < FILLED_BYTES / 100 * percent {
                grow(writer, &mut sizes, random, &mut live_bytes);
            }
            // A tenth of the blocks goes, wherever they lie.
            for _ in 0..writer.live() / 10 {
                let index = random.below(writer.live());
                live_bytes -= sizes.swap_remove(index) as usize;
                writer.free_at(index);
            }
        }
        live_bytes
    };
    // The packages with the largest losses fill up beyond 65 %.
    let live = filled_to(65, &mut writer, &mut random, 30);
    let prepare = writer.take();
    until_full(&mut writer, live, |writer| {
        let size = kernel_size(&mut random);
        writer.alloc(size, WORD_LOG2);
        size
    });
    Script { fills: true, ..finish(FILLED_BYTES, prepare, writer) }
}

fn half_pages() -> Script {
    let (mut writer, mut random) = (Writer::new(), Random::new(8));
    until_full(&mut writer, 0, |writer| {
        let (size, align_log2) =
            if random.percent(50) { (4096, 12) } else { (kernel_size(&mut random), WORD_LOG2) };
        writer.alloc(size, align_log2);
        size
    });
    Script { fills: true, ..finish(FILLED_BYTES, Vec::new(), writer) }
}
