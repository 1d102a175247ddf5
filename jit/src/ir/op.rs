//! Operations, statements and terminators. The overview of [`ir`](super) says what each means.

use super::{BlockId, ConstantId, FunctionId, JoinId, Operand, Prim, Type, Var};

/// The target of a call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Callee {
    /// The general entry of a constant, with as many arguments as its arity.
    Known(ConstantId),
    /// The worker of a constant.
    Worker(ConstantId),
    /// The jet of a constant.
    Jet(ConstantId),
    /// A general function or worker of this unit.
    Local(FunctionId),
    /// A function that is known only at run time, with at least one argument.
    Unknown(Operand),
}

/// A call, in tail position or not.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Call {
    /// The target.
    pub callee: Callee,
    /// The arguments.
    pub args: Vec<Operand>,
}

impl Call {
    /// A call of a function of this unit.
    pub fn local(function: FunctionId, args: Vec<Operand>) -> Call {
        Call { callee: Callee::Local(function), args }
    }

    fn unknown_callee(&self) -> Option<Operand> {
        match self.callee {
            Callee::Unknown(function) => Some(function),
            _ => None,
        }
    }

    fn split_mut(&mut self) -> (Option<&mut Operand>, &mut [Operand]) {
        let function = match &mut self.callee {
            Callee::Unknown(function) => Some(function),
            _ => None,
        };
        (function, &mut self.args)
    }
}

/// An operation.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Op {
    /// Allocates a thunk with the code of a function and its captures.
    Thunk(FunctionId, Vec<Operand>),
    /// Allocates a thunk of an application.
    Delay(Operand, Vec<Operand>),
    /// Applies a constant to fewer arguments than its arity.
    Partial(ConstantId, Vec<Operand>),
    /// Allocates a row, first item first.
    Row(Vec<Operand>),
    /// Allocates a row of as many items as the first operand says. The item at an index is the thunk
    /// of a function whose captures are the other operands and, last, the index.
    Generate(FunctionId, Vec<Operand>),
    /// Allocates a row of zeros; the operand is the number of items.
    ZeroRow(Operand),
    /// Writes into a row, which nothing else refers to: the row, an index below its length, the
    /// item. The result is the row.
    SetItem(Vec<Operand>),
    /// Evaluates to weak head normal form.
    Force(Operand),
    /// Evaluates to normal form.
    Normalise(Operand),
    /// A primitive operation.
    Prim(Prim, Vec<Operand>),
    /// A call that is not in tail position.
    Call(Call),
}

impl Op {
    /// Its operands in order; an unknown function first.
    pub fn operands(&self) -> impl Iterator<Item = Operand> {
        let (first, rest): (Option<Operand>, &[Operand]) = match self {
            Op::Thunk(_, list) | Op::Partial(_, list) | Op::Row(list) | Op::Prim(_, list) => {
                (None, list)
            }
            Op::Generate(_, list) | Op::SetItem(list) => (None, list),
            Op::Delay(first, list) => (Some(*first), list),
            Op::Force(a) | Op::Normalise(a) | Op::ZeroRow(a) => (Some(*a), &[]),
            Op::Call(call) => (call.unknown_callee(), &call.args),
        };
        first.into_iter().chain(rest.iter().copied())
    }

    /// Mutable references to the operands, in the order of [`operands`](Op::operands).
    pub fn operands_mut(&mut self) -> impl Iterator<Item = &mut Operand> {
        let (first, rest): (Option<&mut Operand>, &mut [Operand]) = match self {
            Op::Thunk(_, list) | Op::Partial(_, list) | Op::Row(list) | Op::Prim(_, list) => {
                (None, list)
            }
            Op::Generate(_, list) | Op::SetItem(list) => (None, list),
            Op::Delay(first, list) => (Some(first), list),
            Op::Force(a) | Op::Normalise(a) | Op::ZeroRow(a) => (Some(a), &mut []),
            Op::Call(call) => call.split_mut(),
        };
        first.into_iter().chain(rest)
    }
}

/// A statement of a block.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Stmt {
    /// Defines variables as the results of an operation.
    Let(Vec<Var>, Op),
    /// Defines values that refer to each other: thunks, delays, partial applications, rows.
    Rec(Vec<(Var, Op)>),
    /// Defines a join point for the rest of this block.
    Join(JoinId),
}

impl Stmt {
    /// Its operations: one of a `Let`, those of the members of a `Rec`, none of a `Join`.
    pub fn ops(&self) -> impl Iterator<Item = &Op> + Clone {
        let (one, group): (Option<&Op>, &[(Var, Op)]) = match self {
            Stmt::Let(_, op) => (Some(op), &[]),
            Stmt::Rec(group) => (None, group),
            Stmt::Join(_) => (None, &[]),
        };
        one.into_iter().chain(group.iter().map(|(_, op)| op))
    }

