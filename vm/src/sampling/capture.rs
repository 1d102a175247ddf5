//! Reading the stack of an evaluation between any two instructions of it.
//!
//! The native stack has the frames of compiled code, in sections, and of runs of the interpreter's
//! loop, each with the position in the law that it runs; the evaluation stack has the frames of
//! interpreted laws that wait. Sections and runs are merged by their addresses on the native stack.
//! The frames of a run are on the evaluation stack above its Exit mark.
//!
//! The interrupted code may be about to change any of this, so nothing is taken for granted: every
//! address is compared with the bounds of the stack that it should be on, indices must fall, and the
//! work is bounded. What does not fit ends the stack.

use super::raw_stack::{MachineRegisters, RawStack, tag};
use super::timer::innermost_jet;
use crate::eval::{FrameScanner, RunChain};
use crate::native::FrameReader;
use crate::vm::Vm;
use profile::sampled::ExecutionKind;

/// The most words of the evaluation stack that are looked at.
const SCANNED_WORDS: usize = 1 << 14;
/// The most frames of compiled code that are read.
const NATIVE_FRAMES: usize = 1 << 10;

/// Reads the stack of the running evaluation. Returns what was running.
pub(super) fn capture(
    vm: &Vm,
    jets: &[(usize, u32)],
    registers: Option<&MachineRegisters>,
    stack: &mut RawStack,
) -> ExecutionKind {
    let native = &vm.heap.host.native;
    let stack_pointer = registers.map_or(0, |registers| registers.stack_pointer);
    let mut frames = FrameReader::new(native, stack_pointer, NATIVE_FRAMES);
    let mut runs = RunChain::new(&vm.evaluator, stack_pointer);
    let mut scanner = FrameScanner::new(&vm.heap.stack, &vm.evaluator, SCANNED_WORDS);
    let compiled = registers.filter(|registers| native.is_code(registers.program_counter));
    let kind = match compiled {
        Some(registers) => {
            // As an address that is returned to, it is the one after an instruction.
            stack.push(tag::RETURN_ADDRESS, registers.program_counter as u64 + 1);
            frames.begin_at(registers.frame_pointer);
            ExecutionKind::Compiled
        }
        None => kind_in_rust(vm, jets, &frames, &runs, stack),
    };
    loop {
        let section = frames.section().unwrap_or(usize::MAX);
        let run = runs.newest().unwrap_or(usize::MAX);
        if section == usize::MAX && run == usize::MAX {
            break;
        }
        if section < run {
            frames.read_section(|address| stack.push(tag::RETURN_ADDRESS, address as u64));
        } else {
            if let Some(code) = runs.take() {
                stack.push(tag::DECODED_LAW, code as u64);
            }
            scanner.read_run(|pool| stack.push(tag::POOL, u64::from(pool)));
        }
    }
    if frames.is_exhausted() || scanner.is_exhausted() {
        stack.truncate();
    }
    kind
}

/// What runs in Rust. Pushes the jet, if it is one.
fn kind_in_rust(
    vm: &Vm,
    jets: &[(usize, u32)],
    frames: &FrameReader<'_>,
    runs: &RunChain,
    stack: &mut RawStack,
) -> ExecutionKind {
    if vm.heap.memory.is_collecting() {
        return ExecutionKind::Collector;
    }
    let section = frames.section().unwrap_or(usize::MAX);
    let run = runs.newest().unwrap_or(usize::MAX);
    // A jet that has called the interpreter or compiled code is further out.
    if let Some(jet) = innermost_jet(jets, section.min(run)) {
        stack.push(tag::JET, u64::from(jet));
        return ExecutionKind::Jet;
    }
    if section < run { ExecutionKind::Compiled } else { ExecutionKind::Interpreter }
}
