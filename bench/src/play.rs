//! Plays a script on a subject.
//!
//! One loop for every measurement; a [`Watch`] sees each operation. The three `counted_*` functions are never inlined: they
//! are the boundary at which callgrind counts, and no other code is between them and the subject.

use std::{hint::black_box, ptr::NonNull};

use crate::{
    script::{Action, Op, PAGE_BYTES, Pattern, Script},
    subject::{Request, Subject},
};

/// Sees what a script does. Every method does nothing unless a measurement says otherwise.
pub(crate) trait Watch {
    /// Operation `n` begins.
    #[inline(always)]
    fn before(&mut self, _n: usize) {}
    /// Operation `n` has ended.
    #[inline(always)]
    fn after(&mut self, _n: usize) {}
    /// A block came.
    #[inline(always)]
    fn allocated(&mut self, _block: NonNull<u8>, _request: Request) {}
    /// A block is about to be given back.
    #[inline(always)]
    fn freeing(&mut self, _block: NonNull<u8>, _request: Request) {}
    /// A block is about to change its size.
    #[inline(always)]
    fn resizing(&mut self, _block: NonNull<u8>, _old: Request, _new: Request) {}
    /// A block has changed its size, and perhaps its place.
    #[inline(always)]
    fn resized(&mut self, _from: NonNull<u8>, _old: Request, _to: NonNull<u8>, _new: Request) {}
    /// A request was refused.
    #[inline(always)]
    fn refused(&mut self, _n: usize, _request: Request) {}
}

/// Watches nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nobody;
impl Watch for Nobody {}

/// Calls [`Subject::alloc`] behind a boundary that callgrind sees.
#[inline(never)]
pub(crate) fn counted_alloc<S: Subject>(subject: &mut S, request: Request) -> Option<NonNull<u8>> {
    subject.alloc(request)
}

/// Calls [`Subject::dealloc`] behind a boundary that callgrind sees.
///
/// # Safety
/// Those of [`Subject::dealloc`].
#[inline(never)]
pub(crate) unsafe fn counted_free<S: Subject>(subject: &mut S, block: NonNull<u8>, request: Request) {
    // SAFETY: 1. and 2. hold as for the caller.
    unsafe { subject.dealloc(block, request) }
}

/// Calls [`Subject::realloc`] behind a boundary that callgrind sees.
///
/// # Safety
/// Those of [`Subject::realloc`].
#[inline(never)]
pub(crate) unsafe fn counted_realloc<S: Subject>(
    subject: &mut S,
    block: NonNull<u8>,
    request: Request,
    size: u32,
) -> Option<NonNull<u8>> {
    // SAFETY: 1. and 2. hold as for the caller.
    unsafe { subject.realloc(block, request, size) }
}

/// A slot: a block and what it was asked for with, or nothing.
type Slot = (Option<NonNull<u8>>, Request);

/// What the slots of a script hold.
#[derive(Debug)]
pub(crate) struct Player<'s> {
    script: &'s Script,
    slots: Vec<Slot>,
    /// Requests refused so far.
    pub(crate) refused: usize,
}

impl<'s> Player<'s> {
    /// No slot holds a block.
    #[must_use]
    pub(crate) fn new(script: &'s Script) -> Self {
        Self { script, slots: vec![(None, Request { size: 0, align_log2: 0 }); script.slots], refused: 0 }
    }

    /// Brings `subject` into the state that the script measures.
    pub(crate) fn prepare<S: Subject>(&mut self, subject: &mut S, watch: &mut impl Watch) {
        let pages = self.script.region_bytes / PAGE_BYTES;
        match self.script.pattern {
            Pattern::None => {}
            Pattern::EveryOtherPage => leave_free(subject, pages, |page| page % 2 == 1),
            Pattern::MiddleTwoOfFour => leave_free(subject, pages, |page| page.div_ceil(2) % 2 == 1),
        }
        self.play(subject, &self.script.prepare, watch);
    }

    /// Plays the measured operations; none of a script that fills the memory if it is full already.
    pub(crate) fn run<S: Subject>(&mut self, subject: &mut S, watch: &mut impl Watch) {
        if self.script.fills && self.refused > 0 {
            return;
        }
        self.play(subject, &self.script.ops, watch);
    }

    /// The live blocks.
    pub(crate) fn live(&self) -> impl Iterator<Item = (NonNull<u8>, Request)> {
        self.slots.iter().filter_map(|&(block, request)| Some((block?, request)))
    }

    /// Plays `ops`, or up to the first refusal where the script fills the memory.
    pub(crate) fn play<S: Subject>(&mut self, subject: &mut S, ops: &[Op], watch: &mut impl Watch) {
        for (n, op) in ops.iter().enumerate() {
            let (block, request) = &mut self.slots[op.slot as usize];
            let answered = match (op.action, *block) {
                (Action::Alloc, _) => {
                    *request = Request { size: op.size, align_log2: op.align_log2 };
                    *block = allocate(subject, *request, n, watch);
                    block.is_some()
                }
                (Action::Free, Some(live)) => {
                    *block = None;
                    give_back(subject, live, *request, n, watch);
                    true
                }
                (Action::Realloc, Some(live)) => match resize(subject, live, *request, op.size, n, watch) {
                    Some(moved) => {
                        (*block, request.size) = (Some(moved), op.size);
                        true
                    }
                    None => false,
                },
                (Action::Free | Action::Realloc, None) => true,
            };
            if !answered {
                watch.refused(n, Request { size: op.size, align_log2: request.align_log2 });
                self.refused += 1;
                if self.script.fills {
                    return;
                }
            }
        }
    }
}

#[inline(always)]
fn allocate<S: Subject>(
    subject: &mut S,
    request: Request,
    n: usize,
    watch: &mut impl Watch,
) -> Option<NonNull<u8>> {
    watch.before(n);
    let block = counted_alloc(subject, request);
    watch.after(n);
    watch.allocated(block?, request);
    block
}

#[inline(always)]
fn give_back<S: Subject>(subject: &mut S, block: NonNull<u8>, request: Request, n: usize, watch: &mut impl Watch) {
    watch.freeing(block, request);
    watch.before(n);
    // SAFETY: 1. the slot held `block`, which came from this subject for `request`. 2. The slot is empty now.
    unsafe { counted_free(subject, block, request) };
    watch.after(n);
}

#[inline(always)]
fn resize<S: Subject>(
    subject: &mut S,
    block: NonNull<u8>,
    old: Request,
    size: u32,
    n: usize,
    watch: &mut impl Watch,
) -> Option<NonNull<u8>> {
    let new = Request { size, align_log2: old.align_log2 };
    watch.resizing(block, old, new);
    watch.before(n);
    // SAFETY: 1. the slot holds `block`, which came from this subject for `old`. 2. The slot takes the answer.
    let moved = unsafe { counted_realloc(subject, block, old, size) };
    watch.after(n);
    watch.resized(block, old, moved?, new);
    moved
}

/// Takes all of about `pages` pages, and gives those back of which `is_free` is true.
fn leave_free<S: Subject>(subject: &mut S, pages: usize, is_free: impl Fn(usize) -> bool) {
    let one = Request { size: 1, align_log2: PAGE_BYTES.ilog2() as u8 };
    let mut taken: Vec<NonNull<u8>> = Vec::with_capacity(pages);
    while let Some(page) = subject.alloc(one) {
        taken.push(page);
    }
    for page in black_box(taken) {
        if is_free(page.addr().get() / PAGE_BYTES) {
            // SAFETY: 1. `page` was allocated above with `one`. 2. It is forgotten here.
            unsafe { subject.dealloc(page, one) };
        }
    }
}
