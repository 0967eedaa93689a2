//! Where the program lies in memory: the borders that the linker script sets.

use allocator_api::AddressRange;

unsafe extern "C" {
    static image_start: u8;
    static text_start: u8;
    static data_start: u8;
    static stack_guard: u8;
    static stack_bottom: u8;
    static image_end: u8;
}

/// The parts of the program, from the lowest address up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Image {
    /// Constants.
    pub(crate) read_only: AddressRange,
    /// Code.
    pub(crate) text: AddressRange,
    /// Statics.
    pub(crate) data: AddressRange,
    /// The page that is not mapped.
    pub(crate) guard: AddressRange,
    /// The stack of the kernel; it grows down, towards the guard page.
    pub(crate) stack: AddressRange,
}

impl Image {
    /// The borders that the linker script sets.
    pub(crate) fn of_this_program() -> Self {
        let part = |start: *const u8, end: *const u8| {
            AddressRange::from_bounds(start.addr(), end.addr() - 1).expect("the linker script orders the parts")
        };
        Self {
            read_only: part(&raw const image_start, &raw const text_start),
            text: part(&raw const text_start, &raw const data_start),
            data: part(&raw const data_start, &raw const stack_guard),
            guard: part(&raw const stack_guard, &raw const stack_bottom),
            stack: part(&raw const stack_bottom, &raw const image_end),
        }
    }

    /// All parts together.
    pub(crate) fn whole(&self) -> AddressRange {
        self.read_only.hull(self.stack)
    }
}
