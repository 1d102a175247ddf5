//! Operations on evaluated values, literally.

use super::{OracleFailure, OracleMachine, OracleRun, OracleValue, ValueState, nat, new};
use jit::ir::{ConstantKind, Prim};
use plan::Natural;

impl OracleMachine<'_> {
    /// The nat of an evaluated value; 0 if it is no nat.
    pub(super) fn nat_of(&self, value: &OracleValue) -> Natural {
        match &*value.borrow() {
            ValueState::Nat(n) => n.clone(),
            ValueState::Same(other) => self.nat_of(other),
            ValueState::Thunk(..) | ValueState::Hole => panic!("an operand is not evaluated"),
            _ => Natural::from(0u32),
        }
    }

    pub(super) fn prim(&mut self, prim: Prim, operands: &[OracleValue]) -> OracleRun<OracleValue> {
        if prim.compares() {
            return self.compare(prim, operands);
        }
        if prim == Prim::Evaluated {
            // Both answers are right for a thunk; this one takes the way that evaluates nothing.
            let is_thunk =
                matches!(&*operands[0].borrow(), ValueState::Thunk(..) | ValueState::Hole);
            return Ok(new(ValueState::Nat(Natural::from(u32::from(!is_thunk)))));
        }
        if prim == Prim::Item {
            return Ok(self.item(&operands[0], self.nat_of(&operands[1])));
        }
        if prim == Prim::Flat {
            return Ok(operands[0].clone());
        }
        let n: Vec<Natural> = operands.iter().map(|operand| self.nat_of(operand)).collect();
        let (zero, one) = (Natural::from(0u32), Natural::from(1u32));
        let bit = |holds: bool| Natural::from(u32::from(holds));
        let kind = self.kind(&operands[0]);
        let by = |n: &Natural| u64::try_from(n).map_err(|_| OracleFailure::OutOfFuel);
        Ok(new(ValueState::Nat(match prim {
            Prim::ToNat => n[0].clone(),
            Prim::Truth => bit(n[0] != zero),
            Prim::Not => bit(n[0] == zero),
            Prim::IsZero => bit(kind == ConstantKind::Nat && n[0] == zero),
            Prim::IsNat => bit(kind == ConstantKind::Nat),
            Prim::IsSmall => bit(kind == ConstantKind::Nat && n[0] < small_limit()),
            Prim::IsU64 => bit(kind == ConstantKind::Nat && n[0] <= u64::MAX),
            Prim::Box => n[0].clone(),
            Prim::Small if n[0] < small_limit() => n[0].clone(),
            Prim::Small => zero,
            Prim::IsPin => bit(kind == ConstantKind::Pin),
            Prim::IsLaw => bit(kind == ConstantKind::Law),
            Prim::IsApp => bit(kind == ConstantKind::App),
            // Sets are laws and tables are apps here: the jet's native code counts their keys.
            Prim::IsSet | Prim::IsTable | Prim::KeyCount => zero,
            Prim::BitWidth => Natural::from(bit_width(&n[0])),
            Prim::Inc => &n[0] + one,
            Prim::Dec if n[0] == zero => zero,
            Prim::Dec => &n[0] - one,
            Prim::Add => &n[0] + &n[1],
            Prim::Mul => &n[0] * &n[1],
            Prim::Sub if n[0] < n[1] => zero,
            Prim::Sub => &n[0] - &n[1],
            Prim::Div if n[1] == zero => zero,
            Prim::Div => &n[0] / &n[1],
            Prim::Mod if n[1] == zero => n[0].clone(),
            Prim::Mod => &n[0] % &n[1],
            Prim::And => &n[0] & &n[1],
            Prim::Or => &n[0] | &n[1],
            Prim::Xor => &n[0] ^ &n[1],
            Prim::Lsh => &n[0] << by(&n[1])?,
            Prim::Rsh => &n[0] >> by(&n[1])?,
            _ if prim.is_word64() => word64(prim, &n),
            Prim::Min => n[0].clone().min(n[1].clone()),
            Prim::Max => n[0].clone().max(n[1].clone()),
            Prim::Length => Natural::from(self.items(&operands[0]).len()),
            Prim::IsRow => bit(self.is_row(&operands[0], &n[1])),
            Prim::Mul32 => (&n[0] * &n[1]) & Natural::from(u32::MAX),
            Prim::Rol32 => {
                let [word, by] = [&n[0], &n[1]].map(|n| u32::try_from(n).expect("half"));
                Natural::from(word.rotate_left(by % 32))
            }
            Prim::Lsh32 => (&n[0] << by(&n[1])?) & Natural::from(u32::MAX),
            _ => unreachable!("comparisons have been done"),
        })))
    }

    /// Whether a value is evaluated and a nat up to a limit.
    pub(super) fn is_at_most(&self, value: &OracleValue, limit: u64) -> bool {
        match &*value.borrow() {
            ValueState::Nat(n) => *n <= limit,
            ValueState::Same(other) => self.is_at_most(other, limit),
            _ => false,
        }
    }

    /// The item of an evaluated app at an index; item 0 is the last argument.
    fn item(&self, app: &OracleValue, index: Natural) -> OracleValue {
        let (mut app, mut left) = (app.clone(), index);
        loop {
            let node = app.borrow().clone();
            match node {
                ValueState::Same(other) => app = other,
                ValueState::App(_, item) if left == 0u32 => return item,
                ValueState::App(f, _) => (app, left) = (f, left - Natural::from(1u32)),
                _ => return nat(0),
            }
        }
    }

    /// The items of an evaluated app, as a row.
    pub(super) fn items(&self, app: &OracleValue) -> Vec<OracleValue> {
        let (mut app, mut items) = (app.clone(), Vec::new());
        loop {
            let node = app.borrow().clone();
            match node {
                ValueState::Same(other) => app = other,
                ValueState::App(f, item) => {
                    items.push(item);
                    app = f;
                }
                _ => return items,
            }
        }
    }

    /// Whether a value is the row of that number of items.
    fn is_row(&self, value: &OracleValue, count: &Natural) -> bool {
        let mut head = value.clone();
        loop {
            let node = head.borrow().clone();
            match node {
                ValueState::Same(other) => head = other,
                ValueState::App(f, _) => head = f,
                ValueState::Law { name, arity, body, .. } => {
                    let zero = Natural::from(0u32);
                    return name == zero
                        && arity == count + Natural::from(1u32)
                        && self.kind(&body) == ConstantKind::Nat
                        && self.nat_of(&body) == zero
                        && *count == self.items(value).len() as u64;
                }
                _ => return false,
            }
        }
    }

    /// The number that a value is, which is below 2^63.
    pub(super) fn small_nat(&self, value: &OracleValue) -> u64 {
        u64::try_from(&self.nat_of(value)).expect("it is a small nat")
    }

    fn compare(&mut self, prim: Prim, operands: &[OracleValue]) -> OracleRun<OracleValue> {
        let [a, b] = operands else { unreachable!("two values are compared") };
        self.normal(a)?;
        self.normal(b)?;
        let order = self.read(a).cmp(&self.read(b));
        let holds = match prim {
            Prim::Eq => order.is_eq(),
            Prim::Ne => order.is_ne(),
            Prim::Lt => order.is_lt(),
            Prim::Le => order.is_le(),
            Prim::Gt => order.is_gt(),
            Prim::Ge => order.is_ge(),
            _ => return Ok(nat((order as i8 + 1) as u64)),
        };
        Ok(nat(u64::from(holds)))
    }

    fn kind(&self, value: &OracleValue) -> ConstantKind {
        match &*value.borrow() {
            ValueState::Pin(..) => ConstantKind::Pin,
            ValueState::Law { .. } => ConstantKind::Law,
            ValueState::App(..) => ConstantKind::App,
            ValueState::Same(other) => self.kind(other),
            _ => ConstantKind::Nat,
        }
    }
}

