//! The record of one slab, or of one run of pages.

use core::{mem, ptr};

use crate::class::{MAX_WORDS, WORD_OBJECTS};

/// What a record stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum State {
    /// Nothing: what the map says of frames that are not held.
    None = 0,
    /// A page kept for the next request of one page.
    CachedPage,
    /// A live block of one page.
    Page,
    /// A live block of several pages.
    Run,
    /// A slab whose record has free objects, in the list of its class.
    Partial,
    /// A slab whose record has no free object, in no list. Its class may have some at hand.
    Exhausted,
}

/// One record: 64 bytes, at a multiple of 64.
#[repr(C, align(64))]
pub(super) struct Record {
    /// The address of the first object, or of the run.
    base: usize,
    /// The next partial slab of the class.
    next: RecordRef,
    /// The previous partial slab of the class.
    previous: RecordRef,
    /// Where the class stands, for the fast path of a free: its offset in [`Classes`](super::Classes) in bytes. 0, the class
    /// that serves nothing, for a slab with guests and for what is no slab.
    fast_class: u16,
    /// For a slab, and for a run that serves a class: where that class stands; else 0.
    class: u16,
    state: State,
    /// For a slab of one word without guests: its objects. Else 0.
    word_objects: u8,
    /// For a slab: one bit an object, set while it is free; where two words are enough, the other two have a bit for each
    /// guest. For a run: the first word is its length in bytes.
    bits: [u64; MAX_WORDS],
}

impl Record {
    const fn of(state: State) -> Self {
        Self {
            base: 0,
            next: RecordRef::END,
            previous: RecordRef::END,
            fast_class: 0,
            class: 0,
            state,
            word_objects: 0,
            bits: [0; MAX_WORDS],
        }
    }
}

/// Bytes of a record.
pub(crate) const RECORD_BYTES: usize = mem::size_of::<Record>();
const _: () = assert!(RECORD_BYTES == 64);

/// The record of what is not held. Never written.
pub(super) static NONE: Record = Record::of(State::None);
/// The record of every live block of one page. Never written.
static PAGE: Record = Record::of(State::Page);
/// The record of every page that is kept. Never written.
static CACHED_PAGE: Record = Record::of(State::CachedPage);

/// The address of a record, or 0 for the end of a list.
///
/// # Invariant
///
/// One that is not 0 was made by [`at`](Self::at) or is one of the statics; its record is not used after it went back to its
/// page. So every method may follow one that [is not the end](Self::is_end) of a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub(crate) struct RecordRef(usize);

impl RecordRef {
    /// The end of a list.
    pub(crate) const END: Self = Self(0);

    /// The record of what is not held.
    #[inline(always)]
    pub(super) fn none() -> Self {
        Self::to(&raw const NONE)
    }

    /// The record of a live block of one page.
    pub(crate) fn page() -> Self {
        Self::to(&raw const PAGE)
    }

    /// The record of a page that is kept.
    pub(crate) fn cached_page() -> Self {
        Self::to(&raw const CACHED_PAGE)
    }

    #[inline(always)]
    fn to(record: *const Record) -> Self {
        Self(record.expose_provenance())
    }

    /// Writes a record of nothing to `address` and returns it.
    ///
    /// # Safety
    ///
    /// 1. `address` is a multiple of 64; the 64 bytes from there belong to this engine's records, with exposed provenance, and to no
    ///    other record.
    pub(super) unsafe fn at(address: usize) -> Self {
        let record = ptr::with_exposed_provenance_mut::<Record>(address);
        // SAFETY: 1. aligned, and this record's alone.
        unsafe { record.write(Record::of(State::None)) };
        Self::to(record)
    }

    /// From what [`address`](Self::address) gave.
    #[inline(always)]
    pub(super) const fn from_address(address: usize) -> Self {
        Self(address)
    }

    /// The address of the record.
    #[inline(always)]
    pub(super) const fn address(self) -> usize {
        self.0
    }

    #[inline(always)]
    fn get(self) -> *const Record {
        debug_assert!(!self.is_end());
        ptr::with_exposed_provenance(self.0)
    }

    #[inline(always)]
    fn get_mut(self) -> *mut Record {
        debug_assert!(!self.is_end() && !self.is_shared());
        ptr::with_exposed_provenance_mut(self.0)
    }

    /// Whether it is one of those that stand for many frames and are never written.
    pub(crate) fn is_shared(self) -> bool {
        self == Self::none() || self == Self::page() || self == Self::cached_page()
    }

