//! The fields of one machine-readable line: `key=value` pairs, separated by spaces.
//!
//! A value is a word, or text in double quotes in which `\"` and `\\` stand for `"` and `\`. Reading is strict: a field
//! that is missing, comes twice, is not wanted or is not a number where a number is due is an error. A serial line
//! that lost or gained a character is then seen as damaged and is not read as a result.

use std::fmt::Write as _;

/// Fields read from a line and not yet taken.
#[derive(Debug)]
pub(crate) struct Fields {
    left: Vec<(String, String)>,
}

impl Fields {
    /// Reads all pairs of `text`.
    ///
    /// # Errors
    ///
    /// What is wrong with the text, as a clause to put behind the line.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut left: Vec<(String, String)> = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (key, behind) = rest.split_once('=').ok_or_else(|| format!("`{rest}` is not key=value"))?;
            let well_formed = key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            if key.is_empty() || !well_formed {
                return Err(format!("`{key}` is not a key"));
            }
            if left.iter().any(|(known, _)| known == key) {
                return Err(format!("`{key}` comes twice"));
            }
            let (value, behind) = split_value(key, behind)?;
            left.push((key.to_owned(), value));
            rest = behind;
        }
        Ok(Self { left })
    }

    /// Takes the text of `key`.
    ///
    /// # Errors
    ///
    /// The field is missing.
    pub(crate) fn text(&mut self, key: &str) -> Result<String, String> {
        self.optional_text(key).ok_or_else(|| format!("`{key}` is missing"))
    }

    /// Takes the text of `key`, if it is there.
    pub(crate) fn optional_text(&mut self, key: &str) -> Option<String> {
        let at = self.left.iter().position(|(known, _)| known == key)?;
        Some(self.left.swap_remove(at).1)
    }

    /// Takes the number of `key`: decimal, or hexadecimal behind `0x`.
    ///
    /// # Errors
    ///
    /// The field is missing or is not such a number.
    pub(crate) fn number(&mut self, key: &str) -> Result<u64, String> {
        let text = self.text(key)?;
        let parsed = match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => text.parse(),
        };
        parsed.map_err(|_| format!("`{key}={text}` is not a number"))
    }

    /// Ends the reading.
    ///
    /// # Errors
    ///
    /// A field was not taken.
    pub(crate) fn finish(self) -> Result<(), String> {
        let mut unknown = String::new();
        for (key, _) in &self.left {
            let _ = write!(unknown, " `{key}`");
        }
        if unknown.is_empty() { Ok(()) } else { Err(format!("unknown:{unknown}")) }
    }
}

/// Splits a value off the front of `text`: the value, and what stands behind it.
fn split_value<'a>(key: &str, text: &'a str) -> Result<(String, &'a str), String> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        return if word.is_empty() || word.contains('"') {
            Err(format!("`{key}` has no proper value"))
        } else {
            Ok((word.to_owned(), rest.trim_start()))
        };
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return end_of_quote(key, value, &quoted[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            plain => value.push(plain),
        }
    }
    Err(format!("the text of `{key}` does not end"))
}

/// Checks that a quoted value is followed by a space or by nothing.
fn end_of_quote<'a>(key: &str, value: String, behind: &'a str) -> Result<(String, &'a str), String> {
    if behind.is_empty() || behind.starts_with(' ') {
        Ok((value, behind.trim_start()))
    } else {
        Err(format!("the text of `{key}` is followed by `{behind}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::Fields;

    #[test]
    fn words_texts_and_numbers_are_taken_by_name_in_any_order() {
        let mut fields = Fields::parse(r#"why="a \"b\" \\ c=d" n=12 name=x address=0xff"#).unwrap();
        assert_eq!(fields.number("n"), Ok(12));
        assert_eq!(fields.number("address"), Ok(255));
        assert_eq!(fields.text("why"), Ok(r#"a "b" \ c=d"#.to_owned()));
        assert_eq!(fields.text("name"), Ok("x".to_owned()));
        assert_eq!(fields.finish(), Ok(()));
    }

    #[test]
    fn damaged_texts_are_refused() {
        for text in
            ["word", "=1", "a=1 a=2", "a=", "a= b=1", r#"a="open"#, r#"a="x"y"#, r#"a=x"y"#, "A=1", "a b=1"]
        {
            assert!(Fields::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_number_is_nothing_but_a_number() {
        for text in ["n=", "n=12x", "n=-1", "n=0x", "n=1_0", "n=99999999999999999999"] {
            assert!(Fields::parse(text).and_then(|mut fields| fields.number("n")).is_err(), "{text}");
        }
    }

    #[test]
    fn a_missing_and_a_left_over_field_are_named() {
        let mut fields = Fields::parse("a=1 b=2").unwrap();
        assert_eq!(fields.number("c"), Err("`c` is missing".to_owned()));
        assert_eq!(fields.number("a"), Ok(1));
        assert_eq!(fields.finish(), Err("unknown: `b`".to_owned()));
    }
}
