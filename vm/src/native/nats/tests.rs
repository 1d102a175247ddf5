use super::*;
use plan::HeapOptions;
use plan::raw::ObjectLayout;
use plan::raw::nat::{Natural, cast, from_limbs};
use proptest::prelude::*;

/// An operand: the limbs of a nat, or a value that is no nat.
#[derive(Clone, Debug)]
enum Operand {
    Nat(Vec<u64>),
    Row,
}

impl Operand {
    /// The number that operations see.
    fn number(&self) -> Natural {
        match self {
            Operand::Nat(limbs) => Natural::from_limbs_asc(limbs),
            Operand::Row => Natural::from(0u8),
        }
    }

    fn push(&self, vm: &mut Vm) {
        let word = match self {
            Operand::Nat(limbs) => from_limbs(&mut vm.heap, limbs).unwrap(),
            Operand::Row => {
                vm.heap.reserve(2).unwrap();
                vm.heap.allocate_words(ObjectLayout::Row, 0, &[Word::ZERO])
            }
        };
        vm.heap.stack.push(word);
    }
}

fn limb() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        Just(1),
        Just(u64::MAX),
        Just(1 << 63),
        Just((1 << 63) - 1),
        any::<u64>(),
        (0u32..64, any::<u64>()).prop_map(|(shift, limb)| limb >> shift),
    ]
}

fn operand() -> impl Strategy<Value = Operand> {
    let nat = |count| prop::collection::vec(limb(), count).prop_map(Operand::Nat);
    prop_oneof![
        4 => nat(0..2),
        6 => nat(1..5),
        4 => nat(3..40),
        1 => nat(40..100),
        1 => Just(Operand::Row),
    ]
}

/// Pairs of operands, many of them close to each other, or the first close to a multiple of the second.
fn operands() -> impl Strategy<Value = [Operand; 2]> {
    let close = (operand(), limb(), limb(), 0u8..3).prop_map(|(a, factor, difference, kind)| {
        let (number, difference) = (a.number(), Natural::from(difference >> 40));
        let factor = if kind == 0 { Natural::from(1u8) } else { Natural::from(factor) };
        let product = &number * factor;
        let multiple = if kind == 2 && product >= difference {
            product - difference
        } else {
            product + difference
        };
        [Operand::Nat(multiple.to_limbs_asc()), a]
    });
    prop_oneof![(operand(), operand()).prop_map(|(a, b)| [a, b]), close]
}

/// The result by malachite's arithmetic.
fn expected(operation: NatOp, [a, b]: [&Natural; 2]) -> Natural {
    let (zero, one) = (Natural::from(0u8), Natural::from(1u8));
    let less = |a: &Natural, b: &Natural| if a > b { a - b } else { Natural::from(0u8) };
    let shift = b.to_limbs_asc().first().copied().unwrap_or(0);
    match operation {
        NatOp::Inc => a + one,
        NatOp::Dec => less(a, &one),
        NatOp::Add => a + b,
        NatOp::Sub => less(a, b),
        NatOp::Mul => a * b,
        NatOp::Div if *b == zero => zero,
        NatOp::Div => a / b,
        NatOp::Mod if *b == zero => a.clone(),
        NatOp::Mod => a % b,
        NatOp::And => a & b,
        NatOp::Or => a | b,
        NatOp::Xor => a ^ b,
        NatOp::Lsh => a << shift,
        NatOp::Rsh => a >> shift,
        NatOp::Cmp => Natural::from((a.cmp(b) as i8 + 1).unsigned_abs()),
        NatOp::Eq => Natural::from(u8::from(a == b)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn results_are_those_of_arithmetic(pair in operands(), by in 0u64..300, stress: bool) {
        let options = HeapOptions { nursery: 1 << 15, stress, ..HeapOptions::default() };
        let mut vm = Vm::new(options, Default::default()).unwrap();
        for operation in NatOp::ALL {
            let mut pair = pair.clone();
            if matches!(operation, NatOp::Lsh | NatOp::Rsh) {
                pair[1] = Operand::Nat(vec![by]);
            }
            let is_comparison = matches!(operation, NatOp::Cmp | NatOp::Eq);
            if is_comparison && pair.iter().any(|operand| matches!(operand, Operand::Row)) {
                continue;
            }
            pair.iter().for_each(|operand| operand.push(&mut vm));
            let [a, b] = [1, 0].map(|depth| vm.heap.stack.peek(depth));
            let result = operation.compute(&mut vm, a, b).unwrap();
            let result = cast(&vm.heap, result).to_natural();
            let [a, b] = pair.each_ref().map(Operand::number);
            prop_assert_eq!(result, expected(operation, [&a, &b]), "{:?} {:?}", operation, pair);
            let base = vm.heap.stack.top() - 2;
            vm.heap.stack.truncate(base);
        }
    }

    /// All sizes of the room in the nursery come up, down to none.
    #[test]
    fn results_survive_collections(pair in operands()) {
        let options = HeapOptions { nursery: 1 << 12, ..HeapOptions::default() };
        let mut vm = Vm::new(options, Default::default()).unwrap();
        let [a, b] = pair.each_ref().map(Operand::number);
        let sum = &a + &b;
        pair.iter().for_each(|operand| operand.push(&mut vm));
        for _ in 0..200 {
            let [a, b] = [1, 0].map(|depth| vm.heap.stack.peek(depth));
            let result = NatOp::Add.compute(&mut vm, a, b).unwrap();
            prop_assert_eq!(cast(&vm.heap, result).to_natural(), sum.clone());
        }
    }
}
