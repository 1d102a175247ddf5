//! Calls, in tail position and not.

use super::GiveUp;
use super::emit::Target;
use super::lower::{Lower, block_size};
use crate::ir::{Call, Callee, ConstantId, Operand, Type};
use crate::runtime::Stub;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value};

/// What a call becomes.
enum Goal {
    /// A function or stub, and how many results it has.
    Target(Target, usize),
    /// Compiled code whose address appears at a constant's place, which may still be 0: then the stub
    /// is called; the first argument is the function, for it alone.
    Entry(ConstantId, Stub),
}

impl Lower<'_, '_> {
    /// Calls; the results.
    pub(super) fn call(&mut self, call: &Call) -> Result<Vec<Value>, GiveUp> {
        if let Callee::Jet(jet) = call.callee
            && let Some(value) = self.look_into(jet, &call.args)?
        {
            return Ok(vec![value]);
        }
        let (goal, args) = self.goal(call)?;
        let (entry, stub) = match goal {
            Goal::Target(target, results) => return Ok(self.emit.call(target, &args, results)),
            Goal::Entry(entry, stub) => (entry, stub),
        };
        let (compiled, (done, value)) = (self.emit.block(), self.emit.block_of_word());
        let interpreted = self.emit.cold_block();
        let address = self.entry(entry, compiled, interpreted);
        self.emit.go_on_in(compiled);
        let result = self.emit.call_address(address, &args[1..]);
        self.emit.jump(done, &[result]);
        self.emit.go_on_in(interpreted);
        let result = self.emit.call_stub(stub, &args);
        self.emit.jump(done, &[result]);
        self.emit.go_on_in(done);
        Ok(vec![value])
    }

    /// Calls in place of this function.
    pub(super) fn tail_call(&mut self, call: &Call) -> Result<(), GiveUp> {
        if let Callee::Jet(jet) = call.callee
            && let Some(value) = self.look_into(jet, &call.args)?
        {
            self.emit.b.ins().return_(&[value]);
            return Ok(());
        }
        let (goal, args) = self.goal(call)?;
        match goal {
            Goal::Target(target, results) => self.emit.tail_call(target, &args, results),
            Goal::Entry(entry, stub) => {
                let (compiled, interpreted) = (self.emit.block(), self.emit.cold_block());
                let address = self.entry(entry, compiled, interpreted);
                self.emit.go_on_in(compiled);
                self.emit.tail_call_address(address, &args[1..]);
                self.emit.go_on_in(interpreted);
                self.emit.tail_call(Target::Stub(stub), &args, 1);
            }
        }
        Ok(())
    }

    /// Looks for the code of a law: its address, where it is known that there is some.
    fn entry(
        &mut self,
        entry: ConstantId,
        compiled: cranelift_codegen::ir::Block,
        interpreted: cranelift_codegen::ir::Block,
    ) -> Value {
        let place = self.emit.data_address(Target::Entry(entry.as_u32()), 0);
        let address = self.emit.load(place, 0);
        let there = self.emit.b.ins().icmp_imm_s(IntCC::NotEqual, address, 0);
        self.emit.branch(there, compiled, interpreted);
        address
    }

    /// What is called, and with what.
    fn goal(&mut self, call: &Call) -> Result<(Goal, Vec<Value>), GiveUp> {
        let args = &call.args[..];
        match call.callee {
            Callee::Local(function) => {
                let results = self.unit.functions[function].results.len();
                let target = Target::Function(function.as_u32());
                Ok((Goal::Target(target, results), self.words(args)))
            }
            Callee::Known(k) => match self.unit.constants[k].entry {
                Some(function) => {
                    Ok((Goal::Target(Target::Function(function.as_u32()), 1), self.words(args)))
                }
                None => self.known(k, args),
            },
            Callee::Unknown(function) => self.block_call(function, args, Stub::Apply),
            Callee::Jet(k) => self.block_call(Operand::Constant(k), args, Stub::Jet),
            Callee::Worker(_) => Err(GiveUp::Shape("a worker of another unit is called")),
        }
    }

    /// A law that is not part of the unit.
    fn known(&mut self, k: ConstantId, args: &[Operand]) -> Result<(Goal, Vec<Value>), GiveUp> {
        let has_entry = self.facts(k).entry.is_some();
        let (goal, words) = self.block_call(Operand::Constant(k), args, Stub::Apply)?;
        if !has_entry {
            return Ok((goal, words));
        }
        Ok((Goal::Entry(k, Stub::Apply(args.len() as u32)), words))
    }

    /// A call by a stub, which takes the function first.
    fn block_call(
        &mut self,
        function: Operand,
        args: &[Operand],
        stub: fn(u32) -> Stub,
    ) -> Result<(Goal, Vec<Value>), GiveUp> {
        let stub = stub(block_size(args.len())?);
        let mut words = vec![self.word(function)];
        if !self.type_of(function).is(Type::Whnf) {
            words[0] = self.force(words[0]);
        }
        words.extend(self.words(args));
        Ok((Goal::Target(Target::Stub(stub), 1), words))
    }
}
