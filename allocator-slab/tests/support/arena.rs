//! Memory of the host.

use std::alloc::{Layout, alloc, dealloc};

/// Memory at a multiple of its alignment; given back when dropped.
pub(crate) struct Arena {
    start: *mut u8,
    layout: Layout,
}

impl Arena {
    pub(crate) fn new(bytes: usize, align: usize) -> Self {
        let layout = Layout::from_size_align(bytes, align).unwrap();
        assert_ne!(bytes, 0);
        // SAFETY: the size is not 0.
        let start = unsafe { alloc(layout) };
        assert!(!start.is_null(), "the host has no {bytes} bytes");
        Self { start, layout }
    }

    /// The address of the byte at `offset`, with the provenance of the whole arena exposed.
    pub(crate) fn at(&self, offset: usize) -> usize {
        assert!(offset <= self.layout.size());
        self.start.expose_provenance() + offset
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: allocated in `new`, with this layout.
        unsafe { dealloc(self.start, self.layout) }
    }
}
