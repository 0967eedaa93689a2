//! The measurements: each is a [`Visitor`] that creates a subject, plays a script on it and answers with data.
//!
//! | module | answers | runs under |
//! |---|---|---|
//! | [`check`] | is every block whole, aligned and apart from the others | the processor |
//! | [`count`] | instructions of an operation, mean and single | callgrind |
//! | [`clock`] | time of a whole script, and which operations are slow | the processor |
//! | [`maps`] | where live blocks lie | the processor |
//! | [`space`] | what fits, what is used, how much memory is needed | the processor |

pub(crate) mod check;
pub(crate) mod clock;
pub(crate) mod count;
pub(crate) mod maps;
pub(crate) mod space;

use anyhow::{Context, Result, anyhow};

use crate::{
    region::{self, Region},
    script::{Level, Script},
    subject::{
        Subject,
        registry::{self, Visitor},
    },
};

/// The memory for `script`: blocks are written to, so byte regions are faulted in; of pages only records are.
///
/// # Errors
/// The system refuses the mapping.
pub(crate) fn memory_for(script: &Script) -> Result<Region> {
    region::map(script.region_bytes, script.level == Level::Bytes)
}

/// Lets `visitor` see the subject called `name`.
///
/// # Errors
/// There is none of that name.
pub(crate) fn with_subject<V: Visitor>(name: &str, script: &Script, visitor: V) -> Result<V::Output> {
    registry::visit(name, script.region_bytes, visitor).with_context(|| format!("no subject is called {name}"))
}

/// The subject over `region`.
///
/// # Errors
/// It cannot manage a region like this.
pub(crate) fn create<S: Subject>(region: Region) -> Result<Box<S>> {
    S::create(region).map_err(|why| anyhow!("cannot manage {} bytes: {why}", region.bytes))
}
