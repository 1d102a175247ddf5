//! Blocks, join points and functions, and the traversals that analyses and passes share.

use super::{
    BlockId, Call, Callee, ConstantId, FunctionId, JoinId, Op, Operand, Prim, Stmt, Terminator,
    Type, Var,
};
use cranelift_entity::PrimaryMap;

/// Blocks nest at most this deep; a law that would need more is not compiled.
pub const DEPTH_LIMIT: usize = 200;

/// Statements and a terminator.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Block {
    /// The statements, in order of execution.
    pub stmts: Vec<Stmt>,
    /// The last instruction.
    pub terminator: Terminator,
}

impl Block {
    /// Whether it ends with a test whether a value is a set, a table or an app. Code makes it before
    /// it reads the value in place, and calls a jet for all other values.
    pub(crate) fn ends_with_kind_test(&self) -> bool {
        let Terminator::If(Operand::Var(condition), ..) = &self.terminator else { return false };
        let tests = |stmt: &Stmt| match stmt {
            Stmt::Let(vars, Op::Prim(Prim::IsSet | Prim::IsTable | Prim::IsApp, _)) => {
                vars.first() == Some(condition)
            }
            _ => false,
        };
        self.stmts.last().is_some_and(tests)
    }

    /// Calls `change` on the id of each function of the unit that the block calls or makes thunks
    /// of.
    pub(crate) fn for_each_function_mut(&mut self, mut change: impl FnMut(&mut FunctionId)) {
        for op in self.stmts.iter_mut().flat_map(Stmt::ops_mut) {
            match op {
                Op::Thunk(entry, _) | Op::Generate(entry, _) => change(entry),
                Op::Call(Call { callee: Callee::Local(callee), .. }) => change(callee),
                _ => {}
            }
        }
        if let Terminator::Tail(Call { callee: Callee::Local(callee), .. }) = &mut self.terminator {
            change(callee);
        }
    }
}

/// A join point.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct JoinPoint {
    /// The parameters; their types are those of the variables.
    pub params: Vec<Var>,
    /// The code.
    pub body: BlockId,
    /// Whether the code may jump to the join point itself.
    pub is_loop: bool,
}

/// The convention by which a function is called.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FunctionRole {
    /// A law's entry, for any caller.
    General,
    /// An entry for known callers.
    Worker,
    /// The code of a thunk.
    Thunk,
    /// The lazy entry of a law, which returns an application of the law, evaluated or not.
    Lazy,
}

/// A function.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Function {
    /// The calling convention.
    pub role: FunctionRole,
    /// The law that the code is of, which names the function in call chains. The text form of a
    /// unit does not have it.
    pub law: Option<ConstantId>,
    /// The parameters; their types are those of the variables.
    pub params: Vec<Var>,
    /// The types of the results.
    pub results: Vec<Type>,
    /// The first block.
    pub entry: BlockId,
    /// The types of the variables.
    pub vars: PrimaryMap<Var, Type>,
    /// The join points.
    pub joins: PrimaryMap<JoinId, JoinPoint>,
    /// The blocks. Those outside the tree under `entry` are dead.
    pub blocks: PrimaryMap<BlockId, Block>,
}

impl Function {
    /// Creates a function without parameters whose one block, [`BlockId::FIRST`], returns the nat 0
    /// until the caller sets another terminator.
    pub fn new(role: FunctionRole) -> Function {
        let mut function = Function {
            role,
            law: None,
            params: Vec::new(),
            results: vec![Type::Whnf],
            entry: BlockId::FIRST,
            vars: PrimaryMap::new(),
            joins: PrimaryMap::new(),
            blocks: PrimaryMap::new(),
        };
        function.new_block(Terminator::Return(vec![Operand::Small(0)]));
        function
    }

    /// Creates a function like [`new`](Function::new) with parameters of these types.
    pub fn with_params(role: FunctionRole, types: impl IntoIterator<Item = Type>) -> Function {
        let mut function = Function::new(role);
        function.params = types.into_iter().map(|ty| function.vars.push(ty)).collect();
        function
    }

    /// Sets the law that the code is of.
    pub fn of_law(self, law: Option<ConstantId>) -> Function {
        Function { law, ..self }
    }

    /// Adds a variable.
    pub fn new_var(&mut self, ty: Type) -> Var {
        self.vars.push(ty)
    }

    /// Adds a block without statements.
    pub fn new_block(&mut self, terminator: Terminator) -> BlockId {
        self.blocks.push(Block { stmts: Vec::new(), terminator })
    }

    /// Adds a join point.
    pub fn new_join(&mut self, params: Vec<Var>, body: BlockId, is_loop: bool) -> JoinId {
        self.joins.push(JoinPoint { params, body, is_loop })
    }

    /// The types of the parameters.
    pub fn param_types(&self) -> Vec<Type> {
        self.params.iter().map(|&param| self.vars[param]).collect()
    }

    /// The parameters as operands.
    pub fn param_operands(&self) -> Vec<Operand> {
        self.params.iter().map(|&param| Operand::Var(param)).collect()
    }

    /// The blocks of the tree under `root`, breadth first: each comes before the blocks under it.
    pub fn blocks_under(&self, root: BlockId) -> Vec<BlockId> {
        let mut found = vec![root];
        let mut next = 0;
        while let Some(&id) = found.get(next) {
            next += 1;
            let block = &self.blocks[id];
            for stmt in &block.stmts {
                if let Stmt::Join(join) = stmt {
                    found.push(self.joins[*join].body);
                }
            }
            found.extend(block.terminator.blocks());
        }
        found
    }

    /// The live blocks: those of the tree under the entry, breadth first.
    pub fn live_blocks(&self) -> Vec<BlockId> {
        self.blocks_under(self.entry)
    }

    /// The operations of the live blocks.
    pub fn live_ops(&self) -> impl Iterator<Item = &Op> {
        self.live_blocks()
            .into_iter()
            .flat_map(|id| self.blocks[id].stmts.iter().flat_map(Stmt::ops))
    }

    /// The number of statements and terminators under a block: the measure of code size.
    pub fn size_under(&self, root: BlockId) -> usize {
        self.blocks_under(root).iter().map(|id| 1 + self.blocks[*id].stmts.len()).sum()
    }

    /// The number of statements and terminators of the function.
    pub fn size(&self) -> usize {
        self.size_under(self.entry)
    }

    /// The number of levels of the block tree under `root`; stops counting beyond [`DEPTH_LIMIT`].
    pub fn depth_under(&self, root: BlockId) -> usize {
        let mut depth = 0;
        let mut level = vec![root];
        while !level.is_empty() && depth <= DEPTH_LIMIT {
            depth += 1;
            let under = |id: &BlockId| {
                let block = &self.blocks[*id];
                let joins = block.stmts.iter().filter_map(|stmt| match stmt {
                    Stmt::Join(join) => Some(self.joins[*join].body),
                    _ => None,
                });
                joins.chain(block.terminator.blocks()).collect::<Vec<_>>()
            };
            level = level.iter().flat_map(under).collect();
        }
        depth
    }

    /// Calls `change` on each operand of the function, dead blocks included.
    pub(crate) fn for_each_operand_mut(&mut self, mut change: impl FnMut(&mut Operand)) {
        for block in self.blocks.values_mut() {
            for op in block.stmts.iter_mut().flat_map(Stmt::ops_mut) {
                op.operands_mut().for_each(&mut change);
            }
            block.terminator.operands_mut().into_iter().for_each(&mut change);
        }
    }
}
