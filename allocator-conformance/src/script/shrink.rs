//! Delta debugging: makes a failing script smaller.
#![forbid(unsafe_code)]

use super::Op;

/// Makes a script that fails smaller: takes out steps, in halves, quarters and so on, and then makes the numbers of the
/// rest smaller, for as long as `fails` says that what is left still does. The result needs each of its steps.
///
/// `scratch` is room for trials, as long as the script.
///
/// # Complexity
///
/// With n steps, each with numbers of at most b bits: O(n² + n·b) calls of `fails`. (Zeller and Hildebrandt 2002,
/// *Simplifying and Isolating Failure-Inducing Input*.)
///
/// # Examples
///
/// ```
/// use allocator_conformance::{ByteOp, shrink};
///
/// let alloc = |size| ByteOp::Alloc { size, align_log2: 0 };
/// let mut script = [ByteOp::GiveAllBack, alloc(7), alloc(900), ByteOp::Dealloc { block: 0 }, alloc(3)];
/// let mut scratch = script;
/// let needs_a_large_block =
///     |script: &[ByteOp]| script.iter().any(|op| matches!(op, ByteOp::Alloc { size: 500.., .. }));
/// assert_eq!(shrink(&mut script, &mut scratch, needs_a_large_block), [alloc(500)]);
/// ```
pub fn shrink<'s, O: Op>(
    script: &'s mut [O],
    scratch: &mut [O],
    mut fails: impl FnMut(&[O]) -> bool,
) -> &'s mut [O] {
    let mut len = script.len();
    loop {
        let before = len;
        len = without_steps(script, scratch, len, &mut fails);
        let changed = with_smaller_numbers(&mut script[..len], &mut fails);
        if !changed && len == before {
            return &mut script[..len];
        }
    }
}

/// Takes out every run of steps that is not needed; returns how many steps are left of the first `len`.
fn without_steps<O: Op>(
    script: &mut [O],
    scratch: &mut [O],
    mut len: usize,
    fails: &mut impl FnMut(&[O]) -> bool,
) -> usize {
    let mut run = len.div_ceil(2).min(scratch.len());
    while run > 0 {
        // From the end: later steps are needed least.
        let mut end = len;
        while end > 0 {
            let start = end.saturating_sub(run);
            let left = len - (end - start);
            let fits = left <= scratch.len();
            if fits {
                scratch[..start].copy_from_slice(&script[..start]);
                scratch[start..left].copy_from_slice(&script[end..len]);
            }
            if fits && fails(&scratch[..left]) {
                script[..left].copy_from_slice(&scratch[..left]);
                len = left;
            }
            end = start;
        }
        run /= 2;
    }
    len
}

/// Makes every number as small as it can be. Whether one became smaller.
fn with_smaller_numbers<O: Op>(script: &mut [O], fails: &mut impl FnMut(&[O]) -> bool) -> bool {
    let mut changed = false;
    for index in 0..script.len() {
        let mut attempt = 0;
        while let Some(simpler) = script[index].simpler(attempt) {
            let kept = core::mem::replace(&mut script[index], simpler);
            // The same again would be no progress, and the loop would not end.
            if kept == simpler || !fails(script) {
                script[index] = kept;
                attempt += 1;
            } else {
                changed = true;
                attempt = 0;
            }
        }
    }
    changed
}
