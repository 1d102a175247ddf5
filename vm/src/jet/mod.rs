//! The door through which native twins of laws come in.
//!
//! A jet is declared once ([`Jet`]): name, arity, what it needs of its arguments, and the code. The
//! evaluator finds the jet of a pinned law by the law's hash, evaluates the arguments as far as the
//! jet demands, and calls it with them on the stack ([`Call`]). A jet may answer that it does not
//! handle these arguments; then the law itself runs.
//!
//! A law is never taken for a jet's because of its name. Whoever wants to know of laws that have only
//! the name asks for it: [`JetTable::on_mismatch`].

mod apply;
mod call;
pub(crate) mod declare;
mod index;
mod numbers;
mod parts;
pub(crate) mod table;
mod watch;

pub use apply::CheapFunction;
pub use declare::{
    Answer, Cheap, Connective, Control, Crashes, Demand, JetCode, JetDeclaration, Operation,
    ResultShape, WordOperation,
};
pub use table::GenericJetTable;
pub use watch::CallCounts;

pub use crate::vm::{Call, NativeJet};

/// The declaration of a jet.
pub type Jet = JetDeclaration<NativeJet>;

/// The jets that a runtime knows, found by the hash of the law they stand for.
pub type JetTable = GenericJetTable<NativeJet>;
