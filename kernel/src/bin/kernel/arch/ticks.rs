//! The processor's clock.

use core::arch::x86_64::_rdtsc;

/// Ticks since the machine started. On an emulator that counts instructions, one tick is about one instruction.
pub(crate) fn now() -> u64 {
    // SAFETY: every 64-bit processor has the instruction, and the kernel runs with the right to use it.
    unsafe { _rdtsc() }
}
