//! How often reading and verifying certificates asks the heap for memory.
//!
//! Every block is counted on the thread that asks for it, so the tests do not count each other's.
#![allow(clippy::unwrap_used, unsafe_code)]

#[path = "support/chains.rs"]
mod chains;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use private_ca::Certificate;
use private_ca::verify::{Preparation, Purpose, Verification, Verifier};

use chains::Authority;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

struct Counter;

/// A thread that is ending has no count any more.
fn count() {
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every call is passed on to the system's allocator as it came. Counting allocates nothing.
unsafe impl GlobalAlloc for Counter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.realloc(block, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counter = Counter;

/// How many blocks are made, or grow, while `work` runs.
fn allocations<T>(work: impl FnOnce() -> T) -> usize {
    let before = COUNT.get();
    let result = work();
    let after = COUNT.get();
    drop(result);
    after - before
}

#[test]
fn every_block_is_counted() {
    assert_eq!(allocations(|| ()), 0);
    assert_eq!(allocations(|| black_box(Box::new(1_u8))), 1);
    assert_eq!(allocations(|| black_box(vec![0_u8; 100])), 1);
    let mut bytes = Vec::with_capacity(1);
    bytes.push(0_u8);
    assert_eq!(allocations(|| black_box(&mut bytes).reserve(1000)), 1);
    assert_eq!(allocations(|| (0..7).for_each(|number| drop(black_box(Box::new(number))))), 7);
}

/// With prepared keys; a key without a table has the multiples that are made for one signature besides.
#[test]
fn reading_and_verifying_two_certificates_takes_ten_allocations_at_most() {
    let root = Authority::root("Root");
    let issuing = root.intermediate("Issuing");
    let (leaf, issuing) = (issuing.leaf(), issuing.certificate);
    let verifier = Verifier::new([root.certificate])
        .unwrap()
        .with_preparation(Preparation::AtOnce)
        .with_intermediates([issuing.clone()]);
    let verification = Verification::new(Purpose::Client).at(chains::now());
    let count = allocations(|| {
        let leaf = Certificate::from_der(leaf.as_der()).unwrap();
        let intermediates = [Certificate::from_der(issuing.as_der()).unwrap()];
        verifier.verify(&leaf, &intermediates, &verification).unwrap()
    });
    assert!(count <= 10, "{count} allocations");
}
