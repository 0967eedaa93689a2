//! Memory: how much of it can be asked for, how much is used, and how little would do.

use std::ptr::NonNull;

use anyhow::Result;
use serde::Serialize;

use super::create;
use crate::{
    play::{Nobody, Player, Watch},
    region::Region,
    script::{Level, PAGE_BYTES, Script},
    subject::{Request, Subject, registry::Visitor},
};

/// Live units, by what was asked for.
#[derive(Default)]
struct Live {
    units: u64,
    peak: u64,
}

impl Live {
    fn add(&mut self, size: u32) {
        self.units += u64::from(size);
        self.peak = self.peak.max(self.units);
    }
}

impl Watch for Live {
    fn allocated(&mut self, _: NonNull<u8>, request: Request) {
        self.add(request.size);
    }

    fn freeing(&mut self, _: NonNull<u8>, request: Request) {
        self.units -= u64::from(request.size);
    }

    fn resized(&mut self, _: NonNull<u8>, old: Request, _: NonNull<u8>, new: Request) {
        self.units -= u64::from(old.size);
        self.add(new.size);
    }
}

/// The share of the region that was asked for when the first request of a filling script was refused.
pub(crate) struct Filled<'s> {
    /// What is played.
    pub(crate) script: &'s Script,
    /// The subject's memory.
    pub(crate) region: Region,
}

impl Visitor for Filled<'_> {
    type Output = Result<f64>;

    fn visit<S: Subject>(self) -> Result<f64> {
        let mut subject = create::<S>(self.region)?;
        let (mut live, mut player) = (Live::default(), Player::new(self.script));
        player.prepare(&mut *subject, &mut live);
        player.run(&mut *subject, &mut live);
        let bytes = live.units as f64 * self.script.level.unit_bytes() as f64;
        Ok(bytes / self.region.bytes as f64)
    }
}

/// Whether the script is played without a refusal.
pub(crate) struct Fits<'s> {
    /// What is played.
    pub(crate) script: &'s Script,
    /// The subject's memory.
    pub(crate) region: Region,
}

impl Visitor for Fits<'_> {
    type Output = bool;

    fn visit<S: Subject>(self) -> bool {
        let Ok(mut subject) = create::<S>(self.region) else { return false };
        let mut player = Player::new(self.script);
        player.prepare(&mut *subject, &mut Nobody);
        // In pieces, so that a hopeless size is given up early.
        for ops in self.script.ops.chunks(4096) {
            player.play(&mut *subject, ops, &mut Nobody);
            if player.refused > 0 {
                return false;
            }
        }
        true
    }
}

/// What a subject needs for itself.
pub(crate) struct Records {
    /// The subject's memory.
    pub(crate) region: Region,
}

/// Answer of [`Records`].
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Own {
    /// Bytes of the value.
    pub(crate) value_bytes: usize,
    /// Units used before anything is allocated, if the subject keeps account.
    pub(crate) used: Option<usize>,
}

impl Visitor for Records {
    type Output = Result<Own>;

    fn visit<S: Subject>(self) -> Result<Own> {
        let subject = create::<S>(self.region)?;
        Ok(Own { value_bytes: size_of::<S>(), used: subject.used() })
    }
}

/// How a subject's memory looks during a script.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Profile {
    /// Most units asked for at one time.
    pub(crate) peak_requested: u64,
    /// Most units used at one time, by the subject's own account.
    pub(crate) peak_used: Option<usize>,
    /// Units used before the script: the subject's records.
    pub(crate) records: Option<usize>,
    /// Requests refused.
    pub(crate) refused: usize,
    /// Free memory in large pieces, as a share of all free memory, at each tenth of the script: for pages the free ones
    /// that form whole aligned 2 MiB; for bytes the largest block that would be granted.
    pub(crate) whole: Vec<f64>,
}

/// Plays the script with looks at the subject in between.
pub(crate) struct Looks<'s> {
    /// What is played.
    pub(crate) script: &'s Script,
    /// The subject's memory.
    pub(crate) region: Region,
}

/// Count of looks at the largest free piece.
const LOOKS: usize = 10;

impl Visitor for Looks<'_> {
    type Output = Result<Profile>;

    fn visit<S: Subject>(self) -> Result<Profile> {
        let mut subject = create::<S>(self.region)?;
        let records = subject.used();
        let (mut live, mut player) = (Live::default(), Player::new(self.script));
        let (mut peak_used, mut whole) = (records, Vec::new());
        // One by one: what is used is looked at after each.
        for (n, ops) in self.script.ops.chunks(1).enumerate() {
            player.play(&mut *subject, ops, &mut live);
            peak_used = peak_used.max(subject.used());
            let looked = (n + 1) * LOOKS / self.script.ops.len();
            if looked > whole.len() && (S::MERGES || self.script.level == Level::Pages) {
                whole.push(self.whole(&mut *subject, &player, live.units));
            }
        }
        Ok(Profile { peak_requested: live.peak, peak_used, records, refused: player.refused, whole })
    }
}

