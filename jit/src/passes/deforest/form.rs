//! The forms of functions that deforestation looks for.

use crate::analysis::call_graph::tail_calls;
use crate::ir::{
    BlockId, Callee, Function, FunctionId, FunctionRole, Op, Operand, Prim, Stmt, Terminator, Type,
    Unit, Var, side_table,
};
use cranelift_entity::SecondaryMap;

/// Larger functions are neither producers nor consumers: they are copied.
const SIZE_LIMIT: usize = 60;
/// The most functions that tail call each other to make a cell.
const TAILS_LIMIT: usize = 4;

/// Where the variables of a function are defined, and how often they are used.
pub(super) struct Definitions<'f> {
    function: &'f Function,
    has_loops: bool,
    ops: SecondaryMap<Var, Option<&'f Op>>,
    uses: SecondaryMap<Var, u32>,
}

impl<'f> Definitions<'f> {
    pub(super) fn of(function: &'f Function) -> Definitions<'f> {
        let mut ops: SecondaryMap<Var, Option<&'f Op>> = side_table(function.vars.len());
        let mut uses = side_table(function.vars.len());
        let mut count = |operand: Operand| {
            if let Operand::Var(var) = operand {
                uses[var] += 1;
            }
        };
        for block in function.live_blocks() {
            let block = &function.blocks[block];
            for stmt in &block.stmts {
                if let Stmt::Let(vars, op) = stmt
                    && let [var] = vars[..]
                {
                    ops[var] = Some(op);
                }
                stmt.ops().flat_map(Op::operands).for_each(&mut count);
            }
            block.terminator.operands().into_iter().for_each(&mut count);
        }
        let has_loops = function.joins.values().any(|join| join.is_loop);
        Definitions { function, has_loops, ops, uses }
    }

    /// The operation that defines an operand.
    pub(super) fn op(&self, operand: Operand) -> Option<&'f Op> {
        match operand {
            Operand::Var(var) => self.ops[var],
            _ => None,
        }
    }

    /// Whether an operand is a variable with one use.
    pub(super) fn has_one_use(&self, operand: Operand) -> bool {
        matches!(operand, Operand::Var(var) if self.uses[var] == 1)
    }

    /// Whether an operand is a variable with at most one use on each way through the function. (It may be
    /// used in several branches. A use in a loop is many.)
    pub(super) fn is_used_once(&self, operand: Operand) -> bool {
        let Operand::Var(var) = operand else { return false };
        !self.has_loops && self.uses[var] == 1
            || self.most_uses(self.function.entry, var, &|_| true) == 1
    }

    /// Whether an operand is a variable of which code reads items, and that is otherwise used at most once on
    /// each way through the function.
    pub(super) fn is_used_once_besides_reads(&self, operand: Operand) -> bool {
        let Operand::Var(var) = operand else { return false };
        let is_no_read = |op: &&Op| !matches!(op, Op::Prim(Prim::Item | Prim::IsNat, _));
        self.most_uses(self.function.entry, var, &is_no_read) == 1
    }

    /// The most uses of a variable, by operations that count, on a way through a block and the blocks under it. Join
    /// points count as run on all ways, and loops twice.
    fn most_uses(&self, id: BlockId, var: Var, counts: &dyn Fn(&&Op) -> bool) -> u32 {
        let block = &self.function.blocks[id];
        let is_use = |operand: &Operand| *operand == Operand::Var(var);
        let mut uses = block.terminator.operands().iter().filter(|it| is_use(it)).count() as u32;
        for stmt in &block.stmts {
            let counted = stmt.ops().filter(counts);
            uses += counted.flat_map(Op::operands).filter(is_use).count() as u32;
            if let Stmt::Join(join) = stmt {
                let join = &self.function.joins[*join];
                uses += self.most_uses(join.body, var, counts) * if join.is_loop { 2 } else { 1 };
            }
        }
        let branches = block.terminator.blocks().into_iter();
        uses + branches.map(|block| self.most_uses(block, var, counts)).max().unwrap_or(0)
    }

    /// Whether an operand is a variable that is not used.
    pub(super) fn is_unused(&self, var: Var) -> bool {
        self.uses[var] == 0
    }

    /// The code and the captures of an operand that is a new thunk, used once.
    pub(super) fn single_use_thunk(&self, operand: Operand) -> Option<(FunctionId, &'f [Operand])> {
        match self.op(operand)? {
            Op::Thunk(entry, captures) if self.is_used_once(operand) => Some((*entry, captures)),
            _ => None,
        }
    }

