//! [`PackedMessage`]: a value between two heaps of a machine: a query, an answer, an output, or an
//! input of the cog.
//!
//! Most messages are small. A small value is packed *flat*: as instructions of a stack machine that
//! build it, in which a pin is a number. This takes no table of the value's parts, so a part that
//! occurs twice is written twice. A value with many parts is a seed, which has equal parts once.
//!
//! Neither form reaches the log.

use super::{PackedClosure, PinLoader, PinPacker, no_room};
use crate::codec::{self, SeedBytes};
use plan::seed::{LoadError, SaveError};
use plan::{EvalError, NatRef, Ref, Shape, Val, ValueBuilder};
use std::sync::Arc;
use vm::Vm;

/// The most parts of a value that is packed flat. A part counts each time it occurs.
const FLAT_PARTS: usize = 1024;
/// About the most bytes of instructions for such a value.
const FLAT_BYTES: usize = 1 << 20;

/// A value that belongs to no heap.
pub(crate) enum PackedMessage {
    /// A small value.
    Flat(FlatValue),
    /// Any other value.
    Seed(SeedBytes),
}

/// The instructions that build a value, and the pins in it.
pub(crate) struct FlatValue {
    code: Vec<u8>,
    pins: Vec<Arc<PackedClosure>>,
}

/// What an instruction does. The operand is a number of 8 bytes.
#[derive(Clone, Copy)]
enum Instruction {
    /// Pushes the operand.
    Nat,
    /// Pushes the nat with the limbs that follow; the operand is their number.
    Limbs,
    /// Pushes the bar with the bytes that follow; the operand is their number.
    Bar,
    /// Pushes the pin with that index.
    Pin,
    /// Makes a row of the top values; the operand is their number.
    Row,
    /// Applies a function to the values above it; the operand is their number.
    App,
    /// Makes a law of a name, an arity and a body.
    Law,
}

impl Instruction {
    const ALL: [Instruction; 7] = [
        Instruction::Nat,
        Instruction::Limbs,
        Instruction::Bar,
        Instruction::Pin,
        Instruction::Row,
        Instruction::App,
        Instruction::Law,
    ];
}

impl PackedMessage {
    /// Packs a value, which must be in normal form.
    ///
    /// # Errors
    /// The value has too many parts.
    pub(crate) fn pack(
        packer: &mut PinPacker,
        vm: &Vm,
        value: &Val,
    ) -> Result<PackedMessage, SaveError> {
        let flat = FlatWriter::write(packer, vm, vm.look(value));
        packer.limit_memory();
        match flat {
            Some(flat) => Ok(PackedMessage::Flat(flat)),
            None => codec::serialize(vm, value).map(PackedMessage::Seed),
        }
    }

    /// Builds the value in the heap of `vm`, for which `pins` loads pins.
    ///
    /// # Errors
    /// There is no room for the value.
    pub(crate) fn load(&self, pins: &mut PinLoader, vm: &mut Vm) -> Result<Val, EvalError> {
        match self {
            PackedMessage::Seed(seed) => codec::deserialize_own(vm, seed),
            PackedMessage::Flat(flat) => {
                let loaded = flat.load(pins, vm);
                pins.limit_memory();
                loaded.map_err(|error| {
                    codec::evaluation_error(&error).unwrap_or(EvalError::OutOfMemory)
                })
            }
        }
    }

    /// Serializes the value, which is built in the heap of `vm` if it is packed flat.
    ///
    /// # Errors
    /// There is no room for the value.
    pub(crate) fn into_seed(
        self,
        pins: &mut PinLoader,
        vm: &mut Vm,
    ) -> Result<SeedBytes, EvalError> {
        if let PackedMessage::Seed(seed) = self {
            return Ok(seed);
        }
        let value = self.load(pins, vm)?;
        // A small value has few parts.
        codec::serialize(vm, &value).map_err(|_| EvalError::OutOfMemory)
    }

    /// The size in bytes, with all pins.
    pub(crate) fn size(&self) -> usize {
        match self {
            PackedMessage::Seed(seed) => seed.len(),
            PackedMessage::Flat(FlatValue { code, pins }) => {
                code.len() + pins.iter().map(|pin| pin.size).sum::<usize>()
            }
        }
    }
}

