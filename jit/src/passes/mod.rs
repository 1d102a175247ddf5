//! Passes: transformations of a [`Unit`](crate::ir::Unit); [`optimise`] runs the [`PIPELINE`].
//!
//! A pass takes a unit that the verifier accepts to one that it accepts and that means the same:
//! the same values, and a crash where there was one, though perhaps another crash that the law
//! would meet later. Each pass is correct on its own, so any can be left out ([`OmittedPart`]).
//!
//! ```text
//! simplify    constant folding, common subexpressions, case of known value, case of case through
//!             join points, resolution of known callees
//! inline      simplify, and inlines small functions
//! into_loops  inline, also of functions that only one loop calls
//! strict      simplify, and evaluates eagerly the thunks that are certain to be evaluated
//! eager       simplify, and evaluates eagerly the thunks that are as cheap as their allocation
//!             (cheap eagerness)
//! speculate   simplify, and evaluates eagerly the thunks that are cheap if some values are nats
//!             below 2^63 or words, behind a test of those values
//! version     simplify, and writes code twice behind rows of unknown length: for short rows, and others
//! share       makes the thunks that the items of a row have in common once (full laziness)
//! generate    makes rows of a known function's results in place of calls of the jet
//! fuse        removes generated rows that only one loop or row reads (deforestation)
//! pass_items  workers take the one item that they read of a row, in place of the row
//! deforest    removes lists that one function makes and another reads, cell by cell
//! worker      worker/wrapper split: arguments that are certain to be evaluated are passed evaluated
//! normal      makes values that are normalised in normal form
//! record      function versioning: loops over a record, for rows of one number of items
//! rotate      loop inversion of loops whose state is a row
//! unpack      product unboxing: workers take the items of rows that their callers make
//! specialise  copies functions for known function arguments
//! results     constructed product result (CPR): workers return the items of the row they end with
//! turn        loop peeling: code of its own for the first turn, where later ones get values of narrower types
//! narrow      type inference for parameters and results from all that is passed
//! induction   narrow, and evaluates the thunks that are cheap for the inferred types
//! small       function versioning: variants of workers for nats below 2^63, and for words
//! captures    thunks capture the items that they read of a row, in place of the row
//! arguments   thunks of an edit capture the objects that are its arguments
//! look_ups    thunks capture what they look up in a table that is edited, in place of the table
//! peel        partial inlining of the base case of recursive functions
//! fill        writes the loops that fill generated rows
//! float       float-in: moves definitions into the one branch that uses them
//! gather      schedules the reads of a row's items next to each other
//! read_first  schedules the reads of a table, row or set before its edit, which may then be made in place
//! loop        turns self tail calls into jumps
//! attempt     evaluates the thunks whose code dispatches, where it comes to a cheap case (optimistic evaluation)
//! sweep       dead code elimination and renumbering
//!
//! evaluated_results  a part of `worker`: results that all callers evaluate are returned evaluated
//! fold        (rules) primitive operations on known operands
//! slice       (form) the generated row that is another one without its first items
//! literal_captures  a part of `captures`: indices that a thunk captures are built into its code
//! counted_loop (form) a loop that counts its index up and its turns down
//! lazy_entry  makes of an optimised unit the law's lazy entry; not part of the pipeline
//! ```

mod attempt;
mod captures;
mod counted_loop;
mod deforest;
mod delayed_arguments;
mod evaluated_results;
mod fill;
mod first_turn;
mod float_in;
mod fold;
mod fuse;
mod gather;
mod generate;
mod induction;
mod lazy_entry;
mod literal_captures;
mod look_ups;
mod loops;
mod narrow;
mod normal;
mod pass_items;
mod peel;
mod pipeline;
mod read_first;
mod records;
mod results;
mod rotate;
mod share;
mod simplify;
mod slice;
mod small_nats;
mod specialise;
mod sweep;
mod unpack;
mod worker_wrapper;

pub use lazy_entry::make_lazy_entry;
pub use pipeline::{OmittedPart, PIPELINE, Pass, UnknownPass, optimise};
