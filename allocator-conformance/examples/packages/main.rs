//! The suite on allocators from elsewhere, as they are: what each keeps, and what it breaks.
//!
//! The adapters add what the packages do not have (statistics, and the answers to requests of size 0), and nothing that
//! would mend them. Each case runs in a process of its own: one in which a package panics, dies or does not end is told
//! as such, and spoils no other.
//!
//! ```text
//! cargo run --release -p allocator-conformance --example packages
//! ```

mod bytes;
mod heaps;
mod pages;

use std::{
    error::Error,
    panic::{AssertUnwindSafe, catch_unwind},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use allocator_conformance::{Arena, Bench, Case, Slot, api::Declared, byte_cases, page_cases};

use self::{
    bytes::{Adapter, RawHeap},
    heaps::{Buddies, LinkedList, SilentSlabs, Slabs, Talc, Tlsf},
    pages::Bits,
};

/// How long a case may take. Each is a matter of milliseconds, with an allocator that keeps the contract.
const PATIENCE: Duration = Duration::from_secs(10);

static ARENA: Arena = Arena::new();

/// A package: its cases by name, and how to run one.
struct Package {
    name: &'static str,
    cases: Vec<&'static str>,
    run: fn(&str) -> String,
}

fn heap<H: RawHeap>() -> Package {
    let cases = byte_cases::<Adapter<H>>().iter().map(|case| case.name).collect();
    Package { name: H::NAME, cases, run: |name| line_of(byte_cases::<Adapter<H>>(), name) }
}

fn packages() -> [Package; 7] {
    let cases = page_cases::<Bits>().iter().map(|case| case.name).collect();
    [
        heap::<Slabs>(),
        heap::<SilentSlabs>(),
        heap::<Buddies>(),
        heap::<Tlsf>(),
        heap::<LinkedList>(),
        heap::<Talc>(),
        Package { name: pages::NAME, cases, run: |name| line_of(page_cases::<Bits>(), name) },
    ]
}

/// The report of one case, run here and now.
fn line_of<A: Declared + allocator_conformance::api::ConstEmpty>(cases: &'static [Case<A>], name: &str) -> String {
    let slot: &'static Slot<A> = Box::leak(Box::new(Slot::new()));
    let mut bench = Bench::on(slot, &ARENA).expect("a process runs one case");
    let case = cases.iter().find(|case| case.name == name).expect("the other process knows the cases' names");
    let report = catch_unwind(AssertUnwindSafe(|| case.run(&mut bench)));
    report.map_or_else(|_| broken(name, "it panics"), |report| report.to_string())
}

fn broken(case: &str, how: &str) -> String {
    format!("failed    {case}: {how}")
}

/// The report of one case, run in a process of its own.
fn line_from_process(package: usize, case: &str) -> Result<String, Box<dyn Error>> {
    let mut process = Command::new(std::env::current_exe()?)
        .args([&package.to_string(), case])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let begin = Instant::now();
    while process.try_wait()?.is_none() {
        if begin.elapsed() > PATIENCE {
            process.kill()?;
            process.wait()?;
            return Ok(broken(case, &format!("it does not end within {} seconds", PATIENCE.as_secs())));
        }
        thread::sleep(Duration::from_millis(1));
    }
    let output = process.wait_with_output()?;
    if !output.status.success() {
        return Ok(broken(case, &format!("the process dies ({})", output.status)));
    }
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}

fn show(index: usize, package: &Package) -> Result<(), Box<dyn Error>> {
    println!("{}:", package.name);
    let [mut kept, mut broken, mut not_asked] = [0; 3];
    for case in &package.cases {
        let line = line_from_process(index, case)?;
        match line.split(' ').next() {
            Some("passed") => kept += 1,
            Some("failed") => {
                broken += 1;
                println!("  {line}");
            }
            _ => not_asked += 1,
        }
    }
    println!("  {kept} kept, {broken} broken, {not_asked} not asked of it");
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let packages = packages();
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [package, case] = words.as_slice() {
        // What a panic has to say is the package's own affair.
        std::panic::set_hook(Box::new(|_| {}));
        let package = packages.get(package.parse::<usize>()?).ok_or("no such package")?;
        println!("{}", (package.run)(case));
        return Ok(());
    }
    packages.iter().enumerate().try_for_each(|(index, package)| show(index, package))
}
