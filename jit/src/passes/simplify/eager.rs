//! Thunks that are evaluated instead of allocated, because their value costs no more than they do.
//!
//! Cheap eagerness: the code of a thunk may run immediately if it is a few total operations on
//! evaluated values, or makes a row no larger than the thunk. (Faxén, "Cheap eagerness: speculative
//! evaluation in a lazy functional language", ICFP 2000.)
//!
//! Speculation: often the values are not known to be evaluated but usually are: a counter that is
//! passed on lazily, say. If the code would be cheap provided that a few values are nats below
//! 2^63, or below 2^64 for code that computes on words, the generated code tests whether they are,
//! and allocates the thunk only if one is not. Code with branches, code that reads items of rows, and
//! short loops are tested as they run: see [`lazy_entry`](crate::passes::lazy_entry). A thunk that reads an item
//! would keep its row alive, and a chain of them (the state of a fold) all rows before.

use super::source::SourceFrame;
use super::walker::Simplifier;
use crate::analysis::call_graph::{called_functions, tail_calls};
use crate::analysis::cheap_code::is_cheap;
use crate::analysis::collections::edited_values;
use crate::ir::{
    Call, Callee, DEPTH_LIMIT, Function, FunctionId, FunctionRole, JetOperation, Op, Operand, Prim,
    Stmt, Terminator, Type, Var,
};
use crate::passes::lazy_entry::{INLINED_LIMIT, WrittenFunction, write_cheap_thunk};

/// The largest code of a thunk that is evaluated without a test.
const CHEAP_SIZE: usize = 4;
/// The largest code of a thunk that is evaluated behind tests.
const SPECULATED_SIZE: usize = 7;
/// The state of a loop's next turn is made eagerly if it has at most that many new objects.
const CONSTRUCTION_SIZE: usize = 16;
/// The largest code of a thunk with branches, or that reads items, that is evaluated behind tests.
const BRANCHING_SIZE: usize = 24;
/// The largest code of a thunk that would keep a row, table or set which its maker edits: each would keep
/// another version, and the edit would copy.
const KEEPING_SIZE: usize = 72;
/// No such code is written in a function that is larger: each attempt copies the function.
const BRANCHING_WRITTEN: usize = 1500;
/// The most values that are tested.
const TESTS_LIMIT: usize = 2;

/// What is assumed of the captures of a thunk.
struct Assumptions {
    /// Their types.
    types: Vec<Type>,
    /// The captures that are tested, and the types for which they are.
    tested: Vec<(Operand, Type)>,
}

impl<'u> Simplifier<'u> {
    /// Evaluates the code of a thunk if that is cheap. The value may be another thunk.
    pub(super) fn evaluate_eagerly(
        &mut self,
        entry: FunctionId,
        captures: &[Operand],
    ) -> Option<Operand> {
        let types = self.unit.types_of(&self.out, captures);
        let is_cheap = self.options.eager && self.is_cheap(entry, &types, CHEAP_SIZE);
        is_cheap.then(|| self.inline_lazily(entry, captures))
    }

    /// Evaluates the code of a thunk behind tests that some captures are evaluated rows, or nats of the
    /// [tested type](Self::tested_type), if it is cheap when they are; allocates the thunk if a test
    /// fails.
    pub(super) fn speculate(&mut self, entry: FunctionId, captures: &[Operand]) -> Option<Operand> {
        if !self.options.speculate {
            return None;
        }
        let untested = self.assumptions(entry, captures, Type::Nat)?;
        if untested.tested.is_empty() && self.is_cheap(entry, &untested.types, SPECULATED_SIZE) {
            // What earlier passes did not know to be cheap.
            return Some(self.inline_lazily(entry, captures));
        }
        // An operation may be cheap on nats of any size, and its code smaller without a test.
        let tested = self
            .profitable(entry, untested)
            .or_else(|| self.profitable(entry, self.assumptions(entry, captures, Type::Small)?))?;
        // In front of the join point, so that the code behind it knows the results.
        for (capture, _) in tested.iter().filter(|(_, ty)| *ty == Type::Whnf) {
            self.prim(Prim::Evaluated, &[*capture]);
        }
        let value = self.out.new_var(Type::Any);
        let after = self.new_block();
        let join = self.out.new_join(vec![value], after, false);
        self.push(Stmt::Join(join));
        self.test_each(&tested, &mut |simplifier, hold| {
            let captures: Vec<Operand> =
                captures.iter().map(|a| simplifier.facts.resolve(*a)).collect();
            let value = match hold {
                true => simplifier.inline_lazily(entry, &captures),
                false => simplifier.emit(Type::Any, Op::Thunk(entry, captures)),
            };
            simplifier.terminate(Terminator::Jump(join, vec![value]));
        });
        self.block = after;
        self.depth += 1;
        Some(value.into())
    }

