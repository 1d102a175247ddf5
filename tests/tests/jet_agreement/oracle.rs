//! Results of arithmetic on big integers, for arguments where the law, which counts in unary, takes
//! too long.

use plan::{Natural, Val};
use vm::Vm;
use vm::jet::{JetOperation, WordOperation};

/// The largest shift distance that is calculated, in bits.
const MAX_SHIFT: u64 = 1 << 20;

/// The result of an operation. None if it is not arithmetic, an argument crashes, or the result is
/// too large.
pub(crate) fn result(vm: &mut Vm, operation: JetOperation, args: &[Val]) -> Option<Natural> {
    let mut nats = Vec::new();
    for arg in args {
        let value = vm.eval(arg).ok()?;
        let nat = vm.look(&value).as_nat().map(|nat| nat.to_natural());
        nats.push(nat.unwrap_or_default());
    }
    match (operation, &nats[..]) {
        (JetOperation::Word32(operation), args) => word(operation, args, 32),
        (JetOperation::Word64(operation), args) => word(operation, args, 64),
        (operation, [a]) => unary(operation, a),
        (operation, [a, b]) => binary(operation, a, b),
        _ => None,
    }
}

fn unary(operation: JetOperation, a: &Natural) -> Option<Natural> {
    let ones = || a.limbs().map(|limb| u64::from(limb.count_ones())).sum::<u64>();
    Some(match operation {
        JetOperation::ToNat => a.clone(),
        JetOperation::Decrement => saturating_sub(a, &one()),
        JetOperation::PowerOfTwo => one() << bits(a)?,
        JetOperation::PopCount => ones().into(),
        JetOperation::BitWidth => bit_width(a).into(),
        _ => return None,
    })
}

fn binary(operation: JetOperation, a: &Natural, b: &Natural) -> Option<Natural> {
    let zero = Natural::default();
    Some(match operation {
        JetOperation::Add => a + b,
        JetOperation::Subtract => saturating_sub(a, b),
        JetOperation::Multiply => a * b,
        JetOperation::Divide if *b == zero => zero,
        JetOperation::Divide => a / b,
        JetOperation::Remainder if *b == zero => a.clone(),
        JetOperation::Remainder => a % b,
        JetOperation::ShiftLeft if *a == zero => zero,
        JetOperation::ShiftLeft => a << bits(b)?,
        JetOperation::ShiftRight => bits(b).map_or(zero, |by| a >> by),
        JetOperation::BitOr => a | b,
        JetOperation::BitAnd => a & b,
        JetOperation::BitXor => a ^ b,
        JetOperation::TestBit => bits(a).map_or(zero, |at| low(&(b >> at), 1)),
        JetOperation::Truncate => bits(a).map_or(b.clone(), |width| low(b, width)),
        _ => return None,
    })
}

fn word(operation: WordOperation, args: &[Natural], width: u64) -> Option<Natural> {
    let words: Vec<Natural> = args.iter().map(|nat| low(nat, width)).collect();
    let result = match (operation, &words[..]) {
        (WordOperation::Low, [a]) => a.clone(),
        (WordOperation::Add, [a, b]) => a + b,
        (WordOperation::Multiply, [a, b]) => a * b,
        (WordOperation::Divide, [a, b]) => return binary(JetOperation::Divide, a, b),
        (WordOperation::And, [a, b]) => a & b,
        (WordOperation::Or, [a, b]) => a | b,
        (WordOperation::Xor, [a, b]) => a ^ b,
        (WordOperation::ShiftRight, [a, b]) => return binary(JetOperation::ShiftRight, a, b),
        (WordOperation::ShiftLeft, [a, b]) => match bits(b) {
            Some(by) if by < width => a << by,
            _ => Natural::default(),
        },
        _ => return None,
    };
    Some(low(&result, width))
}

fn one() -> Natural {
    Natural::from(1u32)
}

fn saturating_sub(a: &Natural, b: &Natural) -> Natural {
    if a > b { a - b } else { Natural::default() }
}

fn bit_width(a: &Natural) -> u64 {
    let limbs = a.to_limbs_asc();
    let top = limbs.last().map_or(0, |limb| u64::from(limb.leading_zeros()));
    limbs.len() as u64 * 64 - top
}

/// The lowest `width` bits of a nat.
fn low(a: &Natural, width: u64) -> Natural {
    a & ((one() << width) - one())
}

/// A nat as a number of bits. None if it exceeds [`MAX_SHIFT`].
fn bits(a: &Natural) -> Option<u64> {
    u64::try_from(a).ok().filter(|bits| *bits <= MAX_SHIFT)
}