    /// Mutable references to its operations, in the order of [`ops`](Stmt::ops).
    pub fn ops_mut(&mut self) -> impl Iterator<Item = &mut Op> {
        let (one, group): (Option<&mut Op>, &mut [(Var, Op)]) = match self {
            Stmt::Let(_, op) => (Some(op), &mut []),
            Stmt::Rec(group) => (None, group),
            Stmt::Join(_) => (None, &mut []),
        };
        one.into_iter().chain(group.iter_mut().map(|(_, op)| op))
    }
}

/// The last instruction of a block.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Terminator {
    /// Returns the function's results.
    Return(Vec<Operand>),
    /// Evaluates a value as a tail call.
    Enter(Operand),
    /// A tail call.
    Tail(Call),
    /// Jumps to a join point.
    Jump(JoinId, Vec<Operand>),
    /// Branches on a bit: the block for 1, the block for 0.
    If(Operand, BlockId, BlockId),
    /// Branches on a nat: the cases in ascending order, then the default, which also takes values
    /// that are no nats.
    Switch(Operand, Vec<(u64, BlockId)>, BlockId),
    /// Branches on the kind of an evaluated value: pin, law, app, nat.
    Reflect(Operand, Box<[Arm; 4]>),
    /// Branches on whether a value is evaluated and of the variable's type, `small` or `u64`, and
    /// binds that nat; the block for yes, the block for no.
    Direct(Operand, Var, BlockId, BlockId),
    /// Branches on whether a value is this constant applied to some values, and binds those.
    Closure(Operand, ConstantId, Box<Arm>, BlockId),
    /// Crashes: an operation above 4 and its argument.
    Crash(Operand, Operand),
}

/// A branch that binds parts of the value that was tested.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Arm {
    /// The variables that hold the parts.
    pub params: Vec<Var>,
    /// The branch.
    pub block: BlockId,
}

impl Terminator {
    /// The types of the parts that each arm of a `reflect` binds: pin, law, app, nat.
    pub const REFLECT_PARTS: [&'static [Type]; 4] = [
        &[Type::Whnf],
        &[Type::Nat, Type::Nat, Type::Whnf],
        &[Type::Whnf, Type::Any],
        &[Type::Nat],
    ];

    /// The blocks it branches to, in order.
    pub fn blocks(&self) -> Vec<BlockId> {
        match self {
            Terminator::If(_, yes, no) | Terminator::Direct(_, _, yes, no) => vec![*yes, *no],
            Terminator::Switch(_, cases, default) => {
                cases.iter().map(|(_, block)| *block).chain([*default]).collect()
            }
            Terminator::Reflect(_, arms) => arms.iter().map(|arm| arm.block).collect(),
            Terminator::Closure(_, _, arm, other) => vec![arm.block, *other],
            _ => Vec::new(),
        }
    }

    /// The variables that it binds in the blocks that it branches to.
    pub fn bound(&self) -> Vec<Var> {
        match self {
            Terminator::Direct(_, number, ..) => vec![*number],
            Terminator::Closure(_, _, arm, _) => arm.params.clone(),
            Terminator::Reflect(_, arms) => {
                arms.iter().flat_map(|arm| arm.params.clone()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Its operands in order; an unknown function first.
    pub fn operands(&self) -> Vec<Operand> {
        match self {
            Terminator::Return(list) | Terminator::Jump(_, list) => list.clone(),
            Terminator::Enter(a)
            | Terminator::If(a, ..)
            | Terminator::Switch(a, ..)
            | Terminator::Reflect(a, _)
            | Terminator::Direct(a, ..)
            | Terminator::Closure(a, ..) => vec![*a],
            Terminator::Tail(call) => {
                call.unknown_callee().into_iter().chain(call.args.clone()).collect()
            }
            Terminator::Crash(a, b) => vec![*a, *b],
        }
    }

    /// Mutable references to the operands, in the order of [`operands`](Terminator::operands).
    pub fn operands_mut(&mut self) -> Vec<&mut Operand> {
        match self {
            Terminator::Return(list) | Terminator::Jump(_, list) => list.iter_mut().collect(),
            Terminator::Enter(a)
            | Terminator::If(a, ..)
            | Terminator::Switch(a, ..)
            | Terminator::Reflect(a, _)
            | Terminator::Direct(a, ..)
            | Terminator::Closure(a, ..) => vec![a],
            Terminator::Tail(call) => {
                let (function, args) = call.split_mut();
                function.into_iter().chain(args).collect()
            }
            Terminator::Crash(a, b) => vec![a, b],
        }
    }
}
