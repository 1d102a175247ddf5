//! The intermediate representation: a [`Unit`] of functions in A-normal form, with evaluation
//! explicit.
//!
//! A unit is compiled as a whole: one law, the laws it calls if they are small enough, the
//! functions that passes derive from them, and the constants they mention. The IR knows no heap: a
//! constant is an index into the unit's pool plus the facts that passes may use ([`Constant`]); the
//! builder of the unit keeps the values in a table with the same indices. Constant 0 is the law
//! itself, as its body refers to itself (the pin around the law, if it is pinned).
//!
//! A-normal form: Flanagan, Sabry, Duba, Felleisen, "The Essence of Compiling with Continuations"
//! (PLDI 1993). Join points: Maurer, Downen, Ariola, Peyton Jones, "Compiling without
//! Continuations" (PLDI 2017).
//!
//! # Functions
//!
//! ```text
//! general  a law's entry: `arity` parameters of type `any`, one result `whnf`
//! worker   an entry for known callers: parameters and results of any types
//! thunk    the code of a thunk: parameters are its captures, one result `whnf`
//! lazy     the lazy entry of a law, as function 0: parameters of type `any`, one result `any`, the
//!          application of the law, evaluated or not
//! ```
//!
//! Function 0 is the general entry of constant 0 that code outside the unit calls. Callers inside
//! the unit call the function that the constant's `entry` names, which may be another one. For
//! other laws the entries are copies that belong to the unit (`entry f3`); callers outside the unit
//! do not see them.
//!
//! # Values and types
//!
//! Every value is one machine word, a [`vm`] value, except that a variable of type `u64` holds its
//! number unboxed. A type is a static bound on a value. The types form a chain of subtypes, and a
//! conversion to a supertype needs no operation: where a `u64` is used as a value, the code
//! generator boxes it ([`Prim::Box`], `codegen/boxes.rs`).
//!
//! ```text
//! any    perhaps a thunk
//! whnf   in weak head normal form
//! nat    an evaluated nat of any size
//! u64    a nat below 2^64, unboxed: the 64 bits are the number. A thunk captures none, since its
//!        captures are in memory
//! small  a nat below 2^63: the word is the number, boxed or not (a direct nat)
//! half   a nat below 2^32
//! bit    0 or 1
//! ```
//!
//! An operand is a variable (`v7`), a nat literal below 2^63 (`42`, of the least type that holds
//! it) or a constant (`k3`, of type `u64` or `nat` if it is a nat of 2^63 or more, else `whnf`). A
//! variable has one definition in its function and its value never changes. After a thunk is forced
//! its old variable keeps the type `any`.
//!
//! # Blocks
//!
//! The blocks of a function form a tree. A [`Block`] is a list of statements and a [`Terminator`].
//! A definition is in scope in the rest of its block and in the blocks under the block's
//! terminator; the same holds for join points. Blocks nest at most [`DEPTH_LIMIT`] deep, so a walk
//! over the tree may recurse.
//!
//! ```text
//! v3: nat = add v1, v2            an operation; its results, if any, before the `=`
//! v4: whnf, v5: nat = call f1(v3) an operation with several results
//! rec { v6: any = thunk f2(v7) | v7: whnf = partial k1(v6) }
//!                                 values that refer to each other; each is of type `any`
//!                                 (thunk, delay) or `whnf` (partial, row)
//! join j0(v8: nat) { .. }         a join point: code that several blocks below jump to
//! loop j1(v9: nat) { .. }         a join point that may also jump to itself
//! ```
//!
//! # Operations
//!
//! ```text
//! thunk f2(a, ..)      any    allocates a thunk: the code of `f2` with these captures
//! delay g(a, ..)       any    allocates a thunk: the application of `g` to these arguments
//! partial k1(a, ..)    whnf   applies the constant `k1` to fewer arguments than its arity; the
//!                             result has the shape that such a value has (a row, say, if `k1` is
//!                             part of one)
//! row(a, ..)           whnf   allocates a row of at least one item, first item first
//! force a              whnf   evaluates to weak head normal form
//! normalise a          whnf   evaluates to normal form
//! add a, b             ...    a primitive operation, see [`Prim`] for operands and results
//! call k1(a, ..)       whnf   calls a constant's general entry with as many arguments as its arity
//! call worker k1(..)          calls the worker of another unit's law, with that worker's signature
//! call jet k1(..)             calls the native implementation of a law; the declaration of the jet
//!                             gives the result type and the demand on each argument: `any` where
//!                             it is lazy, else `whnf`; where it is `normal` the caller normalises
//!                             the argument first
//! call f1(..)                 calls a general function or worker of this unit
//! apply g(a, ..)       whnf   applies an unknown function to at least one argument; checks the
//!                             arity at run time
//! ```
//!
//! # Terminators
//!
//! ```text
//! return a, ..         returns the function's results
//! enter a              evaluates `a` as a tail call; the function has the one result `whnf`
//! tail <call>          a call of any kind above, as a tail call
//! jump j0(a, ..)       jumps to a join point in scope
//! if c { .. } else { .. }                       branches on a `bit`
//! switch n { 0 { .. } 3 { .. } else { .. } }    branches on a `whnf`; a value that is no nat takes
//!                                               the `else` branch
//! reflect x { pin(p) { .. } law(n, a, b) { .. } app(f, y) { .. } nat(n) { .. } }
//!                      PLAN's operation 1: branches on the kind of the `whnf` `x` and binds its
//!                      parts: the pin's item (`whnf`); the law's name, arity (`nat`) and body
//!                      (`whnf`); the app's function (`whnf`) and last argument (`any`); the nat
//! direct a as v3: small { .. } else { .. }
//!                      branches on whether `a` (`any`) is evaluated and a nat below 2^63, without
//!                      evaluating it; binds that nat. With `v3: u64`: a nat below 2^64
//! closure a { k1(x, y) { .. } else { .. } }
//!                      a speculation guard: branches on whether `a` (`any`) is the constant `k1`
//!                      itself, applied to one value for each name (it may have none), and
//!                      binds those values (`any`). If `a` is not evaluated, or equal to `k1` but
//!                      not the same object, either branch may be taken
//! crash a, b           runs the operation `a` above 4 with `b`, which it normalises first
//! ```
//!
//! # Effects
//!
//! `force`, `normalise`, calls, `enter` and comparisons without a nat operand ([`Prim::is_total`])
//! may crash, exhaust a resource, or diverge. All other operations are total (except that memory
//! may run out), so a pass may delete them when unused and move them freely. A pass may move an
//! operation that is not total to a point from which it is certain to run. That may change which of
//! several crashes happens first, but not whether one happens (Peyton Jones et al., "A semantics
//! for imprecise exceptions", PLDI 1999). Only `try` can tell: it runs an attempt that crashed in
//! compiled code again, interpreted in the law's own order (`vm/src/eval/attempt.rs`).
//!
//! # Files
//!
//! ```text
//! entities    typed indices of variables, blocks, functions, constants; operands
//! types       the chain of types
//! prim        primitive operations
//! op          operations, statements, terminators
//! function    blocks, join points, functions, traversals
//! unit        constants, units, result types
//! arithmetic  jets that compute on nats, as primitive operations
//! print, parse, verify
//! ```

mod arithmetic;
mod entities;
mod function;
mod op;
mod parse;
mod prim;
mod print;
mod types;
mod unit;
mod verify;

#[cfg(test)]
mod tests;

pub(crate) use arithmetic::{GuardedOperation, NatOperation};
pub(crate) use entities::side_table;
pub use entities::{BlockId, ConstantId, FunctionId, JoinId, Operand, Var};
pub use function::{Block, DEPTH_LIMIT, Function, FunctionRole, JoinPoint};
pub use op::{Arm, Call, Callee, Op, Stmt, Terminator};
pub use parse::{IrParseError, parse};
pub use prim::Prim;
pub use types::Type;
pub use unit::{
    Constant, ConstantKind, JetSignature, LIMBS_LIMIT, ROW_ITEMS_LIMIT, Unit, WorkerSignature,
};
pub use verify::{VerifyError, verify};
/// How far a caller evaluates a jet's argument, and what a jet computes.
pub use vm::jet::{ArgDemand, JetOperation};
