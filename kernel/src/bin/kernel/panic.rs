//! What a panic does: it is printed and ends the run. One for want of memory has a status of its own.

use core::panic::PanicInfo;

use kernel::{refusal::is_refusal, status::Status};

use crate::{console, finish, heap};

#[panic_handler]
fn on_panic(info: &PanicInfo<'_>) -> ! {
    console::break_lock();
    crate::println!("{info}");
    let refused_bytes = heap::last_refused_bytes();
    if is_refusal(info.message(), refused_bytes) {
        crate::println!("out of memory: {refused_bytes} bytes were refused");
        finish::with(Status::OutOfMemory);
    }
    finish::with(Status::Panic)
}
