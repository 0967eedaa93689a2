//! What a panic does: it is printed and ends the run.

use core::panic::PanicInfo;

use kernel::status::Status;

use crate::{console, finish};

#[panic_handler]
fn on_panic(info: &PanicInfo<'_>) -> ! {
    console::break_lock();
    crate::println!("{info}");
    finish::with(Status::Panic)
}
