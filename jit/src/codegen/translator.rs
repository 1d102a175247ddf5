//! The state of translating one function, and what every part of the translation needs: the values
//! of variables, forcing, the limit check.
//!
//! The parts are methods in modules of their own: blocks, terminators, calls, objects, arithmetic.

use super::bounds::Bounds;
use super::emitter::FunctionEmitter;
use super::environment::{ConstantFacts, UnitEnvironment};
use super::error::CompileError;
use super::symbol::{LinkSymbol, Stub};
use super::uses::UseCounts;
use crate::ir::{BlockId, ConstantId, Function, Operand, Type, Unit, Var};
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use std::collections::HashSet;
use vm::native::PARAMETERS_MAX;

/// A function of a unit while it is translated.
pub(super) struct FunctionTranslator<'e, 'f> {
    pub(super) emit: &'e mut FunctionEmitter<'f>,
    pub(super) unit: &'e Unit,
    pub(super) function: &'e Function,
    environment: &'e UnitEnvironment,
    /// The values of variables.
    values: Vec<Option<Value>>,
    /// The results of word operations, which are plain numbers of 64 bits and no values.
    pub(super) raw_words: Vec<Option<Value>>,
    /// The blocks of join points.
    pub(super) joins: Vec<Option<Block>>,
    /// Blocks that are jumped to and not translated yet, and the facts that hold where they begin.
    pub(super) pending: Vec<(Block, BlockId, PathFacts)>,
    /// Blocks that end with a jump back to a loop around them.
    pub(super) back_edges: HashSet<BlockId>,
    pub(super) uses: UseCounts,
    /// The facts that hold at the current instruction.
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
}

impl<'e, 'f> FunctionTranslator<'e, 'f> {
    pub(super) fn new(
        emit: &'e mut FunctionEmitter<'f>,
        unit: &'e Unit,
        function: &'e Function,
        environment: &'e UnitEnvironment,
    ) -> FunctionTranslator<'e, 'f> {
        FunctionTranslator {
            emit,
            unit,
            function,
            environment,
            values: vec![None; function.vars.len()],
            raw_words: vec![None; function.vars.len()],
            joins: vec![None; function.joins.len()],
            pending: Vec::new(),
            back_edges: HashSet::new(),
            uses: UseCounts::of(function),
            path: PathFacts::default(),
        }
    }

    // Variables and operands.

    /// Sets the value of a variable. One that may point into the heap gets a slot in stack maps.
    pub(super) fn define(&mut self, var: Var, value: Value) {
        if self.function.vars[var] >= Type::Nat {
            self.emit.b.declare_value_needs_stack_map(value);
        }
        self.values[var.index()] = Some(value);
    }

    /// The word of an operand.
    pub(super) fn word(&mut self, operand: Operand) -> Value {
        match operand {
            Operand::Var(var) => match self.values[var.index()] {
                Some(value) => value,
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
        self.pending.push((block, id, self.path.clone()));
        block
    }

    /// Checks the limit, unless it was checked on every path to here.
    pub(super) fn check_limit_once(&mut self) {
        if !std::mem::replace(&mut self.path.limit_is_checked, true) {
            self.emit.check_limit(self.function.results.len());
        }
    }

    /// The value of a word that may point to a thunk.
    pub(super) fn force(&mut self, word: Value) -> Value {
        let (slowly, (done, value)) = (self.emit.block(), self.emit.block_with_param());
        let thunk = self.emit.is_thunk(word);
        self.emit.b.ins().brif(thunk, slowly, &[], done, &[word.into()]);
        self.emit.switch_to(slowly);
        let forced = self.emit.call_stub(Stub::Force, &[word]);
        self.emit.jump(done, &[forced]);
        self.emit.switch_to(done);
        value
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
