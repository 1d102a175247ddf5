//! The variables that code still uses: those that a poll has to save.

use crate::ir::{Block, BlockId, Function, JoinId, Operand, Stmt, Terminator, Var};
use std::collections::BTreeSet;

/// The variables that the statements, the terminator and everything behind them use and that were
/// defined before.
pub(super) fn live_before(
    function: &Function,
    stmts: &[Stmt],
    terminator: &Terminator,
) -> BTreeSet<Var> {
    let mut region = Region::new(function);
    region.add(stmts, terminator);
    region.finish()
}

/// The variables that the body of a join point uses and that were defined outside of it, without
/// its parameters.
pub(super) fn live_in_join(function: &Function, join: JoinId) -> BTreeSet<Var> {
    let mut region = Region::new(function);
    region.add_join(join);
    region.finish()
}

/// Code that is looked at: part of the tree of blocks, and the join points outside that it jumps
/// to.
struct Region<'f> {
    function: &'f Function,
    used: BTreeSet<Var>,
    defined: BTreeSet<Var>,
    /// The join points whose bodies are part of the region.
    joins: BTreeSet<JoinId>,
    /// The join points that the region jumps to.
    targets: Vec<JoinId>,
}

impl<'f> Region<'f> {
    fn new(function: &'f Function) -> Region<'f> {
        let (used, defined, joins, targets) = Default::default();
        Region { function, used, defined, joins, targets }
    }

    /// Adds statements, their terminator and all blocks under it.
    fn add(&mut self, stmts: &[Stmt], terminator: &Terminator) {
        let mut blocks = self.add_block(stmts, terminator);
        while let Some(id) = blocks.pop() {
            let Block { stmts, terminator } = &self.function.blocks[id];
            blocks.extend(self.add_block(stmts, terminator));
        }
    }

    /// Adds a join point and its body.
    fn add_join(&mut self, id: JoinId) {
        let join = &self.function.joins[id];
        self.joins.insert(id);
        self.defined.extend(&join.params);
        let Block { stmts, terminator } = &self.function.blocks[join.body];
        self.add(stmts, terminator);
    }

    /// Adds one block, and returns the blocks under it.
    fn add_block(&mut self, stmts: &[Stmt], terminator: &Terminator) -> Vec<BlockId> {
        let mut below = terminator.blocks();
        for stmt in stmts {
            match stmt {
                Stmt::Let(vars, _) => self.defined.extend(vars),
                Stmt::Rec(group) => self.defined.extend(group.iter().map(|(var, _)| *var)),
                Stmt::Join(id) => {
                    let join = &self.function.joins[*id];
                    self.joins.insert(*id);
                    self.defined.extend(&join.params);
                    below.push(join.body);
                }
            }
            stmt.ops().flat_map(|op| op.operands()).for_each(|operand| self.add_use(operand));
        }
        terminator.operands().into_iter().for_each(|operand| self.add_use(operand));
        self.defined.extend(terminator.bound());
        if let Terminator::Jump(join, _) = terminator {
            self.targets.push(*join);
        }
        below
    }

    fn add_use(&mut self, operand: Operand) {
        if let Operand::Var(var) = operand {
            self.used.insert(var);
        }
    }

    /// The result: what the region uses, and what the join points outside that it jumps to use. Such a
    /// join point may be a loop around the region, whose parameters the region still uses.
    fn finish(self) -> BTreeSet<Var> {
        let mut live: BTreeSet<Var> = self.used.difference(&self.defined).copied().collect();
        let (mut seen, mut targets) = (self.joins, self.targets);
        while let Some(target) = targets.pop() {
            if seen.insert(target) {
                let mut region = Region::new(self.function);
                region.add_join(target);
                live.extend(region.used.difference(&region.defined));
                let is_inside = |join: &JoinId| region.joins.contains(join);
                targets.extend(region.targets.iter().filter(|join| !is_inside(join)));
            }
        }
        live
    }
}