/// A step of the walk over a value that is packed flat.
enum WalkStep<'h> {
    /// Pack a value.
    Enter(Ref<'h>),
    /// Write an instruction whose operands have been packed.
    Leave(Instruction, usize),
}

/// Packs a value flat.
struct FlatWriter<'h, 'p> {
    vm: &'h Vm,
    packer: &'p mut PinPacker,
    flat: FlatValue,
    pending: Vec<WalkStep<'h>>,
    /// How many parts may still be packed.
    parts_left: usize,
}

impl<'h> FlatWriter<'h, '_> {
    /// Packs a value. None if it cannot be packed flat.
    fn write(packer: &mut PinPacker, vm: &'h Vm, value: Ref<'h>) -> Option<FlatValue> {
        let flat = FlatValue { code: Vec::with_capacity(64), pins: Vec::new() };
        let pending = vec![WalkStep::Enter(value)];
        let mut writer = FlatWriter { vm, packer, flat, pending, parts_left: FLAT_PARTS };
        while let Some(step) = writer.pending.pop() {
            match step {
                WalkStep::Enter(value) => writer.enter(value)?,
                WalkStep::Leave(instruction, operand) => {
                    writer.flat.push(instruction, operand as u64);
                }
            }
        }
        Some(writer.flat)
    }

    fn enter(&mut self, value: Ref<'h>) -> Option<()> {
        self.parts_left = self.parts_left.checked_sub(1)?;
        match value.shape() {
            Shape::Nat(nat) => self.nat(nat)?,
            Shape::Bar(bytes) => {
                self.require_bytes(bytes.len())?;
                self.flat.push(Instruction::Bar, bytes.len() as u64);
                self.flat.code.extend_from_slice(bytes);
            }
            Shape::Pin(pin) => {
                let closure = self.packer.closure(self.vm, pin).ok()?;
                self.flat.push(Instruction::Pin, self.flat.pins.len() as u64);
                self.flat.pins.push(closure);
            }
            Shape::Row(items) => {
                let count = items.len();
                self.require_parts(count)?;
                self.pending.push(WalkStep::Leave(Instruction::Row, count));
                self.pending.extend(items.iter().rev().map(WalkStep::Enter));
            }
            Shape::App(app) if !app.is_longer_than(self.parts_left) => {
                self.pending.push(WalkStep::Leave(Instruction::App, app.len()));
                let first = self.pending.len();
                self.pending.push(WalkStep::Enter(app.head()));
                self.pending.extend(app.args().map(WalkStep::Enter));
                self.pending[first..].reverse();
            }
            Shape::Law(law) => {
                self.nat(law.name())?;
                self.nat(law.arity())?;
                self.pending.push(WalkStep::Leave(Instruction::Law, 0));
                self.pending.push(WalkStep::Enter(law.body()));
            }
            // The seed reports that a thunk has no place in it.
            Shape::App(_) | Shape::Tab(..) | Shape::Set(_) | Shape::Cow(_) | Shape::Thunk => {
                return None;
            }
        }
        Some(())
    }

    fn nat(&mut self, nat: NatRef<'_>) -> Option<()> {
        match nat {
            NatRef::Small(nat) => self.flat.push(Instruction::Nat, nat),
            NatRef::Limbs(limbs) => {
                self.require_bytes(size_of_val(limbs))?;
                self.flat.push(Instruction::Limbs, limbs.len() as u64);
                self.flat.code.extend(limbs.iter().flat_map(|limb| limb.to_le_bytes()));
            }
        }
        Some(())
    }

    fn require_bytes(&self, count: usize) -> Option<()> {
        (self.flat.code.len().saturating_add(count) <= FLAT_BYTES).then_some(())
    }

    fn require_parts(&self, count: usize) -> Option<()> {
        (count <= self.parts_left).then_some(())
    }
}

impl FlatValue {
    fn push(&mut self, instruction: Instruction, operand: u64) {
        self.code.push(instruction as u8);
        self.code.extend_from_slice(&operand.to_le_bytes());
    }

    fn load(&self, loader: &mut PinLoader, vm: &mut Vm) -> Result<Val, LoadError> {
        let pins: Vec<Val> = self
            .pins
            .iter()
            .map(|closure| loader.load_closure(vm, closure))
            .collect::<Result<_, LoadError>>()?;
        let mut code = CodeReader(&self.code);
        vm.build(|builder| {
            // A law that is being made has a name and an arity besides.
            builder.room_for(3 * FLAT_PARTS)?;
            while code.execute(&pins, builder)? {}
            Ok(())
        })
        .map_err(no_room)
    }
}

