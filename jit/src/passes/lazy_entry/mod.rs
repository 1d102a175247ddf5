//! The lazy entry of a law: code that returns the application of the law to its arguments,
//! evaluated where that is cheap, and as a thunk otherwise.
//!
//! Jets that apply a function to each of many items (`map`, `gen`) make lazy applications. Most of
//! these functions compute a few numbers from values that are evaluated already, so the thunk costs
//! more than its value. The lazy entry is the law's optimised code with a way out at each point
//! that is not cheap: a value that is not evaluated, a call, a long loop, a crash, a comparison of
//! values that are no nats. The way out makes the thunk. So the lazy entry evaluates nothing that
//! the law would not evaluate, cannot crash, and takes a short, bounded time. (Cheap eagerness:
//! Faxén, ICFP 2000. The tests at run time take the place of his analysis.)
//!
//! A thunk that the code makes is treated in the same way: its code is written in place, and the
//! thunk is made only where a way out is taken.

mod bounded_loops;
pub(super) mod dispatch;
mod jet_reads;
mod writing;

use self::bounded_loops::OwnLoop;
use super::sweep::sweep;
use crate::ir::{
    Arm, Block, BlockId, Call, Callee, ConstantId, Function, FunctionId, FunctionRole, JoinId, Op,
    Operand, Prim, Stmt, Terminator, Type, Unit, Var, side_table,
};
use cranelift_entity::SecondaryMap;

/// The most statements and blocks of a lazy entry.
const SIZE_LIMIT: usize = 160;
/// The most words of objects that a lazy entry makes besides the thunk of the application.
const WORDS_LIMIT: usize = 10;
/// The most statements and blocks of a thunk's code in another function, without loops, unless the thunk
/// would keep a value that is edited.
pub(super) const INLINED_LIMIT: usize = 48;
/// The statements and blocks that are allowed for each loop besides these.
const LOOP_LIMIT: usize = 24;
/// Calls and thunks are written in place up to this depth.
const NESTING_LIMIT: usize = 5;

/// Replaces the root function of an optimised unit by its law's lazy entry. Returns false, with the
/// unit unchanged, if the law has no cheap case.
pub fn make_lazy_entry(unit: &mut Unit) -> bool {
    let Some(entry) = LazyEntryWriter::write(unit) else { return false };
    let law = unit.constants.get_mut(ConstantId::ROOT);
    if let Some(law) = law.filter(|law| law.entry == Some(FunctionId::ROOT)) {
        // The code that thunks run may call the law.
        let moved = unit.functions.next_key();
        law.entry = Some(moved);
        let code = unit.functions[FunctionId::ROOT].clone();
        unit.functions.push(code);
        for block in unit.functions.values_mut().flat_map(|function| function.blocks.values_mut()) {
            block.for_each_function_mut(|id| {
                if *id == FunctionId::ROOT {
                    *id = moved;
                }
            });
        }
    }
    unit.functions[FunctionId::ROOT] = entry;
    sweep(unit);
    true
}

/// A function that is being written, and the block to which code is appended.
pub(super) struct WrittenFunction {
    pub(super) function: Function,
    pub(super) block: BlockId,
}

/// Appends the value of a thunk, where tests show that it is cheap, and the thunk elsewhere. `entry`
/// is the function that the thunk calls with `args`. Returns the number of statements and blocks
/// written, and the value, evaluated or not; `None`, with nothing written, if the code of the thunk
/// makes a call or crashes, or more than `limit` statements and blocks would be written besides loops.
pub(super) fn write_cheap_thunk(
    unit: &Unit,
    written: &mut WrittenFunction,
    (entry, args): (FunctionId, &[Operand]),
    thunk: &Op,
    limit: usize,
) -> Option<(usize, Operand)> {
    let out = std::mem::replace(&mut written.function, Function::new(FunctionRole::Worker));
    let mut writer = LazyEntryWriter::new(unit, out, written.block, Vec::new());
    let before = writer.checkpoint();
    let value = writer.cheap_thunk(entry, args, thunk);
    let is_small = !writer.leaves_always && writer.size <= limit + LOOP_LIMIT * writer.loops;
    if value.is_none() || !is_small {
        writer.restore(&before);
    }
    (written.function, written.block) = (writer.out, writer.block);
    Some((writer.size, value.filter(|_| is_small)?))
}