    /// The row and the index of an operand that is an item.
    pub(super) fn item(&self, operand: Operand) -> Option<(Operand, u64)> {
        match self.op(operand)? {
            Op::Prim(Prim::Item, operands) => match operands[..] {
                [row, Operand::Small(index)] => Some((row, index)),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Whether a function may be copied.
pub(super) fn is_small(unit: &Unit, id: FunctionId) -> bool {
    unit.functions[id].size() <= SIZE_LIMIT
}

/// The functions that run in place of a function in the end, itself first. Empty if there are many.
pub(super) fn tails(unit: &Unit, id: FunctionId) -> Vec<FunctionId> {
    let mut found = vec![id];
    let mut next = 0;
    while let Some(id) = found.get(next).copied() {
        next += 1;
        for call in tail_calls(&unit.functions[id]) {
            if let Callee::Local(callee) = call.callee
                && !found.contains(&callee)
            {
                found.push(callee);
            }
        }
        if found.len() > TAILS_LIMIT {
            return Vec::new();
        }
    }
    found
}

/// The index of the tail in the cells that a function makes, if it is a producer.
pub(super) fn produced_tail(unit: &Unit, id: FunctionId) -> Option<u64> {
    let own = tails(unit, id);
    if !own.iter().all(|id| is_small(unit, *id)) {
        return None;
    }
    own.iter().find_map(|id| {
        let function = &unit.functions[*id];
        let definitions = Definitions::of(function);
        let returned = function.live_blocks().into_iter().filter_map(|block| {
            match &function.blocks[block].terminator {
                Terminator::Return(results) => results.first().copied(),
                _ => None,
            }
        });
        returned.filter_map(|cell| definitions.op(cell)).find_map(|cell| {
            let Op::Row(items) = cell else { return None };
            let index =
                items.iter().position(|item| match definitions.single_use_thunk(*item) {
                    Some((code, _)) => tails(unit, code).iter().any(|id| own.contains(id)),
                    None => false,
                })?;
            Some(index as u64)
        })
    })
}

/// A parameter of a function: the list that a consumer reads.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct ListParam {
    pub(super) function: FunctionId,
    pub(super) place: usize,
}

impl ListParam {
    fn var(self, unit: &Unit) -> Var {
        unit.functions[self.function].params[self.place]
    }

    /// Whether the parameter is a cell, and the function calls itself with the value of the cell's item at
    /// `index`.
    pub(super) fn is_consumed_evaluated(self, unit: &Unit, index: u64) -> bool {
        let (function, list) = (&unit.functions[self.function], self.var(unit));
        if function.role == FunctionRole::Thunk
            || function.vars[list] != Type::Whnf
            || !is_small(unit, self.function)
        {
            return false;
        }
        let definitions = Definitions::of(function);
        passed_operands(function).any(|(param, operand)| {
            param == self
                && match definitions.op(operand) {
                    Some(Op::Force(tail)) => definitions.item(*tail) == Some((list.into(), index)),
                    _ => false,
                }
        })
    }

    /// Whether the parameter may be unevaluated, and the function evaluates it and passes the item at
    /// `index` of the value on to itself, or the value to a function that does; or passes the parameter to
    /// such a function.
    pub(super) fn is_consumed(self, unit: &Unit, index: u64) -> bool {
        self.is_consumed_directly(unit, index)
            || self.passed_to(unit).is_some_and(|next| next.is_consumed_directly(unit, index))
    }

    fn is_consumed_directly(self, unit: &Unit, index: u64) -> bool {
        let Some(evaluation) = self.evaluation(unit) else { return false };
        let function = &unit.functions[self.function];
        let definitions = Definitions::of(function);
        let cell = Operand::Var(evaluation.cell);
        passed_operands(function).any(|(param, operand)| {
            let passes_tail = definitions.item(operand) == Some((cell, index))
                && (param == self || param.passed_to(unit) == Some(self));
            passes_tail || operand == cell && param.is_consumed_evaluated(unit, index)
        })
    }

    /// The parameter to which this one is passed, if that is all that the function does with it.
    fn passed_to(self, unit: &Unit) -> Option<ListParam> {
        let (function, list) = (&unit.functions[self.function], self.var(unit));
        if function.vars[list] != Type::Any || !is_small(unit, self.function) {
            return None;
        }
        let definitions = Definitions::of(function);
        if !definitions.has_one_use(list.into()) {
            return None;
        }
        let mut passed = passed_operands(function);
        passed.find_map(|(param, operand)| (operand == Operand::Var(list)).then_some(param))
    }

    /// Where the function evaluates the parameter, if in one place that neither a loop nor a join point is
    /// around.
    pub(super) fn evaluation(self, unit: &Unit) -> Option<ListEvaluation> {
        let (function, list) = (&unit.functions[self.function], self.var(unit));
        if function.vars[list] != Type::Any || !is_small(unit, self.function) {
            return None;
        }
        let mut found = None;
        let mut todo = vec![(function.entry, Vec::new())];
        while let Some((id, mut before)) = todo.pop() {
            let block = &function.blocks[id];
            for (index, stmt) in block.stmts.iter().enumerate() {
                match stmt {
                    Stmt::Join(_) => return None,
                    Stmt::Let(vars, Op::Force(of)) if *of == Operand::Var(list) => {
                        let evaluation = ListEvaluation {
                            block: id,
                            index,
                            cell: vars[0],
                            before: before.clone(),
                        };
                        if found.replace(evaluation).is_some() {
                            return None;
                        }
                    }
                    Stmt::Let(vars, _) => before.extend(vars),
                    Stmt::Rec(group) => before.extend(group.iter().map(|(var, _)| *var)),
                }
            }
            before.extend(block.terminator.bound());
            todo.extend(block.terminator.blocks().into_iter().map(|block| (block, before.clone())));
        }
        found
    }
}

/// The place where a function evaluates a list.
pub(super) struct ListEvaluation {
    pub(super) block: BlockId,
    /// The statement of the block.
    pub(super) index: usize,
    /// The value.
    pub(super) cell: Var,
    /// The variables that are defined before.
    pub(super) before: Vec<Var>,
}

/// The parameters of functions of the unit to which a function passes operands, by calls and thunks, and
/// the operands.
fn passed_operands(function: &Function) -> impl Iterator<Item = (ListParam, Operand)> {
    let mut passed = Vec::new();
    let mut add = |callee: FunctionId, args: &[Operand]| {
        let places = args.iter().enumerate();
        passed.extend(places.map(|(place, arg)| (ListParam { function: callee, place }, *arg)));
    };
    for op in function.live_ops() {
        match op {
            Op::Thunk(entry, captures) => add(*entry, captures),
            Op::Call(call) => {
                if let Callee::Local(callee) = call.callee {
                    add(callee, &call.args);
                }
            }
            _ => {}
        }
    }
    for call in tail_calls(function) {
        if let Callee::Local(callee) = call.callee {
            add(callee, &call.args);
        }
    }
    passed.into_iter()
}
