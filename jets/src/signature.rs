//! The jet that verifies Ed25519 signatures.

use crate::args::return_small;
use crate::declare::{Jet, JetResult, native};
use ed25519_dalek::{PUBLIC_KEY_LENGTH, SIGNATURE_LENGTH, Signature, VerifyingKey};
use vm::jet::ArgDemand::Head;
use vm::jet::ResultShape::Bit;
use vm::jet::{JetAnswer, JetCall};

pub(crate) const JETS: &[Jet] =
    &[native("ed25519Verify", &[Head, Head, Head], verify).returns(Bit)];

/// The maximum number of bytes of a message. The verification of a longer one could not be
/// interrupted, so the law runs, which hashes the message by a jet that can be.
const MESSAGE_SIZE_MAX: usize = 1 << 24;

/// Returns 1 if a signature is right, and 0 otherwise, also for bytes of a wrong length. The law
/// returns something for other values, too.
///
/// The law has the strict rule of RFC 8032, section 5.1.7, without the cofactor. `verify_strict`
/// has the same, but accepts another encoding of the public key.
fn verify(call: &mut JetCall<'_>) -> JetResult {
    let [key, message, signature] = [0, 1, 2].map(|index| call.arg(index).as_bar());
    let (Some(key), Some(message), Some(signature)) = (key, message, signature) else {
        return Ok(JetAnswer::Law);
    };
    if message.len() > MESSAGE_SIZE_MAX {
        return Ok(JetAnswer::Law);
    }
    let is_right = is_signature(key, message, signature);
    return_small(call, u64::from(is_right))
}

fn is_signature(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let Ok(key) = <&[u8; PUBLIC_KEY_LENGTH]>::try_from(key) else { return false };
    let Ok(signature) = <&[u8; SIGNATURE_LENGTH]>::try_from(signature) else { return false };
    if !is_below_prime(key) {
        return false;
    }
    let Ok(key) = VerifyingKey::from_bytes(key) else { return false };
    key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
}

/// Returns whether the first 255 bits of a key, the least significant byte first, are a number below
/// the prime 2^255 - 19.
fn is_below_prime(key: &[u8; PUBLIC_KEY_LENGTH]) -> bool {
    let [least, middle @ .., greatest] = key;
    let has_all_bits = middle.iter().all(|byte| *byte == 0xff) && greatest & 0x7f == 0x7f;
    !(has_all_bits && *least >= 0xed)
}
