//! Calls on rare paths: they save the live variables, so that the common path keeps them in registers.
//!
//! Cranelift stores a value that is live during a call, and is in its stack map, where the value is defined, and loads
//! it wherever it is used. So one call that rarely happens (the evaluation of an item, a sum that is
//! 2^63 or more, a full nursery) would put all values around it into memory on every path. Here the
//! values are stored and loaded on the path of the call only, where they become other values: no value is
//! live during the call.
//!
//! This is for speed alone. A variable that is not saved is treated by Cranelift as everywhere else.

use super::live_sets::{BlockUses, LiveSets};
use super::symbol::Stub;
use super::translator::FunctionTranslator;
use crate::ir::{BlockId, Function, Operand, Var};
use cranelift_codegen::ir::Value;
use cranelift_frontend::Variable;

/// A call saves no more variables than this; else it saves none.
const VARS_MAX: usize = 8;
/// Numbers are saved if there are more of them than this. Fewer stay in registers that calls preserve, and the frame
/// is smaller, which counts in a deep recursion.
const NUMBERS_KEPT: usize = 2;
/// The calls of a function together save no more variables than this, so that code and the time for
/// compiling it stay in proportion to the function.
const SAVES_MAX: usize = 250;

/// Where the translation is: at statements of a block.
pub(super) struct Place<'f> {
    live_sets: LiveSets<'f>,
    uses: Option<BlockUses>,
    /// The first statement that is being translated.
    start: usize,
    /// The statement after the last one.
    end: usize,
    /// How many variables calls may still save.
    budget: usize,
}

/// Variables that are saved in the first slots of the frame, and behind them the known headers of rows among
/// them.
pub(super) struct SavedVars {
    vars: Vec<Var>,
    headers: Vec<Variable>,
}

impl<'f> Place<'f> {
    pub(super) fn of(function: &'f Function) -> Place<'f> {
        let live_sets = LiveSets::of(function);
        Place { live_sets, uses: None, start: 0, end: 0, budget: SAVES_MAX }
    }
}

impl FunctionTranslator<'_, '_> {
    /// Sets the block that is translated from now on.
    pub(super) fn enter_block(&mut self, id: BlockId) {
        self.place.uses = Some(BlockUses::of(self.function, id));
        self.set_place(0, 0);
    }

    /// Sets the statements that are translated from now on: `count` from `start` on.
    pub(super) fn set_place(&mut self, start: usize, count: usize) {
        (self.place.start, self.place.end) = (start, start + count);
    }

    /// Sets how many statements are translated together.
    pub(super) fn set_place_count(&mut self, count: usize) {
        self.place.end = self.place.start + count;
    }

    /// Calls a stub on a rare path. Nothing on that path uses the operands of the current statements afterwards.
    pub(super) fn call_rarely(&mut self, stub: Stub, args: &[Value]) -> Value {
        let saved = self.save_vars(self.place.end);
        let result = self.call_while_saved(&saved, stub, args);
        self.restore(&saved);
        result
    }

    /// Calls a stub on a rare path. The operands of the current statements are used afterwards.
    pub(super) fn call_rarely_before_use(&mut self, stub: Stub, args: &[Value]) -> Value {
        let saved = self.save_operands();
        let result = self.call_while_saved(&saved, stub, args);
        self.restore(&saved);
        result
    }

    /// Saves the variables that the current statements and the code behind them use.
    pub(super) fn save_operands(&mut self) -> SavedVars {
        self.save_vars(self.place.start)
    }

    /// Whether a call on a rare path would save variables.
    pub(super) fn would_save(&self) -> bool {
        !self.vars_to_save(self.place.end).is_empty()
    }

    /// The variables that statement `end` of the block and the code behind it use, if they are to be saved.
    fn vars_to_save(&self, end: usize) -> Vec<Var> {
        let Place { live_sets, uses, start, budget, .. } = &self.place;
        let Some(uses) = uses.as_ref().filter(|_| *budget > 0) else { return Vec::new() };
        let live = live_sets.between(uses, *start, end);
        let is_mapped = |var: Var| self.location(var).map(|location| location.is_mapped);
        let numbers = live.iter().filter(|var| is_mapped(**var) == Some(false)).count();
        let is_saved = |var: &Var| is_mapped(*var).is_some_and(|it| it || numbers > NUMBERS_KEPT);
        let mut live: Vec<Var> = live.into_iter().filter(is_saved).collect();
        if live.len() > VARS_MAX.min(*budget) {
            live.clear();
        }
        live
    }

    /// Saves the variables that statement `end` of the block and the code behind it use.
    fn save_vars(&mut self, end: usize) -> SavedVars {
        let vars = self.vars_to_save(end);
        self.place.budget -= vars.len();
        for (place, var) in vars.iter().enumerate() {
            let word = self.word(Operand::Var(*var));
            self.emit.save(word, place);
        }
        let headers: Vec<Variable> =
            vars.iter().filter_map(|var| self.known_header(*var)).collect();
        for (place, header) in headers.iter().enumerate() {
            let header = self.emit.b.use_var(*header);
            self.emit.save(header, vars.len() + place);
        }
        SavedVars { vars, headers }
    }

    /// Calls a stub while variables are saved.
    pub(super) fn call_while_saved(
        &mut self,
        SavedVars { vars: saved, .. }: &SavedVars,
        stub: Stub,
        args: &[Value],
    ) -> Value {
        let is_mapped = |var: Var| self.location(var).is_some_and(|location| location.is_mapped);
        let mapped: Vec<usize> =
            (0..saved.len()).filter(|place| is_mapped(saved[*place])).collect();
        self.emit.call_stub_with_saved(stub, args, mapped)
    }

    /// The word of an operand while variables are saved.
    pub(super) fn word_while_saved(&mut self, saved: &SavedVars, of: Operand) -> Value {
        match saved.vars.iter().position(|var| Operand::Var(*var) == of) {
            Some(place) => self.emit.saved(place),
            None => self.word(of),
        }
    }

    /// Gives the variables the values that they have after the calls.
    pub(super) fn restore(&mut self, SavedVars { vars, headers }: &SavedVars) {
        for (place, var) in vars.iter().enumerate() {
            let word = self.emit.saved(place);
            self.define(*var, word);
        }
        for (place, header) in headers.iter().enumerate() {
            let saved = self.emit.saved(vars.len() + place);
            self.emit.b.def_var(*header, saved);
        }
    }
}