/// The least nat that is no direct nat.
fn small_limit() -> Natural {
    Natural::from(1u64 << 63)
}

/// The width of a nat in bits.
fn bit_width(nat: &Natural) -> u64 {
    let limbs = nat.to_limbs_asc();
    let zeros = limbs.last().map_or(0, |limb| u64::from(limb.leading_zeros()));
    limbs.len() as u64 * 64 - zeros
}

/// An operation on 64-bit words.
fn word64(prim: Prim, operands: &[Natural]) -> Natural {
    let limb = |n: &Natural| n.to_limbs_asc().first().copied().unwrap_or(0);
    let words: Vec<u64> = operands.iter().map(limb).collect();
    let (a, b) = (words[0], words.last().copied().unwrap_or(0));
    let by = u32::try_from(b).unwrap_or(u32::MAX);
    Natural::from(match prim {
        Prim::Low64 => a,
        Prim::Add64 => a.wrapping_add(b),
        Prim::Sub64 => a.wrapping_sub(b),
        Prim::Mul64 => a.wrapping_mul(b),
        Prim::IDiv64 if b == 0 => 0,
        Prim::IDiv64 => a.cast_signed().wrapping_div(b.cast_signed()).cast_unsigned(),
        Prim::Rol64 => a.rotate_left((b % 64) as u32),
        Prim::Div64 => a.checked_div(b).unwrap_or(0),
        Prim::And64 => a & b,
        Prim::Or64 => a | b,
        Prim::Xor64 => a ^ b,
        Prim::Lsh64 => a.checked_shl(by).unwrap_or(0),
        Prim::Rsh64 => a.checked_shr(by).unwrap_or(0),
        _ => unreachable!("{prim:?} is no operation on words"),
    })
}
