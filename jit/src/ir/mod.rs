//! The intermediate representation: laws in A-normal form, with evaluation made explicit.
//!
//! A [`Unit`] is what is compiled together: one law, those that it calls as far as they are worth
//! it, the functions made of them, and the constants they mention. It knows no heap: a constant is a number in the unit's pool with what passes may
//! know of it ([`Constant`]); who built the unit keeps the values in a table of the same order.
//! Constant 0 is the law itself, as it refers to itself (the pin around it, if it is pinned).
//!
//! # Functions
//!
//! ```text
//! general  a law's own entry: `arity` parameters of type `any`, one result `whnf`
//! worker   an entry for known callers: parameters and results of any types
//! thunk    the code of a delayed expression: parameters are its captures, one result `whnf`
//! ```
//!
//! Function 0 is the general entry of constant 0, whose `entry` may name another one that callers in
//! the unit use. Other laws' general entries are the unit's own
//! copies, named by their constants (`entry f3`); who runs such a law from outside does not see them.
//!
//! # Values and types
//!
//! Every value is one machine word, a [`vm`] value; a type is only what is known of it. Each is
//! part of the one before, and going back up needs no operation:
//!
//! ```text
//! any    perhaps a thunk
//! whnf   evaluated to its outermost shape
//! nat    a nat, of any size, evaluated
//! small  a nat below 2^63: the word is the number
//! half   a nat below 2^32
//! bit    0 or 1
//! ```
//!
//! An operand is a variable (`v7`), a nat below 2^63 written out (`42`: the least type that fits)
//! or a constant (`k3`: `whnf`, or `nat` if it is a big one). A variable is defined once in its
//! function, and holds a value that is never changed; a thunk that has been forced may still be
//! seen through its old variable, as `any`.
//!
//! # Blocks
//!
//! A function's body is a tree of blocks. A [`Block`] is statements, then an [`End`]. What a block
//! defines is in scope in the rest of it and in the blocks that hang on its end, and so are its
//! join points. No block is nested deeper than [`DEPTH_LIMIT`], so walks over the tree may recurse.
//!
//! ```text
//! v3: nat = add v1, v2            an operation; its results, if any, before the `=`
//! v4: whnf, v5: nat = call f1(v3) several results
//! rec { v6: any = thunk f2(v7) | v7: whnf = partial k1(v6) }
//!                                 values that refer to each other; each is of type `any`
//!                                 (thunk) or `whnf` (partial, row)
//! join j0(v8: nat) { .. }         a join point: code that several blocks below jump to
//! loop j1(v9: nat) { .. }         one that may also jump to itself
//! ```
//!
//! # Operations
//!
//! ```text
//! thunk f2(a, ..)      any    a new thunk: the code of `f2` with these captures
//! delay g(a, ..)       any    a new thunk: the application of the value `g`, unevaluated
//! partial k1(a, ..)    whnf   the constant `k1` applied to fewer arguments than it takes, in the
//!                             shape such a value has (a row, say, if `k1` is part of one)
//! row(a, ..)           whnf   a row of at least one item, first item first
//! force a              whnf   evaluates to the outermost shape
//! normalise a          whnf   evaluates to normal form
//! add a, b             ...    a primitive operation, see [`Prim`] for operands and results
//! call k1(a, ..)       whnf   a constant's general entry, with as many arguments as it takes
//! call worker k1(..)          the worker of another unit's law; signature: the constant's
//! call jet k1(..)             the native twin of a law, whose declaration says what it gives;
//!                             operands evaluated as it demands (`any` for lazy, `whnf` for head and for normal, which whoever
//!                             emits the call has normalised)
//! call f1(..)                 a general function or worker of this unit
//! apply g(a, ..)       whnf   any function to any number (at least 1) of arguments: under-
//!                             and over-application are its own affair
//! ```
//!
//! # Ends
//!
//! ```text
//! return a, ..         the function's results
//! enter a              evaluates `a` in place of this function, whose one result it is
//! tail <call>          a call of any of the kinds above in place of this function
//! jump j0(a, ..)       to a join point in scope
//! if c { .. } else { .. }                       `c` is a `bit`
//! switch n { 0 { .. } 3 { .. } else { .. } }    `n` is `whnf`; what is no nat goes to `else`
//! reflect x { pin(p) { .. } law(n, a, b) { .. } app(f, y) { .. } nat(n) { .. } }
//!                      PLAN's operation 1: by the kind of the `whnf` `x`, with its parts: the
//!                      pin's item (`whnf`), the law's name, arity (`nat`) and body (`whnf`), the
//!                      app's function (`whnf`) and last argument (`any`), the nat (`nat`)
//! direct a as v3: small { .. } else { .. }
//!                      whether `a` (`any`) is by now a nat below 2^63: if so, that
//! closure a { k1(x, y) { .. } else { .. } }
//!                      a guess: whether `a` (`any`) is the constant `k1` itself, applied to as many
//!                      values as are named (`any`; perhaps none). If it is not evaluated, or only
//!                      equal to it, either branch may be taken
//! crash a, b           operation `a` above 4 run with `b`, which is normalised first
//! ```
//!
//! # Effects
//!
//! `force`, `normalise`, calls, `enter` and comparisons without a nat ([`Prim::is_total`]) may crash,
//! run out of something, or never end. The rest cannot, but for running out of memory: it may be
//! dropped if unused and moved freely. The former may be moved to where it is certain that they
//! run: which crash comes first may change, whether there is one may not.

