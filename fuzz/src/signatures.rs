//! The jet of `ed25519Verify` has the same answer as its law, for signatures with a change.

use crate::jets::check_arguments;
use crate::terms::below;
use arbitrary::Unstructured;
use ed25519_dalek::{Signer, SigningKey};
use spec::shapes;

/// Decodes a key, a message, and a few changes of the key, the message and the signature, and
/// verifies the signature by the jet and by the law.
///
/// # Panics
/// If jet and law have different answers.
pub fn check(bytes: &[u8]) {
    let bytes = &mut Unstructured::new(bytes);
    let signing = SigningKey::from_bytes(&bytes.arbitrary().unwrap_or_default());
    let length = below(bytes, 64).into();
    let message = bytes.bytes(length).unwrap_or_default().to_vec();
    let signature = signing.sign(&message).to_bytes().to_vec();
    let mut parts = [signing.verifying_key().to_bytes().to_vec(), message, signature];
    for _ in 0..below(bytes, 4) {
        let part = &mut parts[usize::from(below(bytes, 3))];
        change(bytes, part);
    }
    check_arguments("ed25519Verify", parts.iter().map(|part| shapes::bar(part)).collect());
}

/// Changes some bytes.
fn change(bytes: &mut Unstructured<'_>, part: &mut Vec<u8>) {
    let at = usize::from(below(bytes, u8::MAX)) % part.len().max(1);
    match below(bytes, 5) {
        0 => part.truncate(at),
        1 => part.push(bytes.arbitrary().unwrap_or_default()),
        // A point of small order, or S = 0.
        2 => part.iter_mut().skip(at).for_each(|byte| *byte = 0),
        // A number that is not below the prime or the order of the base point.
        3 => part.iter_mut().skip(at).for_each(|byte| *byte = 0xff),
        _ => {
            if let Some(byte) = part.get_mut(at) {
                *byte ^= bytes.arbitrary::<u8>().unwrap_or(1);
            }
        }
    }
}
