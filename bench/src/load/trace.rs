//! Recorded traces as scripts; `traces/README.md` describes the format.
#![forbid(unsafe_code)]

use std::{
    fs,
    io::{BufReader, Read},
    path::Path,
};

use anyhow::{Context, Result, bail, ensure};
use ruzstd::decoding::StreamingDecoder;

use crate::script::{Action, Level, Op, Script};

/// Memory in which a trace is replayed, in bytes.
const REGION_BYTES: usize = 128 << 20;
/// Bytes of a record.
const RECORD_BYTES: usize = 16;

/// Reads a trace, compressed (`.zst`) or plain.
///
/// # Errors
/// The file cannot be read, is no trace of version 1, or breaks the rules of the format.
pub(crate) fn read(path: &Path) -> Result<Script> {
    let file = BufReader::new(fs::File::open(path).with_context(|| format!("opening {}", path.display()))?);
    let mut bytes = Vec::new();
    if path.extension().is_some_and(|extension| extension == "zst") {
        StreamingDecoder::new(file)?.read_to_end(&mut bytes)?;
    } else {
        { file }.read_to_end(&mut bytes)?;
    }
    decode(&bytes)
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N]> {
    bytes.get(at..at + N).and_then(|found| found.try_into().ok()).context("the trace ends too early")
}

fn decode(bytes: &[u8]) -> Result<Script> {
    ensure!(bytes.starts_with(b"ALLOCTRC"), "no allocation trace: the magic is missing");
    ensure!(u16::from_le_bytes(number(bytes, 8)?) == 1, "not version 1 of the format");
    let level = match u16::from_le_bytes(number(bytes, 10)?) {
        0 => Level::Bytes,
        1 => Level::Pages,
        other => bail!("kind {other} is neither bytes nor pages"),
    };
    let header_bytes = usize::from(u16::from_le_bytes(number(bytes, 12)?));
    let count = usize::try_from(u64::from_le_bytes(number(bytes, 16)?))?;
    let slots = u32::from_le_bytes(number(bytes, 24)?) as usize;
    let body = bytes.get(header_bytes..).context("the trace ends in its header")?;
    ensure!(count.checked_mul(RECORD_BYTES) == Some(body.len()), "the header speaks of {count} records");
    let mut live = vec![false; slots];
    let ops = body
        .chunks_exact(RECORD_BYTES)
        .enumerate()
        .map(|(n, record)| op(record, level, &mut live).with_context(|| format!("record {n}")));
    Ok(Script { ops: ops.collect::<Result<_>>()?, slots, ..Script::new(level, REGION_BYTES) })
}

fn op(record: &[u8], level: Level, live: &mut [bool]) -> Result<Op> {
    let word = |at| number(record, at).map(u32::from_le_bytes);
    let action = match record[0] {
        0 => Action::Alloc,
        1 => Action::Free,
        2 => Action::Realloc,
        other => bail!("operation {other}"),
    };
    let slot = word(8)?;
    let held =
        live.get_mut(slot as usize).with_context(|| format!("id {slot} is not below the count of slots"))?;
    ensure!(*held == (action != Action::Alloc), "id {slot} is {}live", if *held { "" } else { "not " });
    *held = action != Action::Free;
    let size = match (action, level) {
        (Action::Free, _) => 0,
        (_, Level::Bytes) => word(4)?,
        (_, Level::Pages) => 1_u32.checked_shl(word(4)?).context("an order above 31")?,
    };
    ensure!((size == 0) == (action == Action::Free), "a size of 0");
    ensure!(record[2] < 32, "an alignment of 2^{}", record[2]);
    Ok(Op { action, align_log2: record[2], slot, size })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(kind: u8, records: &[[u8; RECORD_BYTES]]) -> Vec<u8> {
        let mut bytes = vec![0; 136];
        bytes[..8].copy_from_slice(b"ALLOCTRC");
        (bytes[8], bytes[10], bytes[12], bytes[24]) = (1, kind, 136, 2);
        bytes[16] = records.len() as u8;
        bytes.extend(records.as_flattened());
        bytes
    }

    const fn record(op: u8, align_log2: u8, size: u8, id: u8) -> [u8; RECORD_BYTES] {
        [op, 0, align_log2, 0, size, 0, 0, 0, id, 0, 0, 0, 0, 0, 0, 0]
    }

    #[test]
    fn records_become_operations_and_orders_become_pages() {
        let script = decode(&trace(1, &[record(0, 15, 3, 1), record(1, 0, 0, 1)])).unwrap();
        assert_eq!((script.level, script.slots, script.ops.len()), (Level::Pages, 2, 2));
        let taken = script.ops[0];
        assert_eq!((taken.action, taken.align_log2, taken.slot, taken.size), (Action::Alloc, 15, 1, 8));
        assert_eq!((script.ops[1].action, script.ops[1].slot), (Action::Free, 1));
    }

    #[test]
    fn a_trace_that_breaks_a_rule_is_refused_with_the_reason() {
        let fails = |bytes: &[u8]| format!("{:#}", decode(bytes).unwrap_err());
        assert!(fails(b"nothing").contains("magic"));
        assert!(fails(&trace(0, &[record(1, 0, 0, 0)])).contains("record 0: id 0 is not live"));
        assert!(fails(&trace(0, &[record(0, 3, 8, 0), record(0, 3, 8, 0)])).contains("record 1: id 0 is live"));
        assert!(fails(&trace(0, &[record(0, 3, 8, 2)])).contains("count of slots"));
        assert!(fails(&trace(0, &[record(0, 3, 0, 0)])).contains("size of 0"));
        assert!(fails(&trace(7, &[])).contains("kind 7"));
        let whole = trace(0, &[record(0, 3, 8, 0)]);
        assert!(fails(&whole[..whole.len() - 1]).contains("1 records"));
    }
}
