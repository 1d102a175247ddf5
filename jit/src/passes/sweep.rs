//! Dropping what is not used, and numbering what is left in order.

use super::info;
use crate::ir::{
    Block, BlockId, End, Function, FunctionId, Join, JoinId, Op, Operand, Stmt, Unit, Var,
};

/// Drops functions that cannot be reached from the first, and from the rest what has no use.
pub(super) fn sweep(unit: &mut Unit) {
    for index in 0..unit.functions.len() {
        let mut function = unit.functions[index].clone();
        sweep_function(unit, &mut function);
        unit.functions[index] = function;
    }
    sweep_unit(unit);
}

fn sweep_unit(unit: &mut Unit) {
    let mut numbers: Vec<Option<u32>> = vec![None; unit.functions.len()];
    let mut order = Vec::new();
    let mut todo = vec![FunctionId(0)];
    while let Some(id) = todo.pop() {
        if numbers.get(id.index()) == Some(&None) {
            numbers[id.index()] = Some(order.len() as u32);
            order.push(id);
            let mut callees = info::called(&unit.functions[id.index()]);
            callees.reverse();
            todo.extend(callees);
        }
    }
    let renumber = |id: &mut FunctionId| {
        if let Some(number) = numbers[id.index()] {
            *id = FunctionId(number);
        }
    };
    let mut functions: Vec<Function> =
        order.iter().map(|id| unit.functions[id.index()].clone()).collect();
    for block in functions.iter_mut().flat_map(|function| &mut function.blocks) {
        super::each_function_named(block, renumber);
    }
    for constant in &mut unit.constants {
        constant.entry = constant.entry.and_then(|entry| numbers[entry.index()]).map(FunctionId);
    }
    unit.functions = functions;
}

/// Drops what has no use in a function, and numbers the rest in order.
pub(super) fn sweep_function(unit: &Unit, function: &mut Function) {
    for _ in 0..8 {
        if !drop_unused(unit, function) {
            break;
        }
    }
    *function = Tidy::of(function);
}

/// How often variables and join points are used.
struct Uses {
    vars: Vec<u32>,
    joins: Vec<u32>,
}

impl Uses {
    fn of(function: &Function) -> Uses {
        let mut uses =
            Uses { vars: vec![0; function.vars.len()], joins: vec![0; function.joins.len()] };
        for block in info::blocks(function, function.entry) {
            let block = &function.blocks[block.index()];
            for stmt in &block.stmts {
                uses.count_stmt(stmt);
            }
            if let End::Jump(join, _) = block.end {
                uses.joins[join.index()] += 1;
            }
            block.end.operands().into_iter().for_each(|operand| uses.count(operand));
        }
        uses
    }

    fn count(&mut self, operand: Operand) {
        if let Operand::Var(var) = operand {
            self.vars[var.index()] += 1;
        }
    }

    /// Members of a knot are no use of each other.
    fn count_stmt(&mut self, stmt: &Stmt) {
        let own: Vec<Var> = match stmt {
            Stmt::Rec(group) => group.iter().map(|(var, _)| *var).collect(),
            _ => Vec::new(),
        };
        for operand in info::ops(stmt).flat_map(Op::operands) {
            if !matches!(operand, Operand::Var(var) if own.contains(&var)) {
                self.count(operand);
            }
        }
    }
}

/// Drops statements and parameters of join points without use; whether there were any.
fn drop_unused(unit: &Unit, function: &mut Function) -> bool {
    let uses = Uses::of(function);
    let unused = |var: &Var| uses.vars[var.index()] == 0;
    let mut changed = false;
    for id in info::blocks(function, function.entry) {
        let mut stmts = std::mem::take(&mut function.blocks[id.index()].stmts);
        stmts.retain(|stmt| {
            let keep = match stmt {
                Stmt::Let(vars, op) => !vars.iter().all(unused) || !unit.is_total(function, op),
                Stmt::Rec(group) => !group.iter().all(|(var, _)| unused(var)),
                Stmt::Join(join) => uses.joins[join.index()] > jumps_inside(function, *join),
            };
            changed |= !keep;
            keep
        });
        function.blocks[id.index()].stmts = stmts;
    }
    changed | drop_params(function, &uses)
}

/// How often a join point jumps to itself.
fn jumps_inside(function: &Function, id: JoinId) -> u32 {
    let join = &function.joins[id.index()];
    if !join.is_loop {
        return 0;
    }
    let blocks = info::blocks(function, join.body);
    let is_jump = |block: &&BlockId| matches!(function.blocks[block.index()].end, End::Jump(to, _) if to == id);
    blocks.iter().filter(is_jump).count() as u32
}

