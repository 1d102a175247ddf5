//! What passes ask of functions: sizes, uses, who calls whom.

use crate::ir::{
    Block, BlockId, Call, Callee, DEPTH_LIMIT, End, Function, FunctionId, Op, Operand, Stmt, Unit,
    Var,
};

/// A function's blocks, each before those under it.
pub(crate) fn blocks(function: &Function, from: BlockId) -> Vec<BlockId> {
    let mut found = vec![from];
    let mut next = 0;
    while let Some(&id) = found.get(next) {
        next += 1;
        let block = &function.blocks[id.index()];
        for stmt in &block.stmts {
            if let Stmt::Join(join) = stmt {
                found.push(function.joins[join.index()].body);
            }
        }
        found.extend(block.end.blocks());
    }
    found
}

/// The operations of a statement.
pub(super) fn ops(stmt: &Stmt) -> impl Iterator<Item = &Op> + Clone {
    let (one, group): (Option<&Op>, &[(Var, Op)]) = match stmt {
        Stmt::Let(_, op) => (Some(op), &[]),
        Stmt::Rec(group) => (None, group),
        Stmt::Join(_) => (None, &[]),
    };
    one.into_iter().chain(group.iter().map(|(_, op)| op))
}

/// How many operations and ends are in the blocks under one.
pub(super) fn size(function: &Function, from: BlockId) -> usize {
    let count = |id: &BlockId| 1 + function.blocks[id.index()].stmts.len();
    blocks(function, from).iter().map(count).sum()
}

/// How deep blocks are nested under one.
pub(super) fn depth(function: &Function, from: BlockId) -> usize {
    let mut depth = 0;
    let mut level = vec![from];
    while !level.is_empty() && depth <= DEPTH_LIMIT {
        depth += 1;
        let under = |id: &BlockId| {
            let block = &function.blocks[id.index()];
            let joins = block.stmts.iter().filter_map(|stmt| match stmt {
                Stmt::Join(join) => Some(function.joins[join.index()].body),
                _ => None,
            });
            joins.chain(block.end.blocks()).collect::<Vec<_>>()
        };
        level = level.iter().flat_map(under).collect();
    }
    depth
}

/// What is worth knowing of a function before it is walked or inlined.
pub(super) struct Info {
    pub(super) size: usize,
    pub(super) depth: usize,
    /// Whether it only evaluates some of its parameters and calls another.
    pub(super) is_wrapper: bool,
    /// Whether it calls itself, perhaps by way of a wrapper, or of a front (see `peel`). (Functions that call each other may be
    /// inlined into each other.)
    pub(super) calls_itself: bool,
    /// Whether it may end with evaluating a new thunk of its own code: it will be a loop.
    pub(super) repeats: bool,
    /// Whether it ends in one place, and has no join points.
    pub(super) is_straight: bool,
    /// How often each variable is used.
    pub(super) uses: Vec<u32>,
    /// Which variables are thunks made by a statement of their own.
    pub(super) thunks: Vec<bool>,
    /// How often each join point is jumped to.
    pub(super) jumps: Vec<u32>,
    /// Whether any jump gives a join point a nat that is written out.
    pub(super) given_nat: Vec<bool>,
}

impl Info {
    pub(super) fn of(unit: &Unit, id: FunctionId) -> Info {
        let function = &unit.functions[id.index()];
        let mut info = Info {
            size: size(function, function.entry),
            depth: depth(function, function.entry),
            is_wrapper: is_wrapper(function),
            calls_itself: calls_itself(unit, id),
            repeats: repeats(function, id),
            is_straight: false,
            uses: vec![0; function.vars.len()],
            thunks: vec![false; function.vars.len()],
            jumps: vec![0; function.joins.len()],
            given_nat: vec![false; function.joins.len()],
        };
        let mut plain = true;
        for block in blocks(function, function.entry) {
            let block = &function.blocks[block.index()];
            for stmt in &block.stmts {
                plain &= !matches!(stmt, Stmt::Join(_));
                if let Stmt::Let(vars, Op::Thunk(..) | Op::Delay(..)) = stmt {
                    vars.iter().for_each(|var| info.thunks[var.index()] = true);
                }
                for op in ops(stmt) {
                    op.operands().for_each(|operand| info.count(operand));
                }
            }
            block.end.operands().into_iter().for_each(|operand| info.count(operand));
            if let End::Jump(join, args) = &block.end {
                info.jumps[join.index()] += 1;
                let is_nat = |arg: &Operand| matches!(arg, Operand::Small(_));
                info.given_nat[join.index()] |= args.iter().any(is_nat);
            }
        }
        let end = &function.blocks[function.entry.index()].end;
        info.is_straight = plain && matches!(end, End::Return(_) | End::Enter(_) | End::Tail(_));
        info
    }