mod parse;
mod prim;
mod print;
mod verify;

#[cfg(test)]
mod tests;

pub use parse::{ParseError, parse};
pub use prim::Prim;
pub use verify::{VerifyError, verify};

/// Blocks are not nested deeper than this; a law that would need it is not compiled.
pub const DEPTH_LIMIT: usize = 200;

/// What is known of a value. Ordered from most to least known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Type {
    /// 0 or 1.
    Bit,
    /// A nat below 2^32.
    Half,
    /// A nat below 2^63.
    Small,
    /// An evaluated nat.
    Nat,
    /// Evaluated to its outermost shape.
    Whnf,
    /// Perhaps a thunk.
    Any,
}

impl Type {
    /// Whether a value of this type may stand where `other` is wanted.
    pub fn is(self, other: Type) -> bool {
        self <= other
    }

    /// How many bits its nats take at most, if they are sure to fit a word.
    pub fn bits(self) -> Option<u32> {
        match self {
            Type::Bit => Some(1),
            Type::Half => Some(32),
            Type::Small => Some(63),
            Type::Nat | Type::Whnf | Type::Any => None,
        }
    }

    /// The type of nats of so many bits.
    pub fn of_bits(bits: u32) -> Type {
        match bits {
            0..=1 => Type::Bit,
            2..=32 => Type::Half,
            33..=63 => Type::Small,
            _ => Type::Nat,
        }
    }
}

macro_rules! numbered {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub u32);

        impl $name {
            /// Its place in the table it numbers.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

numbered! {
    /// A variable of a function.
    Var
    /// A join point of a function.
    JoinId
    /// A block of a function.
    BlockId
    /// A function of a unit.
    FunctionId
    /// A constant of a unit.
    ConstantId
}

/// What an operation is given.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Operand {
    /// A variable in scope.
    Var(Var),
    /// A nat below 2^63.
    Small(u64),
    /// A constant of the unit.
    Constant(ConstantId),
}

impl From<Var> for Operand {
    fn from(var: Var) -> Operand {
        Operand::Var(var)
    }
}

/// What is called.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Callee {
    /// The general entry of a constant, with exactly as many arguments as it takes.
    Known(ConstantId),
    /// The worker of a constant.
    Worker(ConstantId),
    /// The jet of a constant.
    Jet(ConstantId),
    /// A function of this unit, not a thunk's.
    Local(FunctionId),
    /// Any function, with at least one argument.
    Unknown(Operand),
}

