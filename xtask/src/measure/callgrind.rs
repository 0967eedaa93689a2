//! Reads callgrind's output: inclusive instructions of the counted functions, and of each part.
//!
//! ```text
//!   fn=(4) name            a function; from its second mention on, the number alone
//!   0 120034               instructions of its own
//!   cfn=(6) name           it calls this one
//!   calls=20000 0
//!   0 2360000              instructions of those calls, and of what they called
//!   totals: 4780052        all that was counted, once for each part
//! ```

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

/// The functions at whose border is counted, as their symbols hold them.
const COUNTED: [&str; 3] = ["counted_alloc", "counted_free", "counted_realloc"];

/// Instructions spent in allocations, frees and reallocs, with all that they called.
///
/// # Errors
///
/// `text` is not what callgrind writes.
pub(crate) fn counted(text: &str) -> Result<[u64; 3]> {
    let mut names = BTreeMap::new();
    let (mut sums, mut callee, mut next_is_call) = ([0; 3], "", false);
    for line in text.lines() {
        if let Some(function) = line.strip_prefix("fn=").or_else(|| line.strip_prefix("cfn=")) {
            let (number, name) = function.split_once(' ').unwrap_or((function, ""));
            let name = if name.is_empty() { names.get(number).copied().unwrap_or_default() } else { name };
            names.insert(number, name);
            callee = name;
        } else if line.starts_with("calls=") {
            next_is_call = true;
        } else if next_is_call {
            next_is_call = false;
            let (_, cost) = line.split_once(' ').context("a call without a cost")?;
            if let Some(n) = COUNTED.iter().position(|counted| is_named(callee, counted)) {
                sums[n] += cost.trim().parse::<u64>().context("a cost that is no number")?;
            }
        }
    }
    ensure!(sums.iter().any(|&sum| sum > 0), "nothing was counted");
    Ok(sums)
}

/// Whether a mangled symbol has `name` as one of its parts: the part's length stands before it.
fn is_named(symbol: &str, name: &str) -> bool {
    symbol.contains(&format!("{}{name}", name.len()))
}

/// Instructions of each part, in the order in which they were written.
///
/// # Errors
///
/// `text` is not what callgrind writes.
pub(crate) fn parts(text: &str) -> Result<Vec<u64>> {
    let totals = text.lines().filter_map(|line| line.strip_prefix("totals: "));
    totals.map(|total| total.trim().parse().context("a total that is no number")).collect()
}

#[cfg(test)]
mod tests {
    use super::{counted, parts};

    const OUTPUT: &str = "\
fn=(4) _ZN5bench4play17h7bE
0 120034
cfn=(6) _ZN5bench13counted_alloc17h46E.llvm.36
calls=2 0
0 300
cfn=(8) _ZN5bench12counted_free17h07E
calls=1 0
0 50
0 94
fn=(6)
0 20
cfn=(9) _ZN4talc8allocateE
calls=2 0
0 280
fn=(5) _ZN5bench9elsewhereE
cfn=(6)
calls=1 0
0 7
cfn=(10) _ZN5bench15counted_realloc17h07E
calls=1 0
0 11
totals: 120500
";

    #[test]
    fn calls_of_the_counted_functions_are_summed_with_what_they_called() {
        assert_eq!(counted(OUTPUT).unwrap(), [307, 50, 11]);
    }

    #[test]
    fn output_without_a_counted_call_is_an_error() {
        assert!(counted("fn=(1) main\n0 5\n").unwrap_err().to_string().contains("nothing was counted"));
        assert!(counted("cfn=(1) _Z13counted_allocE\ncalls=1 0\n0 many\n").is_err());
    }

    #[test]
    fn every_part_has_a_total() {
        assert_eq!(parts(&format!("{OUTPUT}part: 2\ntotals: 7\n")).unwrap(), [120_500, 7]);
    }
}
