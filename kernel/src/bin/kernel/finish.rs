//! The end of a run.
#![forbid(unsafe_code)]

use kernel::status::Status;

use crate::{arch::exit, console};

/// Prints how the run ends, and ends it.
pub(crate) fn with(status: Status) -> ! {
    console::report("end", |line| line.value("status", status.word()));
    exit::with(status)
}