/// A call, in tail position or not.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Call {
    /// What is called.
    pub callee: Callee,
    /// With what.
    pub args: Vec<Operand>,
}

/// An operation. See the module's overview.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Op {
    /// A new thunk for a function of the unit, with its captures.
    Thunk(FunctionId, Vec<Operand>),
    /// A new thunk for an application.
    Delay(Operand, Vec<Operand>),
    /// A constant applied to fewer arguments than it takes.
    Partial(ConstantId, Vec<Operand>),
    /// A row, first item first.
    Row(Vec<Operand>),
    /// Evaluation to the outermost shape.
    Force(Operand),
    /// Evaluation to normal form.
    Normalise(Operand),
    /// A primitive operation.
    Prim(Prim, Vec<Operand>),
    /// A call that returns here.
    Call(Call),
}

impl Op {
    /// Its operands, callee included, in order.
    pub fn operands(&self) -> impl Iterator<Item = Operand> {
        let (first, rest): (Option<Operand>, &[Operand]) = match self {
            Op::Thunk(_, list) | Op::Partial(_, list) | Op::Row(list) | Op::Prim(_, list) => {
                (None, list)
            }
            Op::Delay(first, list) => (Some(*first), list),
            Op::Force(a) | Op::Normalise(a) => (Some(*a), &[]),
            Op::Call(call) => (call.unknown(), &call.args),
        };
        first.into_iter().chain(rest.iter().copied())
    }

    /// Its operands, to be changed.
    pub fn operands_mut(&mut self) -> impl Iterator<Item = &mut Operand> {
        let (first, rest): (Option<&mut Operand>, &mut [Operand]) = match self {
            Op::Thunk(_, list) | Op::Partial(_, list) | Op::Row(list) | Op::Prim(_, list) => {
                (None, list)
            }
            Op::Delay(first, list) => (Some(first), list),
            Op::Force(a) | Op::Normalise(a) => (Some(a), &mut []),
            Op::Call(call) => call.split_mut(),
        };
        first.into_iter().chain(rest)
    }
}

impl Call {
    fn unknown(&self) -> Option<Operand> {
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

/// A statement of a block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stmt {
    /// Defines variables as an operation's results.
    Let(Vec<Var>, Op),
    /// Defines values that refer to each other: thunks, delays, partial applications, rows.
    Rec(Vec<(Var, Op)>),
    /// Defines a join point for the rest of this block.
    Join(JoinId),
}

/// What a block ends with. See the module's overview.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// The function's results.
    Return(Vec<Operand>),
    /// Evaluates a value in place of the function.
    Enter(Operand),
    /// A call in place of the function.
    Tail(Call),
    /// To a join point.
    Jump(JoinId, Vec<Operand>),
    /// By a bit: yes, no.
    If(Operand, BlockId, BlockId),
    /// By a nat: the cases in ascending order; any other, and what is no nat.
    Switch(Operand, Vec<(u64, BlockId)>, BlockId),
    /// By the kind of an evaluated value: pin, law, app, nat.
    Reflect(Operand, Box<[Arm; 4]>),
    /// By whether a value is, as it lies there, a nat below 2^63: if so, that; yes, no.
    Direct(Operand, Var, BlockId, BlockId),
    /// By whether a value is that constant applied to some values: if so, those.
    Closure(Operand, ConstantId, Box<Arm>, BlockId),
    /// A crash: an operation above 4 and its argument.
    Crash(Operand, Operand),
}

/// A branch that is given the parts of what was looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arm {
    /// The parts.
    pub params: Vec<Var>,
    /// What is done with them.
    pub block: BlockId,
}

impl End {
    /// The types of the parts that each arm of a `reflect` is given.
    pub const PARTS: [&'static [Type]; 4] = [
        &[Type::Whnf],
        &[Type::Nat, Type::Nat, Type::Whnf],
        &[Type::Whnf, Type::Any],
        &[Type::Nat],
    ];

