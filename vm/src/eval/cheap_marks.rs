//! Which code is perhaps cheap, as far as can be seen when a law is decoded: [`cheap_entries`](super::cheap_entries) runs it.

use super::code::{Op, ThunkEntry};

/// The most instructions of cheap code.
const INSTRUCTIONS_LIMIT: usize = 64;

/// The most items of a row that such code makes.
const ROW_LIMIT: u32 = 8;

/// Finds the entries whose code is perhaps cheap, and has their thunks made by
/// [`Op::ThunkUnlessCheap`]. `is_cheap` says whether the jet in a constant is cheap. Returns whether the code of
/// the law itself is perhaps cheap.
pub(super) fn mark(ops: &mut [Op], entries: &[ThunkEntry], is_cheap: impl Fn(u32) -> bool) -> bool {
    let mut starts: Vec<usize> = entries.iter().map(|entry| entry.pc as usize).collect();
    starts.push(ops.len());
    starts.sort_unstable();
    let code_of = |entry: &ThunkEntry| {
        let start = entry.pc as usize;
        let next = starts.partition_point(|other| *other <= start);
        start..starts.get(next).copied().unwrap_or(start)
    };
    let is_allowed = |op: &Op| match op {
        Op::Native { pin, .. } => is_cheap(*pin),
        Op::Slot(_) | Op::Constant(_) | Op::Push(_) | Op::EvalSlot(_) | Op::Eval => true,
        Op::ApplyEagerly(_) | Op::Delay(_) | Op::Thunk(_) | Op::Select { .. } => true,
        Op::Jump(_) | Op::JumpIfFalse(_) | Op::JumpUnlessZero(_) => true,
        Op::Increment | Op::Truth | Op::Exchange(_) | Op::Slide(_) | Op::Drop => true,
        Op::Clear(_) | Op::Return | Op::ReturnSlot(_) | Op::TailCall(_) => true,
        Op::Frame(_) | Op::Call(_) | Op::Normalise | Op::Apply(_) => true,
        Op::Row(count) => *count <= ROW_LIMIT,
        _ => false,
    };
    let perhaps_cheap =
        |code: &[Op]| code.len() <= INSTRUCTIONS_LIMIT && code.iter().all(is_allowed);
    let cheap: Vec<bool> =
        entries.iter().map(|entry| perhaps_cheap(&ops[code_of(entry)])).collect();
    let is_law_cheap = perhaps_cheap(&ops[..starts[0]]);
    for op in ops {
        if let Op::Thunk(entry) = *op
            && cheap[entry as usize]
        {
            *op = Op::ThunkUnlessCheap(entry);
        }
    }
    is_law_cheap
}