/// Drops unused parameters of join points.
fn drop_params(function: &mut Function, uses: &Uses) -> bool {
    let kept: Vec<Vec<bool>> = function
        .joins
        .iter()
        .map(|join| join.params.iter().map(|var| uses.vars[var.index()] > 0).collect())
        .collect();
    if kept.iter().flatten().all(|kept| *kept) {
        return false;
    }
    for (join, kept) in function.joins.iter_mut().zip(&kept) {
        retain(&mut join.params, kept);
    }
    for block in &mut function.blocks {
        if let End::Jump(join, args) = &mut block.end {
            retain(args, &kept[join.index()]);
        }
    }
    true
}

fn retain<T>(items: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    items.retain(|_| kept.next().copied().unwrap_or(true));
}

/// Copies a function with its variables, join points and blocks numbered in order.
struct Tidy<'f> {
    from: &'f Function,
    to: Function,
    vars: Vec<Var>,
    joins: Vec<JoinId>,
}

impl<'f> Tidy<'f> {
    fn of(from: &'f Function) -> Function {
        let mut to = Function::new(from.role);
        to.results = from.results.clone();
        let mut tidy = Tidy {
            from,
            to,
            vars: vec![Var(0); from.vars.len()],
            joins: vec![JoinId(0); from.joins.len()],
        };
        tidy.to.params = tidy.define(&from.params);
        tidy.block(from.entry, BlockId(0));
        tidy.to
    }

    fn define(&mut self, vars: &[Var]) -> Vec<Var> {
        vars.iter()
            .map(|var| {
                let new = self.to.var(self.from.vars[var.index()]);
                self.vars[var.index()] = new;
                new
            })
            .collect()
    }

    fn operand(&self, operand: &mut Operand) {
        if let Operand::Var(var) = operand {
            *var = self.vars[var.index()];
        }
    }

    fn new_block(&mut self, from: BlockId) -> BlockId {
        let block = self.to.block(End::Return(Vec::new()));
        self.block(from, block);
        block
    }

    fn block(&mut self, from: BlockId, to: BlockId) {
        let Block { stmts, mut end } = self.from.blocks[from.index()].clone();
        for stmt in stmts {
            let stmt = self.stmt(stmt);
            self.to.blocks[to.index()].stmts.push(stmt);
        }
        end.operands_mut().into_iter().for_each(|operand| self.operand(operand));
        match &mut end {
            End::Jump(join, _) => *join = self.joins[join.index()],
            End::If(_, yes, no) => {
                *yes = self.new_block(*yes);
                *no = self.new_block(*no);
            }
            End::Direct(_, nat, yes, no) => {
                *nat = self.define(&[*nat])[0];
                *yes = self.new_block(*yes);
                *no = self.new_block(*no);
            }
            End::Switch(_, cases, other) => {
                for (_, block) in cases {
                    *block = self.new_block(*block);
                }
                *other = self.new_block(*other);
            }
            End::Reflect(_, arms) => {
                for arm in arms.iter_mut() {
                    arm.params = self.define(&arm.params);
                    arm.block = self.new_block(arm.block);
                }
            }
            End::Closure(_, _, arm, other) => {
                arm.params = self.define(&arm.params);
                arm.block = self.new_block(arm.block);
                *other = self.new_block(*other);
            }
            _ => {}
        }
        self.to.blocks[to.index()].end = end;
    }

    fn stmt(&mut self, stmt: Stmt) -> Stmt {
        match stmt {
            Stmt::Let(vars, mut op) => {
                op.operands_mut().for_each(|operand| self.operand(operand));
                Stmt::Let(self.define(&vars), op)
            }
            Stmt::Rec(group) => {
                let vars: Vec<Var> = group.iter().map(|(var, _)| *var).collect();
                let vars = self.define(&vars);
                let ops = group.into_iter().map(|(_, mut op)| {
                    op.operands_mut().for_each(|operand| self.operand(operand));
                    op
                });
                Stmt::Rec(vars.into_iter().zip(ops).collect())
            }
            Stmt::Join(id) => {
                let Join { params, body, is_loop } = &self.from.joins[id.index()];
                let params = self.define(params);
                let new = self.to.join(params, BlockId(0), *is_loop);
                self.joins[id.index()] = new;
                let body = self.new_block(*body);
                self.to.joins[new.index()].body = body;
                Stmt::Join(new)
            }
        }
    }
}
