//! Measures the backends of this workspace beside other allocators.
//!
//! One process measures one thing and prints it as a line of JSON; `cargo xtask bench` and `cargo xtask replay` start the
//! processes, some of them under Valgrind, and make tables.
//!
//! ```text
//!   subject    an unlocked allocator on a region             subject/
//!   load       a workload or a trace  ──▶ script             load/, script.rs
//!   player     plays a script on a subject, under a watch    play.rs
//!   measure    creates, plays, answers with data             measure/
//! ```

mod load;
mod measure;
mod play;
mod random;
mod region;
mod script;
mod subject;
mod valgrind;

use std::{fs, path::PathBuf, thread};

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};
use serde_json::{Value, json};

use measure::{check::Check, clock, count, maps, memory_for, space, with_subject};
use script::{Action, Script};
use subject::registry::{self, Kind};

/// Measures one allocator on one workload, and prints the result as JSON
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// Which subject and which load.
#[derive(clap::Args)]
struct Pair {
    /// Name of an allocator, as `list` prints it
    #[arg(long)]
    subject: String,
    /// Name of a workload, as `list` prints it, or the path of a trace
    #[arg(long)]
    load: String,
}

#[derive(Subcommand)]
enum Command {
    /// Prints every subject and workload
    List,
    /// Prints what a trace or workload asks for
    About {
        /// Name of a workload or path of a trace
        #[arg(long)]
        load: String,
    },
    /// Checks place, alignment and content of every block
    Check(Pair),
    /// Plays once between requests to callgrind, for means
    Mean(Pair),
    /// Plays once, with callgrind writing the counts of each chosen operation
    Single {
        #[command(flatten)]
        pair: Pair,
        /// File with the indexes of the chosen operations
        #[arg(long)]
        chosen: PathBuf,
    },
    /// Writes the indexes of the allocations and frees that take longest, or of all if they are few
    Slowest {
        #[command(flatten)]
        pair: Pair,
        /// File to write
        #[arg(long)]
        chosen: PathBuf,
        /// How many
        #[arg(long, default_value_t = 200)]
        count: usize,
    },
    /// Times several subjects in turns
    Time {
        /// Names of allocators
        #[arg(long, value_delimiter = ',')]
        subjects: Vec<String>,
        /// Name of a workload or path of a trace
        #[arg(long)]
        load: String,
        /// How often each
        #[arg(long, default_value_t = 11)]
        rounds: usize,
    },
    /// Share of the memory that can be asked for before a request is refused
    Filled(Pair),
    /// Peaks, records and fragmentation over time
    Profile {
        #[command(flatten)]
        pair: Pair,
        /// Size of the region in bytes, if it is to be smaller than the workload's own
        #[arg(long)]
        region_bytes: Option<usize>,
    },
    /// Times of single operations: what a growing share of them stays below
    Latency(Pair),
    /// Where live blocks lie as the script goes on
    Maps(Pair),
    /// Bytes of the allocator's value, and units that it uses before anything is allocated
    Records(Pair),
    /// The smallest region in which nothing is refused, in bytes
    Needed(Pair),
}

/// Stack of the thread that works, in bytes: some allocators are megabytes, and are built on it before they are boxed.
const STACK_BYTES: usize = 512 << 20;

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let work = thread::Builder::new().stack_size(STACK_BYTES).spawn(move || run(arguments.command))?;
    let answer = work.join().map_err(|_| anyhow::anyhow!("the measurement panicked"))??;
    println!("{answer}");
    Ok(())
}

fn run(command: Command) -> Result<Value> {
    match command {
        Command::List => {
            Ok(json!({ "subjects": registry::ENTRIES, "loads": load::entries().collect::<Vec<_>>() }))
        }
        Command::About { load } => about(&load::script(&load)?),
        Command::Check(pair) => check(&pair),
        Command::Mean(pair) => {
            let script = load::script(&pair.load)?;
            let region = memory_for(&script)?;
            let played = with_subject(&pair.subject, &script, count::Mean { script: &script, region })??;
            Ok(json!(played))
        }
        Command::Single { pair, chosen } => single(&pair, &chosen),
        Command::Slowest { pair, chosen, count } => slowest(&pair, &chosen, count),
        Command::Time { subjects, load, rounds } => time(&subjects, &load, rounds),
        Command::Filled(pair) => {
            let script = load::script(&pair.load)?;
            let region = memory_for(&script)?;
            Ok(json!(with_subject(&pair.subject, &script, space::Filled { script: &script, region })??))
        }
        Command::Profile { pair, region_bytes } => {
            let script = load::script(&pair.load)?;
            let region = memory_for(&script)?.first(region_bytes.unwrap_or(usize::MAX));
            Ok(json!(with_subject(&pair.subject, &script, space::Looks { script: &script, region })??))
        }
        Command::Latency(pair) => {
            let script = load::script(&pair.load)?;
            Ok(json!(clock::quantiles(each_shortest(&pair.subject, &script)?)))
        }
        Command::Maps(pair) => {
            let script = load::script(&pair.load)?;
            let region = memory_for(&script)?;
            Ok(json!(with_subject(&pair.subject, &script, maps::Maps { script: &script, region })??))
        }
        Command::Records(pair) => {
            let script = load::script(&pair.load)?;
            let region = memory_for(&script)?;
            Ok(json!(with_subject(&pair.subject, &script, space::Records { region })??))
        }
        Command::Needed(pair) => needed(&pair),
    }
}

