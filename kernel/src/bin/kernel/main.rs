//! A freestanding kernel that proves the allocators on a bare machine.
//!
//! ```text
//!   arch::entry ─► kernel_main ─► serial console, segments, exceptions
//!                      │ ─► boot record: memory map, command line
//!                      │ ─► page tables
//!                      │ ─► heap: all usable memory
//!                      │ ─► provoke, if the command line asks for it
//!                      │ ─► conformance ─► collections ─► replay and recovery ─► burst
//!                      └ ─► finish
//! ```
//!
//! It prints lines for people, and lines for the program that runs it (see [`kernel::report`]), and ends with an
//! exit status (see [`kernel::status`]). It runs on one processor, with interrupts off.
//!
//! Unsafe code is in the files below `arch`, in `heap` and below it, in `console`, whose lock can be broken, and in this
//! file, where the first steps come in an order that only it knows.
#![no_std]
#![no_main]

#[cfg(not(all(
    any(feature = "slab", feature = "slab-package", feature = "tlsf", feature = "buddy"),
    any(feature = "bitmap", feature = "bitmap-package")
)))]
compile_error!(
    "choose a byte backend (slab, slab-package, tlsf, buddy) and a page backend (bitmap, bitmap-lent, bitmap-package) by feature"
);

extern crate alloc;

mod arch;
mod burst;
mod collections;
mod conformance;
mod console;
mod finish;
mod heap;
mod panic;
mod provoke;
#[cfg(feature = "record")]
mod recorder;
mod replay;

use allocator::{Declared, DefaultByteAllocator};
use kernel::{command_line::Mistake, status::Status};

use arch::{boot_record::BootRecord, image::Image, page_tables};
use heap::{HEAP, PageLevel};

/// Where the entry code goes, with the address of the start record.
#[unsafe(no_mangle)]
extern "C" fn kernel_main(start_record: usize) -> ! {
    console::set_up();
    arch::set_up_processor();
    println!("kernel started");
    // SAFETY: 1. the entry code loaded the first page tables, and nothing has replaced them. 2. The address comes from
    // the entry code, which got it from the machine; so far only statics and the stack have been written.
    let boot = match unsafe { BootRecord::copy_from(start_record) } {
        Ok(boot) => boot,
        Err(error) => panic!("{error}"),
    };
    print_boot_record(&boot);
    let image = Image::of_this_program();
    switch_page_tables(&boot, &image);
    set_up_heap(&boot, &image);
    #[cfg(feature = "record")]
    recorder::start();
    let expected_invalid_frees = provoke(boot.command_line());
    let passed = prove();
    let invalid_frees = HEAP.invalid_frees();
    println!("{HEAP:?}");
    let is_ok = passed && invalid_frees == expected_invalid_frees;
    finish::with(if is_ok { Status::Ok } else { Status::Failed })
}

fn print_boot_record(boot: &BootRecord) {
    println!("command line: \"{}\"", boot.command_line());
    println!("memory map of the firmware:");
    for entry in boot.memory_map.entries() {
        println!("  {entry}");
    }
}

fn switch_page_tables(boot: &BootRecord, image: &Image) {
    match page_tables::switch_to(&boot.memory_map, image) {
        Ok(summary) => println!(
            "page tables: {} of 4 KiB, pages of 1 GiB {}",
            summary.tables,
            if summary.gigantic_pages { "allowed" } else { "not to be had" }
        ),
        Err(error) => panic!("cannot map the memory: {error}"),
    }
}

fn set_up_heap(boot: &BootRecord, image: &Image) {
    // SAFETY: 1. `switch_page_tables` has mapped it. 2. The kernel has used nothing but the program so far; the machine
    // left its records in low memory or where the boot record says.
    let report = match unsafe { heap::set_up(boot, image) } {
        Ok(report) => report,
        Err(error) => panic!("the heap takes no memory: {error}"),
    };
    println!("backends: {:?}", allocator::BACKENDS);
    println!("heap: {report:?}");
    console::report("boot", |line| {
        let line = line.value("byte", DefaultByteAllocator::DECLARATION.name)?;
        let line = line.value("page", PageLevel::DECLARATION.name)?;
        let line = line.value("memory_bytes", boot.memory_map.usable_bytes())?;
        let line = line.value("usable_bytes", report.usable_bytes)?;
        let line = line.value("accepted_bytes", report.accepted_bytes)?;
        let line =
            line.value("skipped_bytes", report.skipped_bytes)?.value("record_bytes", report.record_bytes)?;
        line.value("regions", report.regions)
    });
    console::report("detects", |line| line.text("kinds", HEAP.detects()));
    let declarations = [DefaultByteAllocator::DECLARATION, PageLevel::DECLARATION];
    let count: usize = declarations.iter().map(|declaration| declaration.limits.len()).sum();
    console::report("limits", |line| line.value("count", count));
    for declaration in declarations {
        for limit in declaration.limits {
            console::report("limit", |line| line.value("backend", declaration.name)?.text("why", limit));
        }
    }
}

/// Makes the mistake that the command line asks for, if any; how many invalid frees that leaves.
fn provoke(command_line: &str) -> usize {
    match Mistake::asked_for(command_line) {
        Ok(None) => 0,
        Ok(Some(mistake)) => {
            provoke::commit(mistake);
            usize::from(mistake == Mistake::InvalidFree)
        }
        Err(unknown) => panic!("{unknown}"),
    }
}

/// Puts the backends through everything; whether all of it passed.
fn prove() -> bool {
    let at_start = heap::holdings();
    // Each part runs, whatever came of the ones before.
    let kept = [conformance::run(), collections::run()];
    #[cfg(feature = "record")]
    let recordings = recorder::stop();
    let replayed = replay::run(at_start);
    #[cfg(feature = "record")]
    recorder::send(&recordings);
    let returned = burst::run();
    kept == [true; 2] && replayed && returned
}
