//! Object caches.

use std::ptr::NonNull;

use allocator_api::{AllocError, ByteAllocator, CheckIntegrity};
use allocator_slab::{ClassStatistics, MAX_CACHES, ObjectCache};

use crate::{
    arena::Arena,
    blocks::{Heap, MIB, free, heap_over, layout},
};

struct Inode {
    number: u64,
    blocks: [u32; 20],
}

/// Gives an object back.
fn give<T>(heap: &mut Heap<4096>, cache: &ObjectCache<T>, object: NonNull<T>) -> Result<(), AllocError> {
    // SAFETY: 1. The object is forgotten, and needs no drop.
    let answer = unsafe { heap.dealloc_object(cache, object) };
    heap.check_integrity().unwrap();
    answer
}

fn statistics(heap: &Heap<4096>, name: &str) -> Option<ClassStatistics> {
    heap.slabs().size_classes().find(|class| class.name == Some(name))
}

#[test]
fn objects_take_their_exact_size_and_keep_what_they_were_constructed_with() {
    let arena = Arena::new(MIB, 4096);
    let mut heap = heap_over::<4096>(&arena, MIB);
    let begin = heap.used_bytes();
    let inodes = heap.open_cache::<Inode>("inode", 1).unwrap();
    assert_eq!(inodes.object_bytes(), size_of::<Inode>());
    let objects: Vec<_> = (0..1000)
        .map(|number| heap.alloc_object_with(&inodes, || Inode { number, blocks: [number as u32; 20] }).unwrap())
        .collect();
    heap.check_integrity().unwrap();
    let found = statistics(&heap, "inode").unwrap();
    assert_eq!((found.object_bytes, found.live), (88, 1000));
    assert!(found.slabs * found.slab_bytes < 1000 * 88 * 11 / 10 && found.capacity >= 1000);
    for (number, object) in objects.iter().enumerate() {
        // SAFETY: the object is live and was constructed.
        let inode = unsafe { object.as_ref() };
        assert!(inode.number == number as u64 && inode.blocks == [number as u32; 20]);
    }
    for object in objects {
        assert_eq!(give(&mut heap, &inodes, object), Ok(()));
        assert_eq!(give(&mut heap, &inodes, object), Err(AllocError::NotAllocated));
    }
    assert_eq!((heap.used_bytes(), statistics(&heap, "inode").unwrap().slabs), (begin, 1));
    assert!(statistics(&heap, "inode").unwrap().most_slabs > 1);
    assert!(heap.close_cache(inodes).is_ok());
    heap.check_integrity().unwrap();
    assert_eq!(statistics(&heap, "inode"), None);
}

#[test]
fn objects_stand_at_the_alignment_asked_for() {
    let arena = Arena::new(4 * MIB, 4096);
    let mut heap = heap_over::<4096>(&arena, 4 * MIB);
    for align_log2 in 0..=12 {
        let align = 1 << align_log2;
        let cache = heap.open_cache::<[u8; 65]>("line", align).unwrap();
        assert_eq!(cache.object_bytes(), 65_usize.next_multiple_of(align));
        for _ in 0..100 {
            let object = heap.alloc_object(&cache).unwrap();
            assert!(object.addr().get().is_multiple_of(align));
            // SAFETY: the object is live.
            unsafe { object.write([0xff; 65]) };
        }
        heap.check_integrity().unwrap();
    }
    #[repr(align(256))]
    struct Aligned([u8; 3]);
    let cache = heap.open_cache::<Aligned>("aligned", 1).unwrap();
    let object = heap.alloc_object_with(&cache, || Aligned([1; 3])).unwrap();
    assert!(object.addr().get().is_multiple_of(256));
    // SAFETY: the object is live and was constructed.
    assert_eq!(unsafe { object.as_ref().0 }, [1; 3]);
}

#[test]
fn what_cannot_be_an_object_gets_no_cache() {
    let arena = Arena::new(MIB, 4096);
    let mut heap = heap_over::<4096>(&arena, MIB);
    assert!(matches!(heap.open_cache::<()>("none", 64), Err(AllocError::InvalidParam)));
    assert!(matches!(heap.open_cache::<u64>("odd", 24), Err(AllocError::InvalidParam)));
    assert!(matches!(heap.open_cache::<u64>("far", 8192), Err(AllocError::InvalidParam)));
    assert!(matches!(heap.open_cache::<[u8; 32769]>("large", 1), Err(AllocError::InvalidParam)));
    let cache = heap.open_cache::<[u8; 32768]>("largest", 1).unwrap();
    assert!(heap.alloc_object(&cache).is_ok());
    let cache = heap.open_cache::<u8>("smallest", 1).unwrap();
    assert_eq!(cache.object_bytes(), 16);
    let others: Vec<_> = (2..MAX_CACHES).map(|_| heap.open_cache::<u64>("more", 1).unwrap()).collect();
    assert!(matches!(heap.open_cache::<u64>("one more", 1), Err(AllocError::NoMemory)));
    assert_eq!(heap.slabs().size_classes().filter(|class| class.name.is_some()).count(), MAX_CACHES);
    for other in others {
        assert!(heap.close_cache(other).is_ok());
    }
    assert!(heap.open_cache::<u64>("again", 1).is_ok());
}

