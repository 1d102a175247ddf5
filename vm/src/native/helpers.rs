//! Rust functions that compiled code calls.
//!
//! Each gets the `Vm` from the context register. Words that compiled code hands over are pushed on
//! the evaluation stack before anything can collect. A helper that cannot give a result notes why and
//! returns [`UNWOUND`]; nothing unwinds out of it.
//!
//! # Safety
//!
//! The invariant: *a helper is called by a stub, with the context register and words that are live*.
//! So its `Vm` is the one that entered compiled code, whose borrow of it lies dormant until `enter`
//! returns; and argument blocks hold as many words as the stub says.

use super::nats::NatOp;
use super::state::ExitReason;
use super::{PENDING, UNWOUND, switch};
use crate::vm::{Call, Vm};
use plan::EvalError;
use plan::raw::{DIRECT_LIMIT, Kind, Layout, Word, cast, shape};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What compiled code may call. All but the last get the `Vm` first; a *block* is the address of words
/// and, as another parameter, how many follow the first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(usize)]
pub enum Helper {
    /// `(thunk)`: its value.
    Force,
    /// `(word)`: its normal form.
    Normalise,
    /// `(block)`: the value of the first word called with the others.
    Call,
    /// `(block)`: leaves that call on the evaluation stack. [`PENDING`].
    Leave,
    /// `(block)`: the application of the first word to the others, not evaluated.
    Apply,
    /// `(block)`: the value of a jet's pin called with the others, which are evaluated as the jet
    /// demands.
    Jet,
    /// `(block)`: the row of all the words, the first being its first item.
    Row,
    /// `(words)`: collects so that there is room for so many words. 0.
    Room,
    /// `()`: why the stack pointer, or the interrupt flag, is beyond the limit. Always [`UNWOUND`].
    Limit,
    /// `(value)`: takes it apart into the words at [`PARTS`](super::offset::PARTS). 0 for a pin (its
    /// item), 1 for a law (name, arity, body), 2 for an app (function, last argument), 3 for a nat.
    Parts,
    /// `(value)`: which of those it is.
    Kind,
    /// `(value)`: how many arguments it takes; 2^63 - 1 if that or more.
    Arity,
    /// `(row, index)`, both evaluated: the item of the row, or of any app seen as one, as it lies there;
    /// 0 if there is none.
    Item,
    /// `(operation, a, b)`: what a [`NatOp`](super::NatOp), by its number, makes of nats.
    Nat,
    /// `(object, index, value)`: writes a value into an object that may be old. 0.
    Store,
    /// `(word)`, that at [`UNWOUND`](super::offset::UNWIND_STACK_POINTER): cuts compiled code off. Does not return.
    Unwind,
}

impl Helper {
    /// All, by number.
    pub const ALL: [Helper; 16] = [
        Helper::Force,
        Helper::Normalise,
        Helper::Call,
        Helper::Leave,
        Helper::Apply,
        Helper::Jet,
        Helper::Row,
        Helper::Room,
        Helper::Limit,
        Helper::Parts,
        Helper::Kind,
        Helper::Arity,
        Helper::Item,
        Helper::Nat,
        Helper::Store,
        Helper::Unwind,
    ];

    /// The address of the function.
    pub fn address(self) -> usize {
        match self {
            Helper::Force => force as extern "C" fn(_, _) -> u64 as usize,
            Helper::Normalise => normalise as extern "C" fn(_, _) -> u64 as usize,
            Helper::Call => call as extern "C" fn(_, _, _) -> u64 as usize,
            Helper::Leave => leave as extern "C" fn(_, _, _) -> u64 as usize,
            Helper::Apply => apply as extern "C" fn(_, _, _) -> u64 as usize,
            Helper::Jet => jet as extern "C" fn(_, _, _) -> u64 as usize,
            Helper::Row => row as extern "C" fn(_, _, _) -> u64 as usize,
            Helper::Room => room as extern "C" fn(_, _) -> u64 as usize,
            Helper::Limit => limit as extern "C" fn(_) -> u64 as usize,
            Helper::Parts => parts as extern "C" fn(_, _) -> u64 as usize,
            Helper::Kind => kind as extern "C" fn(_, _) -> u64 as usize,
            Helper::Arity => arity as extern "C" fn(_, _) -> u64 as usize,
            Helper::Item => item as extern "C" fn(_, _, _) -> u64 as usize,
            Helper::Nat => nat as extern "C" fn(_, _, _, _) -> u64 as usize,
            Helper::Store => store as extern "C" fn(_, _, _, _) -> u64 as usize,
            Helper::Unwind => switch::unwind as unsafe extern "C" fn(usize) -> ! as usize,
        }
    }
}

/// Does what compiled code asks for.
#[inline(always)]
fn serve(vm: *mut Vm, work: impl FnOnce(&mut Vm) -> Result<u64, EvalError>) -> u64 {
    // SAFETY: by the module's invariant.
    let vm = unsafe { &mut *vm };
    let end = match catch_unwind(AssertUnwindSafe(|| work(vm))) {
        Ok(Ok(bits)) => return bits,
        Ok(Err(stop)) => ExitReason::Error(stop),
        Err(panic) => ExitReason::Panic(panic),
    };
    vm.heap.host.native.exit_reason = Some(end);
    UNWOUND
}

