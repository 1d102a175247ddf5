//! Dead code elimination: drops functions that nothing reaches, and unused definitions and
//! parameters; renumbers the rest in order of appearance.

use crate::analysis::call_graph::referenced_functions;
use crate::ir::{
    Block, BlockId, Function, FunctionId, FunctionRole, JoinId, JoinPoint, Operand, Stmt,
    Terminator, Type, Unit, Var, side_table,
};
use cranelift_entity::{EntitySet, SecondaryMap};

/// Rounds of elimination in a function: to drop a join point or its parameter can make more
/// definitions unused.
const ROUNDS: usize = 8;

/// Drops functions that the root function does not reach, and dead code from the others.
pub(super) fn sweep(unit: &mut Unit) {
    let ids: Vec<FunctionId> = unit.functions.keys().collect();
    for id in ids {
        let mut function = unit.functions[id].clone();
        sweep_function(unit, &mut function);
        unit.functions[id] = function;
    }
    drop_unreachable_functions(unit);
}

fn drop_unreachable_functions(unit: &mut Unit) {
    let mut new_ids: SecondaryMap<FunctionId, Option<FunctionId>> =
        side_table(unit.functions.len());
    let mut order = Vec::new();
    let mut todo = vec![FunctionId::ROOT];
    while let Some(id) = todo.pop() {
        if unit.functions.is_valid(id) && new_ids[id].is_none() {
            new_ids[id] = Some(FunctionId::from_u32(order.len() as u32));
            order.push(id);
            todo.extend(referenced_functions(&unit.functions[id]).into_iter().rev());
        }
    }
    let renumber = |id: &mut FunctionId| *id = new_ids[*id].unwrap_or(*id);
    let reached = order.iter().map(|id| {
        let empty = Function::new(FunctionRole::General);
        std::mem::replace(&mut unit.functions[*id], empty)
    });
    unit.functions = reached.collect();
    for block in unit.functions.values_mut().flat_map(|function| function.blocks.values_mut()) {
        block.for_each_function_mut(renumber);
    }
    for constant in unit.constants.values_mut() {
        constant.entry = constant.entry.and_then(|entry| new_ids[entry]);
    }
}

/// Drops dead code in a function and renumbers its entities.
pub(super) fn sweep_function(unit: &Unit, function: &mut Function) {
    for _ in 0..ROUNDS {
        if !drop_unused(unit, function) {
            break;
        }
    }
    let swept = std::mem::replace(function, Function::new(function.role));
    *function = Renumbering::of(swept);
}

/// The variables that something with an effect, or the result, of a function depends on.
pub(super) fn used_by(unit: &Unit, function: &Function) -> EntitySet<Var> {
    EntityUses::of(unit, function).live
}

/// What a function uses.
struct EntityUses {
    /// The variables that something with an effect, or the result, depends on. A nat of a loop that only
    /// its own next value depends on is not among them. (Other such values stay: a program that
    /// collects data without an end is to meet the limit of memory.)
    live: EntitySet<Var>,
    /// The number of jumps to each join point.
    joins: SecondaryMap<JoinId, u32>,
}

impl EntityUses {
    fn of(unit: &Unit, function: &Function) -> EntityUses {
        let mut uses = EntityUses {
            live: EntitySet::with_capacity(function.vars.len()),
            joins: side_table(function.joins.len()),
        };
        // The operands from which each variable is computed.
        let mut sources: SecondaryMap<Var, Vec<Operand>> = side_table(function.vars.len());
        let mut todo: Vec<Operand> = Vec::new();
        for block in function.live_blocks() {
            let block = &function.blocks[block];
            for stmt in &block.stmts {
                match stmt {
                    Stmt::Let(_, op) if !unit.is_total(function, op) => todo.extend(op.operands()),
                    Stmt::Let(vars, op) => {
                        vars.iter().for_each(|var| sources[*var].extend(op.operands()));
                    }
                    Stmt::Rec(group) => {
                        group.iter().for_each(|(var, op)| sources[*var].extend(op.operands()));
                    }
                    Stmt::Join(_) => {}
                }
            }
            if let Terminator::Jump(join, args) = &block.terminator {
                uses.joins[*join] += 1;
                for (param, arg) in function.joins[*join].params.iter().zip(args) {
                    match function.vars[*param].is(Type::Nat) {
                        true => sources[*param].push(*arg),
                        false => todo.push(*arg),
                    }
                }
            } else {
                todo.extend(block.terminator.operands());
            }
        }
        while let Some(operand) = todo.pop() {
            if let Operand::Var(var) = operand
                && uses.live.insert(var)
            {
                todo.append(&mut sources[var]);
            }
        }
        uses
    }
}

/// Drops unused statements and parameters of join points; returns whether that may have made more of
/// them unused, because a join point or its parameter was dropped.
fn drop_unused(unit: &Unit, function: &mut Function) -> bool {
    let uses = EntityUses::of(unit, function);
    let is_unused = |var: &Var| !uses.live.contains(*var);
    let mut dropped_join = false;
    for id in function.live_blocks() {
        let mut stmts = std::mem::take(&mut function.blocks[id].stmts);
        stmts.retain(|stmt| match stmt {
            Stmt::Let(vars, op) => !vars.iter().all(is_unused) || !unit.is_total(function, op),
            Stmt::Rec(group) => !group.iter().all(|(var, _)| is_unused(var)),
            Stmt::Join(join) => {
                let keep = uses.joins[*join] > jumps_inside(function, *join);
                dropped_join |= !keep;
                keep
            }
        });
        function.blocks[id].stmts = stmts;
    }
    drop_params(function, &uses) | dropped_join
}

