//! The simplifier: writes each function anew, and uses what is known on the way.
//!
//! One walk does what would be many passes, since each feeds the others: constants are folded,
//! operations done before are not done again, branches that are decided go, join points that are
//! jumped to once are put where the jump is, branches on what a branch gave become one, unknown
//! calls of known functions become known ones. What grows code or changes when things are
//! evaluated is switched by [`Rules`]: inlining, evaluation of what is surely needed, and of what is
//! so cheap that it need not be put off.
//!
//! ```text
//! facts   what is known where
//! calls   calls, forcing, inlining
//! cheap   thunks that are not made
//! ends    ends of blocks, join points
//! ```
//!
//! What is inlined is other functions as they were before the pass. A function that gets too large, or
//! its blocks too deep, is left as it was; so the walk's recursion is bounded.

mod calls;
mod cheap;
mod ends;
mod facts;

use super::demand::Demands;
use super::fold::{Folded, fold};
use super::info::Info;
use crate::ir::{
    Block, BlockId, DEPTH_LIMIT, End, Function, FunctionId, JoinId, Op, Operand, Stmt, Type, Unit,
    Var,
};
use facts::Facts;

/// A function does not grow beyond this many statements by inlining.
const GROWTH_LIMIT: usize = 4000;
/// Nor does a unit beyond this, but for wrappers and what is used once.
const UNIT_LIMIT: usize = 2000;

/// One that gets beyond this is left as it was. (A law's body has at most half as many nodes.)
const WRITTEN_LIMIT: usize = 50_000;
/// So is one in whose walk walks of blocks are nested deeper than this.
const WALKS_LIMIT: usize = 3 * DEPTH_LIMIT;

/// What the walk may do besides what is always good.
#[derive(Clone, Copy, Default)]
pub(super) struct Rules {
    /// Put small functions where they are called.
    pub(super) inline: bool,
    /// Evaluate at once what is surely needed.
    pub(super) strict: bool,
    /// Evaluate at once what costs next to nothing.
    pub(super) eager: bool,
    /// Or would cost that if some values are nats, after a look at them.
    pub(super) guess: bool,
}

/// Simplifies all functions of a unit.
pub(super) fn simplify(unit: &mut Unit, rules: Rules) {
    let infos: Vec<Info> =
        (0..unit.functions.len() as u32).map(|id| Info::of(unit, FunctionId(id))).collect();
    let demands = rules.strict.then(|| Demands::of(unit));
    let total: usize = infos.iter().map(|info| info.size).sum();
    let mut room = UNIT_LIMIT.saturating_sub(total);
    let mut written = Vec::with_capacity(infos.len());
    for id in 0..unit.functions.len() as u32 {
        let mut walker = Walker::new(unit, &infos, demands.as_ref(), rules, FunctionId(id));
        walker.room = room;
        let (function, left) = walker.write();
        room = left;
        written.push(function);
    }
    for (function, written) in unit.functions.iter_mut().zip(written) {
        if let Some(written) = written {
            *function = written;
        }
    }
}

/// Where the results of a function that is walked go.
#[derive(Clone, Copy)]
enum Results {
    /// They are those of the function being written.
    Return,
    /// To a join point of it.
    Jump(JoinId),
}

/// What becomes of a join point of a function that is walked.
#[derive(Clone)]
enum Target {
    /// It is one of the function being written.
    Join(JoinId),
    /// Its code is put where the jumps are.
    Here,
    /// So is its start; what it branches to are join points that are given its parameters and
    /// what its start defines.
    Start(Vec<JoinId>),
}

/// A function being walked: the one that is rewritten, or one that is inlined.
struct Frame<'u> {
    id: FunctionId,
    source: &'u Function,
    vars: Vec<Operand>,
    joins: Vec<Target>,
    /// How much is written where a jump to a join point is replaced by its code.
    costs: Vec<usize>,
    results: Results,
}