#[test]
fn an_object_goes_back_to_its_own_cache_alone() {
    let arena = Arena::new(MIB, 4096);
    let mut heap = heap_over::<4096>(&arena, MIB);
    let (left, right) = (heap.open_cache::<[u64; 8]>("left", 64), heap.open_cache::<[u64; 8]>("right", 64));
    let (left, right) = (left.unwrap(), right.unwrap());
    // Enough for a second slab: what is not of the word at hand takes another way.
    let objects: Vec<_> = (0..130).map(|_| heap.alloc_object(&left).unwrap()).collect();
    let other = heap.alloc_object(&right).unwrap();
    let bytes = heap.alloc(layout(64, 64)).unwrap();
    let refused = Err(AllocError::NotAllocated);
    for &object in &objects {
        assert_eq!(give(&mut heap, &right, object), refused);
        assert_eq!(give(&mut heap, &left, object.map_addr(|a| a.checked_add(8).unwrap())), refused);
        for size in [64, 16, 4096, 40_000] {
            assert_eq!(free(&mut heap, object.cast(), layout(size, 8)), refused);
        }
        assert_eq!(free(&mut heap, object.cast(), layout(0, 8)), refused);
        // SAFETY: 1. The mistake is detected. 2. It is refused.
        assert_eq!(unsafe { heap.realloc(object.cast(), layout(64, 64), 65) }.map(drop), refused);
    }
    assert_eq!(give(&mut heap, &left, bytes.cast()), refused);
    assert_eq!(give(&mut heap, &left, other), refused);
    let live = ["left", "right"].map(|name| statistics(&heap, name).unwrap().live);
    assert_eq!(live, [130, 1]);
    for object in objects.into_iter().rev() {
        assert_eq!(give(&mut heap, &left, object), Ok(()));
    }
    assert_eq!(give(&mut heap, &right, other), Ok(()));
    assert_eq!(free(&mut heap, bytes, layout(64, 64)), Ok(()));
}

#[test]
fn a_cache_with_live_objects_stays_open_and_another_heaps_is_refused() {
    let (arena, other_arena) = (Arena::new(MIB, 4096), Arena::new(MIB, 4096));
    let (mut heap, mut other) = (heap_over::<4096>(&arena, MIB), heap_over::<4096>(&other_arena, MIB));
    let cache = heap.open_cache::<Inode>("inode", 1).unwrap();
    let object = heap.alloc_object(&cache).unwrap();
    let cache = heap.close_cache(cache).unwrap_err();
    assert!(matches!(other.alloc_object(&cache), Err(AllocError::InvalidParam)));
    let small = other.open_cache::<u16>("small", 1).unwrap();
    assert!(matches!(other.alloc_object(&cache), Err(AllocError::InvalidParam)));
    assert!(matches!(heap.alloc_object(&small), Err(AllocError::InvalidParam)));
    assert_eq!(give(&mut other, &cache, object), Err(AllocError::InvalidParam));
    let cache = other.close_cache(cache).unwrap_err();
    assert_eq!(give(&mut heap, &cache, object), Ok(()));
    assert!(heap.close_cache(cache).is_ok());
}

#[test]
fn an_unused_cache_gives_its_pages_to_whoever_needs_them() {
    let arena = Arena::new(MIB, 4096);
    let mut heap = heap_over::<4096>(&arena, MIB);
    let cache = heap.open_cache::<[u8; 32768]>("large", 1).unwrap();
    let object = heap.alloc_object(&cache).unwrap();
    assert_eq!(give(&mut heap, &cache, object), Ok(()));
    let mut run = 512 * 1024;
    while heap.alloc(layout(run, 1)).is_err() {
        run -= 4096;
    }
    while heap.alloc(layout(4096, 1)).is_ok() {}
    assert_eq!(statistics(&heap, "large").unwrap().slabs, 0);
    assert!(matches!(heap.alloc_object(&cache), Err(AllocError::NoMemory)));
    heap.check_integrity().unwrap();
}

#[test]
fn objects_that_fill_all_the_words_of_a_slab_come_back_each_by_itself() {
    let arena = Arena::new(MIB, 4096);
    let mut heap = heap_over::<4096>(&arena, MIB);
    let cache = heap.open_cache::<[u64; 2]>("small", 1).unwrap();
    let objects: Vec<_> = (0..300).map(|_| heap.alloc_object(&cache).unwrap()).collect();
    // Numbers whose bits are two words apart, as those of an object and its guest are elsewhere.
    let given = [133, 5, 250, 122].map(|number| objects[number]);
    for object in given {
        assert_eq!(give(&mut heap, &cache, object), Ok(()));
    }
    assert_eq!(statistics(&heap, "small").unwrap().live, 296);
    for object in given {
        assert_eq!(give(&mut heap, &cache, object), Err(AllocError::NotAllocated));
    }
    for object in objects.iter().filter(|object| !given.contains(object)) {
        assert_eq!(give(&mut heap, &cache, *object), Ok(()));
    }
    assert_eq!(statistics(&heap, "small").unwrap().live, 0);
}
