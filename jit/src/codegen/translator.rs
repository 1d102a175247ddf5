//! The state of translating one function, and what every part of the translation needs: the values
//! of variables, forcing, the limit check.
//!
//! The parts are methods in modules of their own: blocks, terminators, calls, objects, arithmetic.

use super::bounds::Bounds;
use super::boxes::with_boxes;
use super::emitter::FunctionEmitter;
use super::environment::{ConstantFacts, UnitEnvironment};
use super::error::CompileError;
use super::liveness::{live_before, live_in_join};
use super::ownership::Ownership;
use super::row_set::KnownRows;
use super::saved::Place;
use super::symbol::{LinkSymbol, Stub};
use super::uses::UseCounts;
use crate::ir::{
    BlockId, ConstantId, Function, FunctionId, FunctionRole, JoinId, Operand, Stmt, Terminator,
    Type, Unit, Var,
};
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use cranelift_frontend::Variable;
use std::collections::{BTreeSet, HashSet};
use vm::native::PARAMETERS_MAX;
use vm::native::layout::{self, top};

/// The most words that a poll saves on the evaluation stack: fewer than the stack's slack.
const SAVED_MAX: usize = 1 << 9;

/// A unit, and what is known of it, while its functions are translated.
pub(super) struct UnitCode<'u> {
    unit: &'u Unit,
    environment: &'u UnitEnvironment,
    /// The functions, with explicit boxes.
    functions: Vec<Function>,
    ownership: Ownership,
}

impl<'u> UnitCode<'u> {
    pub(super) fn of(unit: &'u Unit, environment: &'u UnitEnvironment) -> UnitCode<'u> {
        let functions: Vec<Function> =
            unit.functions.values().map(|function| with_boxes(unit, function)).collect();
        let ownership = Ownership::of(unit, &functions);
        UnitCode { unit, environment, functions, ownership }
    }

    /// A function, with explicit boxes.
    pub(super) fn function(&self, id: FunctionId) -> &Function {
        &self.functions[id.index()]
    }
}

/// A function of a unit while it is translated.
pub(super) struct FunctionTranslator<'e, 'f> {
    pub(super) emit: &'e mut FunctionEmitter<'f>,
    pub(super) unit: &'e Unit,
    /// The number of the function.
    pub(super) id: FunctionId,
    pub(super) function: &'e Function,
    pub(super) ownership: &'e Ownership,
    environment: &'e UnitEnvironment,
    /// Where the values of variables are.
    locations: Vec<Option<VarLocation>>,
    /// The variables with the headers of rows.
    pub(super) headers: Vec<Option<Variable>>,
    /// The blocks of join points.
    pub(super) joins: Vec<Option<JoinBlocks>>,
    /// The rows whose headers are known at all jumps to a join point until now.
    pub(super) joined_rows: Vec<Option<KnownRows>>,
    /// Blocks that are jumped to and not translated yet.
    pub(super) pending: Vec<PendingBlock>,
    /// Blocks that end with a jump back to a loop around them.
    pub(super) back_edges: HashSet<BlockId>,
    pub(super) uses: UseCounts,
    /// Where the translation is, and what is live there.
    pub(super) place: Place<'e>,
    /// The facts that hold at the current instruction.
    pub(super) path: PathFacts,
}

/// Where the value of a variable is. It is one of Cranelift's variables, because it is another value after
/// a poll that suspended the evaluation, and after a call that it is saved in a slot for.
#[derive(Clone, Copy)]
pub(super) struct VarLocation {
    variable: Variable,
    /// Whether it is a word that may point into the heap, and no number: it is in stack maps.
    pub(super) is_mapped: bool,
}

/// The blocks of a join point.
#[derive(Clone, Copy)]
pub(super) struct JoinBlocks {
    /// The block that code outside of the join point's body jumps to.
    pub(super) entry: Block,
    /// The block that the body jumps to. It is another one only in a loop.
    pub(super) header: Block,
}

/// A block that is jumped to and not translated yet.
pub(super) struct PendingBlock {
    pub(super) block: Block,
    pub(super) id: BlockId,
    /// The variables that are parameters of the block.
    pub(super) params: Vec<(Var, Value)>,
    /// The entry of the loop whose header the block is.
    pub(super) loop_entry: Option<Block>,
    /// The join point whose body the block is, unless that is a loop.
    pub(super) join: Option<JoinId>,
    /// The facts that hold where it begins.
    pub(super) path: PathFacts,
}

/// Facts that hold on every path to an instruction.
#[derive(Clone, Default)]
pub(super) struct PathFacts {
    /// Whether the limit was checked. Only code that calls or loops needs the check: no other code
    /// can run for ever, or use more and more stack.
    pub(super) limit_is_checked: bool,
    /// The lower bounds of nats.
    pub(super) bounds: Bounds,
    /// The rows whose headers are known.
    pub(super) rows: KnownRows,
}