impl<'u> Frame<'u> {
    fn new(unit: &'u Unit, id: FunctionId, args: &[Operand], results: Results) -> Frame<'u> {
        let source = &unit.functions[id.index()];
        let mut frame = Frame {
            id,
            source,
            vars: vec![Operand::Small(0); source.vars.len()],
            joins: vec![Target::Here; source.joins.len()],
            costs: vec![0; source.joins.len()],
            results,
        };
        frame.bind_all(&source.params, args);
        frame
    }

    fn bind(&mut self, var: Var, operand: Operand) {
        self.vars[var.index()] = operand;
    }

    fn bind_all(&mut self, vars: &[Var], operands: &[Operand]) {
        vars.iter().zip(operands).for_each(|(var, operand)| self.bind(*var, *operand));
    }
}

/// Writes one function.
struct Walker<'u> {
    unit: &'u Unit,
    infos: &'u [Info],
    demands: Option<&'u Demands>,
    rules: Rules,
    id: FunctionId,
    out: Function,
    /// Where the next statement goes.
    block: BlockId,
    depth: usize,
    /// The loop that it is in, by a number of its own; 0 for none.
    in_loop: u32,
    loops: u32,
    facts: Facts,
    /// Functions being inlined, innermost last.
    inlining: Vec<FunctionId>,
    written: usize,
    /// How much more may be inlined in the unit.
    room: usize,
    /// How many walks are under way, one in the other.
    walks: usize,
    too_large: bool,
}

