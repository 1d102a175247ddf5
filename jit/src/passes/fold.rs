//! Constant folding and strength reduction of primitive operations: rewrite rules without state.

use crate::ir::{Operand, Prim, Type};

/// The simpler form of an operation.
pub(super) enum Folded {
    /// An operand or literal.
    Value(Operand),
    /// A cheaper operation.
    Prim(Prim, Vec<Operand>),
}

/// Simplifies an operation on operands with these types; `None` if no rule applies.
pub(super) fn fold(prim: Prim, operands: &[Operand], types: &[Type]) -> Option<Folded> {
    if let Some(folded) = word_to_nat(prim, operands, types) {
        return Some(folded);
    }
    match (operands, types) {
        (&[a], &[ty]) => unary(prim, a, ty),
        (&[Operand::Small(a), Operand::Small(b)], _) => literals(prim, a, b).map(Folded::Value),
        (&[a, b], &[of_a, of_b]) => binary(prim, [a, b], [of_a, of_b]),
        _ => None,
    }
}

fn small(nat: u64) -> Operand {
    Operand::Small(nat)
}

/// Replaces an operation on 64-bit words by the one on nats, if the types show that nothing
/// overflows.
fn word_to_nat(prim: Prim, operands: &[Operand], types: &[Type]) -> Option<Folded> {
    let equivalent = prim.nat_equivalent()?;
    let is_small = |ty: &Type| ty.is(Type::Small);
    let fits = types.iter().all(is_small) && is_small(&prim.result_of(operands, types));
    fits.then(|| Folded::Prim(equivalent, operands.to_vec()))
}

fn unary(prim: Prim, a: Operand, ty: Type) -> Option<Folded> {
    let is_nat = ty.is(Type::Nat);
    let value = match (prim, a) {
        (Prim::Evaluated, _) if ty.is(Type::Whnf) => small(1),
        (Prim::ToNat, _) if is_nat => a,
        (Prim::Truth, Operand::Small(n)) => small(u64::from(n != 0)),
        (Prim::Truth, _) if ty == Type::Bit => a,
        (Prim::Not | Prim::IsZero, Operand::Small(n)) => small(u64::from(n == 0)),
        (Prim::Not, _) if is_nat => return Some(Folded::Prim(Prim::IsZero, vec![a])),
        (Prim::IsNat, _) if is_nat => small(1),
        (Prim::IsSmall, _) if ty.is(Type::Small) => small(1),
        (Prim::IsU64, _) if ty.is(Type::U64) => small(1),
        (Prim::Low64, _) if ty.is(Type::U64) => a,
        (Prim::Small, _) if ty.is(Type::Small) => a,
        (Prim::IsPin | Prim::IsLaw | Prim::IsApp | Prim::Length, _) if is_nat => small(0),
        (Prim::IsSet | Prim::IsTable | Prim::KeyCount, _) if is_nat => small(0),
        (Prim::BitWidth, Operand::Small(n)) => small(u64::from(u64::BITS - n.leading_zeros())),
        (Prim::Inc, Operand::Small(n)) if n + 1 < 1 << 63 => small(n + 1),
        (Prim::Dec, Operand::Small(n)) => small(n.saturating_sub(1)),
        _ => return None,
    };
    Some(Folded::Value(value))
}

fn low32(nat: u64) -> u64 {
    nat & u64::from(u32::MAX)
}

fn literals(prim: Prim, a: u64, b: u64) -> Option<Operand> {
    let bit = |holds: bool| Some(u64::from(holds));
    let nat = match prim {
        Prim::Add => a.checked_add(b),
        Prim::Sub => Some(a.saturating_sub(b)),
        Prim::Mul => a.checked_mul(b),
        Prim::Div => Some(a.checked_div(b).unwrap_or(0)),
        Prim::Mod => Some(a.checked_rem(b).unwrap_or(a)),
        Prim::And => Some(a & b),
        Prim::Or => Some(a | b),
        Prim::Xor => Some(a ^ b),
        Prim::Rsh => Some(if b < 64 { a >> b } else { 0 }),
        Prim::Lsh => (b < u64::from(a.leading_zeros())).then(|| a << b),
        Prim::Min => Some(a.min(b)),
        Prim::Max => Some(a.max(b)),
        Prim::Mul32 => Some(low32(a.wrapping_mul(b))),
        Prim::Lsh32 => Some(if b < 32 { low32(a << b) } else { 0 }),
        Prim::Rol32 => Some(u64::from((a as u32).rotate_left(b as u32))),
        Prim::Add64 => Some(a.wrapping_add(b)),
        Prim::Sub64 => Some(a.wrapping_sub(b)),
        Prim::Mul64 => Some(a.wrapping_mul(b)),
        Prim::IDiv64 => a.checked_div(b).or(Some(0)),
        Prim::Lsh64 => Some(if b < 64 { a << b } else { 0 }),
        Prim::Rol64 => Some(a.rotate_left((b % 64) as u32)),
        Prim::Eq => bit(a == b),
        Prim::Ne => bit(a != b),
        Prim::Lt => bit(a < b),
        Prim::Le => bit(a <= b),
        Prim::Gt => bit(a > b),
        Prim::Ge => bit(a >= b),
        Prim::Cmp => Some(a.cmp(&b) as i8 as i64 as u64).map(|order| order.wrapping_add(1)),
        _ => None,
    };
    nat.filter(|nat| *nat < 1 << 63).map(small)
}