impl<'e, 'f> FunctionTranslator<'e, 'f> {
    pub(super) fn new(
        emit: &'e mut FunctionEmitter<'f>,
        code: &'e UnitCode<'_>,
        id: FunctionId,
    ) -> FunctionTranslator<'e, 'f> {
        let function = code.function(id);
        FunctionTranslator {
            emit,
            unit: code.unit,
            id,
            function,
            ownership: &code.ownership,
            environment: code.environment,
            locations: vec![None; function.vars.len()],
            headers: vec![None; function.vars.len()],
            joins: vec![None; function.joins.len()],
            joined_rows: vec![None; function.joins.len()],
            pending: Vec::new(),
            back_edges: HashSet::new(),
            uses: UseCounts::of(function),
            place: Place::of(function),
            path: PathFacts::default(),
        }
    }

    // Variables and operands.

    /// Sets the value of a variable from the current block on. One that may point into the heap
    /// gets a slot in stack maps.
    pub(super) fn define(&mut self, var: Var, value: Value) {
        let location = &mut self.locations[var.index()];
        let VarLocation { variable, .. } = *location.get_or_insert_with(|| {
            let variable = self.emit.b.declare_var(I64);
            let is_mapped = self.function.vars[var] >= Type::Nat;
            if is_mapped {
                self.emit.b.declare_var_needs_stack_map(variable);
            }
            VarLocation { variable, is_mapped }
        });
        self.emit.b.def_var(variable, value);
    }

    /// Where the value of a variable is, if the variable is defined.
    pub(super) fn location(&self, var: Var) -> Option<VarLocation> {
        self.locations[var.index()]
    }

    /// The word of an operand.
    pub(super) fn word(&mut self, operand: Operand) -> Value {
        match operand {
            Operand::Var(var) => match self.locations[var.index()] {
                Some(VarLocation { variable, .. }) => self.emit.b.use_var(variable),
                None => unreachable!("{var} is in scope"),
            },
            Operand::Small(nat) => self.emit.constant(nat),
            Operand::Constant(k) => {
                let address = self.emit.data_address(LinkSymbol::Constants, 8 * k.index());
                let value = self.emit.load(address, 0);
                self.emit.b.declare_value_needs_stack_map(value);
                value
            }
        }
    }

    /// The words of operands.
    pub(super) fn words(&mut self, operands: &[Operand]) -> Vec<Value> {
        operands.iter().map(|operand| self.word(*operand)).collect()
    }

    /// The type of an operand.
    pub(super) fn type_of(&self, operand: Operand) -> Type {
        self.unit.type_of(self.function, operand).unwrap_or(Type::Any)
    }

    /// The facts about the value of a constant.
    pub(super) fn facts(&self, k: ConstantId) -> &ConstantFacts {
        &self.environment.facts[k.index()]
    }

    // Control flow.

    /// A new block that a block of the IR is translated into later, with the facts that hold now.
    pub(super) fn deferred(&mut self, id: BlockId) -> Block {
        let block = self.emit.block();
        self.defer(block, id, Vec::new());
        block
    }

    /// Has a block of the IR translated into this block later, with the facts that hold now.
    pub(super) fn defer(&mut self, block: Block, id: BlockId, params: Vec<(Var, Value)>) {
        let path = self.path.clone();
        self.pending.push(PendingBlock { block, id, params, loop_entry: None, join: None, path });
    }

    // Polls.

    /// Checks the limit before the statements and the terminator, unless it was checked on every
    /// path to here.
    pub(super) fn check_limit_once(&mut self, stmts: &[Stmt], terminator: &Terminator) {
        if std::mem::replace(&mut self.path.limit_is_checked, true) || self.is_bounded() {
            return;
        }
        let live = live_before(self.function, stmts, terminator);
        let within = self.emit.poll_limit();
        self.obey_interrupt(live, &[]);
        self.emit.jump(within, &[]);
        self.emit.switch_to(within);
    }

    /// Whether the function takes a short time, so that it need not poll: its loops take a few turns.
    fn is_bounded(&self) -> bool {
        self.function.role == FunctionRole::Lazy
    }

    /// Jumps from the body of a loop to its header. The evaluation may be suspended at every turn.
    pub(super) fn jump_back(&mut self, join: JoinId, blocks: JoinBlocks, args: &[Operand]) {
        let words = self.words(args);
        if self.is_bounded() {
            return self.emit.jump(blocks.header, &words);
        }
        let within = self.emit.poll_interrupt();
        // The code goes on at the entry, outside of the loop, so that values which do not change in
        // the loop are the same in all turns.
        let live = live_in_join(self.function, join);
        let are_saved: Vec<bool> = args.iter().map(|arg| self.may_be_saved(*arg)).collect();
        let saved: Vec<Value> =
            words.iter().zip(&are_saved).filter(|(_, saved)| **saved).map(|(it, _)| *it).collect();
        let mut saved = self.obey_interrupt(live, &saved).into_iter();
        let again: Vec<Value> = words
            .iter()
            .zip(are_saved)
            .map(|(word, is_saved)| if is_saved { saved.next().unwrap_or(*word) } else { *word })
            .collect();
        self.emit.jump(blocks.entry, &again);
        self.emit.switch_to(within);
        self.emit.jump(blocks.header, &words);
    }

