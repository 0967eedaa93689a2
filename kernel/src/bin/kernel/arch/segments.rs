//! Segments, which a 64-bit machine still needs for two things: the rights of the code, and the stacks of exceptions.
//!
//! Each kind of exception that must not run on the stack it interrupted has a stack of its own (an entry of the
//! interrupt stack table): a page fault may mean that there is no stack left, and code that interrupts any
//! instruction may not write below the stack pointer, where compiled code keeps values.

use core::cell::UnsafeCell;

use spin::Once;
use x86_64::{
    VirtAddr,
    instructions::tables::load_tss,
    registers::segmentation::{CS, DS, ES, SS, Segment},
    structures::{
        gdt::{Descriptor, GlobalDescriptorTable, SegmentSelector},
        tss::TaskStateSegment,
    },
};

/// Index of the stack for page faults.
pub(crate) const PAGE_FAULT_STACK: u16 = 0;
/// Index of the stack for double faults.
pub(crate) const DOUBLE_FAULT_STACK: u16 = 1;
/// Index of the stack for every other exception.
pub(crate) const OTHER_STACK: u16 = 2;

const STACKS: usize = 3;
const STACK_BYTES: usize = 32 * 1024;

/// Memory that the processor alone uses, as a stack.
#[repr(C, align(16))]
struct Stack(UnsafeCell<[u8; STACK_BYTES]>);

// SAFETY: no Rust code reads or writes the bytes; only the processor does, and there is one.
unsafe impl Sync for Stack {}

static EXCEPTION_STACKS: [Stack; STACKS] = [const { Stack(UnsafeCell::new([0; STACK_BYTES])) }; STACKS];
static TASK_STATE: Once<TaskStateSegment> = Once::new();
static TABLE: Once<(GlobalDescriptorTable, SegmentSelector, SegmentSelector, SegmentSelector)> = Once::new();

/// Loads the kernel's own segments.
pub(super) fn load() {
    let task_state = TASK_STATE.call_once(|| {
        let mut task_state = TaskStateSegment::new();
        for (index, stack) in EXCEPTION_STACKS.iter().enumerate() {
            let top = VirtAddr::from_ptr(stack.0.get()) + STACK_BYTES as u64;
            // The structure is packed: only whole entries can be written, no reference taken.
            task_state.interrupt_stack_table[index] = top;
        }
        task_state
    });
    let (table, code, data, task) = TABLE.call_once(|| {
        let mut table = GlobalDescriptorTable::new();
        let code = table.append(Descriptor::kernel_code_segment());
        let data = table.append(Descriptor::kernel_data_segment());
        let task = table.append(Descriptor::tss_segment(task_state));
        (table, code, data, task)
    });
    table.load();
    // SAFETY: the selectors are those of the table just loaded: code for CS, data for the others, the task state for
    // the task register; they stay valid, because the table is static.
    unsafe {
        CS::set_reg(*code);
        SS::set_reg(*data);
        DS::set_reg(*data);
        ES::set_reg(*data);
        load_tss(*task);
    }
}
