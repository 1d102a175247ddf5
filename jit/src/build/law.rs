//! The lowering of one law: its scope, its lets, and the applications in its body.

use super::error::BuildError;
use super::unit::{UnitBuilder, law_of};
use crate::ir::{
    BlockId, ConstantId, DEPTH_LIMIT, Function, FunctionId, FunctionRole, Op, Operand, Stmt,
    Terminator, Type, Var,
};
use plan::Ref;
use vm::law::{AnalysedLaw, Application, BindingGroup, BodyNode, ReferenceScope, Spine};

/// Strict expressions that nest deeper than this are evaluated through thunks.
pub(super) const STRICT_NESTING_LIMIT: usize = 40;

/// A thunk whose code is still to be lowered.
pub(super) struct PendingThunk<'h> {
    pub(super) function: FunctionId,
    pub(super) node: Ref<'h>,
    pub(super) scope: ReferenceScope<Operand>,
    /// The number of captures.
    pub(super) params: usize,
}

/// Writes the functions of one law.
pub(super) struct LawLowering<'b, 'h> {
    pub(super) builder: &'b mut UnitBuilder<'h>,
    pub(super) law: &'b AnalysedLaw<'h>,
    /// The function being written.
    pub(super) function: Function,
    /// The block to which statements are appended.
    pub(super) block: BlockId,
    /// The depth of that block in the block tree.
    pub(super) depth: usize,
    /// The depth of the deepest block written.
    pub(super) deepest: usize,
    /// The nesting of strict expressions.
    pub(super) nesting: usize,
    pub(super) scope: ReferenceScope<Operand>,
    /// The members of the recursive let group being lowered, if one is: new values join it.
    rec_group: Option<Vec<(Var, Op)>>,
    pub(super) pending: Vec<PendingThunk<'h>>,
}

