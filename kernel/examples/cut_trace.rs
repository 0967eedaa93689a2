//! Cuts the first records of a trace off, as a trace of their own.
//!
//! ```text
//! cargo run -p kernel --example cut_trace -- INPUT RECORDS SOURCE OUTPUT
//! ```
//!
//! `INPUT` is a trace, compressed with zstd if its name ends with `.zst`; `SOURCE` is what the new header says
//! of its origin, 64 bytes at most; `OUTPUT` is not compressed. The counts in the new header are those of the records
//! kept, but for the frees that were left out of the whole trace, of which nobody knows where they were.

use std::{env, error::Error, fs, io::Read, process::ExitCode};

use allocator_trace::{Census, Header, Record, Trace};
use ruzstd::decoding::StreamingDecoder;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [input, count, source, output] = arguments.as_slice() else {
        eprintln!("usage: cut_trace INPUT RECORDS SOURCE OUTPUT");
        return ExitCode::FAILURE;
    };
    match cut(input, count, source, output) {
        Ok(header) => {
            println!("{output}: {:?}", header.census);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{input}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn cut(input: &str, count: &str, source: &str, output: &str) -> Result<Header, Box<dyn Error>> {
    let bytes = contents(input)?;
    let trace = Trace::open(&bytes)?;
    let records = trace.records().take(count.parse()?).collect::<Result<Vec<Record>, _>>()?;
    let mut live = vec![None; trace.header().census.slots as usize];
    let kind = trace.header().kind;
    let census = Census::of(kind, records.iter().copied(), &mut live)?;
    let mut header = Header::new(kind, &census, source);
    header.dropped = trace.header().dropped;
    let mut cut = header.to_bytes().to_vec();
    records.iter().for_each(|record| cut.extend(record.to_bytes()));
    fs::write(output, cut)?;
    Ok(header)
}

fn contents(path: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let bytes = fs::read(path)?;
    if !path.ends_with(".zst") {
        return Ok(bytes);
    }
    let mut unpacked = Vec::new();
    StreamingDecoder::new(bytes.as_slice())?.read_to_end(&mut unpacked)?;
    Ok(unpacked)
}
