//! What the laws of a unit share while it is built: the constants, and the laws still to be
//! lowered.

use super::entry_guards::ExpectedCallee;
use super::jets::{has_code_of_its_own, jet_signature};
use crate::analysis::called_params::{CAPTURES_LIMIT, CalledParams};
use crate::ir::{
    Constant, ConstantId, ConstantKind, Function, FunctionId, FunctionRole, LIMBS_LIMIT, Op,
    Operand, ROW_ITEMS_LIMIT, Stmt, Unit,
};
use plan::{Items, LawRef, NatRef, Ref, Shape};
use vm::Vm;
use vm::jet::Jet;
use vm::law::{AnalysedLaw, applied_function};

/// The most nodes in the body of a law that is compiled.
pub(super) const LAW_SIZE_LIMIT: usize = 20_000;
/// The most lets in a law that is compiled.
const LETS_LIMIT: usize = 250;
/// The most nodes in a law that becomes part of the unit because a law of the unit calls it.
pub(super) const CALLEE_SIZE_LIMIT: usize = 400;
/// The most nodes in a law that becomes part of the unit because a law of the unit passes it on; a
/// known function may come to call it.
const PASSED_SIZE_LIMIT: usize = 100;
/// The most laws in a unit.
const LAWS_LIMIT: usize = 48;
/// The most parameters of a law that is compiled.
pub(crate) const ARITY_LIMIT: u64 = 32;

/// The law that a value or its pin's item is, if it is one with an arity below 2^64.
pub(super) fn law_of(value: Ref<'_>) -> Option<LawRef<'_>> {
    let law = match value.shape() {
        Shape::Law(law) => law,
        Shape::Pin(pin) => match pin.item().shape() {
            Shape::Law(law) => law,
            _ => return None,
        },
        _ => return None,
    };
    law.arity().to_u64().map(|_| law)
}

/// A unit being built.
pub(super) struct UnitBuilder<'h> {
    pub(super) vm: &'h Vm,
    pub(super) unit: Unit,
    /// The values of the constants.
    pub(super) values: Vec<Ref<'h>>,
    /// The laws whose entries are still to be lowered.
    pub(super) queue: Vec<ConstantId>,
    /// The jets whose entries are still to be lowered.
    pub(super) jets: Vec<(ConstantId, FunctionId, Jet)>,
    /// The number of laws in the unit.
    laws: usize,
}

impl<'h> UnitBuilder<'h> {
    pub(super) fn new(vm: &'h Vm) -> UnitBuilder<'h> {
        UnitBuilder {
            vm,
            unit: Unit::default(),
            values: Vec::new(),
            queue: Vec::new(),
            jets: Vec::new(),
            laws: 0,
        }
    }

    /// The value of a constant.
    pub(super) fn value(&self, id: ConstantId) -> Ref<'h> {
        self.values[id.index()]
    }

    /// The operand for a value in a body. A small law, or one that an app applies, becomes part of
    /// the unit.
    pub(super) fn constant(&mut self, value: Ref<'h>) -> Operand {
        match value.as_u64() {
            Some(nat) if nat < 1 << 63 => Operand::Small(nat),
            _ => {
                let id = self.constant_id(value);
                // Of a partial application such as `flip f`, the arguments are functions as well.
                let of = self.unit.constants[id].of.clone();
                let args = of.iter().flat_map(|(_, args)| args).filter_map(|arg| match arg {
                    Operand::Constant(law) => Some(*law),
                    _ => None,
                });
                for law in [id].into_iter().chain(of.iter().map(|(law, _)| *law)).chain(args) {
                    if self.unit.constants[law].jet.is_none() {
                        self.include_law(law, PASSED_SIZE_LIMIT);
                    }
                }
                Operand::Constant(id)
            }
        }
    }

    /// Finds or adds a constant; for an app also its function and arguments.
    pub(super) fn constant_id(&mut self, value: Ref<'h>) -> ConstantId {
        let (id, is_new) = self.find_or_add(value);
        if is_new && let Some((function, args)) = applied_function(value) {
            // Only one level: values may be deep.
            let function = self.find_or_add(function).0;
            let args = args.into_iter().map(|arg| match arg.as_u64() {
                Some(nat) if nat < 1 << 63 => Operand::Small(nat),
                _ => Operand::Constant(self.find_or_add(arg).0),
            });
            let of = Some((function, args.collect()));
            self.unit.constants[id].of = of;
        }
        id
    }

    /// Finds or adds a constant; returns it and whether it was added.
    fn find_or_add(&mut self, value: Ref<'h>) -> (ConstantId, bool) {
        let found = self.values.iter().position(|other| other.is_same(value));
        match found {
            Some(index) => (ConstantId::from_u32(index as u32), false),
            None => {
                self.values.push(value);
                let constant = self.describe(value);
                (self.unit.constants.push(constant), true)
            }
        }
    }

