//! The functions that `proofs/` proves things of are those of this crate.
//!
//! Each is carried out as the file defines it and as Rust does, on many values that lie around the powers of two.
//! What is proved of the one holds for the other as long as this passes.
#![forbid(unsafe_code)]

extern crate std;

mod smt;

use std::{collections::BTreeSet, vec};

use allocator_api::{AddressRange, address};

use self::smt::{
    Functions,
    Value::{self, Truth, Word},
};
use crate::{
    BitmapPageAllocator, Inline,
    bits::{WORD_PAGES, aligned_positions, ones, run_starts},
    layout::{CHUNKS, COVER, HEADER_WORDS, cover_of},
    pages::PageRange,
    request::Request,
    search::Wanted,
    span::{Span, pieces},
    summary::{CHUNK_PAGES, ChunkRecord},
};

/// How often each pair is compared.
const ROUNDS: usize = 4000;

/// A function of a file, and what it is in Rust.
struct Tie {
    name: &'static str,
    /// Makes arguments of four words that may be anything; there may be more than the function has.
    arguments: fn([u64; 4]) -> [u64; 4],
    /// What Rust says; `None` where it has no answer.
    rust: fn([usize; 4]) -> Option<Value>,
}

const fn tie(
    name: &'static str,
    arguments: fn([u64; 4]) -> [u64; 4],
    rust: fn([usize; 4]) -> Option<Value>,
) -> Tie {
    Tie { name, arguments, rust }
}

/// Spoken of in claims: whether a bit of a word is one.
const BIT: Tie = tie(
    "bit",
    |[a, b, ..]| [a, b % 70, 0, 0],
    |[a, b, ..]| truth((a as u64).checked_shr(b as u32).is_some_and(|word| word & 1 == 1)),
);

/// Spoken of in claims: a power of two.
const POWER: Tie = tie("is_power_of_two", |a| a, |[a, ..]| truth(a.is_power_of_two()));

fn word(number: usize) -> Option<Value> {
    Some(Word(number as u64))
}

fn truth(is: bool) -> Option<Value> {
    Some(Truth(is))
}

/// A power of two below 2^64.
fn power(n: u64) -> u64 {
    1 << (n % 64)
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0.rotate_left(32)
    }

    /// Any number, with many of few bits, and many around powers of two and the ends.
    fn word(&mut self) -> u64 {
        let (kind, bits, number) = (self.next() % 4, self.next() % 64, self.next());
        match kind {
            0 => number >> bits,
            1 => power(bits).wrapping_add(number % 5).wrapping_sub(2),
            2 => (u64::MAX << bits) ^ (number % 3),
            _ => number,
        }
    }
}

/// Compares each function of a file with what it is in Rust. Every function is compared, or part of one that is.
fn compare(text: &str, ties: &[Tie]) {
    let functions = Functions::of(text);
    let mut tied = BTreeSet::new();
    for Tie { name, arguments, rust } in ties {
        let (mut random, mut compared) = (Random(name.len() as u64), 0);
        for _ in 0..ROUNDS {
            let drawn = arguments([random.word(), random.word(), random.word(), random.word()]);
            let Some(expected) = rust(drawn.map(|word| word as usize)) else { continue };
            let given = &drawn[..functions.arity(name)];
            assert_eq!(functions.call(name, given), expected, "{name} {given:x?}");
            compared += 1;
        }
        assert!(compared > ROUNDS / 10, "{name} was compared {compared} times");
        tied.extend(functions.made_of(name));
    }
    assert_eq!(tied, functions.names(), "a function that is defined is used");
}

#[test]
fn runs_in_a_word() {
    compare(
        include_str!("../proofs/bits.smt2"),
        &[
            BIT,
            tie("ones", |[a, b, ..]| [a % 64, 1 + b % (64 - a % 64), 0, 0], |[a, b, ..]| Some(Word(ones(a, b)))),
            tie(
                "run_starts",
                |[a, b, c, _]| [a | b, 1 + c % 64, 0, 0],
                |[a, b, ..]| Some(Word(run_starts(a as u64, b))),
            ),
            tie(
                "aligned_positions",
                |[a, ..]| [1 << (a % 7), 0, 0, 0],
                |[a, ..]| Some(Word(aligned_positions(a))),
            ),
        ],
    );
}

