//! The switch that breaks a toy: one fault at a time, for the current thread.

use std::cell::Cell;

thread_local! {
    static FAULT: Cell<&'static str> = const { Cell::new("") };
}

/// Whether the fault of this name is switched on.
pub(crate) fn on(name: &'static str) -> bool {
    let fault = FAULT.get();
    !fault.is_empty() && fault == name
}

/// Runs `with` with a fault switched on; `""` is none.
pub(crate) fn with<T>(name: &'static str, with: impl FnOnce() -> T) -> T {
    FAULT.set(name);
    let result = with();
    FAULT.set("");
    result
}
