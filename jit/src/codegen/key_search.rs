//! Searches for a key in a table or set that is a data jet: by the runtime directly, without the call
//! of the jet, if the evaluated parts of the key decide.
//!
//! A thunk that looks a value up keeps its table alive, and programs often make one to change an entry
//! of the same table. So where the code of a thunk is just a look-up, the value is looked up instead of
//! making the thunk, if the table and the key are evaluated.

use super::error::CompileError;
use super::symbol::Stub;
use super::translator::FunctionTranslator;
use crate::ir::{
    Call, Callee, ConstantId, Function, JetOperation, Op, Operand, Stmt, Terminator, Unit, Var,
};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use vm::native::UNDECIDED;
use vm::native::layout::top;

/// A search for a key.
#[derive(Clone, Copy)]
pub(super) enum KeySearch {
    /// The value of a key in a table, or else a default.
    LookUp { table: Operand, key: Operand, default: Operand },
    /// The value of a key in a table as an optional value.
    Optional { table: Operand, key: Operand },
    /// Whether a key is among those of a value of that kind, a table or a set.
    HasKey { keys: Operand, key: Operand, top: u64 },
}

impl KeySearch {
    /// The search that a jet with that operation makes, if it makes one.
    pub(super) fn of(operation: JetOperation, args: &[Operand]) -> Option<KeySearch> {
        Some(match (operation, args) {
            (JetOperation::TableItem, &[key, table]) => {
                KeySearch::LookUp { table, key, default: Operand::Small(0) }
            }
            (JetOperation::SwitchTable, &[key, default, table]) => {
                KeySearch::LookUp { table, key, default }
            }
            (JetOperation::OptionalTableItem, &[key, table]) => KeySearch::Optional { table, key },
            (JetOperation::TableHasKey, &[key, keys]) => {
                KeySearch::HasKey { keys, key, top: top::TAB }
            }
            (JetOperation::SetHasKey, &[key, keys]) => {
                KeySearch::HasKey { keys, key, top: top::SET }
            }
            _ => return None,
        })
    }
}

impl FunctionTranslator<'_, '_> {
    /// The evaluated result of a jet that searches for a key.
    pub(super) fn search(
        &mut self,
        search: KeySearch,
        jet: ConstantId,
        args: &[Operand],
    ) -> Result<Value, CompileError> {
        let (slowly, (done, result)) = (self.emit.cold_block(), self.emit.block_with_param());
        let found = self.found(search, slowly);
        let value = match search {
            KeySearch::LookUp { .. } => self.force(found),
            KeySearch::Optional { .. } | KeySearch::HasKey { .. } => found,
        };
        self.emit.jump(done, &[value]);
        self.call_jet_in(slowly, done, jet, args)?;
        Ok(result)
    }

    /// The result of a search, a value that is not evaluated. Continues only if the searched value is
    /// a data jet and the evaluated parts of the key decide.
    fn found(&mut self, search: KeySearch, otherwise: Block) -> Value {
        let found = match search {
            KeySearch::LookUp { table, key, default } => {
                let words = self.words(&[table, key, default]);
                let is_table = self.emit.is_top(words[0], top::TAB);
                self.emit.guard(is_table, otherwise);
                self.emit.call_stub(Stub::LookUp, &words)
            }
            KeySearch::Optional { table, key } => {
                let words = self.words(&[table, key]);
                let is_table = self.emit.is_top(words[0], top::TAB);
                self.emit.guard(is_table, otherwise);
                self.emit.call_stub(Stub::OptionalItem, &words)
            }
            KeySearch::HasKey { keys, key, top } => {
                let words = self.words(&[keys, key]);
                let is_data = self.emit.is_top(words[0], top);
                self.emit.guard(is_data, otherwise);
                self.emit.call_stub(Stub::HasKey, &words)
            }
        };
        let is_known = self.emit.b.ins().icmp_imm_s(IntCC::NotEqual, found, UNDECIDED as i64);
        self.emit.guard(is_known, otherwise);
        found
    }

    /// The look-up that a thunk is for, if its code is nothing else.
    pub(super) fn delayed_look_up(&self, op: &Op) -> Option<KeySearch> {
        let (operation, args) = sole_jet_call(self.unit, op)?;
        match KeySearch::of(operation, &args)? {
            look_up @ KeySearch::LookUp { .. } => Some(look_up),
            KeySearch::Optional { .. } | KeySearch::HasKey { .. } => None,
        }
    }

    /// Defines a variable as the value that a look-up finds, or as a thunk of the look-up.
    pub(super) fn look_up_or_allocate(
        &mut self,
        look_up: KeySearch,
        var: Var,
        op: &Op,
    ) -> Result<(), CompileError> {
        self.define_or_allocate(var, op, |this, otherwise| this.found(look_up, otherwise))
    }
}

/// The operation and the arguments of the call of a jet that the code of a thunk consists of, after
/// it evaluates captured values. The arguments are those values, evaluated or not.
pub(super) fn sole_jet_call(unit: &Unit, op: &Op) -> Option<(JetOperation, Vec<Operand>)> {
    let Op::Thunk(entry, captures) = op else { return None };
    let code = &unit.functions[*entry];
    let call = sole_call(code)?;
    let Callee::Jet(jet) = call.callee else { return None };
    let operation = unit.constants[jet].jet.as_ref()?.operation?;
    let captured = |operand: &Operand| match operand {
        Operand::Var(var) => capture_of(code, *var, captures),
        constant => Some(*constant),
    };
    let args: Option<Vec<Operand>> = call.args.iter().map(captured).collect();
    Some((operation, args?))
}

/// The call that the code of a thunk consists of, after it evaluates captured values.
fn sole_call(code: &Function) -> Option<&Call> {
    let block = &code.blocks[code.entry];
    let Terminator::Tail(call) = &block.terminator else { return None };
    let is_force = |stmt: &Stmt| matches!(stmt, Stmt::Let(_, Op::Force(_)));
    block.stmts.iter().all(is_force).then_some(call)
}

/// The captured value that a variable of a thunk's code is, evaluated or not.
fn capture_of(code: &Function, var: Var, captures: &[Operand]) -> Option<Operand> {
    let forced = code.blocks[code.entry].stmts.iter().find_map(|stmt| match stmt {
        Stmt::Let(vars, Op::Force(Operand::Var(from))) if vars[..] == [var] => Some(*from),
        _ => None,
    });
    let var = forced.unwrap_or(var);
    let index = code.params.iter().position(|param| *param == var)?;
    captures.get(index).copied()
}
