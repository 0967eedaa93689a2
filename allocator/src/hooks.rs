//! What a kernel wants to be told: that memory ran out, and that somebody gave back what is not theirs.
//!
//! Hooks are set at run time and kept behind a pointer that starts null, so that a static allocator contains no
//! function pointer and stays in `.bss`. They run with no lock held: a hook may allocate and free.

use core::{
    alloc::Layout,
    fmt, ptr,
    sync::atomic::{AtomicPtr, Ordering},
};

use allocator_api::AllocError;

use crate::UsageKind;

/// Functions that a [`GlobalAllocator`](crate::GlobalAllocator) calls, with no lock held.
///
/// # Examples
///
/// ```
/// use allocator::{Hooks, InvalidFree};
///
/// fn complain(free: &InvalidFree) {
///     eprintln!("{free}");
/// }
/// static HOOKS: Hooks = Hooks { invalid_free: complain, ..Hooks::NONE };
/// assert!(!(HOOKS.out_of_memory)(core::alloc::Layout::new::<u64>()));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Hooks {
    /// Called when a request is refused for want of memory, with the request; pages are asked for in bytes, and are
    /// refused only when the byte level has given back what it did not use.
    /// `true`: memory was freed, try again. One request calls it at most
    /// [`MAX_CALLS_PER_REQUEST`](Self::MAX_CALLS_PER_REQUEST) times.
    ///
    /// Within the hook, allocate with the `try_` functions only: a request that is refused and calls the hook from
    /// within the hook nests without end.
    pub out_of_memory: fn(Layout) -> bool,
    /// Called when a free is answered with an error; the allocator is unchanged.
    pub invalid_free: fn(&InvalidFree),
}

impl Hooks {
    /// Hooks that do nothing: no retry, no report.
    pub const NONE: Self = Self { out_of_memory: |_| false, invalid_free: |_| {} };

    /// The most times that one request calls [`out_of_memory`](Self::out_of_memory), inclusive.
    pub const MAX_CALLS_PER_REQUEST: usize = 16;
}

/// A free that was answered with an error.
///
/// # Examples
///
/// ```
/// use allocator::{AllocError, Freed, InvalidFree};
/// use core::alloc::Layout;
///
/// let layout = Layout::new::<[u32; 2]>();
/// let free = InvalidFree { address: 0x1008, freed: Freed::Block(layout), error: AllocError::NotAllocated };
/// assert_eq!(
///     free.to_string(),
///     "invalid free of a block of 8 bytes aligned to 4 at 0x1008: what was given back is not allocated here"
/// );
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InvalidFree {
    /// Where the block or run was said to be.
    pub address: usize,
    /// What was said to be there.
    pub freed: Freed,
    /// The answer.
    pub error: AllocError,
}

/// What a caller wanted to give back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Freed {
    /// A block of bytes, said to have this layout.
    Block(Layout),
    /// A run of pages.
    Pages {
        /// Length of the run.
        num_pages: usize,
        /// What the pages were said to be used for.
        kind: UsageKind,
    },
}

impl fmt::Display for InvalidFree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, freed, error } = *self;
        match freed {
            Freed::Block(layout) => {
                let (size, align) = (layout.size(), layout.align());
                write!(f, "invalid free of a block of {size} bytes aligned to {align} at {address:#x}: {error}")
            }
            Freed::Pages { num_pages, kind } => {
                write!(f, "invalid free of a run of {num_pages} pages ({kind}) at {address:#x}: {error}")
            }
        }
    }
}

/// A place for [`Hooks`], empty at first. All zero when empty.
#[derive(Debug)]
pub(crate) struct HookSlot(AtomicPtr<Hooks>);

impl HookSlot {
    pub(crate) const fn empty() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    pub(crate) fn set(&self, hooks: &'static Hooks) {
        self.0.store(ptr::from_ref(hooks).cast_mut(), Ordering::Release);
    }

    /// The hooks set last; [`Hooks::NONE`] if none were.
    pub(crate) fn get(&self) -> &'static Hooks {
        let hooks = self.0.load(Ordering::Acquire);
        // SAFETY: the pointer is null or came from the `&'static Hooks` given to `set`, and is only read.
        unsafe { hooks.as_ref() }.unwrap_or(&Hooks::NONE)
    }
}
