//! Code of thunks that is cheap for captured values of some types: a few total operations, each of which takes a
//! short time.

use crate::ir::{
    Function, FunctionId, FunctionRole, Op, Operand, Prim, Stmt, Terminator, Type, Unit, Var,
};

/// The most statements and terminators of the code that a thunk's header says is cheap.
const CHEAP_SIZE: usize = 7;

/// Whether the code of a thunk computes a nat, cheaply if all captured values are nats below 2^63.
pub(crate) fn is_cheap_on_nats(unit: &Unit, entry: FunctionId) -> bool {
    let function = &unit.functions[entry];
    let Terminator::Return(results) = &function.blocks[function.entry].terminator else {
        return false;
    };
    let types = vec![Type::Small; function.params.len()];
    function.size() <= CHEAP_SIZE
        && is_cheap(unit, entry, &types)
        && unit.types_of(function, results).iter().all(|ty| ty.is(Type::Nat))
}

/// Whether the code of a thunk only runs cheap total operations for captures of these types.
pub(crate) fn is_cheap(unit: &Unit, entry: FunctionId, types: &[Type]) -> bool {
    let source = &unit.functions[entry];
    // A function with the types that its variables have for these captures.
    let mut typed = Function::new(FunctionRole::Thunk);
    typed.vars = source.vars.clone();
    for (param, ty) in source.params.iter().zip(types) {
        typed.vars[*param] = *ty;
    }
    let block = &source.blocks[source.entry];
    let mut code = CheapCode { unit, typed, products: Vec::new(), thunk_size: types.len() + 1 };
    block.stmts.iter().all(|stmt| code.adds(stmt))
        && matches!(&block.terminator, Terminator::Return(_) | Terminator::Enter(_))
}

/// Code that was found to be cheap so far.
struct CheapCode<'u> {
    unit: &'u Unit,
    /// A function with the types of the variables.
    typed: Function,
    /// The variables that are products of two nats below 2^63, or sums and quotients of such.
    products: Vec<Var>,
    /// The number of words of a thunk of the code.
    thunk_size: usize,
}

impl CheapCode<'_> {
    /// Whether another statement is cheap.
    fn adds(&mut self, stmt: &Stmt) -> bool {
        let Stmt::Let(vars, op) = stmt else { return false };
        let ty = match op {
            Op::Prim(prim, operands) if self.is_remainder(*prim, operands) => {
                if *prim != Prim::Mod {
                    self.products.extend(vars);
                }
                prim.result_of(operands, &self.unit.types_of(&self.typed, operands))
            }
            // The object takes no more memory than the thunk would.
            Op::Row(parts) | Op::Partial(_, parts) if parts.len() <= self.thunk_size => Type::Whnf,
            _ => match self.unit.cheap_result(&self.typed, op) {
                Some(ty) => ty,
                None => return false,
            },
        };
        vars.iter().for_each(|var| self.typed.vars[*var] = ty);
        true
    }

    /// Whether an operation is a product of two nats below 2^63, a sum of such, or the division of one by a nat
    /// below 2^63: it takes a short time although the operands may have two limbs. (Random numbers and hashes are
    /// such remainders.)
    fn is_remainder(&self, prim: Prim, operands: &[Operand]) -> bool {
        let types = self.unit.types_of(&self.typed, operands);
        let is_small = |place: usize| types[place].is(Type::Small);
        let is_product = |operand: Operand| self.products.iter().any(|it| operand == (*it).into());
        match (prim, operands) {
            (Prim::Mul, [_, _]) => is_small(0) && is_small(1),
            (Prim::Add, &[a, b]) => {
                (is_product(a) || is_small(0)) && (is_product(b) || is_small(1))
            }
            (Prim::Mod | Prim::Div, &[a, _]) => is_product(a) && is_small(1),
            _ => false,
        }
    }
}
