//! Recorded traces as scripts; `traces/README.md` describes the format.
#![forbid(unsafe_code)]

use std::{
    fs,
    io::{BufReader, Read},
    path::Path,
};

use allocator_trace::{Kind, Operation, Record, Trace};
use anyhow::{Context, Result, ensure};
use ruzstd::decoding::StreamingDecoder;

use crate::script::{Action, Level, Op, PAGE_BYTES, Script};

/// Memory in which a trace is replayed, in bytes.
const REGION_BYTES: usize = 128 << 20;

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

fn decode(bytes: &[u8]) -> Result<Script> {
    let trace = Trace::open(bytes)?;
    let (kind, slots) = (trace.header().kind, trace.header().census.slots as usize);
    trace.check(&mut vec![None; slots])?;
    let level = if kind == Kind::Bytes { Level::Bytes } else { Level::Pages };
    ensure!(
        1 << kind.unit_log2() == level.unit_bytes(),
        "pages of 2^{} bytes: pages of {PAGE_BYTES} are replayed",
        kind.unit_log2()
    );
    let ops =
        trace.records().enumerate().map(|(n, record)| op(kind, &record?).with_context(|| format!("record {n}")));
    Ok(Script { ops: ops.collect::<Result<_>>()?, slots, ..Script::new(level, REGION_BYTES) })
}

fn op(kind: Kind, record: &Record) -> Result<Op> {
    let (action, size, align_log2) = match record.operation {
        Operation::Alloc { size, align_log2, .. } => (Action::Alloc, kind.units(size)?, align_log2),
        Operation::Free { .. } => (Action::Free, 0, 0),
        Operation::Realloc { size } => (Action::Realloc, kind.units(size)?, 0),
    };
    ensure!(align_log2 < 32, "an alignment of 2^{align_log2}");
    Ok(Op { action, align_log2, slot: record.id, size })
}

#[cfg(test)]
mod tests {
    use allocator_trace::{Census, Flags, Header};

    use super::*;

    const ORDERS: Kind = Kind::PageOrders { page_log2: 12 };

    fn trace(kind: Kind, operations: &[Operation]) -> Vec<u8> {
        let records = operations.iter().map(|&operation| Record { operation, cpu: 0, id: 0, after_us: 1 });
        let census = Census::of(kind, records.clone(), &mut [None]).unwrap();
        let mut bytes = Header::new(kind, &census, "").to_bytes().to_vec();
        records.for_each(|record| bytes.extend(record.to_bytes()));
        bytes
    }

    fn alloc(size: u32, align_log2: u8) -> Operation {
        Operation::Alloc { size, align_log2, flags: Flags::NONE }
    }

    #[test]
    fn records_become_operations_and_orders_become_pages() {
        let script = decode(&trace(ORDERS, &[alloc(3, 15), Operation::Free { flags: Flags::NONE }])).unwrap();
        assert_eq!((script.level, script.slots, script.ops.len()), (Level::Pages, 1, 2));
        let taken = script.ops[0];
        assert_eq!((taken.action, taken.align_log2, taken.slot, taken.size), (Action::Alloc, 15, 0, 8));
        assert_eq!((script.ops[1].action, script.ops[1].slot), (Action::Free, 0));
        let bytes = decode(&trace(Kind::Bytes, &[alloc(3, 0), Operation::Realloc { size: 5 }])).unwrap();
        assert_eq!((bytes.level, bytes.ops[0].size, bytes.ops[1].size), (Level::Bytes, 3, 5));
    }

    #[test]
    fn a_trace_that_cannot_be_replayed_is_refused_with_the_reason() {
        let fails = |bytes: &[u8]| format!("{:#}", decode(bytes).unwrap_err());
        assert!(fails(&[0; 200]).contains("magic"));
        let whole = trace(Kind::Bytes, &[alloc(8, 3)]);
        assert!(fails(&whole[..whole.len() - 1]).contains("length"));
        let mut lies = whole;
        lies[48] = 9;
        assert!(fails(&lies).contains("add up"));
        assert!(fails(&trace(Kind::Bytes, &[alloc(8, 32)])).contains("record 0: an alignment of 2^32"));
        let large_pages = trace(Kind::PageRuns { page_log2: 16 }, &[alloc(1, 16)]);
        assert!(fails(&large_pages).contains("pages of 2^16"));
    }
}
