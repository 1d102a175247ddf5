//! The values of cheap thunks, for compiled code that was written for evaluated values.
//!
//! Compiled code computes a value at once if the values that it depends on are evaluated, and makes a thunk
//! otherwise. A thunk that the interpreter made before there was compiled code would so make thunks of all that
//! depends on it: the items of a row, those of the next row, and so on. So compiled code asks for the thunk's
//! value first, which the interpreter finds [cheaply](crate::eval) or not at all. A thunk of compiled code may have become
//! cheap since it was made.

use super::helper_result::HelperResult;
use crate::vm::Vm;
use plan::raw::Word;

/// The value of a thunk if that is cheap, else the thunk.
pub(super) fn cheap_value(vm: &mut Vm, word: u64) -> HelperResult {
    if !vm.heap.host.native.cheap_attempts.is_due() {
        return Ok(word);
    }
    let (value, instructions) = vm.cheap_value(Word::from_bits(word))?;
    vm.heap.host.native.cheap_attempts.note(instructions, !value.is_thunk());
    Ok(value.raw())
}
