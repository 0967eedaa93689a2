//! The suite is tested with allocators that are wrong on purpose.
//!
//! A simple correct toy passes every case; then one thing after another is broken in it, and the case that is named for
//! that thing must fail. What no case notices would be a hole in the suite; and a case that no sabotage names would
//! be one that nobody has ever seen fail.

mod byte_sabotage;
mod byte_toy;
mod contract;
mod fault;
mod id_sabotage;
mod id_toy;
mod outcomes;
mod page_sabotage;
mod page_toy;
mod scripts;
mod verdicts;