    /// What has to be tested of a thunk's captures so that they are evaluated rows, or nats of the
    /// [tested type](Self::tested_type). Captures of type `known` are not tested. None if one would have to
    /// be both.
    fn assumptions(
        &self,
        entry: FunctionId,
        captures: &[Operand],
        known: Type,
    ) -> Option<Assumptions> {
        let mut types = self.unit.types_of(&self.out, captures);
        let mut tested: Vec<(Operand, Type)> = Vec::new();
        let (rows, nat) = (self.rows_read_by(entry), self.tested_type(entry));
        for (place, (capture, ty)) in captures.iter().zip(&mut types).enumerate() {
            let test = if rows.contains(&place) { Type::Whnf } else { nat };
            if *ty <= test.max(known) {
                continue;
            }
            *ty = test;
            match tested.iter().find(|(other, _)| other == capture) {
                None => tested.push((*capture, test)),
                Some((_, other)) if *other == test => {}
                Some(_) => return None,
            }
        }
        Some(Assumptions { types, tested })
    }

    /// The tests under which the code of a thunk is cheap, if they are few and may hold.
    fn profitable(
        &self,
        entry: FunctionId,
        Assumptions { types, tested }: Assumptions,
    ) -> Option<Vec<(Operand, Type)>> {
        let may_hold = |(capture, ty): &(Operand, Type)| {
            *ty == Type::Whnf || !self.facts.is_not_direct(*capture)
        };
        let is_profitable = (1..=TESTS_LIMIT).contains(&tested.len())
            && tested.iter().all(may_hold)
            && self.depth + TESTS_LIMIT + 2 < DEPTH_LIMIT
            && self.is_cheap(entry, &types, SPECULATED_SIZE);
        is_profitable.then_some(tested)
    }

    /// The places of the parameters that a thunk's code reads an item or the length of.
    fn rows_read_by(&self, entry: FunctionId) -> Vec<usize> {
        let function = &self.unit.functions[entry];
        let stmts = &function.blocks[function.entry].stmts;
        let forced = |row: Operand| {
            stmts.iter().find_map(|stmt| match stmt {
                Stmt::Let(vars, Op::Force(of)) if row == Operand::Var(vars[0]) => Some(*of),
                _ => None,
            })
        };
        let rows = stmts.iter().flat_map(Stmt::ops).filter_map(|op| match op {
            Op::Prim(Prim::Item | Prim::Length, operands) => {
                Some(forced(operands[0]).unwrap_or(operands[0]))
            }
            _ => None,
        });
        let place = |row| function.params.iter().position(|param| row == Operand::Var(*param));
        rows.filter_map(place).collect()
    }

    /// The type that a thunk's code is tested for: `u64` if it computes on words, and on nats only
    /// as far as that gives no wider ones; else `small`.
    fn tested_type(&self, entry: FunctionId) -> Type {
        let prims = self.unit.functions[entry].live_ops().filter_map(|op| match op {
            Op::Prim(prim, _) => Some(*prim),
            _ => None,
        });
        let prims: Vec<Prim> = prims.collect();
        let widens = |prim: &Prim| matches!(prim, Prim::Inc | Prim::Add | Prim::Mul | Prim::Lsh);
        let is_on_words = prims.iter().any(|prim| prim.is_word64());
        if is_on_words && !prims.iter().any(widens) { Type::U64 } else { Type::Small }
    }