fn about(script: &Script) -> Result<Value> {
    Ok(json!({
        "level": script.level,
        "operations": script.ops.len(),
        "peak_requested": script.peak_units(),
        "region_bytes": script.region_bytes,
    }))
}

fn check(pair: &Pair) -> Result<Value> {
    let script = load::script(&pair.load)?;
    let region = memory_for(&script)?;
    let inside = registry::ENTRIES.iter().any(|entry| entry.name == pair.subject && entry.kind != Kind::Hosted);
    with_subject(&pair.subject, &script, Check { script: &script, region, inside })??;
    Ok(json!("whole"))
}

fn single(pair: &Pair, chosen: &PathBuf) -> Result<Value> {
    let script = load::script(&pair.load)?;
    let text = fs::read_to_string(chosen).with_context(|| format!("reading {}", chosen.display()))?;
    let chosen = text.lines().map(str::parse).collect::<Result<Vec<usize>, _>>()?;
    ensure!(chosen.iter().all(|&n| n < script.ops.len()), "an index is beyond the script");
    let region = memory_for(&script)?;
    with_subject(&pair.subject, &script, count::Single { script: &script, region, chosen: &chosen })??;
    Ok(json!(chosen.len()))
}

/// The shortest of several times of each operation, in nanoseconds, so that an interrupt does not make one look slow.
fn each_shortest(subject: &str, script: &Script) -> Result<Vec<u64>> {
    const ROUNDS: usize = 5;
    let region = memory_for(script)?;
    let mut shortest = vec![u64::MAX; script.ops.len()];
    for _ in 0..ROUNDS {
        with_subject(subject, script, clock::Each { script, region, shortest: &mut shortest })??;
    }
    Ok(shortest)
}

fn slowest(pair: &Pair, chosen: &PathBuf, count: usize) -> Result<Value> {
    let script = load::script(&pair.load)?;
    let shortest = each_shortest(&pair.subject, &script)?;
    // What a realloc costs is mostly its copy, which says nothing of the allocator.
    let is_candidate = |&n: &usize| shortest[n] != u64::MAX && script.ops[n].action != Action::Realloc;
    let mut by_time: Vec<usize> = (0..shortest.len()).filter(is_candidate).collect();
    by_time.sort_by_key(|&n| (std::cmp::Reverse(shortest[n]), n));
    by_time.truncate(count);
    by_time.sort_unstable();
    let lines: Vec<String> = by_time.iter().map(usize::to_string).collect();
    fs::write(chosen, lines.join("\n")).with_context(|| format!("writing {}", chosen.display()))?;
    Ok(json!(lines.len()))
}

/// Times in turns, so that what disturbs the machine disturbs all alike; the first round warms up.
fn time(subjects: &[String], load: &str, rounds: usize) -> Result<Value> {
    let script = load::script(load)?;
    let region = memory_for(&script)?;
    let mut times = vec![Vec::new(); subjects.len()];
    for round in 0..=rounds {
        for n in 0..subjects.len() {
            // Each round begins with another subject.
            let n = (n + round) % subjects.len();
            let nanoseconds = with_subject(&subjects[n], &script, clock::Whole { script: &script, region })?;
            match nanoseconds {
                Ok(nanoseconds) if round > 0 => times[n].push(nanoseconds),
                Ok(_) => {}
                Err(error) => eprintln!("{}: {error:#}", subjects[n]),
            }
        }
    }
    Ok(subjects.iter().cloned().zip(times.into_iter().map(Value::from)).collect())
}

/// Tries regions that grow by a sixteenth until one suffices, then halves the last interval, to 1/256 of what is asked for.
/// A larger region need not do where a smaller one does, so the search begins with the smallest.
fn needed(pair: &Pair) -> Result<Value> {
    let script = load::script(&pair.load)?;
    let region = memory_for(&script)?;
    let fits =
        |bytes| with_subject(&pair.subject, &script, space::Fits { script: &script, region: region.first(bytes) });
    let peak_bytes = script.peak_units() as usize * script.level.unit_bytes();
    let step = (peak_bytes / 256).next_multiple_of(script::PAGE_BYTES).max(script::PAGE_BYTES);
    let (mut too_small, mut enough) = (peak_bytes / step, (peak_bytes / step).max(1) + 1);
    while !fits(enough * step)? {
        if enough * step >= region.bytes {
            return Ok(Value::Null);
        }
        too_small = enough;
        enough = (enough + enough.div_ceil(16)).min(region.bytes.div_ceil(step));
    }
    while enough - too_small > 1 {
        let middle = too_small + (enough - too_small) / 2;
        if fits(middle * step)? { enough = middle } else { too_small = middle }
    }
    Ok(json!({ "bytes": enough * step, "peak_requested_bytes": peak_bytes }))
}
