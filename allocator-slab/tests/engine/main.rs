//! The engine: random scripts against a model, refusals, addresses far apart, object caches, statistics.
#![allow(clippy::unwrap_used, reason = "a test helper that fails is a test that fails")]

#[path = "../support/arena.rs"]
mod arena;
mod blocks;
mod borders;
mod caches;
mod capabilities;
mod costs;
// Addresses are far apart beyond 4 GiB.
#[cfg(target_pointer_width = "64")]
mod far_apart;
mod heap_map;
mod model;
mod one_class;
#[path = "../support/pages.rs"]
mod pages;
mod refusals;
mod statistics;
