//! Tests of values, evaluation and printing together.

mod background;
mod owned_edits;
mod pins;
mod pools;
mod trees;

use crate::Vm;
use plan::HeapOptions;

/// A linear congruential generator: the same numbers in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

/// A runtime with a small nursery. Under stress it collects at every allocation.
fn vm(stress: bool) -> Vm {
    let options = HeapOptions { nursery: 1 << 15, stress, ..HeapOptions::default() };
    Vm::new(options, Default::default()).expect("a small stack can be reserved")
}
