//! Exceptions of the processor: each is printed, and ends the run.
//!
//! ```text
//!   exception ─► stub for the vector ─► exception_common ─► on_exception(frame)
//!                pushes error code (or 0)  aligns the stack     never returns
//!                and the vector
//! ```
//!
//! All run on stacks of their own (see the segments), because compiled code keeps values below its stack pointer, and
//! because a fault may mean that the stack is full. A page fault in the guard page below the kernel's stack is a
//! stack overflow.

use core::{
    arch::{asm, global_asm},
    sync::atomic::{AtomicBool, Ordering},
};

use kernel::status::Status;
use spin::Once;
use x86_64::{
    VirtAddr,
    registers::control::Cr2,
    structures::idt::{Entry, InterruptDescriptorTable},
};

use super::{
    exit,
    image::Image,
    segments::{DOUBLE_FAULT_STACK, OTHER_STACK, PAGE_FAULT_STACK},
};
use crate::console;

/// The bytes from one stub to the next.
const STUB_BYTES: u64 = 16;

const PAGE_FAULT: u64 = 14;

global_asm!(
    // The vectors 8, 10 to 14, 17, 21, 29 and 30 come with an error code.
    r#"
    .section .text.exceptions, "ax", @progbits
    .balign 16
exception_stubs:
    .set vector, 0
    .rept 32
    .balign 16
    .if (0x60227d00 >> vector) & 1 == 0
    pushq $0
    .endif
    pushq $vector
    jmp exception_common
    .set vector, vector + 1
    .endr
exception_common:
    cld
    movq %rsp, %rdi
    xorl %ebp, %ebp
    andq $-16, %rsp
    call {on_exception}
    ud2
    .text
    "#,
    on_exception = sym on_exception,
    options(att_syntax)
);

unsafe extern "C" {
    static exception_stubs: u8;
}

/// What the stub and the processor left on the stack.
#[derive(Debug)]
#[repr(C)]
struct Frame {
    vector: u64,
    error_code: u64,
    instruction: u64,
    code_segment: u64,
    flags: u64,
    stack: u64,
    stack_segment: u64,
}

static TABLE: Once<InterruptDescriptorTable> = Once::new();
static IN_EXCEPTION: AtomicBool = AtomicBool::new(false);

/// Loads the table of exceptions.
pub(super) fn load() {
    TABLE
        .call_once(|| {
            let mut table = InterruptDescriptorTable::new();
            fill(&mut table);
            table
        })
        .load();
}

fn fill(table: &mut InterruptDescriptorTable) {
    set(&mut table.divide_error, 0, OTHER_STACK);
    set(&mut table.debug, 1, OTHER_STACK);
    set(&mut table.non_maskable_interrupt, 2, OTHER_STACK);
    set(&mut table.breakpoint, 3, OTHER_STACK);
    set(&mut table.overflow, 4, OTHER_STACK);
    set(&mut table.bound_range_exceeded, 5, OTHER_STACK);
    set(&mut table.invalid_opcode, 6, OTHER_STACK);
    set(&mut table.device_not_available, 7, OTHER_STACK);
    set(&mut table.double_fault, 8, DOUBLE_FAULT_STACK);
    set(&mut table.invalid_tss, 10, OTHER_STACK);
    set(&mut table.segment_not_present, 11, OTHER_STACK);
    set(&mut table.stack_segment_fault, 12, OTHER_STACK);
    set(&mut table.general_protection_fault, 13, OTHER_STACK);
    set(&mut table.page_fault, PAGE_FAULT, PAGE_FAULT_STACK);
    set(&mut table.x87_floating_point, 16, OTHER_STACK);
    set(&mut table.alignment_check, 17, OTHER_STACK);
    set(&mut table.machine_check, 18, OTHER_STACK);
    set(&mut table.simd_floating_point, 19, OTHER_STACK);
    set(&mut table.virtualization, 20, OTHER_STACK);
    set(&mut table.cp_protection_exception, 21, OTHER_STACK);
    set(&mut table.hv_injection_exception, 28, OTHER_STACK);
    set(&mut table.vmm_communication_exception, 29, OTHER_STACK);
    set(&mut table.security_exception, 30, OTHER_STACK);
}

fn set<F>(entry: &mut Entry<F>, vector: u64, stack: u16) {
    let stub = VirtAddr::from_ptr(&raw const exception_stubs) + vector * STUB_BYTES;
    // SAFETY: the stub of that vector pushes an error code exactly where the processor does not, and never returns; the
    // stack is one of those that the task state names, and each is large enough to print from.
    unsafe { entry.set_handler_addr(stub).set_stack_index(stack) };
}

/// Reads an address that no page table maps: page 0.
pub(crate) fn provoke_page_fault() {
    // SAFETY: the processor answers the read with a page fault, whose handler ends the run; nothing after it is
    // executed, and nothing is written.
    unsafe { asm!("mov {value}, byte ptr [{address}]", value = out(reg_byte) _, address = in(reg) 0x123_usize) };
}

/// Prints the exception and ends the run.
extern "C" fn on_exception(frame: &Frame) -> ! {
    // An exception while one is being printed: there is nothing more to say.
    if IN_EXCEPTION.swap(true, Ordering::Relaxed) {
        exit::with(Status::Exception);
    }
    console::break_lock();
    let address = Cr2::read_raw();
    if frame.vector == PAGE_FAULT && Image::of_this_program().guard.contains(address as usize) {
        crate::println!(
            "stack overflow: {:#x} is in the guard page; instruction {:#x}, stack pointer {:#x}",
            address,
            frame.instruction,
            frame.stack
        );
        crate::finish::with(Status::StackOverflow);
    }
    crate::println!("exception {} ({})", frame.vector, name_of(frame.vector));
    crate::println!("  instruction {:#x}, error code {:#x}", frame.instruction, frame.error_code);
    crate::println!("  stack pointer {:#x}, flags {:#x}", frame.stack, frame.flags);
    if frame.vector == PAGE_FAULT {
        crate::println!("  faulting address {address:#x}");
    }
    crate::finish::with(Status::Exception)
}

fn name_of(vector: u64) -> &'static str {
    match vector {
        0 => "divide error",
        2 => "non-maskable interrupt",
        3 => "breakpoint",
        6 => "invalid opcode",
        8 => "double fault",
        12 => "stack segment fault",
        13 => "general protection fault",
        PAGE_FAULT => "page fault",
        17 => "alignment check",
        18 => "machine check",
        19 => "floating-point exception",
        _ => "other",
    }
}
