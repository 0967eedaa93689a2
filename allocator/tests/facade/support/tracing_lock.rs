//! A spin lock that knows what its thread holds.

use std::{
    cell::RefCell,
    sync::atomic::{AtomicBool, Ordering},
};

use allocator::lock_api::{GuardNoSend, RawMutex};

thread_local! {
    /// Addresses of the locks that this thread holds, oldest first.
    static HELD: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    /// Pairs (held, then taken too).
    static ORDERS: RefCell<Vec<(usize, usize)>> = const { RefCell::new(Vec::new()) };
}

/// The locks that this thread holds now.
pub(crate) fn held_locks() -> Vec<usize> {
    HELD.with_borrow(Clone::clone)
}

/// The orders in which this thread has taken two locks since it asked last.
pub(crate) fn take_orders() -> Vec<(usize, usize)> {
    ORDERS.take()
}

/// Spins; panics where the thread would wait for itself.
pub(crate) struct TracingLock(AtomicBool);

impl TracingLock {
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

// SAFETY: whoever turns the flag from false to true holds the lock until it turns it back.
unsafe impl RawMutex for TracingLock {
    const INIT: Self = Self(AtomicBool::new(false));

    type GuardMarker = GuardNoSend;

    fn lock(&self) {
        let held = held_locks();
        assert!(!held.contains(&self.address()), "a thread waits for itself");
        ORDERS.with_borrow_mut(|orders| orders.extend(held.iter().map(|other| (*other, self.address()))));
        while !self.try_lock() {
            std::thread::yield_now();
        }
    }

    fn try_lock(&self) -> bool {
        let is_taken = self.0.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok();
        if is_taken {
            HELD.with_borrow_mut(|held| held.push(self.address()));
        }
        is_taken
    }

    unsafe fn unlock(&self) {
        HELD.with_borrow_mut(|held| held.retain(|lock| *lock != self.address()));
        self.0.store(false, Ordering::Release);
    }
}
