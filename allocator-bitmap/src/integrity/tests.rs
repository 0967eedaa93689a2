//! Each thing that is kept and could be wrong is made wrong, and the check must say so.
#![forbid(unsafe_code)]

use core::num::NonZeroUsize;

use allocator_api::{CheckIntegrity, PageAllocator};

use crate::{
    BitmapPageAllocator, Inline, directory,
    kept::KeptRun,
    layout::{ANY_BROKEN, HEADER_WORDS, HEIGHT, LAST, OFFER, broken_set_at, offers_at, used_set_at},
    open::Open,
    page_allocator::Near,
    pages::PageRange,
    records::{ChunkPlace, Link, Side, Store},
    summary::CHUNK_WORDS,
};

const PAGE: usize = 4096;
const CHUNKS: usize = 20;
type Pages = BitmapPageAllocator<PAGE, Inline<600>>;

/// Two spans; a chunk open, others stale, pages near, two runs kept.
fn in_use() -> Pages {
    let mut pages = Pages::new();
    pages.add_numbers(100 * 512 * PAGE, CHUNKS * 512 * PAGE).unwrap();
    pages.add_numbers(1000 * 512 * PAGE, 300 * PAGE).unwrap();
    for chunk in 100..104 {
        let first = pages.alloc_pages_at(chunk * 512 * PAGE, 512, PAGE).unwrap();
        (0..8).for_each(|page| pages.give_back(first + (20 + page) * PAGE, 1).unwrap());
    }
    pages.alloc_pages(1, PAGE).unwrap();
    let first = pages.alloc_pages_at(112 * 512 * PAGE, 512, PAGE).unwrap();
    pages.give_back(first + 100 * PAGE, 64).unwrap();
    pages.give_back(first + 300 * PAGE, 40).unwrap();
    assert_eq!(pages.kept.iter().count(), 2);
    pages.check_integrity().unwrap();
    assert!(pages.open.bits().is_some() && pages.near.span.is_some() && pages.stale.iter().count() > 2);
    pages
}

/// The span of chunk 100.
fn span_of(pages: &Pages) -> Link {
    pages.span_of(PageRange::counted(100 * 512, 1).unwrap()).unwrap()
}

/// No span of any allocator here.
const NO_SPAN: Link = Link::new(NonZeroUsize::MAX);

#[track_caller]
fn found(rule: &str, break_it: impl Fn(&mut Pages)) {
    let mut pages = in_use();
    break_it(&mut pages);
    assert_eq!(pages.check_integrity(), Err(rule));
}

#[test]
fn a_wrong_count_is_found() {
    found("total is the pages of all spans", |pages| pages.total += 1);
    found("used is total less what is free", |pages| pages.used += 1);
}

#[test]
fn a_wrong_word_of_the_records_is_found() {
    let word = |at: usize, flip: u64| {
        move |pages: &mut Pages| {
            let link = span_of(pages);
            pages.span_mut(link).0[at] ^= flip;
        }
    };
    let record = HEADER_WORDS + CHUNK_WORDS * CHUNKS;
    found("a chunk record is what the bits say", word(HEADER_WORDS + CHUNK_WORDS * 9, 1 << 5));
    found("a chunk record is what the bits say", word(record + 9, 1));
    found("the set of broken chunks is what their records say", word(broken_set_at(CHUNKS), 1 << 9));
    let wrong = "the set of chunks that are not wholly free is what their records say";
    found(wrong, word(used_set_at(CHUNKS), 1 << 9));
    found("a stale record is remembered", word(record + 9, 1 << 48));
    for bit in [1, 1 << 10] {
        found("a chunk offers what the records say", word(offers_at(CHUNKS) + 9, bit));
        found("a node offers what its children do", word(offers_at(CHUNKS) + CHUNKS, bit));
    }
    for kept in [HEIGHT, OFFER, ANY_BROKEN] {
        found("a node of the directory keeps what its span and children say", word(kept, 1));
    }
    found("only managed pages without records are free", word(LAST, 1));
}

#[test]
fn a_wrong_place_of_the_records_is_found() {
    let at = |page: usize, count: usize| {
        move |pages: &mut Pages| {
            let link = pages.span_of(PageRange::counted(1000 * 512, 1).unwrap()).unwrap();
            pages.span_mut(link).set_records(PageRange::counted(page, count));
        }
    };
    found("only managed pages without records are free", at(1000 * 512 + 299, 1));
    // No free page is there, nor any other.
    found("records lie in their span", at(1000 * 512 + 300, 1));
}

#[test]
fn a_wrong_directory_is_found() {
    found("spans are in order", |pages| {
        let root = pages.root.unwrap();
        let [left, right] = [Side::Left, Side::Right].map(|side| pages.records.child(root, side));
        pages.records.set_child(root, Side::Left, right);
        pages.records.set_child(root, Side::Right, left);
    });
    found("spans do not touch", |pages| {
        // The two pages between the spans become the lower one's, and are not free.
        pages.add_numbers((1000 * 512 + 302) * PAGE, 8 * PAGE).unwrap();
        let link = pages.span_of(PageRange::counted(1000 * 512, 1).unwrap()).unwrap();
        pages.span_mut(link).set_pages(PageRange::counted(1000 * 512, 302).unwrap());
    });
    found("the directory is balanced", |pages| {
        pages.add_numbers(0, 8 * PAGE).unwrap();
        // The three spans one below the other, and what each keeps right.
        let links =
            [0, 100, 1000].map(|chunk| pages.span_of(PageRange::counted(chunk * 512, 1).unwrap()).unwrap());
        for (link, above) in [(links[2], None), (links[1], Some(links[2])), (links[0], Some(links[1]))] {
            pages.records.set_child(link, Side::Left, None);
            pages.records.set_child(link, Side::Right, above);
            let kept = directory::kept(&pages.records, link);
            pages.records.words_mut(link)[HEIGHT..=ANY_BROKEN].copy_from_slice(&kept);
        }
        pages.root = Some(links[0]);
    });
}

