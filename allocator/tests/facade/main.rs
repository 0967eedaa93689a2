//! The facade over toy levels, whose every answer is known, and over the backends that are on.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backends;
mod blocks;
mod global_alloc;
mod growing;
mod locks;
mod map;
mod page_runs;
mod pages;
#[cfg(feature = "trace")]
mod recorded;
mod report;
mod support;
mod threads;
mod trimmed;