impl<'u> Walker<'u> {
    fn new(
        unit: &'u Unit,
        infos: &'u [Info],
        demands: Option<&'u Demands>,
        rules: Rules,
        id: FunctionId,
    ) -> Walker<'u> {
        let source = &unit.functions[id.index()];
        let mut out = Function::new(source.role);
        out.results = source.results.clone();
        for param in &source.params {
            let param = out.var(source.vars[param.index()]);
            out.params.push(param);
        }
        Walker {
            unit,
            infos,
            demands,
            rules,
            id,
            out,
            block: BlockId(0),
            depth: 0,
            in_loop: 0,
            loops: 0,
            facts: Facts::default(),
            inlining: Vec::new(),
            written: 0,
            room: UNIT_LIMIT,
            walks: 0,
            too_large: false,
        }
    }

    /// The function, unless it gets too large, and how much more may be inlined in the unit.
    fn write(mut self) -> (Option<Function>, usize) {
        let params: Vec<Operand> = self.out.params.iter().map(|param| (*param).into()).collect();
        let mut frame = Frame::new(self.unit, self.id, &params, Results::Return);
        let entry = frame.source.entry;
        self.walk(&mut frame, entry);
        if self.too_large {
            return (None, self.room);
        }
        super::sweep::sweep_function(self.unit, &mut self.out);
        (Some(self.out), self.room)
    }

    /// Walks a block of a function into the present one.
    fn walk(&mut self, frame: &mut Frame<'u>, block: BlockId) {
        self.written += 1;
        self.too_large |=
            self.depth > DEPTH_LIMIT || self.walks > WALKS_LIMIT || self.written > WRITTEN_LIMIT;
        if self.too_large {
            return;
        }
        self.walks += 1;
        let Block { stmts, end } = &frame.source.blocks[block.index()];
        for stmt in stmts {
            self.statement(frame, stmt);
        }
        self.end(frame, end);
        self.walks -= 1;
    }

    fn statement(&mut self, frame: &mut Frame<'u>, stmt: &'u Stmt) {
        match stmt {
            Stmt::Let(vars, op) => {
                let results = self.operation(frame, vars, op);
                frame.bind_all(vars, &results);
            }
            Stmt::Rec(group) => {
                for (var, _) in group {
                    let made = self.out.var(frame.source.vars[var.index()]);
                    frame.bind(*var, made.into());
                }
                let ops: Vec<(Var, Op)> = group
                    .iter()
                    .filter_map(|(var, op)| match frame.vars[var.index()] {
                        Operand::Var(made) => Some((made, self.resolved(frame, op))),
                        _ => None,
                    })
                    .collect();
                for (var, op) in &ops {
                    self.facts.made(*var, op, self.in_loop);
                }
                self.push(Stmt::Rec(ops));
            }
            Stmt::Join(join) => self.join(frame, *join),
        }
    }

    // Operands.

    fn operand(&self, frame: &Frame<'u>, operand: Operand) -> Operand {
        match operand {
            Operand::Var(var) => self.facts.best(frame.vars[var.index()]),
            other => other,
        }
    }

    fn operands(&self, frame: &Frame<'u>, operands: &[Operand]) -> Vec<Operand> {
        operands.iter().map(|operand| self.operand(frame, *operand)).collect()
    }

    fn resolved(&self, frame: &Frame<'u>, op: &Op) -> Op {
        let mut op = op.clone();
        for operand in op.operands_mut() {
            *operand = self.operand(frame, *operand);
        }
        op
    }

    fn type_of(&self, operand: Operand) -> Type {
        self.unit.type_of(&self.out, operand).unwrap_or(Type::Any)
    }

    // Writing.

    fn push(&mut self, stmt: Stmt) {
        self.written += 1;
        self.out.blocks[self.block.index()].stmts.push(stmt);
    }

    fn end_with(&mut self, end: End) {
        self.out.blocks[self.block.index()].end = end;
    }

    fn new_block(&mut self) -> BlockId {
        self.out.block(End::Return(vec![Operand::Small(0)]))
    }

    /// Writes an operation, or finds its result.
    fn emit(&mut self, ty: Type, op: Op) -> Operand {
        let repeatable = matches!(
            op,
            Op::Prim(..) | Op::Force(_) | Op::Normalise(_) | Op::Partial(..) | Op::Row(_)
        );
        if repeatable && let Some(result) = self.facts.result(&op) {
            return self.facts.best(result);
        }
        let var = self.out.var(ty);
        if !matches!(op, Op::Call(_) | Op::Force(_) | Op::Normalise(_)) {
            self.facts.made(var, &op, self.in_loop);
        }
        if repeatable {
            self.facts.done(op.clone(), var.into());
        }
        self.push(Stmt::Let(vec![var], op));
        var.into()
    }

    // Operations.

    /// Writes what an operation comes to; its results.
    fn operation(&mut self, frame: &Frame<'u>, vars: &[Var], op: &Op) -> Vec<Operand> {
        if let (Op::Force(Operand::Var(var)), Some(entry)) = (op, self.once(frame, op)) {
            return vec![self.evaluate_once(frame.vars[var.index()], entry)];
        }
        let resolved = self.resolved(frame, op);
        let value = match resolved {
            Op::Thunk(entry, ref captures) => {
                let strict = vars.first().is_some_and(|var| self.is_demanded(frame, *var));
                if strict && self.may_inline(entry) && !self.infos[entry.index()].repeats {
                    return self.inline(entry, captures);
                }
                let at_once = self.at_once(entry, captures);
                match at_once.or_else(|| self.guess(entry, captures)) {
                    Some(value) => value,
                    None => self.emit(Type::Any, resolved),
                }
            }
            Op::Delay(function, ref args) => {
                if vars.first().is_some_and(|var| self.is_demanded(frame, *var)) {
                    let call = self.application(function, args.clone());
                    return self.made(call);
                }
                let known = self.known(function, args);
                match known.and_then(|(entry, args)| self.at_once(entry, &args)) {
                    Some(value) => value,
                    None => self.emit(Type::Any, resolved),
                }
            }
            Op::Partial(..) | Op::Row(_) => self.emit(Type::Whnf, resolved),
            Op::Force(a) => self.force(a),
            Op::Normalise(a) if self.type_of(a).is(Type::Nat) => a,
            Op::Normalise(_) => self.emit(Type::Whnf, resolved),
            Op::Prim(prim, ref operands) => self.prim(prim, operands),
            Op::Call(call) => {
                let call = self.simpler(call);
                return self.made(call);
            }
        };
        vec![value]
    }

    fn prim(&mut self, prim: crate::ir::Prim, operands: &[Operand]) -> Operand {
        if let Some(value) = self.of_known(prim, operands) {
            return value;
        }
        let types = self.unit.types_of(&self.out, operands);
        match fold(prim, operands, &types) {
            Some(Folded::Value(value)) => value,
            Some(Folded::Prim(prim, operands)) => self.prim(prim, &operands),
            None => self.emit(prim.result_of(operands, &types), Op::Prim(prim, operands.to_vec())),
        }
    }

    /// Whether a variable of a function is surely needed where it is defined.
    fn is_demanded(&self, frame: &Frame<'u>, var: Var) -> bool {
        self.demands.is_some_and(|demands| demands.is_demanded(frame.id, var))
    }
}