/// Where the value of code goes.
#[derive(Clone, Copy)]
enum ValueExit {
    /// It is the result of the lazy entry, evaluated or not.
    Return,
    /// It is the argument of a join point, evaluated or not.
    Lazy(JoinId),
    /// The results, evaluated, are the arguments of a join point.
    Evaluated(JoinId),
}

/// The ways out of code.
#[derive(Clone, Copy)]
struct Exits {
    value: ValueExit,
    /// The join point, without parameters, that makes a thunk instead.
    otherwise: JoinId,
}

/// A function whose code is written, and what its variables and join points have become.
#[derive(Clone)]
struct SourceCode<'u> {
    function: &'u Function,
    vars: SecondaryMap<Var, Option<Operand>>,
    joins: SecondaryMap<JoinId, Option<JoinId>>,
    /// For each loop, the number of turns that a jump to it leaves.
    turns: SecondaryMap<JoinId, Option<Operand>>,
    /// The loops of which one turn is written, where a jump begins it.
    first_turns: SecondaryMap<JoinId, bool>,
    /// The loop that the function itself is.
    own_loop: Option<OwnLoop>,
    exits: Exits,
}

impl<'u> SourceCode<'u> {
    fn new(function: &'u Function, args: &[Operand], exits: Exits) -> SourceCode<'u> {
        let (vars, joins) = (side_table(function.vars.len()), side_table(function.joins.len()));
        let (turns, own_loop) = (side_table(function.joins.len()), None);
        let first_turns = side_table(function.joins.len());
        let mut code = SourceCode { function, vars, joins, turns, first_turns, own_loop, exits };
        code.bind_all(&function.params, args);
        code
    }

    fn bind_all(&mut self, vars: &[Var], operands: &[Operand]) {
        for (var, operand) in vars.iter().zip(operands) {
            self.vars[*var] = Some(*operand);
        }
    }

    /// Records a value about which more is known.
    fn refine(&mut self, operand: Operand, value: Operand) {
        if let Operand::Var(var) = operand {
            self.vars[var] = Some(value);
        }
    }

    fn operand(&self, operand: Operand) -> Operand {
        match operand {
            Operand::Var(var) => self.vars[var].unwrap_or(operand),
            constant => constant,
        }
    }

    fn operands(&self, operands: &[Operand]) -> Vec<Operand> {
        operands.iter().map(|operand| self.operand(*operand)).collect()
    }

    fn op(&self, op: &Op) -> Op {
        let mut op = op.clone();
        op.operands_mut().for_each(|operand| *operand = self.operand(*operand));
        op
    }
}

/// What an attempt to write code in place has to restore if the code has no cheap case. All that it
/// writes besides statements at the end of the current block is in blocks that are dead then.
struct Checkpoint {
    block: BlockId,
    /// The number of statements of that block.
    stmts: usize,
    depth: usize,
    words: usize,
    has_value: bool,
}

/// Writes a lazy entry. A method that returns `None` has met something that is not cheap; the
/// caller leaves by the way out that makes a thunk.
struct LazyEntryWriter<'u> {
    unit: &'u Unit,
    out: Function,
    /// The block to which statements are appended, and its depth.
    block: BlockId,
    depth: usize,
    /// The functions whose code is being written, innermost last.
    inlined: Vec<FunctionId>,
    /// The number of statements and blocks written.
    size: usize,
    /// The words of the objects made.
    words: usize,
    /// Whether some way leads to the value.
    has_value: bool,
    /// Whether the code being written is in a loop, and the number of loops written.
    is_in_loop: bool,
    loops: usize,
    /// Whether some way leaves for another reason than the outcome of a test.
    leaves_always: bool,
    /// Whether cases of a switch may leave, if enough others have a value; and calls of a function that is
    /// being written, and later turns of loops.
    may_dispatch: bool,
    /// Whether there is such a switch.
    dispatches: bool,
}

