//! Translating calls, in tail position and not.

use super::collection_edit::EditTarget;
use super::error::CompileError;
use super::symbol::{LinkSymbol, Stub};
use super::translator::{FunctionTranslator, variadic};
use crate::ir::{Call, Callee, ConstantId, Operand, Type};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value};

/// The target of a call.
enum CallTarget {
    /// A function or stub, and the count of its results.
    Symbol(LinkSymbol, usize),
    /// The code that the entry cell of a constant names, or the stub while the cell is 0. The first
    /// argument is the function, which only the stub takes.
    EntryCell(ConstantId, Stub),
}

impl FunctionTranslator<'_, '_> {
    /// Translates a call, and returns the results; `target` is the place of the first.
    pub(super) fn call(
        &mut self,
        call: &Call,
        target: EditTarget,
    ) -> Result<Vec<Value>, CompileError> {
        if let Callee::Jet(jet) = call.callee
            && let Some(value) = self.inline_access(jet, &call.args, target)?
        {
            return Ok(vec![value]);
        }
        let (target, args) = self.call_target(call)?;
        let (entry, stub) = match target {
            CallTarget::Symbol(symbol, results) => {
                return Ok(self.emit.call(symbol, &args, results));
            }
            CallTarget::EntryCell(entry, stub) => (entry, stub),
        };
        let (compiled, (done, value)) = (self.emit.block(), self.emit.block_with_param());
        let interpreted = self.emit.cold_block();
        let address = self.load_entry(entry, compiled, interpreted);
        self.emit.switch_to(compiled);
        let result = self.emit.call_address(address, &args[1..]);
        self.emit.jump(done, &[result]);
        self.emit.switch_to(interpreted);
        let result = self.emit.call_stub(stub, &args);
        self.emit.jump(done, &[result]);
        self.emit.switch_to(done);
        Ok(vec![value])
    }

    /// Translates a call in place of this function.
    pub(super) fn tail_call(&mut self, call: &Call) -> Result<(), CompileError> {
        if let Callee::Jet(jet) = call.callee
            && let Some(value) = self.inline_access(jet, &call.args, EditTarget::Result)?
        {
            self.emit.b.ins().return_(&[value]);
            return Ok(());
        }
        let (target, args) = self.call_target(call)?;
        match target {
            CallTarget::Symbol(symbol, results) => self.emit.tail_call(symbol, &args, results),
            CallTarget::EntryCell(entry, stub) => {
                let (compiled, interpreted) = (self.emit.block(), self.emit.cold_block());
                let address = self.load_entry(entry, compiled, interpreted);
                self.emit.switch_to(compiled);
                self.emit.tail_call_address(address, &args[1..]);
                self.emit.switch_to(interpreted);
                self.emit.tail_call(LinkSymbol::Stub(stub), &args, 1);
            }
        }
        Ok(())
    }

    /// The address of the code of a law, in the block where it is known that there is some.
    fn load_entry(&mut self, entry: ConstantId, compiled: Block, interpreted: Block) -> Value {
        let cell = self.emit.data_address(LinkSymbol::EntryCell(entry.as_u32()), 0);
        let address = self.emit.load(cell, 0);
        let is_compiled = self.emit.b.ins().icmp_imm_s(IntCC::NotEqual, address, 0);
        self.emit.branch(is_compiled, compiled, interpreted);
        address
    }

    /// The target and the arguments of a call.
    fn call_target(&mut self, call: &Call) -> Result<(CallTarget, Vec<Value>), CompileError> {
        let args = &call.args[..];
        match call.callee {
            Callee::Local(function) => {
                self.disown_args(function, &self.unit.functions[function].params, args);
                let results = self.unit.functions[function].results.len();
                let symbol = LinkSymbol::Function(function.as_u32());
                Ok((CallTarget::Symbol(symbol, results), self.words(args)))
            }
            Callee::Known(k) => match self.unit.constants[k].entry {
                Some(function) => Ok((
                    CallTarget::Symbol(LinkSymbol::Function(function.as_u32()), 1),
                    self.words(args),
                )),
                None => self.call_of_law(k, args),
            },
            Callee::Unknown(function) => self.stub_call(function, args, Stub::Apply),
            Callee::Jet(k) => self.stub_call(Operand::Constant(k), args, Stub::Jet),
            Callee::Worker(_) => Err(CompileError::Shape("a worker of another unit is called")),
        }
    }

    /// A call of a law that is not part of the unit.
    fn call_of_law(
        &mut self,
        k: ConstantId,
        args: &[Operand],
    ) -> Result<(CallTarget, Vec<Value>), CompileError> {
        let has_entry = self.facts(k).entry.is_some();
        let (target, words) = self.stub_call(Operand::Constant(k), args, Stub::Apply)?;
        if !has_entry {
            return Ok((target, words));
        }
        Ok((CallTarget::EntryCell(k, Stub::Apply(args.len() as u32)), words))
    }

    /// A call through a variadic stub, which takes the function first.
    fn stub_call(
        &mut self,
        function: Operand,
        args: &[Operand],
        stub: fn(u32) -> Stub,
    ) -> Result<(CallTarget, Vec<Value>), CompileError> {
        let stub = stub(variadic(args.len())?);
        let mut words = vec![self.word(function)];
        if !self.type_of(function).is(Type::Whnf) {
            words[0] = self.force(words[0]);
        }
        words.extend(self.words(args));
        Ok((CallTarget::Symbol(LinkSymbol::Stub(stub), 1), words))
    }
}