    /// Obeys an interrupt. Variables of `live` whose words the evaluation stack may hold get the values that
    /// they have afterwards: a value that is live during the call, if only a number, would occupy a
    /// preserved register on all paths. Returns what `words` are afterwards.
    fn obey_interrupt(&mut self, live: BTreeSet<Var>, words: &[Value]) -> Vec<Value> {
        // Cranelift keeps the others in slots of the frame.
        let room = SAVED_MAX.saturating_sub(words.len());
        let live: Vec<Var> = live
            .into_iter()
            .filter(|var| self.may_be_saved(Operand::Var(*var)))
            .take(room)
            .collect();
        let mut saved = words.to_vec();
        saved.extend(live.iter().map(|var| self.word(Operand::Var(*var))));
        let mut saved = self.emit.obey_interrupt(&saved);
        for (var, value) in live.into_iter().zip(saved.split_off(words.len())) {
            self.define(var, value);
        }
        saved
    }

    /// Whether an operand is no number that is written in the code, and its word is that of a value: a reference or
    /// a nat below 2^63.
    fn may_be_saved(&self, operand: Operand) -> bool {
        match operand {
            Operand::Var(var) => {
                self.location(var).is_some() && self.function.vars[var] != Type::U64
            }
            Operand::Constant(_) => true,
            Operand::Small(_) => false,
        }
    }

    /// The normal form of a word. A direct nat, and a row that is marked as normal, is its own.
    pub(super) fn normalise(&mut self, word: Value) -> Value {
        let (object, row) = (self.emit.block(), self.emit.block());
        let (slowly, (done, value)) = (self.emit.cold_block(), self.emit.block_with_param());
        let is_object = self.emit.is_not_direct(word);
        self.emit.b.ins().brif(is_object, object, &[], done, &[word.into()]);
        self.emit.switch_to(object);
        let is_row = self.emit.is_top(word, top::ROW);
        self.emit.branch(is_row, row, slowly);
        self.emit.switch_to(row);
        let address = self.emit.address(word);
        let header = self.emit.load(address, 0);
        let mark = self.emit.b.ins().band_imm_u(header, layout::NORMAL as i64);
        self.emit.b.ins().brif(mark, done, &[word.into()], slowly, &[]);
        self.emit.switch_to(slowly);
        let normal = self.call_rarely(Stub::Normalise, &[word]);
        self.emit.jump(done, &[normal]);
        self.emit.switch_to(done);
        value
    }

    /// The value of a word that may point to a thunk.
    pub(super) fn force(&mut self, word: Value) -> Value {
        let (waiting, (done, value)) = (self.emit.cold_block(), self.emit.block_with_param());
        let thunk = self.emit.is_thunk(word);
        self.emit.b.ins().brif(thunk, waiting, &[], done, &[word.into()]);
        self.emit.switch_to(waiting);
        self.force_thunk(word, done);
        self.emit.switch_to(done);
        value
    }

    /// Ends a block that rarely runs with a jump to another, with the value of a thunk.
    pub(super) fn force_thunk(&mut self, thunk: Value, done: Block) {
        if !self.would_save() {
            let forced = self.emit.call_stub(Stub::Force, &[thunk]);
            return self.emit.jump(done, &[forced]);
        }
        // A thunk that is evaluated needs no call, so nothing has to be saved.
        let (ready, slowly) = (self.emit.cold_block(), self.emit.cold_block());
        let address = self.emit.address(thunk);
        let is_done = self.emit.is_indirection(address);
        self.emit.branch(is_done, ready, slowly);
        self.emit.switch_to(ready);
        let found = self.emit.payload(address, 0);
        let again = self.emit.is_thunk(found);
        self.emit.branch_rarely(again, slowly, (done, found));
        self.emit.switch_to(slowly);
        let forced = self.call_rarely(Stub::Force, &[thunk]);
        self.emit.jump(done, &[forced]);
    }
}

/// The number of a variadic stub that takes `count` words after the first.
///
/// # Errors
/// If there is no such stub.
pub(super) fn variadic(count: usize) -> Result<u32, CompileError> {
    if count < PARAMETERS_MAX {
        Ok(count as u32)
    } else {
        Err(CompileError::Shape("too many arguments"))
    }
}
