//! The backends that are on.
