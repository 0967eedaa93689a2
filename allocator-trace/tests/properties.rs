//! What holds of every trace: it is read as it was written, and what breaks a rule is an error and never a panic.

use allocator_trace::{
    Census, Flags, HEADER_BYTES, Header, Kind, Operation, RECORD_BYTES, Record, Trace, TraceError,
};
use proptest::{collection::vec, prelude::*};

const SLOTS: usize = 8;

/// What is wished for: a resize or not, of which object, and the numbers of the record.
type Wish = (bool, u8, u32, u8, u8, u32);

fn kinds() -> impl Strategy<Value = Kind> {
    let page_log2 = 12..32_u8;
    prop_oneof![
        Just(Kind::Bytes),
        page_log2.clone().prop_map(|page_log2| Kind::PageOrders { page_log2 }),
        page_log2.prop_map(|page_log2| Kind::PageRuns { page_log2 }),
    ]
}

/// Records that keep every rule: a wish for an object that is live frees or resizes it, one for the next allocates.
fn lawful(wishes: &[Wish]) -> Vec<Record> {
    let mut live = [false; SLOTS];
    let record = |&(resizes, choice, size, align_log2, cpu, after_us): &Wish| {
        let ids = (0..SLOTS).filter(|&id| live[id]);
        let ids: Vec<usize> = ids.chain(live.iter().position(|is_live| !is_live)).collect();
        let id = ids[usize::from(choice) % ids.len()];
        let (size, flags) = (1 + size % 31, Flags::from_bits(cpu));
        let operation = match (live[id], resizes) {
            (true, true) => Operation::Realloc { size },
            (true, false) => Operation::Free { flags },
            (false, _) => Operation::Alloc { size, align_log2: align_log2 % 31, flags },
        };
        live[id] = !matches!(operation, Operation::Free { .. });
        Record { operation, cpu, id: id as u32, after_us }
    };
    wishes.iter().map(record).collect()
}

fn written(kind: Kind, records: &[Record], dropped: u32) -> Vec<u8> {
    let census = Census::of(kind, records.iter().copied(), &mut [None; SLOTS]).expect("they keep the rules");
    let mut header = Header::new(kind, &census, "a test");
    header.dropped = dropped;
    let mut bytes = header.to_bytes().to_vec();
    records.iter().for_each(|record| bytes.extend(record.to_bytes()));
    bytes
}

fn judged(bytes: &[u8]) -> Result<(), TraceError> {
    Trace::open(bytes)?.check(&mut [None; SLOTS])
}

proptest! {
    #[test]
    fn a_trace_is_read_as_it_was_written(kind in kinds(), wishes in vec(any::<Wish>(), 0..60), dropped: u32) {
        let records = lawful(&wishes);
        let bytes = written(kind, &records, dropped);
        let trace = Trace::open(&bytes).expect("it was written whole");
        prop_assert_eq!(trace.records().collect::<Result<Vec<_>, _>>(), Ok(records));
        prop_assert_eq!((trace.header().kind, trace.header().dropped), (kind, dropped));
        prop_assert_eq!(judged(&bytes), Ok(()));
    }

    #[test]
    fn whatever_is_cut_off_or_added_is_noticed(wishes in vec(any::<Wish>(), 1..20), at: prop::sample::Index, more in 1..40_usize) {
        let bytes = written(Kind::Bytes, &lawful(&wishes), 0);
        let expected = |kept| if kept < HEADER_BYTES { TraceError::Short } else { TraceError::Length };
        let kept = at.index(bytes.len());
        prop_assert_eq!(judged(&bytes[..kept]), Err(expected(kept)));
        prop_assert_eq!(judged(&[&bytes[..], &vec![0; more]].concat()), Err(TraceError::Length));
    }

    #[test]
    fn any_bytes_are_judged_without_a_panic(kind in kinds(), body in vec(any::<[u8; RECORD_BYTES]>(), 0..20)) {
        let census = Census { records: body.len() as u64, ..Census::default() };
        let mut bytes = Header::new(kind, &census, "").to_bytes().to_vec();
        bytes.extend(body.as_flattened());
        prop_assert_eq!(judged(&bytes).is_ok(), body.is_empty());
    }

    #[test]
    fn a_header_that_lies_about_its_records_is_noticed(wishes in vec(any::<Wish>(), 1..30), field in 0..8_usize) {
        const FIELDS: [usize; 8] = [14, 24, 32, 40, 48, 56, 64, 68];
        let mut bytes = written(Kind::Bytes, &lawful(&wishes), 0);
        bytes[FIELDS[field]] ^= 1;
        prop_assert_eq!(judged(&bytes), Err(TraceError::Counts));
    }
}

#[test]
fn records_that_speak_of_the_wrong_objects_are_refused() {
    let alloc = |id| Record {
        operation: Operation::Alloc { size: 1, align_log2: 0, flags: Flags::NONE },
        cpu: 0,
        id,
        after_us: 0,
    };
    let free = |id| Record { operation: Operation::Free { flags: Flags::NONE }, ..alloc(id) };
    let judged = |records: &[Record]| {
        let census = Census { records: records.len() as u64, slots: 1, ..Census::default() };
        let mut bytes = Header::new(Kind::Bytes, &census, "").to_bytes().to_vec();
        records.iter().for_each(|record| bytes.extend(record.to_bytes()));
        Trace::open(&bytes).and_then(|trace| trace.check(&mut [None; 1]))
    };
    assert_eq!(judged(&[alloc(0), alloc(0)]), Err(TraceError::AllocOfLive(0)));
    assert_eq!(judged(&[alloc(1)]), Err(TraceError::AllocOfLive(1)));
    assert_eq!(judged(&[alloc(0), free(0), free(0)]), Err(TraceError::NotLive(0)));
    assert_eq!(judged(&[free(0)]), Err(TraceError::NotLive(0)));
    // A slot without a record.
    assert_eq!(judged(&[]), Err(TraceError::Counts));
}

#[test]
fn every_error_says_what_it_is_about() {
    let said = |error: TraceError| error.to_string();
    assert!(said(TraceError::Magic).contains("magic") && said(TraceError::Short).contains("header"));
    assert!(said(TraceError::Version(7)).contains("version 7") && said(TraceError::Kind(9)).contains("kind 9"));
    assert!(said(TraceError::HeaderLength(8)).contains("8 bytes") && said(TraceError::Shift(40)).contains("2^40"));
    assert!(said(TraceError::Operation(5)).contains('5') && said(TraceError::Alignment(63)).contains("2^63"));
    assert!(said(TraceError::Size(0)).contains("size of 0") && said(TraceError::Length).contains("length"));
    assert!(
        said(TraceError::AllocOfLive(3)).contains("id 3") && said(TraceError::NotLive(4)).contains("not live")
    );
    assert!(said(TraceError::Counts).contains("add up"));
}
