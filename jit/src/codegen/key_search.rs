//! Searches for keys in a table or set that is a data jet: by the runtime directly, without the call
//! of the jet, if the evaluated parts of the key decide.

use super::error::CompileError;
use super::symbol::Stub;
use super::translator::FunctionTranslator;
use crate::ir::{ConstantId, JetOperation, Operand, Type};
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use vm::native::layout::top;

/// Whether a key that is a thunk is evaluated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyEvaluation {
    /// As the jets do it: if it is searched for, that is, unless there are no keys.
    IfNeeded,
    /// Never.
    Never,
}

/// A search for a key.
#[derive(Clone, Copy)]
pub(super) enum KeySearch {
    /// The value of a key in a table, or else a default.
    LookUp { table: Operand, key: Operand, default: Operand },
    /// The value of a key in a table as an optional value.
    Optional { table: Operand, key: Operand },
    /// Whether a key is among those of a value of that kind, a table or a set.
    HasKey { keys: Operand, key: Operand, top: u64 },
    /// The least key of a value of that kind, a table or a set; 0 if it has none.
    Least { keys: Operand, top: u64 },
    /// All keys of a value of that kind, a table or a set, as a row.
    All { keys: Operand, top: u64 },
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
            (JetOperation::TableLeastKey, &[keys]) => KeySearch::Least { keys, top: top::TAB },
            (JetOperation::SetLeastKey, &[keys]) => KeySearch::Least { keys, top: top::SET },
            (JetOperation::TableKeysRow, &[keys]) => KeySearch::All { keys, top: top::TAB },
            (JetOperation::SetKeysRow, &[keys]) => KeySearch::All { keys, top: top::SET },
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
        let found = self.found(search, KeyEvaluation::IfNeeded, slowly);
        let value = match search {
            KeySearch::LookUp { .. } => self.force(found),
            _ => found,
        };
        self.emit.jump(done, &[value]);
        self.call_jet_in(slowly, done, jet, args)?;
        Ok(result)
    }

    /// The result of a search, a value that is not evaluated. Continues only if the searched value is
    /// a data jet and the evaluated parts of the key decide.
    pub(super) fn found(
        &mut self,
        search: KeySearch,
        evaluation: KeyEvaluation,
        otherwise: Block,
    ) -> Value {
        let found = match search {
            KeySearch::LookUp { table, key, default } => {
                let key = self.key_in((table, top::TAB), key, evaluation, otherwise);
                let (table, default) = (self.word(table), self.word(default));
                self.emit.call_stub(Stub::LookUp, &[table, key, default])
            }
            KeySearch::Optional { table, key } => {
                let key = self.key_in((table, top::TAB), key, evaluation, otherwise);
                let table = self.word(table);
                self.emit.call_stub(Stub::OptionalItem, &[table, key])
            }
            KeySearch::HasKey { keys, key, top } => {
                let key = self.key_in((keys, top), key, evaluation, otherwise);
                let keys = self.word(keys);
                self.emit.call_stub(Stub::HasKey, &[keys, key])
            }
            KeySearch::Least { keys, top } => {
                return self.of_keys(Stub::LeastKey, (keys, top), otherwise);
            }
            KeySearch::All { keys, top } => {
                return self.of_keys(Stub::KeysRow, (keys, top), otherwise);
            }
        };
        self.guard_decided(found, otherwise);
        found
    }

    /// What a stub returns for the keys of a value. Continues only if that is a data jet with this tag.
    fn of_keys(&mut self, stub: Stub, (keys, tag): (Operand, u64), otherwise: Block) -> Value {
        let keys = self.word(keys);
        let is_data = self.emit.is_top(keys, tag);
        self.emit.guard(is_data, otherwise);
        self.emit.call_stub(stub, &[keys])
    }

    /// A key that is searched for in a value. Continues only if that is a data jet with this tag.
    pub(super) fn key_in(
        &mut self,
        (collection, tag): (Operand, u64),
        key: Operand,
        evaluation: KeyEvaluation,
        otherwise: Block,
    ) -> Value {
        let collection = self.word(collection);
        let is_data = self.emit.is_top(collection, tag);
        self.emit.guard(is_data, otherwise);
        let word = self.word(key);
        if evaluation == KeyEvaluation::Never || self.type_of(key).is(Type::Whnf) {
            return word;
        }
        let (done, result) = self.emit.block_with_param();
        let (thunk, some) = (self.emit.cold_block(), self.emit.cold_block());
        let is_thunk = self.emit.is_thunk(word);
        self.emit.b.ins().brif(is_thunk, thunk, &[], done, &[word.into()]);
        self.emit.switch_to(thunk);
        let count = self.key_count(collection);
        self.emit.b.ins().brif(count, some, &[], done, &[word.into()]);
        self.emit.switch_to(some);
        let evaluated = self.emit.call_stub(Stub::Force, &[word]);
        self.emit.jump(done, &[evaluated]);
        self.emit.switch_to(done);
        result
    }
}
