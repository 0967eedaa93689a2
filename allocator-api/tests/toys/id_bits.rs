//! An id allocator of two words, and what can be written over any.

use allocator_api::{AddressRange, AllocError, AllocResult, IdAllocator};

/// The ids below 64: which there are, and which are handed out.
#[derive(Default)]
pub(crate) struct IdBits {
    managed: u64,
    live: u64,
}

/// The bits of the ids, if all are below 64.
fn bits(first: usize, count: usize) -> Option<u64> {
    let range = AddressRange::new(first, count).filter(|range| range.last() < 64)?;
    Some((u64::MAX >> (63 - (range.last() - range.start()))) << first)
}

impl IdAllocator for IdBits {
    fn add_ids(&mut self, first: usize, count: usize) -> AllocResult {
        let more = bits(first, count).ok_or(AllocError::InvalidParam)?;
        if self.managed & more != 0 {
            return Err(AllocError::MemoryOverlap);
        }
        self.managed |= more;
        Ok(())
    }

    fn alloc_id(&mut self, count: usize, align_pow2: usize) -> AllocResult<usize> {
        if count == 0 || !align_pow2.is_power_of_two() {
            return Err(AllocError::InvalidParam);
        }
        let free = self.managed & !self.live;
        let fits = |first: &usize| bits(*first, count).is_some_and(|run| run & free == run);
        let first = (0..64).step_by(align_pow2.min(64)).find(fits).ok_or(AllocError::NoMemory)?;
        self.live |= bits(first, count).unwrap_or(0);
        Ok(first)
    }

    fn alloc_fixed_id(&mut self, id: usize) -> AllocResult {
        let bit = bits(id, 1).filter(|bit| bit & self.managed & !self.live != 0).ok_or(AllocError::NoMemory)?;
        self.live |= bit;
        Ok(())
    }

    fn dealloc_id(&mut self, start_id: usize, count: usize) -> AllocResult {
        let run = bits(start_id, count).filter(|run| run & self.live == *run).ok_or(AllocError::NotAllocated)?;
        self.live &= !run;
        Ok(())
    }

    fn is_allocated(&self, id: usize) -> bool {
        bits(id, 1).is_some_and(|bit| bit & self.live != 0)
    }

    fn size(&self) -> usize {
        self.managed.count_ones() as usize
    }

    fn used(&self) -> usize {
        self.live.count_ones() as usize
    }
}

/// Hands out every id there is: written over any id allocator, and over objects.
fn all_ids(ids: &mut (impl IdAllocator + ?Sized)) -> Vec<usize> {
    std::iter::from_fn(|| ids.alloc_id(1, 1).ok()).collect()
}

#[test]
fn a_generic_function_serves_any_id_allocator() {
    let mut bits = IdBits::default();
    assert_eq!(all_ids(&mut bits), []);
    bits.add_ids(60, 4).unwrap();
    bits.add_ids(3, 2).unwrap();
    assert_eq!(bits.alloc_id(1, 1), Ok(3));
    assert_eq!((bits.size(), bits.used(), bits.available()), (6, 1, 5));
    assert_eq!(all_ids(&mut bits), [4, 60, 61, 62, 63]);
    assert_eq!((bits.size(), bits.used(), bits.available()), (6, 6, 0));
}

#[test]
fn an_object_serves_as_an_id_allocator() {
    let mut bits = IdBits::default();
    let ids: &mut dyn IdAllocator = &mut bits;
    ids.add_ids(0, 8).unwrap();
    assert_eq!(ids.alloc_fixed_id(5), Ok(()));
    assert_eq!(ids.alloc_id(4, 4), Ok(0));
    assert_eq!(all_ids(ids), [4, 6, 7]);
    assert!(ids.is_allocated(5) && !ids.is_allocated(8));
}

#[test]
fn ids_are_given_back_in_pieces_and_never_twice() {
    let mut bits = IdBits::default();
    bits.add_ids(0, 64).unwrap();
    assert_eq!(bits.alloc_id(64, 1), Ok(0));
    let refused = Err(AllocError::NotAllocated);
    assert_eq!(bits.dealloc_id(10, 20), Ok(()));
    assert_eq!(bits.dealloc_id(29, 2), refused);
    assert_eq!(bits.dealloc_id(60, 5), refused);
    assert_eq!(bits.used(), 44);
}
