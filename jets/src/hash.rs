//! Jets that compute hashes: SHA-256, SHA-512 and BLAKE3 of bytes, BLAKE3 of values.

use crate::args::{ready, return_small};
use crate::declare::{Jet, JetResult, native};
use crate::tree::leaves;
use plan::Shape;
use sha2::{Digest, Sha256, Sha512};
use vm::jet::ArgDemand::{Head, Normal};
use vm::jet::ResultShape::{Any, Bar};
use vm::jet::{JetAnswer, JetCall};

pub(crate) const JETS: &[Jet] = &[
    native("sha256", &[Head], sha2::<Sha256>),
    native("sha512", &[Head], sha2::<Sha512>),
    native("_Blake3", &[Head], blake3).returns(Bar),
    native("_PlanHash", &[Normal], plan_hash).total(Bar),
    native("_PinHash", &[Head], pin_hash).total(Any),
];

/// Bytes hashed between two checks for an interrupt.
const INTERRUPT_CHUNK: usize = 1 << 20;

/// Hashes a bar. The law returns something for other values, too.
fn sha2<H: Digest>(call: &mut JetCall<'_>) -> JetResult {
    let Some(bytes) = call.arg(0).as_bar() else { return Ok(JetAnswer::Law) };
    let mut hasher = H::new();
    for part in bytes.chunks(INTERRUPT_CHUNK) {
        call.check()?;
        hasher.update(part);
    }
    call.push_bar(&hasher.finalize())?;
    Ok(JetAnswer::Done)
}

/// Hashes the concatenation of the bars among the leaves of a tree.
fn blake3(call: &mut JetCall<'_>) -> JetResult {
    let mut hasher = blake3::Hasher::new();
    ready!(leaves(call, 0, |call, leaf| {
        for part in leaf.as_bar().unwrap_or_default().chunks(INTERRUPT_CHUNK) {
            call.check()?;
            hasher.update(part);
        }
        Ok(())
    }));
    call.push_bar(hasher.finalize().as_bytes())?;
    Ok(JetAnswer::Done)
}

fn plan_hash(call: &mut JetCall<'_>) -> JetResult {
    let hash = call.hash(0)?;
    call.push_bar(hash.as_bytes())?;
    Ok(JetAnswer::Done)
}

/// Returns the hash of a pin's item, 0 for a value that is not a pin.
fn pin_hash(call: &mut JetCall<'_>) -> JetResult {
    let Shape::Pin(pin) = call.arg(0).shape() else { return return_small(call, 0) };
    let hash = pin.hash()?;
    call.push_bar(hash.as_bytes())?;
    Ok(JetAnswer::Done)
}
