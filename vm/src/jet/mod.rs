//! The interface for native implementations of laws.
//!
//! A *jet* is declared once ([`Jet`]): its name, its arity, how far it needs each argument
//! evaluated, and its code. The evaluator finds the jet of a pinned law by the law's hash,
//! evaluates the arguments as far as the jet demands, and calls the jet with them on the stack
//! ([`JetCall`]). A jet may answer that it does not handle these arguments; then the law itself
//! runs.
//!
//! A law's name never selects a jet. [`JetTable::on_mismatch`] reports laws that have the name of a
//! known law but another hash.
//!
//! ```text
//! call  parts  numbers  apply   the methods of Call: stack, PLAN's shapes, arithmetic, application
//! watch                         counting calls, fallback policy
//! table                         the jets of a runtime
//! index                         jets by hash
//! counts                        call counters, fallback policies
//! declare                       declarations
//! short_key                     which keys of searches are cheap to compare
//! ```

mod apply;
mod call;
mod compare;
mod counts;
pub(crate) mod declare;
mod index;
mod numbers;
mod parts;
mod short_key;
pub(crate) mod table;
mod tables;
mod watch;

pub use apply::CheapFunction;
pub use compare::PartialComparison;
pub use counts::CallCounts;
pub use declare::{
    ArgDemand, CheapCondition, ControlForm, CrashCondition, JetAnswer, JetCode, JetDeclaration,
    JetOperation, ResultShape, WordOperation,
};
/// Which nodes an edit of a row, set or table may change in place.
pub use plan::raw::tree::edit::EditMode;
pub(crate) use short_key::is_short_key;
pub use table::GenericJetTable;
pub use tables::EntryWalk;

pub use crate::vm::{JetCall, NativeJet};

/// The declaration of a jet.
pub type Jet = JetDeclaration<NativeJet>;

/// The jets of a runtime, found by the hash of the law that each implements.
pub type JetTable = GenericJetTable<NativeJet>;