/// Pushes a block.
#[inline(always)]
fn push_block(vm: &mut Vm, block: *const u64, count: usize) -> Result<(), EvalError> {
    if !vm.heap.stack.has_room(count + 64) {
        return Err(EvalError::StackOverflow);
    }
    for index in 0..=count {
        // SAFETY: by the module's invariant the block has `count + 1` words.
        let bits = unsafe { block.add(index).read() };
        vm.heap.stack.push(Word::from_bits(bits));
    }
    Ok(())
}

extern "C" fn force(vm: *mut Vm, word: u64) -> u64 {
    serve(vm, |vm| {
        let word = vm.heap.resolve(Word::from_bits(word));
        if !word.is_thunk() {
            return Ok(word.raw());
        }
        vm.run(word, false).map(Word::raw)
    })
}

extern "C" fn normalise(vm: *mut Vm, word: u64) -> u64 {
    serve(vm, |vm| {
        let word = vm.heap.resolve(Word::from_bits(word));
        if vm.heap.is_normal(word) {
            return Ok(word.raw());
        }
        vm.run(word, true).map(Word::raw)
    })
}

extern "C" fn call(vm: *mut Vm, block: *const u64, count: usize) -> u64 {
    serve(vm, |vm| vm.run_call(|vm| push_block(vm, block, count)).map(Word::raw))
}

extern "C" fn leave(vm: *mut Vm, block: *const u64, count: usize) -> u64 {
    serve(vm, |vm| {
        push_block(vm, block, count)?;
        vm.heap.host.native.parts[0] = (vm.heap.stack.top() - count - 1) as u64;
        Ok(PENDING)
    })
}

extern "C" fn apply(vm: *mut Vm, block: *const u64, count: usize) -> u64 {
    serve(vm, |vm| {
        push_block(vm, block, count)?;
        shape::apply_lazily(&mut vm.heap, count)?;
        Ok(vm.heap.stack.pop().raw())
    })
}

extern "C" fn jet(vm: *mut Vm, block: *const u64, count: usize) -> u64 {
    serve(vm, |vm| {
        push_block(vm, block, count)?;
        vm.run_jet(count).map(Word::raw)
    })
}

extern "C" fn row(vm: *mut Vm, block: *const u64, count: usize) -> u64 {
    serve(vm, |vm| {
        push_block(vm, block, count)?;
        vm.heap.reserve(2 + count)?;
        let row = vm.heap.allocate_popped(Layout::Row, 0, 1 + count);
        Ok(row.raw())
    })
}

extern "C" fn room(vm: *mut Vm, words: usize) -> u64 {
    serve(vm, |vm| {
        vm.heap.interrupt.check()?;
        vm.heap.make_room(words)?;
        Ok(0)
    })
}

extern "C" fn limit(vm: *mut Vm) -> u64 {
    serve(vm, |vm| Err(vm.limit_error()))
}

extern "C" fn parts(vm: *mut Vm, word: u64) -> u64 {
    serve(vm, |vm| {
        vm.heap.stack.push(Word::from_bits(word));
        vm.native_parts()
    })
}

extern "C" fn kind(vm: *mut Vm, word: u64) -> u64 {
    serve(vm, |vm| {
        let word = Word::from_bits(word);
        Ok(match word.kind() {
            Kind::Nat | Kind::Big => 3,
            Kind::Pin => 0,
            Kind::App | Kind::Tab => 2,
            Kind::Row if vm.heap.size(word) > 0 => 2,
            _ => 1,
        })
    })
}

extern "C" fn arity(vm: *mut Vm, word: u64) -> u64 {
    serve(vm, |vm| {
        let arity = shape::arity(&vm.heap, Word::from_bits(word));
        Ok(arity.min(DIRECT_LIMIT - 1))
    })
}

extern "C" fn item(vm: *mut Vm, row: u64, index: u64) -> u64 {
    serve(vm, |vm| {
        // As the jets do: what is no nat counts as 0, and no row has as many items as a large one.
        let index = cast(&vm.heap, Word::from_bits(index)).to_u64().unwrap_or(u64::MAX);
        let place = vm.heap.stack.top();
        vm.heap.stack.push(Word::from_bits(row));
        let mut call = Call { vm, base: place };
        let count = call.arg_count(0) as u64;
        if index >= count {
            vm.heap.stack.truncate(place);
            return Ok(0);
        }
        // The arguments of an app are its items, the last one first.
        call.push_arg(0, (count - 1 - index) as usize)?;
        let item = vm.heap.stack.pop();
        vm.heap.stack.truncate(place);
        Ok(vm.heap.resolve(item).raw())
    })
}

extern "C" fn nat(vm: *mut Vm, operation: usize, a: u64, b: u64) -> u64 {
    let (a, b) = (Word::from_bits(a), Word::from_bits(b));
    serve(vm, |vm| NatOp::ALL[operation].compute(vm, a, b).map(Word::raw))
}

extern "C" fn store(vm: *mut Vm, object: u64, index: usize, value: u64) -> u64 {
    serve(vm, |vm| {
        vm.heap.store(Word::from_bits(object), index, Word::from_bits(value));
        Ok(0)
    })
}

impl Vm {
    /// Where the call begins that compiled code left on the evaluation stack.
    pub(crate) fn pending_call(&self) -> usize {
        self.heap.host.native.parts[0] as usize
    }

    /// Keeps up to three words that compiled code takes over at once.
    pub(crate) fn set_parts(&mut self, words: &[Word]) {
        for (part, word) in self.heap.host.native.parts.iter_mut().zip(words) {
            *part = word.raw();
        }
    }
}