impl Looks<'_> {
    /// Free memory in large pieces, as a share of what is not asked for.
    fn whole<S: Subject>(&self, subject: &mut S, player: &Player<'_>, live_units: u64) -> f64 {
        match self.script.level {
            Level::Bytes => {
                let free = self.region.bytes as f64 - live_units as f64;
                largest_granted(subject, self.region.bytes) as f64 / free
            }
            Level::Pages => free_in_huge_pages(player, self.region),
        }
    }
}

/// The largest block that is granted, in bytes, to 1/64 of itself; it is given back at once. What never merges keeps the
/// pieces that it cut for the attempts: such a subject is not asked.
fn largest_granted<S: Subject>(subject: &mut S, most: usize) -> usize {
    let mut grants = |bytes: usize| {
        let request = Request { size: bytes as u32, align_log2: 3 };
        // SAFETY: 1. the block was allocated just now with `request`. 2. It is forgotten.
        subject.alloc(request).map(|block| unsafe { subject.dealloc(block, request) }).is_some()
    };
    let (mut granted, mut refused) = (0, most.min(u32::MAX as usize));
    while refused - granted > refused / 64 + 16 {
        let middle = granted + (refused - granted) / 2;
        if grants(middle) { granted = middle } else { refused = middle }
    }
    granted
}

/// The share of the free pages that lie in free aligned 2 MiB; all of none.
fn free_in_huge_pages(player: &Player<'_>, region: Region) -> f64 {
    const HUGE_PAGES: usize = (2 << 20) / PAGE_BYTES;
    let pages = region.bytes / PAGE_BYTES;
    let mut used = vec![0_usize; pages.div_ceil(HUGE_PAGES)];
    for (block, request) in player.live() {
        let first = (block.addr().get() - region.address()) / PAGE_BYTES;
        (first..first + request.size as usize).for_each(|page| used[page / HUGE_PAGES] += 1);
    }
    let free = pages - used.iter().sum::<usize>();
    // The last piece may be less than 2 MiB.
    let whole = used[..pages / HUGE_PAGES].iter().filter(|&&pages| pages == 0).count() * HUGE_PAGES;
    if free == 0 { 1.0 } else { whole as f64 / free as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        region::memory,
        script::Writer,
        subject::limit::{FreeLists, Stacks},
    };

    /// Eight blocks of 1024 bytes, or pages, of which `freed` go again.
    fn script(level: Level, region_bytes: usize, freed: usize) -> Script {
        let mut writer = Writer::new();
        (0..8).for_each(|_| _ = writer.alloc(1024, 12));
        (0..freed).for_each(|_| writer.free_at(0));
        let ops = writer.take();
        Script { ops, slots: writer.slots(), ..Script::new(level, region_bytes) }
    }

    #[test]
    fn a_script_fits_exactly_where_every_block_does() {
        let script = script(Level::Bytes, 8 << 12, 0);
        // Blocks aligned to 4096 bytes, of which the last ends after 1024.
        let fits = |bytes| Fits { script: &script, region: memory(bytes) }.visit::<FreeLists>();
        assert!(fits((7 << 12) + 4096));
        assert!(!fits(7 << 12));
    }

    #[test]
    fn what_was_asked_for_at_the_first_refusal_is_a_share_of_the_memory() {
        let script = Script { fills: true, ..script(Level::Bytes, 4 << 12, 0) };
        let share = Filled { script: &script, region: memory(4 << 12) }.visit::<FreeLists>().unwrap();
        assert_eq!(share, 0.25);
    }

    #[test]
    fn looks_tell_the_peak_and_the_free_pages_in_huge_ones() {
        // 1024 pages are two huge ones; 8 × 1024 pages are live at the peak, 6 × 1024 at the end, of 16 × 1024.
        let script = script(Level::Pages, 64 << 20, 2);
        let profile = Looks { script: &script, region: memory(64 << 20) }.visit::<Stacks>().unwrap();
        assert_eq!((profile.peak_requested, profile.refused), (8 << 10, 0));
        assert_eq!(profile.whole.last(), Some(&1.0));
    }

    #[test]
    fn a_free_page_beside_a_live_one_is_not_in_a_huge_page() {
        let mut writer = Writer::new();
        writer.alloc(1, 12);
        let ops = writer.take();
        let script = Script { ops, slots: 1, ..Script::new(Level::Pages, 4 << 20) };
        let whole = |bytes| Looks { script: &script, region: memory(bytes) }.visit::<Stacks>().unwrap().whole;
        assert_eq!(whole(4 << 20), [512.0 / 1023.0]);
        // A piece of 1 MiB at the end is none, and has no more pages than it has.
        assert_eq!(whole(5 << 20), [512.0 / 1279.0]);
    }
}