/// Number and address of a page of 2^LOG2 bytes, as the allocator has them, from an address that lies in it.
fn page<const SIZE: usize>(address: usize) -> Option<(usize, usize)> {
    let pages = BitmapPageAllocator::<SIZE, Inline<2>>::new();
    let planned = pages.plan(address & !(SIZE - 1), SIZE).ok()?;
    Some((planned.first(), BitmapPageAllocator::<SIZE, Inline<2>>::home(planned).address))
}

/// As [`page`], for some sizes.
fn page_of(address: usize, log2: usize) -> Option<(usize, usize)> {
    match log2 {
        0 => page::<1>(address),
        6 => page::<64>(address),
        12 => page::<4096>(address),
        16 => page::<0x1_0000>(address),
        21 => page::<0x20_0000>(address),
        40 => page::<{ 1 << 40 }>(address),
        _ => None,
    }
}

/// The logarithms that [`page_of`] knows, by number.
fn log2_of(n: u64) -> u64 {
    [0, 6, 12, 16, 21, 40][(n % 6) as usize]
}

fn trimmed([start, last, granule, _]: [usize; 4]) -> Option<AddressRange> {
    AddressRange::from_bounds(start, last)?.trimmed(granule)
}

/// The last page covered by a block over the pages from `first` to `last`.
fn covered_last(first: usize, last: usize) -> Option<usize> {
    let (cover, chunks) = cover_of(PageRange::new(first, last)?);
    let mut words = vec![0; HEADER_WORDS];
    words[COVER] = cover as u64;
    words[CHUNKS] = chunks as u64;
    Some(Span(words.as_slice()).covered().last())
}

#[test]
fn addresses_pages_and_places() {
    compare(
        include_str!("../proofs/place.smt2"),
        &[
            tie("number_of", |[a, b, ..]| [a, log2_of(b), 0, 0], |[a, b, ..]| word(page_of(a, b)?.0)),
            tie(
                "address_of",
                |[a, b, ..]| [a >> log2_of(b), log2_of(b), 0, 0],
                |[a, b, ..]| word(page_of(a << b, b)?.1),
            ),
            tie("page_size", |[a, ..]| [a % 64, 0, 0, 0], |[a, ..]| word(1 << a)),
            POWER,
            tie("is_aligned", |[a, b, ..]| [a, power(b), 0, 0], |[a, b, ..]| truth(address::is_aligned(a, b))),
            tie("align_up", |[a, b, ..]| [a, power(b), 0, 0], |[a, b, ..]| word(address::align_up(a, b)?)),
            tie(
                "align_up_is_some",
                |[a, b, ..]| [a, power(b), 0, 0],
                |[a, b, ..]| truth(address::align_up(a, b).is_some()),
            ),
            tie(
                "trimmed_is_some",
                |[a, b, c, _]| [a.min(b), a.max(b), power(c), 0],
                |a| truth(trimmed(a).is_some()),
            ),
            tie(
                "trimmed_last",
                |[a, b, ..]| [a, power(b), 0, 0],
                |[a, b, ..]| word(trimmed([0, a, b, 0])?.last()),
            ),
            tie("cover", |a| a, |[a, ..]| word(cover_of(PageRange::counted(a, 1)?).0)),
            tie(
                "chunks",
                |[a, b, ..]| [a.min(b), a.max(b), 0, 0],
                |[a, b, ..]| word(cover_of(PageRange::new(a, b)?).1),
            ),
            tie("covered_last", |[a, b, ..]| [a.min(b), a.max(b), 0, 0], |[a, b, ..]| word(covered_last(a, b)?)),
            tie("chunk_of", |a| a, |[a, ..]| word(a / CHUNK_PAGES)),
            tie("word_of", |a| a, |[a, ..]| word(a / WORD_PAGES)),
            tie("bit_of", |a| a, |[a, ..]| word(a % WORD_PAGES)),
            BIT,
            tie(
                "piece",
                |[a, b, c, _]| {
                    let last = a.saturating_add(b % 1000);
                    [a, last, a / 64 + c % (last / 64 - a / 64 + 1), 0]
                },
                |[a, b, c, _]| pieces(a, b).find(|(word, _)| *word == c).map(|(_, mask)| Word(mask)),
            ),
        ],
    );
}

