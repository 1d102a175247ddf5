//! Constants and units, and the types of operands and results that depend on them.

use super::{
    ArgDemand, Call, Callee, ConstantId, Function, FunctionId, JetOperation, Op, Operand, Type,
};
use cranelift_entity::PrimaryMap;

/// The declaration of a jet, as far as passes use it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct JetSignature {
    /// The demand on each argument.
    pub demands: Vec<ArgDemand>,
    /// The type of the result.
    pub result: Type,
    /// Its operation, if one is declared.
    pub operation: Option<JetOperation>,
}

/// The parameter and result types of a worker in another unit.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct WorkerSignature {
    /// The types of the parameters.
    pub params: Vec<Type>,
    /// The types of the results.
    pub results: Vec<Type>,
}

/// The kind of a constant, as PLAN sees it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ConstantKind {
    /// A pin.
    Pin,
    /// A law, including bars, sets and cows.
    Law,
    /// An app, including rows and tabs.
    App,
    /// A nat of 2^63 or more; smaller ones are operands themselves. Or the number of an operation of PLAN that
    /// is applied to fewer arguments than it takes.
    Nat,
}

/// The facts about a constant that passes use.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Constant {
    /// The law's name, or the operation's number, for printing.
    pub name: String,
    /// The kind of value.
    pub kind: ConstantKind,
    /// The arity; 0 if the value takes no arguments.
    pub arity: u64,
    /// The declaration of its jet, if it has one.
    pub jet: Option<JetSignature>,
    /// The signature of its worker in another unit, if there is one.
    pub worker: Option<WorkerSignature>,
    /// Its general entry, if it is a law whose code is part of this unit.
    pub entry: Option<FunctionId>,
    /// For an app of a law or pin that is itself a constant: that constant and its first arguments.
    pub of: Option<(ConstantId, Vec<Operand>)>,
    /// For a nat from 2^63 up to 2^64: the nat.
    pub number: Option<u64>,
    /// For a nat from 2^64 of at most [`LIMBS_LIMIT`] limbs: the limbs, the least significant first.
    pub limbs: Option<Vec<u64>>,
    /// For a row: the number of its items.
    pub length: Option<u64>,
    /// For a row of one to [`ROW_ITEMS_LIMIT`] nats below 2^63: the nats.
    pub items: Option<Vec<u64>>,
}

/// The most items of a constant row that are known.
pub const ROW_ITEMS_LIMIT: usize = 6;

/// The most limbs of a constant nat that are known: a text of 32 bytes.
pub const LIMBS_LIMIT: usize = 4;

/// The unit of compilation: functions and constants.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Unit {
    /// The number of items of most vectors, which are short rows of nats, among the constants and the
    /// arguments of the call for which the unit was built, if there are any.
    pub row_size: Option<u64>,
    /// The constants, without duplicates; [`ConstantId::ROOT`] is the law itself.
    pub constants: PrimaryMap<ConstantId, Constant>,
    /// The functions; [`FunctionId::ROOT`] is the law's general entry.
    pub functions: PrimaryMap<FunctionId, Function>,
}

impl Unit {
    /// Whether an operation terminates without a crash, so that a pass may delete and move it.
    pub fn is_total(&self, function: &Function, op: &Op) -> bool {
        match op {
            Op::Thunk(..) | Op::Delay(..) | Op::Partial(..) | Op::Row(_) => true,
            Op::Generate(..) | Op::ZeroRow(_) | Op::SetItem(_) => true,
            Op::Prim(prim, operands) => prim.is_total(&self.types_of(function, operands)),
            Op::Force(a) => self.type_of(function, *a).is_some_and(|ty| ty.is(Type::Whnf)),
            Op::Normalise(_) | Op::Call(_) => false,
        }
    }

    /// The type of the result of an operation in a function, if the operation is cheap and total and its
    /// operands are evaluated.
    pub fn cheap_result(&self, function: &Function, op: &Op) -> Option<Type> {
        let types = self.types_of(function, &op.operands().collect::<Vec<_>>());
        let ty = match op {
            Op::Force(_) => types[0],
            Op::Prim(prim, operands) if prim.is_cheap(&types) => prim.result_of(operands, &types),
            _ => return None,
        };
        types.iter().all(|ty| ty.is(Type::Whnf)).then_some(ty)
    }

    /// The types of a call's results.
    pub fn results_of(&self, call: &Call) -> Vec<Type> {
        let known = match call.callee {
            Callee::Local(f) => self.functions.get(f).map(|f| f.results.clone()),
            Callee::Worker(k) => self
                .constants
                .get(k)
                .and_then(|k| k.worker.as_ref())
                .map(|worker| worker.results.clone()),
            Callee::Jet(k) => {
                self.constants.get(k).and_then(|k| k.jet.as_ref()).map(|jet| vec![jet.result])
            }
            Callee::Known(_) | Callee::Unknown(_) => None,
        };
        known.unwrap_or_else(|| vec![Type::Whnf])
    }

    /// The types of some operands; `any` for an operand that does not exist.
    pub fn types_of(&self, function: &Function, operands: &[Operand]) -> Vec<Type> {
        let one = |operand: &Operand| self.type_of(function, *operand).unwrap_or(Type::Any);
        operands.iter().map(one).collect()
    }

    /// The type of an operand in one of the functions, or `None` if it does not exist.
    pub fn type_of(&self, function: &Function, operand: Operand) -> Option<Type> {
        match operand {
            Operand::Var(var) => function.vars.get(var).copied(),
            Operand::Small(nat) => {
                (nat < 1 << 63).then(|| Type::of_bits(u64::BITS - nat.leading_zeros()))
            }
            Operand::Constant(k) => self.constants.get(k).map(|constant| match constant.kind {
                ConstantKind::Nat if constant.number.is_some() => Type::U64,
                ConstantKind::Nat => Type::Nat,
                _ => Type::Whnf,
            }),
        }
    }

    /// The number that an operand is, if it is a literal or constant below 2^64.
    pub fn number(&self, operand: Operand) -> Option<u64> {
        match operand {
            Operand::Var(_) => None,
            Operand::Small(nat) => Some(nat),
            Operand::Constant(k) => self.constants.get(k)?.number,
        }
    }
}