/// The instructions of a flat value that have not been executed.
struct CodeReader<'c>(&'c [u8]);

impl<'c> CodeReader<'c> {
    /// Executes the next instruction. Returns false at the end.
    fn execute(&mut self, pins: &[Val], builder: &mut ValueBuilder<'_>) -> Result<bool, EvalError> {
        let Some((instruction, operand)) = self.instruction() else { return Ok(false) };
        let count = operand as usize;
        match instruction {
            Instruction::Nat => builder.push_nat(operand)?,
            Instruction::Limbs => {
                let limbs = self.bytes(8 * count);
                let limbs: Vec<u64> =
                    limbs.as_chunks().0.iter().map(|limb| u64::from_le_bytes(*limb)).collect();
                builder.push_limbs(&limbs)?;
            }
            Instruction::Bar => builder.push_bar(self.bytes(count))?,
            Instruction::Pin => builder.push(&pins[count]),
            Instruction::Row => builder.row(count)?,
            Instruction::App => builder.app(count)?,
            Instruction::Law => builder.law()?,
        }
        Ok(true)
    }

    fn instruction(&mut self) -> Option<(Instruction, u64)> {
        let (number, rest) = self.0.split_first()?;
        let (operand, rest) = rest.split_first_chunk()?;
        self.0 = rest;
        Some((Instruction::ALL[usize::from(*number)], u64::from_le_bytes(*operand)))
    }

    fn bytes(&mut self, count: usize) -> &'c [u8] {
        let (bytes, rest) = self.0.split_at(count);
        self.0 = rest;
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::terms::{PlanExpr, arg, call, law, nat, options, row};
    use plan::seed;
    use runtime::RuntimeBuilder;

    fn heap() -> Vm {
        RuntimeBuilder::bare().heap(options()).build().expect("a small heap").into()
    }

    /// Moves a value to another heap, and returns how it was packed.
    fn moved(value: &PlanExpr) -> PackedMessage {
        let (mut from, mut to) = (heap(), heap());
        let value = value.value(&mut from);
        let packed = PackedMessage::pack(&mut PinPacker::default(), &from, &value).expect("small");
        let mut loader = PinLoader::default();
        for _ in 0..2 {
            let loaded = packed.load(&mut loader, &mut to).expect("room");
            let bytes = |vm: &Vm, value: &Val| seed::save(vm, value).expect("small");
            assert_eq!(bytes(&from, &value), bytes(&to, &loaded));
        }
        packed
    }

    fn pin(item: PlanExpr) -> PlanExpr {
        PlanExpr::Pin(Box::new(item))
    }

    #[test]
    fn a_small_value_is_packed_flat_and_its_pins_cross_once() {
        let adds = pin(law(2, arg(1)));
        let nested = pin(row([adds.clone(), nat(1)]));
        let values = [
            nat(0),
            nat(u64::MAX),
            row([]),
            row([nat(1), row([nat(2), PlanExpr::Bar(vec![3; 5000])]), PlanExpr::Bar(Vec::new())]),
            law(2, arg(1)),
            call(law(3, arg(2)), [nat(1), row([nat(2)])]),
            row([nested.clone(), call(adds, [nested])]),
        ];
        for (index, value) in values.iter().enumerate() {
            assert!(matches!(moved(value), PackedMessage::Flat(_)), "value {index}");
        }
        let PackedMessage::Flat(FlatValue { pins, .. }) = moved(&values[6]) else {
            panic!("it is small")
        };
        let closures: Vec<usize> = pins.iter().map(|closure| closure.pins.len()).collect();
        assert_eq!(closures, [2, 1, 2]);
    }

    #[test]
    fn a_value_with_many_parts_or_bytes_is_a_seed() {
        let shared = row([nat(1), nat(2)]);
        let wide = row(std::iter::repeat_n(shared, FLAT_PARTS / 2));
        let long =
            row([PlanExpr::Bar(vec![1; FLAT_BYTES / 2]), PlanExpr::Bar(vec![2; FLAT_BYTES])]);
        for value in [wide, long] {
            assert!(matches!(moved(&value), PackedMessage::Seed(_)));
        }
    }
}
