//! A freestanding kernel that proves the allocators on a bare machine.
//!
//! ```text
//!   arch::entry ─► kernel_main ─► serial console, segments, exceptions
//!                      │ ─► boot record: memory map, command line
//!                      │ ─► page tables
//!                      └ ─► finish
//! ```
//!
//! It prints lines for people, and lines for the program that runs it (see [`kernel::report`]), and ends with an
//! exit status (see [`kernel::status`]). It runs on one processor, with interrupts off.
#![no_std]
#![no_main]

mod arch;
mod console;
mod finish;
mod panic;
mod provoke;

use kernel::{command_line::Mistake, status::Status};

use arch::{boot_record::BootRecord, image::Image, page_tables};

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
    switch_page_tables(&boot);
    match Mistake::asked_for(boot.command_line()) {
        Ok(None) => {}
        Ok(Some(mistake)) => provoke::commit(mistake),
        Err(unknown) => panic!("{unknown}"),
    }
    finish::with(Status::Ok)
}

fn print_boot_record(boot: &BootRecord) {
    println!("command line: \"{}\"", boot.command_line());
    println!("memory map of the firmware:");
    for entry in boot.memory_map.entries() {
        println!("  {entry}");
    }
}

fn switch_page_tables(boot: &BootRecord) {
    let image = Image::of_this_program();
    match page_tables::switch_to(&boot.memory_map, &image) {
        Ok(summary) => println!(
            "page tables: {} of 4 KiB, pages of 1 GiB {}",
            summary.tables,
            if summary.gigantic_pages { "allowed" } else { "not to be had" }
        ),
        Err(error) => panic!("cannot map the memory: {error}"),
    }
}
