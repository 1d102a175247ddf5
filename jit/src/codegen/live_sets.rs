//! The variables that are live at each place of a function: those that a call on a rare path saves.
//!
//! One walk over the tree of blocks, from the uses to the definitions. A jump to a loop around it uses what
//! the loop uses, which is known only after its body: until then the set of a block names the loop.

use crate::ir::{Block, BlockId, Function, JoinId, Operand, Stmt, Terminator, Var, side_table};
use cranelift_entity::SecondaryMap;
use std::collections::{BTreeSet, HashMap};

/// The live variables behind the terminators of blocks, and at join points.
pub(super) struct LiveSets<'f> {
    function: &'f Function,
    behind: SecondaryMap<BlockId, LiveSet>,
    joins: SecondaryMap<JoinId, LiveSet>,
}

/// Variables, and loops whose variables are live as well.
#[derive(Clone, Default)]
struct LiveSet {
    vars: BTreeSet<Var>,
    loops: BTreeSet<JoinId>,
}

/// A block, with the places where its variables are defined and used.
pub(super) struct BlockUses {
    block: BlockId,
    /// The index of the statement that defines a variable.
    defined: HashMap<Var, usize>,
    /// The index of the last statement that uses a variable; for the terminator, the number of statements.
    last_uses: HashMap<Var, usize>,
}

impl<'f> LiveSets<'f> {
    pub(super) fn of(function: &'f Function) -> LiveSets<'f> {
        let behind = side_table(function.blocks.len());
        let joins = side_table(function.joins.len());
        let mut sets = LiveSets { function, behind, joins };
        sets.before_block(function.entry);
        sets
    }

    /// The variables that are defined before statement `start` of a block, and used by statement `end` or behind
    /// it. The index of the terminator is the number of statements.
    pub(super) fn between(&self, uses: &BlockUses, start: usize, end: usize) -> Vec<Var> {
        let later = uses.last_uses.iter().filter(|(_, last)| **last >= end).map(|(var, _)| *var);
        let mut live: BTreeSet<Var> = later.collect();
        self.expand(&self.behind[uses.block], &mut live);
        let is_defined = |var: &Var| uses.defined.get(var).is_none_or(|place| *place < start);
        live.into_iter().filter(is_defined).collect()
    }

    /// Adds a set, and the variables of the loops that it names.
    fn expand(&self, set: &LiveSet, live: &mut BTreeSet<Var>) {
        let mut seen = BTreeSet::new();
        let mut todo = vec![set];
        while let Some(set) = todo.pop() {
            live.extend(&set.vars);
            todo.extend(set.loops.iter().filter(|id| seen.insert(**id)).map(|id| &self.joins[*id]));
        }
    }

    /// The live variables before a block. Sets those behind the blocks under it.
    fn before_block(&mut self, id: BlockId) -> LiveSet {
        let Block { stmts, terminator } = &self.function.blocks[id];
        for stmt in stmts {
            if let Stmt::Join(join) = stmt {
                self.join(*join);
            }
        }
        let mut live = self.behind_terminator(terminator);
        self.behind[id] = live.clone();
        live.use_all(terminator.operands());
        for stmt in stmts.iter().rev() {
            for var in defined_by(stmt) {
                live.vars.remove(&var);
            }
            stmt.ops().for_each(|op| live.use_all(op.operands()));
        }
        for stmt in stmts {
            if let Stmt::Join(join) = stmt {
                live.loops.remove(join);
                // What a loop uses is live before it. Other join points have added theirs at the jumps.
                let used = self.joins[*join].clone();
                live.add(&used);
            }
        }
        stmts.iter().flat_map(defined_by).for_each(|var| {
            live.vars.remove(&var);
        });
        live
    }

    fn join(&mut self, id: JoinId) {
        let join = &self.function.joins[id];
        let mut live = self.before_block(join.body);
        for param in &join.params {
            live.vars.remove(param);
        }
        live.loops.remove(&id);
        self.joins[id] = live;
    }

    fn behind_terminator(&mut self, terminator: &Terminator) -> LiveSet {
        let mut live = LiveSet::default();
        for below in terminator.blocks() {
            let before = self.before_block(below);
            live.add(&before);
        }
        for var in terminator.bound() {
            live.vars.remove(&var);
        }
        if let Terminator::Jump(join, _) = terminator {
            match self.function.joins[*join].is_loop {
                true => drop(live.loops.insert(*join)),
                false => live.add(&self.joins[*join]),
            }
        }
        live
    }
}

impl LiveSet {
    fn add(&mut self, other: &LiveSet) {
        self.vars.extend(&other.vars);
        self.loops.extend(&other.loops);
    }

    fn use_all(&mut self, operands: impl IntoIterator<Item = Operand>) {
        self.vars.extend(operands.into_iter().filter_map(Operand::var));
    }
}

impl BlockUses {
    pub(super) fn of(function: &Function, block: BlockId) -> BlockUses {
        let Block { stmts, terminator } = &function.blocks[block];
        let (mut defined, mut last_uses) = (HashMap::new(), HashMap::new());
        for (place, stmt) in stmts.iter().enumerate() {
            let used = stmt.ops().flat_map(|op| op.operands()).filter_map(Operand::var);
            last_uses.extend(used.map(|var| (var, place)));
            defined.extend(defined_by(stmt).into_iter().map(|var| (var, place)));
        }
        let used = terminator.operands().into_iter().filter_map(Operand::var);
        last_uses.extend(used.map(|var| (var, stmts.len())));
        BlockUses { block, defined, last_uses }
    }
}

fn defined_by(stmt: &Stmt) -> Vec<Var> {
    match stmt {
        Stmt::Let(vars, _) => vars.clone(),
        Stmt::Rec(group) => group.iter().map(|(var, _)| *var).collect(),
        Stmt::Join(_) => Vec::new(),
    }
}
