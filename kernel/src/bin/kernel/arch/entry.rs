//! From the first instruction to Rust.
//!
//! A virtual machine finds the note below in the program (PVH boot protocol), loads the program, and jumps to
//! `pvh_entry`: 32-bit protected mode, paging off, interrupts off, `ebx` = address of the start record. From there:
//!
//! ```text
//!   32-bit, no paging ─► SSE on ─► first page tables ─► 64-bit mode ─► stack ─► kernel_main(start record)
//! ```
//!
//! The first page tables map the lowest GiB to itself, with every right; the kernel replaces them as soon as it has
//! read the memory map.
//!
//! Source: the PVH direct boot description of the Xen project; Intel 64 and IA-32 Architectures Software Developer's
//! Manual, volume 3, "Initializing IA-32e mode".

use core::arch::global_asm;

global_asm!(
    // Name "Xen", type 18: the physical address of a 32-bit entry, in 8 bytes.
    r#"
    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 8, 18
    .asciz "Xen"
    .quad pvh_entry

    .section .text.entry, "ax", @progbits
    .code32
    .global pvh_entry
pvh_entry:
    cli
    cld
    movl $stack_top, %esp
    "#,
    // CR4: PAE, which 64-bit mode needs; OSFXSR and OSXMMEXCPT, which SSE needs.
    r#"
    movl %cr4, %eax
    orl $0x620, %eax
    movl %eax, %cr4
    movl $first_level4, %eax
    movl %eax, %cr3
    "#,
    // EFER: LME, 64-bit mode once paging is on; NXE, pages that are not executable.
    r#"
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x900, %eax
    wrmsr
    "#,
    // CR0: clear CD and NW (caches on), TS and EM (SSE without traps); set PG, WP and MP.
    r#"
    movl %cr0, %eax
    andl $0x9ffffff3, %eax
    orl $0x80010002, %eax
    movl %eax, %cr0
    lgdt first_gdt_pointer
    ljmp $8, $entry_64
    .code64
entry_64:
    movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movq $stack_top, %rsp
    xorl %ebp, %ebp
    movl %ebx, %edi
    call kernel_main
    ud2
    "#,
    // Null, 64-bit code, data: the selectors 8 and 16 stay what they are when the kernel loads its own table.
    r#"
    .section .rodata.first_gdt, "a", @progbits
    .balign 8
first_gdt:
    .quad 0, 0x00af9a000000ffff, 0x00cf92000000ffff
first_gdt_pointer:
    .word 23
    .quad first_gdt
    "#,
    // Entry bits: present and writable 3; with a large page 0x83.
    r#"
    .section .data.first_page_tables, "aw", @progbits
    .balign 4096
first_level4:
    .quad first_level3 + 3
    .fill 511, 8, 0
first_level3:
    .quad first_level2 + 3
    .fill 511, 8, 0
first_level2:
    .set page, 0
    .rept 512
    .quad page * 0x200000 + 0x83
    .set page, page + 1
    .endr
    .text
    "#,
    options(att_syntax)
);
