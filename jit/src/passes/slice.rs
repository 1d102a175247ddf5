//! Slices: a row without its first items (`drop`), as a generated row whose item at an index is the
//! item of another row at a greater index.
//!
//! ```text
//! before  v2 = call jet drop(1, v0)
//! after   v1 = length v0; v2 = dec v1; v3 = generate f1(v2, v0)
//!         thunk f1(v0, v1) { v2 = inc v1; v3 = item v0, v2; enter v3 }
//! ```
//!
//! What reads a slice item by item reads the other row instead ([`fuse`](super::fuse)). A slice that
//! is needed as a row is made by the jet, which shares the parts of a long row
//! ([`Slice::jet_call`]).

use crate::ir::{
    BlockId, Call, Callee, Function, FunctionRole, JetOperation, Op, Operand, Prim, Stmt,
    Terminator, Type, Unit, Var,
};

/// The number of items that the code of a slice's item skips.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Slice {
    pub(super) from: u64,
}

/// The generated row of the items of `row` from an index on. `written` gets the statements that
/// compute the number of items.
pub(super) fn generate(
    unit: &mut Unit,
    function: &mut Function,
    from: u64,
    row: Operand,
    written: &mut Vec<Stmt>,
) -> Option<Op> {
    if !unit.type_of(function, row)?.is(Type::Whnf) {
        return None;
    }
    let length = length_of(function, row, written);
    let count = function.new_var(Type::Small);
    let rest = Op::Prim(Prim::Sub, vec![length, Operand::Small(from)]);
    written.push(Stmt::Let(vec![count], rest));
    let mut code = Function::with_params(FunctionRole::Thunk, [Type::Whnf, Type::Small]);
    let params = code.param_operands();
    let (stmts, item) = Slice { from }.read(&mut code, params[0], params[1]);
    let first = &mut code.blocks[BlockId::FIRST];
    first.stmts = stmts;
    first.terminator = Terminator::Enter(item.into());
    let code = unit.functions.push(code);
    Some(Op::Generate(code, vec![count.into(), row]))
}

impl Slice {
    /// What the code of an item skips, if it does nothing but read an item of its only capture.
    pub(super) fn of(code: &Function) -> Option<Slice> {
        let &[row, index] = &code.params[..] else { return None };
        let block = &code.blocks[code.entry];
        let (reads, value) = match (&block.stmts[..], &block.terminator) {
            (reads @ [_, _], Terminator::Enter(Operand::Var(value))) => (reads, *value),
            (
                [reads @ .., Stmt::Let(vars, Op::Force(Operand::Var(value)))],
                Terminator::Return(results),
            ) if results[..] == [Operand::Var(vars[0])] => (reads, *value),
            _ => return None,
        };
        let [Stmt::Let(at, Op::Prim(add, added)), Stmt::Let(item, Op::Prim(Prim::Item, read))] =
            reads
        else {
            return None;
        };
        let from = match (add, &added[..]) {
            (Prim::Inc, [Operand::Var(var)]) if *var == index => 1,
            (Prim::Add, [Operand::Var(var), Operand::Small(from)]) if *var == index => *from,
            _ => return None,
        };
        let reads_item = item[..] == [value] && read[..] == [row.into(), at[0].into()];
        reads_item.then_some(Slice { from })
    }

    /// The statements that read the item of a slice of `row` at an index, and the item. The item is 0
    /// beyond the end of the slice, which is the end of the row.
    pub(super) fn read(
        self,
        function: &mut Function,
        row: Operand,
        index: Operand,
    ) -> (Vec<Stmt>, Var) {
        let ty = match index {
            Operand::Var(var) => function.vars[var].boxed(),
            _ => Type::Nat,
        };
        let operands = vec![index, Operand::Small(self.from)];
        let at = function.new_var(Prim::Add.result_of(&operands, &[ty, Type::Small]));
        let item = function.new_var(Type::Any);
        let stmts = vec![
            Stmt::Let(vec![at], Op::Prim(Prim::Add, operands)),
            Stmt::Let(vec![item], Op::Prim(Prim::Item, vec![row, at.into()])),
        ];
        (stmts, item)
    }

    /// The call of the jet that makes the slice of `row`, if its number of items is `count`.
    pub(super) fn jet_call(
        self,
        unit: &Unit,
        function: &Function,
        count: Operand,
        row: Operand,
    ) -> Option<Call> {
        let rest = match definition(function, count)? {
            Op::Prim(Prim::Dec, operands) if self.from == 1 => operands[0],
            Op::Prim(Prim::Sub, operands) if operands[1] == Operand::Small(self.from) => {
                operands[0]
            }
            _ => return None,
        };
        let is_length =
            matches!(definition(function, rest)?, Op::Prim(Prim::Length, of) if of[0] == row);
        let jet = unit.constants.iter().find(|(_, constant)| {
            let jet = constant.jet.as_ref();
            jet.is_some_and(|jet| jet.operation == Some(JetOperation::Drop))
        });
        let (k, _) = jet.filter(|_| is_length)?;
        Some(Call { callee: Callee::Jet(k), args: vec![Operand::Small(self.from), row] })
    }
}

/// The operation that defines a variable.
pub(super) fn definition(function: &Function, operand: Operand) -> Option<&Op> {
    let Operand::Var(var) = operand else { return None };
    let blocks = function.blocks.values();
    blocks.flat_map(|block| &block.stmts).find_map(|stmt| match stmt {
        Stmt::Let(vars, op) if vars.first() == Some(&var) => Some(op),
        _ => None,
    })
}

/// The length of a row, which `written` gets a statement for.
pub(super) fn length_of(function: &mut Function, row: Operand, written: &mut Vec<Stmt>) -> Operand {
    let length = function.new_var(Type::Small);
    written.push(Stmt::Let(vec![length], Op::Prim(Prim::Length, vec![row])));
    length.into()
}
