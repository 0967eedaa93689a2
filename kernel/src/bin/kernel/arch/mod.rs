//! The machine: everything that is not plain Rust on plain memory.
//!
//! Only files below this one hold assembly, or reach ports and registers of the processor. What they offer to the rest
//! of the kernel is safe to call, but for reading the boot record.

pub(crate) mod boot_record;
mod entry;
pub(crate) mod exceptions;
pub(crate) mod exit;
pub(crate) mod image;
mod memory_functions;
pub(crate) mod page_tables;
mod segments;
pub(crate) mod serial;
pub(crate) mod ticks;

/// Puts the processor's own tables in place: segments, then exceptions. Call it once, first.
pub(crate) fn set_up_processor() {
    segments::load();
    exceptions::load();
}
