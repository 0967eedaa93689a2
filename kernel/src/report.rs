//! Lines for the program that runs the kernel.
//!
//! ```text
//!   #> case suite=bytes name=size_zero_is_refused outcome=declared why="no reason \"at all\""
//!   └┬┘└┬─┘ └──────────────────┬─────────────────────────────────┘ └───────────┬───────────┘
//!  prefix what           values: no spaces in them                       text: in quotes
//! ```
//!
//! A line begins with the prefix, so that it can be told from the lines for people. In a text, `"` and `\` stand
//! behind a `\`, and each control character is a space: a line stays one line.

use core::fmt::{self, Display, Write};

/// What every line begins with.
pub const PREFIX: &str = "#>";

/// A line being written to `W`.
///
/// # Complexity
///
/// Each method is O(length of what it writes).
///
/// # Examples
///
/// ```
/// use kernel::report::Line;
///
/// let mut out = String::new();
/// Line::begin(&mut out, "end")?.value("status", "ok")?.text("why", "all passed")?.end()?;
/// assert_eq!(out, "#> end status=ok why=\"all passed\"\n");
/// # Ok::<(), core::fmt::Error>(())
/// ```
#[derive(Debug)]
pub struct Line<'a, W: Write>(&'a mut W);

impl<'a, W: Write> Line<'a, W> {
    /// Begins a line of the kind `what`.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn begin(out: &'a mut W, what: &str) -> Result<Self, fmt::Error> {
        write!(out, "{PREFIX} {what}")?;
        Ok(Self(out))
    }

    /// Adds a value; where it has spaces in it, `_` stands for each.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn value(self, key: &str, value: impl Display) -> Result<Self, fmt::Error> {
        write!(self.0, " {key}=")?;
        write!(Unspaced(self.0), "{value}")?;
        Ok(self)
    }

    /// Adds a text in quotes.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn text(self, key: &str, text: impl Display) -> Result<Self, fmt::Error> {
        write!(self.0, " {key}=\"")?;
        write!(Quoted(self.0), "{text}")?;
        self.0.write_char('"')?;
        Ok(self)
    }

    /// Ends the line.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn end(self) -> fmt::Result {
        self.0.write_char('\n')
    }
}

/// Writes what a value may hold.
struct Unspaced<'a, W: Write>(&'a mut W);

impl<W: Write> Write for Unspaced<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let kept = |c: char| if c.is_whitespace() || c.is_control() { '_' } else { c };
        text.chars().try_for_each(|c| self.0.write_char(kept(c)))
    }
}

/// Writes what may stand between quotes.
struct Quoted<'a, W: Write>(&'a mut W);

impl<W: Write> Write for Quoted<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|c| match c {
            '"' | '\\' => write!(self.0, "\\{c}"),
            c if c.is_control() => self.0.write_char(' '),
            c => self.0.write_char(c),
        })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::String;

    use super::*;

    #[test]
    fn a_line_stays_one_line_that_can_be_taken_apart() {
        let mut out = String::new();
        Line::begin(&mut out, "case")
            .and_then(|line| line.value("name", "a b\tc"))
            .and_then(|line| line.value("count", 7))
            .and_then(|line| line.text("why", "the \"end\"\nand \\ more"))
            .and_then(Line::end)
            .unwrap();
        assert_eq!(out, "#> case name=a_b_c count=7 why=\"the \\\"end\\\" and \\\\ more\"\n");
    }
}
