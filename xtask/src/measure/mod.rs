//! What `bench` and `replay` share: the measuring program, callgrind, and tables.
//!
//! One process measures one thing; see `bench/src/main.rs`.

pub(crate) mod callgrind;
pub(crate) mod figures;
pub(crate) mod jobs;
pub(crate) mod program;
pub(crate) mod table;
