//! Entry guards: the law's entry tests for the functions that the law was seen with.
//!
//! A law that becomes hot while none of its callers is compiled (a fold that runs for long, say)
//! has no calls with known functions from which `specialise` could make copies. So the unit is
//! built with the functions that the law was called with: its entry tests for each whether it is
//! called with that function again, and if so calls the code with the function as a known value.
//! (Speculation on type feedback, as in V8, with a fallback in place of deoptimisation.)

use crate::ir::{
    Arm, Call, ConstantId, Function, FunctionId, FunctionRole, Op, Operand, Stmt, Terminator, Type,
    Unit, Var,
};

/// A parameter of the law, and the function that it is expected to be.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct ExpectedCallee {
    /// The index of the parameter.
    pub(crate) param: usize,
    /// The function that the parameter applies.
    pub(crate) function: ConstantId,
    /// The number of values that it applies that function to.
    pub(crate) captured: usize,
}

/// Adds a guard to the law's entry for each expected function. Callers within the unit, which may
/// know more, call the code without guards.
pub(crate) fn add_entry_guards(unit: &mut Unit, expected: &[ExpectedCallee]) {
    let code = unit.functions.next_key();
    let Some(law) = unit.constants.get_mut(ConstantId::ROOT).filter(|_| !expected.is_empty())
    else {
        return;
    };
    law.entry = Some(code);
    let params = std::iter::repeat_n(Type::Any, law.arity as usize);
    let mut entry = Function::with_params(FunctionRole::General, params);
    let placeholder = Function::new(FunctionRole::General);
    let body = std::mem::replace(&mut unit.functions[FunctionId::ROOT], placeholder);
    entry.law = body.law;
    unit.functions.push(body);
    for block in unit.functions.values_mut().flat_map(|function| function.blocks.values_mut()) {
        block.for_each_function_mut(|id| {
            if *id == FunctionId::ROOT {
                *id = code;
            }
        });
    }
    let mut args = entry.param_operands();
    let call = |args: &[Operand]| Terminator::Tail(Call::local(code, args.to_vec()));
    let fallback = call(&args);
    let mut here = entry.entry;
    for &ExpectedCallee { param, function, captured } in expected {
        let params: Vec<Var> = (0..captured).map(|_| entry.new_var(Type::Any)).collect();
        let [block, other] = [(); 2].map(|()| entry.new_block(fallback.clone()));
        let captures: Vec<Operand> = params.iter().map(|var| (*var).into()).collect();
        let on = std::mem::replace(&mut args[param], Operand::Constant(function));
        if captured > 0 {
            let closure = entry.new_var(Type::Whnf);
            let partial = Stmt::Let(vec![closure], Op::Partial(function, captures));
            entry.blocks[block].stmts.push(partial);
            args[param] = closure.into();
        }
        let arm = Box::new(Arm { params, block });
        entry.blocks[here].terminator = Terminator::Closure(on, function, arm, other);
        here = block;
    }
    entry.blocks[here].terminator = call(&args);
    unit.functions[FunctionId::ROOT] = entry;
}
