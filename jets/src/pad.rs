//! Jets on pads. A pad is a bit string, represented as a nat whose highest set bit marks the end. A
//! value that is not a pad counts as the empty pad, 1.

use crate::args::{evaluate_item, ready, return_value, row_len};
use crate::declare::{Jet, JetResult, native};
use crate::tree::leaves;
use plan::{EvalError, NatRef, Ref, limbs};
use vm::jet::ArgDemand::Head;
use vm::jet::JetAnswer;
use vm::jet::JetCall;
use vm::jet::ResultShape::Nat;

pub(crate) const JETS: &[Jet] = &[
    native("padWeld", &[Head, Head], weld).order(&[1, 0]).total(Nat),
    native("padCat", &[Head], cat).returns(Nat),
    native("padFlat", &[Head], flat).returns(Nat),
];

/// Concatenates the bits of pads: `count` bits in `limbs`.
#[derive(Default)]
struct PadBuilder {
    limbs: Vec<u64>,
    count: u64,
}

impl PadBuilder {
    /// Appends a pad's bits; fails if the heap cannot hold the result.
    fn append(&mut self, call: &JetCall<'_>, pad: Ref<'_>) -> Result<(), EvalError> {
        call.check()?;
        let Some(pad) = pad.as_nat() else { return Ok(()) };
        let count = pad.bits().saturating_sub(1);
        call.check_result_bits(self.count.saturating_add(count).saturating_add(64))?;
        let mut left = count;
        for limb in pad.limbs() {
            let bits = left.min(64);
            self.append_limb(*limb, bits);
            left -= bits;
        }
        Ok(())
    }

    /// Appends the lowest `count` bits of a limb, at most 64.
    fn append_limb(&mut self, limb: u64, count: u64) {
        if count == 0 {
            return;
        }
        let limb = if count < 64 { limb & ((1 << count) - 1) } else { limb };
        let at = self.count % 64;
        if at == 0 {
            self.limbs.push(limb);
        } else {
            if let Some(last) = self.limbs.last_mut() {
                *last |= limb << at;
            }
            if at + count > 64 {
                self.limbs.push(limb >> (64 - at));
            }
        }
        self.count += count;
    }

    /// Returns the pad of all appended bits.
    fn finish(mut self, call: &mut JetCall<'_>) -> JetResult {
        self.append_limb(1, 1);
        call.push_limbs(&self.limbs)?;
        Ok(JetAnswer::Done)
    }
}

/// The argument at `index` as a pad.
fn pad<'c>(call: &'c JetCall<'_>, index: usize) -> NatRef<'c> {
    call.nat(index).filter(|pad| !pad.is_zero()).unwrap_or(NatRef::Small(1))
}

/// Concatenates two pads: the bits of the second go above those of the first.
fn weld(call: &mut JetCall<'_>) -> JetResult {
    let count = pad(call, 0).bits() - 1;
    let limbs = limbs::shifted_left_len(pad(call, 1).limbs(), count);
    call.push_nat_with(limbs, |call, out| {
        limbs::shift_left(out, pad(call, 1).limbs(), count);
        for (out, bits) in out.iter_mut().zip(pad(call, 0).limbs()) {
            *out |= bits;
        }
        // The end marker of the first pad is at the position of the second pad's lowest bit.
        let (at, end) = ((count / limbs::BITS) as usize, 1 << (count % limbs::BITS));
        if !limbs::bit(pad(call, 1).limbs(), 0) {
            out[at] &= !end;
        }
    })?;
    Ok(JetAnswer::Done)
}

fn cat(call: &mut JetCall<'_>) -> JetResult {
    let Some(count) = row_len(call, 0) else { return Ok(JetAnswer::Law) };
    for item in 0..count {
        call.check()?;
        ready!(evaluate_item(call, 0, item));
    }
    let mut bits = PadBuilder::default();
    if let Some(row) = call.arg(0).as_row() {
        row.iter().try_for_each(|item| bits.append(call, item))?;
    }
    bits.finish(call)
}

/// Concatenates the leaves of a tree of pads; a nat is returned unchanged.
fn flat(call: &mut JetCall<'_>) -> JetResult {
    if call.nat(0).is_some() {
        return return_value(call, 0);
    }
    let mut bits = PadBuilder::default();
    ready!(leaves(call, 0, |call, leaf| bits.append(call, leaf)));
    bits.finish(call)
}
