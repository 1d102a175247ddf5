//! The intermediate form of laws: functions whose bodies are applications of variables and values.
//!
//! A function has a body and variables. Some variables have definitions (the lets of the source). A
//! body or definition may use variables of the function itself and of the functions around it.

use cranelift_entity::{PrimaryMap, entity_impl};
use plan::{Natural, Ref, Shape, Val};

/// A function.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct FunctionId(u32);
entity_impl!(FunctionId, "function");

/// A variable.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct LawVar(u32);
entity_impl!(LawVar, "var");

/// An expression.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct LawExprId(u32);
entity_impl!(LawExprId, "expr");

/// An expression of a function.
pub(super) enum LawExpr {
    /// A value in normal form.
    Value(Val, Quoting),
    /// A law of no arguments, which crashes as soon as something uses it.
    Void,
    Var(LawVar),
    App(LawExprId, LawExprId),
}

/// Whether the body of a law has to quote a constant, because the constant reads as code otherwise.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoting {
    Always,
    Never,
    /// If the nat is an index of one of the law's variables.
    AsVariable(u64),
}

impl Quoting {
    /// Returns whether a value in normal form has to be quoted.
    pub(super) fn of(value: Ref<'_>) -> Quoting {
        match value.shape() {
            Shape::Nat(nat) => nat.to_u64().map_or(Quoting::Never, Quoting::AsVariable),
            Shape::App(app) if app.is_longer_than(2) => Quoting::Never,
            Shape::App(app) => match (app.head().as_u64(), app.len()) {
                (Some(0 | 1), 2) | (Some(2), 1) => Quoting::Always,
                _ => Quoting::Never,
            },
            _ => Quoting::Never,
        }
    }
}

/// A function whose body is complete.
pub(super) struct LawFunction {
    pub(super) id: FunctionId,
    /// Whether its law is pinned.
    pub(super) pinned: bool,
    /// The name of the law.
    pub(super) tag: Natural,
    /// The variable that is the function itself.
    pub(super) this: LawVar,
    pub(super) args: Vec<LawVar>,
    pub(super) body: LawExprId,
}

/// A variable of a function.
pub(super) struct LawVarData {
    /// The function that the variable belongs to.
    pub(super) owner: FunctionId,
    /// The definition; none for an argument and for the function itself.
    pub(super) definition: Option<LawExprId>,
    /// The number of uses in the count of this epoch. A count is valid only in its epoch.
    pub(super) uses: u32,
    pub(super) epoch: u32,
    /// The variable's index in the law that is being emitted.
    pub(super) slot: u64,
}

/// The expressions and variables of a function and of all functions inside it.
#[derive(Default)]
pub(super) struct LawArena {
    pub(super) exprs: PrimaryMap<LawExprId, LawExpr>,
    pub(super) vars: PrimaryMap<LawVar, LawVarData>,
    /// The epoch of the last count of uses.
    pub(super) epoch: u32,
}

impl LawArena {
    /// Adds a variable of the function `owner`.
    pub(super) fn var(&mut self, owner: FunctionId) -> LawVar {
        self.vars.push(LawVarData { owner, definition: None, uses: 0, epoch: 0, slot: 0 })
    }

    /// Adds the application of an expression to variables.
    pub(super) fn apply_to_vars(&mut self, function: LawExprId, args: &[LawVar]) -> LawExprId {
        args.iter().fold(function, |function, &arg| {
            let arg = self.exprs.push(LawExpr::Var(arg));
            self.exprs.push(LawExpr::App(function, arg))
        })
    }
}
