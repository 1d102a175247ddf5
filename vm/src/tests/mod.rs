//! Tests of values, evaluation and printing together.

mod background;
mod owned_edits;
mod pins;
mod pools;
mod trees;

use crate::Vm;
use plan::HeapOptions;

/// A runtime with a small nursery. Under stress it collects at every allocation.
fn vm(stress: bool) -> Vm {
    let options = HeapOptions { nursery: 1 << 15, stress, ..HeapOptions::default() };
    Vm::new(options, Default::default()).expect("a small stack can be reserved")
}
