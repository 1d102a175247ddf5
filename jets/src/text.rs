//! Jets on text: nats whose bytes are the characters, the first one least significant.

use crate::args::{evaluate_item, ready, row_len};
use crate::declare::{Jet, JetResult, native};
use vm::jet::ArgDemand::Head;
use vm::jet::ResultShape::Nat;
use vm::jet::{JetAnswer, JetCall};

pub(crate) const JETS: &[Jet] = &[native("implode", &[Head], implode).returns(Nat)];

/// Concatenates the texts in a row. The item 0 is the empty text.
fn implode(call: &mut JetCall<'_>) -> JetResult {
    let Some(count) = row_len(call, 0) else { return Ok(JetAnswer::Law) };
    let mut bytes = Vec::new();
    for item in 0..count {
        call.check()?;
        ready!(evaluate_item(call, 0, item));
        let Some(piece) = call.arg(0).as_row().and_then(|row| row.get(item)) else { break };
        let Some(nat) = piece.as_nat() else { continue };
        call.check_result_words((bytes.len() as u64 + nat.bits() / 8) / 8 + 2)?;
        match nat.to_u64() {
            Some(nat @ 1..=255) => bytes.push(nat as u8),
            _ => bytes.extend(nat.bytes()),
        }
    }
    call.push_bytes(&bytes)?;
    Ok(JetAnswer::Done)
}
