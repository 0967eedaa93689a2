//! The backends that a kernel can be built with; their names are features of `kernel` and of `allocator`.

use std::fmt;

use clap::ValueEnum;

/// A byte backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ByteBackend {
    /// Size classes of equal slots, on the page level itself: our own engine.
    Slab,
    /// Size classes of equal slots: the published package.
    SlabPackage,
    /// Blocks of powers of two, split and merged.
    Buddy,
    /// Two-level segregated fit: constant time.
    Tlsf,
}

impl ByteBackend {
    /// Every byte backend.
    pub(crate) const ALL: [Self; 4] = [Self::Slab, Self::SlabPackage, Self::Buddy, Self::Tlsf];

    /// Its feature.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Slab => "slab",
            Self::SlabPackage => "slab-package",
            Self::Buddy => "buddy",
            Self::Tlsf => "tlsf",
        }
    }

    /// The name that the backend gives itself.
    pub(crate) fn declares(self) -> &'static str {
        match self {
            Self::Slab => "slab",
            Self::SlabPackage => "slab-package",
            Self::Buddy => "buddy-package",
            Self::Tlsf => "tlsf-package",
        }
    }

    /// Whether it gives pages back: then it may keep none that somebody asks for.
    pub(crate) fn gives_back(self) -> bool {
        self == Self::Slab
    }
}

/// What `--backend` takes: one byte backend, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ByteChoice {
    /// Size classes of equal slots, on the page level itself: our own engine.
    Slab,
    /// Size classes of equal slots: the published package.
    SlabPackage,
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
            Self::SlabPackage => vec![ByteBackend::SlabPackage],
            Self::Buddy => vec![ByteBackend::Buddy],
            Self::Tlsf => vec![ByteBackend::Tlsf],
            Self::All => ByteBackend::ALL.to_vec(),
        }
    }
}

/// A page backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PageBackend {
    /// One bit a page, under a tree of how far free runs reach: our own engine.
    Bitmap,
    /// The same, with its records in a piece of the memory that is lent for them.
    BitmapLent,
    /// One bit a page, in a tree: the published package.
    BitmapPackage,
}

impl PageBackend {
    /// Every page backend.
    pub(crate) const ALL: [Self; 3] = [Self::Bitmap, Self::BitmapLent, Self::BitmapPackage];

    /// Its feature, which is also the name that the backend gives itself.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bitmap => "bitmap",
            Self::BitmapLent => "bitmap-lent",
            Self::BitmapPackage => "bitmap-package",
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
        let pairs = |page| ByteBackend::ALL.map(|byte| Self { byte, page });
        PageBackend::ALL.into_iter().flat_map(pairs).collect()
    }

    /// Pairs in which each backend is at least once.
    pub(crate) fn each() -> Vec<Self> {
        let of_default = |byte| Self { byte, page: PageBackend::Bitmap };
        let others = [PageBackend::BitmapLent, PageBackend::BitmapPackage];
        let of_slab = |page| Self { byte: ByteBackend::Slab, page };
        ByteBackend::ALL.into_iter().map(of_default).chain(others.map(of_slab)).collect()
    }
}

impl fmt::Display for Backends {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}+{}", self.byte.name(), self.page.name())
    }
}
