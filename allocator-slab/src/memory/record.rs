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
    /// A slab that its class takes blocks from.
    Active,
    /// A slab in the list of its class.
    Partial,
    /// A slab without a free object, in no list.
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

    /// The distance of a word from the word of no record, for [`take_lowest`].
    pub(crate) fn word_distance(self, word: usize) -> usize {
        self.word(word).addr().wrapping_sub(no_bits())
    }
}

/// The address of a word that has no bit for ever.
#[inline(always)]
fn no_bits() -> usize {
    (&raw const NONE.bits).expose_provenance()
}

/// Takes the lowest bit out of a word told by [`word_distance`](RecordRef::word_distance), and returns its number. A
/// distance of 0 is that of a word without a bit.
#[inline(always)]
pub(crate) fn take_lowest(word_distance: usize) -> Option<u32> {
    let word = ptr::with_exposed_provenance_mut::<u64>(no_bits().wrapping_add(word_distance));
    // SAFETY: a word of a record that is there (the invariant of `RecordRef`), or the one of `NONE`.
    let bits = unsafe { word.read() };
    if bits == 0 {
        return None;
    }
    // SAFETY: as above; it has a bit, so it is not that of `NONE`.
    unsafe { word.write(bits & (bits - 1)) };
    Some(bits.trailing_zeros())
}

/// Sets the bit of an object, below 64, in a word told by [`word_distance`](RecordRef::word_distance), which is not 0. `false` if
/// it was set before.
#[inline(always)]
pub(crate) fn put_back(word_distance: usize, object: usize) -> bool {
    debug_assert!(word_distance != 0 && object < WORD_OBJECTS);
    let word = ptr::with_exposed_provenance_mut::<u64>(no_bits().wrapping_add(word_distance));
    // SAFETY: a word of a record that is there (the invariant of `RecordRef`).
    let before = unsafe { word.read() };
    let after = before | 1 << (object % WORD_OBJECTS);
    // SAFETY: as above; it is not that of `NONE`, since the distance is not 0.
    unsafe { word.write(after) };
    before != after
}