    /// Whether a function reads items of rows or bytes of bars, by itself or by calls of jets that do
    /// nothing else.
    fn reads_items(&self, entry: FunctionId) -> bool {
        let function = &self.unit.functions[entry];
        let is_read = |op: &Op| match op {
            Op::Prim(Prim::Item, _) => true,
            Op::Call(call) => self.is_item_read(call),
            _ => false,
        };
        function.live_ops().any(is_read) || tail_calls(function).any(|call| self.is_item_read(call))
    }

    fn is_item_read(&self, call: &Call) -> bool {
        let Callee::Jet(k) = call.callee else { return false };
        let operation = self.unit.constants[k].jet.as_ref().and_then(|jet| jet.operation);
        matches!(operation, Some(JetOperation::Index | JetOperation::Get | JetOperation::Byte))
    }

    /// Whether a function only makes an object, perhaps with thunks in it, and returns it.
    fn returns_new_object(&self, entry: FunctionId) -> bool {
        let function = &self.unit.functions[entry];
        let block = &function.blocks[function.entry];
        let Terminator::Return(results) = &block.terminator else { return false };
        matches!(block.stmts.last(), Some(Stmt::Let(vars, Op::Row(_) | Op::Partial(..)))
            if results[..] == [Operand::Var(vars[0])])
    }

    /// Writes the code of a thunk in place if it makes a row, perhaps with thunks in it, and the row is the state
    /// of the next turn of the walked function's loop. No thunk refers to the state of the turn before then, and
    /// what changes a part of the state may be evaluated at once.
    pub(super) fn make_next_state(
        &mut self,
        frame: &SourceFrame<'u>,
        vars: &[Var],
        (entry, captures): (FunctionId, &[Operand]),
    ) -> Option<Operand> {
        let is_made = self.options.eager
            && self.is_construction(entry)
            && self.may_inline(entry)
            && vars.iter().all(|var| is_next_state(frame, *var));
        is_made.then(|| self.inline_lazily(entry, captures))
    }

    /// Whether a function makes a row, perhaps with thunks in it, and does nothing else.
    fn is_construction(&self, entry: FunctionId) -> bool {
        let function = &self.unit.functions[entry];
        let block = &function.blocks[function.entry];
        let is_made = |stmt: &Stmt| match stmt {
            Stmt::Let(_, op) => matches!(op, Op::Thunk(..) | Op::Delay(..) | Op::Row(_)),
            _ => false,
        };
        self.returns_new_object(entry)
            && block.stmts.len() <= CONSTRUCTION_SIZE
            && block.stmts.iter().all(is_made)
    }

    /// Whether a function calls functions that call themselves: these may be short loops.
    fn calls_loops(&self, entry: FunctionId) -> bool {
        let called = called_functions(&self.unit.functions[entry]);
        called.into_iter().any(|callee| self.summaries[callee].is_recursive)
    }

    /// Whether one of the operands of an operation is a row, table or set that the walked function edits, or the
    /// code of the thunk that it makes.
    pub(super) fn keeps_edited(&self, frame: &SourceFrame<'u>, op: &Op) -> bool {
        self.options.speculate && {
            let edited = edited_values(self.unit, frame.function);
            op.operands().any(|operand| edited.contains(&operand))
                || matches!(op, Op::Thunk(entry, _) if self.edits_capture(*entry))
        }
    }

    /// Whether the code of a thunk edits a row, table or set that it captures.
    fn edits_capture(&self, entry: FunctionId) -> bool {
        let function = &self.unit.functions[entry];
        let mut captured: Vec<Operand> = function.param_operands();
        for stmt in &function.blocks[function.entry].stmts {
            if let Stmt::Let(vars, Op::Force(from)) = stmt
                && captured.contains(from)
            {
                captured.extend(vars.first().map(|var| Operand::Var(*var)));
            }
        }
        let edited = edited_values(self.unit, function);
        captured.iter().any(|operand| edited.contains(operand))
    }