    /// The blocks that hang on it.
    pub fn blocks(&self) -> Vec<BlockId> {
        match self {
            End::If(_, yes, no) | End::Direct(_, _, yes, no) => vec![*yes, *no],
            End::Switch(_, cases, other) => {
                cases.iter().map(|(_, block)| *block).chain([*other]).collect()
            }
            End::Reflect(_, arms) => arms.iter().map(|arm| arm.block).collect(),
            End::Closure(_, _, arm, other) => vec![arm.block, *other],
            _ => Vec::new(),
        }
    }

    /// Its operands, callee included, in order.
    pub fn operands(&self) -> Vec<Operand> {
        match self {
            End::Return(list) | End::Jump(_, list) => list.clone(),
            End::Enter(a)
            | End::If(a, ..)
            | End::Switch(a, ..)
            | End::Reflect(a, _)
            | End::Direct(a, ..)
            | End::Closure(a, ..) => vec![*a],
            End::Tail(call) => call.unknown().into_iter().chain(call.args.clone()).collect(),
            End::Crash(a, b) => vec![*a, *b],
        }
    }

    /// Its operands, to be changed.
    pub fn operands_mut(&mut self) -> Vec<&mut Operand> {
        match self {
            End::Return(list) | End::Jump(_, list) => list.iter_mut().collect(),
            End::Enter(a)
            | End::If(a, ..)
            | End::Switch(a, ..)
            | End::Reflect(a, _)
            | End::Direct(a, ..)
            | End::Closure(a, ..) => vec![a],
            End::Tail(call) => {
                let (function, args) = call.split_mut();
                function.into_iter().chain(args).collect()
            }
            End::Crash(a, b) => vec![a, b],
        }
    }
}

/// Statements, then an end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block {
    /// What is done, in order.
    pub stmts: Vec<Stmt>,
    /// What comes after.
    pub end: End,
}

/// A join point: parameters and code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Join {
    /// What a jump must give; their types are those of the variables.
    pub params: Vec<Var>,
    /// The code.
    pub body: BlockId,
    /// Whether the code may jump to it: a loop.
    pub is_loop: bool,
}

/// What a function is for. See the module's overview.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// The law's own entry.
    General,
    /// An entry for known callers.
    Worker,
    /// The code of a thunk.
    Thunk,
}

/// A function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Function {
    /// What it is for.
    pub role: Role,
    /// Its parameters; their types are those of the variables.
    pub params: Vec<Var>,
    /// The types of its results.
    pub results: Vec<Type>,
    /// The block it starts with.
    pub entry: BlockId,
    /// The types of its variables.
    pub vars: Vec<Type>,
    /// Its join points.
    pub joins: Vec<Join>,
    /// Its blocks; those not in the tree under `entry` are of no account.
    pub blocks: Vec<Block>,
}

impl Function {
    /// A function without parameters that is still to be written: its block enters the nat 0.
    pub fn new(role: Role) -> Function {
        let block = Block { stmts: Vec::new(), end: End::Return(vec![Operand::Small(0)]) };
        Function {
            role,
            params: Vec::new(),
            results: vec![Type::Whnf],
            entry: BlockId(0),
            vars: Vec::new(),
            joins: Vec::new(),
            blocks: vec![block],
        }
    }

    /// A new variable.
    pub fn var(&mut self, ty: Type) -> Var {
        self.vars.push(ty);
        Var(self.vars.len() as u32 - 1)
    }

    /// A new block, empty but for its end.
    pub fn block(&mut self, end: End) -> BlockId {
        self.blocks.push(Block { stmts: Vec::new(), end });
        BlockId(self.blocks.len() as u32 - 1)
    }

    /// A new join point.
    pub fn join(&mut self, params: Vec<Var>, body: BlockId, is_loop: bool) -> JoinId {
        self.joins.push(Join { params, body, is_loop });
        JoinId(self.joins.len() as u32 - 1)
    }