    fn describe(&self, value: Ref<'_>) -> Constant {
        let law_name = |value: Ref<'_>| match value.shape() {
            Shape::Law(law) => law.name().text(),
            _ => None,
        };
        let (kind, name) = match value.shape() {
            Shape::Nat(_) => {
                let small = value.as_u64().filter(|nat| *nat < 1 << 63);
                (ConstantKind::Nat, small.map(|nat| nat.to_string()))
            }
            Shape::Pin(pin) => (ConstantKind::Pin, law_name(pin.item())),
            Shape::Law(_) | Shape::Bar(_) | Shape::Set(_) | Shape::Cow(_) => {
                (ConstantKind::Law, law_name(value))
            }
            Shape::App(_) | Shape::Row(_) | Shape::Tab(..) | Shape::Thunk => {
                (ConstantKind::App, None)
            }
        };
        let jet = match value.shape() {
            Shape::Pin(pin) => self.vm.jet_of(pin).map(jet_signature),
            _ => None,
        };
        Constant {
            name: name.unwrap_or_default(),
            kind,
            arity: value.arity().unwrap_or(0),
            jet,
            worker: None,
            entry: None,
            of: None,
            number: value.as_u64().filter(|nat| kind == ConstantKind::Nat && *nat >= 1 << 63),
            limbs: value.as_nat().and_then(few_limbs),
            length: value.as_row().map(|items| items.len() as u64),
            items: value.as_row().and_then(small_nats),
        }
    }

    /// Makes a law part of the unit, if its body has at most `size_limit` nodes and the other
    /// limits allow it; returns its entry.
    pub(super) fn include_law(&mut self, id: ConstantId, size_limit: usize) -> Option<FunctionId> {
        if let Some(entry) = self.unit.constants[id].entry {
            return Some(entry);
        }
        let law = AnalysedLaw::of(law_of(self.value(id))?)?;
        let lets = law.lets().len();
        if self.laws == LAWS_LIMIT || law.arity() > ARITY_LIMIT || lets > LETS_LIMIT {
            return None;
        }
        if law.is_larger_than(size_limit) {
            return None;
        }
        self.laws += 1;
        let entry = self.new_function(FunctionRole::General);
        self.unit.constants[id].entry = Some(entry);
        self.queue.push(id);
        Some(entry)
    }

    /// Makes the calls of the jets that the functions of the unit pass on part of the unit.
    pub(super) fn include_passed_jets(&mut self) {
        let functions = self.unit.functions.values();
        let operands = functions.flat_map(|function| {
            let applied = |op: &Op| match op {
                Op::Partial(k, _) => Some(Operand::Constant(*k)),
                _ => None,
            };
            let blocks = function.blocks.values();
            blocks.flat_map(move |block| {
                let ops = block.stmts.iter().flat_map(Stmt::ops);
                let operands = ops.flat_map(move |op| op.operands().chain(applied(op)));
                operands.chain(block.terminator.operands())
            })
        });
        let mut passed: Vec<ConstantId> = operands
            .filter_map(|operand| match operand {
                Operand::Constant(k) => {
                    Some(self.unit.constants[k].of.as_ref().map_or(k, |(function, _)| *function))
                }
                _ => None,
            })
            .filter(|k| self.unit.constants[*k].jet.is_some())
            .collect();
        passed.sort_unstable();
        passed.dedup();
        passed.into_iter().for_each(|k| self.include_jet(k));
    }

    /// Makes the call of a jet that the unit passes on part of the unit, if it is lowered to more than
    /// operations that passes write themselves: a known function may come to call it.
    fn include_jet(&mut self, id: ConstantId) {
        let Shape::Pin(pin) = self.value(id).shape() else { return };
        let Some(jet) = self.vm.jet_of(pin).copied() else { return };
        let is_included = self.unit.constants[id].entry.is_some() || self.laws == LAWS_LIMIT;
        let has_code = || law_of(self.value(id)).and_then(AnalysedLaw::of).is_some();
        if is_included || !has_code_of_its_own(&jet) || !has_code() {
            return;
        }
        self.laws += 1;
        let entry = self.new_function(FunctionRole::General);
        self.unit.constants[id].entry = Some(entry);
        self.jets.push((id, entry, jet));
    }

    /// The functions among the law's arguments that the law calls.
    pub(super) fn expected_callees(&mut self, args: &[Ref<'h>]) -> Vec<ExpectedCallee> {
        let called = CalledParams::of(&self.unit).params(FunctionId::ROOT).to_vec();
        let mut expected = Vec::new();
        for (param, (arg, _)) in args.iter().zip(called).enumerate().filter(|(_, arg)| arg.1) {
            let (function, captured) = match arg.shape() {
                Shape::Law(_) | Shape::Pin(_) => (*arg, 0),
                Shape::App(app) if app.len() <= CAPTURES_LIMIT => (app.head(), app.len()),
                _ => continue,
            };
            let is_function = matches!(function.shape(), Shape::Law(_) | Shape::Pin(_));
            if is_function && let Operand::Constant(function) = self.constant(function) {
                expected.push(ExpectedCallee { param, function, captured });
            }
        }
        expected
    }

    /// Adds a function that is still to be written.
    pub(super) fn new_function(&mut self, role: FunctionRole) -> FunctionId {
        self.unit.functions.push(Function::new(role))
    }
}

/// The limbs of a nat from 2^64, if they are few.
fn few_limbs(nat: NatRef<'_>) -> Option<Vec<u64>> {
    let limbs = nat.limbs();
    (2..=LIMBS_LIMIT).contains(&limbs.len()).then(|| limbs.to_vec())
}

/// The items of a short row of nats below 2^63.
fn small_nats(items: Items<'_>) -> Option<Vec<u64>> {
    if !(1..=ROW_ITEMS_LIMIT).contains(&items.len()) {
        return None;
    }
    items.iter().map(|item| item.word().as_direct()).collect()
}
