//! Runtimes with different parts compute the same values.

use plan::HeapOptions;
use runtime::{CompileMode, RuntimeBuilder, RuntimeError};
use std::sync::Arc;

/// One runtime makes a seed; others load it, print it and save it again: without jets, without the
/// compiler, with every law compiled, and with a small heap.
#[test]
fn every_configuration_gives_the_same_value() -> Result<(), RuntimeError> {
    let mut maker = RuntimeBuilder::new().build()?;
    let numbers: Vec<_> = (0..100).map(|number| maker.nat(number)).collect();
    let row = maker.row(&numbers)?;
    let seed = maker.save(&row)?;
    let expected = maker.print(&row)?;

    let small = HeapOptions { nursery: 1 << 16, max_heap: 1 << 24, ..HeapOptions::default() };
    let builders = [
        RuntimeBuilder::new().compile(CompileMode::Off),
        RuntimeBuilder::new().compile(CompileMode::Eager),
        RuntimeBuilder::new().jets(Arc::default()),
        RuntimeBuilder::bare(),
        RuntimeBuilder::new().heap(small),
    ];
    for builder in builders {
        let mut runtime = builder.build()?;
        let loaded = runtime.load(&seed)?;
        assert_eq!(runtime.print(&loaded)?, expected);
        assert_eq!(runtime.save(&loaded)?, seed);
    }
    Ok(())
}

#[test]
fn bytes_that_are_no_seed_are_an_error() -> Result<(), RuntimeError> {
    let mut runtime = RuntimeBuilder::new().build()?;
    assert!(matches!(runtime.load(b"no seed"), Err(RuntimeError::Load(_))));
    Ok(())
}

#[test]
fn a_crash_is_an_error() -> Result<(), RuntimeError> {
    let mut runtime = RuntimeBuilder::new().build()?;
    let (op, arg) = (runtime.nat(99), runtime.nat(7));
    let crash = runtime.app(&op, &[arg])?;
    assert!(matches!(
        runtime.print(&crash),
        Err(RuntimeError::Eval(plan::EvalError::Crash { .. }))
    ));
    Ok(())
}
