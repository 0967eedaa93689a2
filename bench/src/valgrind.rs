//! Requests to Valgrind's callgrind from inside the measured program.
//!
//! A request is a sequence of instructions that changes nothing on a real processor and that Valgrind recognises: four
//! rotations by 128 bits in all, then an exchange of a register with itself. `rax` points to the request's number and
//! arguments, `rdx` holds the answer that stays when nobody listens. (Valgrind manual, "The Client Request mechanism".)

#![cfg_attr(
    not(target_arch = "x86_64"),
    expect(clippy::missing_const_for_fn, reason = "requests exist for x86_64 alone and do nothing elsewhere")
)]

/// callgrind's requests begin at `('C' << 24) + ('T' << 16)`.
const CALLGRIND: usize = (b'C' as usize) << 24 | (b'T' as usize) << 16;

/// What callgrind can be asked for.
#[derive(Clone, Copy)]
enum Request {
    DumpStats = 0,
    ZeroStats = 1,
    StartInstrumentation = 4,
    StopInstrumentation = 5,
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn ask(request: Request) {
    let arguments = [CALLGRIND + request as usize, 0, 0, 0, 0, 0];
    // SAFETY: outside Valgrind the sequence leaves every register as it was (the rotations add up to 128 bits); under
    // Valgrind it reads `arguments`, which live across it, and writes `rdx`, which is declared.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") arguments.as_ptr(),
            inout("rdx") 0_usize => _,
        );
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn ask(_: Request) {}

/// Begins to count. Valgrind is started with counting off, so that preparations run at speed.
#[inline(never)]
pub(crate) fn start() {
    ask(Request::StartInstrumentation);
}

/// Ends counting.
#[inline(never)]
pub(crate) fn stop() {
    ask(Request::StopInstrumentation);
}

/// Forgets what was counted.
#[inline(always)]
pub(crate) fn zero() {
    ask(Request::ZeroStats);
}

/// Writes what was counted since [`zero`] as one part of callgrind's output file.
#[inline(always)]
pub(crate) fn dump() {
    ask(Request::DumpStats);
}
