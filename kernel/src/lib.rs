//! The parts of the freestanding kernel that need no machine, so that they are tested on the host.
//!
//! ```text
//!   src/bin/kernel/          the program: entry, page tables, exceptions, console, heap; needs the feature `boot`
//!        │ uses
//!   src/                     this library: no pointer made from an address, no port
//!     start_info  memory_map     what the firmware tells: where memory is, the command line
//!     command_line               which mistake to provoke, if any
//!     paging                     page tables as numbers
//!     replay  pattern            a recorded trace of allocations, replayed and checked
//!     recovery  burst            what is left once everything was given back, and of a burst of blocks
//!     collections                Box, Vec, String, BTreeMap and Arc under load
//!     report  status  refusal    what the program prints for its runner, and how it ends
//! ```
//!
//! Everything here is plain arithmetic on values; costs are linear in what is read.
//!
//! Addresses of the machine are `usize` values: on hosts of 32 bits the library is empty.
#![no_std]
#![cfg(target_pointer_width = "64")]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod burst;
mod bytes;
pub mod collections;
pub mod command_line;
pub mod memory_map;
pub mod paging;
pub mod pattern;
pub mod recovery;
pub mod refusal;
pub mod replay;
pub mod report;
pub mod start_info;
pub mod status;
