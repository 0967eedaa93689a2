//! Hooks and statistics.
#![forbid(unsafe_code)]

use core::{alloc::Layout, fmt, sync::atomic::Ordering};

use allocator_api::{AllocError, AllocResult, PageAllocator, PagedByteAllocator};
use lock_api::RawMutex;

use crate::{GlobalAllocator, Hooks, InvalidFree, Usage, page_level::PageLevel};

impl<B, P, R> GlobalAllocator<B, P, R> {
    /// Sets the hooks; those set before are forgotten.
    pub fn set_hooks(&self, hooks: &'static Hooks) {
        self.hooks.set(hooks);
    }

    /// Frees, of blocks and of pages, that were answered with an error.
    #[must_use]
    pub fn invalid_frees(&self) -> usize {
        self.invalid_frees.load(Ordering::Relaxed)
    }

    /// Counts and reports a refused free. No lock is held.
    pub(super) fn report(&self, free: &InvalidFree) {
        self.invalid_frees.fetch_add(1, Ordering::Relaxed);
        (self.hooks.get().invalid_free)(free);
    }

    /// Makes a request, and again as long as it is refused for want of memory and the hook asks for a retry. No
    /// lock is held. A request that is no layout (`None`) is one that no memory could satisfy, and the hook is
    /// not called.
    pub(super) fn ask_again<T>(
        &self,
        request: Option<Layout>,
        mut ask: impl FnMut() -> AllocResult<T>,
    ) -> AllocResult<T> {
        let mut answer = ask();
        let Some(layout) = request else { return answer };
        for _ in 0..Hooks::MAX_CALLS_PER_REQUEST {
            let is_short = matches!(answer, Err(AllocError::NoMemory));
            if !is_short || !(self.hooks.get().out_of_memory)(layout) {
                break;
            }
            answer = ask();
        }
        answer
    }
}

impl<B: PagedByteAllocator, P: PageAllocator, R: RawMutex> GlobalAllocator<B, P, R> {
    /// What is held and handed out now, at both levels at one moment.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let bytes = self.bytes.lock();
        let pages = self.pages.lock();
        usage_of(&*bytes, &*pages)
    }
}

fn usage_of<B: PagedByteAllocator, P: PageAllocator>(bytes: &B, level: &PageLevel<P>) -> Usage {
    Usage {
        heap_held_bytes: bytes.held_bytes(),
        heap_used_bytes: bytes.used_bytes(),
        total_pages: level.pages.total_pages(),
        used_pages: level.pages.used_pages(),
        available_pages: level.pages.available_pages(),
        counts: level.counts,
    }
}

/// A summary. A level whose lock is held is not waited for, so that it can be printed anywhere.
impl<B: PagedByteAllocator, P: PageAllocator, R: RawMutex> fmt::Debug for GlobalAllocator<B, P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Figures first, then words: formatting may allocate, so no lock is held while it runs.
        let heap = self.bytes.try_lock().map(|bytes| (bytes.held_bytes(), bytes.used_bytes()));
        let pages = self.pages.try_lock().map(|level| (level.pages.total_pages(), level.pages.used_pages()));
        let mut summary = f.debug_struct("GlobalAllocator");
        match heap {
            Some((held, used)) => summary.field("heap", &format_args!("{used} of {held} bytes used")),
            None => summary.field("heap", &format_args!("locked")),
        };
        match pages {
            Some((total, used)) => summary.field("pages", &format_args!("{used} of {total} used")),
            None => summary.field("pages", &format_args!("locked")),
        };
        summary.field("page_size", &P::PAGE_SIZE).field("invalid_frees", &self.invalid_frees()).finish()
    }
}