/// The number of jumps from a loop's body to the loop.
fn jumps_inside(function: &Function, id: JoinId) -> u32 {
    let join = &function.joins[id];
    if !join.is_loop {
        return 0;
    }
    let target = |block: BlockId| match function.blocks[block].terminator {
        Terminator::Jump(target, _) => Some(target),
        _ => None,
    };
    let targets = function.blocks_under(join.body).into_iter().filter_map(target);
    targets.filter(|target| *target == id).count() as u32
}

/// Drops unused parameters of join points; returns whether there were any.
fn drop_params(function: &mut Function, uses: &EntityUses) -> bool {
    let mut used: SecondaryMap<JoinId, Vec<bool>> = SecondaryMap::new();
    for (id, join) in &function.joins {
        used[id] = join.params.iter().map(|var| uses.live.contains(*var)).collect();
    }
    if used.values().flatten().all(|used| *used) {
        return false;
    }
    for (id, join) in function.joins.iter_mut() {
        retain(&mut join.params, &used[id]);
    }
    for block in function.blocks.values_mut() {
        if let Terminator::Jump(join, args) = &mut block.terminator {
            retain(args, &used[*join]);
        }
    }
    true
}

fn retain<T>(items: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    items.retain(|_| kept.next().copied().unwrap_or(true));
}

/// Moves the live code of a function to one with variables, join points and blocks in order of
/// appearance.
struct Renumbering {
    from: Function,
    to: Function,
    /// The new number of each variable defined so far.
    vars: SecondaryMap<Var, Option<Var>>,
    /// The new number of each join point defined so far.
    joins: SecondaryMap<JoinId, Option<JoinId>>,
}

impl Renumbering {
    fn of(mut from: Function) -> Function {
        let mut to = Function::new(from.role).of_law(from.law);
        to.results = std::mem::take(&mut from.results);
        let params = std::mem::take(&mut from.params);
        let (vars, joins) = (side_table(from.vars.len()), side_table(from.joins.len()));
        let entry = from.entry;
        let mut copy = Renumbering { from, to, vars, joins };
        copy.to.params = copy.define(&params);
        copy.block_to(entry, BlockId::FIRST);
        copy.to
    }

    fn define(&mut self, vars: &[Var]) -> Vec<Var> {
        let mut define_one = |var: &Var| {
            let new = self.to.new_var(self.from.vars[*var]);
            self.vars[*var] = Some(new);
            new
        };
        vars.iter().map(&mut define_one).collect()
    }

    fn rename(&self, operand: &mut Operand) {
        if let Operand::Var(var) = operand {
            *var = self.vars[*var].unwrap_or(*var);
        }
    }

    fn block(&mut self, from: BlockId) -> BlockId {
        let to = self.to.new_block(Terminator::Return(Vec::new()));
        self.block_to(from, to);
        to
    }

    fn block_to(&mut self, from: BlockId, to: BlockId) {
        let moved = Block { stmts: Vec::new(), terminator: Terminator::Return(Vec::new()) };
        let Block { stmts, mut terminator } = std::mem::replace(&mut self.from.blocks[from], moved);
        for stmt in stmts {
            let stmt = self.stmt(stmt);
            self.to.blocks[to].stmts.push(stmt);
        }
        terminator.operands_mut().into_iter().for_each(|operand| self.rename(operand));
        match &mut terminator {
            Terminator::Jump(join, _) => *join = self.joins[*join].unwrap_or(*join),
            Terminator::If(_, yes, no) => {
                *yes = self.block(*yes);
                *no = self.block(*no);
            }
            Terminator::Direct(_, nat, yes, no) => {
                *nat = self.define(&[*nat])[0];
                *yes = self.block(*yes);
                *no = self.block(*no);
            }
            Terminator::Switch(_, cases, default) => {
                for (_, block) in cases {
                    *block = self.block(*block);
                }
                *default = self.block(*default);
            }
            Terminator::Reflect(_, arms) => {
                for arm in arms.iter_mut() {
                    arm.params = self.define(&arm.params);
                    arm.block = self.block(arm.block);
                }
            }
            Terminator::Closure(_, _, arm, other) => {
                arm.params = self.define(&arm.params);
                arm.block = self.block(arm.block);
                *other = self.block(*other);
            }
            _ => {}
        }
        self.to.blocks[to].terminator = terminator;
    }

    fn stmt(&mut self, stmt: Stmt) -> Stmt {
        match stmt {
            Stmt::Let(vars, mut op) => {
                op.operands_mut().for_each(|operand| self.rename(operand));
                Stmt::Let(self.define(&vars), op)
            }
            Stmt::Rec(group) => {
                let vars: Vec<Var> = group.iter().map(|(var, _)| *var).collect();
                let vars = self.define(&vars);
                let ops = group.into_iter().map(|(_, mut op)| {
                    op.operands_mut().for_each(|operand| self.rename(operand));
                    op
                });
                Stmt::Rec(vars.into_iter().zip(ops).collect())
            }
            Stmt::Join(id) => {
                let JoinPoint { body, is_loop, .. } = self.from.joins[id];
                let params = std::mem::take(&mut self.from.joins[id].params);
                let params = self.define(&params);
                let new = self.to.new_join(params, BlockId::FIRST, is_loop);
                self.joins[id] = Some(new);
                let body = self.block(body);
                self.to.joins[new].body = body;
                Stmt::Join(new)
            }
        }
    }
}