#[test]
fn a_wrong_list_of_stale_chunks_is_found() {
    found("a stale record is remembered", |pages| {
        pages.stale.pop();
    });
    found("chunks remembered as stale are there", |pages| {
        pages.stale.push(span_of(pages), CHUNKS);
    });
    found("chunks remembered as stale are there", |pages| _ = pages.stale.push(NO_SPAN, 0));
    found("chunks remembered as stale are so, each once", |pages| {
        pages.stale.push(span_of(pages), CHUNKS - 1);
    });
    found("chunks remembered as stale are so, each once", |pages| {
        let (link, chunk) = pages.stale.pop().unwrap();
        pages.stale.push(link, chunk);
        pages.stale.push(link, chunk);
    });
}

#[test]
fn a_wrong_open_chunk_is_found() {
    let wrong = "the open chunk is where its span says";
    let with = |change: fn(&Pages, &mut [usize; 5])| {
        move |pages: &mut Pages| {
            let (link, chunk) = pages.open.chunk().unwrap();
            let number = pages.span(link).cover() + chunk * 512;
            let part = pages.span(link).part_of(number + pages.open.first()).unwrap();
            let part = part.common(PageRange::counted(number, 512).unwrap()).unwrap();
            let mut values = [chunk, number, part.first(), part.last(), pages.open.word()];
            change(pages, &mut values);
            let [chunk, number, first, last, word] = values;
            let bits = pages.open.bits().unwrap();
            pages.open = Open::new(link, chunk, bits, number, PageRange::new(first, last).unwrap(), word);
        }
    };
    let mut same = in_use();
    with(|_, _| {})(&mut same);
    same.check_integrity().unwrap();
    found("the record of an open chunk is stale", with(|_, values| values[0] = CHUNKS - 1 - values[0]));
    found("the open chunk is there", with(|_, values| values[0] = CHUNKS));
    found("the open chunk is there", |pages| {
        let page = PageRange::counted(0, 1).unwrap();
        pages.open = Open::new(NO_SPAN, 0, ChunkPlace::new(NonZeroUsize::MIN), 0, page, 0);
    });
    found("no open chunk is all zeros", |pages| {
        pages.open = Open::NONE;
        pages.open.move_to(1);
    });
    found(wrong, with(|_, values| values[1] -= 1));
    found(wrong, with(|_, values| values[2] += 1));
    found(wrong, with(|_, values| values[3] -= 1));
    found(wrong, |pages| {
        let (link, chunk) = pages.open.chunk().unwrap();
        let elsewhere = pages.records.chunk_place(link, HEADER_WORDS + (chunk + 1) * CHUNK_WORDS);
        pages.open.reopen(elsewhere);
    });
    found("the open chunk is not below what is preferred", |pages| pages.prefer = 110 * 512);
    found("the record of an open chunk is stale", |pages| {
        let open = pages.open;
        pages.renew();
        pages.open = open;
    });
}

#[test]
fn wrong_pages_near_are_found() {
    let wrong = "the pages that are near are one side of their span";
    let with = |change: fn(&mut Near)| move |pages: &mut Pages| change(&mut pages.near);
    found(wrong, with(|near| near.base += PAGE));
    found(wrong, with(|near| near.first += 1));
    found(wrong, with(|near| near.extent -= 1));
    found(wrong, with(|near| near.records_at += 1));
    found(wrong, with(|near| near.span = None));
    found(wrong, |pages| pages.near.span = Some(NO_SPAN));
}

#[test]
fn wrong_kept_runs_are_found() {
    let kept = |pages: &Pages| pages.kept.iter().next().unwrap();
    let (link, chunk) = (span_of(&in_use()), 12);
    // A run that is kept besides, of pages that are handed out.
    let with = |first: usize, count: usize| {
        move |pages: &mut Pages| {
            let run = KeptRun::kept(link, PageRange::counted(112 * 512 + first, count).unwrap());
            pages.kept.push(run);
        }
    };
    found("a record says which words have kept runs, each one at most", with(0, 20));
    found("a record says which words have kept runs, each one at most", move |pages| {
        pages.span_mut(link).change_kept(chunk, 1 << 7);
    });
    found("no page is kept twice", with(150, 20));
    found("the pages of a kept run are in its span", with(512 * 9, 10));
    found("the pages of a kept run are neither free in the bitmap nor records", move |pages| {
        let run = kept(pages);
        let (first, last) = pages.span(link).indices(run.pages);
        pages.span_mut(link).put(first, last);
    });
    found("no page of the open chunk is kept, and none below what is preferred", |pages| {
        (pages.open, pages.prefer) = (Open::NONE, 113 * 512);
    });
    found("kept runs are counted", |pages| pages.kept.count += 1);
    found("kept runs are counted", |pages| pages.kept.pages += 1);
    found("used is total less what is free", |pages| pages.used += 64);
    found("pages that hold records are counted", |pages| pages.in_records += 1);
}
