//! Where the allocator under test stands.
//!
//! Some allocators are megabytes: none may ever be a temporary on a stack. A slot is a static that holds two values
//! made by the compiler; a fresh allocator is made by copying one over the other.

use core::{
    cell::UnsafeCell,
    mem::MaybeUninit,
    sync::atomic::{AtomicBool, Ordering},
};

use allocator_api::ConstEmpty;

/// Room for one allocator, and a pristine copy to make it fresh again from.
///
/// No allocator in a slot is ever dropped: a fresh one simply takes its place.
///
/// # Examples
///
/// ```
/// use allocator_conformance::Slot;
/// # struct MyAllocator;
/// # impl allocator_api::ConstEmpty for MyAllocator { const EMPTY: Self = Self; }
///
/// static SLOT: Slot<MyAllocator> = Slot::new();
/// ```
pub struct Slot<A> {
    taken: AtomicBool,
    // Never used as an `A`, only copied from.
    pristine: MaybeUninit<A>,
    // Invariant S1: always a valid `A`; reached only by the `SlotLoan` that `take` gave.
    current: UnsafeCell<A>,
}

// SAFETY: `current` is reached by one `SlotLoan` at a time, which moves between threads only if `A` is `Send`;
// `pristine` is never reached as an `A`.
unsafe impl<A: Send> Sync for Slot<A> {}

impl<A: ConstEmpty> Slot<A> {
    /// A slot with an empty allocator. To be evaluated at compile time, into a static.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            taken: AtomicBool::new(false),
            pristine: MaybeUninit::new(A::EMPTY),
            current: UnsafeCell::new(A::EMPTY),
        }
    }

    /// The slot, for one user at a time; `None` while somebody has it.
    pub(crate) fn take(&'static self) -> Option<SlotLoan<A>> {
        (!self.taken.swap(true, Ordering::Acquire)).then_some(SlotLoan { slot: self, setup: |_| {} })
    }
}

impl<A: ConstEmpty> Default for Slot<A> {
    fn default() -> Self {
        Self::new()
    }
}

/// The right to use a slot; it ends when this is dropped.
pub(crate) struct SlotLoan<A: 'static> {
    slot: &'static Slot<A>,
    setup: fn(&mut A),
}

impl<A> SlotLoan<A> {
    /// The allocator.
    pub(crate) fn get(&mut self) -> &mut A {
        // SAFETY: there is one loan, and it is borrowed mutably (S1).
        unsafe { &mut *self.slot.current.get() }
    }

    /// Has `setup` called with each allocator made from now on.
    pub(crate) fn set_up_by(&mut self, setup: fn(&mut A)) {
        self.setup = setup;
    }

    /// The allocator, empty again and set up.
    pub(crate) fn fresh(&mut self) -> &mut A {
        // SAFETY: the pristine value came from a constant, `A::EMPTY`. Each use of a constant makes the same bytes
        // anew, so that a copy of the bytes is one more use. Nobody holds a reference to `current` (S1).
        unsafe { self.slot.current.get().copy_from_nonoverlapping(self.slot.pristine.as_ptr(), 1) };
        let setup = self.setup;
        setup(self.get());
        self.get()
    }
}

impl<A> Drop for SlotLoan<A> {
    fn drop(&mut self) {
        self.slot.taken.store(false, Ordering::Release);
    }
}