/// An expression, or a value that needs no lowering.
#[derive(Clone, Copy)]
pub(super) enum Expr<'h> {
    /// A node of the body.
    Node(Ref<'h>),
    /// A value that is part of a constant.
    Value(Ref<'h>),
    /// An operand of the function being written.
    Operand(Operand),
}

impl<'h> From<Ref<'h>> for Expr<'h> {
    fn from(node: Ref<'h>) -> Expr<'h> {
        Expr::Node(node)
    }
}

/// Lowers the queued laws, and those that they add to the queue.
///
/// # Errors
/// If the blocks of a law nest too deeply.
pub(super) fn lower_queued_laws(builder: &mut UnitBuilder<'_>) -> Result<(), BuildError> {
    while let Some(law) = builder.queue.pop() {
        lower_law(builder, law)?;
    }
    Ok(())
}

fn lower_law(builder: &mut UnitBuilder<'_>, id: ConstantId) -> Result<(), BuildError> {
    let law = law_of(builder.value(id)).and_then(AnalysedLaw::of).ok_or(BuildError::NotALaw)?;
    let entry = builder.unit.constants[id].entry.ok_or(BuildError::NotALaw)?;
    let params = std::iter::repeat_n(Type::Any, law.arity() as usize);
    let function = Function::with_params(FunctionRole::General, params).of_law(Some(id));
    let scope = [Operand::Constant(id)].into_iter().chain(function.param_operands());
    let scope = ReferenceScope::new(scope);
    let mut lowering = LawLowering::new(builder, &law, function, scope);
    lowering.lets();
    lowering.tail(law.result());
    lowering.finish_function(entry);
    while let Some(pending) = lowering.pending.pop() {
        lowering.scope = pending.scope;
        let captures = std::iter::repeat_n(Type::Any, pending.params);
        let function = Function::with_params(FunctionRole::Thunk, captures);
        lowering.function = function.of_law(Some(id));
        lowering.tail(pending.node);
        lowering.finish_function(pending.function);
    }
    if lowering.deepest > DEPTH_LIMIT { Err(BuildError::TooLarge) } else { Ok(()) }
}

impl<'b, 'h> LawLowering<'b, 'h> {
    pub(super) fn new(
        builder: &'b mut UnitBuilder<'h>,
        law: &'b AnalysedLaw<'h>,
        function: Function,
        scope: ReferenceScope<Operand>,
    ) -> LawLowering<'b, 'h> {
        LawLowering {
            builder,
            law,
            function,
            block: BlockId::FIRST,
            depth: 0,
            deepest: 0,
            nesting: 0,
            scope,
            rec_group: None,
            pending: Vec::new(),
        }
    }
}

impl<'h> LawLowering<'_, 'h> {
    /// Moves the finished function to its place in the unit.
    pub(super) fn finish_function(&mut self, id: FunctionId) {
        let placeholder = Function::new(FunctionRole::Thunk);
        self.builder.unit.functions[id] = std::mem::replace(&mut self.function, placeholder);
        self.block = BlockId::FIRST;
        self.depth = 0;
        self.nesting = 0;
    }

    // Writing.

    pub(super) fn emit(&mut self, ty: Type, op: Op) -> Operand {
        let var = self.function.new_var(ty);
        self.emit_to(var, op);
        var.into()
    }

    pub(super) fn emit_to(&mut self, var: Var, op: Op) {
        match &mut self.rec_group {
            Some(group) => group.push((var, op)),
            None => self.push(Stmt::Let(vec![var], op)),
        }
    }

    pub(super) fn push(&mut self, stmt: Stmt) {
        self.function.blocks[self.block].stmts.push(stmt);
    }

    /// Sets the terminator of the current block.
    pub(super) fn terminate(&mut self, terminator: Terminator) {
        self.function.blocks[self.block].terminator = terminator;
    }

    pub(super) fn type_of(&self, operand: Operand) -> Type {
        self.builder.unit.type_of(&self.function, operand).unwrap_or(Type::Any)
    }

    // Lets.

    /// Lowers the lets that the result needs, in dependency order.
    fn lets(&mut self) {
        for group in self.law.binding_groups() {
            match group {
                BindingGroup::Single(index) => {
                    let operand = self.lazy(Expr::Node(self.law.lets()[index]));
                    self.scope.bind(self.law.let_reference(index), operand);
                }
                BindingGroup::Recursive(members) => self.recursive_lets(&members),
            }
        }
    }

    /// Lowers a group of lets that refer to each other.
    fn recursive_lets(&mut self, group: &[usize]) {
        let lets = self.law.lets();
        let members: Vec<(Var, Ref<'h>)> =
            group.iter().map(|&index| (self.function.new_var(Type::Any), lets[index])).collect();
        for (&index, (var, _)) in group.iter().zip(&members) {
            self.scope.bind(self.law.let_reference(index), (*var).into());
        }
        self.rec_group = Some(Vec::new());
        for (var, node) in members {
            self.group_member(var, node);
        }
        if let Some(group) = self.rec_group.take() {
            self.push(Stmt::Rec(group));
        }
    }

    // Applications.

    /// The function and arguments of an expression; without arguments if it is no application. An
    /// app at the head is unfolded, because the arity of its function decides what the application
    /// does.
    pub(super) fn spine(&self, expr: Expr<'h>) -> Spine<Expr<'h>> {
        let Expr::Node(node) = expr else { return Spine::of_atom(expr) };
        let mut spine: Spine<Expr<'h>> = self.law.spine(node);
        if !spine.args.is_empty()
            && let Some(head) = self.constant_value(spine.head)
        {
            spine.unfold(head, Expr::Value);
        }
        spine
    }

    /// The value of an expression that is a constant.
    pub(super) fn constant_value(&self, expr: Expr<'h>) -> Option<Ref<'h>> {
        match expr {
            Expr::Node(node) => match self.law.node(node) {
                BodyNode::Constant(value) => Some(value),
                _ => None,
            },
            Expr::Value(value) => Some(value),
            Expr::Operand(_) => None,
        }
    }

    /// The operand of an expression that is no application.
    pub(super) fn atom(&mut self, expr: Expr<'h>) -> Option<Operand> {
        match expr {
            Expr::Operand(operand) => Some(operand),
            Expr::Value(value) => Some(self.builder.constant(value)),
            Expr::Node(node) => match self.law.node(node) {
                BodyNode::Reference(reference) => Some(self.scope.get(reference)),
                BodyNode::Constant(value) => Some(self.builder.constant(value)),
                BodyNode::Application(..) => None,
            },
        }
    }

    /// The function of an application, if it is a constant, and how the application reduces.
    pub(super) fn classify(&mut self, spine: &Spine<Expr<'h>>) -> Option<(Operand, Application)> {
        let (function, given) = (self.atom(spine.head)?, spine.args.len());
        let application = match function {
            Operand::Var(_) => return None,
            Operand::Small(nat) => Application::of_nat(nat, given),
            Operand::Constant(k) => {
                Application::of(self.builder.value(k), given, self.builder.vm.jets())
            }
        };
        Some((function, application))
    }
}
