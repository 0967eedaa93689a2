//! The functions that compiled code calls by name, which a C library supplies elsewhere.
//!
//! They are assembly, because a loop in Rust that copies or fills may be compiled into a call of the very function
//! that it is in. Bulk is moved in words of 8 bytes: on an emulated machine, and on old real ones, that is eight
//! times as fast as bytes.

use core::arch::naked_asm;

/// Copies `count` bytes that do not overlap; returns `to`.
///
/// # Safety
///
/// 1. `count` bytes from `from` can be read, `count` bytes from `to` written, and the two do not overlap.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    naked_asm!(
        "mov rax, rdi",
        "mov rcx, rdx",
        "shr rcx, 3",
        "rep movsq",
        "mov ecx, edx",
        "and ecx, 7",
        "rep movsb",
        "ret",
    )
}

/// Copies `count` bytes that may overlap; returns `to`.
///
/// # Safety
///
/// 1. `count` bytes from `from` can be read and `count` bytes from `to` written.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    naked_asm!(
        // `to` within the source, that is (to − from) < count: from the last byte down. Else `memcpy` will do.
        "mov rax, rdi",
        "sub rax, rsi",
        "cmp rax, rdx",
        "jae {memcpy}",
        "mov rax, rdi",
        "mov rcx, rdx",
        "lea rdi, [rdi + rdx - 1]",
        "lea rsi, [rsi + rdx - 1]",
        "std",
        "rep movsb",
        "cld",
        "ret",
        memcpy = sym memcpy,
    )
}

/// Fills `count` bytes with the lowest byte of `byte`; returns `to`.
///
/// # Safety
///
/// 1. `count` bytes from `to` can be written.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, count: usize) -> *mut u8 {
    naked_asm!(
        "mov r8, rdi",
        "movzx eax, sil",
        "mov rcx, 0x0101010101010101",
        "imul rax, rcx",
        "mov rcx, rdx",
        "shr rcx, 3",
        "rep stosq",
        "mov ecx, edx",
        "and ecx, 7",
        "rep stosb",
        "mov rax, r8",
        "ret",
    )
}

/// The sign of the first difference between `count` bytes here and there; 0 if there is none.
///
/// # Safety
///
/// 1. `count` bytes from `a` and `count` bytes from `b` can be read.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, count: usize) -> i32 {
    naked_asm!(
        "xor eax, eax",
        "mov rcx, rdx",
        // Sets the flag "equal", which a comparison of no bytes leaves as it is.
        "cmp rax, rax",
        "repe cmpsb",
        "je 2f",
        "movzx eax, byte ptr [rdi - 1]",
        "movzx ecx, byte ptr [rsi - 1]",
        "sub eax, ecx",
        "2:",
        "ret",
    )
}

/// Whether `count` bytes differ here and there: 0 if not.
///
/// # Safety
///
/// 1. `count` bytes from `a` and `count` bytes from `b` can be read.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, count: usize) -> i32 {
    naked_asm!("jmp {memcmp}", memcmp = sym memcmp)
}

/// The number of bytes before the first 0.
///
/// # Safety
///
/// 1. All bytes from `text` up to and including the first 0 can be read.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(text: *const u8) -> usize {
    naked_asm!("xor eax, eax", "2:", "cmp byte ptr [rdi + rax], 0", "je 3f", "inc rax", "jmp 2b", "3:", "ret",)
}

/// Where unwinding would go on. Nothing unwinds here: the profile aborts on a panic, but the precompiled `alloc`
/// names the symbol.
///
/// # Safety
///
/// 1. None: it stops the machine.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn _Unwind_Resume() -> ! {
    naked_asm!("ud2")
}

/// What unwinding would ask at each frame. As for `_Unwind_Resume`, only the name is needed.
///
/// # Safety
///
/// 1. None: it stops the machine.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn rust_eh_personality() -> ! {
    naked_asm!("ud2")
}