    /// The types of the parameters.
    pub fn param_types(&self) -> Vec<Type> {
        self.params.iter().map(|&param| self.vars[param.index()]).collect()
    }
}

/// How far a jet's argument is evaluated before it is called; what it does.
pub use vm::jet::{Demand, Operation};

/// What is known of a jet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Twin {
    /// What it demands of its arguments.
    pub demands: Vec<Demand>,
    /// What it gives.
    pub result: Type,
    /// What it does, if that is declared.
    pub operation: Option<Operation>,
}

/// The parameters and results of a worker.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Signature {
    /// What it takes.
    pub params: Vec<Type>,
    /// What it returns.
    pub results: Vec<Type>,
}

/// What PLAN sees in a constant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// A pin.
    Pin,
    /// A law (data jets that are laws included).
    Law,
    /// An app (rows and tables included).
    App,
    /// A nat of 2^63 or more; smaller ones are operands themselves.
    Nat,
}

/// What is known of a constant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Constant {
    /// What to call it in print: a law's name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// How many arguments it takes.
    pub arity: u64,
    /// What is known of its jet, if it has one.
    pub jet: Option<Twin>,
    /// The signature of its worker in another unit, if it is a law that has one.
    pub worker: Option<Signature>,
    /// Its general entry, if it is a law that is part of this unit.
    pub entry: Option<FunctionId>,
    /// The law or pin that it applies, and the first arguments of that, if it is such an app and
    /// that is known.
    pub of: Option<(ConstantId, Vec<Operand>)>,
}

/// What is compiled together: a law's functions and constants.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Unit {
    /// The constants, each once; the first is the law itself.
    pub constants: Vec<Constant>,
    /// The functions; the first is the law's general entry.
    pub functions: Vec<Function>,
}

impl Unit {
    /// Whether an operation always ends, without a crash, so that it can be dropped and moved.
    pub fn is_total(&self, function: &Function, op: &Op) -> bool {
        match op {
            Op::Thunk(..) | Op::Delay(..) | Op::Partial(..) | Op::Row(_) => true,
            Op::Prim(prim, operands) => prim.is_total(&self.types_of(function, operands)),
            Op::Force(a) => self.type_of(function, *a).is_some_and(|ty| ty.is(Type::Whnf)),
            Op::Normalise(_) | Op::Call(_) => false,
        }
    }

    /// The types of a call's results.
    pub fn results_of(&self, call: &Call) -> Vec<Type> {
        let constant = |k: ConstantId| self.constants.get(k.index());
        let known = match call.callee {
            Callee::Local(f) => self.functions.get(f.index()).map(|f| f.results.clone()),
            Callee::Worker(k) => {
                constant(k).and_then(|k| k.worker.as_ref()).map(|worker| worker.results.clone())
            }
            Callee::Jet(k) => constant(k).and_then(|k| k.jet.as_ref()).map(|jet| vec![jet.result]),
            Callee::Known(_) | Callee::Unknown(_) => None,
        };
        known.unwrap_or_else(|| vec![Type::Whnf])
    }

    /// The types of some operands; `any` for what there is not.
    pub fn types_of(&self, function: &Function, operands: &[Operand]) -> Vec<Type> {
        let one = |operand: &Operand| self.type_of(function, *operand).unwrap_or(Type::Any);
        operands.iter().map(one).collect()
    }

    /// The type of an operand in one of the functions; nothing if there is no such thing.
    pub fn type_of(&self, function: &Function, operand: Operand) -> Option<Type> {
        match operand {
            Operand::Var(var) => function.vars.get(var.index()).copied(),
            Operand::Small(nat) => {
                (nat < 1 << 63).then(|| Type::of_bits(u64::BITS - nat.leading_zeros()))
            }
            Operand::Constant(k) => self
                .constants
                .get(k.index())
                .map(|constant| if constant.kind == Kind::Nat { Type::Nat } else { Type::Whnf }),
        }
    }
}
