//! Memory to lend.

use std::alloc::{Layout, alloc, dealloc};

/// Memory aligned to its size and to 4 MiB, with its provenance exposed.
pub(crate) struct Arena {
    pointer: *mut u8,
    layout: Layout,
}

impl Arena {
    pub(crate) fn new(size: usize) -> Self {
        let layout = Layout::from_size_align(size, size.next_power_of_two().max(4 << 20)).unwrap();
        // SAFETY: the size is not 0 in any test.
        let pointer = unsafe { alloc(layout) };
        assert!(!pointer.is_null());
        pointer.expose_provenance();
        Self { pointer, layout }
    }

    pub(crate) fn start(&self) -> usize {
        self.pointer.addr()
    }

    pub(crate) fn size(&self) -> usize {
        self.layout.size()
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout.
        unsafe { dealloc(self.pointer, self.layout) };
    }
}
