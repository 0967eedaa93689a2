//! Toy allocators prove that the traits can be implemented, and used: generically, and as objects.

mod bump;
mod id_bits;
mod page_flags;
mod whole_pages;