    /// Evaluates the code of a thunk behind tests at each point where it may not be cheap, if it has
    /// branches, reads items, calls a loop or makes an object with thunks in it, or `keeps_edited`: it would keep a
    /// value that is edited. Makes the thunk if a test fails. `thunk` is the operation that makes it.
    pub(super) fn speculate_in_branches(
        &mut self,
        entry: FunctionId,
        args: &[Operand],
        thunk: &Op,
        keeps_edited: bool,
    ) -> Option<Operand> {
        let summary = &self.summaries[entry];
        let size_limit = if keeps_edited { KEEPING_SIZE } else { BRANCHING_SIZE };
        let is_profitable = self.options.speculate
            && self.may_inline(entry)
            && !summary.is_recursive
            && !summary.is_thunk_loop
            && (keeps_edited
                || summary.is_wrapper
                || !summary.is_straight_line
                || self.reads_items(entry)
                || self.calls_loops(entry)
                || self.returns_new_object(entry))
            && summary.size <= size_limit
            && summary.size < self.budget
            && self.depth + 2 * size_limit < DEPTH_LIMIT
            && self.written < BRANCHING_WRITTEN;
        if !is_profitable {
            return None;
        }
        let function = std::mem::replace(&mut self.out, Function::new(FunctionRole::Thunk));
        let mut written = WrittenFunction { function, block: self.block };
        let limit = if keeps_edited { 2 * KEEPING_SIZE } else { INLINED_LIMIT };
        let value = write_cheap_thunk(self.unit, &mut written, (entry, args), thunk, limit);
        (self.out, self.block) = (written.function, written.block);
        let (size, value) = value?;
        self.written += size;
        self.budget = self.budget.saturating_sub(size);
        // The code that follows is the body of a join point.
        self.depth += 1;
        Some(value)
    }

    /// Tests each value for being evaluated, or a nat of a type, `small` or `u64`. Calls `write` with
    /// `true` where all are, and with `false` where one is not.
    fn test_each(&mut self, tested: &[(Operand, Type)], write: &mut dyn FnMut(&mut Self, bool)) {
        let Some(((first, ty), rest)) = tested.split_first() else { return write(self, true) };
        if *ty == Type::Whnf {
            let is_evaluated = self.prim(Prim::Evaluated, &[*first]);
            let yes = self.branch(|simplifier| {
                let value = simplifier.force(*first);
                simplifier.facts.equate(*first, value);
                simplifier.test_each(rest, write);
            });
            let no = self.branch(|simplifier| write(simplifier, false));
            self.terminate(Terminator::If(is_evaluated, yes, no));
            return;
        }
        let nat = self.out.new_var(*ty);
        let yes = self.branch(|simplifier| {
            simplifier.facts.equate(*first, nat.into());
            simplifier.test_each(rest, write);
        });
        let no = self.branch(|simplifier| {
            simplifier.facts.set_not_direct(*first);
            write(simplifier, false);
        });
        self.terminate(Terminator::Direct(*first, nat, yes, no));
    }

    /// Whether the code of a thunk is no larger than a limit and only runs cheap total operations,
    /// for captures of these types.
    fn is_cheap(&self, entry: FunctionId, types: &[Type], size_limit: usize) -> bool {
        if self.summaries[entry].size > size_limit || !self.may_inline(entry) {
            return false;
        }
        is_cheap(self.unit, entry, types)
    }
}

/// Whether a call of the walked function by itself, at its end, passes a variable.
fn is_next_state(frame: &SourceFrame<'_>, var: Var) -> bool {
    tail_calls(frame.function)
        .filter(|call| call.callee == Callee::Local(frame.id))
        .any(|call| call.args.contains(&Operand::Var(var)))
}