    fn count(&mut self, operand: Operand) {
        if let Operand::Var(var) = operand {
            self.uses[var.index()] += 1;
        }
    }
}

/// The functions of the unit that a function calls or makes thunks of.
pub(super) fn called(function: &Function) -> Vec<FunctionId> {
    let local = |callee: Callee| match callee {
        Callee::Local(function) => Some(function),
        _ => None,
    };
    let mut found = Vec::new();
    for block in blocks(function, function.entry) {
        let block = &function.blocks[block.index()];
        for op in block.stmts.iter().flat_map(ops) {
            match op {
                Op::Thunk(entry, _) => found.push(*entry),
                Op::Call(call) => found.extend(local(call.callee)),
                _ => {}
            }
        }
        if let End::Tail(call) = &block.end {
            found.extend(local(call.callee));
        }
    }
    found
}

/// The entries of the laws that a function puts off applications of.
pub(super) fn delayed(unit: &Unit, function: &Function) -> Vec<FunctionId> {
    let blocks = blocks(function, function.entry);
    let stmts = blocks.iter().flat_map(|block| &function.blocks[block.index()].stmts);
    let entry = |op: &Op| match op {
        Op::Delay(Operand::Constant(k), _) => unit.constants[k.index()].entry,
        _ => None,
    };
    stmts.flat_map(ops).filter_map(entry).collect()
}

fn calls_itself(unit: &Unit, id: FunctionId) -> bool {
    called(&unit.functions[id.index()]).into_iter().any(|callee| {
        let function = &unit.functions[callee.index()];
        callee == id
            || is_wrapper(function) && called(function).contains(&id)
            || is_front(function, id)
    })
}

fn repeats(function: &Function, id: FunctionId) -> bool {
    let blocks = blocks(function, function.entry);
    let code = || blocks.iter().map(|block| &function.blocks[block.index()]);
    let entered = |var: &Var| code().any(|block| block.end == End::Enter((*var).into()));
    code().flat_map(|block| &block.stmts).any(|stmt| match stmt {
        Stmt::Let(vars, Op::Thunk(entry, _)) => *entry == id && vars.iter().any(entered),
        _ => false,
    })
}

/// Whether a function only tests whether another one has anything to do, and calls that if so.
fn is_front(function: &Function, id: FunctionId) -> bool {
    let End::If(_, yes, no) = function.blocks[function.entry.index()].end else { return false };
    let passes_on = |branch: BlockId| {
        let Block { stmts, end } = &function.blocks[branch.index()];
        let params = function.params.iter().map(|param| Operand::Var(*param));
        let is_it = |call: &Call| {
            call.callee == Callee::Local(id) && call.args.iter().copied().eq(params.clone())
        };
        stmts.is_empty() && matches!(end, End::Tail(call) if is_it(call))
    };
    passes_on(yes) || passes_on(no)
}

/// Whether a function only evaluates some of its parameters and calls another.
pub(super) fn is_wrapper(function: &Function) -> bool {
    let block = &function.blocks[function.entry.index()];
    let forces = block.stmts.iter().all(|stmt| matches!(stmt, Stmt::Let(_, Op::Force(_))));
    forces && matches!(&block.end, End::Tail(call) if matches!(call.callee, Callee::Local(_)))
}
