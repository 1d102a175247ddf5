//! The law `ed25519Verify` and its jet agree, and accept what ed25519-dalek signs.

use ed25519_dalek::{Signer, SigningKey};
use fastrand::Rng;
use plan::{Shape, Val};
use sire::Sire;
use tests::started_session;

/// The prime 2^255 - 19, the least significant byte first.
const PRIME: [u8; 32] = {
    let mut bytes = [0xff; 32];
    bytes[0] = 0xed;
    bytes[31] = 0x7f;
    bytes
};

/// The order of the base point, the least significant byte first.
const BASE_POINT_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// The order of the subgroup of points of small order divides 8. These are the encodings of such
/// points, from the table of the paper "Taming the many EdDSAs" (Chalkias, Garillot and Nikolaenko,
/// 2020), with those that are not the only encoding of their point.
const SMALL_ORDER: [&str; 14] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
];

/// The pin of the law, and the law, which has no jet if it is not pinned.
struct Verifier {
    sire: Sire,
    pin: Val,
    law: Val,
}

impl Verifier {
    fn new() -> Verifier {
        let mut sire = started_session("ed25519");
        let pin = sire.binding("ed25519Verify").expect("it is defined");
        let vm = sire.vm();
        let Shape::Pin(shape) = vm.look(&pin).shape() else { panic!("the law is not pinned") };
        assert_eq!(vm.jet_of(shape).map(|jet| jet.name), Some("ed25519Verify"));
        let law = vm.hold(shape.item());
        Verifier { sire, pin, law }
    }

    /// Verifies a signature by the jet and by the law, which agree.
    fn verify(&mut self, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        let vm = self.sire.vm();
        let args = [key, message, signature].map(|bytes| vm.bar(bytes).expect("a bar"));
        let mut call = |function: &Val| {
            let result = vm.apply(function, &args).expect("it returns a bit");
            vm.look(&result).as_u64().expect("it returns a bit")
        };
        let (jet, law) = (call(&self.pin), call(&self.law));
        assert_eq!(jet, law, "{key:02x?} {message:02x?} {signature:02x?}");
        jet == 1
    }
}

fn hex(text: &str) -> [u8; 32] {
    let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).expect("hex digits");
    bytes.try_into().expect("32 bytes")
}

/// The sum of two numbers, the least significant byte first.
fn sum(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let add = |(a, b): (&u8, &u8)| {
        let digit = u16::from(*a) + u16::from(*b) + carry;
        carry = digit >> 8;
        digit as u8
    };
    a.iter().zip(b).map(add).collect()
}

#[test]
fn signatures_are_accepted_and_changed_ones_are_refused() {
    let mut verifier = Verifier::new();
    let mut random = Rng::with_seed(19);
    for round in 0..24 {
        let mut seed = [0; 32];
        random.fill(&mut seed);
        let mut message = vec![0; random.usize(0..300)];
        random.fill(&mut message);
        let signing = SigningKey::from_bytes(&seed);
        let key = signing.verifying_key().to_bytes();
        let signature = signing.sign(&message).to_bytes();
        assert!(verifier.verify(&key, &message, &signature), "round {round}");
        let mut flip = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            let index = random.usize(0..bytes.len());
            bytes[index] ^= 1 << random.u8(0..8);
            bytes
        };
        assert!(!verifier.verify(&flip(&key), &message, &signature), "round {round}");
        assert!(!verifier.verify(&key, &message, &flip(&signature)), "round {round}");
        message.push(0);
        assert!(!verifier.verify(&key, &message, &signature), "round {round}");
    }
}

#[test]
fn a_signature_has_one_form() {
    let mut verifier = Verifier::new();
    let signing = SigningKey::from_bytes(&[7; 32]);
    let (key, message) = (signing.verifying_key().to_bytes(), b"a message");
    let signature = signing.sign(message).to_bytes();
    let (r, s) = signature.split_at(32);
    let with = |s: &[u8]| [r, s].concat();
    assert!(verifier.verify(&key, message, &with(s)));
    // S plus the order of the base point has the same product with it.
    assert!(!verifier.verify(&key, message, &with(&sum(s, &BASE_POINT_ORDER))));
    assert!(!verifier.verify(&key, message, &with(&BASE_POINT_ORDER)));
    // Lengths.
    for length in [0, 31, 32, 63] {
        assert!(!verifier.verify(&key, message, &signature[..length]), "{length}");
    }
    assert!(!verifier.verify(&key, message, &[&signature[..], &[0]].concat()));
    assert!(!verifier.verify(&key[..31], message, &signature));
    assert!(!verifier.verify(&[&key[..], &[0]].concat(), message, &signature));
}

#[test]
fn points_of_small_order_and_second_encodings_are_refused() {
    let mut verifier = Verifier::new();
    let signing = SigningKey::from_bytes(&[7; 32]);
    let key = signing.verifying_key().to_bytes();
    let signature = signing.sign(b"a").to_bytes();
    for point in SMALL_ORDER.map(hex) {
        for other in SMALL_ORDER.map(hex) {
            // S = 0: the equation holds for many of these, with and without the cofactor.
            assert!(!verifier.verify(&point, b"a", &[other, [0; 32]].concat()), "{point:02x?}");
        }
        assert!(!verifier.verify(&point, b"a", &signature), "{point:02x?}");
        let with_point = [&point[..], &signature[32..]].concat();
        assert!(!verifier.verify(&key, b"a", &with_point), "{point:02x?}");
    }
    // Keys that are not below the prime, and any y below 32.
    for least in 0..32 {
        let mut small = [0; 32];
        small[0] = least;
        assert!(!verifier.verify(&small, b"a", &signature), "{least}");
        if least < 19 {
            let large = sum(&PRIME, &small);
            assert!(!verifier.verify(&large, b"a", &signature), "{least}");
        }
    }
}

#[test]
fn any_bytes_have_the_same_answer() {
    let mut verifier = Verifier::new();
    let mut random = Rng::with_seed(20);
    for _ in 0..40 {
        let mut bytes = [0; 104];
        random.fill(&mut bytes);
        // S is often below the order of the base point.
        bytes[95] &= 0x1f;
        verifier.verify(&bytes[..32], &bytes[96..], &bytes[32..96]);
    }
}
