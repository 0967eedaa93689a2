//! The backends that a kernel can be built with; their names are features of `kernel` and of `allocator`.

use std::fmt;

use clap::ValueEnum;

/// A byte backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ByteBackend {
    /// Size classes of equal slots.
    Slab,
    /// Blocks of powers of two, split and merged.
    Buddy,
    /// Two-level segregated fit: constant time.
    Tlsf,
}

impl ByteBackend {
    /// Every byte backend.
    pub(crate) const ALL: [Self; 3] = [Self::Slab, Self::Buddy, Self::Tlsf];

    /// Its feature.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Slab => "slab",
            Self::Buddy => "buddy",
            Self::Tlsf => "tlsf",
        }
    }
}

/// What `--backend` takes: one byte backend, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ByteChoice {
    /// Size classes of equal slots.
    Slab,
    /// Blocks of powers of two, split and merged.
    Buddy,
    /// Two-level segregated fit: constant time.
    Tlsf,
    /// Each of them, one kernel each.
    All,
}

impl ByteChoice {
    /// The backends chosen.
    pub(crate) fn backends(self) -> Vec<ByteBackend> {
        match self {
            Self::Slab => vec![ByteBackend::Slab],
            Self::Buddy => vec![ByteBackend::Buddy],
            Self::Tlsf => vec![ByteBackend::Tlsf],
            Self::All => ByteBackend::ALL.to_vec(),
        }
    }
}

/// A page backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PageBackend {
    /// One bit a page, in a tree.
    Bitmap,
}

impl PageBackend {
    /// Its feature.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bitmap => "bitmap",
        }
    }
}

/// The two backends of one kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backends {
    /// Serves blocks of bytes.
    pub(crate) byte: ByteBackend,
    /// Serves runs of pages.
    pub(crate) page: PageBackend,
}

impl Backends {
    /// Every pair of a byte and a page backend.
    pub(crate) fn all() -> Vec<Self> {
        ByteBackend::ALL.map(|byte| Self { byte, page: PageBackend::Bitmap }).to_vec()
    }
}

impl fmt::Display for Backends {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}+{}", self.byte.name(), self.page.name())
    }
}
