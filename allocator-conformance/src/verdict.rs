//! What a case has to say when it does not simply pass.
//!
//! A case is a function that ends with `Ok(())` or with the [`Stop`] that ended it. The checks here build that
//! `Stop`; they remember the line of the suite that asked, so that a report leads to the source.
#![forbid(unsafe_code)]

use core::{alloc::Layout, fmt, panic::Location};

use allocator_api::{AddressRange, AllocError, AllocResult};

/// Something a check expected or got, printable without allocation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value {
    /// Nothing to say.
    Nothing,
    /// An amount: of bytes, pages, blocks.
    Count(usize),
    /// An address.
    Address(usize),
    /// The answer of an operation.
    Answer(AllocResult),
    /// A size and an alignment.
    Layout(Layout),
    /// Words.
    Text(&'static str),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => Ok(()),
            Self::Count(count) => write!(f, "{count}"),
            Self::Address(address) => write!(f, "{address:#x}"),
            Self::Answer(Ok(())) => f.write_str("Ok"),
            Self::Answer(Err(error)) => write!(f, "{error:?}"),
            Self::Layout(layout) => write!(f, "size {}, alignment {}", layout.size(), layout.align()),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl From<usize> for Value {
    fn from(count: usize) -> Self {
        Self::Count(count)
    }
}

impl From<AllocResult> for Value {
    fn from(answer: AllocResult) -> Self {
        Self::Answer(answer)
    }
}

impl From<AllocError> for Value {
    fn from(error: AllocError) -> Self {
        Self::Answer(Err(error))
    }
}

impl From<Layout> for Value {
    fn from(layout: Layout) -> Self {
        Self::Layout(layout)
    }
}

impl From<AddressRange> for Value {
    fn from(range: AddressRange) -> Self {
        Self::Address(range.start())
    }
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(text)
    }
}

/// The step of a case at which an allocator broke its promise.
///
/// # Examples
///
/// ```
/// use allocator_conformance::{Failure, Value};
///
/// let failure = Failure::new("alloc: the block is aligned", Value::Address(0x2000), Value::Address(0x1040));
/// assert!(failure.to_string().starts_with("alloc: the block is aligned: expected 0x2000, got 0x1040"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Failure {
    /// What was being checked.
    pub step: &'static str,
    /// What the contract asks for.
    pub expected: Value,
    /// What came.
    pub got: Value,
    /// The input that the step was done with.
    pub input: Value,
    /// The line of the suite that checked.
    pub location: &'static Location<'static>,
}

impl Failure {
    /// A failure at the caller's line.
    #[track_caller]
    #[must_use]
    pub const fn new(step: &'static str, expected: Value, got: Value) -> Self {
        Self { step, expected, got, input: Value::Nothing, location: Location::caller() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, got {}", self.step, self.expected, self.got)?;
        if self.input != Value::Nothing {
            write!(f, " (with {})", self.input)?;
        }
        write!(f, " [{}:{}]", self.location.file(), self.location.line())
    }
}

/// Why a case ended before its last line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    /// The allocator broke a promise.
    Broken(Failure),
    /// The suite itself asked for something that it may not ask for.
    Mistake(Failure),
    /// The allocator declares that it does not do this.
    Declared(&'static str),
    /// The case cannot be tried here.
    Skipped(&'static str),
}

/// The result of a step of a case.
pub(crate) type Step<T = ()> = Result<T, Stop>;

/// Adds the input to a failure that has none yet.
pub(crate) trait With {
    /// Names what the failing step was done with.
    fn with(self, input: impl Into<Value>) -> Self;
}

impl<T> With for Step<T> {
    fn with(self, input: impl Into<Value>) -> Self {
        self.map_err(|stop| match stop {
            Stop::Broken(failure) if failure.input == Value::Nothing => {
                Stop::Broken(Failure { input: input.into(), ..failure })
            }
            other => other,
        })
    }
}

/// A broken promise.
#[track_caller]
pub(crate) fn broken(step: &'static str, expected: impl Into<Value>, got: impl Into<Value>) -> Stop {
    Stop::Broken(Failure::new(step, expected.into(), got.into()))
}

/// A mistake of the suite.
#[track_caller]
pub(crate) fn mistake(step: &'static str) -> Stop {
    Stop::Mistake(Failure::new(step, Value::Text("a sound request"), Value::Text("a mistake of the suite")))
}

/// The two amounts are equal.
#[track_caller]
pub(crate) fn equal(step: &'static str, expected: usize, got: usize) -> Step {
    if expected == got { Ok(()) } else { Err(broken(step, expected, got)) }
}

/// The amount is at least `least`.
#[track_caller]
pub(crate) fn at_least(step: &'static str, least: usize, got: usize) -> Step {
    if got >= least { Ok(()) } else { Err(broken(step, least, got)) }
}

/// The amount is at most `most`.
#[track_caller]
pub(crate) fn at_most(step: &'static str, most: usize, got: usize) -> Step {
    if got <= most { Ok(()) } else { Err(broken(step, most, got)) }
}

/// The operation gave this answer.
#[track_caller]
pub(crate) fn answers<T>(step: &'static str, expected: AllocResult, got: AllocResult<T>) -> Step {
    let got = got.map(|_| ());
    if expected == got { Ok(()) } else { Err(broken(step, expected, got)) }
}
