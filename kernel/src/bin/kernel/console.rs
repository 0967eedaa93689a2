//! The console: text to the serial port.
//!
//! One lock guards the device, so that a line is not torn; whoever ends the run breaks the lock first, because the
//! one who holds it will never go on.

use core::fmt::{self, Write};

use kernel::report::Line;
use spin::Mutex;

use crate::arch::serial::{Port, Serial};

static CONSOLE: Mutex<Console> = Mutex::new(Console { serial: Serial::new(Port::First) });

/// The device as something that takes text.
pub(crate) struct Console {
    serial: Serial,
}

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for line in text.split_inclusive('\n') {
            match line.strip_suffix('\n') {
                Some(line) => {
                    self.serial.send(line.as_bytes());
                    self.serial.send(b"\r\n");
                }
                None => self.serial.send(line.as_bytes()),
            }
        }
        Ok(())
    }
}

/// Sets the device up. Call it before anything is printed.
pub(crate) fn set_up() {
    CONSOLE.lock().serial.set_up();
}

/// Prints formatted text and ends the line.
pub(crate) fn print_line(text: fmt::Arguments<'_>) {
    // The device reports no errors; only a `Display` could, and then there is nothing to print.
    let _nothing_to_do = writeln!(CONSOLE.lock(), "{text}");
}

/// Prints a line for the program that runs the kernel.
pub(crate) fn report(
    what: &str,
    fields: impl for<'a> FnOnce(Line<'a, Console>) -> Result<Line<'a, Console>, fmt::Error>,
) {
    let mut console = CONSOLE.lock();
    let _nothing_to_do = Line::begin(&mut *console, what).and_then(fields).and_then(Line::end);
}

/// Takes the lock away from whoever holds it. Only for those who end the run: nobody else goes on.
pub(crate) fn break_lock() {
    if CONSOLE.is_locked() {
        // SAFETY: the caller ends the run and the machine has one processor, so that the holder, if there was one,
        // never touches the device again; a half-sent line is all it leaves.
        unsafe { CONSOLE.force_unlock() };
    }
}

/// Prints a line.
#[macro_export]
macro_rules! println {
    ($($argument:tt)*) => {
        $crate::console::print_line(format_args!($($argument)*))
    };
}