impl<'u> LazyEntryWriter<'u> {
    /// The lazy entry of the law of a unit, if the law has a cheap case.
    fn write(unit: &'u Unit) -> Option<Function> {
        let source = unit.functions.get(FunctionId::ROOT)?;
        let is_law = source.role == FunctionRole::General && !source.params.is_empty();
        if !is_law || !unit.constants.is_valid(ConstantId::ROOT) {
            return None;
        }
        let application = |params| Op::Delay(Operand::Constant(ConstantId::ROOT), params);
        let writer = LazyEntryWriter::write_as(unit, FunctionId::ROOT, application, false)?;
        (writer.has_value && writer.size <= SIZE_LIMIT).then_some(writer.out)
    }

    /// Writes the code of a function as that of a function that returns its result, evaluated where that is
    /// cheap, and else what `thunk` makes of the parameters.
    fn write_as(
        unit: &'u Unit,
        id: FunctionId,
        thunk: impl FnOnce(Vec<Operand>) -> Op,
        may_dispatch: bool,
    ) -> Option<LazyEntryWriter<'u>> {
        let source = unit.functions.get(id)?;
        let mut out =
            Function::with_params(FunctionRole::Lazy, source.param_types()).of_law(source.law);
        out.results = vec![Type::Any];
        let params = out.param_operands();
        let made = out.new_var(Type::Any);
        let body = out.new_block(Terminator::Return(vec![made.into()]));
        out.blocks[body].stmts.push(Stmt::Let(vec![made], thunk(params.clone())));
        let otherwise = out.new_join(Vec::new(), body, false);
        out.blocks[BlockId::FIRST].stmts.push(Stmt::Join(otherwise));
        let mut writer = LazyEntryWriter::new(unit, out, BlockId::FIRST, vec![id]);
        writer.may_dispatch = may_dispatch;
        let exits = Exits { value: ValueExit::Return, otherwise };
        writer.code(&mut SourceCode::new(source, &params, exits), source.entry);
        Some(writer)
    }

    fn new(
        unit: &'u Unit,
        out: Function,
        block: BlockId,
        inlined: Vec<FunctionId>,
    ) -> LazyEntryWriter<'u> {
        LazyEntryWriter {
            unit,
            out,
            block,
            depth: 0,
            inlined,
            size: 0,
            words: 0,
            has_value: false,
            is_in_loop: false,
            loops: 0,
            leaves_always: false,
            may_dispatch: false,
            dispatches: false,
        }
    }

    // Blocks.

    /// Writes the code of a block to the end of the current block.
    fn code(&mut self, code: &mut SourceCode<'u>, block: BlockId) {
        let block = &code.function.blocks[block];
        let Block { stmts, terminator } = block;
        self.size += 1;
        let before = self.leaves_always;
        let written = stmts.iter().try_for_each(|stmt| self.statement(code, stmt));
        if written.and_then(|()| self.terminator(code, terminator)).is_none() {
            self.leaves_always = true;
            self.terminate(Terminator::Jump(code.exits.otherwise, Vec::new()));
        } else if block.ends_with_kind_test() {
            // One side is for values that the operation is not meant for.
            self.leaves_always = before;
        }
    }

    fn statement(&mut self, code: &mut SourceCode<'u>, stmt: &'u Stmt) -> Option<()> {
        if self.size > SIZE_LIMIT || self.depth > SIZE_LIMIT {
            return None;
        }
        match stmt {
            Stmt::Let(vars, op) => {
                let results = self.operation(code, op)?;
                code.bind_all(vars, &results);
            }
            Stmt::Rec(_) => return None,
            Stmt::Join(id) => {
                let join = &code.function.joins[*id];
                if join.is_loop {
                    return self.loop_join(code, *id);
                }
                let types = join.params.iter().map(|var| code.function.vars[*var]);
                let params: Vec<Var> = types.map(|ty| self.out.new_var(ty)).collect();
                let body = self.new_block();
                let new = self.out.new_join(params.clone(), body, false);
                self.push(Stmt::Join(new));
                code.joins[*id] = Some(new);
                let mut inner = code.clone();
                let params: Vec<Operand> = params.into_iter().map(Operand::Var).collect();
                inner.bind_all(&join.params, &params);
                self.branch_to(body, &mut inner, join.body);
            }
        }
        Some(())
    }

    /// Writes the code of a block into a new one under the current block.
    fn branch(&mut self, mut code: SourceCode<'u>, block: BlockId) -> BlockId {
        let new = self.new_block();
        self.branch_to(new, &mut code, block);
        new
    }

    fn branch_to(&mut self, new: BlockId, code: &mut SourceCode<'u>, block: BlockId) {
        let (here, depth) = (std::mem::replace(&mut self.block, new), self.depth);
        self.depth += 1;
        self.code(code, block);
        (self.block, self.depth) = (here, depth);
    }

    fn terminator(&mut self, code: &mut SourceCode<'u>, terminator: &'u Terminator) -> Option<()> {
        match terminator {
            Terminator::Return(results) => self.deliver(code, code.operands(results)),
            Terminator::Enter(a) => {
                let value = match code.exits.value {
                    ValueExit::Evaluated(_) => self.evaluated(code, *a)?,
                    ValueExit::Return | ValueExit::Lazy(_) => code.operand(*a),
                };
                self.deliver(code, vec![value]);
            }
            Terminator::Tail(call) => self.tail_call(code, call)?,
            Terminator::Jump(join, args) if code.joins[*join].is_none() => {
                self.first_turn(code, *join, &code.operands(args))?;
            }
            Terminator::Jump(join, args) => {
                let args = code.operands(args).into_iter().chain(code.turns[*join]).collect();
                self.terminate(Terminator::Jump(code.joins[*join]?, args));
                self.has_value |= self.may_dispatch;
            }
            Terminator::If(condition, yes, no) => match code.operand(*condition) {
                Operand::Small(bit) => self.code(code, if bit == 0 { *no } else { *yes }),
                condition => {
                    let yes = self.branch(code.clone(), *yes);
                    let no = self.branch(code.clone(), *no);
                    self.terminate(Terminator::If(condition, yes, no));
                }
            },
            Terminator::Switch(on, cases, default) => {
                let (cases, default) = self.cases(code, cases, *default);
                self.terminate(Terminator::Switch(code.operand(*on), cases, default));
            }
            Terminator::Direct(on, nat, yes, no) => {
                let (operand, ty) = (code.operand(*on), code.function.vars[*nat]);
                if self.type_of(operand).is(ty) {
                    code.bind_all(&[*nat], &[operand]);
                    self.code(code, *yes);
                    return Some(());
                }
                let bound = self.out.new_var(ty);
                let mut inner = code.clone();
                inner.bind_all(&[*nat], &[bound.into()]);
                inner.refine(*on, bound.into());
                let (yes, no) = (self.branch(inner, *yes), self.branch(code.clone(), *no));
                self.terminate(Terminator::Direct(operand, bound, yes, no));
            }
            Terminator::Closure(on, k, arm, other) => {
                let operand = code.operand(*on);
                let params: Vec<Var> =
                    arm.params.iter().map(|_| self.out.new_var(Type::Any)).collect();
                let mut inner = code.clone();
                let captured: Vec<Operand> = params.iter().map(|var| (*var).into()).collect();
                inner.bind_all(&arm.params, &captured);
                let block = self.branch(inner, arm.block);
                let other = self.branch(code.clone(), *other);
                let arm = Box::new(Arm { params, block });
                self.terminate(Terminator::Closure(operand, *k, arm, other));
            }
            Terminator::Reflect(..) | Terminator::Crash(..) => return None,
        }
        Some(())
    }

    fn tail_call(&mut self, code: &mut SourceCode<'u>, call: &'u Call) -> Option<()> {
        if let Callee::Local(callee) = call.callee {
            if let Some(()) = self.next_turn(code, callee, &call.args) {
                return Some(());
            }
            let function = self.enter(callee)?;
            let args = code.operands(&call.args);
            let written = self.function_code(callee, function, &args, code.exits);
            self.inlined.pop();
            return written;
        }
        let value = match (code.exits.value, self.item_read(code, call)?) {
            (ValueExit::Evaluated(_), item) => self.test_evaluated(item, code.exits.otherwise),
            (ValueExit::Return | ValueExit::Lazy(_), item) => item,
        };
        self.deliver(code, vec![value]);
        Some(())
    }

    fn deliver(&mut self, code: &SourceCode<'u>, values: Vec<Operand>) {
        self.has_value = true;
        self.terminate(match code.exits.value {
            ValueExit::Return => Terminator::Return(values),
            ValueExit::Lazy(join) | ValueExit::Evaluated(join) => Terminator::Jump(join, values),
        });
    }

    // Operations.

    fn operation(&mut self, code: &mut SourceCode<'u>, op: &'u Op) -> Option<Vec<Operand>> {
        let value = match op {
            Op::Force(a) => self.evaluated(code, *a)?,
            Op::Normalise(a) if self.type_of(code.operand(*a)).is(Type::Nat) => code.operand(*a),
            Op::Normalise(a) => self.small(code, *a)?,
            Op::Prim(prim, operands) => self.prim(code, *prim, operands)?,
            Op::Row(parts) | Op::Partial(_, parts) => {
                self.make(parts.len())?;
                self.emit(Type::Whnf, code.op(op))
            }
            Op::Thunk(entry, captures) => {
                self.make(captures.len())?;
                self.thunk(*entry, &code.operands(captures), code.op(op))
            }
            Op::Delay(function, args) => {
                self.make(args.len())?;
                match self.entry_of(code.operand(*function), args.len()) {
                    Some(entry) => self.thunk(entry, &code.operands(args), code.op(op)),
                    None => self.emit(Type::Any, code.op(op)),
                }
            }
            Op::Call(call) => return self.call(code, call),
            // These take time in proportion to the row.
            Op::Generate(..) | Op::ZeroRow(_) | Op::SetItem(_) => return None,
        };
        Some(vec![value])
    }

    /// Counts the words of an object with `parts` parts.
    fn make(&mut self, parts: usize) -> Option<()> {
        self.words += 1 + parts;
        (self.words <= WORDS_LIMIT).then_some(())
    }

    /// The entry of a law of the unit that is given as many arguments as its arity.
    fn entry_of(&self, function: Operand, given: usize) -> Option<FunctionId> {
        let Operand::Constant(k) = function else { return None };
        let law = &self.unit.constants[k];
        law.entry.filter(|_| law.jet.is_none() && law.arity == given as u64)
    }

    /// Writes a primitive operation, after tests of the operands that make it cheap.
    fn prim(
        &mut self,
        code: &mut SourceCode<'u>,
        prim: Prim,
        operands: &[Operand],
    ) -> Option<Operand> {
        if let (Prim::Lsh, [Operand::Small(1), by]) = (prim, operands) {
            return self.power_of_two(code, *by);
        }
        let is_cheap = |this: &Self, code: &SourceCode<'u>| {
            prim.is_cheap(&this.unit.types_of(&this.out, &code.operands(operands)))
        };
        for operand in operands {
            if is_cheap(self, code) {
                break;
            }
            if let Operand::Var(_) = code.operand(*operand) {
                self.small(code, *operand)?;
            }
        }
        is_cheap(self, code).then(|| {
            let operands = code.operands(operands);
            let types = self.unit.types_of(&self.out, &operands);
            self.emit(prim.result_of(&operands, &types), Op::Prim(prim, operands))
        })
    }

    fn call(&mut self, code: &mut SourceCode<'u>, call: &'u Call) -> Option<Vec<Operand>> {
        let Callee::Local(callee) = call.callee else {
            let read = self.item_read(code, call)?;
            let value = self.test_evaluated(read, code.exits.otherwise);
            let is_bit = self.unit.results_of(call)[..] == [Type::Bit];
            return Some(vec![match is_bit {
                true => self.emit(Type::Bit, Op::Prim(Prim::Truth, vec![value])),
                false => value,
            }]);
        };
        if self.unit.functions[callee].role == FunctionRole::Lazy {
            let op = Op::Call(Call { callee: call.callee, args: code.operands(&call.args) });
            return Some(vec![self.emit(Type::Any, op)]);
        }
        let function = self.enter(callee)?;
        let checkpoint = self.checkpoint();
        let results: Vec<Var> = function.results.iter().map(|ty| self.out.new_var(*ty)).collect();
        let after = self.new_block();
        let join = self.out.new_join(results.clone(), after, false);
        self.push(Stmt::Join(join));
        let exits = Exits { value: ValueExit::Evaluated(join), ..code.exits };
        let args = code.operands(&call.args);
        self.function_code(callee, function, &args, exits);
        self.inlined.pop();
        self.finish_inlined(&checkpoint, after)?;
        Some(results.into_iter().map(Operand::Var).collect())
    }

    /// A thunk, or its value where that is cheap.
    fn thunk(&mut self, entry: FunctionId, args: &[Operand], thunk: Op) -> Operand {
        match self.cheap_thunk(entry, args, &thunk) {
            Some(value) => value,
            None => self.emit(Type::Any, thunk),
        }
    }

    /// The value of a thunk where that is cheap, and the thunk elsewhere; `None`, with nothing
    /// written, if the thunk's code has no cheap case.
    fn cheap_thunk(&mut self, entry: FunctionId, args: &[Operand], thunk: &Op) -> Option<Operand> {
        let function = self.enter(entry)?;
        let checkpoint = self.checkpoint();
        let (value, made) = (self.out.new_var(Type::Any), self.out.new_var(Type::Any));
        let after = self.new_block();
        let join = self.out.new_join(vec![value], after, false);
        let body = self.out.new_block(Terminator::Jump(join, vec![made.into()]));
        self.out.blocks[body].stmts.push(Stmt::Let(vec![made], thunk.clone()));
        let otherwise = self.out.new_join(Vec::new(), body, false);
        self.push(Stmt::Join(join));
        self.push(Stmt::Join(otherwise));
        let exits = Exits { value: ValueExit::Lazy(join), otherwise };
        self.code(&mut SourceCode::new(function, args, exits), function.entry);
        self.inlined.pop();
        self.finish_inlined(&checkpoint, after)?;
        Some(value.into())
    }

    /// Begins to write a function in place, if the limits allow it.
    fn enter(&mut self, callee: FunctionId) -> Option<&'u Function> {
        if self.inlined.len() > NESTING_LIMIT || self.inlined.contains(&callee) {
            return None;
        }
        self.inlined.push(callee);
        self.unit.functions.get(callee)
    }

    fn checkpoint(&mut self) -> Checkpoint {
        let LazyEntryWriter { block, depth, words, .. } = *self;
        let has_value = std::mem::take(&mut self.has_value);
        let stmts = self.out.blocks[block].stmts.len();
        Checkpoint { block, stmts, depth, words, has_value }
    }

    /// Removes what was written since a checkpoint. The caller goes on in its block, whose terminator
    /// is still to be set.
    fn restore(&mut self, before: &Checkpoint) {
        (self.block, self.depth, self.words) = (before.block, before.depth, before.words);
        self.out.blocks[before.block].stmts.truncate(before.stmts);
    }

    /// Continues behind code that was written in place. If that has no cheap case, removes it.
    fn finish_inlined(&mut self, before: &Checkpoint, after: BlockId) -> Option<()> {
        if std::mem::replace(&mut self.has_value, before.has_value) {
            (self.block, self.depth) = (after, before.depth + 1);
            return Some(());
        }
        self.restore(before);
        None
    }
}