/// The request for `count` pages at multiples of `align`; a boundary of 0 is none.
fn request(align: usize, count: usize, boundary: usize) -> Option<Request> {
    let within = PageRange::new(0, usize::MAX)?;
    Some(Request { count, align, boundary: (boundary != 0).then_some(boundary), within })
}

/// A page, an alignment, a count, and a boundary that is none or no smaller than the count.
fn wanted([a, b, c, d]: [u64; 4]) -> [u64; 4] {
    match d % 4 {
        0 => [a, power(b), c.max(1), 0],
        _ => [a, power(b), (c % power(d)).max(1), power(d)],
    }
}

#[test]
fn where_a_run_may_begin() {
    compare(
        include_str!("../proofs/request.smt2"),
        &[
            POWER,
            tie("admitted", wanted, |[a, b, c, d]| word(request(b, c, d)?.admitted(a)?)),
            tie("admitted_is_some", wanted, |[a, b, c, d]| truth(request(b, c, d)?.admitted(a).is_some())),
            tie("ample", |[a, b, ..]| [power(a), b.max(1), 0, 0], |[a, b, ..]| word(request(a, b, 0)?.ample()?)),
            tie("fits", wanted, |[a, b, c, d]| {
                let last = a.checked_add(c - 1);
                truth(a.is_multiple_of(b) && (d == 0 || last.is_some_and(|last| a / d == last / d)))
            }),
        ],
    );
}

/// A run that begins at a multiple of `align`, in a block that begins with page `skew`.
fn aligned(align: usize, skew: usize) -> Wanted {
    Wanted { align, skew, ..Wanted::any(1) }
}

#[test]
fn alignments_of_numbers_by_index() {
    // A block begins at a chunk, a word at a multiple of 64 pages.
    let placed = |[a, b, c, _]: [u64; 4]| [a & !63, b & !511, power(c), 0];
    compare(
        include_str!("../proofs/search.smt2"),
        &[
            POWER,
            BIT,
            tie("is_multiple", |[a, b, ..]| [a, power(b), 0, 0], |[a, b, ..]| truth(a.is_multiple_of(b))),
            tie("slack", |[a, b, c, _]| [a, b, power(c), 0], |[a, b, c, _]| word(aligned(c, b).slack(a))),
            tie("positions", placed, |[a, b, c, _]| Some(Word(aligned(c, b).positions(a)))),
        ],
    );
}

/// A chunk of which the words are `free`, and in between all or nothing.
fn chunk([a, b, c, d]: [usize; 4]) -> ChunkRecord {
    let whole = |n: usize| if n & 1 == 0 { 0 } else { u64::MAX };
    let words = [a as u64, whole(b), whole(c), whole(d), whole(b >> 1), whole(c >> 1), whole(d >> 1), d as u64];
    ChunkRecord::of(&words)
}

#[test]
fn four_numbers_in_a_word() {
    let functions = Functions::of(include_str!("../proofs/record.smt2"));
    let mut random = Random(9);
    let mut seen = BTreeSet::new();
    for _ in 0..ROUNDS {
        let record = chunk([(); 4].map(|()| random.word() as usize));
        let summary = record.summary();
        let [start, longest, end, block] =
            [summary.start, summary.longest, summary.end, summary.block].map(|number| number as u64);
        let numbers = [start, longest, end, block];
        let Word(packed) = functions.call("packed", &numbers) else { panic!("`packed` is a word") };
        assert_eq!(packed, record.0 & 0xffff_ffff_ffff, "{numbers:?}");
        let hidden = record.hidden() as u64;
        for (name, number) in
            [("start_of", start), ("longest_of", longest), ("end_of", end), ("hidden_in", hidden)]
        {
            assert_eq!(functions.call(name, &[record.0]), Word(number), "{name}");
        }
        for other in (0..10).map(|bits| 1 << bits).chain([0]) {
            assert_eq!(functions.call("is_block_of", &[other, record.0]), Truth(other == block), "{other}");
        }
        seen.insert(numbers);
    }
    let tied = ["packed", "start_of", "longest_of", "end_of", "is_block_of"];
    assert_eq!(
        tied.into_iter().flat_map(|name| functions.made_of(name)).collect::<BTreeSet<_>>(),
        functions.names()
    );
    assert!(seen.len() > 100);
}