/// Whether a mask changes no nat of a type.
fn keeps(mask: u64, ty: Type) -> bool {
    ty.bits().is_some_and(|bits| mask.trailing_ones() >= bits)
}

fn binary(prim: Prim, [a, b]: [Operand; 2], [of_a, of_b]: [Type; 2]) -> Option<Folded> {
    let cast = |operand: Operand, ty: Type| {
        Some(if ty.is(Type::Nat) {
            Folded::Value(operand)
        } else {
            Folded::Prim(Prim::ToNat, vec![operand])
        })
    };
    match (prim, a, b) {
        (Prim::Min | Prim::Max, _, _) if a == b => Some(Folded::Value(a)),
        (Prim::Add | Prim::Or | Prim::Xor, Operand::Small(0), _) => cast(b, of_b),
        (Prim::And, Operand::Small(mask), _) if keeps(mask, of_b) => cast(b, of_b),
        (Prim::And, _, Operand::Small(mask)) if keeps(mask, of_a) => cast(a, of_a),
        (Prim::Mod, _, Operand::Small(by)) if by.is_power_of_two() => {
            Some(Folded::Prim(Prim::And, vec![a, small(by - 1)]))
        }
        (Prim::Div, _, Operand::Small(by @ 2..)) if by.is_power_of_two() => {
            Some(Folded::Prim(Prim::Rsh, vec![a, small(by.ilog2().into())]))
        }
        (Prim::Lsh32 | Prim::Mul32, Operand::Small(0), _)
        | (Prim::Lsh32, _, Operand::Small(32..))
        | (Prim::Mul32, _, Operand::Small(0)) => Some(Folded::Value(small(0))),
        (Prim::Lsh32, _, Operand::Small(0)) | (Prim::Mul32, _, Operand::Small(1)) => cast(a, of_a),
        (Prim::Mul32, Operand::Small(1), _) => cast(b, of_b),
        (
            Prim::Add | Prim::Sub | Prim::Or | Prim::Xor | Prim::Lsh | Prim::Rsh,
            _,
            Operand::Small(0),
        )
        | (Prim::Mul | Prim::Div, _, Operand::Small(1)) => cast(a, of_a),
        (Prim::Mul, Operand::Small(1), _) => cast(b, of_b),
        (Prim::Add64 | Prim::Or64 | Prim::Xor64, Operand::Small(0), _)
        | (Prim::Mul64, Operand::Small(1), _) => Some(Folded::Prim(Prim::Low64, vec![b])),
        (
            Prim::Add64
            | Prim::Sub64
            | Prim::Or64
            | Prim::Xor64
            | Prim::Lsh64
            | Prim::Rsh64
            | Prim::Rol64,
            _,
            Operand::Small(0),
        )
        | (Prim::Mul64 | Prim::Div64 | Prim::IDiv64, _, Operand::Small(1)) => {
            Some(Folded::Prim(Prim::Low64, vec![a]))
        }
        (Prim::Mul64 | Prim::And64, Operand::Small(0), _)
        | (Prim::Mul64 | Prim::And64 | Prim::Div64 | Prim::IDiv64, _, Operand::Small(0))
        | (
            Prim::Div64 | Prim::IDiv64 | Prim::Lsh64 | Prim::Rsh64 | Prim::Rol64,
            Operand::Small(0),
            _,
        ) => Some(Folded::Value(small(0))),
        (Prim::Add, Operand::Small(1), _) => Some(Folded::Prim(Prim::Inc, vec![b])),
        (Prim::Add, _, Operand::Small(1)) => Some(Folded::Prim(Prim::Inc, vec![a])),
        (Prim::Sub, _, Operand::Small(1)) => Some(Folded::Prim(Prim::Dec, vec![a])),
        (Prim::Mul | Prim::And, Operand::Small(0), _)
        | (Prim::Mul | Prim::And, _, Operand::Small(0))
        | (Prim::Sub | Prim::Div | Prim::Mod, Operand::Small(0), _) => {
            Some(Folded::Value(small(0)))
        }
        (Prim::Le, _, Operand::Small(most)) if keeps(most, of_a) => Some(Folded::Value(small(1))),
        (Prim::Eq, Operand::Small(0), _) => Some(Folded::Prim(Prim::IsZero, vec![b])),
        (Prim::Eq, _, Operand::Small(0)) => Some(Folded::Prim(Prim::IsZero, vec![a])),
        // The result is below 2^64 because one operand is.
        (Prim::And, _, _) if [of_a, of_b].contains(&Type::U64) => {
            Some(Folded::Prim(Prim::And64, vec![a, b]))
        }
        _ => None,
    }
}