    /// Whether it is the end of a list.
    #[inline(always)]
    pub(crate) const fn is_end(self) -> bool {
        self.0 == 0
    }
}

/// Reads one field of a record.
macro_rules! reader {
    ($(#[$doc:meta])* $name:ident: $type:ty) => {
        $(#[$doc])*
        #[inline(always)]
        pub(crate) fn $name(self) -> $type {
            // SAFETY: the record is there (the invariant of `RecordRef`).
            unsafe { (*self.get()).$name }
        }
    };
}

/// Writes one field of a record.
macro_rules! writer {
    ($(#[$doc:meta])* $name:ident: $field:ident, $type:ty) => {
        $(#[$doc])*
        #[inline(always)]
        pub(crate) fn $name(self, $field: $type) {
            // SAFETY: the record is there and no static (the invariant of `RecordRef`).
            unsafe { (*self.get_mut()).$field = $field }
        }
    };
}

impl RecordRef {
    reader!(/// The address of the first object, or of the run.
        base: usize);
    reader!(/// The next partial slab.
        next: Self);
    reader!(/// The previous partial slab.
        previous: Self);
    reader!(/// Where the class stands, for the fast path.
        fast_class: u16);
    reader!(/// Where the class stands.
        class: u16);
    reader!(/// What it stands for.
        state: State);
    reader!(/// The objects of a slab of one word without guests; of others 0.
        word_objects: u8);
    writer!(/// Sets the address of the first object, or of the run.
        set_base: base, usize);
    writer!(/// Sets the next partial slab.
        set_next: next, Self);
    writer!(/// Sets the previous partial slab.
        set_previous: previous, Self);
    writer!(/// Sets where the class stands, for the fast path.
        set_fast_class: fast_class, u16);
    writer!(/// Sets where the class stands.
        set_class: class, u16);
    writer!(/// Sets what it stands for.
        set_state: state, State);
    writer!(/// Sets the objects of a slab of one word without guests; for others 0.
        set_word_objects: word_objects, u8);

    /// A pointer to a word, below [`MAX_WORDS`].
    #[inline(always)]
    fn word(self, word: usize) -> *mut u64 {
        debug_assert!(word < MAX_WORDS);
        // SAFETY: the record is there (the invariant of `RecordRef`), and `word` is one of its words.
        unsafe { (&raw const (*self.get()).bits).cast::<u64>().add(word).cast_mut() }
    }

    /// The bits of a word, below [`MAX_WORDS`].
    #[inline(always)]
    pub(crate) fn bits(self, word: usize) -> u64 {
        // SAFETY: `word` gives the place of a word of a record that is there.
        unsafe { self.word(word).read() }
    }

    /// Sets the bits of a word, below [`MAX_WORDS`].
    #[inline(always)]
    pub(crate) fn set_bits(self, word: usize, bits: u64) {
        debug_assert!(!self.is_shared());
        // SAFETY: `word` gives the place of a word of a record that is there, and it is no static: of those nothing is set.
        unsafe { self.word(word).write(bits) }
    }

    /// Sets the bit of an object, which is below 64 · [`MAX_WORDS`]. Returns its word before and after; they are the same if the
    /// bit was set before.
    #[inline(always)]
    pub(crate) fn set_bit(self, object: usize) -> (u64, u64) {
        let (before, after) = self.with_bit(object);
        self.set_bits(object / WORD_OBJECTS, after);
        (before, after)
    }

    /// Whether the bit of an object, which is below 64 · [`MAX_WORDS`], is set.
    pub(crate) fn has_bit(self, object: usize) -> bool {
        let (before, after) = self.with_bit(object);
        before == after
    }

    /// Clears the bit of an object, which is below 64 · [`MAX_WORDS`].
    pub(crate) fn clear_bit(self, object: usize) {
        let (_, set) = self.with_bit(object);
        self.set_bits(object / WORD_OBJECTS, set ^ 1 << (object % WORD_OBJECTS));
    }

    /// The word of an object as it is, and with the object's bit.
    #[inline(always)]
    pub(crate) fn with_bit(self, object: usize) -> (u64, u64) {
        let before = self.bits(object / WORD_OBJECTS);
        (before, before | 1 << (object % WORD_OBJECTS))
    }

    /// Whether a word has a bit, of the objects or of the guests.
    #[inline(always)]
    pub(crate) fn has_bits(self) -> bool {
        (0..MAX_WORDS).fold(0, |bits, word| bits | self.bits(word)) != 0
    }
}
