//! From the IR to machine code, through Cranelift.
//!
//! [`compile`] translates the functions of a unit to Cranelift's IR, has them compiled, and returns
//! [`CompiledFunction`]s, which the runtime links.
//!
//! ```text
//! error        why a unit gets no code
//! symbol       what code refers to by name
//! function     compiled functions, as data
//! emitter      writing one function in Cranelift's IR
//! backend      Cranelift, configured for this machine
//! constants    constants after Cranelift's optimisation
//! environment  facts about the constants of a unit
//! boxes        where numbers are boxed
//! bounds uses liveness live_sets ownership  facts about the variables of a function
//! delayed      thunks of one search or edit
//! translator   the state of translating one function
//!   saved      what calls on rare paths save
//!   alloc      thunks, applications, rows
//!   arithmetic words64   primitive operations
//!   items      reading rows and bars
//!   key_search searches for keys of tables and sets
//!   set_operation  sets of one key, unions, differences
//!   collection_edit  insertion into tables and sets
//!   constant_equality  equality with a constant row or nat
//!   delayed_call  thunks of one search or edit, made at once
//!   known_rows row_set  headers of rows that were read before
//!   row_edit   replacement of an item of a row
//!   calls      calls
//!   closure    guards on functions
//!   terminators blocks   the blocks of a function
//! unit         all functions of a unit
//! ```
//!
//! A variable of the IR is a value of Cranelift's. Values that may point into the heap are declared
//! to Cranelift, which keeps them in stack slots during calls and says in stack maps where. An
//! address without its tag is never held across a call.

mod alloc;
mod arithmetic;
mod backend;
mod blocks;
mod bounds;
mod boxes;
mod calls;
mod closure;
mod collection_edit;
mod constant_equality;
mod constants;
mod delayed;
mod delayed_call;
mod emitter;
mod environment;
mod error;
mod fill;
mod function;
mod items;
mod key_search;
mod known_rows;
mod live_sets;
mod liveness;
mod ownership;
mod row_edit;
mod row_set;
mod saved;
mod set_operation;
mod symbol;
mod terminators;
mod translator;
mod unit;
mod uses;
mod words64;

pub use self::backend::{Backend, Listing};
pub use self::environment::{ConstantFacts, UnitEnvironment};
pub use self::error::CompileError;
pub use self::function::{CompiledFunction, Relocation, StackMap};
pub use self::symbol::{LinkSymbol, Stub};
pub use self::unit::{compile, print_clif};

pub(crate) use self::emitter::{FunctionEmitter, tail_signature, trusted};
